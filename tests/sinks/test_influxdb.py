"""InfluxDB beside the conformance suite: what arrives of odd names, what an answer means, what a query gives."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from influx_front import answer
from peer_influxdb import BASE, InfluxPeer, point
from peers import Silent, free_port
from rig import wait_until

from kraken_hooks import settings
from kraken_hooks.api.influxdb import QueryArgs, WriteArgs
from kraken_hooks.errors import QueryFailed, SettingsError
from kraken_hooks.outcome import Effect, QueuedEffect
from kraken_hooks.sinks.base import Delivered, NotNow, Refused, RefusedTogether
from kraken_hooks.sinks.influxdb import MAX_ROWS, Influx, InfluxReader, InfluxSettings
from kraken_hooks.sinks.line_protocol import line

TOKEN = "kraken:right-secret"


@pytest.fixture(scope="module")
def peer(tmp_path_factory) -> Iterator[InfluxPeer]:
    made = InfluxPeer(tmp_path_factory.mktemp("peer"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def sink(peer) -> Iterator[Influx]:
    with closing(Influx(f"http://127.0.0.1:{peer.port}", TOKEN, "greenhouse", "sensors")) as made:
        yield made
    peer.front.script.clear()


def queued(*points: dict[str, Any]) -> list[QueuedEffect]:
    return [
        QueuedEffect(number, f"m/test.py:test/{number}", "test.py:test", "m", 0, Effect("influxdb", "write", args))
        for number, args in enumerate(points)
    ]


# ── the line ──

ODD = st.text(
    st.sampled_from(list(",= \"'\\\n\r\t\0\x7f#;🌡é_a1")) | st.characters(exclude_categories=["Cs"]), min_size=1
)
NAME = ODD.filter(lambda name: name != "time")


def as_written(name: str) -> str:
    """What can be had of a name: control characters as escapes, no backslash where one is an escape."""
    for sign in ',= "':
        name = name.replace(f"\\{sign}", f"/{sign}")
    name = f"{name[:-1]}/" if name.endswith("\\") else name
    return "".join(repr(sign)[1:-1] if sign < " " or sign == "\x7f" else sign for sign in name)


@given(
    ODD.filter(lambda name: not name.startswith("#")),
    st.dictionaries(NAME, st.text() | ODD, max_size=3),
    st.dictionaries(
        NAME,
        st.floats(allow_nan=False, allow_infinity=False)
        | st.integers(-(2**53), 2**53)
        | st.booleans()
        | st.text()
        | ODD,
        min_size=1,
        max_size=3,
    ),
)
@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_odd_character_comes_back_as_it_went_in(peer, sink, measurement, tags, fields):
    bucket = f"odd{next(BUCKETS)}"
    peer.ask(f"CREATE DATABASE {bucket}", method=b"")
    odd = {"measurement": measurement, "fields": fields, "tags": tags, "time": BASE, "bucket": bucket}
    before, after = ({**point(number), "bucket": bucket} for number in (1, 2))
    assert sink.deliver(queued(before, odd, after)) == [Delivered()] * 3
    [found] = [row for row in peer.series(bucket) if row not in NEIGHBOURS]
    peer.ask(f"DROP DATABASE {bucket}", method=b"")
    assert found == (
        as_written(measurement),
        {as_written(name): as_written(value) for name, value in tags.items() if value},
        [{as_written(name): value for name, value in fields.items()}],
    )


BUCKETS = iter(range(10**9))
NEIGHBOURS = [("env", {"sensor": str(number)}, [{"number": number}]) for number in (1, 2)]


def test_a_line_as_the_reference_has_it():
    args = WriteArgs("my env", {"temp": 21, "on": True, "say": 'a "b" \\'}, {"b": "x,y=z", "a": "1", "none": ""}, 5)
    assert line(args) == r'my\ env,a=1,b=x\,y\=z temp=21.0,on=true,say="a \"b\" \\" 5'


# ── what a batch comes to ──


def test_whole_and_broken_numbers_are_one_type(peer, sink):
    effects = queued(*({**point(n), "measurement": "mixed", "fields": {"v": v}} for n, v in enumerate([2, 2.5, 3])))
    assert sink.deliver(effects) == [Delivered()] * 3
    assert [row["v"] for row in peer.ask("SELECT v FROM mixed")] == [2, 2.5, 3]


def test_a_batch_for_several_buckets_is_one_request_for_each(peer, sink):
    peer.front.writes.clear()
    mixed = queued(*({**point(n), "measurement": "both", "bucket": "other" if n % 2 else None} for n in range(10)))
    assert sink.deliver(mixed) == [Delivered()] * 10
    assert peer.front.writes == [("sensors", 5), ("other", 5)]
    assert [row["number"] for row in peer.ask("SELECT number FROM both", "other")] == [1, 3, 5, 7, 9]


def test_a_bucket_that_only_a_hook_knows_stops_nobody_else(sink):
    effects = queued(point(0), {**point(1), "bucket": "misspelt"}, point(2))
    assert sink.deliver(effects) == [Delivered(), Refused('404 bucket "misspelt" not found'), Delivered()]


def test_the_operators_bucket_waits_for_the_operator(peer):
    with closing(Influx(f"http://127.0.0.1:{peer.port}", TOKEN, "greenhouse", "later")) as sink:
        assert sink.deliver(queued(point(0), point(1))) == [NotNow('404 bucket "later" not found')]


def test_points_that_are_refused_leave_those_before_them_settled(sink):
    bad = {**point(1), "fields": {"number": "text"}, "bucket": "other"}
    assert sink.deliver(queued({**point(0), "bucket": "other"})) == [Delivered()]
    assert sink.deliver(queued(point(0), point(1), bad, point(2))) == [Delivered()] * 2, "the rest comes again"
    [refused] = sink.deliver(queued(bad, point(2)))
    assert isinstance(refused, RefusedTogether)
    assert "field type conflict" in refused.reason


@pytest.mark.parametrize(
    ("script", "result"),
    [
        (answer(401, "unauthorized", "unauthorized access"), NotNow("401 unauthorized access")),
        (answer(403, "forbidden", "insufficient permissions"), NotNow("403 insufficient permissions")),
        (answer(413, "request too large", "too large"), RefusedTogether("413 too large")),
        (answer(422, "unprocessable entity", "dropped=1"), RefusedTogether("422 dropped=1")),
        ((429, {"Retry-After": "7"}, ""), NotNow("429 Too Many Requests", 7.0)),
        ((503, {"Retry-After": "3"}, '{"message": "busy"}'), NotNow("503 busy", 3.0)),
        ((500, {}, "<html>a proxy</html>"), NotNow("500 <html>a proxy</html>", suspect=True)),
        ((302, {"Location": "http://elsewhere/"}, ""), NotNow("302 Found")),
        ((404, {}, f"no page, {TOKEN}"), NotNow("404 no page, …")),
        ((500, {}, '{"message": ["no text"]}'), NotNow("500 ['no text']", suspect=True)),
    ],
)
def test_what_an_answer_means(peer, sink, script, result):
    peer.front.script = [script]
    assert sink.deliver(queued(point(0), point(1))) == [result]


def test_a_server_that_hangs_up_is_offline(sink, peer):
    peer.front.script = [(-1, {}, "")]
    [result] = sink.deliver(queued(point(0)))
    assert result == NotNow("the server ended the connection", offline=True, suspect=True)


# ── settings ──


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("influx.local", "http://influx.local:8086"), ("10.0.0.1:9999", "http://10.0.0.1:9999"),
        ("http://influx", "http://influx"), ("https://influx.example/db/", "https://influx.example/db"),
        ("[::1]", "http://[::1]:8086"), ("[::1]:1", "http://[::1]:1"),
    ],
)  # fmt: skip
def test_the_host_is_a_url_or_a_host_with_its_usual_port(given, url):
    assert read(KRAKENB_INFLUXDB_HOST=given).host == url


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HOST", "ftp://influx", "KRAKENB_INFLUXDB_HOST: write it as a URL"), ("HOST", "influx:port", "KRAKENB_INFLUXDB_HOST"),
        ("HOST", "http://user:hidden@influx", "the address alone"), ("HOST", "http://influx?x=1", "the address alone"),
        ("HOST", "http://", "write it as a URL"), ("API_TOKEN", "two words", "KRAKENB_INFLUXDB_API_TOKEN: must be the token alone"),
        ("API_TOKEN", "a\nb", "the token alone"), ("API_TOKEN", "é", "the token alone"),
    ],
)  # fmt: skip
def test_wrong_settings_are_named(name, value, said):
    with pytest.raises(SettingsError) as raised:
        read(**{f"KRAKENB_INFLUXDB_{name}": value})
    assert said in str(raised.value)
    assert "hidden" not in str(raised.value)


def test_what_is_missing_is_named_one_after_the_other():
    from kraken_hooks.sinks.influxdb import INFLUXDB

    given: dict[str, str] = {}
    for name in ("HOST", "API_TOKEN", "ORG", "BUCKET"):
        assert INFLUXDB.missing(read(**given)) == f"KRAKENB_INFLUXDB_{name}"
        given[f"KRAKENB_INFLUXDB_{name}"] = "something"
    assert INFLUXDB.missing(read(**given)) == ""


def read(**variables: str) -> InfluxSettings:
    made = settings.read(variables, {"influxdb": InfluxSettings}).sections["influxdb"]
    assert isinstance(made, InfluxSettings)
    return made


def test_the_client_is_in_memory_only_where_it_is_used():
    code = "import sys, kraken_hooks.app; sys.exit('influxdb_client' in sys.modules or 'requests' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# ── queries: a stand-in that answers as InfluxDB's documents say; no real server can be had ──

TABLES = """\
#datatype,string,long,dateTime:RFC3339,double,string,string\r
#group,false,false,false,false,true,true\r
#default,_result,,,,,\r
,result,table,_time,_value,_field,sensor\r
,,0,2026-10-01T12:00:00.123456789Z,21.5,temp,"1, ""north"" side"\r
,,0,2026-10-01T12:00:01Z,22,temp,"two\nlines"\r
\r
#datatype,string,long,dateTime:RFC3339,boolean,long,unsignedLong,base64Binary\r
#group,false,false,false,false,true,true,true\r
#default,_result,,,,,,\r
,result,table,_stop,on,count,big,raw\r
,,1,2026-10-01T12:00:00Z,true,-3,18446744073709551615,aGk=\r
,,1,2026-10-01T12:00:00Z,,,,\r
"""

ERROR = "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,out of memory,897\r\n"


class FluxServer:
    """Answers `/api/v2/query` with what `given` says: status and text. `asked` are the requests' bodies."""

    def __init__(self) -> None:
        self.given = (200, TABLES)
        self.asked: list[dict[str, Any]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                right = (
                    self.path == "/api/v2/query?org=greenhouse" and self.headers["Authorization"] == f"Token {TOKEN}"
                )
                status, text = server.given if right else (401, '{"message": "unauthorized access"}')
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode("utf-8", "surrogateescape"))))
                self.end_headers()
                self.wfile.write(text.encode("utf-8", "surrogateescape"))

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def flux() -> Iterator[FluxServer]:
    with closing(FluxServer()) as server:
        yield server


@pytest.fixture
def reader(flux) -> Iterator[InfluxReader]:
    with closing(InfluxReader(flux.url, TOKEN, "greenhouse", 5.0)) as made:
        yield made


def test_rows_are_dicts_of_plain_values(reader):
    at = datetime(2026, 10, 1, 12, tzinfo=UTC)
    assert reader.ask("query", QueryArgs("from(…)", {})) == [
        {"result": "_result", "table": 0, "_time": at.replace(microsecond=123456), "_value": 21.5, "_field": "temp", "sensor": '1, "north" side'},
        {"result": "_result", "table": 0, "_time": at.replace(second=1), "_value": 22.0, "_field": "temp", "sensor": "two\nlines"},
        {"result": "_result", "table": 1, "_stop": at, "on": True, "count": -3, "big": 2**64 - 1, "raw": b"hi"},
        {"result": "_result", "table": 1, "_stop": at, "on": None, "count": None, "big": None, "raw": None},
    ]  # fmt: skip


def test_params_travel_beside_the_query_and_not_in_it(reader, flux):
    at = datetime(2026, 10, 1, 12, tzinfo=UTC)
    reader.ask(
        "query", QueryArgs("f(x: name)", {"name": 'a" |> drop()', "n": 5, "f": 0.5, "b": False, "t": at, "l": ["x"]})
    )
    [asked] = flux.asked
    assert asked["query"] == "f(x: name)"
    given = {one["assignment"]["id"]["name"]: one["assignment"]["init"] for one in asked["extern"]["body"]}
    assert given == {
        "name": {"type": "StringLiteral", "value": 'a" |> drop()'},
        "n": {"type": "IntegerLiteral", "value": "5"},
        "f": {"type": "FloatLiteral", "value": 0.5},
        "b": {"type": "BooleanLiteral", "value": False},
        "t": {"type": "DateTimeLiteral", "value": "2026-10-01T12:00:00.000000000Z"},
        "l": {"type": "ArrayExpression", "elements": [{"type": "StringLiteral", "value": "x"}]},
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((400, '{"code": "invalid", "message": "error @1:1: undefined identifier"}'), "400 error @1:1: undefined identifier"),
        ((500, f"failed for {TOKEN}"), "500 failed for …"),
        ((200, ERROR), "out of memory"),
        ((200, "<html>"), "none of InfluxDB's"),
        ((200, "\udcff\udcfe,a"), "none of InfluxDB's"),
        ((200, "x" * (5 << 20)), "more than 4 MiB"),
        ((200, TABLES.partition("\r\n\r\n")[0] + "\r\n" + ",,0,2026-10-01T12:00:01Z,22,temp,x\r\n" * MAX_ROWS), "more than 10000 rows"),
        ((200, ""), None),
    ],
    ids=["flux", "secret", "error row", "html", "bytes", "large", "long", "empty"],
)  # fmt: skip
def test_a_query_that_fails_says_why(reader, flux, given, said):
    flux.given = given
    if said is None:
        assert reader.ask("query", QueryArgs("x", {})) == []
        return
    with pytest.raises(QueryFailed) as raised:
        reader.ask("query", QueryArgs("x", {}))
    assert said in str(raised.value)
    assert TOKEN not in str(raised.value)


def test_a_query_of_a_server_that_hangs_or_is_gone_ends_in_time():
    port = free_port()
    with closing(InfluxReader(f"http://127.0.0.1:{port}", TOKEN, "greenhouse", 0.2)) as reader:
        with closing(Silent(port)), pytest.raises(QueryFailed, match="no answer in time"):
            reader.ask("query", QueryArgs("x", {}))
        with pytest.raises(QueryFailed, match="no connection"):
            reader.ask("query", QueryArgs("x", {}))


# ── through a broker ──

KEEP = """
from kraken_hooks import influxdb, on

@on(collector="keep")
def keep(msg):
    influxdb.write("kept", {"temp": msg.json["temp"]}, tags={"sensor": msg.json["id"]})

@on(collector="ask")
def ask(msg):
    return [row["_value"] for row in influxdb.query("from(…)", {"sensor": msg.text}) if "_value" in row]
"""


def test_from_a_hook_to_the_server(start, peer):
    broker = start({"keep.py": KEEP}, **peer.settings())
    for number in range(20):
        assert (
            broker.client.send(json.dumps({"id": 1, "temp": number if number % 2 else number / 4}), "keep").kind
            == "ack"
        )
    wait_until(lambda: len(peer.ask("SELECT temp FROM kept")) == 20, "all points at the server")
    assert [row["temp"] for row in peer.ask("SELECT temp FROM kept")] == [n if n % 2 else n / 4 for n in range(20)]
    wait_until(lambda: broker.count("outbox") == 0, "the outbox to be empty")
    assert b"right-secret" not in broker.log.read_bytes()


def test_a_hook_asks_and_answers_the_device(start, peer, flux):
    unhurried = {"KRAKENB_QUERY_TIMEOUT": "10", "KRAKENB_HOOK_TIMEOUT": "30", "KRAKENB_REPLY_WAIT": "30"}
    broker = start({"keep.py": KEEP}, **{**peer.settings(), "KRAKENB_INFLUXDB_HOST": flux.url, **unhurried})
    assert json.loads(broker.client.send("1", "ask").payload) == [21.5, 22.0]
    flux.given = (400, '{"message": "undefined identifier"}')
    assert broker.client.send("1", "ask").metadata["failed"] == ["keep.py:ask"]
    assert "influxdb.query: 400 undefined identifier" in broker.wait_for("hook.failed")["error"]
    flux.given = (400, r'{"message": "half a pair: \ud800"}')
    broker.client.send("1", "ask")
    assert "influxdb.query: 400 half a pair: ?" in broker.wait_for("hook.failed", count=2)["error"]


def test_without_settings_using_it_is_an_error_at_the_hooks_line(start):
    broker = start({"keep.py": KEEP})
    assert broker.client.send('{"id": 1, "temp": 2}', "keep").metadata["failed"] == ["keep.py:keep"]
    line = broker.wait_for("hook.failed")
    assert line["error"] == "SinkNotConfigured: influxdb is not configured: set KRAKENB_INFLUXDB_HOST"
    assert line["line"] == 6
