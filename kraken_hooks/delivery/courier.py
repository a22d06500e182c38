"""One courier per sink: takes effects out of the outbox in order, hands them over, settles what became of them.

Runs in a thread of its own. An effect leaves the outbox only after the sink has it (or has refused it for good, which
makes a dead letter); a crash between the two delivers it again. The head of the queue holds back what is behind it.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from enum import Enum
from typing import Final

from kraken_hooks import clock, logs
from kraken_hooks.delivery.backoff import Backoff
from kraken_hooks.errors import KrakenError
from kraken_hooks.outbox.base import Outbox, Transaction
from kraken_hooks.outcome import DeadKind, DeadLetter, QueuedEffect, RunError
from kraken_hooks.settings import Section
from kraken_hooks.sinks.base import Delivered, NotNow, Refused, Result, Sink, SinkType

log = logs.get()

#: The outbox is looked at so often without being woken, seconds.
_LOOK: Final = 5.0
#: Before another try at a storage that does not take a settlement, seconds.
_STORAGE_PAUSE: Final = 1.0

#: Makes a transaction durable; the future raises a KrakenError where it is not.
Settle = Callable[[Transaction], "Future[None]"]


class State(Enum):
    UP = "up"
    DOWN = "down"


class Courier:
    """Delivers the effects of one sink. `open` makes the sink, in the courier's thread."""

    def __init__(
        self,
        name: str,
        open: Callable[[], Sink],
        outbox: Outbox,
        settle: Settle,
        backoff: Backoff | None = None,  # what it does
    ) -> None:
        self.name = name
        self._open = open
        self._outbox = outbox
        self._settle = settle
        self._backoff = backoff or Backoff(random.random)
        self._state = State.UP
        self._down_since = 0.0
        self._handed_over = -float("inf")
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"courier-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There may be new effects. From any thread."""
        self._news.set()

    def stop(self, timeout: float) -> None:
        """End; what has not been delivered stays in the outbox. Waits at most `timeout` seconds."""
        self._stopping.set()
        self._news.set()
        self._thread.join(timeout)

    # ── in the thread ──

    def _work(self) -> None:
        sink = self._open()
        try:
            while not self._stopping.is_set():
                self._news.clear()
                effects = self._take(sink.batch)
                if effects:
                    self._deliver(sink, effects)
                else:
                    self._news.wait(_LOOK)
        finally:
            sink.close()

    def _take(self, limit: int) -> list[QueuedEffect]:
        try:
            return self._outbox.take(self.name, 0, limit)
        except KrakenError:
            self._stopping.wait(_STORAGE_PAUSE)  # the commit thread logs what is wrong with the storage
            return []

    def _deliver(self, sink: Sink, effects: list[QueuedEffect]) -> None:
        early = self._handed_over + sink.interval - time.monotonic()
        if early > 0 and self._stopping.wait(early):
            return
        results = self._hand_over(sink, effects)
        self._handed_over = time.monotonic()
        done = [
            (queued, result) for queued, result in zip(effects, results, strict=False) if not isinstance(result, NotNow)
        ]
        if done:
            self._note_up(len(done))
            self._settle_all(done)
        last = results[-1]
        if isinstance(last, NotNow):
            self._note_down(last)
            self._stopping.wait(self._backoff.next(last.retry_after))

    def _hand_over(self, sink: Sink, effects: list[QueuedEffect]) -> list[Result]:
        try:
            return sink.deliver(effects)
        except Exception as error:  # a bug in a sink must not end its thread, and loses nothing
            log.exception("sink.failed", sink=self.name, error=type(error).__name__)
            return [NotNow(f"its own code failed: {type(error).__name__}")]

    def _settle_all(self, done: list[tuple[QueuedEffect, Delivered | Refused]]) -> None:
        """Take the effects out of the outbox, durably; never deliver them again meanwhile."""
        transaction = Transaction(settled={self.name: [queued.seq for queued, _ in done]})
        for queued, result in done:
            if isinstance(result, Refused):
                transaction.dead.append(_dead_effect(queued, result))
                log.error(
                    "sink.refused", sink=self.name, hook=queued.hook, message_id=queued.message_id, reason=result.reason
                )
                log.warning("dead.added", kind="effect", sink=self.name, hook=queued.hook, message_id=queued.message_id)
        while True:
            try:
                self._settle(transaction).result()
            except KrakenError:
                if not self._stopping.wait(_STORAGE_PAUSE):
                    continue
            return

    # ── up and down ──

    def _note_up(self, delivered: int) -> None:
        self._backoff.reset()
        if self._state is State.DOWN:
            self._state = State.UP
            seconds = round(time.monotonic() - self._down_since, 1)
            log.info("sink.up", sink=self.name, down_seconds=seconds, delivered=delivered)

    def _note_down(self, why: NotNow) -> None:
        if self._state is State.UP:
            self._state = State.DOWN
            self._down_since = time.monotonic()
            log.warning("sink.down", sink=self.name, reason=why.reason, waiting=self._waiting())

    def _waiting(self) -> int | None:
        try:
            return self._outbox.queued().get(self.name, 0)
        except KrakenError:
            return None


def start_couriers(
    kinds: Iterable[SinkType], sections: Mapping[str, Section], outbox: Outbox, settle: Settle
) -> dict[str, Courier]:
    """A running courier for each sink that is configured, by name."""
    couriers = {}
    waiting = outbox.queued()
    for kind in kinds:
        section = sections.get(kind.name)
        if kind.open is None:
            continue
        variable = kind.missing(section)
        if variable or section is None:
            if waiting.get(kind.name):
                log.warning("sink.unconfigured", sink=kind.name, variable=variable, waiting=waiting[kind.name])
            continue
        courier = couriers[kind.name] = Courier(kind.name, _opener(kind.open, section), outbox, settle)
        courier.start()
    return couriers


def _opener(open: Callable[[Section], Sink], section: Section) -> Callable[[], Sink]:  # what it does
    return lambda: open(section)


def _dead_effect(queued: QueuedEffect, refused: Refused) -> DeadLetter:
    return DeadLetter(
        id=queued.id,
        kind=DeadKind.EFFECT,
        at=clock.now_ns(),
        hook=queued.hook,
        message_id=queued.message_id,
        error=RunError("Refused", refused.reason),
        sink=queued.effect.sink,
        effect=queued,
    )
