"""The broker and every sink's server are killed and restarted at random under load: all that was answered reaches every sink.

Two rounds here; `make soak` runs twenty (SOAK_ROUNDS), and prints what arrived how often.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import grpc
import pytest
from peers import Peer
from rig import PATIENCE, Client, wait_until
from test_conformance import PEERS

ROUNDS: Final = int(os.environ.get("SOAK_ROUNDS", "2"))
#: Answers of one round before the kill; and every how many messages go to a sink that is slow by nature.
ANSWERS: Final = 150
SELDOM: Final = 50
#: Time for everything to arrive after the last round, seconds.
AFTERWARDS: Final = 60 + 10 * ROUNDS


def hook_file(peers: list[Peer]) -> str:
    """One hook that asks every sink for the same number."""
    often = "\n".join(f"    {peer.statement}" for peer in peers if not peer.few)
    seldom = "\n".join(f"        {peer.statement}" for peer in peers if peer.few)
    return f"""
from kraken_hooks import on, store, {", ".join(sorted({peer.sink for peer in peers}))}

@on(collector="load")
def load(msg):
    n = msg.json
    store.write("load", {{"n": n}})
{often}
    if n % {SELDOM} == 0:
{seldom or "        pass"}
"""


class Sender:
    """Sends numbers, one after the other as a collector does; keeps which were answered."""

    def __init__(self) -> None:
        self.answered: list[int] = []
        self._next = 0

    def send(self, port: int, answers: int, stop: threading.Event) -> None:
        """Until `answers` more have been answered and `stop` is set, or the broker is gone."""
        enough = len(self.answered) + answers
        with closing(Client(port)) as client:
            while len(self.answered) < enough or not stop.is_set():
                number, self._next = self._next, self._next + 1
                try:
                    client.send(str(number), collector="load")
                except grpc.RpcError:
                    return
                self.answered.append(number)


class Disorder:
    """Stops and starts one server after the other at random, until it is told to end; then all run again."""

    def __init__(self, peers: list[Peer], chance: random.Random) -> None:
        self._peers = peers
        self._chance = chance
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work, name="disorder", daemon=True)
        self.stops = 0
        self._thread.start()

    def _work(self) -> None:
        while not self._end.wait(self._chance.uniform(0.0, 0.5)):
            peer = self._chance.choice(self._peers)
            peer.stop()
            self.stops += 1
            self._end.wait(self._chance.uniform(0.1, 1.0))
            peer.start()

    def end(self) -> None:
        self._end.set()
        self._thread.join()


@pytest.fixture
def peers(tmp_path: Path) -> Iterator[list[Peer]]:
    with ExitStack() as stack:
        made = []
        for number, kind in enumerate({kind.sink: kind for kind in PEERS}.values()):
            folder = tmp_path / f"peer{number}"
            folder.mkdir()
            peer = kind(folder)
            peer.start()
            stack.callback(peer.stop)
            made.append(peer)
        yield made


@pytest.mark.timeout(120 + 60 * ROUNDS)
def test_all_that_was_answered_reaches_every_sink(start, peers, capsys):
    seed = int(os.environ.get("SOAK_SEED", "0")) or time.time_ns() % 1_000_000
    chance = random.Random(seed)
    settings = {name: value for peer in peers for name, value in peer.settings().items()}
    broker = start({"load.py": hook_file(peers)}, **settings)
    broker.stop()
    sender = Sender()
    disorder = Disorder(peers, chance)
    for _ in range(ROUNDS):
        broker.start()
        stop = threading.Event()
        sending = threading.Thread(target=sender.send, args=(broker.port, ANSWERS, stop))
        enough = len(sender.answered) + ANSWERS
        sending.start()
        wait_until(lambda: len(sender.answered) >= enough or not sending.is_alive(), "answers", patience=4 * PATIENCE)  # noqa: B023  # this round's
        stop.wait(chance.uniform(0.0, 0.05))  # a random moment
        broker.kill()
        stop.set()
        sending.join()
    disorder.end()
    broker.start()
    everything = set(sender.answered)
    try:
        wait_until(lambda: broker.count("inbox") == 0, "the inbox to be empty", patience=AFTERWARDS)
        wait_until(lambda: broker.count("outbox") == 0, "the outbox to be empty", patience=AFTERWARDS)
    finally:
        with capsys.disabled():
            print(
                f"\nseed {seed}: {ROUNDS} kills, {disorder.stops} stops of servers, {len(everything)} messages answered"
            )
    assert broker.count("dead") == 0
    stored = Counter(row[0] for row in broker.query("SELECT value FROM points"))
    assert everything <= stored.keys()
    assert set(stored.values()) == {1}, "in the store once"
    for peer in peers:
        arrived = peer.arrived()
        with capsys.disabled():
            print(f"  {peer.sink}: {len(arrived)} arrived, {len(arrived) - len(set(arrived))} of them again")
        wanted = {number for number in everything if number % SELDOM == 0} if peer.few else everything
        assert wanted <= set(arrived), f"{peer.sink} lacks some"
        first = list(dict.fromkeys(arrived))
        assert first == sorted(first), f"{peer.sink} got them out of order"
        if peer.once:
            assert len(arrived) == len(set(arrived)), f"{peer.sink} can tell, and has some twice"
