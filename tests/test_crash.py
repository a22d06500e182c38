"""kill -9 in the middle of load: whatever was answered arrives, nothing is in the store twice, order is kept."""

from __future__ import annotations

import json
import threading

import grpc
import pytest
from rig import Broker, Client, wait_until

FAST = """
from kraken_hooks import on, slack, state, store

@on(collector="load")
def fast(msg):
    number, client = msg.json["n"], msg.json["client"]
    assert state.get(client, -1) < number, "out of order, or run twice"
    state.set(client, number)
    store.write("load", {"n": number}, {"client": client})
    slack.send(str(number))
    return str(number)
"""
SLOW = """
import time
from kraken_hooks import on, state, store

@on(collector="load")
def slow(msg):
    number, client = msg.json["n"], msg.json["client"]
    assert state.get(client, -1) < number, "out of order, or run twice"
    state.set(client, number)
    time.sleep(0.02)
    store.write("slow", {"n": number}, {"client": client})
"""


class Load:
    """Clients that send numbered messages until they are told to stop; they keep what was answered."""

    def __init__(self, broker: Broker, clients: int, round_number: int) -> None:
        self.answered: list[tuple[str, int]] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(broker.port, f"{round_number}-{number}"), daemon=True)
            for number in range(clients)
        ]
        for thread in self._threads:
            thread.start()

    def _send(self, port: int, name: str) -> None:
        client = Client(port)
        try:
            for number in range(100_000):
                if self._stop.is_set():
                    return
                client.send(json.dumps({"n": number, "client": name}), collector="load")
                self.answered.append((name, number))
        except grpc.RpcError:
            return
        finally:
            client.close()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)


def stored(broker: Broker, measurement: str) -> list[tuple[str, int]]:
    rows = broker.query(
        """SELECT json_extract(tags, '$.client'), value FROM points JOIN series ON series.id = points.series
           WHERE measurement = ?""",
        measurement,
    )
    return [tuple(row) for row in rows]


def kill_rounds(broker: Broker, rounds: int, answers: int, waiting: int = 0) -> list[tuple[str, int]]:
    """Load, kill while so many messages wait in the inbox, start again, several times; what was answered."""
    answered = []
    for number in range(rounds):
        load = Load(broker, 8, number)
        wait_until(lambda load=load: len(load.answered) >= answers, "answers")
        wait_until(lambda: broker.count("inbox") >= waiting, "messages to wait")
        broker.kill()
        load.stop()
        answered += load.answered
        broker.start()
    return answered


def check(broker: Broker, measurement: str, answered: list[tuple[str, int]]) -> None:
    # The hooks themselves look at the order.
    assert broker.count("dead") == 0, [line for line in broker.lines() if line["level"] in ("error", "warning")]
    found = stored(broker, measurement)
    assert set(answered) <= set(found), "an answered message is missing"
    assert len(found) == len(set(found)), "a point is in the store twice"


@pytest.mark.parametrize("durability", ["safe", "relaxed"])
def test_every_answered_message_is_stored_once_after_kills_under_load(start, durability):
    broker = start({"fast.py": FAST}, KRAKENB_SLACK_URL="http://127.0.0.1:9/nobody", KRAKENB_DURABILITY=durability)
    answered = kill_rounds(broker, rounds=4, answers=300)
    check(broker, "load", answered)
    counted = broker.query("SELECT count(*) FROM points")[0][0]
    broker.client.send('{"n": 0, "client": "last"}', collector="load")
    assert broker.count("outbox") == counted + 1, "each stored message has its Slack effect, still queued"


def test_a_full_inbox_survives_kills_and_is_run_to_its_end_in_order(start):
    broker = start({"slow.py": SLOW}, KRAKENB_REPLY_WAIT="0.02")
    answered = kill_rounds(broker, rounds=4, answers=100, waiting=20)
    wait_until(lambda: broker.count("inbox") == 0, "the inbox to be worked off", patience=60)
    check(broker, "slow", answered)
    assert broker.lines("inbox.waiting"), "a start with a full inbox says so"


def test_an_inbox_of_several_files_runs_only_what_had_not_ended(start):
    fast = FAST.replace("slack.send(str(number))", "")
    broker = start({"fast.py": fast, "slow.py": SLOW}, KRAKENB_REPLY_WAIT="0.02")
    answered = kill_rounds(broker, rounds=2, answers=150)
    wait_until(lambda: broker.count("inbox") == 0, "the inbox to be worked off", patience=60)
    check(broker, "load", answered)
    check(broker, "slow", answered)
