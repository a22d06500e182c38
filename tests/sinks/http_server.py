"""A local HTTP server that answers as a test says, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]  # by lower-case name
    body: bytes


Given = tuple[int, dict[str, str], bytes]


class HttpServer:
    """On 127.0.0.1. `answer` makes status, headers and body; a status of 0 hangs up. `raw` is sent as it is instead."""

    def __init__(
        self,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        answer: Callable[[Asked], Given] = lambda _asked: (200, {}, b"ok"),
    ) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.answer = answer
        self.raw: Callable[[Any], None] | None = None
        server = self
        open_connections: list[Any] = []
        self._open = open_connections

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, body)
                server.asked.append(asked)
                if server.raw is not None:
                    server.raw(self.connection)
                    self.close_connection = True
                    return
                status, given, said = server.answer(asked)
                if status == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {"Content-Length": str(len(said)), **given}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = do_PUT = _any  # noqa: N815  # the base class calls them so

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self) -> Any:
                connection, address = super().get_request()
                server.connections += 1
                open_connections.append(connection)
                return connection, address

            def finish_request(self, request: Any, client_address: Any) -> None:
                try:
                    if tls is not None:
                        request = tls.wrap_socket(request, server_side=True)
                        open_connections.append(request)
                    super().finish_request(request, client_address)
                except OSError:  # the client has gone, or does not trust us
                    request.close()

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """The port is closed afterwards, and so are the connections that clients keep."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for connection in self._open:
            with contextlib.suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)
