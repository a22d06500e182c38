"""Delivery to Slack over a real socket: down, failing, busy, refusing. Nothing lost, order kept, no URL anywhere."""

from __future__ import annotations

import json

import pytest
from rig import SlackServer, wait_until

TELL = """
from kraken_hooks import on, slack

@on(collector="tell")
def tell(msg):
    slack.send(msg.text)
"""


def say(broker, *texts: str) -> None:
    for text in texts:
        assert broker.client.send(text, collector="tell").kind == "ack"


def delivered(slack: SlackServer, *texts: str) -> None:
    wait_until(lambda: len(slack.texts) >= len(texts), f"{texts} at Slack")
    assert slack.texts == list(texts)


def test_a_message_a_second_in_order(start, slack):
    broker = start({"tell.py": TELL}, KRAKENB_SLACK_URL=slack.url)
    say(broker, "one", "two", "three")
    delivered(slack, "one", "two", "three")
    gaps = [later - earlier for earlier, later in zip(slack.times, slack.times[1:], strict=False)]
    assert min(gaps) > 0.9, "Slack lets about one message a second through"
    wait_until(lambda: broker.count("outbox") == 0, "the outbox to be empty")


def test_down_for_a_while_and_through_a_restart(start, slack):
    port = slack.port
    slack.close()
    broker = start({"tell.py": TELL}, KRAKENB_SLACK_URL=f"http://127.0.0.1:{port}/services/hidden-part")
    say(broker, "one", "two")
    broker.wait_for("sink.down", sink="slack", reason="no connection")
    broker.stop()
    broker.start()
    say(broker, "three")
    broker.wait_for("sink.down", count=2)
    again = SlackServer(port)
    delivered(again, "one", "two", "three")
    line = broker.wait_for("sink.up", sink="slack")
    assert line["down_seconds"] >= 0
    assert b"hidden-part" not in broker.log.read_bytes()
    again.close()


@pytest.mark.parametrize("answer", [(500, {}, "rollup_error"), (0, {}, "")], ids=["500", "hangs up"])
def test_a_failing_slack_gets_the_message_again(start, slack, answer):
    slack.script = [answer, answer]
    broker = start({"tell.py": TELL}, KRAKENB_SLACK_URL=slack.url)
    say(broker, "one", "two")
    delivered(slack, "one", "two")
    assert len(broker.lines("sink.down")) == 1, "told once, not for each try"
    assert broker.count("dead") == 0


def test_429_waits_as_long_as_it_is_told(start, slack):
    slack.script = [(429, {"Retry-After": "2"}, "")]
    broker = start({"tell.py": TELL}, KRAKENB_SLACK_URL=slack.url)
    say(broker, "one", "two")
    delivered(slack, "one", "two")
    assert slack.times[1] - slack.times[0] >= 2


def test_what_is_refused_is_a_dead_letter_and_the_next_goes_through(start, slack):
    slack.script = [(400, {}, "invalid_payload")]
    broker = start({"tell.py": TELL}, KRAKENB_SLACK_URL=slack.url)
    say(broker, "bad", "good")
    delivered(slack, "good")
    line = broker.wait_for("sink.refused", sink="slack")
    assert (line["reason"], line["hook"]) == ("400 invalid_payload", "tell.py:tell")
    broker.wait_for("dead.added", kind="effect")
    (letter,) = json.loads(broker.command("dead", "list", "--json").stdout)
    assert (letter["kind"], letter["sink"], letter["error"]["message"]) == ("effect", "slack", "400 invalid_payload")
    assert "hidden-part" not in broker.command("dead", "show", letter["id"]).stdout
    replayed = broker.command("dead", "replay", "--sink", "slack")
    assert replayed.stdout == "1 replayed\n", replayed.stderr
    delivered(slack, "good", "bad")


def test_a_dead_slack_slows_no_hook(start):
    broker = start({"tell.py": TELL}, KRAKENB_SLACK_URL="http://127.0.0.1:9/nobody")
    say(broker, *(str(number) for number in range(300)))
    assert broker.count("outbox") == 300


def test_without_settings_using_it_is_an_error_at_the_hooks_line(start):
    broker = start({"tell.py": TELL})
    assert broker.client.send("x", collector="tell").metadata["failed"] == ["tell.py:tell"]
    line = broker.wait_for("hook.failed")
    assert line["error"] == "SinkNotConfigured: slack is not configured: set KRAKENB_SLACK_URL"
    assert line["line"] == 6


def test_effects_of_a_sink_that_is_not_configured_any_more_stay(start, slack):
    broker = start({"tell.py": TELL}, KRAKENB_SLACK_URL="http://127.0.0.1:9/nobody")
    say(broker, "kept")
    broker.stop()
    del broker._environment["KRAKENB_SLACK_URL"]
    broker.start()
    assert broker.wait_for("sink.unconfigured", sink="slack")["waiting"] == 1
    broker.stop()
    broker._environment["KRAKENB_SLACK_URL"] = slack.url
    broker.start()
    delivered(slack, "kept")
