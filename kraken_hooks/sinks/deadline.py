"""One time limit for all that a sink does in one call, where its client limits each read and write alone.

A server that sends a byte now and then would hold such a client as long as it likes. So a thread cuts the connection when the
time has passed, which ends whatever waits for it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Deadline:
    """Whether the time has `passed`. That does not change any more once all is done."""

    __slots__ = ("_cut", "_done", "_lock", "passed")

    def __init__(self, cut: Callable[[], None]) -> None:
        self.passed = False
        self._cut = cut
        self._done = False
        self._lock = threading.Lock()

    def pass_(self) -> None:
        """The time is over. Called in a thread of its own."""
        with self._lock:
            if not self._done:
                self.passed = True
                self._cut()

    def done(self) -> None:
        """From now on nothing is cut: the connection may belong to the next call."""
        with self._lock:
            self._done = True


@contextmanager
def limited(seconds: float, cut: Callable[[], None]) -> Iterator[Deadline]:
    """What is done here has so many seconds; then `cut` is called, in a thread of its own."""
    deadline = Deadline(cut)
    timer = threading.Timer(seconds, deadline.pass_)
    timer.name, timer.daemon = "deadline", True
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()
        deadline.done()


def hang_up(connection: socket.socket | None) -> None:
    """End it for whoever reads from it or writes to it, in any thread; it stays to be closed."""
    if connection is not None:
        with contextlib.suppress(OSError):  # it has ended by itself
            socket.socket.shutdown(connection, socket.SHUT_RDWR)  # of TLS too without a goodbye, which could wait
