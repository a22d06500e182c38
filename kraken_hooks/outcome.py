"""What a run leaves behind: reply, effects, changed state, log lines, error.

Plain frozen values. A worker sends them over the pipe, the engine commits them, nothing here does I/O.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from kraken_hooks.message import Message, Reply


def well_formed(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair: UTF-8 has no bytes for one alone."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


class RunStatus(StrEnum):
    """How a run ended."""

    OK = "ok"
    FAILED = "failed"  # the hook raised
    TIMEOUT = "timeout"  # the soft time limit, raised inside the hook
    KILLED = "killed"  # the worker had to be killed, or died, while the hook ran


class Effect(msgspec.Struct, frozen=True, array_like=True):
    """A write that a run asks of a sink. `args` are the plain values of the author's call, by name."""

    sink: str
    op: str
    args: dict[str, object]


class LogLine(msgspec.Struct, frozen=True, array_like=True):
    """One line that a hook logged. `level` is `debug`, `info`, `warning` or `error`."""

    level: str
    event: str
    fields: dict[str, object]


class RunError(msgspec.Struct, frozen=True, array_like=True):
    """Why a run failed. `line` is in the hook file, 1-based, 0 where unknown."""

    type: str
    message: str
    line: int = 0
    traceback: str = ""


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """One hook called with one message, ended.

    `hook` is the full name, `file.py:function`. `state` holds the changed keys of the hook file's state and
    `state_deleted` the removed ones. `duration` is in seconds. A run that did not end well has no reply, effects or state.
    """

    hook: str
    status: RunStatus
    reply: Reply | None = None
    effects: list[Effect] = []
    state: dict[str, object] = {}
    state_deleted: list[str] = []
    logs: list[LogLine] = []
    error: RunError | None = None
    duration: float = 0.0

    @property
    def ok(self) -> bool:
        return self.status is RunStatus.OK


class Problem(msgspec.Struct, frozen=True, array_like=True):
    """Something wrong with a hook file: where, what, and what to write instead.

    `line` and `column` are 1-based, 0 where unknown. `severity` is `error` or `warning`.
    """

    line: int
    column: int
    message: str
    hint: str = ""
    severity: str = "error"


class HookSpec(msgspec.Struct, frozen=True, array_like=True):
    """What `@on(...)` said about one hook. A pattern list of None: anything matches.

    `metadata` and `payload` map a dotted path to the patterns, any of which has to match. `has_when` says that a
    function of the message decides too; it runs in the worker.
    """

    name: str
    line: int
    collector: list[str] | None = None
    content_type: list[str] | None = None
    metadata: dict[str, list[object]] = {}
    payload: dict[str, list[object]] = {}
    has_when: bool = False
    order: float = 0.0


class QueuedEffect(msgspec.Struct, frozen=True):
    """An effect in the outbox, on its way to its sink.

    `seq` orders the effects of one sink. `id` is unique and the same when the run is repeated, so that a sink can tell
    a redelivery. `at` is when the message came, nanoseconds since 1970 (UTC).
    """

    seq: int
    id: str
    hook: str
    message_id: str
    at: int
    effect: Effect


class DeadKind(StrEnum):
    RUN = "run"
    EFFECT = "effect"


class DeadLetter(msgspec.Struct, frozen=True):
    """A failed run with its message, or an effect that its sink refused for good. Kept until replayed or purged.

    `at` is when it was given up, nanoseconds since 1970 (UTC). A run has a `message`; an effect has `effect` and `sink`.
    """

    id: str
    kind: DeadKind
    at: int
    hook: str
    message_id: str
    error: RunError
    sink: str = ""
    message: Message | None = None
    effect: QueuedEffect | None = None
