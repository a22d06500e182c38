"""The benchmark: this broker against an empty gRPC server, in one run, in turns, on the same cores.

Load comes from h2load (Debian: nghttp2-client). Every figure is the median of the rounds; absolute figures say little on
a shared machine, the column "of empty" is the one to read. No pass, no fail.

    python bench/run.py [--rounds N] [--requests N]
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from kraken_hooks.server.kraken_pb2 import KrakenRequest, KrakenResponse

METHOD = "/kraken.KrakenService/ProcessKrakenRequest"
TUTORIAL = KrakenRequest(
    collector_name="webhook",
    content_type="application/json",
    metadata="{}",
    payload=b'{"hum":"52.4","id":"101","name":"env-sensor","temp":"25.6"}',
)

REPLY = """
from kraken_hooks import on

@on(collector="webhook")
def reply(msg):
    return {"temp": float(msg.json["temp"])}
"""
STORE = """
from kraken_hooks import on, store

@on(collector="webhook")
def keep(msg):
    reading = msg.json
    store.write("env", fields={"temp": float(reading["temp"])}, tags={"id": reading["id"]})
    return {"temp": float(reading["temp"])}
"""
MANY = "from kraken_hooks import on\n" + "".join(
    f'\n@on(collector="device-{number}")\ndef hook_{number}(msg):\n    return "{number}"\n' for number in range(999)
)


@dataclass(frozen=True)
class Case:
    """One way to load a server: connections held open with one message in flight on each, or a new one per message."""

    name: str
    connections: int
    fresh: bool = False


CASES = (Case("1", 1), Case("16", 16), Case("64", 64), Case("new connection", 200, fresh=True))


@dataclass(frozen=True)
class Figures:
    rate: float
    p50: float  # milliseconds
    p99: float


@dataclass
class Server:
    name: str
    port: int
    process: subprocess.Popen[bytes]
    seconds_to_ready: float
    hooks: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(name: str, command: list[str], port: int, hooks: Path, log: Path) -> Iterator[Server]:
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        while b"ready" not in log.read_bytes():
            if process.poll() is not None or time.perf_counter() - began > 60:
                sys.exit(f"{name} did not start:\n{log.read_text()}")
            time.sleep(0.01)  # polling a child's log, with the deadline above
        yield Server(name, port, process, time.perf_counter() - began, hooks)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def broker(stack: ExitStack, name: str, folder: Path, files: dict[str, str]) -> Server:
    hooks = folder / name / "hooks"
    hooks.mkdir(parents=True)
    for file, source in files.items():
        (hooks / file).write_text(source)
    port = free_port()
    command = [
        *(sys.executable, "-m", "kraken_hooks", "run", "--hooks", str(hooks)),
        *("--state-dir", str(folder / name / "state"), "--host", f"127.0.0.1:{port}"),
    ]
    return stack.enter_context(running(name, command, port, hooks, folder / name / "log"))


def call(port: int) -> KrakenResponse:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        answer = channel.unary_unary(METHOD)(TUTORIAL.SerializeToString(), timeout=10)
        return KrakenResponse.FromString(answer)


def load(port: int, case: Case, requests: int, folder: Path) -> Figures:
    body = folder / "body"
    message = TUTORIAL.SerializeToString()
    body.write_bytes(b"\x00" + len(message).to_bytes(4, "big") + message)
    times = folder / "times"
    times.unlink(missing_ok=True)
    if case.fresh:
        requests = case.connections
    command = [
        *("h2load", "-n", str(requests), "-c", str(case.connections), "-m", "1", "-d", str(body)),
        *("-H", "content-type: application/grpc", "-H", "te: trailers", f"--log-file={times}"),
        f"http://127.0.0.1:{port}{METHOD}",
    ]
    began = time.perf_counter()
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    seconds = time.perf_counter() - began
    if f"{requests} succeeded" not in ran.stdout:
        sys.exit(f"h2load did not get an answer to every request:\n{ran.stdout}")
    took = sorted(int(line.split("\t")[2]) / 1000 for line in times.read_text().splitlines())
    finished = next(line for line in ran.stdout.splitlines() if line.startswith("finished in"))
    rate = float(finished.split(",")[1].split()[0]) if not case.fresh else requests / seconds
    return Figures(rate, took[len(took) // 2], took[int(len(took) * 0.99)])


def resident(pid: int) -> float:
    """Resident memory in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def descendants(pid: int) -> list[int]:
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *descendants(int(child))]
    return found


def report_memory(server: Server) -> None:
    print(f"\nResident memory after the load, broker «{server.name}»:")
    print(f"  broker  {resident(server.process.pid):6.1f} MB")
    for child in descendants(server.process.pid):
        print(f"  {Path(f'/proc/{child}/comm').read_text().strip():14s}{resident(child):6.1f} MB")


def report_reload(server: Server, rounds: int) -> None:
    took = []
    file = next(server.hooks.glob("*.py"))
    for number in range(rounds):
        marker = f"reload {number}"
        fresh = file.with_suffix(".new")
        fresh.write_text(REPLY.replace('{"temp": float(msg.json["temp"])}', repr(marker)))
        began = time.perf_counter()
        fresh.rename(file)
        while call(server.port).payload != marker.encode():
            if time.perf_counter() - began > 20:
                sys.exit("the new version never ran")
        took.append(time.perf_counter() - began)
    print(f"\nFile saved to new version running: {statistics.median(took) * 1000:.0f} ms (median of {rounds})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=8000)
    chosen = parser.parse_args()
    if shutil.which("h2load") is None:
        sys.exit("h2load is missing: apt-get install nghttp2-client")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kraken-bench-")))
        port = free_port()
        command = [sys.executable, str(Path(__file__).parent / "empty_server.py"), f"127.0.0.1:{port}"]
        servers = [
            stack.enter_context(running("empty server", command, port, folder, folder / "empty.log")),
            broker(stack, "one hook", folder, {"reply.py": REPLY}),
            broker(stack, "one hook, store", folder, {"store.py": STORE}),
            broker(stack, "1,000 hooks", folder, {"many.py": MANY, "reply.py": REPLY}),
        ]
        for server in servers[1:]:
            assert b"25.6" in call(server.port).payload
        print(f"{os.cpu_count()} cores; {chosen.rounds} rounds of {chosen.requests} requests; medians\n")
        print(f"{'in flight':16s}{'server':18s}{'requests/s':>11s}{'p50 ms':>9s}{'p99 ms':>9s}{'of empty':>10s}")
        for case in CASES:
            figures: dict[str, list[Figures]] = {server.name: [] for server in servers}
            requests = chosen.requests if case.connections > 1 else chosen.requests // 4
            for _ in range(chosen.rounds):
                for server in servers:
                    figures[server.name].append(load(server.port, case, requests, folder))
            empty = figures["empty server"]
            for name, rounds in figures.items():
                ratio = statistics.median(one.rate / nothing.rate for one, nothing in zip(rounds, empty, strict=True))
                print(
                    f"{case.name:16s}{name:18s}{statistics.median(one.rate for one in rounds):11.0f}"
                    f"{statistics.median(one.p50 for one in rounds):9.2f}{statistics.median(one.p99 for one in rounds):9.2f}"
                    f"{ratio:10.2f}"
                )
        for server in servers[1:]:
            print(f"\n«{server.name}»: start to ready {server.seconds_to_ready:.2f} s", end="")
        print()
        report_memory(servers[2])
        report_reload(servers[1], chosen.rounds)


if __name__ == "__main__":
    main()
