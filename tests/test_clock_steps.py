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
    assert json.loads(broker.client.send(collector="order").payload) == ["first", "second", "third", "fourth"]


def test_a_sink_that_is_down_is_tried_again_all_the_same(start, slack, clock):
    slack.script = [(500, {}, "rollup_error")] * 2
    broker = start({"tell.py": TELL}, KRAKENB_SLACK_URL=slack.url, **clock.environment)
    send(broker, "one")
    broker.wait_for("sink.down", sink="slack")
    clock.step(-3600)
    wait_until(lambda: slack.texts == ["one"], "the next try, which is not an hour away")
