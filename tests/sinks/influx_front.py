"""A strict front that speaks InfluxDB 2's write API and hands points to an influxd 1.x, which parses and stores them.

Token → user and password, bucket → database, answers in the form of version 2. It refuses what a version 2 server would refuse
and a client must not do: another method, another precision, no gzip, an unknown organization.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.client
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

ORG = "greenhouse"


class InfluxFront:
    """Listens on `port` for version 2, talks to `backend` (a port on 127.0.0.1). `script` holds answers to come instead."""

    def __init__(self, port: int, backend: int) -> None:
        self.script: list[tuple[int, dict[str, str], str]] = []
        self.writes: list[tuple[str, int]] = []  # bucket and number of lines, of each request that was handed on
        self._connections: list[Any] = []
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, text = front.script.pop(0) if front.script else front._write(self, body, backend)
                if status == -1:  # hang up
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode() if status != 204 else b"")

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def process_request(self, request: Any, client_address: Any) -> None:
                front._connections.append(request)
                super().process_request(request, client_address)

        self._server = Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def _write(self, request: BaseHTTPRequestHandler, body: bytes, backend: int) -> tuple[int, dict[str, str], str]:
        url = urlsplit(request.path)
        asked = parse_qs(url.query, keep_blank_values=True)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if url.path != "/api/v2/write":
            return answer(404, "not found", "path not found")
        if scheme != "Token" or not token:
            return answer(401, "unauthorized", "unauthorized access")
        if asked["org"] != [ORG]:
            return answer(404, "not found", f'organization name "{asked["org"][0]}" not found')
        if asked["precision"] != ["ns"] or request.headers.get("Content-Encoding") != "gzip":
            return answer(400, "invalid", "this front takes nanoseconds and gzip alone")
        lines = gzip.decompress(body)
        connection = http.client.HTTPConnection("127.0.0.1", backend, timeout=10)
        try:
            basic = base64.b64encode(token.encode()).decode()
            path = f"/write?db={quote(asked['bucket'][0])}&precision=ns"
            connection.request("POST", path, lines, {"Authorization": f"Basic {basic}"})
            given = connection.getresponse()
            text = given.read().decode()
        finally:
            connection.close()
        self.writes.append((asked["bucket"][0], lines.count(b"\n") + 1))
        if given.status == 204:
            return 204, {}, ""
        said = json.loads(text)["error"]
        if given.status == 401:
            return answer(401, "unauthorized", "unauthorized access")
        if given.status == 404:
            return answer(404, "not found", f'bucket "{asked["bucket"][0]}" not found')
        if said.startswith("partial write"):
            return answer(422, "unprocessable entity", f"failure writing points to database: {said}")
        return answer(given.status, "invalid", said)

    def close(self) -> None:
        """The port is closed afterwards, and so are the connections that clients keep."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for connection in self._connections:
            with contextlib.suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)


def answer(status: int, code: str, message: str) -> tuple[int, dict[str, str], str]:
    """An error as version 2 says it."""
    return status, {"Content-Type": "application/json"}, json.dumps({"code": code, "message": message})
