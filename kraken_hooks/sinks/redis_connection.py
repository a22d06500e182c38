"""Connections to Redis: to where, what is read of an answer, and who is told of a socket."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from kraken_hooks.errors import QueryFailed

#: The port where nobody says another one.
PORT: Final = 6379
#: Most that is read of the answer to one query, bytes as Redis sends them.
_ANSWER: Final = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Address:
    """What KRAKENB_REDIS_HOST says. None: it does not say."""

    host: str
    port: int | None = None
    db: int | None = None
    user: str | None = None
    password: str | None = None
    tls: bool = False


def client(address: Address, connect: float, read: float) -> Any:
    """A client that tries everything once: what is tried again is said elsewhere."""
    import redis  # noqa: PLC0415  # see above
    from redis.backoff import NoBackoff  # noqa: PLC0415  # as above
    from redis.retry import Retry  # noqa: PLC0415  # as above

    return redis.Redis(
        host=address.host,
        port=address.port or PORT,
        db=address.db or 0,
        username=address.user,
        password=address.password,
        ssl=address.tls,
        ssl_check_hostname=True,
        socket_connect_timeout=connect,
        socket_timeout=read,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def through(kind: Any, use: Callable[[socket.socket], Any]) -> Any:
    """The class of a client's connections, but each uses what is made of its socket."""

    class Through(kind):  # type: ignore[misc]  # which of them it is, is known to the client
        def _connect(self) -> Any:
            return use(super()._connect())

    return Through


class Bounded:
    """A socket over which no more than `_ANSWER` bytes come in answer to what was sent last: the broker does not read, and hold,
    whatever a hook has asked for.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._left = _ANSWER

    def sendall(self, data: bytes) -> None:
        self._left = _ANSWER
        self._socket.sendall(data)

    def recv(self, size: int) -> bytes:
        """Raises:
        QueryFailed: it is more; the client ends the connection.
        """
        data = self._socket.recv(size)
        self._left -= len(data)
        if self._left < 0:
            raise QueryFailed(f"the answer has more than {_ANSWER >> 20} MiB; ask for less")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)
