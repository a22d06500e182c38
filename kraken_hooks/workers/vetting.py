"""What a worker reports is checked as if an attacker had written it. Pure.

The decoder has seen to types and the size of the frame; here it is held against what the author's API can make.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable
from datetime import datetime
from typing import Final

import msgspec

from kraken_hooks.api.on import MAX_HOOKS, MAX_PATTERN, MAX_PATTERNS
from kraken_hooks.api.plain import MAX_DEPTH
from kraken_hooks.api.run import MAX_EFFECTS, MAX_LOG_FIELDS, MAX_LOG_LINES, MAX_LOG_TEXT, MAX_STATE_BYTES
from kraken_hooks.errors import WorkerProtocolError
from kraken_hooks.message import MAX_REPLY_BYTES
from kraken_hooks.outcome import Effect, HookSpec, LogLine, Outcome, Problem, RunError, RunStatus
from kraken_hooks.wire import Loaded, LoadFailed

#: Longest key of a state, characters: the author's longest and what throttle puts before it.
_MAX_STATE_KEY: Final = 600
#: Longest text about an error, and longest traceback, characters. An honest worker cuts them far below.
_MAX_ERROR: Final = 16_384
_MAX_TRACEBACK: Final = 131_072
#: Longest name of a hook, characters, and highest line of a hook file (256 KiB).
_MAX_NAME: Final = 512
_MAX_LINE: Final = 262_144
#: Most problems of one hook file.
_MAX_PROBLEMS: Final = 200
#: Longest run, seconds.
_MAX_DURATION: Final = 86_400.0

_LEVELS: Final = frozenset({"debug", "info", "warning", "error"})
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1

#: Raises WorkerProtocolError for an effect that no honest worker sends.
CheckEffect = Callable[[Effect], object]


def vet(outcome: Outcome, hooks: Container[str], check_effect: CheckEffect) -> None:
    """Let an honest outcome of one of `hooks` (full names) pass.

    Raises:
        WorkerProtocolError: an honest worker would not have sent it.
    """
    if outcome.hook not in hooks:
        raise WorkerProtocolError(f"an outcome of {outcome.hook!r:.80}, which was not asked for")
    if outcome.status is RunStatus.KILLED:
        raise WorkerProtocolError("a run that was killed, told by the worker that would have died of it")
    if not outcome.ok and (outcome.reply or outcome.effects or outcome.state or outcome.state_deleted):
        raise WorkerProtocolError("a failed run with a reply, effects or state")
    if outcome.ok == (outcome.error is not None):
        raise WorkerProtocolError("a run is either well or has an error")
    if not 0.0 <= outcome.duration <= _MAX_DURATION:  # false for nan too
        raise WorkerProtocolError("a run that took no time that there is")
    if outcome.reply is not None:
        if len(outcome.reply.payload) > MAX_REPLY_BYTES:
            raise WorkerProtocolError("a reply over the limit")
        for value in outcome.reply.metadata.values():
            _plain_json(value, MAX_DEPTH)
    if len(outcome.effects) > MAX_EFFECTS:
        raise WorkerProtocolError("more effects than one run may have")
    for effect in outcome.effects:
        for value in effect.args.values():
            _plain(value, MAX_DEPTH)
        check_effect(effect)
    for key in (*outcome.state, *outcome.state_deleted):
        if not key or len(key) > _MAX_STATE_KEY:
            raise WorkerProtocolError("a state key over the limit")
    for value in outcome.state.values():
        _plain(value, MAX_DEPTH)
    if outcome.state and len(msgspec.msgpack.encode(outcome.state)) > MAX_STATE_BYTES:
        raise WorkerProtocolError("more state than one run may change")
    _vet_logs(outcome.logs)
    if outcome.error is not None:
        _vet_error(outcome.error)


def vet_query(args: dict[str, object]) -> None:
    """Let the arguments of an honest query pass; whether there is such a query is seen where it is answered.

    Raises:
        WorkerProtocolError: an honest worker would not have sent them.
    """
    for value in args.values():
        _plain(value, MAX_DEPTH)


def vet_loaded(frame: Loaded | LoadFailed) -> None:
    """Let an honest report of a load pass.

    Raises:
        WorkerProtocolError: an honest worker would not have sent it.
    """
    if len(frame.problems) > _MAX_PROBLEMS:
        raise WorkerProtocolError("more problems than are told")
    for problem in frame.problems:
        _vet_problem(problem)
    if isinstance(frame, LoadFailed):
        if not frame.problems:
            raise WorkerProtocolError("a load that failed for no reason")
        return
    if len(frame.hooks) > MAX_HOOKS or len({spec.name for spec in frame.hooks}) < len(frame.hooks):
        raise WorkerProtocolError("more hooks than a file may have, or two of one name")
    for spec in frame.hooks:
        _vet_spec(spec)
    _vet_logs(frame.logs)


def _vet_spec(spec: HookSpec) -> None:
    if not spec.name.isidentifier() or len(spec.name) > _MAX_NAME:
        raise WorkerProtocolError("a hook whose name is none")
    if not 0 <= spec.line <= _MAX_LINE or not math.isfinite(spec.order):
        raise WorkerProtocolError("a hook that stands nowhere")
    patterns: list[object] = [*(spec.collector or ()), *(spec.content_type or ())]
    for wanted in (spec.metadata, spec.payload):
        patterns += wanted
        for values in wanted.values():
            patterns += values
    if len(patterns) > MAX_PATTERNS:
        raise WorkerProtocolError("more patterns than a hook may have")
    for pattern in patterns:
        if not (pattern is None or isinstance(pattern, bool | int | float | str)):
            raise WorkerProtocolError("a pattern that is no value of JSON")
        if isinstance(pattern, str) and len(pattern) > MAX_PATTERN:
            raise WorkerProtocolError("a pattern over the limit")


def _vet_problem(problem: Problem) -> None:
    if len(problem.message) > _MAX_ERROR or len(problem.hint) > _MAX_ERROR:
        raise WorkerProtocolError("a problem told at too great a length")
    if problem.severity not in ("error", "warning") or not 0 <= problem.line <= _MAX_LINE or problem.column < 0:
        raise WorkerProtocolError("a problem of no kind, or nowhere")


def _vet_error(error: RunError) -> None:
    if len(error.type) > _MAX_ERROR or len(error.message) > _MAX_ERROR or len(error.traceback) > _MAX_TRACEBACK:
        raise WorkerProtocolError("an error told at too great a length")
    if not 0 <= error.line <= _MAX_LINE:
        raise WorkerProtocolError("an error nowhere in the file")


def _vet_logs(lines: Iterable[LogLine]) -> None:
    count = 0
    for line in lines:
        count += 1
        if line.level not in _LEVELS:
            raise WorkerProtocolError(f"a log line of level {line.level!r:.20}")
        if len(line.event) > MAX_LOG_TEXT + 1 or len(line.fields) > MAX_LOG_FIELDS:
            raise WorkerProtocolError("a log line over the limit")
        for name, value in line.fields.items():
            if len(name) > MAX_LOG_TEXT + 1 or isinstance(value, list | dict | bytes | datetime):
                raise WorkerProtocolError("a log line with fields of another form")
            if isinstance(value, str) and len(value) > MAX_LOG_TEXT + 1:
                raise WorkerProtocolError("a log line over the limit")
            _plain_json(value, 0)
    if count > MAX_LOG_LINES + 1:
        raise WorkerProtocolError("more log lines than one run may have")


def _plain(value: object, depth: int) -> None:
    """What `api.plain` makes, and nothing else: None, bool, int of 64 bits, float, str, bytes, datetime, list, dict."""
    kind = type(value)
    if kind is str or kind is float or value is None or kind is bool or kind is bytes:
        return
    if isinstance(value, int):
        if not _INT_MIN <= value <= _INT_MAX:
            raise WorkerProtocolError("an integer of more than 64 bits")
    elif isinstance(value, datetime):
        if value.tzinfo is None:
            raise WorkerProtocolError("a time without a zone")
    else:
        _inside(value, depth, _plain)


def _plain_json(value: object, depth: int) -> None:
    """The same for what becomes JSON text: finite numbers of any length, no bytes, no times."""
    if value is None or isinstance(value, bool | int | str):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise WorkerProtocolError("a number that JSON has no form for")
    else:
        _inside(value, depth, _plain_json)


def _inside(value: object, depth: int, check: Callable[[object, int], None]) -> None:
    """What is in a list or dict, by `check`; there is nothing else that holds values."""
    if depth == 0:
        raise WorkerProtocolError("a value nested deeper than any that a hook can make")
    if isinstance(value, list):
        for item in value:
            check(item, depth - 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if type(key) is not str:
                raise WorkerProtocolError("a key that is no text")
            check(item, depth - 1)
    else:
        raise WorkerProtocolError(f"a value of type {type(value).__name__}, which nothing here has")
