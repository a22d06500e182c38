"""Looking hosts up with a time limit: the system's own way has one of its own, of half a minute and more, that nobody can change.

Each look-up runs in a thread that ends with it; whoever asks waits for as long as he likes. Who asks again for what is still
being looked up waits for the same thread, and there are never more than a few: a name server that says nothing piles up none.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

#: Most look-ups at once.
MOST: Final = 4

#: Looks a host up, as `socket.getaddrinfo` does.
Resolver = Callable[..., list[Any]]


class Lookup:
    """May be used in several threads at once."""

    def __init__(self, resolve: Resolver = socket.getaddrinfo) -> None:
        self._resolve = resolve
        self._lock = threading.Lock()
        self._running: dict[tuple[str, int], Future[list[Any]]] = {}

    def __call__(self, host: str, port: int, seconds: float | None) -> list[Any]:
        """Where TCP connections to this host can be made, as `socket.getaddrinfo` says it.

        Raises:
            TimeoutError: it took longer, or too many hosts are being looked up already.
            OSError: there is no such host.
        """
        if _is_address(host):
            return self._resolve(host, port, type=socket.SOCK_STREAM)
        return self._begun(host, port).result(seconds)

    def _begun(self, host: str, port: int) -> Future[list[Any]]:
        with self._lock:
            running = self._running.get((host, port))
            if running is None:
                if len(self._running) >= MOST:
                    raise TimeoutError("the name server does not answer")
                running = Future()
                threading.Thread(target=self._look, args=(host, port, running), name="look-up", daemon=True).start()
                self._running[host, port] = running
        return running

    def _look(self, host: str, port: int, future: Future[list[Any]]) -> None:
        try:
            found = self._resolve(host, port, type=socket.SOCK_STREAM)
        except Exception as error:  # whatever it is, it is raised where it was asked for
            self._end(host, port)
            future.set_exception(error)
        else:
            self._end(host, port)
            future.set_result(found)

    def _end(self, host: str, port: int) -> None:
        with self._lock:
            del self._running[host, port]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
