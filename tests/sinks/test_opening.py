"""A sink that cannot be opened: the broker starts all the same, and the sink is opened as soon as that can be done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from peer_redis import RedisPeer
from rig import wait_until

HOOKS = """
from kraken_hooks import on, redis, store

@on(collector="count")
def count(msg):
    redis.incr("count")
    store.write("beat", {"n": 1})
    return "asked"
"""


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[RedisPeer]:
    made = RedisPeer(tmp_path)
    made.start()
    yield made
    made.stop()


def test_a_client_library_that_cannot_be_imported_stops_neither_the_start_nor_hooks_and_loses_nothing(
    start, peer, tmp_path
):
    library = tmp_path / "half-installed"
    library.mkdir()
    (library / "redis.py").write_text("raise ImportError('a half-installed client')\n")
    broker = start({"count.py": HOOKS}, PYTHONPATH=str(library), **peer.settings())
    failed = broker.wait_for("sink.failed", sink="redis")
    assert failed["error"] == "ImportError"
    assert broker.client.send(collector="count").text == "asked"
    assert broker.count("outbox") == 1
    assert peer.client.get("count") is None
    (library / "redis.py").unlink()  # the operator has mended it
    wait_until(lambda: peer.client.get("count") == b"1", "the effect")
    wait_until(lambda: broker.count("outbox") == 0, "the outbox to be empty")
    assert broker.count("dead") == 0
