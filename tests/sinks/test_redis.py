"""Redis: each effect happens once, whatever breaks; what is refused is found; hooks read what they wrote."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from peer_redis import PASSWORD, RedisPeer
from rig import wait_until
from test_conformance import Delivery
from wire_cutter import WireCutter

from kraken_hooks import redis
from kraken_hooks.app import settings_from
from kraken_hooks.delivery.courier import State
from kraken_hooks.errors import QueryFailed, SettingsError
from kraken_hooks.outcome import Effect, QueuedEffect
from kraken_hooks.sinks import registry
from kraken_hooks.sinks.base import Delivered, NotNow, Refused
from kraken_hooks.sinks.redis import REDIS, Redis, RedisReader
from kraken_hooks.testing import message, run

IDENTITY = "00112233445566778899aabbccddeeff"

_numbers = count(1_795_000_000_000_000_000)


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[RedisPeer]:
    made = RedisPeer(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def sink(peer: RedisPeer) -> Iterator[Redis]:
    with closing(opened(peer.settings())) as made:
        yield made


@pytest.fixture
def reader(peer: RedisPeer) -> Iterator[registry.CheckedReader]:
    with closing(registry.CheckedReader(REDIS.asks, RedisReader(section(peer.settings()).address, 1.0))) as made:
        yield made


def section(variables: dict[str, str]):
    return settings_from(variables, {}).sections["redis"]


def opened(variables: dict[str, str]) -> Redis:
    return REDIS.open(section(variables), IDENTITY)


def asked(body) -> list[QueuedEffect]:
    """The effects of a hook, as they lie in the outbox."""
    outcome = run(lambda msg: (body(), None)[1], message())
    assert outcome.error is None, outcome.error
    return [queued(effect) for effect in outcome.effects]


def queued(effect: Effect) -> QueuedEffect:
    registry.check(effect)
    number = next(_numbers)
    return QueuedEffect(number, f"{number:x}/test.py:test/0", "test.py:test", f"{number:x}", number, effect)


def until_delivered(sink: Redis, effects: list[QueuedEffect]) -> list[object]:
    results: list[object] = []
    for _ in range(10):
        given = sink.deliver(effects[len(results) :])
        results += [result for result in given if not isinstance(result, NotNow)]
        if len(results) == len(effects):
            return results
    raise AssertionError(f"not delivered: {given}")


# ── once, whatever breaks ──


def once_each() -> list[QueuedEffect]:
    return asked(lambda: (redis.incr("count"), redis.xadd("stream", {"n": 1})))


def times(peer: RedisPeer) -> tuple[int, int]:
    return int(peer.client.get("count") or 0), peer.client.xlen("stream")


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_connection_that_is_cut_at_any_byte_neither_loses_nor_repeats(peer, way):
    cutter = WireCutter(peer.port)
    with closing(cutter), closing(opened({**peer.settings(), "KRAKENB_REDIS_PORT": str(cutter.port)})) as sink:
        assert until_delivered(sink, once_each()) == [Delivered()] * 2
        length = cutter.passed[way]
        assert length > 20
        for place in range(length):
            sink._client.connection_pool.disconnect()
            before = times(peer)
            effects = once_each()
            cutter.allow(**{way: place})
            first = sink.deliver(effects)
            assert place >= length - 2 or isinstance(first[0], NotNow), (
                place
            )  # without the end of a line nothing is known
            cutter.allow()
            assert until_delivered(sink, effects) == [Delivered()] * 2
            assert times(peer) == (before[0] + 1, before[1] + 1), f"cut after {place} bytes"


def test_a_broker_that_was_killed_before_it_could_note_the_answer_repeats_nothing(peer, sink):
    effects = once_each()
    assert sink.deliver(effects) == [Delivered()] * 2
    with closing(opened(peer.settings())) as next_broker:
        more = once_each()
        assert next_broker.deliver([*effects, *more]) == [Delivered()] * 2, "those that are known, and no more"
        assert times(peer) == (1, 1)
        assert next_broker.deliver(more) == [Delivered()] * 2
        assert times(peer) == (2, 2)


def test_a_request_that_arrives_after_its_repetition_does_nothing(peer):
    cutter = WireCutter(peer.port)
    with closing(cutter), closing(opened({**peer.settings(), "KRAKENB_REDIS_PORT": str(cutter.port)})) as sink:
        until_delivered(sink, once_each())
        effects = once_each()
        cutter.allow(up=0)  # stuck in the network
        assert isinstance(sink.deliver(effects)[0], NotNow)
        stuck = cutter.kept
        assert stuck.startswith(b"*")
        cutter.allow()
        until_delivered(sink, effects)
        until_delivered(sink, once_each())
    assert times(peer) == (3, 3)
    with socket.create_connection(("127.0.0.1", peer.port)) as late:
        late.sendall(f"AUTH kraken {PASSWORD}\r\n".encode() + stuck + b"PING\r\n")
        answer = b""
        while b"PONG" not in answer:
            answer += late.recv(65_536)
    assert times(peer) == (3, 3)


def test_what_was_refused_is_known_even_where_the_answer_was_lost(peer):
    cutter = WireCutter(peer.port)
    peer.client.set("text", "x")
    effects = asked(lambda: (redis.incr("count"), redis.lpush("text", 1), redis.incr("count")))
    with closing(cutter), closing(opened({**peer.settings(), "KRAKENB_REDIS_PORT": str(cutter.port)})) as sink:
        until_delivered(sink, once_each())
        cutter.allow(down=0)
        assert isinstance(sink.deliver(effects)[0], NotNow)
    with closing(opened(peer.settings())) as next_broker:
        good, refused, after = next_broker.deliver(effects)
    assert (good, after) == (Delivered(), Delivered())
    assert refused == Refused("WRONGTYPE Operation against a key holding the wrong kind of value")
    assert times(peer) == (3, 1)


def test_a_redis_that_is_killed_again_and_again_has_counted_right(peer, tmp_path):
    with closing(Delivery(tmp_path, peer)) as delivery:
        courier = delivery.courier()
        for _ in range(4):
            delivery.put(*[("incr", {"key": "count", "by": 1})] * 2_000)
            courier.wake()
            seen = int(peer.client.get("count") or 0)
            wait_until(lambda seen=seen: int(peer.client.get("count") or 0) > seen, "some to be there")
            peer.stop(kill=True)
            wait_until(lambda: courier.report().state is State.DOWN or not delivery.waiting, "the courier to notice")
            peer.start()
        delivery.empty()
        assert int(peer.client.get("count")) == 8_000


def test_two_brokers_with_copies_of_one_database_lose_nothing(peer, sink):
    with closing(opened(peer.settings())) as twin:
        for _ in range(20):
            assert until_delivered(sink, once_each()) == [Delivered()] * 2
            assert until_delivered(twin, once_each()) == [Delivered()] * 2
    assert times(peer) == (40, 40)


def test_an_emptied_redis_is_filled_again(peer, sink):
    until_delivered(sink, once_each())
    peer.client.flushall()
    until_delivered(sink, once_each())
    assert times(peer) == (1, 1)


# ── what is refused, and what is not now ──


def test_what_the_user_may_not_do_is_refused_and_the_rest_done(peer):
    with closing(opened(peer.settings("limited"))) as sink:
        first, forbidden, last = sink.deliver(
            asked(lambda: (redis.set("ok1", 1), redis.set("no", 1), redis.set("ok2", 1)))
        )
    assert (first, last) == (Delivered(), Delivered())
    assert isinstance(forbidden, Refused)
    assert "can't access" in forbidden.reason
    assert sorted(peer.client.keys("[on]*")) == [b"ok1", b"ok2"]


def test_a_user_who_may_run_no_scripts_waits_for_the_operator(peer):
    with closing(opened(peer.settings("unscripted"))) as sink:
        [waits] = sink.deliver(once_each())
    assert isinstance(waits, NotNow)
    assert "'eval'" in waits.reason


@pytest.mark.parametrize(
    ("hinder", "relieve", "word"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "maxmemory"),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "read only"),
        (("CONFIG", "SET", "min-replicas-to-write", "1"), ("CONFIG", "SET", "min-replicas-to-write", "0"), "NOREPLICAS"),
    ],
    ids=["out of memory", "replica", "too few replicas"],
)  # fmt: skip
def test_a_redis_that_takes_no_writes_now_gets_all_of_it_later(peer, sink, hinder, relieve, word):
    until_delivered(sink, once_each())
    effects = once_each()
    peer.client.execute_command(*hinder)
    [waits] = sink.deliver(effects)
    assert isinstance(waits, NotNow)
    assert word in waits.reason
    assert "script:" not in waits.reason
    assert times(peer) == (1, 1)
    peer.client.execute_command(*relieve)
    assert until_delivered(sink, effects) == [Delivered()] * 2
    assert times(peer) == (2, 2)


# ── effects ──


def test_every_effect_does_what_it_says(peer, sink):
    def body() -> None:
        redis.set("text", "é")
        redis.set("short", b"\xff", ttl=60)
        redis.set("gone", 1)
        redis.set("gone too", 1)
        redis.delete("gone", "gone too", "never there")
        redis.hset("hash", "temp", 25.6)
        redis.hset("hash", mapping={"ok": True, "at": datetime(2026, 1, 2, tzinfo=UTC), "list": [1, {"a": None}]})
        redis.incr("whole")
        redis.incr("whole", -3)
        redis.incr("part", 0.5)
        redis.lpush("list", 1, 2)
        redis.rpush("list", 3)
        redis.xadd("stream", {"a": 1, "b": "x"})
        redis.expire("hash", 60)

    effects = asked(body)
    assert until_delivered(sink, effects) == [Delivered()] * len(effects)
    client = peer.client
    assert (client.get("text"), client.get("short")) == ("é".encode(), b"\xff")
    assert 55 < client.ttl("short") <= 60
    assert client.exists("gone", "gone too") == 0
    assert client.hgetall("hash") == {
        b"temp": b"25.6", b"ok": b"true", b"at": b"2026-01-02T00:00:00+00:00", b"list": b'[1,{"a":null}]',
    }  # fmt: skip
    assert 55 < client.ttl("hash") <= 60
    assert (client.get("whole"), client.get("part")) == (b"-2", b"0.5")
    assert client.lrange("list", 0, -1) == [b"2", b"1", b"3"]
    assert [fields for _, fields in client.xrange("stream")] == [{b"a": b"1", b"b": b"x"}]


def test_a_stream_is_cut_at_about_maxlen(peer, sink):
    until_delivered(sink, asked(lambda: [redis.xadd("stream", {"n": n}, maxlen=100) for n in range(1_000)]))
    assert peer.client.xlen("stream") < 300


def test_what_is_published_is_heard_by_those_who_listen(peer, sink):
    listener = peer.client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe("alarms")
    wait_until(lambda: peer.client.pubsub_numsub("alarms")[0][1] == 1, "the subscription")
    until_delivered(sink, asked(lambda: redis.publish("alarms", {"hot": True})))
    heard = wait_until(lambda: listener.get_message(timeout=1), "the message")
    assert (heard["channel"], heard["data"]) == (b"alarms", b'{"hot":true}')
    listener.close()


def test_as_many_values_as_one_call_takes(peer, sink):
    def body() -> None:
        redis.rpush("list", *range(3_000))
        redis.hset("hash", mapping={str(number): number for number in range(3_000)})
        redis.xadd("stream", {str(number): number for number in range(3_000)}, maxlen=5)
        redis.delete(*(str(number) for number in range(3_000)))

    assert until_delivered(sink, asked(body)) == [Delivered()] * 4
    assert (peer.client.llen("list"), peer.client.hlen("hash"), peer.client.xlen("stream")) == (3_000, 3_000, 1)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (lambda: redis.set("", 1), "key must not be empty"), (lambda: redis.set(5, 1), "key must be text"),
        (lambda: redis.set("k", None), "None, for which Redis has no form"), (lambda: redis.set("k", object()), "cannot leave"),
        (lambda: redis.set("k", float("nan")), "nan is no number"), (lambda: redis.set("k", {"a": b"x"}), "no form for bytes"),
        (lambda: redis.set("k", 1, ttl=0), "positive number of seconds"), (lambda: redis.set("k", 1, ttl="60"), "finite number"),
        (redis.delete, "at least one key"), (lambda: redis.hset("k"), "a field and a value, or mapping"),
        (lambda: redis.hset("k", "f"), "None"), (lambda: redis.hset("k", "f", 1, mapping={"g": 1}), "or mapping"),
        (lambda: redis.hset("k", mapping={}), "must not be empty"), (lambda: redis.hset("k", mapping=[1]), "must be a dict"),
        (lambda: redis.incr("k", "1"), "finite number"), (lambda: redis.incr("k", 2**70), "64 bits"), (lambda: redis.incr("k", True), "number"),
        (lambda: redis.lpush("k"), "at least one value"), (lambda: redis.rpush("k", *range(3_001)), "at most 3000 in one call"),
        (lambda: redis.xadd("s", {"a": 1}, maxlen=0), "whole number of at least 1"), (lambda: redis.xadd("s", "a"), "must be a dict"),
        (lambda: redis.expire("k", -1), "positive number of seconds"), (lambda: redis.publish("c", None), "None"),
        (lambda: redis.lrange("k", 0.5), "whole number"), (lambda: redis.get(b"k"), "key must be text"),
    ],
)  # fmt: skip
def test_mistakes_are_told_at_the_call(body, reason):
    outcome = run(lambda msg: body(), message())
    assert outcome.error is not None, "it went through"
    assert reason in outcome.error.message


@pytest.mark.parametrize(
    ("op", "args"),
    [
        ("set", {"key": "k", "value": 1}), ("set", {"key": "", "value": "x"}), ("set", {"key": "k", "value": "x", "ttl": -1.0}),
        ("rpush", {"key": "k", "values": ["x"] * 3_001}), ("rpush", {"key": "k", "values": []}), ("rpush", {"key": "k", "values": [["x"]]}),
        ("hset", {"key": "k", "mapping": {"a": None}}), ("eval", {"key": "k"}), ("incr", {"key": "k", "by": "1"}),
        ("xadd", {"stream": "k", "fields": {"a": "b"}, "maxlen": "5"}),
    ],
)  # fmt: skip
def test_a_worker_that_lies_gets_nothing_to_redis(op, args):
    with pytest.raises(Exception, match=r"wrong form|there is not"):
        registry.check(Effect("redis", op, args))


# ── queries ──


def test_queries_read_text_where_it_is_text(peer, reader):
    client = peer.client
    client.set("text", "é")
    client.set("bytes", b"\xff\x00")
    client.hset("hash", mapping={"a": "1", b"\xfe": b"\xff"})
    client.rpush("list", "a", "b", b"\xff")
    assert [reader.ask("get", {"key": key}) for key in ("text", "bytes", "none")] == ["é", b"\xff\x00", None]
    assert [reader.ask("hget", {"key": "hash", "field": field}) for field in ("a", "none")] == ["1", None]
    assert reader.ask("hgetall", {"key": "hash"}) == {"a": "1", "\\xfe": b"\xff"}
    assert reader.ask("hgetall", {"key": "none"}) == {}
    assert [reader.ask("exists", {"key": key}) for key in ("text", "none")] == [True, False]
    assert reader.ask("lrange", {"key": "list", "start": 0, "stop": -1}) == ["a", "b", b"\xff"]
    assert reader.ask("lrange", {"key": "list", "start": 1, "stop": 1}) == ["b"]


def test_a_query_that_redis_refuses_says_why(peer, reader):
    peer.client.set("text", "x")
    with pytest.raises(QueryFailed, match="WRONGTYPE"):
        reader.ask("hgetall", {"key": "text"})
    with pytest.raises(QueryFailed, match="no such query"):
        reader.ask("keys", {"pattern": "*"})
    with pytest.raises(ValueError, match="key"):
        reader.ask("get", {"key": 5})


def test_an_answer_that_no_hook_could_hold_is_an_error(peer, reader):
    peer.client.set("large", "x" * (9 * 2**20))
    with pytest.raises(QueryFailed, match="more than 8 MiB"):
        reader.ask("get", {"key": "large"})
    peer.client.set("small", "x")
    assert reader.ask("get", {"key": "small"}) == "x"


def test_no_more_of_an_answer_is_read_than_a_hook_could_hold(peer, reader):
    """Else one rule makes the broker as large as what it asks for."""
    for _ in range(8):
        peer.client.rpush("list", *["x" * 1_000] * 8_000)
    before = peer.client.info("stats")["total_net_output_bytes"]
    with pytest.raises(QueryFailed, match="more than 8 MiB"):
        reader.ask("lrange", {"key": "list", "start": 0, "stop": -1})
    wait_until(lambda: len(peer.client.client_list()) == 1, "the connection to be ended")
    assert peer.client.info("stats")["total_net_output_bytes"] - before < 32 * 2**20


def test_a_query_of_a_redis_that_is_gone_fails_and_works_again_when_it_is_back(peer, reader):
    assert reader.ask("get", {"key": "a"}) is None
    peer.stop()
    with pytest.raises(QueryFailed, match="no connection"):
        reader.ask("get", {"key": "a"})
    peer.start()
    assert reader.ask("get", {"key": "a"}) is None


def test_a_query_with_wrong_credentials_says_so_without_them(peer):
    reader = RedisReader(section(peer.wrong_settings()).address, 1.0)
    with closing(reader), pytest.raises(QueryFailed, match="invalid username-password") as caught:
        reader.ask("get", REDIS.asks["get"]("a"))
    assert "wrong-secret" not in str(caught.value)


# ── settings ──


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HOST": "box"}, ("box", 6379, 0, None, None, False)),
        ({"HOST": "box:7000"}, ("box", 7000, 0, None, None, False)),
        ({"HOST": "box", "PORT": "7001", "DB": "3"}, ("box", 7001, 3, None, None, False)),
        ({"HOST": "::1"}, ("::1", 6379, 0, None, None, False)),
        ({"HOST": "[::1]:7000"}, ("::1", 7000, 0, None, None, False)),
        ({"HOST": "redis://u:p%40ss@box:7000/2"}, ("box", 7000, 2, "u", "p@ss", False)),
        ({"HOST": "rediss://box"}, ("box", 6379, 0, None, None, True)),
        ({"HOST": "redis://u:p@box/2", "DB": "0", "USER": "v", "PASSWORD": "q", "TLS": "1"}, ("box", 6379, 0, "v", "q", True)),
    ],
)  # fmt: skip
def test_where_redis_is(variables, expected):
    made = section({f"KRAKENB_REDIS_{name}": value for name, value in variables.items()}).address
    assert (made.host, made.port, made.db, made.user, made.password, made.tls) == expected


def test_the_misspelt_name_of_old_files_is_understood():
    assert section({"KRAKENB_REDIS_HOST": "box", "KRAKENB_REIDS_USER": "old"}).address.user == "old"


@pytest.mark.parametrize(
    "variables",
    [
        {"HOST": "http://box"}, {"HOST": "box:port"}, {"HOST": "box:0"}, {"HOST": "redis://u:hidden@:7000"}, {"HOST": "box:70000"},
        {"HOST": "redis://u:hidden@box/x"}, {"HOST": "redis://box?db=1"}, {"HOST": "redis://u:hidden@box:hidden"}, {"PORT": "x"}, {"PORT": "0"},
        {"DB": "-1"}, {"TLS": "perhaps"}, {"HOST": "a b"}, {"HOST": "box..local"},
    ],
)  # fmt: skip
def test_mistakes_in_settings_name_the_variable_and_no_password(variables):
    with pytest.raises(SettingsError) as caught:
        section({f"KRAKENB_REDIS_{name}": value for name, value in variables.items()})
    [problem] = caught.value.problems
    assert problem.startswith(f"KRAKENB_REDIS_{next(iter(variables))}: ")
    assert "hidden" not in problem


# ── end to end ──

COUNT = """
from kraken_hooks import on, redis

@on(collector="mqtt")
def keep(msg):
    reading = msg.json
    redis.hset(f"sensor:{reading['id']}", mapping=reading)
    redis.incr("messages")

@on(collector="tcp")
def tell(msg):
    return {"sensor": redis.hgetall(f"sensor:{msg.text}"), "messages": redis.get("messages")}
"""


def test_a_hook_writes_and_another_reads_it_back(peer, start):
    broker = start({"count.py": COUNT}, KRAKENB_REPLY_WAIT="30", **peer.settings())
    for temp in (20.5, 21.5):
        assert broker.client.send(json.dumps({"id": "101", "temp": temp}), collector="mqtt").kind == "ack"
    wait_until(lambda: peer.client.get("messages") == b"2", "both at Redis")
    answer = json.loads(broker.client.send("101", collector="tcp").payload)
    assert answer == {"sensor": {"id": "101", "temp": "21.5"}, "messages": "2"}
    assert PASSWORD not in broker.log.read_text()
    peer.stop()
    failed = broker.client.send("101", collector="tcp").metadata["failed"]
    assert failed == ["count.py:tell"], "a dead server fails the run that asked, and no other"
    assert broker.client.send('{"id": "102"}', collector="mqtt").kind == "ack"
    peer.start()
    wait_until(lambda: peer.client.get("messages") == b"3", "the third at Redis")


def test_without_settings_using_it_names_the_variable(start):
    broker = start({"count.py": COUNT})
    assert broker.client.send('{"id": "1"}', collector="mqtt").metadata["failed"] == ["count.py:keep"]
    line = broker.wait_for("hook.failed")
    assert line["error"] == "SinkNotConfigured: redis is not configured: set KRAKENB_REDIS_HOST"
    assert line["line"] == 7
