"""`status` and `sink` against a running broker."""

from __future__ import annotations

import json
import socket

from rig import wait_until

from kraken_hooks.control.protocol import address

TELL = """
from kraken_hooks import on, slack

@on(collector="tell")
def tell(msg):
    slack.send(msg.text)
"""


def status(broker) -> dict:
    asked = broker.command("status", "--json")
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)


def test_it_shows_files_sinks_queues_and_workers(start, slack):
    broker = start({"tell.py": TELL, "wrong.py": "import os"}, KRAKENB_SLACK_URL=slack.url, KRAKENB_WORKERS="1")
    broker.client.send("hello", collector="tell")
    wait_until(lambda: status(broker)["sinks"][0]["delivered"] == 1, "the delivery to be counted")
    shown = status(broker)
    assert shown["messages"] == 1
    assert shown["pid"] == broker.pid
    [tell, wrong] = shown["files"]
    assert (tell["file"], tell["state"], tell["hooks"]) == ("tell.py", "loaded", ["tell"])
    assert wrong["state"] == "failed"
    assert "wrong.py:1:1: the module os cannot be imported" in wrong["problems"][0]
    [worker] = shown["workers"]
    assert worker["files"] == ["tell.py"]
    text = broker.command("status").stdout
    assert "tell.py: loaded, hooks: tell" in text
    assert "slack: up" in text
    assert "hidden-part" not in text


def test_it_says_that_the_hooks_directory_is_gone(start):
    broker = start({"tell.py": TELL})
    assert "cannot be read" not in broker.command("status").stdout
    broker.hooks.rename(broker.hooks.with_name("elsewhere"))
    wait_until(
        lambda: "it cannot be read, what ran goes on: " in broker.command("status").stdout, "status to tell of it"
    )
    shown = status(broker)
    assert shown["hooks_missing"].startswith(str(broker.hooks))
    assert [file["state"] for file in shown["files"]] == ["loaded"]
    broker.hooks.with_name("elsewhere").rename(broker.hooks)
    wait_until(lambda: status(broker)["hooks_missing"] == "", "it to be well again")


def test_it_says_why_a_sink_is_down_and_when_it_is_tried_again(start, slack):
    slack.script = [(503, {"Retry-After": "3600"}, "maintenance")]
    broker = start({"tell.py": TELL}, KRAKENB_SLACK_URL=slack.url)
    broker.client.send("hello", collector="tell")
    broker.wait_for("sink.down", sink="slack")
    [sink] = status(broker)["sinks"]
    assert (sink["state"], sink["reason"], sink["waiting"]) == ("down", "503 maintenance", 1)
    assert sink["retry_in"] > 3000
    assert broker.command("sink", "resume", "slack").stdout == "slack goes on\n"
    wait_until(lambda: slack.texts == ["hello"], "it to be tried at once")


def test_a_paused_sink_rests_through_a_restart_until_it_is_resumed(start, slack):
    broker = start({"tell.py": TELL}, KRAKENB_SLACK_URL=slack.url)
    assert broker.command("sink", "pause", "slack").stdout == "slack is paused; its effects wait\n"
    broker.wait_for("sink.paused", sink="slack")
    broker.stop()
    broker.start()
    broker.client.send("hello", collector="tell")
    [sink] = status(broker)["sinks"]
    assert (sink["state"], sink["waiting"]) == ("paused", 1)
    assert slack.texts == []
    broker.command("sink", "resume", "slack")
    wait_until(lambda: slack.texts == ["hello"], "it to arrive")
    broker.wait_for("sink.resumed", sink="slack")


def test_a_sink_that_is_not_there_is_named(start):
    refused = start({"tell.py": TELL}).command("sink", "pause", "slak")
    assert refused.returncode == 1
    assert "there is no configured sink 'slak'" in refused.stderr


def test_without_a_broker_it_says_so(start):
    broker = start()
    broker.stop()
    refused = broker.command("status")
    assert refused.returncode == 1
    assert "no broker is running with the state directory" in refused.stderr
    assert "--state-dir" in refused.stderr


def test_nonsense_on_the_socket_hurts_nobody(start):
    broker = start()
    for sent in (b"\n", b"{}\n", b'{"do": "burn"}\n', b"\xff\xff\n", b"x" * 100_000 + b"\n"):
        with socket.socket(socket.AF_UNIX) as connection:
            with address(broker.state) as path:
                connection.connect(path)
            try:
                connection.sendall(sent)
                connection.recv(1000)
            except OSError:
                pass  # closed in the middle of too much
    assert status(broker)["pid"] == broker.pid


def test_only_the_owner_may_use_the_socket(start):
    broker = start()
    assert (broker.state / "control.sock").stat().st_mode & 0o077 == 0
