"""The gRPC door with random bytes, before a real broker: refused by name, never INTERNAL, and the broker goes on."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import grpc
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from rig import PROCESS, SEND, Broker

from kraken_hooks.control.protocol import address, decode_answer
from kraken_hooks.server import kraken_pb2 as wire

HEALTHY = """
from kraken_hooks import on

@on(collector="healthy", metadata={"a": "*"})
def never(msg):
    return "no"

@on(collector="healthy")
def healthy(msg):
    return "well"
"""

CORPUS = sorted((Path(__file__).parent / "corpus" / "calls").iterdir())
REFUSED = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED}


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with Broker(tmp_path_factory.mktemp("fuzzed"), {"healthy.py": HEALTHY}) as broker:
        yield broker
        assert broker.process is not None
        assert broker.process.poll() is None


def answered(broker, method: str, data: bytes) -> None:
    call = broker.client.channel.unary_unary(method).future(data, timeout=30)
    if call.exception() is not None:
        assert call.code() in REFUSED, (method, data, call.details())


_text = st.one_of(
    st.text(max_size=40), st.sampled_from(["{}", "[]", '{"a": 1}', "{" * 50, '{"a": ' * 2000, "nul", "\x00", "healthy"])
)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_was_found_once(broker, path):
    answered(broker, PROCESS, path.read_bytes())


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "a.b", ""]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    _json,
    st.sampled_from(["[", '{"a":']),
    st.one_of(st.just(0), st.integers(0, 1100)),
    st.sampled_from(["1", "9" * 5000, "1e999", '"\\ud800"', "NaN"]),
)
@examples(100)
def test_any_metadata(broker, document, opening, depth, leaf):
    nested = opening * depth + leaf + {"[": "]", "{": "}"}[opening[0]] * depth
    for metadata in (json.dumps(document), f'{{"a": {nested}}}'):
        answered(broker, PROCESS, wire.KrakenRequest(collector_name="healthy", metadata=metadata).SerializeToString())


@given(st.sampled_from([PROCESS, SEND]), st.binary(max_size=300))
@examples(150)
def test_random_bytes(broker, method, data):
    answered(broker, method, data)


@given(_text, _text, _text, st.binary(max_size=60))
@examples(150)
def test_random_messages(broker, collector, content_type, metadata, payload):
    request = wire.KrakenRequest(
        collector_name=collector, content_type=content_type, metadata=metadata, payload=payload
    )
    answered(broker, PROCESS, request.SerializeToString())
    older = wire.KrakenMessageRequest(kind=content_type, provider=collector, payload=metadata)
    answered(broker, SEND, older.SerializeToString())


@given(_text, st.integers(0, 60), st.binary(min_size=1, max_size=4))
@examples(150)
def test_damaged_messages(broker, text, at, damage):
    data = bytearray(wire.KrakenRequest(collector_name="healthy", metadata=text, payload=b"x").SerializeToString())
    data[at : at + len(damage)] = damage
    answered(broker, PROCESS, bytes(data))


_request = st.one_of(
    st.binary(max_size=100),
    st.builds(lambda do, sink: json.dumps({"do": do, "sink": sink}).encode(), _text, _text),
    st.builds(
        lambda do: json.dumps({"do": do, "sink": "none"}).encode(), st.sampled_from(["status", "pause", "resume"])
    ),
    st.just(b"[" * 5000),
)


@given(_request)
@examples(60)
def test_any_request_on_the_control_socket_gets_an_answer_or_none(broker, request_line):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, address(broker.state) as path:
        connection.connect(path)
        connection.settimeout(30)
        connection.sendall(request_line + b"\n")
        connection.shutdown(socket.SHUT_WR)
        told = bytearray()
        try:
            while part := connection.recv(65_536):
                told += part
        except ConnectionResetError:  # it closed while more was on the way: a line over the limit
            return
    if told:
        decode_answer(bytes(told))


def test_the_broker_still_answers(broker):
    assert broker.client.send(collector="healthy").text == "well"
    assert "Traceback" not in broker.log.read_text()
