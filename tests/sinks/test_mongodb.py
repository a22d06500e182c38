"""MongoDB: documents are there once, whatever is repeated; what is refused is found; hooks read what they wrote."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import dns.message
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest
from bson import Decimal128, ObjectId
from peer_mongodb import PASSWORD, MongoPeer
from rig import wait_until

from kraken_hooks import mongodb
from kraken_hooks.app import settings_from
from kraken_hooks.errors import QueryFailed, SettingsError
from kraken_hooks.outcome import Effect, QueuedEffect
from kraken_hooks.sinks import registry
from kraken_hooks.sinks.base import Delivered, NotNow, Refused
from kraken_hooks.sinks.mongodb import MONGODB, Mongo, MongoReader, _seeds
from kraken_hooks.testing import message, run

AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)

_numbers = count(1_795_000_000_000_000_000)


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[MongoPeer]:
    made = MongoPeer(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def sink(peer: MongoPeer) -> Iterator[Mongo]:
    with closing(MONGODB.open(section(peer.settings()), "")) as made:
        yield made


@pytest.fixture
def reader(peer: MongoPeer) -> Iterator[registry.CheckedReader]:
    with closing(registry.CheckedReader(MONGODB.asks, MONGODB.reader(section(peer.settings()), 5.0))) as made:
        yield made


def section(variables: dict[str, str]):
    return settings_from(variables, {}).sections["mongodb"]


def asked(body) -> list[QueuedEffect]:
    """The effects of a hook, as they lie in the outbox."""
    outcome = run(lambda msg: (body(), None)[1], message())
    assert outcome.error is None, outcome.error
    return [queued(effect) for effect in outcome.effects]


def queued(effect: Effect) -> QueuedEffect:
    registry.check(effect)
    number = next(_numbers)
    return QueuedEffect(number, f"{number:x}/test.py:test/0", "test.py:test", f"{number:x}", number, effect)


def ask(reader: registry.CheckedReader, body) -> object:
    """What a hook gets for a query."""
    got = []
    answers = {f"mongodb.{op}": lambda args, op=op: reader.ask(op, args) for op in MONGODB.asks}
    outcome = run(lambda msg: got.append(body()), message(), answers=answers)
    assert outcome.error is None, outcome.error
    return got[0]


# ── effects ──


def test_every_effect_does_what_it_says_and_inserts_are_there_once_when_repeated(peer, sink):
    def body() -> None:
        mongodb.insert("a", {"n": 1, "at": AT, "raw": b"\xff", "deep": {"list": [1.5, None, True]}, "$odd.key": 1})
        mongodb.insert("a", {"_id": "mine", "n": 2})
        mongodb.insert_many("b", [{"n": 1}, {"_id": 7, "n": 2}, {"n": 3}])

    effects = asked(body)
    for _ in range(2):
        assert sink.deliver(effects) == [Delivered()] * 3
    first, mine = peer.database.a.find()
    assert first["_id"] == effects[0].id
    assert (first["n"], first["raw"], first["deep"], first["$odd.key"]) == (1, b"\xff", {"list": [1.5, None, True]}, 1)
    assert first["at"].replace(tzinfo=UTC) == AT
    assert mine == {"_id": "mine", "n": 2}
    assert [document["_id"] for document in peer.database.b.find()] == [f"{effects[2].id}/0", 7, f"{effects[2].id}/2"]


def test_updates_and_deletions_of_one_and_of_many(peer, sink):
    def body() -> None:
        mongodb.insert_many("a", [{"k": 1}, {"k": 1}, {"k": 2}, {"k": 2}, {"k": 3}])
        mongodb.update("a", {"k": 1}, {"$set": {"seen": True}})
        mongodb.update("a", {"k": 2}, {"$set": {"seen": True}}, many=True)
        mongodb.update("a", {"k": 9}, {"$set": {"new": True}}, upsert=True)
        mongodb.update("a", {"k": 10}, {"$set": {"new": True}})
        mongodb.delete("a", {"k": 3})
        mongodb.insert("b", {"k": 1})
        mongodb.delete("b", {}, many=True)

    assert sink.deliver(asked(body)) == [Delivered()] * 8
    left = sorted((document["k"], document.get("seen", False)) for document in peer.database.a.find())
    assert left == [(1, False), (1, True), (2, True), (2, True), (9, False)]
    assert peer.database.b.count_documents({}) == 0


def test_only_what_is_refused_is_refused_and_the_rest_goes_through_in_order(peer, sink):
    def body() -> None:
        mongodb.insert("a", {"_id": "x", "n": 1})
        mongodb.insert("a", {"_id": "x", "n": 2})
        mongodb.insert("a", {"big": "x" * (17 * 2**20)})
        mongodb.update("a", {"_id": "x"}, {"$nonsense": {"n": 3}})
        mongodb.update("a", {"_id": "x"}, {"$push": {"n": 3}})
        mongodb.insert("b", {"n": 4})
        mongodb.update("a", {"_id": "x"}, {"$set": {"n": 5}})

    first, taken, big, nonsense, push, other, last = sink.deliver(asked(body))
    assert (first, other, last) == (Delivered(),) * 3
    assert all(isinstance(result, Refused) for result in (taken, big, nonsense, push))
    assert "duplicate key" in taken.reason
    assert "17 MiB; MongoDB takes at most 16" in big.reason
    assert "nonsense" in nonsense.reason
    assert "array" in push.reason
    assert peer.database.a.find_one() == {"_id": "x", "n": 5}


def test_another_unique_index_refuses_what_it_does_not_take(peer, sink):
    peer.database.a.create_index("sensor", unique=True)
    one, two = sink.deliver(asked(lambda: (mongodb.insert("a", {"sensor": 1}), mongodb.insert("a", {"sensor": 1}))))
    assert one == Delivered()
    assert isinstance(two, Refused)


def test_of_many_documents_the_good_ones_are_there_and_the_effect_says_what_was_wrong(peer, sink):
    peer.database.a.insert_one({"_id": "taken"})
    [result] = sink.deliver(asked(lambda: mongodb.insert_many("a", [{"n": 1}, {"_id": "taken", "n": 2}, {"n": 3}])))
    assert isinstance(result, Refused)
    assert [document.get("n") for document in peer.database.a.find()] == [None, 1, 3]


def test_a_server_that_goes_in_the_middle_leaves_nothing_twice(peer, sink):
    effects = asked(lambda: [mongodb.insert("a", {"n": number}) for number in range(300)])
    assert sink.deliver(effects[:200]) == [Delivered()] * 200
    peer.stop(kill=True)
    [waits] = sink.deliver(effects)
    assert isinstance(waits, NotNow)
    assert waits.offline, "whether the driver has seen it already or meets it now"
    peer.start()
    assert sink.deliver(effects) == [Delivered()] * 300, "as if none of them had been noted"
    assert [document["n"] for document in peer.database.a.find()] == list(range(300))


# ── queries ──


def test_queries_find_what_is_there_as_plain_values(peer, reader):
    peer.database.a.insert_many(
        [{"_id": ObjectId("0123456789abcdef01234567"), "n": 3, "price": Decimal128("1.50"), "at": AT, "raw": b"\xff"}]
        + [{"_id": str(number), "n": number, "deep": {"k": number % 2}} for number in range(3)]
    )
    found = ask(reader, lambda: mongodb.find_one("a", {"n": 3}))
    assert found == {"_id": "0123456789abcdef01234567", "n": 3, "price": "1.50", "at": AT, "raw": b"\xff"}
    assert ask(reader, lambda: mongodb.find_one("a", {"n": 9})) is None
    assert ask(reader, lambda: [one["n"] for one in mongodb.find("a", sort="-n", limit=2)]) == [3, 2]
    assert ask(reader, lambda: mongodb.find("a", {"deep.k": 0}, sort=[("n", 1)], projection=["n"])) == [
        {"_id": "0", "n": 0}, {"_id": "2", "n": 2},
    ]  # fmt: skip
    assert ask(reader, lambda: mongodb.find_one("a", sort=["-n"], projection={"_id": 0, "n": 1})) == {"n": 3}
    assert ask(reader, lambda: mongodb.count("a", {"n": {"$gte": 2}})) == 2
    assert ask(reader, lambda: mongodb.count("none")) == 0


def test_a_query_that_mongodb_refuses_says_why(peer, reader):
    peer.database.a.insert_one({"n": 1})
    with pytest.raises(QueryFailed, match=r"MongoDB: .*nonsense"):
        reader.ask("count", {"collection": "a", "filter": {"n": {"$nonsense": 1}}})


def test_an_answer_that_no_hook_could_hold_is_an_error(peer, reader):
    peer.database.a.insert_many([{"text": "x" * 2**20} for _ in range(9)])
    with pytest.raises(QueryFailed, match="more than 8 MiB"):
        reader.ask("find", {"collection": "a", "filter": {}, "limit": 100, "sort": None, "projection": None})


def test_a_query_of_a_mongodb_that_is_gone_fails_and_works_again_when_it_is_back(peer):
    with closing(MONGODB.reader(section(peer.settings()), 1.0)) as reader:
        assert reader.ask("count", MONGODB.asks["count"]("a", {})) == 0
        peer.stop()
        with pytest.raises(QueryFailed, match=r"no connection|in time"):
            reader.ask("count", MONGODB.asks["count"]("a", {}))
        peer.start()
        wait_until(lambda: counted(reader) == 0, "an answer")


def counted(reader) -> int | None:
    try:
        return reader.ask("count", MONGODB.asks["count"]("a", {}))
    except QueryFailed:
        return None


# ── mistakes ──


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (lambda: mongodb.insert("", {}), "no name for a collection"), (lambda: mongodb.insert("a$b", {}), "no name for a collection"),
        (lambda: mongodb.insert("system.users", {}), "no name for a collection"), (lambda: mongodb.insert(5, {}), "collection must be text"),
        (lambda: mongodb.insert("a", [1]), "document must be a dict"), (lambda: mongodb.insert("a", {"x": object()}), "cannot leave"),
        (lambda: mongodb.insert("a", {"x\0": 1}), "zero character"), (lambda: mongodb.insert_many("a", []), "at least one dict"),
        (lambda: mongodb.insert_many("a", [{}] * 1_001), "at most 1000"), (lambda: mongodb.insert_many("a", [1]), "document 0 must be a dict"),
        (lambda: mongodb.update("a", {}, {"n": 1}), "operators"), (lambda: mongodb.update("a", {}, {"n": {}}), "operators"),
        (lambda: mongodb.update("a", {}, {}), "operators"), (lambda: mongodb.update("a", {}, {"$set": {}}, many=1), "True or False"),
        (lambda: mongodb.update("a", {"$where": "1"}, {"$set": {"n": 1}}), "$where runs JavaScript"),
        (lambda: mongodb.delete("a", {"$or": [{"$where": "1"}]}), "$where runs JavaScript"),
        (lambda: mongodb.find("a", {"$expr": {"$function": {"body": "x"}}}), "$function runs JavaScript"),
        (lambda: mongodb.find("a", projection={"n": {"$function": {}}}), "$function runs JavaScript"),
        (lambda: mongodb.update("a", {}, {"$set": {"n": {"$out": "b"}}}), "$out writes to another"),
        (lambda: mongodb.find("a", limit=0), "1 to 1000"), (lambda: mongodb.find("a", sort=5), "sort is a field's name"),
        (lambda: mongodb.find_one("a", sort=[("n", 2)]), "sort is a field's name"), (lambda: mongodb.count("a", 5), "filter must be a dict"),
    ],
)  # fmt: skip
def test_mistakes_are_told_at_the_call(body, reason):
    outcome = run(lambda msg: (body(), None)[1], message())
    assert outcome.error is not None, "it went through"
    assert reason in outcome.error.message


@pytest.mark.parametrize(
    ("op", "args"),
    [
        ("delete", {"collection": "a", "filter": {"$where": "1"}, "many": True}), ("delete", {"collection": "system.users", "filter": {}, "many": True}),
        ("update", {"collection": "a", "filter": {}, "update": {"n": {}}, "upsert": False, "many": False}), ("insert", {"collection": "a"}),
        ("insert", {"collection": "a", "document": {}, "more": 1}), ("drop", {"collection": "a"}),
    ],
)  # fmt: skip
def test_a_worker_that_lies_gets_nothing_to_mongodb(op, args):
    with pytest.raises(Exception, match=r"wrong form|there is not"):
        registry.check(Effect("mongodb", op, args))


# ── settings ──


@pytest.mark.parametrize(
    ("variables", "where", "name"),
    [
        ({"HOST": "box", "DATABASE": "d"}, "mongodb://box", "d"), ({"HOST": "box:27018", "DATABASE": "d"}, "mongodb://box:27018", "d"),
        ({"HOST": "mongodb://u:p@box/d"}, "mongodb://u:p@box/d", "d"), ({"URI": "mongodb://a,b/d?replicaSet=r"}, "mongodb://a,b/d?replicaSet=r", "d"),
        ({"URI": "mongodb://box/d", "HOST": "other", "DATABASE": "e"}, "mongodb://box/d", "e"), ({"HOST": "::1", "DATABASE": "d"}, "mongodb://[::1]", "d"),
        ({"URI": "mongodb+srv://u:p@cluster.example/d"}, "mongodb+srv://u:p@cluster.example/d", "d"),
    ],
)  # fmt: skip
def test_where_mongodb_is(variables, where, name):
    made = section({f"KRAKENB_MONGODB_{key}": value for key, value in variables.items()})
    assert (made.where, made.name) == (where, name)
    assert MONGODB.missing(made) == ""


def test_queries_that_are_the_first_together_share_one_client():
    made = section({"KRAKENB_MONGODB_HOST": "127.0.0.1:1", "KRAKENB_MONGODB_DATABASE": "d"})
    for _ in range(10):
        with closing(MongoReader(made, 1.0)) as reader, ThreadPoolExecutor(4) as threads:
            together = threading.Barrier(4)

            def first(_number: int, reader: MongoReader = reader, together: threading.Barrier = together) -> object:
                together.wait()
                return reader._mongo.database.client

            assert len(set(map(id, threads.map(first, range(4))))) == 1


def test_what_is_missing_is_named():
    assert MONGODB.missing(section({})) == "KRAKENB_MONGODB_HOST"
    assert MONGODB.missing(section({"KRAKENB_MONGODB_HOST": "box"})) == "KRAKENB_MONGODB_DATABASE"


@pytest.mark.parametrize(
    "variables",
    [
        {"HOST": "http://box"}, {"HOST": "box:port"}, {"URI": "mongodb://u:hidden:hidden@box"}, {"URI": "mongodb://u:hidden@box:99999"},
        {"DATABASE": "a b"}, {"URI": "mongodb+srv://"}, {"URI": "mongodb://u:hid@den@box"},
    ],
)  # fmt: skip
def test_mistakes_in_settings_name_the_variable_and_no_password(variables):
    with pytest.raises(SettingsError) as caught:
        section({f"KRAKENB_MONGODB_{name}": value for name, value in variables.items()})
    [problem] = caught.value.problems
    assert problem.startswith(f"KRAKENB_MONGODB_{next(iter(variables))}: ")
    assert "hidden" not in problem


# ── servers that the name service names ──


class NameServer:
    """A name server on 127.0.0.1 over UDP that knows the servers of one cluster."""

    def __init__(self, *servers: tuple[str, int]) -> None:
        self._servers = servers
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            asked, sender = self._socket.recvfrom(4_096)
            if not asked:
                self._socket.close()
                return
            answer = dns.message.make_response(dns.message.from_wire(asked))
            [question] = answer.question
            if question.rdtype == dns.rdatatype.SRV:
                named = [f"0 0 {port} {host}." for host, port in self._servers]
                answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", "SRV", *named))
            self._socket.sendto(answer.to_wire(), sender)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()


@pytest.fixture
def asked_here(monkeypatch) -> Callable[[int], None]:
    """Has pymongo's resolver ask this port of 127.0.0.1 alone."""

    def at(port: int) -> None:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], port
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)

    return at


def test_the_servers_of_a_cluster_are_asked_of_the_name_service(asked_here):
    with closing(NameServer(("a.cluster.invalid", 27_018), ("b.cluster.invalid", 27_019))) as server:
        asked_here(server.port)
        servers = sorted(_seeds("mongodb+srv://user:word@db.cluster.invalid/d"))  # an answer's order is left to chance
    assert servers == [("a.cluster.invalid", 27_018), ("b.cluster.invalid", 27_019)]


def test_a_name_service_that_does_not_answer_means_no_connection_and_is_told(asked_here):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        asked_here(silent.getsockname()[1])
        with closing(MONGODB.open(section({"KRAKENB_MONGODB_URI": "mongodb+srv://db.cluster.invalid/d"}), "")) as sink:
            assert not sink.reachable()
            [result] = sink.deliver(asked(lambda: mongodb.insert("a", {"n": 1})))
    assert result == NotNow("no connection: the name service names no servers of it", offline=True)


# ── end to end ──

KEEP = """
from kraken_hooks import mongodb, on

@on(collector="mqtt")
def keep(msg):
    mongodb.insert("readings", {**msg.json, "at": msg.received_at})

@on(collector="tcp")
def tell(msg):
    newest = mongodb.find_one("readings", {"id": msg.text}, sort="-at")
    return {"temp": newest["temp"], "count": mongodb.count("readings"), "year": newest["at"].year}
"""


def test_a_hook_writes_and_another_reads_it_back(peer, start):
    unhurried = {"KRAKENB_QUERY_TIMEOUT": "2", "KRAKENB_HOOK_TIMEOUT": "20", "KRAKENB_REPLY_WAIT": "30"}
    broker = start({"keep.py": KEEP}, **unhurried, **peer.settings())
    for temp in (20.5, 21.5):
        assert broker.client.send(json.dumps({"id": "101", "temp": temp}), collector="mqtt").kind == "ack"
    wait_until(lambda: peer.database.readings.count_documents({}) == 2, "both at MongoDB")

    def told() -> dict | None:
        reply = broker.client.send("101", collector="tcp")
        return json.loads(reply.payload) if reply.payload else None

    assert wait_until(told, "an answer within the time that collectors are given") == {
        "temp": 21.5, "count": 2, "year": datetime.now(UTC).year,
    }  # fmt: skip
    assert PASSWORD not in broker.log.read_text()


def test_without_settings_using_it_names_the_variable(start):
    broker = start({"keep.py": KEEP})
    assert broker.client.send('{"id": "1"}', collector="mqtt").metadata["failed"] == ["keep.py:keep"]
    line = broker.wait_for("hook.failed")
    assert line["error"] == "SinkNotConfigured: mongodb is not configured: set KRAKENB_MONGODB_HOST"
    assert line["line"] == 6
