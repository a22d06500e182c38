"""A message comes in over gRPC, a hook runs, what it asked for is durable and delivered, the collector gets its answer."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from rig import PATIENCE, PROCESS, TUTORIAL, Client, wait_until

EXAMPLES = Path(__file__).parent.parent / "hooks"

ECHO = """
from kraken_hooks import on

@on(collector="tcp")
def echo(msg):
    return msg.payload
"""
LAST = """
from kraken_hooks import on, store

@on(collector="ask")
def ask(msg):
    tags = {"id": "101"}
    return {"temp": store.last("readings", "temp", tags), "hum": store.last("readings", "hum", tags)}
"""


def examples() -> dict[str, str]:
    return {path.name: path.read_text() for path in EXAMPLES.glob("*.py")}


class TestTutorial:
    """The tutorial's message through the example hooks, over every way in."""

    def check(self, broker, slack, sent: int) -> None:
        wait_until(lambda: len(slack.bodies) == sent, "the Slack messages")
        assert slack.texts == [f"kind=collector, provider=webhook, payload={TUTORIAL}"] * sent
        assert json.loads(broker.client.send(collector="ask").payload) == {"temp": 25.6, "hum": 52.4}

    def test_over_both_services_by_the_send_command(self, start, slack):
        broker = start({**examples(), "last.py": LAST}, KRAKENB_SLACK_URL=slack.url)
        host = f"127.0.0.1:{broker.port}"
        new = broker.command("send", "--host", host, "--data", TUTORIAL)
        old = broker.command("send", "--host", host, "--data", TUTORIAL, "--legacy")
        assert new.returncode == 0, new.stderr
        assert '"response_type":"ack"' in new.stdout
        assert (old.returncode, old.stdout) == (0, "accepted\n")
        self.check(broker, slack, 2)

    def test_by_a_grpc_client_that_is_not_ours(self, start, slack, tmp_path):
        if shutil.which("h2load") is None:
            pytest.skip("h2load is missing: apt-get install nghttp2-client")
        broker = start({**examples(), "last.py": LAST}, KRAKENB_SLACK_URL=slack.url)
        message = Client.request("webhook", TUTORIAL, "application/json", "{}")
        body = tmp_path / "body"
        body.write_bytes(b"\0" + len(message).to_bytes(4, "big") + message)
        sent = subprocess.run(
            ["h2load", "-n1", "-c1", "-d", str(body), "-H", "content-type: application/grpc", "-H", "te: trailers",
             f"http://127.0.0.1:{broker.port}{PROCESS}"],
            capture_output=True, text=True, timeout=PATIENCE, check=True,
        )  # fmt: skip
        assert "1 succeeded" in sent.stdout
        self.check(broker, slack, 1)

    def test_leaves_one_log_line_with_the_messages_id(self, start):
        broker = start(examples())
        reply = broker.client.send()
        line = broker.wait_for("message.handled", message_id=reply.metadata["message_id"])
        assert line["level"] == "debug"
        assert line["collector"] == "webhook"
        assert line["hooks"] == ["alarm.py:alarm", "slack_notify.py:slack_notify", "store_readings.py:store_readings"]
        assert line["effects"] == {"store.write": 1}
        assert len(broker.lines("message.handled")) == 1

    def test_is_acknowledged_with_nothing_for_the_device(self, start):
        reply = start(examples()).client.send()
        assert (reply.collector_name, reply.payload) == ("", b"")
        assert reply.kind == "ack"


# ── every collector there is: name, content type, metadata, payload, and as the older service sent it ──

SEEN = """
import json
from kraken_hooks import on, reply

@on()
def seen(msg):
    found = {"collector": msg.collector, "provider": msg.provider, "kind": msg.kind, "metadata": msg.metadata,
             "content_type": msg.content_type, "size": len(msg.payload)}
    try:
        found["text"] = msg.text
    except ValueError:
        found["text"] = None
    try:
        found["json"] = msg.json
    except ValueError:
        found["json"] = None
    print(json.dumps(found))

@on(collector="tcp")
def back(msg):
    return msg.payload

@on(collector="websocket", content_type="application/json")
def text_frame(msg):
    return reply("seen", content_type="text/plain")

@on(collector="websocket", content_type="application/octet-stream")
def json_frame(msg):
    return {"bytes": len(msg.payload)}

@on(collector="bjig", metadata={"bjig": "data"})
def command(msg):
    return {"action": "test", "command": "status"}
"""
EMAIL = {
    "ipaddr": "10.0.0.1", "from": "a@b.example", "to": ["c@d.example"], "subject": "s", "body": "b",
    "timestamp": "2026-01-01T00:00:00Z", "message_id": "<1@b.example>",
}  # fmt: skip
IBEACON = {"address": "aa:bb", "major": 1, "minor": 2, "rssi": -60, "uuid": "0000-11"}
ALERT = {"status": "x", "timestamp": 1, "steps": [], "message": "m"}
FRAME = bytes.fromhex("01000c006f19036801020304050607082101d4ffff6400c64d036801008fe3f042")
COLLECTORS = [
    ("webhook", "application/json", "{}", TUTORIAL.encode()),
    ("mqtt", "application/json", "{}", b"21.5 C, not JSON"),
    ("websocket", "application/json", "{}", b'{"a":1}'),
    ("websocket", "application/octet-stream", "{}", b"\x00\xff"),
    ("ibeacon", "application/json", "{}", json.dumps(IBEACON).encode()),
    ("serial", "application/octet-stream", '{"device_name":"brave_jig"}', FRAME),
    ("textfile", "text/plain", "{}", "line\nZeile é".encode()),
    ("camera", "application/octet-stream", '{"camera_name":"c","format":"image/jpeg","height":2,"width":2}', bytes(range(12))),
    ("email", "application/json", "{}", json.dumps(EMAIL).encode()),
    ("tcp", "application/octet-stream", '{"peer_addr":"10.0.0.2:99"}', b"\x00hello\xff"),
    ("bjig", "application/json", '{"bjig":"data"}', b'{"x":1}'),
    ("bjig", "application/json", '{"bjig":"alert"}', json.dumps(ALERT).encode()),
]  # fmt: skip


def as_json(payload: bytes):
    try:
        return json.loads(payload)
    except ValueError:
        return None


@pytest.fixture(scope="module")
def seeing(tmp_path_factory):
    from rig import Broker

    with Broker(tmp_path_factory.mktemp("seeing"), {"seen.py": SEEN}) as broker:
        yield broker


class TestEveryCollector:
    @pytest.mark.parametrize(
        ("collector", "content_type", "metadata", "payload"), COLLECTORS, ids=lambda value: str(value)[:12]
    )
    def test_is_matched_read_and_answered(self, seeing, collector, content_type, metadata, payload):
        reply = seeing.client.send(payload, collector, content_type, metadata)
        seen = self.seen(seeing, reply.metadata["message_id"])
        assert seen["collector"] == seen["provider"] == collector
        assert seen["content_type"] == content_type
        assert seen["metadata"] == json.loads(metadata)
        assert seen["size"] == len(payload)
        assert seen["json"] == as_json(payload)
        if seen["text"] is not None:
            assert seen["text"].encode() == payload
        self.check_reply(reply, collector, content_type, metadata, payload)

    def check_reply(self, reply, collector, content_type, metadata, payload):
        if collector == "tcp":
            assert (reply.payload, reply.kind, reply.collector_name) == (payload, "tcp", "tcp")
        elif collector == "websocket" and content_type == "application/json":
            assert (reply.collector_name, reply.content_type, reply.text) == ("websocket", "text/plain", "seen")
        elif collector == "websocket":
            assert (reply.collector_name, reply.content_type) == ("websocket", "application/json")
            assert json.loads(reply.payload) == {"bytes": len(payload)}
        elif metadata == '{"bjig":"data"}':
            assert reply.collector_name == "bjig"
            assert json.loads(reply.payload) == {"action": "test", "command": "status"}
            assert reply.metadata["source_broker"] == "seen.py:command"
        else:
            assert (reply.collector_name, reply.payload, reply.kind) == ("", b"", "ack")

    @pytest.mark.parametrize(
        ("provider", "payload"),
        [
            *((name, payload.decode()) for name, _, _, payload in COLLECTORS if name in ("webhook", "mqtt", "ibeacon", "textfile", "email")),
            ("websocket", '{"a":1}'),
            ("tcp", "hello"),
            ("serial", '{"device_name":"d1","hex_string":"0aff"}'),
        ],
        ids=lambda value: value[:10],
    )  # fmt: skip
    def test_of_the_older_service_too(self, seeing, provider, payload):
        before = len(seeing.lines("hook.log"))
        assert seeing.client.send_legacy(payload, provider) == 1
        wait_until(lambda: len(seeing.lines("hook.log")) > before, "the hook's line")
        seen = json.loads(seeing.lines("hook.log")[-1]["text"])
        assert (seen["collector"], seen["kind"], seen["text"]) == (provider, "collector", payload)
        assert seen["json"] == as_json(payload.encode())

    def seen(self, broker, message_id: str):
        return json.loads(broker.wait_for("hook.log", message_id=message_id)["text"])


# ── what cannot be taken ──


def refused(call) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


class TestWhatIsRefused:
    @pytest.mark.parametrize("metadata", ["[1]", "not json", "{", '"text"', "1"])
    def test_metadata_that_is_no_json_object(self, seeing, metadata):
        error = refused(lambda: seeing.client.send("x", metadata=metadata))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "metadata is not a JSON object" in error.details()

    def test_an_empty_collector_name(self, seeing):
        error = refused(lambda: seeing.client.send("x", collector=""))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT

    def test_an_empty_provider_of_the_older_service(self, seeing):
        error = refused(lambda: seeing.client.send_legacy("x", provider=""))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT

    def test_bytes_that_are_no_message(self, seeing):
        call = seeing.client.channel.unary_unary(PROCESS)
        error = refused(lambda: call(b"\xff\xff\xff", timeout=PATIENCE))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT

    def test_17_mib_while_16_mib_go_through(self, seeing):
        reply = seeing.client.send(b"x" * (16 << 20), collector="tcp", content_type="application/octet-stream")
        assert reply.metadata.get("failed") == ["seen.py:back"]  # more than a collector could decode as a reply
        assert seeing.client.send(b"x" * (16 << 20), collector="camera").kind in ("ack", "accepted")
        error = refused(lambda: seeing.client.send(b"x" * (17 << 20)))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert seeing.client.send(b"y", collector="tcp").payload == b"y"

    def test_empty_metadata_is_fine(self, seeing):
        assert seeing.client.send(metadata="").kind == "ack"


class TestFailedHook:
    HOOKS: ClassVar = {
        "bad.py": "from kraken_hooks import on\n\n@on()\ndef bad(msg):\n    return msg.json['nothing']\n",
        "echo.py": ECHO,
    }

    def test_the_call_is_ok_and_the_run_is_a_dead_letter(self, start):
        broker = start(self.HOOKS)
        reply = broker.client.send(b'{"a":1}', collector="tcp")
        assert reply.payload == b'{"a":1}'
        assert reply.metadata["failed"] == ["bad.py:bad"]
        line = broker.wait_for("hook.failed")
        assert (line["hook"], line["line"], line["error"]) == ("bad.py:bad", 5, "KeyError: 'nothing'")
        assert broker.query("SELECT kind, hook FROM dead") == [("run", "bad.py:bad")]

    def test_what_is_no_reply_is_told_with_the_hooks_own_line(self, start):
        broker = start({"five.py": "from kraken_hooks import on\n\n@on()\ndef five(msg):\n    return 5\n"})
        broker.client.send(b"", collector="tcp")
        line = broker.wait_for("hook.failed")
        assert (line["hook"], line["line"]) == ("five.py:five", 3)
        assert line["error"].endswith("not int")


class TestOnThePort:
    def test_health_says_serving(self, seeing):
        stub = health_pb2_grpc.HealthStub(seeing.client.channel)
        for service in ("", "kraken.KrakenService", "kraken.KrakenMessage"):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING

    def test_reflection_shows_both_services(self, seeing):
        database = ProtoReflectionDescriptorDatabase(seeing.client.channel)
        assert {"kraken.KrakenService", "kraken.KrakenMessage", "grpc.health.v1.Health"} <= set(database.get_services())
        assert database.FindFileContainingSymbol("kraken.KrakenRequest").package == "kraken"

    def test_a_second_broker_does_not_share_the_port_silently(self, seeing, tmp_path):
        second = subprocess.run(
            [sys.executable, "-m", "kraken_hooks", "run", "--hooks", str(tmp_path), "--state-dir", str(tmp_path / "s"),
             "--host", f"127.0.0.1:{seeing.port}"],
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert second.returncode == 1
        assert "the address is in use" in second.stdout


class TestStopping:
    SLOW = """
import time
from kraken_hooks import on, store

@on(order=-1)
def first(msg):
    print("running")

@on()
def slow(msg):
    time.sleep(0.3)
    store.write("stopped", {"value": 1})
    return "done"
"""

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_call_that_runs_is_answered_and_the_exit_status_is_0(self, start, number):
        broker = start({"slow.py": self.SLOW}, KRAKENB_REPLY_WAIT="5")
        call = broker.client.send_soon()
        broker.wait_for("hook.log", text="running")
        process, broker.process = broker.process, None
        process.send_signal(number)
        answer = call.result(PATIENCE)
        assert b"done" in answer
        assert process.wait(PATIENCE) == 0
        assert broker.count("points") == 1

    def test_no_process_is_left(self, start):
        broker = start({"echo.py": ECHO})
        broker.client.send(collector="tcp")
        (forks,) = Path(f"/proc/{broker.pid}/task/{broker.pid}/children").read_text().split()
        workers = Path(f"/proc/{forks}/task/{forks}/children").read_text().split()
        assert workers
        assert broker.stop() == 0
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in (forks, *workers)), "the processes to end")

    def test_no_process_is_left_after_kill_9_either(self, start):
        broker = start({"echo.py": ECHO})
        broker.client.send(collector="tcp")
        (forks,) = Path(f"/proc/{broker.pid}/task/{broker.pid}/children").read_text().split()
        workers = Path(f"/proc/{forks}/task/{forks}/children").read_text().split()
        broker.kill()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in (forks, *workers)), "the processes to end")
