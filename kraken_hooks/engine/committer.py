"""The commit thread: the only writer of the storage. Transactions that wait while it commits share the next commit.

Runs in a thread of its own. The engine (on the event loop) and the couriers (in their threads) hand transactions over;
they are committed in that order.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from queue import Empty, SimpleQueue
from typing import Final

from kraken_hooks import logs
from kraken_hooks.errors import KrakenError, StorageDamaged, StorageUnavailable, Unstorable
from kraken_hooks.outbox.base import Outbox, Transaction

log = logs.get()

#: Most transactions in one commit.
_BATCH: Final = 256
#: While commits carry more transactions than this, the next one waits a moment for company, seconds: a sync to disk for many
#: costs what one for a single transaction costs, and whoever sends alone never waits.
_CROWD: Final = 4
_GATHER: Final = 0.001
#: How often the thread looks whether another process has written, seconds.
_IDLE: Final = 1.0

#: Told on the event loop what became of a transaction: None, or why nothing of it is stored.
Committed = Callable[[KrakenError | None], None]


@dataclass(slots=True)
class _Item:
    transaction: Transaction
    done: Committed | Future[None]


class _Mark(Enum):
    """Stands in the queue between transactions."""

    RESUME = 1
    END = 2


class Committer:
    """Owns the commit thread.

    `on_effects` is called in the thread with the names of sinks that got new effects. `on_outside` is called on the event
    loop when another process has written to the storage, `on_end` when nothing can be committed any more: from then on
    whatever is handed over fails.
    """

    def __init__(
        self,
        outbox: Outbox,
        on_effects: Callable[[set[str]], None],
        on_outside: Callable[[], None],
        on_end: Callable[[KrakenError], None],
    ) -> None:
        self._outbox = outbox
        self._on_effects = on_effects
        self._on_outside = on_outside
        self._on_end = on_end
        self._queue: SimpleQueue[_Item | _Mark] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="commit", daemon=True)
        self._failing = False
        self._broken = False
        self._ended = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Commit what was handed over, then end. Blocks until then."""
        self._queue.put(_Mark.END)
        self._thread.join()

    def submit(self, transaction: Transaction, done: Committed) -> None:
        """From the engine. `done` is called on the event loop.

        After one of the engine's transactions has failed, all later ones fail too, until `resume`: they were made in the
        belief that it had not.
        """
        self._queue.put(_Item(transaction, done))

    def settle(self, transaction: Transaction) -> Future[None]:
        """From a courier, in its thread. The future raises StorageUnavailable where nothing was stored."""
        future: Future[None] = Future()
        self._queue.put(_Item(transaction, future))
        return future

    def resume(self) -> None:
        """The engine has forgotten what was not stored, and goes on."""
        self._queue.put(_Mark.RESUME)

    # ── in the thread ──

    def _work(self) -> None:
        looked = time.monotonic()
        items: list[_Item] = []
        while True:
            items, after = self._next(crowd=len(items) > _CROWD)
            if items:
                self._commit(items)
            if after is _Mark.END:
                return
            if after is _Mark.RESUME:
                self._broken = False
            if time.monotonic() - looked >= _IDLE and not self._ended:
                looked = time.monotonic()
                self._look_outside()

    def _next(self, *, crowd: bool) -> tuple[list[_Item], _Mark | None]:
        """What waits, as one batch, and the mark that closed it. `crowd`: more is on its way, so wait a moment for it."""
        items: list[_Item] = []
        try:
            entry = self._queue.get(timeout=_IDLE)
            if crowd:
                time.sleep(_GATHER)
            while True:
                if isinstance(entry, _Mark):
                    return items, entry
                items.append(entry)
                if len(items) >= _BATCH:
                    return items, None
                entry = self._queue.get_nowait()
        except Empty:
            return items, None

    def _commit(self, items: list[_Item]) -> None:
        told: list[tuple[Committed, KrakenError | None]] = []
        if self._broken:
            error = StorageUnavailable("an earlier write failed")
            told = [(item.done, error) for item in items if not isinstance(item.done, Future)]
            items = [item for item in items if isinstance(item.done, Future)]
        if items:
            self._write(items, told)
        if told:
            self._call(self._tell, told)

    def _write(self, items: list[_Item], told: list[tuple[Committed, KrakenError | None]]) -> None:
        """Commit the items together; where one of them cannot be stored at all, one by one."""
        error: KrakenError | None = None
        try:
            if self._ended:
                raise StorageUnavailable("the broker ends")
            self._outbox.commit([item.transaction for item in items])
        except StorageUnavailable as failure:
            error = failure
        except ValueError as failure:
            if len(items) > 1:
                for item in items:
                    self._write([item], told)
                return
            error = Unstorable(str(failure))
        except StorageDamaged as failure:
            error = self._end(failure)
        except Exception as failure:  # a bug here must not leave calls without an answer
            log.exception("storage.failed", reason=f"{type(failure).__name__}: {failure}")
            error = self._end(StorageUnavailable(f"committing failed: {type(failure).__name__}: {failure}"))
        self._note_health(error)
        for item in items:
            if not isinstance(item.done, Future):
                told.append((item.done, error))
                self._broken = self._broken or isinstance(error, StorageUnavailable)
            elif error is None:
                item.done.set_result(None)
            else:
                item.done.set_exception(error)
        if error is None:
            sinks = {queued.effect.sink for item in items for queued in item.transaction.effects}
            if sinks:
                self._on_effects(sinks)

    def _end(self, failure: KrakenError) -> StorageUnavailable:
        """Nothing is committed from now on. Returns what those are told who wait."""
        self._ended = True
        self._call(self._on_end, failure)
        return StorageUnavailable(str(failure))

    def _note_health(self, error: KrakenError | None) -> None:
        """One log line when the storage begins to fail, one when it takes writes again."""
        if self._ended:
            return
        if isinstance(error, StorageUnavailable):
            if not self._failing:
                log.error("storage.failed", reason=str(error), remedy=error.remedy)
            self._failing = True
        elif error is None and self._failing:
            log.info("storage.recovered")
            self._failing = False

    def _look_outside(self) -> None:
        try:
            changed = self._outbox.changed_outside()
        except StorageUnavailable:
            return  # the next commit says so
        except StorageDamaged as failure:
            self._end(failure)
            return
        if changed:
            self._call(self._on_outside)

    def _tell(self, told: list[tuple[Committed, KrakenError | None]]) -> None:
        for done, error in told:
            done(error)

    def _call(self, function: Callable[..., None], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more
