"""Looks after a connection while nothing is delivered: answers the server, hears when it goes, keeps it from falling asleep.

One thread for each sink that keeps a connection open. Whoever holds `turn` has the connection to itself: the keeper for a
moment each second, the courier while it delivers; so the client needs no lock of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from kraken_hooks import logs

log = logs.get()

#: Between two looks, seconds.
_EACH: Final = 1.0


class Keeper:
    """The thread `keep-NAME`, from the beginning until `stop`. `look` is called while it has its turn."""

    def __init__(self, name: str, look: Callable[[], None]) -> None:
        self.turn = threading.Lock()
        self._name = name
        self._look = look
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"keep-{name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End. Not while holding `turn`."""
        self._stopping.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stopping.wait(_EACH):
            if not self.turn.acquire(blocking=False):
                continue
            try:
                self._look()
            except Exception as error:  # a bug in a client must not end the thread; the courier meets it too
                log.exception("sink.failed", sink=self._name, error=type(error).__name__)
            finally:
                self.turn.release()
