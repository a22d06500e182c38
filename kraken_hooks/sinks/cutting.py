"""Connections of urllib3 that are cut when the time for all that is done with them is over. Imported only where one is opened.

A client takes `Cutting.pools`; what it does within `Cutting.within` ends in time, whatever the server does.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import urllib3

from kraken_hooks.sinks.deadline import hang_up, limited
from kraken_hooks.sinks.lookup import Lookup, Resolver

#: So many addresses of one host are tried.
_ADDRESSES: Final = 4

#: Each address has at least so long, seconds.
_LEAST: Final = 0.01

#: Makes a connection: scheme, host, port, seconds.
Connect = Callable[[str, str, int, float | None], socket.socket]


class _Running:
    """What one thread does now: a second descriptor of its connection, by which that is cut, and whether that has happened.

    `connected`: it has a connection, with TLS where that is wanted. `left`: such descriptors of connections that were given up
    before the answer had been read, closed at the end.
    """

    __slots__ = ("connected", "connection", "left", "passed")

    def __init__(self) -> None:
        self.passed = False
        self.connected = False
        self.connection: socket.socket | None = None
        self.left: list[socket.socket] = []

    def cut(self) -> None:
        self.passed = True
        hang_up(self.connection)


class _Thread(threading.local):
    """What this thread does now."""

    running = _Running()


class Cutting:
    """The connections of one client, which may be used in several threads at once."""

    def __init__(self, connect: Connect | None = None, resolve: Resolver = socket.getaddrinfo) -> None:
        """`connect` makes the connections, where that is not simply `connection`."""
        self._lookup = Lookup(resolve)
        self._thread = _Thread()
        #: For the `pool_classes_by_scheme` of a `urllib3.PoolManager`.
        self.pools: dict[str, Any] = _pools(
            connect or (lambda _scheme, host, port, seconds: self.connection(host, port, seconds)), self._thread
        )

    @property
    def running(self) -> _Running:
        return self._thread.running

    @contextmanager
    def within(self, seconds: float) -> Iterator[_Running]:
        """What this thread does here has so many seconds."""
        running = self._thread.running = _Running()
        with limited(seconds, running.cut):
            try:
                yield running
            finally:
                self.close()

    def close(self) -> None:
        """Close what is left of connections that were kept open until now."""
        for connection in self._thread.running.left:
            connection.close()
        self._thread.running.left.clear()

    def connection(
        self, host: str, port: int, seconds: float | None, allowed: Callable[[list[Any]], list[Any]] = list
    ) -> socket.socket:
        """A connection to the first address of the host that answers.

        Args:
            seconds: for looking up and connecting together.
            allowed: gives of the addresses, as `socket.getaddrinfo` says them, those that may be tried.

        Raises:
            OSError: none of them answers, or there is none.
        """
        end = None if seconds is None else time.monotonic() + seconds
        found = allowed(self._lookup(host, port, seconds))[:_ADDRESSES]
        failed: OSError = OSError("no address")
        for left, (family, kind, protocol, _, address) in zip(range(len(found), 0, -1), found, strict=True):
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(None if end is None else max(end - time.monotonic(), _LEAST) / left)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.connect(address)
            except OSError as error:
                connection.close()
                failed = error
            else:
                return connection
        raise failed


def _pools(connect: Connect, thread: _Thread) -> dict[str, Any]:
    class Cuttable(urllib3.connection.HTTPConnection):
        _second: socket.socket | None = None

        def _new_conn(self) -> socket.socket:
            scheme = "https" if isinstance(self, urllib3.connection.HTTPSConnection) else "http"
            try:
                made = connect(scheme, self.host.strip("[]"), self.port, self.timeout)
            except TimeoutError as error:
                raise urllib3.exceptions.ConnectTimeoutError(self, "no connection in time") from error
            except OSError as error:
                raise urllib3.exceptions.NewConnectionError(self, "no connection") from error
            self._second = thread.running.connection = made.dup()
            return made

        def connect(self) -> None:
            super().connect()
            thread.running.connected = True

        def request(self, *args: Any, **keywords: Any) -> None:
            if self._second is not None:
                thread.running.connection = self._second
                thread.running.connected = True
            if thread.running.passed:
                raise TimeoutError
            super().request(*args, **keywords)

        def close(self) -> None:
            super().close()
            if self._second is not None:
                thread.running.left.append(self._second)  # the answer may still be read from it
                self._second = None

    class CuttableTls(Cuttable, urllib3.connection.HTTPSConnection):
        pass

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = Cuttable

    class TlsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = CuttableTls

    return {"http": Pool, "https": TlsPool}
