"""Effects over which a server breaks the connection instead of refusing them: they are found, and nothing else is blamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from http_server import Asked, HttpServer
from peer_http import HttpPeer
from peer_mongodb import MongoPeer
from peer_redis import RedisPeer
from peers import Peer
from rig import wait_until
from test_conformance import Delivery
from wire_cutter import WireCutter

from kraken_hooks.delivery.suspicion import DOUBT
from kraken_hooks.outbox.base import DeadFilter
from kraken_hooks.sinks import mongodb

Effect = tuple[str, dict[str, Any]]

#: What is in a poisoned effect: longer than the Redis of these tests takes, and what the others dread.
POISON = "p" * (2 << 20)


class LimitedRedis(RedisPeer):
    """The real thing; it ends the connection at a longer value."""

    def start(self) -> None:
        self.more = "proto-max-bulk-len 1mb\n"
        super().start()

    def poison(self) -> Effect:
        return "set", {"key": "image", "value": POISON, "ttl": None}


class DreadingMongo(MongoPeer):
    """The server of all tests, behind something that cuts the connection when it sees a certain text."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.front = WireCutter(self.port)
        self.front.dreads = b"what it dreads"

    def settings(self) -> dict[str, str]:
        return {**super().settings(), "KRAKENB_MONGODB_HOST": f"127.0.0.1:{self.front.port}"}

    def poison(self) -> Effect:
        return "insert", {"collection": "arrived", "document": {"text": "what it dreads"}}


class DreadingHttp(HttpPeer):
    """Hangs up over one body."""

    def _answer(self, asked: Asked) -> Any:
        return (0, {}, b"") if asked.body == b"dreaded" else super()._answer(asked)

    def poison(self) -> Effect:
        return "post", {**self.effect(0)[1], "text": "dreaded"}


class ForwardedHttp(HttpPeer):
    """Reached through something that takes connections also while the server is gone."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.front = WireCutter(self.port)
        self._address = f"http://127.0.0.1:{self.front.port}"


@pytest.fixture(params=[LimitedRedis, DreadingMongo, DreadingHttp], ids=["redis", "mongodb", "http"])
def peer(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(mongodb, "CONNECT", 0.3)  # a try at a server that is down takes as long
    made = request.param(tmp_path)
    made.start()
    yield made
    made.stop()
    if isinstance(made, DreadingMongo):
        made.front.close()


@pytest.fixture
def delivery(tmp_path: Path, peer: Peer) -> Iterator[Delivery]:
    with closing(Delivery(tmp_path, peer)) as made:
        yield made


def reasons(delivery: Delivery) -> list[str]:
    return [letter.error.message for letter in delivery.outbox.dead(DeadFilter(), 100)]


def test_poison_ends_as_a_dead_letter_and_its_neighbours_arrive_in_order(peer, delivery):
    delivery.put(peer.effect(0), peer.effect(1), peer.poison(), peer.effect(2), peer.effect(3))
    delivery.courier()
    delivery.empty()
    assert peer.arrived() == [0, 1, 2, 3]
    [letter] = delivery.outbox.dead(DeadFilter(), 10)
    assert letter.effect is not None
    assert (letter.effect.effect.op, letter.effect.effect.args) == peer.poison()
    assert letter.error.message.startswith("the sink broke down over it each time: ")
    assert any(words in letter.error.message for words in ("ended the connection", "was lost", "Protocol error"))


def test_a_row_of_poisoned_effects_holds_up_nobody_either(peer, delivery):
    delivery.put(peer.effect(0), peer.poison(), peer.poison(), peer.effect(1))
    delivery.courier()
    delivery.put(peer.effect(2))
    delivery.empty()
    assert sorted(peer.arrived()) == [0, 1, 2]
    assert len(reasons(delivery)) == 2


def test_an_outage_however_long_makes_nothing_guilty(peer, delivery):
    courier = delivery.courier()
    delivery.put(peer.effect(0))
    courier.wake()
    delivery.empty()
    peer.stop()
    delivery.put(peer.effect(1), peer.effect(2))
    courier.wake()
    before = delivery.tries
    wait_until(lambda: delivery.tries > before + 2 * DOUBT, "more tries than an effect in doubt gets")
    peer.start()
    delivery.empty()
    assert peer.arrived() == [0, 1, 2]
    assert reasons(delivery) == []


def test_a_server_behind_which_there_is_nothing_makes_nothing_guilty(tmp_path):
    """As a container's forwarded port: connections are taken and dropped until the server is there."""
    peer = ForwardedHttp(tmp_path)
    with closing(peer.front), closing(Delivery(tmp_path, peer)) as delivery:
        delivery.put(*(peer.effect(number) for number in range(3)))
        delivery.courier()
        wait_until(lambda: delivery.tries > 3 * DOUBT, "more tries than an effect in doubt gets")
        peer.start()
        delivery.empty()
        peer.stop()
        assert sorted(peer.arrived()) == [0, 1, 2]
        assert reasons(delivery) == []


def test_a_host_that_is_ill_is_not_judged_by_one_that_is_well(tmp_path):
    peer = HttpPeer(tmp_path)
    with closing(HttpServer()) as ill, closing(Delivery(tmp_path, peer)) as delivery:
        ill.answer = lambda _asked: (500, {}, b"no disk")
        peer.start()
        delivery.put(("post", {"url": f"{ill.url}/in", "text": "7", "headers": {}}), peer.effect(0))
        allowed = f"{ill.url}, {peer.settings()['KRAKENB_HTTP_ALLOW']}"
        delivery.courier({"KRAKENB_HTTP_ALLOW": allowed})
        wait_until(lambda: len(ill.asked) > 3 * DOUBT, "more tries than an effect in doubt gets")
        assert reasons(delivery) == []
        assert peer.arrived() == [0], "which was not held up"
        ill.answer = lambda _asked: (200, {}, b"")
        delivery.empty()
        assert peer.arrived() == [0]
        assert reasons(delivery) == []
        peer.stop()
