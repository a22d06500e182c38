"""What every sink keeps to, each with a real server (or, where none can be had, a local stand-in over a real socket)."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from live import LivePeer
from peer_http import HttpPeer
from peer_influxdb import InfluxPeer, LiveInflux, VictoriaPeer
from peer_mongodb import LiveMongo, MongoPeer
from peer_mqtt import LiveMqtt, MqttPeer
from peer_redis import LiveRedis, RedisPeer
from peer_websocket import WebsocketPeer
from peers import Peer, Silent, SlackPeer, described
from rig import wait_until

from kraken_hooks import clock, settings
from kraken_hooks.delivery.backoff import Backoff
from kraken_hooks.delivery.courier import Courier, State
from kraken_hooks.outbox.base import DeadFilter, Transaction
from kraken_hooks.outbox.sqlite import SqliteOutbox
from kraken_hooks.outcome import Effect, QueuedEffect
from kraken_hooks.sinks import registry
from kraken_hooks.sinks.base import Result
from kraken_hooks.testing import message, run

PEERS: list[type[Peer]] = [SlackPeer, HttpPeer, VictoriaPeer, InfluxPeer, RedisPeer, MongoPeer, MqttPeer, WebsocketPeer]
#: The same with servers that are there already, where the environment names them.
LIVE: list[type[LivePeer]] = [LiveInflux, LiveMongo, LiveMqtt, LiveRedis]


class Delivery:
    """An outbox, and a courier that empties it into one sink."""

    def __init__(self, folder: Path, peer: Peer) -> None:
        self.outbox = SqliteOutbox(folder / "kraken.db")
        self._kind = next(kind for kind in registry.SINKS if kind.name == peer.sink)
        self._peer = peer
        self._sequence = clock.Sequence()
        self._writing = threading.Lock()
        self._couriers: list[Courier] = []
        self.settling = True
        self.settled: list[int] = []
        self.tries = 0  # calls of `deliver`

    def put(self, *effects: tuple[str, dict]) -> None:
        """Effects into the outbox, as runs leave them."""
        queued = [self._queued(op, args) for op, args in effects]
        with self._writing:
            self.outbox.commit([Transaction(effects=queued)])

    def _queued(self, op: str, args: dict) -> QueuedEffect:
        effect = Effect(self._peer.sink, op, args)
        registry.check(effect)  # the author's API can make it
        seq = self._sequence.next()
        message = self._sequence.message_id(seq)
        return QueuedEffect(seq, f"{message}/test.py:test/0", "test.py:test", message, clock.now_ns(), effect)

    def courier(self, variables: dict[str, str] | None = None) -> Courier:
        """A running courier with these settings (the peer's own, where there are none given)."""
        section = self._section(self._peer.settings() if variables is None else variables)
        opened = self._kind.open
        assert opened is not None
        courier = Courier(
            self._peer.sink,
            lambda: self._counting(opened(section, self.outbox.identity())),
            self.outbox,
            self._settle,
            Backoff(lambda: 0.5, 0.05, 0.2),
            lane=self._kind.lane,
        )
        courier.start()
        self._couriers.append(courier)
        return courier

    def _counting(self, sink: Any) -> Any:
        deliver = sink.deliver

        def counted(effects: list[QueuedEffect]) -> list[Result]:
            self.tries += 1
            return deliver(effects)

        sink.deliver = counted
        return sink

    def _section(self, variables: dict[str, str]) -> settings.Section:
        sections = {kind.name: kind.section for kind in registry.SINKS if kind.section is not None}
        section = settings.read(variables, sections).sections[self._peer.sink]
        assert not self._kind.missing(section)
        return section

    def _settle(self, transaction: Transaction) -> Future[None]:
        done: Future[None] = Future()
        if self.settling:
            with self._writing:
                self.outbox.commit([transaction])
        self.settled += [seq for seqs in transaction.settled.values() for seq in seqs]
        done.set_result(None)
        return done

    @property
    def waiting(self) -> int:
        return self.outbox.queued().get(self._peer.sink, 0)

    def empty(self) -> None:
        wait_until(lambda: self.waiting == 0, f"the outbox of {self._peer.sink} to be empty; {self.state()}")

    def state(self) -> list[object]:
        return [courier.report() for courier in self._couriers]

    def close(self) -> None:
        for courier in self._couriers:
            courier.stop(20)
        self.outbox.close()


@pytest.fixture(
    params=[*PEERS, *(pytest.param(peer, marks=pytest.mark.live) for peer in LIVE if peer.named())],
    ids=lambda peer: peer.__name__,
)
def peer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Peer]:
    made: Peer = request.param(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def stoppable(peer: Peer) -> Peer:
    if peer.live:
        pytest.skip("a live server is not stopped")
    return peer


@pytest.fixture
def delivery(tmp_path: Path, peer: Peer) -> Iterator[Delivery]:
    with closing(Delivery(tmp_path, peer)) as made:
        yield made


@pytest.fixture
def logged() -> Callable[[], list[dict]]:
    """The log lines so far, parsed."""
    from kraken_hooks import logs

    stream = io.StringIO()
    logs.configure(debug=False, environment={}, stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def good(peer: Peer, *numbers: int) -> list[tuple[str, dict]]:
    return [peer.effect(number) for number in numbers]


def test_what_an_author_writes_makes_the_effect(peer):
    names: dict[str, object] = {}
    source = f"from kraken_hooks import {peer.sink}\ndef hook(msg):\n    n = msg.json\n    {peer.statement}\n"
    exec(source, names)
    outcome = run(names["hook"], message("7"))
    assert outcome.error is None
    [effect] = outcome.effects
    op, args = peer.effect(7)
    assert (effect.sink, effect.op) == (peer.sink, op)
    when = {"time": effect.args["time"]} if "time" in args else {}  # the message's, where the author gives none
    assert effect.args == args | when


def test_effects_arrive_in_order(peer, delivery):
    numbers = range(3 if peer.few else 250)
    delivery.put(*good(peer, *numbers))
    delivery.courier()
    delivery.empty()
    wait_until(lambda: len(peer.arrived()) >= len(numbers), "all to be there")
    assert peer.arrived() == list(numbers)


def test_what_comes_while_it_delivers_follows(peer, delivery):
    courier = delivery.courier()
    for number in range(3 if peer.few else 20):
        delivery.put(peer.effect(number))
        courier.wake()
    delivery.empty()
    wait_until(lambda: len(peer.arrived()) >= (3 if peer.few else 20), "all to be there")
    assert peer.arrived() == sorted(peer.arrived())


def test_a_batch_whose_settling_was_lost_is_delivered_again_and_where_the_sink_can_tell_it_is_there_once(
    peer, delivery
):
    numbers = list(range(2 if peer.few else 30))
    delivery.put(*good(peer, *numbers))
    delivery.settling = False  # as if the broker were killed between the sink's answer and the commit
    lost = delivery.courier()
    wait_until(lambda: len(delivery.settled) >= len(numbers), "the first delivery")
    lost.stop(20)
    delivery.settling = True
    delivery.courier()
    delivery.empty()
    wait_until(lambda: len(peer.arrived()) >= len(numbers), "all to be there")
    assert sorted(set(peer.arrived())) == numbers
    if peer.once:
        assert peer.arrived() == numbers


def test_what_the_server_refuses_is_found_and_the_rest_goes_through(peer, delivery, logged):
    if not peer.refuses:
        with pytest.raises(AssertionError):
            peer.bad_effect()
        return
    delivery.put(*good(peer, 0, 1), peer.bad_effect(), *good(peer, 2))
    delivery.courier()
    delivery.empty()
    wait_until(lambda: len(peer.arrived()) >= 3, "the good ones to be there")
    arrived = list(dict.fromkeys(peer.arrived())) if peer.repeats else peer.arrived()
    assert arrived == [0, 1, 2]
    [letter] = delivery.outbox.dead(DeadFilter(), 10)
    assert letter.sink == peer.sink
    assert letter.effect is not None
    assert (letter.effect.effect.op, letter.effect.effect.args) == peer.bad_effect()
    assert letter.error.message, "the sink's own words"
    assert not any(secret in letter.error.message for secret in described(peer.settings()))
    [line] = [line for line in logged() if line["event"] == "sink.refused"]
    assert line["reason"] == letter.error.message


def test_a_server_that_goes_and_comes_back_gets_everything(stoppable, peer, delivery, logged):
    courier = delivery.courier()
    delivery.put(peer.effect(0))
    courier.wake()
    delivery.empty()
    peer.stop()
    delivery.put(*good(peer, 1, 2))
    courier.wake()
    wait_until(lambda: courier.report().state is State.DOWN, "the courier to notice")
    assert courier.report().reason
    peer.start()
    delivery.empty()
    wait_until(lambda: len(set(peer.arrived())) >= 3, "all to be there")
    assert [number for place, number in enumerate(peer.arrived()) if number not in peer.arrived()[:place]] == [0, 1, 2]
    events = [line["event"] for line in logged() if line["event"] in ("sink.down", "sink.up")]
    assert events == ["sink.down", "sink.up"], "one line for each change, none for each try"


def test_a_server_that_is_not_there_at_start_is_found_when_it_comes(stoppable, peer, delivery):
    peer.stop()
    delivery.put(*good(peer, 0, 1))
    courier = delivery.courier()
    wait_until(lambda: courier.report().state is State.DOWN, "the courier to notice")
    peer.start()
    delivery.empty()
    wait_until(lambda: len(peer.arrived()) >= 2, "all to be there")


def test_a_server_that_hangs_is_given_up_in_time_and_loses_nothing(stoppable, peer, delivery):
    peer.stop()
    silent = Silent(peer.port)
    delivery.put(peer.effect(0))
    began = time.monotonic()
    courier = delivery.courier()
    wait_until(lambda: courier.report().state is State.DOWN, "the courier to give up", patience=60)
    assert time.monotonic() - began < 40, "within about 15 seconds, and a noisy machine"
    silent.close()
    peer.start()
    delivery.empty()
    wait_until(lambda: set(peer.arrived()) == {0}, "it to be there")


def test_a_server_that_answers_a_byte_now_and_then_is_given_up_in_time_and_loses_nothing(stoppable, peer, delivery):
    peer.stop()
    silent = Silent(peer.port, peer.drips)
    delivery.put(peer.effect(0))
    began = time.monotonic()
    courier = delivery.courier()
    wait_until(lambda: courier.report().state is State.DOWN, "the courier to give up", patience=60)
    assert time.monotonic() - began < 40, "within about 15 seconds, and a noisy machine"
    silent.close()
    peer.start()
    delivery.empty()
    wait_until(lambda: set(peer.arrived()) == {0}, "it to be there")


def test_wrong_credentials_lose_nothing_and_are_not_repeated(peer, delivery, logged):
    wrong = peer.wrong_settings()
    if wrong is None:
        assert not described(peer.settings()) or not peer.asks_who, "it has credentials, so wrong ones can be tried"
        return
    delivery.put(peer.effect(0))
    courier = delivery.courier(wrong)
    wait_until(lambda: courier.report().state is State.DOWN, "the courier to notice")
    assert "wrong-secret" not in courier.report().reason
    assert "wrong-secret" not in json.dumps(logged())
    courier.stop(20)
    assert delivery.waiting == 1
    delivery.courier()
    delivery.empty()
    wait_until(lambda: peer.arrived() == [0], "it to be there")


def test_a_server_without_tls_gets_nothing_where_tls_is_wanted(peer, delivery, logged):
    wanted = peer.tls_settings()
    if wanted is None:
        return
    delivery.put(peer.effect(0))
    courier = delivery.courier(wanted)
    wait_until(lambda: courier.report().state is State.DOWN, "the courier to notice")
    courier.stop(20)
    assert delivery.waiting == 1
    assert peer.arrived() == []
    assert not [line for line in logged() if line["event"] == "sink.failed"], "an answer, not a crash"


def test_a_stop_while_it_delivers_loses_nothing(peer, delivery):
    numbers = list(range(3 if peer.few else 500))
    delivery.put(*good(peer, *numbers))
    courier = delivery.courier()
    wait_until(peer.arrived, "the first to be there")
    courier.stop(20)
    delivery.courier()
    delivery.empty()
    wait_until(lambda: len(set(peer.arrived())) >= len(numbers), "all to be there")
    assert sorted(set(peer.arrived())) == numbers


def test_a_paused_sink_gets_nothing_until_it_is_resumed(peer, delivery):
    courier = delivery.courier()
    courier.pause()
    wait_until(lambda: courier.report().state is State.PAUSED, "the pause")
    delivery.put(peer.effect(0))
    courier.wake()
    assert delivery.waiting == 1
    assert peer.arrived() == []
    courier.resume()
    delivery.empty()
    wait_until(lambda: peer.arrived() == [0], "it to be there")
