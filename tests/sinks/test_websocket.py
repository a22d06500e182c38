"""Sending to a real WebSocket server: what counts as delivered, what ends a connection, what is refused for good."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peer_websocket import MOST, TOKEN, WebsocketPeer
from peers import Silent
from rig import PATIENCE, wait_until
from test_conformance import Delivery

from kraken_hooks import settings, websocket
from kraken_hooks.errors import SettingsError
from kraken_hooks.outbox.base import DeadFilter
from kraken_hooks.outcome import Effect, QueuedEffect
from kraken_hooks.sinks.base import Delivered, NotNow, RefusedTogether, Result
from kraken_hooks.sinks.frames import CLOSE, PING, PONG, Incoming
from kraken_hooks.sinks.websocket import Websocket, WebsocketSettings
from kraken_hooks.testing import message, run


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[WebsocketPeer]:
    made = WebsocketPeer(tmp_path)
    made.start()
    yield made
    made.stop()


def sink(peer: WebsocketPeer, patience: float = 14.0, token: str = TOKEN, silence: float = 20.0) -> closing[Websocket]:
    url = f"ws://127.0.0.1:{peer.port}/feed"
    return closing(Websocket(url, token, patience=patience, silence=silence))


def send(to: Websocket, *data: str | bytes) -> list[Result]:
    return to.deliver(
        [
            QueuedEffect(number, f"m/f.py:h/{number}", "f.py:h", "m", 0, Effect("websocket", "send", {"data": one}))
            for number, one in enumerate(data)
        ]
    )


# ── what an author writes, what an operator sets ──


@pytest.mark.parametrize(
    ("given", "sent"),
    [("grün", "grün"), (b"\x00", b"\x00"), ({"a": [1]}, '{"a":[1]}'), ([], "[]"), ("", "")],
)
def test_what_is_sent(given, sent):
    [effect] = run(lambda msg: websocket.send(given), message()).effects
    assert effect.args == {"data": sent}


@pytest.mark.parametrize(
    ("given", "said"),
    [(7, "not int"), (None, "not NoneType"), ({"a": float("inf")}, "as JSON"), (b"x" * (16 * 2**20 + 1), "at most")],
)
def test_mistakes_show_at_the_hooks_line(given, said):
    error = run(lambda msg: websocket.send(given), message()).error
    assert error is not None
    assert said in error.message


@pytest.mark.parametrize("url", ["http://box/", "ws://", "ws://box:0/", "ws://box:x/", "ws://box/ a", "wss://box/#a"])
def test_urls_that_cannot_be_meant(url):
    with pytest.raises(SettingsError, match="KRAKENB_WEBSOCKET_URL: must be a URL"):
        settings.read({"KRAKENB_WEBSOCKET_URL": url}, {"websocket": WebsocketSettings})


# ── frames ──


def frame(opcode: int, body: bytes) -> bytes:
    if len(body) < 126:
        return bytes([0x80 | opcode, len(body)]) + body
    if len(body) < 65_536:
        return bytes([0x80 | opcode, 126]) + len(body).to_bytes(2, "big") + body
    return bytes([0x80 | opcode, 127]) + len(body).to_bytes(8, "big") + body


control = st.tuples(st.sampled_from([CLOSE, PING, PONG]), st.binary(max_size=125))
data = st.tuples(st.sampled_from([0, 1, 2]), st.sampled_from([0, 1, 125, 126, 300, 70_000]).map(bytes))


@given(st.lists(control | data, max_size=8), st.lists(st.integers(1, 500), min_size=1, max_size=9))
def test_control_frames_are_found_however_the_bytes_are_cut_and_data_is_dropped(sent, cuts):
    stream = b"".join(frame(opcode, body) for opcode, body in sent)
    incoming, found, place, turn = Incoming(), [], 0, 0
    while place < len(stream):
        size = cuts[turn % len(cuts)]
        found += incoming.feed(stream[place : place + size])
        place, turn = place + size, turn + 1
    assert found == [(opcode, body) for opcode, body in sent if opcode >= CLOSE]
    assert not incoming._buffer, "nothing is kept"


@pytest.mark.parametrize("bytes_", [b"\x81\x80", b"\x89\x7e\x00\xff", b"HTTP"])
def test_what_no_server_sends_is_an_error(bytes_):
    with pytest.raises(ValueError, match="no frames"):
        Incoming().feed(bytes_ + b"\xff" * 20)


# ── what arrives ──


def test_text_and_bytes_arrive_as_such(peer):
    with sink(peer) as to:
        assert send(to, "grün", b"\x00\xff", "") == [Delivered()] * 3
    wait_until(lambda: len(peer.messages) == 3, "all to be there")
    assert peer.messages == ["grün", b"\x00\xff", ""]


def test_one_connection_serves_many_calls(peer):
    with sink(peer) as to:
        for number in range(20):
            assert send(to, str(number)) == [Delivered()]
        assert len(peer.connections) == 1


def test_a_server_that_talks_all_the_time_is_drained(peer):
    with sink(peer) as to:
        assert send(to, "1") == [Delivered()]
        wait_until(lambda: peer.connections, "the server to know the connection")
        done = threading.Event()

        def talk() -> None:
            for _ in range(300):
                peer.connections[0].send(b"x" * 10_000)
            done.set()

        threading.Thread(target=talk, daemon=True).start()
        assert done.wait(PATIENCE), "also while nothing is delivered"
        assert send(to, "2") == [Delivered()]


# ── what goes wrong ──


def test_a_message_that_is_too_big_is_blamed_and_the_next_connection_is_fine(peer):
    with sink(peer) as to:
        [result] = send(to, "x" * (MOST + 1))
        assert isinstance(result, RefusedTogether)
        assert result.reason.startswith("the server closed the connection: 1009")
        assert send(to, "1") == [Delivered()]


class Fussy:
    """A server that ends the connection over messages that hold `bad`, without answering the ping behind them; takes the others.

    `code`: what it closes with; None: it tears the connection (RST). `times`: after so many it takes them too.
    """

    sink: Final = "websocket"

    def __init__(self, code: int | None, times: int = 1_000) -> None:
        self.taken: list[str] = []
        self.reading = threading.Event()
        self.reading.set()
        self._times = times
        fussy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                asked = b""
                while not asked.endswith(b"\r\n\r\n"):
                    asked += self.request.recv(1)
                [key] = re.findall(rb"Sec-WebSocket-Key: (\S+)", asked)
                accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                self.request.sendall(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
                try:
                    while self._goes_on(*self._frame()):
                        pass
                except OSError:  # the client has hung up
                    pass

            def _goes_on(self, opcode: int, body: bytes) -> bool:
                if opcode == PING:
                    self.request.sendall(bytes([0x80 | PONG, len(body)]) + body)
                elif opcode == CLOSE:
                    return False
                elif b"bad" in body and fussy._times > 0:
                    fussy._times -= 1
                    self._end()
                    return False
                else:
                    fussy.taken.append(body.decode())
                return True

            def _end(self) -> None:
                if code is None:
                    self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.request.close()
                else:
                    self.request.sendall(bytes([0x80 | CLOSE, 2]) + code.to_bytes(2, "big"))

            def _frame(self) -> tuple[int, bytes]:
                """One masked frame, as clients send them."""
                opcode, size = self._exactly(2)
                fussy.reading.wait()
                size &= 0x7F
                if size > 125:
                    size = int.from_bytes(self._exactly(2 if size == 126 else 8), "big")
                mask = self._exactly(4)
                body = int.from_bytes(self._exactly(size), "big") ^ int.from_bytes(
                    (mask * (size // 4 + 1))[:size], "big"
                )
                return opcode & 0x0F, body.to_bytes(size, "big")

            def _exactly(self, size: int) -> bytes:
                data = self.request.recv(size, socket.MSG_WAITALL) if size else b""
                if len(data) < size:
                    raise ConnectionResetError
                return data

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def settings(self) -> dict[str, str]:
        return {"KRAKENB_WEBSOCKET_URL": f"ws://127.0.0.1:{self.port}/"}

    def close(self) -> None:
        self.reading.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.parametrize(("code", "suspect"), [(1011, True), (1008, True), (1001, False), (1013, False)])
def test_a_server_that_closes_over_a_message_makes_it_suspect_unless_it_leaves(code, suspect):
    with closing(Fussy(code)) as server, opened(server) as to:
        [result] = send(to, "bad")
        assert isinstance(result, NotNow)
        assert (result.suspect, str(code) in result.reason) == (suspect, True)
        assert send(to, "good") == [Delivered()]


def opened(server: Fussy, patience: float = 14.0) -> closing[Websocket]:
    return closing(Websocket(server.settings()["KRAKENB_WEBSOCKET_URL"], "", patience=patience))


def test_a_connection_that_is_torn_in_the_middle_of_a_batch_makes_its_first_suspect():
    with closing(Fussy(None)) as server, opened(server) as to:
        lost = NotNow("the connection was lost", offline=True, suspect=True)
        assert send(to, *["good"] * 50, "bad", *["good"] * 50) == [lost]
        assert send(to, "1") == [Delivered()]


def test_a_connection_that_is_torn_in_the_middle_of_batches_loses_nothing_and_keeps_the_order(tmp_path):
    messages = [f"{number} {'bad' if number % 20 == 10 else ''}" for number in range(100)]
    with closing(Fussy(None, times=5)) as server, closing(Delivery(tmp_path, server)) as delivery:
        delivery.put(*[("send", {"data": message}) for message in messages])
        delivery.courier()
        delivery.empty()
        assert list(dict.fromkeys(server.taken)) == messages, "in order, whatever came twice"
        assert not delivery.outbox.dead(DeadFilter(), 10)


def test_a_server_that_stops_reading_is_given_up_in_time_and_gets_everything_later():
    more_than_sockets_hold = [str(number) * 5_000_000 for number in range(3)]
    with closing(Fussy(1011)) as server, opened(server, patience=3.0) as to:
        assert send(to, "first") == [Delivered()]
        server.reading.clear()
        assert send(to, *more_than_sockets_hold) == [NotNow("no pong in time")]
        server.reading.set()
        wait_until(lambda: send(to, *more_than_sockets_hold) == [Delivered()] * 3, "it to take them")
    assert list(dict.fromkeys(server.taken)) == ["first", *more_than_sockets_hold]


@pytest.mark.parametrize("status", [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND])
def test_another_answer_than_a_websocket_is_told(peer, status):
    peer.status = status
    with sink(peer) as to:
        assert send(to, "1") == [NotNow(f"the server answers {status.value} instead of a WebSocket")]


def test_a_redirect_is_not_followed(peer):
    peer.status = HTTPStatus.MOVED_PERMANENTLY
    with sink(peer) as to:
        assert send(to, "1") == [NotNow("no WebSocket there: the answer is something else, or leads elsewhere")]


def test_a_server_that_goes_away_in_between_is_met_again_in_the_same_call(peer):
    with sink(peer) as to:
        assert send(to, "1") == [Delivered()]
        wait_until(lambda: peer.connections, "the server to know the connection")
        peer.connections[0].close(1013)
        assert send(to, "2") == [Delivered()]
        wait_until(lambda: len(peer.connections) == 2, "another connection")


@pytest.mark.parametrize("begins", [b"", b"HTTP/1.1 101 Switching Protocols\r\nX-Slow: "], ids=["nothing", "no end"])
def test_a_server_that_does_not_come_to_an_answer_is_given_up(peer, begins):
    peer.stop()
    with closing(Silent(peer.port, begins)), sink(peer, patience=0.3) as to:
        assert send(to, "1") == [NotNow("no answer in time")]


def test_a_dead_connection_is_noticed_while_nothing_is_delivered(peer):
    with sink(peer, silence=0.0) as to:
        assert send(to, "1") == [Delivered()]
        wait_until(lambda: to._connection is None, "the keeper to give it up")


def test_the_thread_that_keeps_the_connection_ends_with_the_sink(peer):
    with sink(peer) as to:
        assert send(to, "1") == [Delivered()]
        assert "keep-websocket" in {thread.name for thread in threading.enumerate()}
    assert "keep-websocket" not in {thread.name for thread in threading.enumerate()}


# ── through a broker ──

SHOW = """
from kraken_hooks import on, websocket

@on(collector="webhook")
def show(msg):
    websocket.send(str(msg.json["n"]))
"""


def test_from_a_hook_to_a_server_that_stops_in_between(start, peer):
    broker = start({"show.py": SHOW}, **peer.settings())
    for number in range(40):
        assert broker.client.send(json.dumps({"n": number})).kind == "ack"
        if number == 20:
            wait_until(lambda: len(peer.arrived()) > 5, "some to be there")
            peer.stop()
    broker.wait_for("sink.down", sink="websocket")
    peer.start()
    wait_until(lambda: set(peer.arrived()) == set(range(40)), "all to be there", 2 * PATIENCE)
    assert list(dict.fromkeys(peer.arrived())) == list(range(40)), "in order, whatever came twice"
    wait_until(lambda: broker.count("outbox") == 0, "the outbox to be empty")
    assert TOKEN.encode() not in broker.log.read_bytes()


def test_without_settings_using_it_is_an_error_at_the_hooks_line(start):
    broker = start({"show.py": SHOW})
    assert broker.client.send('{"n": 1}').metadata["failed"] == ["show.py:show"]
    line = broker.wait_for("hook.failed")
    assert line["error"] == "SinkNotConfigured: websocket is not configured: set KRAKENB_WEBSOCKET_URL"
    assert line["line"] == 6


def test_a_message_over_which_the_server_closes_each_time_does_not_hold_up_the_others(start):
    hook = "from kraken_hooks import on, websocket\n@on()\ndef tell(msg):\n    websocket.send(msg.text)\n"
    with closing(Fussy(1011)) as server:
        broker = start({"tell.py": hook}, **server.settings())
        for text in ("1", "bad", "2", "3"):
            broker.client.send(text)
        broker.wait_for("sink.refused", sink="websocket", patience=90)
        wait_until(lambda: [text for text in server.taken if text != "1"] == ["2", "3"], "the others")
    shown = broker.command("dead", "list").stdout
    assert "the sink broke down over it each time: the server closed the connection: 1011" in shown
