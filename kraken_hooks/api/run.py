"""The current run: where the author's API records effects, state and log lines, and through which it asks.

One run at a time in one thread, so the current run is a module variable. `hook_run` makes one; the sandbox's worker, the
`try` command's worker and `kraken_hooks.testing` all go through it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from types import FrameType
from typing import Final

from kraken_hooks.api.plain import plain, text
from kraken_hooks.errors import HookUsageError, SinkNotConfigured
from kraken_hooks.outcome import Effect, LogLine, well_formed

#: Most effects of one run.
MAX_EFFECTS: Final = 10_000
#: Most log lines of one run; one more says that it was cut off.
MAX_LOG_LINES: Final = 1_000
#: What one run may change of the state, bytes as they are stored.
MAX_STATE_BYTES: Final = 1024 * 1024
#: Longest text of one log line, characters.
MAX_LOG_TEXT: Final = 8_192
#: Most fields of one log line.
MAX_LOG_FIELDS: Final = 32

#: Asks the broker: (name of the query, plain arguments) to a plain value.
Ask = Callable[[str, dict[str, object]], object]


class Run:
    """What one run records. `state` is the hook file's state as the run finds it; it is never changed here."""

    __slots__ = ("_ask", "_sinks", "_stored", "boot", "changed", "deleted", "effects", "logs", "received_at")

    def __init__(
        self, stored: dict[str, object], sinks: dict[str, str], ask: Ask, received_at: int, boot: str = ""
    ) -> None:
        self._stored = stored
        self._sinks = sinks
        self._ask = ask
        self.received_at = received_at  # nanoseconds since 1970 (UTC)
        self.boot = boot  # names the machine's start; empty: unknown
        self.effects: list[Effect] = []
        self.logs: list[LogLine] = []
        self.changed: dict[str, object] = {}
        self.deleted: set[str] = set()

    def configured(self, sink: str) -> bool:
        return self._sinks.get(sink, "missing") == ""

    def require(self, sink: str) -> None:
        """Raises:
        SinkNotConfigured: the sink has no settings; names the variable.
        """
        missing = self._sinks.get(sink)
        if missing:
            raise SinkNotConfigured(f"{sink} is not configured: set {missing}")

    def effect(self, sink: str, op: str, args: dict[str, object]) -> None:
        """Record a write. `args` must be plain already."""
        self.require(sink)
        if len(self.effects) >= MAX_EFFECTS:
            raise HookUsageError(f"more than {MAX_EFFECTS} effects in one run")
        self.effects.append(Effect(sink, op, args))

    def ask(self, name: str, args: dict[str, object]) -> object:
        """Wait for the answer of a query.

        Raises:
            HookUsageError: the query failed or took too long; the text says why.
        """
        self.require(name.partition(".")[0])
        return self._ask(name, args)

    def log(self, level: str, event: object, fields: dict[str, object]) -> None:
        if len(self.logs) > MAX_LOG_LINES:
            return
        if len(self.logs) == MAX_LOG_LINES:
            self.logs.append(LogLine("warning", f"cut off: more than {MAX_LOG_LINES} log lines in one run", {}))
            return
        line = _clean(str(event))
        extra = {_clean(str(name)): _field(value) for name, value in list(fields.items())[:MAX_LOG_FIELDS]}
        self.logs.append(LogLine(level, line, extra))

    # ── state ──

    def state_get(self, key: str) -> object:
        """A fresh copy of the value; None where there is none."""
        if key in self.changed:
            return plain(self.changed[key], "state")
        if key in self.deleted or key not in self._stored:
            return None
        return plain(self._stored[key], "state")

    def state_has(self, key: str) -> bool:
        return key in self.changed or (key in self._stored and key not in self.deleted)

    def state_set(self, key: str, value: object) -> None:
        """`value` must be plain already."""
        self.changed[key] = value
        self.deleted.discard(key)

    def state_delete(self, key: str) -> None:
        self.changed.pop(key, None)
        if key in self._stored:
            self.deleted.add(key)


class TopLevel(Run):
    """The time while a hook file is loaded: it may log, and nothing else."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__({}, {}, _nobody, 0)

    def require(self, sink: str) -> None:
        raise HookUsageError(_ONLY_INSIDE)

    def state_has(self, key: str) -> bool:
        raise HookUsageError(_ONLY_INSIDE)

    def state_get(self, key: str) -> object:
        raise HookUsageError(_ONLY_INSIDE)

    def state_delete(self, key: str) -> None:
        raise HookUsageError(_ONLY_INSIDE)

    def state_set(self, key: str, value: object) -> None:
        raise HookUsageError(_ONLY_INSIDE)


_ONLY_INSIDE: Final = (
    "only inside a hook: nothing can be written or asked at the top level of a file "
    "(in a test: kraken_hooks.testing.run(hook, message(...)))"
)

#: Stands in the global names of every hook file, under a name that no hook can write.
HOOK_MARK: Final = "__kraken__"

_current: Run | None = None
_file: object | None = None


def current() -> Run:
    """The run that is going on.

    Raises:
        HookUsageError: there is none: the API was called at the top level of a file, or outside a test's run. Or it is another
            file's: Python ends what one file has left behind (a generator's `finally`) at any time, in any file's run.
    """
    if _current is None:
        raise HookUsageError(_ONLY_INSIDE)
    if _file is not None and stranger(sys._getframe(1)) is not None:  # noqa: SLF001  # the only way to know who calls
        raise HookUsageError("the run that is going on is another hook file's")
    return _current


def stranger(frame: FrameType | None) -> object | None:
    """What stands under HOOK_MARK in the hook file whose code runs at `frame`; None where it is no hook file's, or that of
    the file whose run is going on.
    """
    while frame is not None:
        mark = frame.f_globals.get(HOOK_MARK)
        if mark is not None:
            return None if mark is _file else mark
        frame = frame.f_back
    return None


def begin(run: Run, file: object | None = None) -> None:
    """`run` is the current one now. `file`: what stands under HOOK_MARK in the hook file that may use it; None: anybody."""
    global _current, _file
    _current, _file = run, file


def end() -> None:
    global _current, _file
    _current = _file = None


def running() -> Run | None:
    """The run that is going on, or None."""
    return _current


def _nobody(name: str, args: dict[str, object]) -> object:
    raise HookUsageError(_ONLY_INSIDE)


def _clean(line: str) -> str:
    """Text of bounded length that any log can take, whatever a hook has derived from text."""
    line = str.__str__(line)
    if len(line) > MAX_LOG_TEXT:
        line = line[:MAX_LOG_TEXT] + "…"
    return well_formed(line)


def _field(value: object) -> object:
    if value is None or type(value) is bool or (type(value) is float and math.isfinite(value)):
        return value
    try:
        if type(value) is int:
            return plain(value, "log")
        return text(value, "log") if type(value) is str and len(value) <= MAX_LOG_TEXT else _clean(str(value))
    except HookUsageError:
        return _clean(str(value))
