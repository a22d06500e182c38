"""Reads what waits in the inbox, a hook file at a time, where there is room for it in memory. Runs on the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from kraken_hooks.engine.flight import LOW_DEPTH, Backlog
from kraken_hooks.errors import StorageDamaged, StorageUnavailable
from kraken_hooks.outbox.base import Outbox, PendingMessage

#: After the storage has failed, nothing is read for so long, seconds.
STORAGE_PAUSE: Final = 1.0
#: Between two looks for rows that are being written, seconds.
_UNWRITTEN_PAUSE: Final = 0.01
#: Rows that are read at once.
_ROWS: Final = 128


class InboxReader:
    """`takes` says whether a backlog is to get rows now; `run_again` is given each row that is not in memory, in order.

    `start` runs a coroutine until the engine is closed.
    """

    def __init__(
        self,
        outbox: Outbox,
        start: Callable[[Coroutine[None, None, None]], None],
        takes: Callable[[Backlog], bool],
        run_again: Callable[[Backlog, PendingMessage], None],
    ) -> None:
        self._outbox = outbox
        self._start = start
        self._takes = takes
        self._run_again = run_again
        self._not_before = 0.0
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="inbox")

    def refill(self, backlog: Backlog) -> None:
        """Read rows of the file, where there is room and there may be some."""
        if backlog.behind and not backlog.refilling and backlog.depth < LOW_DEPTH and self._takes(backlog):
            backlog.refilling = True
            self._start(self._read(backlog))

    def pause(self) -> None:
        """The storage has failed: give it a moment."""
        self._not_before = time.monotonic() + STORAGE_PAUSE

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _read(self, backlog: Backlog) -> None:
        pause = self._not_before - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        loop = asyncio.get_running_loop()
        backlog.begin_read()
        try:
            rows = await loop.run_in_executor(self._threads, self._outbox.pending, backlog.file, backlog.read, _ROWS)
        except (StorageUnavailable, StorageDamaged):
            self.pause()
            backlog.refilling = False
            self.refill(backlog)
            return
        backlog.refilling = False
        if not self._takes(backlog):
            return  # removed meanwhile, or forgotten because a commit failed: what waits is read when it is back
        fresh = backlog.end_read([row.message.seq for row in rows])
        for row in rows:
            if row.message.seq in fresh:
                self._run_again(backlog, row)
        if fresh:
            self.refill(backlog)
        else:
            loop.call_later(_UNWRITTEN_PAUSE, self.refill, backlog)
