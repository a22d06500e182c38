"""`check`, `try` and `send` as a user calls them: what they print, and their exit status."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from rig import PATIENCE, TUTORIAL, wait_until

BROKEN = """\
from kraken_hooks import on
import os


@on()
def broken(msg):
    return open("/etc/passwd")
"""

TALKATIVE = """
import struct
from datetime import datetime, timezone
from kraken_hooks import log, on, reply, slack, state, store, throttle

@on(collector="webhook", payload={"id": "*"})
def talkative(msg):
    log.warning("hot", sensor=msg.json["id"])
    print("seen", 1)
    store.write("env", {"temp": 25.6}, {"id": "101"}, datetime(2026, 1, 2, tzinfo=timezone.utc))
    slack.send("hot")
    state.set("last", 25.6)
    throttle("report", 60)
    return reply(b"\\xff\\x01", content_type="application/x-frame", metadata={"shift": "night"})

@on(collector="webhook", order=5)
def failing(msg):
    slack.send("never")
    return msg.json["missing"]

@on(collector="mqtt")
def elsewhere(msg):
    return "no"
"""


def kraken(*arguments: str | Path, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kraken_hooks", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )


@pytest.fixture
def hook_file(tmp_path):
    def make(source: str | bytes, name: str = "hook.py") -> Path:
        path = tmp_path / name
        path.write_bytes(source.encode() if isinstance(source, str) else source)
        return path

    return make


class TestCheck:
    def test_shows_place_line_caret_and_hint(self, hook_file):
        path = hook_file(BROKEN)
        done = kraken("check", path)
        assert done.returncode == 1
        assert done.stdout == (
            f"{path}:2:1: error: the module os cannot be imported in a hook\n"
            "    import os\n"
            "    ^\n"
            f"    hint: {hint(path, 2)}\n"
            f"{path}:7:12: error: open is not for hooks\n"
            '        return open("/etc/passwd")\n'
            "               ^\n"
            "    hint: a hook cannot open files; keep values in state or store\n"
            "1 hook file checked, 1 with errors\n"
        )

    def test_as_json(self, hook_file):
        path = hook_file(BROKEN)
        done = kraken("check", "--json", path)
        assert done.returncode == 1
        found = json.loads(done.stdout)
        assert [(one["line"], one["column"], one["severity"]) for one in found] == [(2, 1, "error"), (7, 12, "error")]
        assert all(one["file"] == str(path) and one["message"] for one in found)
        assert set(found[0]) == {"file", "line", "column", "severity", "message", "hint"}

    def test_a_directory_with_what_the_broker_would_not_read(self, hook_file, tmp_path):
        hook_file("from kraken_hooks import on\n@on()\ndef fine(msg): pass\n", "fine.py")
        hook_file("x = 1\n", "open_to_all.py").chmod(0o666)
        done = kraken("check", tmp_path)
        assert done.returncode == 1
        assert "open_to_all.py: error: " in done.stdout
        assert "fine.py:" not in done.stdout
        assert "2 hook files checked, 1 with errors" in done.stdout

    def test_without_a_path_it_takes_the_hooks_directory(self, hook_file, tmp_path):
        hook_file(BROKEN)
        assert kraken("check", KRAKENB_HOOKS_DIR=str(tmp_path)).returncode == 1

    def test_a_warning_is_no_error(self, hook_file):
        done = kraken("check", hook_file("x = 1\n"))
        assert done.returncode == 0
        assert "warning: the file has no hook" in done.stdout

    def test_well(self, hook_file):
        done = kraken("check", hook_file(TALKATIVE))
        assert (done.returncode, done.stdout, done.stderr) == (0, "1 hook file checked, all load\n", "")

    def test_a_path_that_is_not_there_is_usage(self):
        done = kraken("check", "/nonexistent/hook.py")
        assert done.returncode == 2
        assert "does not exist" in done.stderr

    def test_a_file_that_never_ends_at_its_top_level(self, hook_file):
        done = kraken("check", hook_file("while True:\n    pass\n"), KRAKENB_HOOK_TIMEOUT="0.3")
        assert done.returncode == 1
        assert "error: " in done.stdout


def hint(path: Path, line: int) -> str:
    found = json.loads(kraken("check", "--json", path).stdout)
    return next(one["hint"] for one in found if one["line"] == line)


class TestTry:
    def test_json_holds_all_that_a_run_did(self, hook_file):
        path = hook_file(TALKATIVE)
        done = kraken(
            "try",
            path,
            "--json",
            "--data",
            TUTORIAL,
            "--metadata",
            '{"a": 1}',
            KRAKENB_SLACK_URL="http://127.0.0.1:9/x",
        )
        assert done.returncode == 1, "one of the runs fails"
        shown = json.loads(done.stdout)
        assert set(shown) == {"file", "message", "runs", "reply"}
        assert shown["file"] == str(path)
        assert shown["message"].items() >= {
            "kind": "collector", "collector": "webhook", "content_type": "application/json",
            "metadata": {"a": 1}, "payload_text": TUTORIAL,
        }.items()  # fmt: skip
        first, second = shown["runs"]
        assert set(first) == {"hook", "outcome", "reply", "effects", "state", "logs", "error", "duration_ms"}
        assert (first["hook"], first["outcome"], first["error"]) == ("hook.py:talkative", "ok", None)
        assert first["reply"] == {
            "content_type": "application/x-frame", "metadata": {"shift": "night"}, "payload_base64": "/wE=",
        }  # fmt: skip
        write, send = first["effects"]
        assert (write["sink"], write["op"]) == ("store", "write")
        assert write["args"].items() >= {"measurement": "env", "fields": {"temp": 25.6}, "tags": {"id": "101"}}.items()
        assert (send["sink"], send["op"], send["args"]["text"]) == ("slack", "send", "hot")
        assert first["state"]["last"] == 25.6
        assert "throttle(report)" in first["state"]
        assert first["logs"] == [
            {"level": "warning", "event": "hot", "sensor": "101"},
            {"level": "info", "event": "seen 1"},
        ]
        assert first["duration_ms"] > 0
        assert (second["hook"], second["outcome"]) == ("hook.py:failing", "failed")
        assert second["effects"] == []
        assert second["error"]["type"] == "KeyError"
        assert second["error"]["line"] == 19
        assert 'return msg.json["missing"]' in second["error"]["traceback"]
        assert shown["reply"]["collector_name"] == "webhook"
        assert shown["reply"]["metadata"].items() >= {"shift": "night", "source_broker": "hook.py:talkative"}.items()

    @pytest.mark.parametrize(
        ("arguments", "stdin"),
        [(("--data", "21.5"), ""), (("--hex", "32312e35"), ""), (("--file", "-"), "21.5")],
        ids=["data", "hex", "stdin"],
    )
    def test_the_payload(self, hook_file, arguments, stdin):
        path = hook_file("from kraken_hooks import on\n@on()\ndef echo(msg): return msg.payload\n")
        done = kraken("try", path, "--json", *arguments, stdin=stdin)
        assert done.returncode == 0
        assert json.loads(done.stdout)["reply"]["payload_text"] == "21.5"

    def test_for_people(self, hook_file):
        done = kraken("try", hook_file(TALKATIVE), "--data", TUTORIAL, KRAKENB_SLACK_URL="http://127.0.0.1:9/x")
        assert done.returncode == 1
        for part in (
            "hook.py:talkative: ok in ", "  warning: hot sensor=101", "  effect: slack.send(text='hot'", "  state: last = 25.6",
            "hook.py:failing: failed in ", "  KeyError: 'missing'", "The device gets application/x-frame: ff 01",
        ):  # fmt: skip
            assert part in done.stdout, done.stdout

    def test_needs_no_settings_of_sinks_and_says_which_the_broker_will_need(self, hook_file):
        path = hook_file("""
from kraken_hooks import influxdb, on, redis, slack
@on()
def tell(msg):
    slack.send("hot")
    redis.incr("seen")
@on()
def ask(msg):
    return influxdb.query("buckets()")
""")
        done = kraken("try", path, KRAKENB_REDIS_HOST="127.0.0.1")
        assert done.returncode == 1, "a query has no answer without a server"
        assert "hook.py:tell: ok in " in done.stdout
        assert "  effect: slack.send(text='hot'" in done.stdout
        assert "influxdb is not configured: set KRAKENB_INFLUXDB_HOST" in done.stdout
        assert "In this shell slack is not configured: the broker needs KRAKENB_SLACK_URL." in done.stdout
        assert "redis is not configured" not in done.stdout
        shown = json.loads(kraken("try", path, "--json").stdout)
        assert shown["not_configured"] == {
            "influxdb": "KRAKENB_INFLUXDB_HOST", "redis": "KRAKENB_REDIS_HOST", "slack": "KRAKENB_SLACK_URL",
        }  # fmt: skip

    def test_says_why_nothing_ran(self, hook_file):
        path = hook_file(TALKATIVE)
        done = kraken("try", path, "--collector", "tcp", "--data", "x")
        assert done.returncode == 0
        assert "its hooks want other messages" in done.stdout
        none = kraken("try", hook_file("x = 1\n", "none.py")).stdout
        assert "warning: the file has no hook" in none
        assert "want other" not in none, "there is no hook that could want anything"
        only = hook_file("from kraken_hooks import on\n@on(payload={'a': 1})\ndef f(msg): pass\n", "only.py")
        assert "it wants other payloads" in kraken("try", only, "--data", "{}").stdout

    def test_outcomes_timeout_and_killed(self, hook_file):
        source = """
from kraken_hooks import on
@on()
def busy(msg):
    while True:
        pass
@on()
def stuck(msg):
    return sum(range(10**12))
"""
        done = kraken("try", hook_file(source), "--json", KRAKENB_HOOK_TIMEOUT="0.3")
        assert done.returncode == 1
        assert [run["outcome"] for run in json.loads(done.stdout)["runs"]] == ["timeout", "killed"]

    def test_a_file_that_does_not_load(self, hook_file):
        done = kraken("try", hook_file(BROKEN), "--json")
        assert done.returncode == 1
        shown = json.loads(done.stdout)
        assert shown["runs"] == []
        assert [one["line"] for one in shown["problems"]] == [2, 7]

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("--data", "a", "--hex", "00"), "give one of"),
            (("--hex", "0g"), "--hex"),
            (("--metadata", "{"), "--metadata is not JSON"),
            (("--metadata", "[1]"), "JSON object"),
        ],
    )
    def test_usage(self, hook_file, arguments, told):
        done = kraken("try", hook_file(TALKATIVE), *arguments)
        assert done.returncode == 2
        assert told in done.stderr


@pytest.fixture(scope="module")
def echoing(tmp_path_factory):
    from rig import Broker

    source = """
from kraken_hooks import on
@on(collector="echo")
def echo(msg):
    return {"text": msg.text, "kind": msg.kind, "metadata": msg.metadata}
"""
    with Broker(tmp_path_factory.mktemp("echoing"), {"echo.py": source}) as broker:
        yield broker


class TestSend:
    def test_prints_the_reply(self, echoing):
        host = f"127.0.0.1:{echoing.port}"
        done = kraken("send", "--host", host, "--collector", "echo", "--data", "hi", "--metadata", '{"a": 1}')
        assert done.returncode == 0, done.stderr
        head, body = done.stdout.splitlines()
        assert head.startswith('application/json  {"response_type":"echo"')
        assert json.loads(body) == {"text": "hi", "kind": "collector", "metadata": {"a": 1}}

    def test_as_json(self, echoing):
        host = f"127.0.0.1:{echoing.port}"
        shown = json.loads(kraken("send", "--host", host, "--collector", "echo", "--data", "hi", "--json").stdout)
        assert (shown["collector_name"], shown["content_type"]) == ("echo", "application/json")
        assert json.loads(shown["payload_text"])["text"] == "hi"
        assert shown["metadata"]["source_broker"] == "echo.py:echo"

    def test_no_reply(self, echoing):
        done = kraken("send", "--host", f"127.0.0.1:{echoing.port}", "--data", "hi")
        assert done.returncode == 0
        assert done.stdout.startswith("no reply for the device")

    def test_the_older_service(self, echoing):
        done = kraken("send", "--host", f"127.0.0.1:{echoing.port}", "--legacy", "--kind", "k", "--collector", "echo")
        assert (done.returncode, done.stdout) == (0, "accepted\n")

    def test_many(self, echoing):
        host = f"127.0.0.1:{echoing.port}"
        done = kraken("send", "--host", host, "--collector", "echo", "--data", "hi", "--count", "20", "--rate", "200")
        assert done.returncode == 0
        assert done.stdout.startswith("20 sent: 20 echo; ")

    def test_nobody_there(self):
        done = kraken("send", "--host", "127.0.0.1:9", "--data", "hi")
        assert done.returncode == 1
        assert done.stderr == "Nothing answers at 127.0.0.1:9. Is the broker running, and on that port?\n"

    def test_refused_by_the_broker(self, echoing):
        done = kraken("send", "--host", f"127.0.0.1:{echoing.port}", "--collector", "")
        assert done.returncode == 1
        assert done.stderr.startswith("INVALID_ARGUMENT: ")


FAILING = """
from kraken_hooks import on, slack
LIMIT = 0

@on(collector="divide")
def divide(msg):
    return str(10 / LIMIT)

@on(collector="tell")
def tell(msg):
    slack.send(msg.text)
"""


ODD = """
from kraken_hooks import on

@on(collector="odd")
def odd(msg):
    raise ValueError(f"[/etc] [red] :warning: {msg.text}")
"""


class TestDead:
    @pytest.fixture
    def broker(self, start, slack):
        slack.script = [(400, {}, "invalid_payload")]
        broker = start({"hook.py": FAILING}, KRAKENB_SLACK_URL=slack.url)
        broker.client.send("1", collector="divide")
        broker.client.send("2", collector="divide")
        broker.client.send("refused", collector="tell")
        wait_until(lambda: broker.count("dead") == 3, "three dead letters")
        return broker

    def letters(self, broker, *filters: str) -> list[dict]:
        return json.loads(broker.command("dead", "list", "--json", *filters).stdout)

    def test_damaged_rows_are_listed_and_purged(self, broker):
        assert broker.command("dead", "damaged").stdout == "no damaged rows\n"
        with sqlite3.connect(broker.state / "kraken.db", timeout=10) as other:
            other.execute("INSERT INTO damaged VALUES (1, 1000, 'inbox', '[17]', zeroblob(20))")
        other.close()
        [row] = json.loads(broker.command("dead", "damaged", "--json").stdout)
        assert (row["table"], row["row"], row["bytes"]) == ("inbox", "[17]", 20)
        assert "20 bytes" in broker.command("dead", "damaged").stdout
        assert broker.command("dead", "damaged", "--purge").stdout == "1 deleted\n"
        assert broker.count("damaged") == 0

    def test_list_and_filters(self, broker):
        assert [one["kind"] for one in self.letters(broker)] == ["run", "run", "effect"]
        assert len(self.letters(broker, "--kind", "effect")) == 1
        assert len(self.letters(broker, "--sink", "slack")) == 1
        assert len(self.letters(broker, "--hook", "hook.py:d*")) == 2
        assert len(self.letters(broker, "--since", "1h")) == 3
        assert self.letters(broker, "--until", "1h") == []
        assert self.letters(broker, "--since", "2099-01-01") == []
        assert len(self.letters(broker, "--limit", "1")) == 1
        table = broker.command("dead", "list").stdout
        assert "hook.py:divide" in table
        assert "ZeroDivisionError: division by zero" in table

    def test_a_reason_is_shown_as_it_is_whatever_stands_in_it(self, broker):
        broker.write("odd.py", ODD)
        broker.wait_for("hook.loaded", file="odd.py")
        broker.client.send("{}", collector="odd")
        wait_until(lambda: broker.count("dead") == 4, "one more dead letter")
        assert "ValueError: [/etc] [red] :warning: {}" in broker.command("dead", "list").stdout

    def test_what_a_device_says_does_not_steer_the_terminal(self, broker):
        broker.write("odd.py", ODD)
        broker.wait_for("hook.loaded", file="odd.py")
        broker.client.send("\x1b]0;title\x07", collector="odd")
        wait_until(lambda: broker.count("dead") == 4, "one more dead letter")
        shown = broker.command("dead", "show", self.letters(broker)[-1]["id"]).stdout
        assert "\\x1b]0;title\\x07" in shown
        assert "\x1b" not in shown

    def test_show(self, broker):
        run, _, effect = self.letters(broker)
        shown = broker.command("dead", "show", run["id"]).stdout
        assert "return str(10 / LIMIT)" in shown
        assert "collector=divide" in shown
        shown = json.loads(broker.command("dead", "show", effect["id"], "--json").stdout)
        assert (shown["sink"], shown["effect"]["op"], shown["effect"]["args"]["text"]) == ("slack", "send", "refused")
        assert "invalid_payload" in shown["error"]["message"]
        assert broker.command("dead", "show", "nothing").returncode == 1

    def test_replay_a_run_with_todays_hook_and_an_effect_to_its_sink(self, broker, slack):
        broker.write("hook.py", FAILING.replace("LIMIT = 0", "LIMIT = 5"))
        broker.wait_for("hook.loaded", file="hook.py", count=2)
        assert broker.command("dead", "replay", "--all").stdout == "3 replayed\n"
        wait_until(lambda: broker.count("dead") == 0 and broker.count("inbox") == 0, "all to be run again")
        wait_until(lambda: slack.texts == ["refused"], "the effect at Slack")
        assert self.letters(broker) == []

    def test_replayed_without_a_broker_it_runs_at_the_next_start(self, broker):
        broker.stop()
        assert broker.command("dead", "replay", "--kind", "run").stdout == "2 replayed\n"
        broker.write("hook.py", FAILING.replace("LIMIT = 0", "LIMIT = 5"))
        broker.start()
        wait_until(lambda: broker.count("inbox") == 0, "the inbox to be empty")
        assert [one["kind"] for one in self.letters(broker)] == ["effect"]

    def test_purge_asks_and_demands_a_choice(self, broker):
        assert broker.command("dead", "purge").returncode == 2
        assert broker.command("dead", "replay").returncode == 2
        assert broker.command("dead", "purge", "--all", stdin=b"n\n").returncode == 1
        assert len(self.letters(broker)) == 3
        assert broker.command("dead", "purge", "--sink", "slack", "--yes").stdout == "1 deleted\n"
        assert broker.command("dead", "purge", "--all", "--yes").stdout == "2 deleted\n"
        assert broker.command("dead", "list").stdout == "no dead letters\n"

    def test_no_database(self, tmp_path):
        done = kraken("dead", "list", "--state-dir", tmp_path)
        assert done.returncode == 1
        assert "has the broker ever run" in done.stderr


class TestSettings:
    def test_all_problems_at_once_one_line_each_exit_status_78(self, tmp_path):
        done = kraken(
            "run", KRAKENB_STATE_DIR=str(tmp_path), KRAKENB_REPLY_WAIT="soon", KRAKENB_HOOK_TIMEOUT="-1",
            KRAKENB_SLACK_URL="hidden-part",
        )  # fmt: skip
        assert done.returncode == 78
        lines = (done.stdout + done.stderr).splitlines()
        for name in ("KRAKENB_REPLY_WAIT", "KRAKENB_HOOK_TIMEOUT", "KRAKENB_SLACK_URL"):
            assert sum(name in line for line in lines) == 1, lines
        assert "hidden-part" not in done.stdout + done.stderr

    def test_options_go_before_variables(self, start, tmp_path):
        done = kraken(
            "run", "--host", "nonsense:port", "--state-dir", tmp_path, "--hooks", tmp_path,
            KRAKENB_GRPC_HOST="127.0.0.1:0", KRAKENB_STATE_DIR="/proc/nowhere",
        )  # fmt: skip
        assert done.returncode == 78
        assert "KRAKENB_GRPC_HOST" in done.stdout + done.stderr
        assert "KRAKENB_STATE_DIR" not in done.stdout + done.stderr
