"""Counts what a storage holds when it is opened, beside the first commits: a look at all of it, which takes an SD card seconds
where a million effects wait. Runs in a thread of its own, on the database as it was at the beginning.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from kraken_hooks.errors import KrakenError
from kraken_hooks.outbox.connection import connect, translated
from kraken_hooks.outbox.rows import Tally, count


class Count:
    """Counts once. `pending`: what was there at the beginning is not in the tally yet."""

    def __init__(self, path: Path, add: Callable[[Tally], None], failed: Callable[[KrakenError], None]) -> None:
        """`add` is called in the thread with what was found, or `failed` with why it cannot be told."""
        self.pending = True
        self.failure: KrakenError | None = None
        self._path = path
        self._add = add
        self._failed = failed
        self._stopped = False
        self._reader: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._work, name="count", daemon=True)

    def begin(self) -> None:
        """Called in a transaction that has locked the database for writing and has written nothing yet."""
        self._reader = connect(self._path)
        self._reader.execute("BEGIN")
        self._reader.execute("SELECT 1 FROM meta").fetchone()  # from here on this connection sees nothing newer
        self._thread.start()

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)

    def stop(self) -> None:
        self._stopped = True
        if self._reader is not None:
            with suppress(sqlite3.ProgrammingError):  # it has ended
                self._reader.interrupt()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        assert self._reader is not None
        try:
            with closing(self._reader), translated(self._path):
                found = count(self._reader)
        except KrakenError as error:
            if not self._stopped:
                self.failure = error
                self._failed(error)
        else:
            self._add(found)
