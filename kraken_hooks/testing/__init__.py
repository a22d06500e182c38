"""For authors' own tests: call a hook with a message, in plain pytest, and look at what it did.

    from kraken_hooks.testing import message, run
    from alarm import alarm

    def test_it_warns_when_it_gets_hot():
        outcome = run(alarm, message({"name": "roof", "temp": 40}))
        assert outcome.logs[0].event == "roof: temp is 40, over 35"

The hook runs in the test's own process as ordinary Python, without the sandbox; `kraken-hooks check` says what the sandbox
thinks of the file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from kraken_hooks import clock
from kraken_hooks.api import run as current_run
from kraken_hooks.api.answer import to_reply
from kraken_hooks.api.msg import Msg
from kraken_hooks.api.plain import plain
from kraken_hooks.errors import HookUsageError
from kraken_hooks.message import COLLECTOR_KIND, Message
from kraken_hooks.outcome import Effect, LogLine, Outcome, RunError, RunStatus
from kraken_hooks.sinks.registry import SINKS

__all__ = ["Effect", "LogLine", "Outcome", "RunError", "RunStatus", "message", "run"]

#: What a query gives: a value, or a function of its arguments.
Answer = Any | Callable[[dict[str, object]], Any]

_sequence = clock.Sequence()
_SINKS: Final = tuple(kind.name for kind in SINKS)


def message(
    data: str | bytes | dict[str, Any] | list[Any] = b"",
    *,
    collector: str = "webhook",
    content_type: str = "application/json",
    metadata: Mapping[str, Any] | None = None,
    kind: str = COLLECTOR_KIND,
    received_at: datetime | None = None,
) -> Msg:
    """A message as a collector sends it.

    Args:
        data: bytes, text, or a dict or list that becomes JSON.
        collector: its name.
        content_type: what the collector calls the data.
        metadata: becomes a JSON object.
        kind: as the older service names it.
        received_at: an aware datetime; now, where it is not given.
    """
    text = json.dumps(data) if isinstance(data, dict | list) else data
    payload = text.encode() if isinstance(text, str) else bytes(text)
    seq = _sequence.next()
    at = clock.now_ns() if received_at is None else clock.nanoseconds(received_at)
    return Msg(
        Message(
            seq,
            _sequence.message_id(seq),
            kind,
            collector,
            content_type,
            json.dumps(dict(metadata)) if metadata else "",
            payload,
            at,
        )
    )


def run(
    hook: Callable[[Msg], object],
    given: Msg,
    *,
    state: dict[str, Any] | None = None,
    configured: tuple[str, ...] = _SINKS,
    answers: Mapping[str, Answer] | None = None,
) -> Outcome:
    """Call a hook. What it raises ends up in the outcome's `error`.

    Args:
        hook: the function under `@on(...)`.
        given: made by `message`.
        state: the hook file's state; changed in place when the run ends well, so it can be handed to the next run.
        configured: names of the sinks that have settings; all, where it is not given.
        answers: what queries give, by name such as `store.last`.
    """
    stored = {} if state is None else state
    known = answers or {}

    def ask(name: str, args: dict[str, object]) -> object:
        if name not in known:
            raise HookUsageError(f"{name}: the test gives no answer; run(..., answers={{{name!r}: value}})")
        answer = known[name]
        return answer(args) if callable(answer) else answer

    sinks = {name: "" if name in configured else "a variable" for name in _SINKS}
    recorded = current_run.Run(stored, sinks, ask, clock.nanoseconds(given.received_at))
    current_run.begin(recorded)
    began = time.perf_counter()
    try:
        reply = to_reply(hook(given))
    except Exception as error:  # whatever the hook raises is the result
        failed = RunError(type(error).__name__, str(error))
        return Outcome(
            _name(hook), RunStatus.FAILED, logs=recorded.logs, error=failed, duration=time.perf_counter() - began
        )
    finally:
        current_run.end()
    stored.update({key: plain(value, "state") for key, value in recorded.changed.items()})
    for key in recorded.deleted:
        stored.pop(key, None)
    return Outcome(
        _name(hook),
        RunStatus.OK,
        reply,
        recorded.effects,
        recorded.changed,
        list(recorded.deleted),
        recorded.logs,
        None,
        time.perf_counter() - began,
    )


def _name(hook: Callable[[Msg], object]) -> str:
    module = getattr(hook, "__module__", None) or "hook"
    return f"{module.rpartition('.')[2]}.py:{getattr(hook, '__name__', 'hook')}"
