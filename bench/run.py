"""The benchmark: this broker against an empty gRPC server, in one run, in turns, on the same cores.

Load comes from h2load (Debian: nghttp2-client). Every figure is the median of the rounds. Requests a second say little on a
shared machine, and "of empty" is theirs in one round; what holds there too is the processor time that a message costs, in
microseconds, of the broker and of its workers, and how often they are switched to. No pass, no fail.

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
#: After so many messages memory is looked at.
MEMORY_AFTER = 10_000
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Figures:
    rate: float
    p50: float  # milliseconds
    p99: float
    broker: float  # microseconds of processor time a message
    workers: float
    switches: float  # of all of them, a message


@dataclass(frozen=True)
class Used:
    """What processes have used so far: seconds of processor time, and how often they have waited for something."""

    broker: float
    workers: float
    switches: int


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


def load(server: Server, case: Case, requests: int, folder: Path) -> Figures:
    body = folder / "body"
    message = TUTORIAL.SerializeToString()
    body.write_bytes(b"\x00" + len(message).to_bytes(4, "big") + message)
    times = folder / "times"
    times.unlink(missing_ok=True)
    batch = case.connections if case.fresh else requests
    command = [
        *("h2load", "-n", str(batch), "-c", str(case.connections), "-m", "1", "-d", str(body)),
        *("-H", "content-type: application/grpc", "-H", "te: trailers", f"--log-file={times}"),
        f"http://127.0.0.1:{server.port}{METHOD}",
    ]
    before, sent, seconds = used(server), 0, 0.0
    while sent < requests:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        if f"{batch} succeeded" not in ran.stdout:
            sys.exit(f"h2load did not get an answer to every request:\n{ran.stdout}")
        finished = next(line for line in ran.stdout.splitlines() if line.startswith("finished in"))
        seconds += batch / float(finished.split(",")[1].split()[0])
        sent += batch
    after = used(server)
    took = sorted(int(line.split("\t")[2]) / 1000 for line in times.read_text().splitlines())
    return Figures(
        sent / seconds,
        took[len(took) // 2],
        took[int(len(took) * 0.99)],
        (after.broker - before.broker) / sent * 1e6,
        (after.workers - before.workers) / sent * 1e6,
        (after.switches - before.switches) / sent,
    )


def used(server: Server) -> Used:
    workers = descendants(server.process.pid)
    return Used(
        processor_time(server.process.pid),
        sum(map(processor_time, workers)),
        sum(map(switches, (server.process.pid, *workers))),
    )


def processor_time(pid: int) -> float:
    """Seconds, of all threads, in the program and in the system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def switches(pid: int) -> int:
    """How often the threads of a process have waited."""
    found = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        found += next(
            int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("voluntary_ctxt")
        )
    return found


def descendants(pid: int) -> list[int]:
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *descendants(int(child))]
    return found


def memory(pid: int) -> dict[str, float]:
    """In MB: resident, of which shared with other processes in fair parts, and its own alone."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 / 1e6 for line in lines}
    return {
        "resident": sizes["Rss"],
        "fair share": sizes["Pss"],
        "its own": sizes["Private_Clean"] + sizes["Private_Dirty"],
    }


def report_memory(server: Server) -> None:
    print(f"\nMemory after {MEMORY_AFTER:,} messages, broker «{server.name}», MB:")
    for pid in (server.process.pid, *descendants(server.process.pid)):
        name = "broker" if pid == server.process.pid else Path(f"/proc/{pid}/comm").read_text().strip()
        print(f"  {name:14s}" + "".join(f"{size:9.1f} {what}" for what, size in memory(pid).items()))


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
        load(servers[2], CASES[1], MEMORY_AFTER, folder)
        report_memory(servers[2])
        print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; ", end="")
        print(f"{chosen.rounds} rounds of {chosen.requests} requests; medians\n")
        print(
            f"{'in flight':16s}{'server':18s}{'requests/s':>11s}{'p50 ms':>9s}{'p99 ms':>9s}{'of empty':>10s}", end=""
        )
        print(f"{'broker µs':>11s}{'workers µs':>12s}{'switches':>10s}")
        for case in CASES:
            figures: dict[str, list[Figures]] = {server.name: [] for server in servers}
            requests = chosen.requests if case.connections in (16, 64) else chosen.requests // 4
            for _ in range(chosen.rounds):
                for server in servers:
                    figures[server.name].append(load(server, case, requests, folder))
            empty = figures["empty server"]
            for name, rounds in figures.items():
                ratio = statistics.median(one.rate / nothing.rate for one, nothing in zip(rounds, empty, strict=True))
                print(
                    f"{case.name:16s}{name:18s}{median(rounds, 'rate'):11.0f}{median(rounds, 'p50'):9.2f}"
                    f"{median(rounds, 'p99'):9.2f}{ratio:10.2f}{median(rounds, 'broker'):11.0f}"
                    f"{median(rounds, 'workers'):12.0f}{median(rounds, 'switches'):10.2f}",
                    flush=True,
                )
        for server in servers[1:]:
            print(f"\n«{server.name}»: start to ready {server.seconds_to_ready:.2f} s", end="")
        print()
        report_reload(servers[1], chosen.rounds)


def median(rounds: list[Figures], name: str) -> float:
    return statistics.median(getattr(figures, name) for figures in rounds)


if __name__ == "__main__":
    main()
