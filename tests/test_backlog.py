"""A sink that was down for long, with 100,000 effects waiting: all arrive, in order, once, and memory stays flat."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from peer_redis import RedisPeer
from rig import Broker, wait_until

from kraken_hooks.outbox.base import Transaction
from kraken_hooks.outbox.sqlite import SqliteOutbox
from kraken_hooks.outcome import Effect, QueuedEffect

WAITING = 100_000
#: What the broker may hold more while it delivers than before, bytes. All the effects at once would be about 80 MB.
GROWTH = 40 * 2**20


def fill(database: Path) -> None:
    """An outbox as a long outage leaves it."""
    database.parent.mkdir(parents=True)
    outbox = SqliteOutbox(database)
    for start in range(0, WAITING, 10_000):
        outbox.commit([Transaction(effects=[queued(number) for number in range(start, start + 10_000)])])
    outbox.close()


def queued(number: int) -> QueuedEffect:
    effect = Effect("redis", "rpush", {"key": "arrived", "values": [str(number)]})
    return QueuedEffect(number + 1, f"message-{number}/load.py:load/0", "load.py:load", f"message-{number}", 0, effect)


def resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


class Watch:
    """The most memory that a process has had since the watch began."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._end = threading.Event()
        self.most = 0
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        while not self._end.wait(0.02):
            self.most = max(self.most, resident(self._pid))

    def end(self) -> int:
        self._end.set()
        self._thread.join()
        return self.most


@pytest.mark.timeout(300)
def test_a_long_backlog_is_delivered_in_order_once_and_in_little_memory(tmp_path, capsys):
    peer = RedisPeer(tmp_path)
    broker = Broker(tmp_path / "broker", **peer.settings())
    fill(broker.state / "kraken.db")
    with broker:
        broker.wait_for("sink.down", sink="redis")
        before = resident(broker.pid)
        watch = Watch(broker.pid)
        began = time.monotonic()
        peer.start()
        try:
            wait_until(lambda: broker.count("outbox") == 0, "the outbox to be empty", patience=240)
            seconds = time.monotonic() - began
            assert peer.arrived() == list(range(WAITING))
        finally:
            most = watch.end()
            peer.stop()
    with capsys.disabled():
        print(f"\n{WAITING / seconds:,.0f} effects/s to Redis, {(most - before) / 2**20:.1f} MB more than before")
    assert most - before < GROWTH
