"""What the log says about runs."""

from __future__ import annotations

import time
from collections import Counter
from typing import Final

from kraken_hooks import logs
from kraken_hooks.engine.log_rate import RATE, LogRate, Verdict
from kraken_hooks.message import Message
from kraken_hooks.outcome import LogLine, Outcome, RunStatus

log = logs.get()

_EVENTS: Final = {
    RunStatus.FAILED: "hook.failed",
    RunStatus.TIMEOUT: "hook.timeout",
    RunStatus.KILLED: "hook.killed",
}


def report(message: Message, outcome: Outcome, rate: LogRate) -> None:
    """The hook's own lines as far as its rate allows, and where the run failed one line that says why."""
    if outcome.logs:
        _report_lines(message, outcome, rate)
    error = outcome.error
    if error is not None:
        log.error(
            _EVENTS[outcome.status],
            hook=outcome.hook,
            message_id=message.id,
            collector=message.collector,
            line=error.line,
            error=f"{error.type}: {error.message}",
            traceback=error.traceback or None,
            duration_ms=round(outcome.duration * 1000, 3),
        )


def _report_lines(message: Message, outcome: Outcome, rate: LogRate) -> None:
    now = time.monotonic()
    for line in outcome.logs:
        if line.level == "debug" and not logs.debugging():
            continue
        verdict = rate.admit(outcome.hook, now)
        if verdict is Verdict.WRITE:
            report_line(line, hook=outcome.hook, message_id=message.id)
        elif verdict is Verdict.CUT_OFF:
            log.warning("hook.log_cut_off", hook=outcome.hook, message_id=message.id, lines_per_second=RATE)


def report_handled(message: Message, outcomes: list[Outcome], began: float) -> None:
    """A message's hooks have ended and all is committed. `began`: by `time.perf_counter`."""
    if not logs.debugging():
        return
    log.debug(
        "message.handled",
        message_id=message.id,
        collector=message.collector,
        hooks=[outcome.hook for outcome in outcomes],
        failed=[outcome.hook for outcome in outcomes if not outcome.ok],
        effects=Counter(f"{effect.sink}.{effect.op}" for outcome in outcomes for effect in outcome.effects),
        duration_ms=round((time.perf_counter() - began) * 1000, 3),
    )


def report_line(line: LogLine, **where: object) -> None:
    """A line that a hook logged. The hook's fields cannot replace ours."""
    fields = {name: value for name, value in line.fields.items() if name not in _RESERVED and name not in where}
    bound = log.bind(text=line.event, **where, **fields)  # a call has parameters that a field may be called like
    getattr(bound, line.level)("hook.log")


#: Ours, and those that structlog gives a meaning to.
_RESERVED: Final = frozenset({"event", "level", "timestamp", "text", "self", "exc_info", "stack_info"})
