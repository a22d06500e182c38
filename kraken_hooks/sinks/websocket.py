"""A WebSocket server; the broker is its client and keeps one connection open.

A write into a socket proves nothing. So a ping follows each batch: a server answers it after it has received all that came
before (RFC 6455, section 5.5.3), and the batch is delivered when its pong is there. What the server's own program does with a
message, the protocol does not tell. What the server sends is read and dropped.
"""

from __future__ import annotations

import base64
import select
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from kraken_hooks.api.websocket import SendArgs
from kraken_hooks.outcome import QueuedEffect
from kraken_hooks.settings import SecretStr, Section, variable
from kraken_hooks.sinks import frames, reach
from kraken_hooks.sinks.answers import seconds_to_wait
from kraken_hooks.sinks.base import Delivered, NotNow, RefusedTogether, Result, SinkType
from kraken_hooks.sinks.keeper import Keeper

BATCH: Final = 500
#: For one call, of which for a connection, and for TLS and greeting together, seconds.
PATIENCE: Final = 14.0
CONNECT: Final = 4.0
GREET: Final = 5.0
#: A connection on which nothing has come for so long is asked with a ping; as long again, and it is dead. Seconds.
SILENCE: Final = 20.0

#: Read at once, and most of it before something else has its turn, bytes.
_CHUNK: Final = 65_536
_MOST: Final = 16 * _CHUNK

#: Close codes for a message that this server will never take (RFC 6455, section 7.4.1): kind of data, bad text, too big.
_BLAMES: Final = frozenset({1003, 1007, 1009})
#: Close codes of a server that goes, or wants to be left alone: normal end, going away, restart, try again later.
_LEAVING: Final = frozenset({1000, 1001, 1012, 1013})
_NORMAL: Final = (1000).to_bytes(2, "big")


def _url(text: str) -> SecretStr:
    if not _usable(text):
        raise ValueError("must be a URL that begins with ws:// or wss://")
    return SecretStr(text)


def _token(text: str) -> SecretStr:
    if not _one_word(text):
        raise ValueError("must be the token alone, one word without spaces")
    return SecretStr(text)


@dataclass(frozen=True, slots=True)
class WebsocketSettings(Section):
    url: SecretStr | None = variable(
        "KRAKENB_WEBSOCKET_URL", _url, default=None, help="WebSocket that websocket.send sends to"
    )
    token: SecretStr | None = variable(
        "KRAKENB_WEBSOCKET_TOKEN", _token, default=None, help="sent as `Authorization: Bearer …` when connecting"
    )


def _usable(text: str) -> bool:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return False
    return _one_word(text) and url.scheme in ("ws", "wss") and bool(url.hostname) and port != 0 and not url.fragment


def _one_word(text: str) -> bool:
    return all("!" <= letter <= "~" for letter in text)


class Websocket:
    """Keeps one connection open, made at the first delivery. Implements `sinks.base.Sink`."""

    batch = BATCH
    interval = 0.0

    def __init__(self, url: str, token: str = "", *, patience: float = PATIENCE, silence: float = SILENCE) -> None:
        self._url = urlsplit(url)
        self._token = token
        self._patience = patience
        self._silence = silence
        self._connection: _Connection | None = None
        self._keeper = Keeper("websocket", self._look)

    def deliver(self, effects: list[QueuedEffect]) -> list[Result]:
        deadline = time.monotonic() + self._patience
        with self._keeper.turn:
            self._look()
            if self._connection is None:
                connection = _Connection(self._url, self._token)
                problem = connection.greet(min(GREET, self._patience))
                if problem is not None:
                    connection.close()
                    return [problem]
                self._connection = connection
            problem_of_all = self._connection.send(effects, deadline)
            if problem_of_all is None:
                return [Delivered() for _ in effects]
            self._drop()
            return [problem_of_all]

    def reachable(self) -> bool:
        return reach.answers(*_address(self._url))

    def close(self) -> None:
        self._keeper.stop()
        self._drop()

    def _look(self) -> None:
        """Read what the server has sent meanwhile, answer its pings, ask whether it is still there."""
        if self._connection is not None:
            self._connection.turn(0.0)
            self._connection.mind_the_silence(self._silence)
            if self._connection.over:
                self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Connection:
    """One connection. Used by one thread at a time."""

    def __init__(self, url: SplitResult, token: str) -> None:
        from websocket import ABNF  # noqa: PLC0415  # a sink that is not used costs no memory

        self._frame = ABNF.create_frame
        self._text, self._binary = ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY
        self._url = url
        self._token = token
        self._socket: socket.socket | None = None
        self._incoming = frames.Incoming()
        self._out = bytearray()
        self._pings = 0
        self._awaited: bytes | None = None
        self._heard = time.monotonic()
        self._asked = False
        self._closed_with: tuple[int, str] | None = None
        self._gave_up = False
        self.over = False

    def greet(self, patience: float) -> NotNow | None:
        """Connect; what is wrong, where that fails. The library limits each read, so a timer limits the whole."""
        problem = self._greeted(patience)
        if self._gave_up:  # to the library it was the server that hung up
            return NotNow("no answer in time")
        return problem

    def _greeted(self, patience: float) -> NotNow | None:
        import websocket  # noqa: PLC0415  # a sink that is not used costs no memory

        timer = threading.Timer(patience, self._hang_up)
        timer.name = "limit-websocket"
        timer.daemon = True
        try:
            self._socket = socket.create_connection(_address(self._url), min(CONNECT, patience))
            timer.start()
            if self._url.scheme == "wss":
                self._socket = ssl.create_default_context().wrap_socket(
                    self._socket, server_hostname=self._url.hostname, do_handshake_on_connect=False
                )
                self._socket.do_handshake()
            # A connection of ours: so no proxy, and nothing else that the library looks for in the environment.
            websocket.create_connection(
                self._url._replace(netloc=self._url.netloc.rpartition("@")[2]).geturl(),
                timeout=patience,
                socket=self._socket,
                header=self._credentials(),
                redirect_limit=0,
                enable_multithread=False,
            )
            self._socket.setblocking(False)
        except websocket.WebSocketBadStatusException as error:
            wait = seconds_to_wait((error.resp_headers or {}).get("retry-after", ""))
            return NotNow(f"the server answers {error.status_code} instead of a WebSocket", wait)
        except websocket.WebSocketTimeoutException:
            return NotNow("no answer in time")
        except websocket.WebSocketConnectionClosedException:
            return NotNow("the server hung up when it was greeted", offline=True)
        except OSError as error:
            return NotNow(reach.why(error), offline=not isinstance(error, ssl.SSLError))
        except (websocket.WebSocketException, ValueError, IndexError):  # their texts may hold the URL
            return NotNow("no WebSocket there: the answer is something else, or leads elsewhere")
        finally:
            timer.cancel()
        return None

    def send(self, effects: list[QueuedEffect], deadline: float) -> NotNow | RefusedTogether | None:
        """Send all, then a ping, and wait for its pong; what is wrong, where none comes."""
        for queued in effects:
            data = msgspec.convert(queued.effect.args, SendArgs).data
            self._out += self._frame(data, self._text if isinstance(data, str) else self._binary).format()
        self._ping()
        while self._awaited is not None and not self.over:
            left = deadline - time.monotonic()
            if left <= 0:
                return NotNow("no pong in time")
            self.turn(left)
        if self._awaited is None:
            return None
        if self._closed_with is None:
            return NotNow("the connection was lost", offline=True, suspect=True)
        code, words = self._closed_with
        reason = f"the server closed the connection: {code} {words}".rstrip()
        return RefusedTogether(reason) if code in _BLAMES else NotNow(reason, suspect=code not in _LEAVING)

    def turn(self, patience: float) -> None:
        """Wait at most so many seconds for the server; read and write what there is."""
        if self._socket is None or self.over:
            return
        if not (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()):
            poll = select.poll()
            poll.register(self._socket, select.POLLIN | (select.POLLOUT if self._out else 0))
            poll.poll(patience * 1000)
        self._read(self._socket)
        if not self.over:
            self._write(self._socket)

    def mind_the_silence(self, limit: float) -> None:
        """Ask a server that has said nothing for so many seconds; give it up after as many more."""
        silent = time.monotonic() - self._heard
        if silent > 2 * limit:
            self.over = True
        elif silent > limit and not self._asked:
            self._asked = True
            self._ping()
            self.turn(0.0)

    def close(self) -> None:
        """Say goodbye, where nothing is half said, and close the socket."""
        if self._socket is None:
            return
        if not self._out and (not self.over or self._closed_with is not None):
            self._out += self._frame(_NORMAL, frames.CLOSE).format()
            self._write(self._socket)
        self._socket.close()
        self._socket = None

    def _hang_up(self) -> None:
        """In the timer's thread: ends whatever waits for the server."""
        self._gave_up = True
        if self._socket is not None:
            try:
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            except OSError:  # it has ended by itself
                pass

    def _credentials(self) -> list[str]:
        """Headers: the token, or user and password of the URL."""
        if self._token:
            return [f"Authorization: Bearer {self._token}"]
        if self._url.username is None:
            return []
        pair = f"{unquote(self._url.username)}:{unquote(self._url.password or '')}"
        return [f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}"]

    def _ping(self) -> None:
        self._pings += 1
        self._awaited = b"%d" % self._pings
        self._out += self._frame(self._awaited, frames.PING).format()

    def _read(self, connection: socket.socket) -> None:
        for _ in range(_MOST // _CHUNK):
            try:
                data = connection.recv(_CHUNK)
                if not data:
                    self.over = True
                    return
                found = self._incoming.feed(data)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except (OSError, ValueError):
                self.over = True
                return
            self._heard, self._asked = time.monotonic(), False
            for opcode, body in found:
                self._take(opcode, body)

    def _take(self, opcode: int, body: bytes) -> None:
        if opcode == frames.PONG and body == self._awaited:
            self._awaited = None
        elif opcode == frames.PING and len(self._out) < _MOST:  # a server that asks and does not read gets no more
            self._out += self._frame(body, frames.PONG).format()
        elif opcode == frames.CLOSE and self._closed_with is None:
            words = body[2:].decode("utf-8", "replace")
            if self._token:
                words = words.replace(self._token, "…")
            self._closed_with = int.from_bytes(body[:2], "big") or 1005, words
            self.over = True

    def _write(self, connection: socket.socket) -> None:
        try:
            while self._out:
                del self._out[: connection.send(memoryview(self._out)[:_CHUNK].tobytes())]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            self._read(connection)  # why it has closed may be there
            self.over = True


def _address(url: SplitResult) -> tuple[str, int]:
    return url.hostname or "", url.port or (443 if url.scheme == "wss" else 80)


def _missing(section: Section | None) -> str:
    return "" if isinstance(section, WebsocketSettings) and section.url is not None else "KRAKENB_WEBSOCKET_URL"


def _open(section: Section, _identity: str) -> Websocket:
    assert isinstance(section, WebsocketSettings)
    assert section.url is not None
    return Websocket(section.url.get_secret_value(), section.token.get_secret_value() if section.token else "")


WEBSOCKET: Final = SinkType(
    name="websocket", ops={"send": SendArgs}, section=WebsocketSettings, missing=_missing, open=_open
)
