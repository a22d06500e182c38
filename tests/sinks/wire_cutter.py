"""A TCP proxy that lets so many bytes through and then cuts the connection, or keeps what it gets to itself."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading


class WireCutter:
    """Stands in front of a server on 127.0.0.1.

    `up` and `down` are the bytes that still go to the server and to the client before the cut; None: without end. `passed`
    counts what went by since `allow`. `kept`: what the client sent after the bytes of `up`. `dreads`: where the client sends this,
    the connection is cut.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.dreads = b""
        self.allow()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def allow(self, up: int | None = None, down: int | None = None) -> None:
        self._left = {"up": up, "down": down}
        self.passed = {"up": 0, "down": 0}
        self.kept = b""

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._stand_between, args=(client,), daemon=True).start()

    def _stand_between(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):  # one of them has hung up
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with socket.create_connection(("127.0.0.1", self._server)) as server:
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._pump(client, server)

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        ways = {client: (server, "up"), server: (client, "down")}
        tail = b""  # of what the client has sent
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ)
            ready.register(server, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    to, way = ways[key.fileobj]
                    data = key.fileobj.recv(65_536)
                    if way == "up" and self.dreads:
                        sent = tail + data
                        if self.dreads in sent:
                            return
                        tail = sent[-len(self.dreads) :]
                    if not data or not self._forward(data, to, way):
                        return

    def _forward(self, data: bytes, to: socket.socket, way: str) -> bool:
        """Whether the connection lives on."""
        left = self._left[way]
        part = data if left is None else data[:left]
        to.sendall(part)
        self.passed[way] += len(part)
        if left is None:
            return True
        self._left[way] = left - len(part)
        if way == "up":
            self.kept += data[len(part) :]
        return left > len(part)
