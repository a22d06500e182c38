"""What a worker reports is checked as if an attacker had written it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kraken_hooks.api.run import MAX_EFFECTS, MAX_LOG_LINES
from kraken_hooks.errors import WorkerProtocolError
from kraken_hooks.message import MAX_REPLY_BYTES
from kraken_hooks.outcome import Effect, Outcome

#: Longest key of a state, characters: the author's longest and what throttle puts before it.
_MAX_STATE_KEY: Final = 600
_LEVELS: Final = frozenset({"debug", "info", "warning", "error"})

#: Raises WorkerProtocolError for an effect that no honest worker sends.
CheckEffect = Callable[[Effect], object]


def vet(outcome: Outcome, hooks: set[str], check_effect: CheckEffect) -> None:
    """Let an honest outcome of one of `hooks` (full names) pass.

    Raises:
        WorkerProtocolError: an honest worker would not have sent it.
    """
    if outcome.hook not in hooks:
        raise WorkerProtocolError(f"an outcome of {outcome.hook!r:.80}, which was not asked for")
    if not outcome.ok and (outcome.reply or outcome.effects or outcome.state or outcome.state_deleted):
        raise WorkerProtocolError("a failed run with a reply, effects or state")
    if outcome.ok == (outcome.error is not None):
        raise WorkerProtocolError("a run is either well or has an error")
    if outcome.reply is not None and len(outcome.reply.payload) > MAX_REPLY_BYTES:
        raise WorkerProtocolError("a reply over the limit")
    if len(outcome.effects) > MAX_EFFECTS or len(outcome.logs) > MAX_LOG_LINES + 1:
        raise WorkerProtocolError("more effects or log lines than one run may have")
    for effect in outcome.effects:
        check_effect(effect)
    for key in (*outcome.state, *outcome.state_deleted):
        if not key or len(key) > _MAX_STATE_KEY:
            raise WorkerProtocolError("a state key over the limit")
    for line in outcome.logs:
        if line.level not in _LEVELS:
            raise WorkerProtocolError(f"a log line of level {line.level!r:.20}")
