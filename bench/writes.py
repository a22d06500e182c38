"""How much the broker writes to the disk for each message, at 1 to 1,000 messages a second. No pass, no fail.

What the kernel counts for the broker's process (`write_bytes` in /proc/PID/io) while messages come at an even rate, then what
a checkpoint writes that brings them from the log into the database. The checkpoint is due only every few thousand commits,
so at low rates its column says too much. The state directory has to be on a real disk, not on a tmpfs.

`write_bytes` counts whole blocks of 4 KiB, as the page cache does, but not the file system's own journal. The column "device"
has that too: all that the block device of the directory took, with how many writes and flushes. It means something only where
nobody else writes there, as on a loop device: `truncate -s 1G disk; mkfs.ext4 disk; mount -o loop disk DIR`.

    python bench/writes.py [--folder DIR] [--seconds N] [--rates 1,10,100,1000] [--modes safe,relaxed]
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
from run import METHOD, REPLY, STORE, TUTORIAL, free_port

STORE_AND_SLACK = STORE.replace("import on, store", "import on, slack, store").replace(
    "    return", '    slack.send(f"{reading} and the temperature of the sensor")\n    return'
)
TWO_FIELDS = '{"temp": float(reading["temp"]), "hum": float(reading["hum"])}'
CASES = {
    "reply": REPLY,
    "store, 2 values": STORE.replace('{"temp": float(reading["temp"])}, tags', f"{TWO_FIELDS}, tags"),
    "store and slack": STORE_AND_SLACK,
}

#: Messages beforehand: the log has its full length then, as it has for all but the first minutes of a broker's life. While a
#: file grows, each sync writes the file system's journal too.
WARM = 2_000


class Slack(BaseHTTPRequestHandler):
    """Takes everything."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running(folder: Path, source: str, mode: str, slack: str) -> Iterator[tuple[int, int]]:
    """A broker: its process id and port."""
    hooks = folder / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "hook.py").write_text(source)
    port = free_port()
    environment = {**os.environ, "KRAKENB_DURABILITY": mode, "KRAKENB_SLACK_URL": slack}
    command = [sys.executable, "-m", "kraken_hooks", "run", "--hooks", str(hooks), "--state-dir", str(folder / "state")]
    process = subprocess.Popen(
        [*command, "--host", f"127.0.0.1:{port}"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            grpc.channel_ready_future(channel).result(30)
            for _ in range(10):
                channel.unary_unary(METHOD)(TUTORIAL.SerializeToString(), timeout=10)
        yield process.pid, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def written(pid: int | str) -> int:
    """Bytes that a process has sent to the disk."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


@dataclass(frozen=True)
class Device:
    """What a block device has taken so far: bytes, writes, flushes."""

    bytes: int
    writes: int
    flushes: int

    def since(self, before: Device, messages: int) -> str:
        """For each message, as columns."""
        return (
            f"{(self.bytes - before.bytes) / messages:10.0f}{(self.writes - before.writes) / messages:8.2f}"
            f"{(self.flushes - before.flushes) / messages:9.2f}"
        )


def device_of(folder: Path) -> Device:
    """Of the device that the folder is on; zeros where it is on none."""
    number = folder.stat().st_dev
    statistics = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/stat")
    if not statistics.exists():
        return Device(0, 0, 0)
    fields = [int(field) for field in statistics.read_text().split()]  # linux: Documentation/block/stat.rst
    return Device(fields[6] * 512, fields[4], fields[15])


def send(port: int, rate: float, seconds: float) -> tuple[int, float]:
    """Messages at an even rate. How many, and the median time to the answer in milliseconds."""
    took: list[float] = []
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(METHOD)
        request = TUTORIAL.SerializeToString()
        count = max(10, round(rate * seconds))
        waiting = []
        began = time.perf_counter()
        for number in range(count):
            pause = began + number / rate - time.perf_counter()
            if pause > 0:
                time.sleep(pause)
            sent = time.perf_counter()
            future = call.future(request, timeout=30)
            future.add_done_callback(lambda _, sent=sent: took.append(time.perf_counter() - sent))
            waiting.append(future)
        for future in waiting:
            future.result()
    return count, sorted(took)[len(took) // 2] * 1000


def checkpoint(database: Path) -> int:
    """What a checkpoint writes, by this process."""
    before = written("self")
    with closing(sqlite3.connect(database, timeout=20)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return written("self") - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rates", default="1,10,100,1000")
    parser.add_argument("--modes", default="safe,relaxed")
    chosen = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slack)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    slack = f"http://127.0.0.1:{server.server_address[1]}/hook"
    print(f"{'hook':18s}{'durability':12s}{'messages/s':>11s}{'bytes a message':>17s}{'checkpoint':>12s}", end="")
    print(f"{'device':>10s}{'writes':>8s}{'flushes':>9s}{'p50 ms':>8s}")
    for name, source in CASES.items():
        for mode in chosen.modes.split(","):
            for rate in (float(rate) for rate in chosen.rates.split(",")):
                with tempfile.TemporaryDirectory(prefix="kraken-writes-", dir=chosen.folder) as folder:
                    with running(Path(folder), source, mode, slack) as (pid, port):
                        send(port, WARM, 1)
                        checkpoint(Path(folder) / "state" / "kraken.db")
                        before, device = written(pid), device_of(Path(folder))
                        count, p50 = send(port, rate, chosen.seconds)
                        time.sleep(0.2)  # settlements of the last effects
                        log = (written(pid) - before) / count
                        took = device_of(Path(folder)).since(device, count)
                        later = checkpoint(Path(folder) / "state" / "kraken.db") / count
                    print(f"{name:18s}{mode:12s}{rate:11g}{log:17.0f}{later:12.0f}{took}{p50:8.2f}", flush=True)
    server.shutdown()


if __name__ == "__main__":
    main()
