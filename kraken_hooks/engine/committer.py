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

from kraken_hooks import clock, logs
from kraken_hooks.errors import KrakenError, StorageDamaged, StorageUnavailable, Unstorable
from kraken_hooks.outbox.base import Dropped, Keep, LogHeld, Outbox, SetAside, Transaction, Trimmed

log = logs.get()

#: Most transactions in one commit.
_BATCH: Final = 256
#: While commits carry more transactions than this, the next one waits a moment for company, seconds: a sync to disk for many
#: costs what one for a single transaction costs, and whoever sends alone never waits.
_CROWD: Final = 2
_GATHER: Final = 0.001
#: How often the thread looks whether another process has written, seconds.
_IDLE: Final = 1.0
#: Between two looks whether there is housekeeping to do, and after one that failed, seconds.
_TIDY: Final = 5.0
_TIDY_FAILED: Final = 600.0
#: Between two steps of it, seconds: while messages come, and while none do.
_TIDY_BUSY: Final = 0.25
_BREATH: Final = 0.002
#: After waiting in vain for more messages, at most so many commits do not wait.
_VAIN: Final = 63
#: Between two log lines about dropped effects, seconds.
_DROP_REPORT: Final = 60.0

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
    whatever is handed over fails. Between commits the thread keeps house within `keep`. `window`: commits follow each other
    no closer, seconds, so that more messages share one; a message that comes alone does not wait.
    """

    def __init__(
        self,
        outbox: Outbox,
        keep: Keep,
        on_effects: Callable[[set[str]], None],
        on_outside: Callable[[], None],
        on_end: Callable[[KrakenError], None],
        *,
        window: float = 0.0,
    ) -> None:
        self._outbox = outbox
        self._keep = keep
        self._window = window
        self._on_effects = on_effects
        self._on_outside = on_outside
        self._on_end = on_end
        self._queue: SimpleQueue[_Item | _Mark] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="commit", daemon=True)
        self._moment = threading.Event()  # nobody sets it: it is waited for where only time is to pass
        self._failing = False
        self._broken = False
        self._ended = False
        self._committed_at = -float("inf")
        self._skip = 0  # so many batches are not waited for
        self._vain = 0
        self._looked_at = time.monotonic()
        self._tidy_at = 0.0
        self._dropped: dict[str, Dropped] = {}
        self._dropped_at = -float("inf")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Commit what was handed over, then end. Blocks until then."""
        self._queue.put(_Mark.END)
        self._thread.join()

    def submit(self, transaction: Transaction, done: Committed) -> None:
        """From the engine. `done` is called on the event loop.

        After one of the engine's transactions has failed that was not empty, all later ones fail too, until `resume`: they
        were made in the belief that it had not.
        """
        self._queue.put(_Item(transaction, done))

    async def all_committed(self) -> None:
        """Wait until all that the engine has submitted so far is on disk.

        Raises:
            StorageUnavailable: it is not.
        """
        done: asyncio.Future[None] = self._loop.create_future()

        def committed(error: KrakenError | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        self.submit(Transaction(), committed)
        await done

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
        crowd = False
        after: _Mark | None = None
        while after is not _Mark.END:
            items: list[_Item] = []
            after = None
            try:
                after = self._next(items, crowd=crowd)
            except Exception as failure:  # as below; what has come is told so in the step
                self._fail(failure)
            try:
                self._step(items, after)
            except Exception as failure:  # a bug here must not leave calls without an answer
                self._fail(failure)
            crowd = len(items) > _CROWD

    def _fail(self, failure: Exception) -> StorageUnavailable:
        """A bug: nothing is committed from now on. Returns what those are told who wait."""
        log.error("storage.failed", reason=f"{type(failure).__name__}: {failure}", exc_info=failure)
        return self._end(StorageUnavailable(f"committing failed: {type(failure).__name__}: {failure}"))

    def _step(self, items: list[_Item], after: _Mark | None) -> None:
        if items:
            self._commit(items)
        if after is _Mark.RESUME:
            self._broken = False
        if self._ended or after is _Mark.END:
            return
        if time.monotonic() - self._looked_at >= _IDLE:
            self._looked_at = time.monotonic()
            self._look_outside()
            self._report_dropped()
        if time.monotonic() >= self._tidy_at:
            self._tidy(idle=not items)

    def _next(self, items: list[_Item], *, crowd: bool) -> _Mark | None:
        """Put what waits into `items`, as one batch. Returns the mark that closed it. `crowd`: more is on its way, so wait a
        moment for it.
        """
        try:
            entry = self._queue.get(timeout=min(_IDLE, max(_BREATH, self._tidy_at - time.monotonic())))
            if isinstance(entry, _Mark):
                return entry
            items.append(entry)
            until = self._window_end()
            if crowd and not self._window:
                self._moment.wait(_GATHER)
            while len(items) < _BATCH:
                wait = until - time.monotonic()
                entry = self._queue.get(timeout=wait) if wait > 0 else self._queue.get_nowait()
                if isinstance(entry, _Mark):
                    return entry
                items.append(entry)
        except Empty:
            self._learn(len(items))
        return None

    def _window_end(self) -> float:
        """Until when more may come into the batch; now, where waiting has been in vain lately: a collector that sends one
        message after the other is not to be held up.
        """
        if self._skip:
            self._skip -= 1
            return 0.0
        return self._committed_at + self._window

    def _learn(self, came: int) -> None:
        if came > 1:
            self._vain = 0
        elif came == 1 and not self._skip and self._window:
            self._vain = min(_VAIN, 2 * self._vain + 1)
            self._skip = self._vain

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
                    self._commit([item])  # after one that fails, the engine's others fail too
                return
            error = Unstorable(str(failure))
        except StorageDamaged as failure:
            error = self._end(failure)
        except Exception as failure:  # a bug here must not leave calls without an answer
            error = self._fail(failure)
        self._note_health(error)
        for item in items:
            if not isinstance(item.done, Future):
                told.append((item.done, error))
                lost = isinstance(error, StorageUnavailable) and not item.transaction.empty
                self._broken = self._broken or lost
            elif error is None:
                item.done.set_result(None)
            else:
                item.done.set_exception(error)
        self._committed_at = time.monotonic()
        if error is None:
            self._drop()
            sinks = {queued.effect.sink for item in items for queued in item.transaction.effects}
            if sinks:
                self._on_effects(sinks)

    def _end(self, failure: KrakenError) -> StorageUnavailable:
        """Nothing is committed from now on. Returns what those are told who wait."""
        if not self._ended:
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

    def _tidy(self, *, idle: bool) -> None:
        """A step of housekeeping; the next one soon where there is more to do, but not before messages."""
        pause = _TIDY
        try:
            tidied = self._outbox.tidy(self._keep, clock.now_ns(), time.monotonic())
        except StorageUnavailable:
            pass  # the next commit says so
        except StorageDamaged as failure:
            self._end(failure)
        except Exception as failure:  # a bug in housekeeping must not end committing
            log.exception("storage.untidy", reason=f"{type(failure).__name__}: {failure}")
            pause = _TIDY_FAILED
        else:
            pause = _TIDY if not tidied.more else _BREATH if idle else _TIDY_BUSY
            for one in tidied.done:
                if isinstance(one, SetAside):
                    log.error("storage.row_damaged", table=one.table, row=one.row)
                elif isinstance(one, LogHeld):
                    log.warning("storage.log_held", megabytes=one.bytes // 2**20)
                else:
                    _report_trimmed(one)
        self._tidy_at = time.monotonic() + pause

    def _drop(self) -> None:
        """Where the outbox is full and may drop: drop."""
        if not self._keep.droppable or self._outbox.queued_bytes() <= self._keep.queued_bytes:
            return
        try:
            dropped = self._outbox.drop(self._keep)
        except StorageUnavailable:
            return  # the next commit says so
        except StorageDamaged as failure:
            self._end(failure)
            return
        for one in dropped:
            before = self._dropped.get(one.sink)
            oldest, count = (before.oldest, before.count) if before else (one.oldest, 0)
            self._dropped[one.sink] = Dropped(one.sink, count + one.count, oldest)
        self._report_dropped()

    def _report_dropped(self) -> None:
        """One log line for a burst, and one more a minute while it goes on."""
        if not self._dropped or time.monotonic() - self._dropped_at < _DROP_REPORT:
            return
        self._dropped_at = time.monotonic()
        for one in self._dropped.values():
            oldest = clock.moment(one.oldest).isoformat()
            log.warning("outbox.dropped", sink=one.sink, count=one.count, oldest=oldest)
        self._dropped.clear()

    def _tell(self, told: list[tuple[Committed, KrakenError | None]]) -> None:
        for done, error in told:
            done(error)

    def _call(self, function: Callable[..., None], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more


def _report_trimmed(one: Trimmed) -> None:
    until = clock.moment(one.until).isoformat()
    if one.what == "store":
        log.info("store.trimmed", count=one.count, until=until)
    else:
        log.info("dead.trimmed", count=one.count, until=until)
