"""What the outcomes of a message's hooks become in a transaction: points, effects, state, dead letters."""

from __future__ import annotations

from typing import Protocol

from kraken_hooks import clock, logs
from kraken_hooks.engine.flight import Flight
from kraken_hooks.engine.states import add_state
from kraken_hooks.message import Message
from kraken_hooks.outbox.base import Point, Transaction
from kraken_hooks.outcome import DeadKind, DeadLetter, Effect, Outcome, QueuedEffect, RunError, RunStatus

log = logs.get()


class EffectRules(Protocol):
    """What the engine has to know about sinks."""

    def points(self, effect: Effect, id: str, seq: int, place: int) -> list[Point] | None:
        """The points of an effect of the embedded store; None: the effect goes to the outbox."""
        ...


class Bookkeeping:
    """Numbers effects, and counts the runs that failed since the start."""

    def __init__(self, rules: EffectRules, sequence: clock.Sequence) -> None:
        self._rules = rules
        self._sequence = sequence
        self.failed_runs = 0

    def enter(self, transaction: Transaction, message: Message, outcome: Outcome) -> None:
        """Let the transaction carry what a run has left behind."""
        if outcome.error is not None:
            transaction.dead.append(_dead_run(message, outcome))
            self.failed_runs += 1
            log.warning("dead.added", kind="run", hook=outcome.hook, message_id=message.id)
            return
        for place, effect in enumerate(outcome.effects):
            id = f"{message.id}/{outcome.hook}/{place}"
            points = self._rules.points(effect, id, message.seq, place)
            if points is not None:
                transaction.points += points
                continue
            seq = self._sequence.next()
            transaction.effects.append(QueuedEffect(seq, id, outcome.hook, message.id, message.received_at, effect))
        if outcome.state or outcome.state_deleted:
            add_state(transaction, outcome.hook.partition(":")[0], outcome)

    def failed_instead(
        self, flight: Flight, transaction: Transaction, outcomes: list[Outcome], error: Exception
    ) -> Transaction:
        """What is written in the place of a transaction of these outcomes where a value cannot be stored: the runs failed."""
        reason = RunError(type(error).__name__, str(error))
        hooks = {outcome.hook for outcome in outcomes if outcome.ok}
        failed = [Outcome(hook, RunStatus.FAILED, error=reason) for hook in sorted(hooks)]
        flight.outcomes = [outcome for outcome in flight.outcomes if outcome.hook not in hooks] + failed
        instead = Transaction(accept=transaction.accept, pending=transaction.pending, ended=transaction.ended)
        instead.dead = transaction.dead + [_dead_run(flight.message, outcome) for outcome in failed]
        self.failed_runs += len(failed)
        return instead


def _dead_run(message: Message, outcome: Outcome) -> DeadLetter:
    assert outcome.error is not None
    return DeadLetter(
        id=f"{message.id}/{outcome.hook}",
        kind=DeadKind.RUN,
        at=clock.now_ns(),
        hook=outcome.hook,
        message_id=message.id,
        error=outcome.error,
        message=message,
    )
