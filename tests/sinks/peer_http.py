"""A local HTTP interface that takes numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from http_server import Asked, Given, HttpServer
from peers import Peer


class HttpPeer(Peer):
    sink = "http"
    asks_who = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._address = f"http://127.0.0.1:{self.port}"
        self.statement = f"http.post('{self._address}/in', json=n)"
        self._server: HttpServer | None = None
        self._taken: list[int] = []

    def start(self) -> None:
        self._server = HttpServer(self.port, answer=self._answer)

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _answer(self, asked: Asked) -> Given:
        if asked.path != "/in":
            return 400, {}, b"no such thing here"
        self._taken.append(int(asked.body))
        return 204, {}, b""

    def settings(self) -> dict[str, str]:
        return {"KRAKENB_HTTP_ALLOW": f"https://api.example.com/v1/, {self._address}/"}

    def effect(self, number: int) -> tuple[str, dict[str, Any]]:
        headers = {"Content-Type": "application/json"}
        return "post", {"url": f"{self._address}/in", "text": str(number), "headers": headers}

    def bad_effect(self) -> tuple[str, dict[str, Any]]:
        return "put", {"url": f"{self._address}/elsewhere", "data": b"x", "headers": {}}

    def arrived(self) -> list[int]:
        return list(self._taken)
