"""The machine's clock is set while the broker runs, as at a boot without a clock chip: order and retries do not mind."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rig import SlackServer, wait_until

#: Debian's libfaketime: its clock is what a file says, the monotonic clocks stay real.
LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)

pytestmark = pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed")

TELL = """
from kraken_hooks import on, slack, state, store

@on(collector="tell")
def tell(msg):
    slack.send(msg.text)
    store.write("seen", {"number": state.incr("number")})
"""


class Clock:
    """What the broker takes for the time: the real one and so many seconds."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "faketime"
        self.step(0)

    def step(self, seconds: int) -> None:
        self._file.write_text(f"{seconds:+d}s\n")

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


@pytest.fixture
def clock(tmp_path) -> Clock:
    return Clock(tmp_path)


def send(broker, text: str) -> None:
    assert broker.client.send(text, collector="tell").kind == "ack"


@pytest.mark.parametrize("step", [3600, -3600], ids=["an hour forward", "an hour back"])
def test_effects_keep_their_order_over_a_step_and_a_restart(start, slack, clock, step):
    port = slack.port
    slack.close()
    url = f"http://127.0.0.1:{port}/services/hidden-part"
    broker = start({"tell.py": TELL}, KRAKENB_SLACK_URL=url, **clock.environment)
    send(broker, "one")
    clock.step(step)
    send(broker, "two")
    broker.stop()
    broker.start()
    said = datetime.fromisoformat(broker.lines("broker.ready")[-1]["timestamp"])
    assert abs((said - datetime.now(UTC)).total_seconds() - step) < 600, "the broker believes the clock that was set"
    send(broker, "three")
    again = SlackServer(port)
    wait_until(lambda: len(again.texts) >= 3, "all three at Slack")
    assert again.texts == ["one", "two", "three"]
    again.close()
    values = [row[0] for row in broker.query("SELECT value FROM points ORDER BY value")]
    assert values == [1, 2, 3], "the state went on too"


def test_messages_in_the_inbox_run_in_the_order_of_arrival(start, clock):
    slow = """
import time
from kraken_hooks import on, state

@on(collector="slow")
def slow(msg):
    if msg.text == "first":
        time.sleep(1)
    state.set("order", [*state.get("order", []), msg.text])

@on(collector="order")
def order(msg):
    return state.get("order")
"""
    broker = start({"slow.py": slow}, KRAKENB_REPLY_WAIT="0.05", **clock.environment)
    assert broker.client.send("first", collector="slow").kind == "accepted"
    for step, text in ((-3600, "second"), (7200, "third"), (0, "fourth")):
        clock.step(step)
        broker.client.send(text, collector="slow")
    wait_until(lambda: broker.count("inbox") == 0, "the inbox to be empty")
    found = wait_until(lambda: broker.client.send(collector="order").payload, "an answer that is not put off")
    assert json.loads(found) == ["first", "second", "third", "fourth"]


def test_a_sink_that_is_down_is_tried_again_all_the_same(start, slack, clock):
    slack.script = [(500, {}, "rollup_error")] * 2
    broker = start({"tell.py": TELL}, KRAKENB_SLACK_URL=slack.url, **clock.environment)
    send(broker, "one")
    broker.wait_for("sink.down", sink="slack")
    clock.step(-3600)
    wait_until(lambda: slack.texts == ["one"], "the next try, which is not an hour away")


FILL = """
from datetime import timedelta
from kraken_hooks import on, store

@on(collector="fill")
def fill(msg):
    for minutes in range(5_000):
        store.write("load", {"n": minutes}, time=msg.received_at - timedelta(minutes=minutes))

@on(collector="fail")
def fail(msg):
    raise ValueError("kept as a dead letter")
"""


@pytest.mark.parametrize("step", [3600, -3600], ids=["an hour forward", "an hour back"])
def test_what_is_too_much_leaves_after_a_step_and_what_is_only_old_by_it_stays(start, clock, step):
    """Ages are not believed after a step; sizes need no clock."""
    limits = {"KRAKENB_STORE_MAX_MB": "1", "KRAKENB_DEAD_MAX_DAYS": "0.02"}  # half an hour
    broker = start({"fill.py": FILL}, **limits, **clock.environment)
    broker.client.send(collector="fail")
    for number in range(8):
        if number == 4:
            clock.step(step)
        broker.client.send(collector="fill")
    wait_until(lambda: broker.count("inbox") == 0, "what was only acknowledged to end")
    broker.stop()  # which writes down how many points there are of each hour
    broker.start()
    gone = wait_until(lambda: left_out(broker, 40_000), "the store to be within its bound")
    assert 5_000 < gone < 25_000, "about what is too much, and not all"
    until = datetime.fromisoformat(broker.lines("store.trimmed")[-1]["until"])
    ((oldest,),) = broker.query("SELECT min(at) FROM points")
    assert oldest >= until.timestamp() * 1e9 - 1_000, "the oldest have left"
    assert broker.count("dead") == 1
    assert not broker.lines("dead.trimmed")


def left_out(broker, written: int) -> int:
    """How many points have been thrown away, once all of them have been told."""
    told = sum(line["count"] for line in broker.lines("store.trimmed"))
    return told if told + broker.count("points") == written else 0
