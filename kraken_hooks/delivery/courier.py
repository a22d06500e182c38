"""One courier per sink: takes effects out of the outbox in order, hands them over, settles what became of them.

Runs in a thread of its own. An effect leaves the outbox only after the sink has it (or has refused it for good, which
makes a dead letter); a crash between the two delivers it again. The head of the queue holds back what is behind it in its lane.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final

from kraken_hooks import clock, logs
from kraken_hooks.delivery.backoff import Backoff
from kraken_hooks.delivery.split import deliver_all
from kraken_hooks.delivery.suspicion import Suspicion
from kraken_hooks.errors import KrakenError
from kraken_hooks.outbox.base import Outbox, Transaction
from kraken_hooks.outcome import DeadKind, DeadLetter, Effect, QueuedEffect, RunError, well_formed
from kraken_hooks.settings import Section
from kraken_hooks.sinks.base import Delivered, NotNow, Refused, RefusedTogether, Result, Sink, SinkType, one_lane

log = logs.get()

#: The outbox is looked at so often without being woken, seconds.
_LOOK: Final = 5.0
#: Before another try at a storage that does not take a settlement, seconds.
_STORAGE_PAUSE: Final = 1.0

#: So many effects behind one in doubt are looked at for a witness.
_BEHIND: Final = 100

#: So often the sink's own code may fail on one effect before that is given up as a dead letter.
_CRASHES: Final = 4
#: How often an offline sink is looked at, seconds.
_PROBE: Final = 1.0

#: Makes a transaction durable; the future raises a KrakenError where it is not.
Settle = Callable[[Transaction], "Future[None]"]


class State(Enum):
    """What a courier is doing."""

    UP = "up"  # the sink takes effects, as far as is known
    DOWN = "down"  # the sink did not take the last one; it is tried again
    PAUSED = "paused"  # the operator has said so; effects wait


#: From which state to which. Each change is one log line.
_CHANGES: Final = {
    State.UP: {State.DOWN, State.PAUSED},
    State.DOWN: {State.UP, State.PAUSED},
    State.PAUSED: {State.UP},
}


@dataclass(frozen=True, slots=True)
class Report:
    """How delivery to one sink stands. `since`: of the state, nanoseconds since 1970 (UTC). `retry_in`: seconds.

    `delivered` and `refused` count effects since the broker's start. `reason`: why the sink is down.
    """

    name: str
    state: State
    since: int
    reason: str
    retry_in: float | None
    delivered: int
    refused: int


class Courier:
    """Delivers the effects of one sink. `open` makes the sink, in the courier's thread."""

    def __init__(
        self,
        name: str,
        open: Callable[[], Sink],
        outbox: Outbox,
        settle: Settle,
        backoff: Backoff | None = None,
        *,
        paused: bool = False,
        lane: Callable[[Effect], str] = one_lane,
    ) -> None:
        self.name = name
        self._open = open
        self._outbox = outbox
        self._settle = settle
        self._backoff = backoff or Backoff(random.random)
        self._state = State.UP
        self._since = clock.now_ns()
        self._down_since = 0.0
        self._reason = ""
        self._retry_at: float | None = None
        self._delivered = 0
        self._refused = 0
        self._lane = lane
        self._down: set[str] = set()  # lanes that were down when they were last tried, while the first of them waits
        self._suspicion = Suspicion()
        self._crashed_at = self._crashes = 0
        self._handed_over = -float("inf")
        self._paused = threading.Event()
        if paused:
            self._paused.set()
        self._hurry = threading.Event()
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"courier-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    # ── from any thread ──

    def wake(self) -> None:
        """There may be new effects."""
        self._news.set()

    def pause(self) -> None:
        """Hand over nothing more, from the next batch on."""
        self._paused.set()
        self._news.set()

    def resume(self) -> None:
        """Go on, at once; a sink that is down is tried without waiting any longer."""
        self._paused.clear()
        self._hurry.set()
        self._news.set()

    def report(self) -> Report:
        state = State.PAUSED if self._paused.is_set() else self._state
        retry_at = self._retry_at
        retry_in = None if retry_at is None else round(max(retry_at - time.monotonic(), 0.0), 1)
        reason = self._reason if state is State.DOWN else ""
        return Report(self.name, state, self._since, reason, retry_in, self._delivered, self._refused)

    def stop(self, timeout: float) -> None:
        """End; what has not been delivered stays in the outbox. Waits at most `timeout` seconds."""
        self._stopping.set()
        self._news.set()
        self._thread.join(timeout)

    # ── in the thread ──

    def _work(self) -> None:
        sink = self._opened()
        if sink is None:
            return
        try:
            while not self._stopping.is_set():
                try:
                    self._turn(sink)
                except Exception as error:  # a bug must not end the thread, and loses nothing
                    log.exception("sink.failed", sink=self.name, error=type(error).__name__)
                    self._down, self._retry_at = set(), None
                    self._stopping.wait(self._backoff.next(None))
        finally:
            sink.close()

    def _turn(self, sink: Sink) -> None:
        """Deliver a batch, or wait until there may be one."""
        self._news.clear()
        self._hurry.clear()  # before the try: what the operator says during it asks for another one
        self._note_pause()
        effects = [] if self._paused.is_set() else self._take(0, self._suspicion.limit(sink.batch))
        if effects:
            self._deliver(sink, effects)
        else:
            self._news.wait(_LOOK)

    def _opened(self) -> Sink | None:
        """The sink; None where the broker stops before it could be made."""
        while not self._stopping.is_set():
            try:
                return self._open()
            except Exception as error:  # a bug in a sink must not end its thread, and loses nothing
                log.exception("sink.failed", sink=self.name, error=type(error).__name__)
                self._stopping.wait(self._backoff.next(None))
        return None

    def _take(self, after: int, limit: int) -> list[QueuedEffect]:
        try:
            return self._outbox.take(self.name, after, limit)
        except KrakenError:
            self._stopping.wait(_STORAGE_PAUSE)  # the commit thread logs what is wrong with the storage
            return []

    def _deliver(self, sink: Sink, effects: list[QueuedEffect]) -> None:
        stuck = self._settled_up_to(sink, effects)
        if stuck is None:
            return
        failed, why = stuck
        self._note_down(why)
        in_doubt = why.suspect and self._suspicion.failed(failed.seq, len(effects))
        if not (in_doubt and self._judged(sink, failed)):
            self._wait(sink, why, self._lane(failed.effect))

    def _settled_up_to(self, sink: Sink, effects: list[QueuedEffect]) -> tuple[QueuedEffect, NotNow] | None:
        """Hand over effects, and settle all before the one that the sink does not take now. Returns that one, and why."""
        early = self._handed_over + sink.interval - time.monotonic()
        if early > 0 and self._stopping.wait(early):
            return None
        results = deliver_all(lambda part: self._hand_over(sink, part), effects)
        self._handed_over = time.monotonic()
        done = [
            (queued, result)
            for queued, result in zip(effects, results, strict=False)
            if isinstance(result, Delivered | Refused)
        ]
        if done and not self._down:
            self._suspicion.taken(len(done))
            self._note_up(len(done))
        if done:
            self._settle_all(done)
        last = results[-1]
        return (effects[len(results) - 1], last) if isinstance(last, NotNow) else None

    def _judged(self, sink: Sink, doubted: QueuedEffect) -> bool:
        """Hand over a witness, and the one in doubt once more where the sink has that. True where it is settled now."""
        lane = self._lane(doubted.effect)
        behind = [queued for queued in self._take(doubted.seq, _BEHIND) if self._lane(queued.effect) == lane]
        if not behind:
            return False
        witness = behind[self._suspicion.witness(len(behind))]
        result = self._alone(sink, witness)
        if isinstance(result, NotNow) and result.suspect:
            self._suspicion.broken_too()
        if isinstance(result, NotNow | None):
            return False
        self._note_up(1)
        self._settle_all([(witness, result)])
        if isinstance(result, Refused):  # which a sink may know without its server
            return False
        verdict = self._alone(sink, doubted)  # the sink may have come back after the try before
        if isinstance(verdict, NotNow) and verdict.suspect:
            verdict = Refused(f"the sink broke down over it each time: {verdict.reason}")
        if isinstance(verdict, NotNow | None):
            return False
        self._settle_all([(doubted, verdict)])
        self._suspicion.taken(1)
        return True

    def _alone(self, sink: Sink, queued: QueuedEffect) -> Delivered | Refused | NotNow | None:
        """What becomes of this one effect; None where the broker stops before it could be tried."""
        if self._stopping.wait(sink.interval):
            return None
        [result] = deliver_all(lambda part: self._hand_over(sink, part), [queued])
        self._handed_over = time.monotonic()
        assert not isinstance(result, RefusedTogether)
        return result

    def _wait(self, sink: Sink, why: NotNow, lane: str) -> None:
        """Until the next try; shorter where an offline sink can be reached again, or the operator has resumed it.

        Meanwhile the effects of other lanes are handed over.
        """
        deadline = self._retry_at = time.monotonic() + self._backoff.next(why.retry_after)
        watched = why.offline and not sink.reachable()
        self._down, after = {lane}, 0
        while not self._stopping.is_set() and not self._paused.is_set():
            left = deadline - time.monotonic()
            if left <= 0 or self._hurry.is_set():
                break
            idle = self._stopping
            if self._lane is not one_lane:
                idle = self._news  # which a stop sets too
                idle.clear()
                looked_at = self._other_lanes(sink, after)
                if looked_at is not None:
                    after = looked_at
                    continue
            if watched and sink.reachable():
                break
            idle.wait(min(left, _PROBE))
        self._down = set()
        self._retry_at = None

    def _other_lanes(self, sink: Sink, after: int) -> int | None:
        """Hand over what waits after this effect in lanes that are not down, as much as one call takes.

        Returns after which effect to look next; None where there are no more.
        """
        found = self._take(after, sink.batch)
        if not found:
            return None
        free = [queued for queued in found if self._lane(queued.effect) not in self._down]
        if not free:
            return found[-1].seq
        stuck = self._settled_up_to(sink, free)
        if stuck is not None:
            self._down.add(self._lane(stuck[0].effect))
        return after

    def _hand_over(self, sink: Sink, effects: list[QueuedEffect]) -> list[Result]:
        try:
            return sink.deliver(effects)
        except Exception as error:  # a bug in a sink must not end its thread, and loses nothing
            reason = f"its own code failed: {type(error).__name__}"
            log.exception("sink.failed", sink=self.name, error=type(error).__name__)
        if len(effects) > 1:
            return [RefusedTogether(reason)]
        self._crashes = self._crashes + 1 if self._crashed_at == effects[0].seq else 1
        self._crashed_at = effects[0].seq
        return [Refused(reason) if self._crashes >= _CRASHES else NotNow(reason)]

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
        self._delivered += len(done) - len(transaction.dead)
        self._refused += len(transaction.dead)
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
            self._change(State.UP)
            seconds = round(time.monotonic() - self._down_since, 1)
            log.info("sink.up", sink=self.name, down_seconds=seconds, delivered=delivered)

    def _note_down(self, why: NotNow) -> None:
        self._reason = well_formed(why.reason)
        if self._state is State.UP:
            self._change(State.DOWN)
            self._down_since = time.monotonic()
            log.warning("sink.down", sink=self.name, reason=why.reason, waiting=self._waiting())

    def _note_pause(self) -> None:
        paused = self._paused.is_set()
        if paused and self._state is not State.PAUSED:
            self._change(State.PAUSED)
            log.warning("sink.paused", sink=self.name, waiting=self._waiting())
        elif not paused and self._state is State.PAUSED:
            self._change(State.UP)
            self._backoff.reset()
            log.info("sink.resumed", sink=self.name, waiting=self._waiting())

    def _change(self, state: State) -> None:
        assert state in _CHANGES[self._state], (self._state, state)
        self._state = state
        self._since = clock.now_ns()

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
    waiting, paused, identity = outbox.queued(), outbox.paused(), outbox.identity()
    for kind in kinds:
        section = sections.get(kind.name)
        if kind.open is None:
            continue
        variable = kind.missing(section)
        if variable or section is None:
            if waiting.get(kind.name):
                log.warning("sink.unconfigured", sink=kind.name, variable=variable, waiting=waiting[kind.name])
            continue
        courier = couriers[kind.name] = Courier(
            kind.name,
            partial(kind.open, section, identity),
            outbox,
            settle,
            paused=kind.name in paused,
            lane=kind.lane,
        )
        courier.start()
    return couriers


def _dead_effect(queued: QueuedEffect, refused: Refused) -> DeadLetter:
    return DeadLetter(
        id=queued.id,
        kind=DeadKind.EFFECT,
        at=clock.now_ns(),
        hook=queued.hook,
        message_id=queued.message_id,
        error=RunError("Refused", well_formed(refused.reason)),
        sink=queued.effect.sink,
        effect=queued,
    )
