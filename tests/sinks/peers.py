"""The servers that sinks talk to in the tests, all with the same face, so that one suite can try every sink.

A peer has a port of its own that stays the same when it is stopped and started again. Adding a sink: a peer class in a file
beside this one, and a line in PEERS (`test_conformance.py`).
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from rig import SlackServer

#: Below those that a system gives to outgoing connections (Linux: from 32768): one of these would keep a server that is stopped
#: for a while from coming back.
_PORTS: Final = range(10_000, 32_000)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on now."""
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:  # somebody does
                continue
        return port


class Peer(ABC):
    """A server, as one sink meets it. `folder` is its own; numbers name the effects of a test, from 0 up."""

    #: Name of the sink.
    sink: ClassVar[str]
    #: What an author writes to ask for `effect(n)`, with `n` a number.
    statement: ClassVar[str]
    #: It is there already, and is not stopped (`live.py`).
    live: ClassVar[bool] = False
    #: How an answer of this server begins that never ends.
    drips: ClassVar[bytes] = b"HTTP/1.1 200 OK\r\nX-Slow: "
    #: An effect that is delivered again is there once.
    once: ClassVar[bool] = False
    #: A refusal ends the connection, so that what went with it comes again.
    repeats: ClassVar[bool] = False
    #: The server can refuse one effect for good.
    refuses: ClassVar[bool] = True
    #: The server asks who comes. Slack does not: its URL is all there is.
    asks_who: ClassVar[bool] = True
    #: The sink's interval between two calls is so long (Slack) that few effects are used.
    few: ClassVar[bool] = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        #: Folder with ca.pem, server.pem and server.key (`authority.py`), where it is to speak TLS. Not every peer can.
        self.secured: Path | None = None

    @abstractmethod
    def start(self) -> None:
        """Start, and wait until it takes connections. What it got before a `stop` is still there."""

    @abstractmethod
    def stop(self) -> None:
        """Stop; the port is closed afterwards. Does nothing where it is not running."""

    @abstractmethod
    def settings(self) -> dict[str, str]:
        """The variables that reach it, with the right credentials."""

    def wrong_settings(self) -> dict[str, str] | None:
        """The same with wrong credentials, the word `wrong-secret` among them; None: it has none."""
        return None

    def tls_settings(self) -> dict[str, str] | None:
        """Settings that want TLS of this server, which speaks none unless it is `secured`; None: the sink has no such setting."""
        return None

    @abstractmethod
    def effect(self, number: int) -> tuple[str, dict[str, Any]]:
        """A good effect: operation and arguments."""

    def bad_effect(self) -> tuple[str, dict[str, Any]]:
        """An effect that the author's API lets through and the server refuses for good."""
        raise AssertionError(f"{self.sink} refuses nothing")

    @abstractmethod
    def arrived(self) -> list[int]:
        """Numbers of the good effects that the server has, in order of arrival."""


class Silent:
    """Listens where a peer would, takes connections and says nothing: a server that hangs.

    With `begins` it says that, and then a byte now and then without end.
    """

    def __init__(self, port: int, begins: bytes = b"") -> None:
        self._begins = begins
        self._closed = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", port))
        self._taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        while True:
            try:
                self._taken.append(self._socket.accept()[0])
            except OSError:
                return
            if self._begins:
                threading.Thread(target=self._drip, args=(self._taken[-1],), daemon=True).start()

    def _drip(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client has hung up
            connection.recv(1)
            connection.sendall(self._begins)
            while not self._closed.wait(0.2):
                connection.sendall(b"x")

    def close(self) -> None:
        self._closed.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for connection in self._taken:
            connection.close()


class SlackPeer(Peer):
    sink = "slack"
    statement = "slack.send(str(n))"
    asks_who = False
    few = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._servers: list[SlackServer] = []  # an answer may be under way in one that is being stopped
        self._running = False

    def start(self) -> None:
        server = SlackServer(self.port)
        server.refuse = lambda body: body["text"] == "bad"
        self._servers.append(server)
        self._running = True

    def stop(self) -> None:
        if self._running:
            self._servers[-1].close()
            self._running = False

    def settings(self) -> dict[str, str]:
        return {"KRAKENB_SLACK_URL": f"http://127.0.0.1:{self.port}/services/hidden-part"}

    def tls_settings(self) -> dict[str, str] | None:
        return {"KRAKENB_SLACK_URL": f"https://127.0.0.1:{self.port}/services/hidden-part"}

    def effect(self, number: int) -> tuple[str, dict[str, Any]]:
        return "send", {"text": str(number)}

    def bad_effect(self) -> tuple[str, dict[str, Any]]:
        return "send", {"text": "bad"}

    def arrived(self) -> list[int]:
        return [int(text) for server in self._servers for text in server.texts]


def described(variables: Mapping[str, str]) -> set[str]:
    """Values of settings that must appear in no reason and no log line."""
    return {value for name, value in variables.items() if "PASSWORD" in name or "TOKEN" in name or "SLACK_URL" in name}
