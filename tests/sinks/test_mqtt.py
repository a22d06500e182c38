"""Publishing to a real mosquitto: what it takes, what it refuses, what is lost with a connection and what is not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from authority import certificate
from fussy_mqtt import UNACCEPTABLE, UNSUPPORTED, FussyMqtt
from peer_mqtt import PASSWORD, USER, MqttPeer, OlderFront
from peers import Silent, free_port
from rig import PATIENCE, wait_until
from test_conformance import Delivery

from kraken_hooks import mqtt, settings
from kraken_hooks.delivery.courier import State
from kraken_hooks.errors import SettingsError
from kraken_hooks.outbox.base import DeadFilter
from kraken_hooks.outcome import Effect, QueuedEffect
from kraken_hooks.sinks.base import Delivered, NotNow, Refused, RefusedTogether, Result
from kraken_hooks.sinks.mqtt import Mqtt, MqttSettings
from kraken_hooks.testing import message, run


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[MqttPeer]:
    made = MqttPeer(tmp_path)
    yield made
    made.stop()


def chosen(variables: dict[str, str]) -> MqttSettings:
    section = settings.read(variables, {"mqtt": MqttSettings}).sections["mqtt"]
    assert isinstance(section, MqttSettings)
    return section


def sink(peer: MqttPeer | FussyMqtt, patience: float = 14.0, **variables: str) -> closing[Mqtt]:
    return closing(Mqtt(chosen({**peer.settings(), **variables}), patience=patience))


def queued(*publishes: tuple[str, str | bytes, int, bool]) -> list[QueuedEffect]:
    return [
        QueuedEffect(
            number,
            f"message/file.py:hook/{number}",
            "file.py:hook",
            "message",
            0,
            Effect("mqtt", "publish", {"topic": topic, "payload": payload, "qos": qos, "retain": retain}),
        )
        for number, (topic, payload, qos, retain) in enumerate(publishes)
    ]


def one(to: Mqtt, topic: str = "ok/a", payload: str | bytes = "1", qos: int = 1, retain: bool = False) -> Result:
    [result] = to.deliver(queued((topic, payload, qos, retain)))
    return result


# ── what an author writes ──


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("on", "on"),
        (b"\x00\xff", b"\x00\xff"),
        (bytearray(b"x"), b"x"),
        (21.5, "21.5"),
        (3, "3"),
        (True, "true"),
        ({"grün": [1, None]}, '{"grün":[1,null]}'),
        ([], "[]"),
        ("", ""),
    ],
)
def test_payloads(given, sent):
    [effect] = run(lambda msg: mqtt.publish("a/b", given), message()).effects
    assert effect.args == {"topic": "a/b", "payload": sent, "qos": 1, "retain": False}
    assert type(effect.args["payload"]) is type(sent)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("", "x"), "must not be empty"),
        (("a/+", "x"), "for subscribing"),
        (("a/#", "x"), "for subscribing"),
        (("a\x00b", "x"), "control characters"),
        (("a\nb", "x"), "control characters"),
        (("a\ufffe", "x"), "control characters"),
        (("ä" * 32_768, "x"), "longer than 65535 bytes"),
        ((7, "x"), "topic must be text"),
        (("a", None), "payload must be text"),
        (("a", float("nan")), "finite number"),
        (("a", {"x": float("nan")}), "cannot be written as JSON"),
        (("a", b"x" * (16 * 2**20 + 1)), "at most 16777216"),
        (("a", "x", 3), "qos must be 0, 1 or 2"),
        (("a", "x", True), "qos must be 0, 1 or 2"),
        (("a", "x", 1, 1), "retain must be True or False"),
    ],
)
def test_mistakes_show_at_the_hooks_line(arguments, said):
    error = run(lambda msg: mqtt.publish(*arguments), message()).error
    assert error is not None
    assert error.type == "HookUsageError"
    assert said in error.message


# ── settings ──


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"KRAKENB_MQTT_HOST": "mqtt://box"}, "KRAKENB_MQTT_HOST: must be a host's name or address alone"),
        ({"KRAKENB_MQTT_HOST": "box:1883"}, "KRAKENB_MQTT_HOST: must be a host's name or address alone"),
        ({"KRAKENB_MQTT_HOST": "box..local"}, "KRAKENB_MQTT_HOST: must be a host's name or address alone"),
        ({"KRAKENB_MQTT_PORT": "0"}, "KRAKENB_MQTT_PORT: must lie between 1 and 65535"),
        ({"KRAKENB_MQTT_PASSWORD": "x"}, "KRAKENB_MQTT_PASSWORD: set KRAKENB_MQTT_USER too"),
        ({"KRAKENB_MQTT_TLS_CA": "/etc/passwd"}, "KRAKENB_MQTT_TLS_CA: set KRAKENB_MQTT_TLS=true too"),
        (
            {"KRAKENB_MQTT_TLS": "true", "KRAKENB_MQTT_TLS_CA": "/nobody"},
            "KRAKENB_MQTT_TLS_CA: no certificates in /nobody: No such file or directory",
        ),
    ],
)
def test_settings_that_cannot_be_meant(variables, problem):
    with pytest.raises(SettingsError) as raised:
        chosen(variables)
    [line] = raised.value.problems
    assert line.startswith(problem)


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({"KRAKENB_MQTT_HOST": "box.local"}, ("box.local", 1883)),
        ({"KRAKENB_MQTT_HOST": "[::1]", "KRAKENB_MQTT_TLS": "true"}, ("::1", 8883)),
        ({"KRAKENB_MQTT_HOST": "10.0.0.1", "KRAKENB_MQTT_PORT": "99", "KRAKENB_MQTT_TLS": "1"}, ("10.0.0.1", 99)),
    ],
)
def test_addresses(variables, address):
    assert chosen(variables).address == address


# ── what arrives ──


def test_quality_of_service_and_payload_arrive_as_asked(peer):
    peer.start()
    with sink(peer) as to:
        publishes = [("ok/0", "grün", 0, False), ("ok/1", b"\x00\xff", 1, False), ("ok/2", "", 2, False)]
        assert to.deliver(queued(*publishes)) == [Delivered()] * 3
    wait_until(lambda: len(peer.subscriber.got) == 3, "all to be there")
    assert sorted(peer.subscriber.got) == [
        ("ok/0", "grün".encode(), 0, False),
        ("ok/1", b"\x00\xff", 1, False),
        ("ok/2", b"", 2, False),
    ]


def test_a_retained_message_waits_for_whoever_subscribes_later(peer):
    peer.start()
    with sink(peer) as to:
        assert one(to, payload="kept", retain=True) == Delivered()
        wait_until(lambda: peer.subscriber.got, "it to be there")
        peer.subscriber.disconnect()
        peer.subscriber.connect()
        wait_until(lambda: ("ok/a", b"kept", 1, True) in peer.subscriber.got, "it to be there again, as a kept one")


@pytest.mark.parametrize("qos", [1, 2])
def test_a_topic_that_is_not_allowed_is_refused_for_good(peer, qos):
    peer.start()
    with sink(peer) as to:
        assert one(to, topic="not/ours", qos=qos) == Refused("not authorized (0x87)")
        assert one(to, qos=qos) == Delivered()
    assert peer.connections == 1


def test_a_message_that_is_too_large_is_refused_for_good(peer):
    peer.options = "message_size_limit 1000"
    peer.start()
    with sink(peer) as to:
        assert one(to, payload="x" * 1001) == Refused("packet too large (0x95)")
        assert one(to) == Delivered()
    assert peer.connections == 1


def test_a_packet_that_the_server_has_said_to_be_too_large_is_not_even_sent(peer):
    peer.options = "max_packet_size 1000"
    peer.start()
    with sink(peer) as to:
        assert one(to) == Delivered()
        assert one(to, payload="x" * 1000) == Refused("the server takes 1000 bytes at most")
        assert one(to) == Delivered()


@pytest.mark.parametrize("qos", [1, 2])
def test_more_than_the_server_takes_at_once_is_sent_in_order_piece_by_piece(peer, qos):
    peer.options = "max_inflight_messages 3"
    peer.start()
    with sink(peer) as to:
        publishes = [("ok/numbers", str(number), qos, False) for number in range(150)]
        assert to.deliver(queued(*publishes)) == [Delivered()] * 150
    wait_until(lambda: len(peer.arrived()) == 150, "all to be there")
    assert peer.arrived() == list(range(150))


def test_an_older_server_is_spoken_to_in_its_own_version(peer):
    peer.start()
    front = OlderFront(peer.port)
    with closing(front), sink(peer, KRAKENB_MQTT_PORT=str(front.port)) as to:
        assert one(to) == Delivered()
        assert front.versions == [5, 4]
        assert one(to, topic="not/ours") == Delivered(), "MQTT 3.1.1 has no way to say no"
    wait_until(lambda: peer.subscriber.got, "the good one to be there")
    assert [topic for topic, *_ in peer.subscriber.got] == ["ok/a"]


# ── what goes wrong ──


def test_wrong_credentials_say_so(peer):
    peer.start()
    with sink(peer, KRAKENB_MQTT_PASSWORD="wrong-secret") as to:
        assert one(to) == NotNow("the server does not let us in: not authorized (0x87)")


def test_a_server_that_stops_in_between_is_met_again_by_the_next_call(peer):
    peer.start()
    with sink(peer) as to:
        assert one(to) == Delivered()
        peer.stop()
        assert one(to) == NotNow("no connection: connection refused", offline=True)
        assert not to.reachable()
        peer.start()
        assert to.reachable()
        assert one(to) == Delivered()


def test_a_server_that_falls_silent_in_between_is_given_up_in_time(peer):
    peer.start()
    with sink(peer, patience=0.5) as to:
        assert one(to) == Delivered()
        assert peer._process is not None
        peer._process.send_signal(19)  # SIGSTOP
        try:
            assert one(to) == NotNow("no acknowledgement in time")
        finally:
            peer._process.send_signal(18)  # SIGCONT
        assert one(to, payload="2") == Delivered()


def test_a_server_that_is_killed_with_publishes_on_the_way_gets_them_from_the_next_call(peer):
    peer.subscriber.qos = 0
    peer.start()
    publishes = queued(*[("ok/numbers", str(number), 1, False) for number in range(15)])
    with sink(peer) as to, ThreadPoolExecutor() as thread:
        assert one(to) == Delivered()
        assert peer._process is not None
        peer._process.send_signal(19)  # SIGSTOP: it has them, and answers nothing
        answer = thread.submit(to.deliver, publishes)
        wait_until(lambda: to._connection is not None and len(to._connection._on_the_way) == 15, "all to be on the way")
        peer.stop(kill=True)
        assert answer.result(PATIENCE) == [NotNow("the connection was lost", offline=True, suspect=True)]
        peer.start()
        assert to.deliver(publishes) == [Delivered()] * 15
    wait_until(lambda: len(peer.arrived()) == 15, "all to be there")
    assert peer.arrived() == list(range(15))


def test_a_server_that_is_killed_again_and_again_gets_everything_in_order(peer, tmp_path):
    peer.subscriber.qos = 0
    peer.start()
    with closing(Delivery(tmp_path, peer)) as delivery:
        courier = delivery.courier()
        for begin in range(0, 2_000, 500):
            delivery.put(*[peer.effect(number) for number in range(begin, begin + 500)])
            courier.wake()
            wait_until(lambda begin=begin: begin in peer.arrived(), "the first of them to be there")
            peer.stop(kill=True)
            courier.pause()  # the server has forgotten who subscribes: that must come first
            wait_until(lambda: courier.report().state is State.PAUSED, "the courier to wait")
            peer.start()
            courier.resume()
        delivery.empty()
    wait_until(lambda: 1_999 in peer.arrived(), "the last to be there")
    assert list(dict.fromkeys(peer.arrived())) == list(range(2_000)), "in order, whatever came twice"


# ── a server that ends the connection ──


def around_a_bad_one() -> list[QueuedEffect]:
    return queued(*[("ok/a", payload, 1, False) for payload in ("1", "bad", "2")])


@pytest.mark.parametrize("reason", [0x87, 0x90, 0x95, 0x99, 0x9A, 0x9B])
def test_a_farewell_over_a_message_blames_the_first_that_was_not_acknowledged(reason):
    with closing(FussyMqtt(reason)) as server, sink(server) as to:
        effects = around_a_bad_one()
        assert to.deliver(effects) == [Delivered()]
        [blamed] = to.deliver(effects[1:])
        assert isinstance(blamed, RefusedTogether)
        assert blamed.reason.endswith(f"(0x{reason:02x})")
        assert to.deliver(effects[2:]) == [Delivered()]
        assert server.taken == ["1", "2"]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (0x80, "unspecified error (0x80)"),
        (0x82, "protocol error (0x82)"),
        (0x83, "implementation specific error (0x83)"),
        (0x93, "receive maximum exceeded (0x93)"),
    ],
)
def test_a_farewell_that_blames_nobody_makes_the_first_that_was_not_acknowledged_suspect(reason, said):
    with closing(FussyMqtt(reason)) as server, sink(server) as to:
        [first, second] = to.deliver(around_a_bad_one())
        assert first == Delivered()
        assert second == NotNow(f"the server ended the connection: {said}", offline=True, suspect=True)
        assert one(to) == Delivered()


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (0x89, "server busy (0x89)"),
        (0x8B, "server shutting down (0x8b)"),
        (0x8D, "keep alive timeout (0x8d)"),
        (0x8E, "session taken over (0x8e)"),
        (0x96, "message rate too high (0x96)"),
        (0x97, "quota exceeded (0x97)"),
        (0x98, "administrative action (0x98)"),
        (0x9C, "use another server (0x9c)"),
        (0x9D, "server moved (0x9d)"),
        (0x9F, "connection rate exceeded (0x9f)"),
        (0xA0, "maximum connect time (0xa0)"),
    ],
)
def test_a_server_that_leaves_suspects_nobody(reason, said):
    with closing(FussyMqtt(reason)) as server, sink(server) as to:
        [first, second] = to.deliver(around_a_bad_one())
        assert first == Delivered()
        assert second == NotNow(f"the server ended the connection: {said}", offline=True)
        assert one(to) == Delivered()


@pytest.mark.parametrize("older", [None, UNACCEPTABLE, UNSUPPORTED])
def test_a_server_that_hangs_up_without_a_word_makes_the_first_that_was_not_acknowledged_suspect(older):
    with closing(FussyMqtt(older=older)) as server, sink(server) as to:
        lost = NotNow("the connection was lost", offline=True, suspect=True)
        assert to.deliver(around_a_bad_one()) == [Delivered(), lost]
        assert one(to) == Delivered()


@pytest.mark.parametrize(
    ("farewell", "older", "said"),
    [
        (0x99, None, "payload format invalid (0x99)"),
        (
            0x80,
            None,
            "the sink broke down over it each time: the server ended the connection: unspecified error (0x80)",
        ),
        (None, None, "the sink broke down over it each time: the connection was lost"),
        (None, UNACCEPTABLE, "the sink broke down over it each time: the connection was lost"),
        (None, UNSUPPORTED, "the sink broke down over it each time: the connection was lost"),
    ],
)
def test_a_message_over_which_the_server_hangs_up_is_set_aside_and_its_neighbours_arrive(
    farewell, older, said, tmp_path
):
    with closing(FussyMqtt(farewell, older)) as server, closing(Delivery(tmp_path, server)) as delivery:
        publishes = queued(*[("ok/a", payload, 1, False) for payload in ("1", "2", "bad", "3", "4", "5")])
        delivery.put(*[(each.effect.op, each.effect.args) for each in publishes])
        delivery.courier()
        delivery.empty()
        assert list(dict.fromkeys(server.taken)) == ["1", "2", "3", "4", "5"]
        [letter] = delivery.outbox.dead(DeadFilter(), 10)
        assert letter.effect is not None
        assert letter.effect.effect.args["payload"] == "bad"
        assert letter.error.message == said


def test_no_more_is_on_the_way_than_the_server_has_said():
    with closing(FussyMqtt(receive_maximum=3)) as server, sink(server) as to:
        publishes = [("ok/a", str(number), 1, False) for number in range(9)]
        assert to.deliver(queued(*publishes)) == [Delivered()] * 9
        assert (server.connections, server.taken) == (1, [str(number) for number in range(9)])


def test_a_server_that_says_nothing_is_given_up(peer):
    with closing(Silent(peer.port)), sink(peer, patience=0.2) as to:
        assert one(to) == NotNow("no answer in time")


def test_the_thread_that_keeps_the_connection_ends_with_the_sink(peer):
    peer.start()
    with sink(peer) as to:
        assert one(to) == Delivered()
        assert "keep-mqtt" in {thread.name for thread in threading.enumerate()}
    assert "keep-mqtt" not in {thread.name for thread in threading.enumerate()}


# ── TLS ──


def with_tls(peer: MqttPeer, host: str) -> dict[str, str]:
    """The peer gets a second port that speaks TLS."""
    port = free_port()
    ca = certificate(peer.folder, host)
    peer.listeners = f"listener {port} 127.0.0.1\ncertfile server.pem\nkeyfile server.key"
    peer.start()
    return {"KRAKENB_MQTT_PORT": str(port), "KRAKENB_MQTT_TLS": "true", "KRAKENB_MQTT_TLS_CA": str(ca)}


def test_tls_with_an_authority_of_ones_own(peer):
    variables = with_tls(peer, "IP:127.0.0.1")
    with sink(peer, **variables) as to:
        publishes = [("ok/numbers", str(number) * 500, 1, False) for number in range(100)]
        assert to.deliver(queued(*publishes)) == [Delivered()] * 100
    wait_until(lambda: len(peer.subscriber.got) == 100, "all to be there")


def test_a_certificate_that_nobody_vouches_for_gets_nothing(peer):
    variables = with_tls(peer, "IP:127.0.0.1")
    del variables["KRAKENB_MQTT_TLS_CA"]
    with sink(peer, **variables) as to:
        result = one(to)
    assert isinstance(result, NotNow)
    assert result.reason.startswith("TLS: its certificate is not accepted: ")


def test_a_certificate_of_another_host_gets_nothing(peer):
    with sink(peer, **with_tls(peer, "DNS:somebody.else")) as to:
        result = one(to)
    assert isinstance(result, NotNow)
    assert "IP address mismatch" in result.reason


# ── through a broker ──

FAN = """
from kraken_hooks import mqtt, on

@on(collector="webhook")
def fan(msg):
    mqtt.publish("ok/numbers", msg.json["n"])
    if msg.json["n"] == 3:
        mqtt.publish("not/ours", {"n": 3})
"""


def test_from_a_hook_to_a_server_that_stops_in_between(start, peer):
    peer.start()
    broker = start({"fan.py": FAN}, **peer.settings())
    for number in range(40):
        assert broker.client.send(json.dumps({"n": number})).kind == "ack"
        if number == 20:
            wait_until(lambda: len(peer.arrived()) > 5, "some to be there")
            peer.stop()
    broker.wait_for("sink.down", sink="mqtt")
    peer.start()
    wait_until(lambda: set(peer.arrived()) == set(range(40)), "all to be there", 2 * PATIENCE)
    wait_until(lambda: broker.count("outbox") == 0, "the outbox to be empty")
    first = [number for place, number in enumerate(peer.arrived()) if number not in peer.arrived()[:place]]
    assert first == list(range(40)), "in order, whatever came twice"
    assert broker.wait_for("sink.refused")["reason"] == "not authorized (0x87)"
    assert PASSWORD.encode() not in broker.log.read_bytes()
    assert USER.encode() != PASSWORD.encode()


def test_a_server_that_hangs_up_after_each_refusal_is_met_again(start, peer):
    peer.queue = 0
    peer.start()
    broker = start({"fan.py": FAN}, **peer.settings())
    for number in [0, 1, 2, 3, 3, 3, 4, 5, 6]:
        assert broker.client.send(json.dumps({"n": number})).kind == "ack"
    wait_until(lambda: broker.count("outbox") == 0, "the outbox to be empty", 2 * PATIENCE)
    wait_until(lambda: set(peer.arrived()) == set(range(7)), "the good ones to be there")
    assert broker.count("dead") == 3, "the refused ones, and no neighbour of theirs"
    assert peer.connections > 1


def test_without_settings_using_it_is_an_error_at_the_hooks_line(start):
    broker = start({"fan.py": FAN})
    assert broker.client.send('{"n": 1}').metadata["failed"] == ["fan.py:fan"]
    line = broker.wait_for("hook.failed")
    assert line["error"] == "SinkNotConfigured: mqtt is not configured: set KRAKENB_MQTT_HOST"
    assert line["line"] == 6
