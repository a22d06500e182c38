"""A WebSocket server made with the package `websockets`: takes numbers, wants a token, refuses what is too big."""

from __future__ import annotations

import ssl
import threading
from http import HTTPStatus
from pathlib import Path
from typing import Any

from peers import Peer
from rig import wait_until
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

TOKEN = "token-of-hooks"
#: Longest message that the server takes, bytes.
MOST = 1_000


class WebsocketPeer(Peer):
    sink = "websocket"
    statement = "websocket.send(str(n))"
    repeats = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.messages: list[str | bytes] = []
        self.connections: list[ServerConnection] = []
        self.status: HTTPStatus | None = None  # what it answers instead of a WebSocket
        self.close_with: int | None = None  # what it closes a connection with at its first message
        self._open = 0
        self._counting = threading.Lock()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        tls = None
        if self.secured is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(self.secured / "server.pem", self.secured / "server.key")
        self._server = serve(
            self._talk, "127.0.0.1", self.port, max_size=MOST, process_request=self._let_in, compression=None, ssl=tls
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._server is None:
            return
        self._server.shutdown()
        for connection in self.connections:
            connection.close(1001)
        assert self._thread is not None
        self._thread.join()
        wait_until(lambda: self._open == 0, "all connections to end")
        self._server = None

    def _let_in(self, connection: ServerConnection, request: Any) -> Any:
        if self.status is not None:
            return connection.respond(self.status, "no")
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return connection.respond(HTTPStatus.UNAUTHORIZED, "who are you?")
        return None

    def _talk(self, connection: ServerConnection) -> None:
        with self._counting:
            self._open += 1
            self.connections.append(connection)
        try:
            while True:
                message = connection.recv()
                if self.close_with is not None:
                    connection.close(self.close_with, "as asked")
                    return
                self.messages.append(message)
        except ConnectionClosed:
            pass
        finally:
            with self._counting:
                self._open -= 1

    def settings(self) -> dict[str, str]:
        return {"KRAKENB_WEBSOCKET_URL": f"ws://127.0.0.1:{self.port}/feed", "KRAKENB_WEBSOCKET_TOKEN": TOKEN}

    def wrong_settings(self) -> dict[str, str] | None:
        return {**self.settings(), "KRAKENB_WEBSOCKET_TOKEN": "wrong-secret"}

    def tls_settings(self) -> dict[str, str] | None:
        return {**self.settings(), "KRAKENB_WEBSOCKET_URL": f"wss://127.0.0.1:{self.port}/feed"}

    def effect(self, number: int) -> tuple[str, dict[str, Any]]:
        return "send", {"data": str(number)}

    def bad_effect(self) -> tuple[str, dict[str, Any]]:
        return "send", {"data": "x" * (MOST + 1)}

    def arrived(self) -> list[int]:
        return [int(message) for message in self.messages if len(message) < 10]
