"""How fast 100,000 effects leave that have waited for long: messages of the inbox into the store, the outbox into Redis.

As after a long outage: the database is filled first, then a broker is started on it, and what is left of the backlog at its
`broker.ready` is timed until it is gone. Beside it, in the same run and on the same disk, a plain loop that inserts as many rows
into an SQLite database of the same settings, one commit for each row and one for 256. The memory is the most that the broker
had meanwhile, less what it had when it was ready. That all arrived once and in order is checked; how fast is not.

    python bench/backlog.py [--folder DIR] [--waiting N]
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import redis
from run import free_port, memory, running

from kraken_hooks.message import Message
from kraken_hooks.outbox.base import Transaction
from kraken_hooks.outbox.sqlite import SqliteOutbox
from kraken_hooks.outcome import Effect, QueuedEffect

#: The hook counts its runs: what it stores is 0 everywhere where all ran once and in the order of arrival. `EACH` is replaced.
KEEP = """
from kraken_hooks import on, state, store

@on(collector="load")
def keep(msg):
    late = msg.json["n"] - state.incr("runs") + 1
    for place in range(EACH):
        store.write("load", {"late": late}, {"place": str(place)})
"""
#: Transactions of one commit while the database is filled.
PORTION = 10_000
#: Longest wait, seconds.
PATIENCE = 600.0


def message(number: int) -> Transaction:
    """A message that was acknowledged and has not run."""
    seq = 1_700_000_000_000_000_000 + number
    payload = b'{"n":%d,"id":"101","name":"env-sensor","temp":"25.6"}' % number
    sent = Message(seq, f"{seq:016x}{0:08x}", "collector", "load", "application/json", "{}", payload, seq)
    return Transaction(accept=sent, pending={"keep.py": ["keep.py:keep"]})


def push(number: int) -> Transaction:
    """An effect that was committed and has not been delivered."""
    effect = Effect("redis", "rpush", {"key": "arrived", "values": [str(number)]})
    queued = QueuedEffect(number + 1, f"m{number}/load.py:load/0", "load.py:load", f"m{number}", 0, effect)
    return Transaction(effects=[queued])


def fill(state: Path, make: Callable[[int], Transaction], count: int) -> None:
    state.mkdir(parents=True)
    with closing(SqliteOutbox(state / "kraken.db")) as outbox:
        for start in range(0, count, PORTION):
            outbox.commit([make(number) for number in range(start, min(start + PORTION, count))])


def plain(folder: Path, count: int, rows: int) -> float:
    """Rows a second of a loop that inserts and commits, so many rows at a time."""
    with closing(sqlite3.connect(folder / f"plain-{rows}.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE points (at INTEGER, name TEXT, value)")
        began = time.perf_counter()
        for start in range(0, count, rows):
            connection.execute("BEGIN")
            for number in range(start, min(start + rows, count)):
                connection.execute("INSERT INTO points VALUES (?, ?, ?)", (number, "load", number))
            connection.execute("COMMIT")
        return count / (time.perf_counter() - began)


@contextmanager
def redis_server(folder: Path) -> Iterator[redis.Redis]:
    port = free_port()
    folder.mkdir()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--appendonly", "yes"]
    process = subprocess.Popen([*command, "--save", ""], stdout=subprocess.DEVNULL)
    with closing(redis.Redis(port=port)) as client:
        try:
            wait_until(lambda: answers(client), "redis-server")
            yield client
        finally:
            process.terminate()
            process.wait(20)


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"waited {PATIENCE:g} s in vain for {what}")
        time.sleep(0.01)  # polling, with the deadline above


def work_off(folder: Path, table: str, hook: str, environment: dict[str, str]) -> tuple[float, float]:
    """Start a broker on a backlog. Rows of the table that leave in a second, and MB of memory that it took."""
    hooks, port = folder / "hooks", free_port()
    hooks.mkdir()
    (hooks / "keep.py").write_text(hook)
    command = [sys.executable, "-m", "kraken_hooks", "run", "--hooks", str(hooks), "--state-dir", str(folder / "state")]
    os.environ.update(environment)  # which the broker inherits
    with (
        running("broker", [*command, "--host", f"127.0.0.1:{port}"], port, hooks, folder / "log") as broker,
        closing(
            sqlite3.connect(f"{(folder / 'state' / 'kraken.db').as_uri()}?mode=ro", uri=True, timeout=20)
        ) as reader,
    ):
        before = most = memory(broker.process.pid)["resident"]
        (waiting,) = reader.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  # one of our own tables
        began = time.perf_counter()

        def gone() -> bool:
            nonlocal most
            most = max(most, memory(broker.process.pid)["resident"])
            return reader.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None  # noqa: S608  # the same

        wait_until(gone, f"{table} to be empty")
        return waiting / (time.perf_counter() - began), most - before


def into_store(folder: Path, count: int, each: int) -> tuple[float, float]:
    """Messages of `each` effects; effects a second and MB."""
    fill(folder / "state", message, count // each)
    rate, grown = work_off(folder, "inbox", KEEP.replace("EACH", str(each)), {})
    with closing(sqlite3.connect(folder / "state" / "kraken.db")) as database:
        stored = database.execute("SELECT count(*), count(*) FILTER (WHERE value = 0) FROM points").fetchone()
        if stored != (count, count) or database.execute("SELECT 1 FROM dead").fetchone():
            sys.exit(f"of {count} points {stored[0]} are there, {stored[1]} of them once and in order")
    return rate * each, grown


def into_redis(folder: Path, count: int) -> tuple[float, float]:
    """Effects a second and MB."""
    fill(folder / "state", push, count)
    with redis_server(folder / "redis") as server:
        port = str(server.connection_pool.connection_kwargs["port"])
        result = work_off(folder, "outbox", "", {"KRAKENB_REDIS_HOST": "127.0.0.1", "KRAKENB_REDIS_PORT": port})
        if server.lrange("arrived", 0, -1) != [str(number).encode() for number in range(count)]:
            sys.exit("not all have arrived at Redis once and in order")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--waiting", type=int, default=100_000)
    chosen = parser.parse_args()
    if shutil.which("redis-server") is None:
        sys.exit("redis-server is missing: apt-get install redis-server")
    count = chosen.waiting
    print(f"{'backlog':34s}{'effects':>9s}{'effects/s':>11s}{'MB more':>9s}")
    cases: dict[str, Callable[[Path], tuple[float, float]]] = {
        "inbox to store, 1 a message": lambda folder: into_store(folder, count, 1),
        "inbox to store, 20 a message": lambda folder: into_store(folder, count, 20),
        "outbox to redis": lambda folder: into_redis(folder, count),
    }
    with tempfile.TemporaryDirectory(prefix="kraken-backlog-", dir=chosen.folder) as place:
        for number, (name, measure) in enumerate(cases.items()):
            folder = Path(place, str(number))
            folder.mkdir()
            rate, grown = measure(folder)
            print(f"{name:34s}{count:9,}{rate:11,.0f}{grown:9.1f}", flush=True)
        for rows in (1, 256):
            inserted = count if rows > 1 else count // 5
            name = f"plain SQLite loop, {rows} a commit"
            print(f"{name:34s}{inserted:9,}{plain(Path(place), inserted, rows):11,.0f}", flush=True)


if __name__ == "__main__":
    main()
