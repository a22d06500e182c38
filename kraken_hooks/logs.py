"""The broker's log: one JSON object a line on standard output; coloured text on a terminal.

Configured once, at start, in the main thread; used from all threads. Under systemd each line begins with its priority, so
that `journalctl -p` works. `EVENTS` lists every event name there is.
"""

from __future__ import annotations

import json
import logging
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from itertools import islice
from typing import Any, Final, NoReturn, TextIO

_spare_rich = "rich" not in sys.modules
if _spare_rich:  # structlog would load it for tracebacks on a terminal: 3.5 MB of a broker's memory
    sys.modules["rich"] = None  # type: ignore[assignment]  # Python's own way to say that there is none
import structlog  # noqa: E402  # after the lines above

if _spare_rich:
    del sys.modules["rich"]

#: Every event with what it means. A test holds the code and docs/logs.md against it.
EVENTS: Final[dict[str, str]] = {
    "broker.starting": "the broker has read its settings and begins to start",
    "broker.ready": "it answers calls; `seconds` since start",
    "broker.rescan": "SIGHUP: all hook files are looked at again",
    "broker.stopping": "it was told to stop and takes no new calls",
    "broker.stopped": "it has stopped, everything is committed",
    "broker.failed": "it cannot go on; `reason` and `remedy`",
    "broker.task_failed": "a background task failed: a bug, please report it",
    "settings.wrong": "a setting is wrong, the broker does not start; `problem` names the variable",
    "settings.unknown": "a KRAKENB_ variable that means nothing; misspelt?",
    "hooks.missing": "the hooks directory cannot be read; what ran goes on",
    "hook.loaded": "a hook file is new or changed and runs from now on",
    "hook.load_failed": "a hook file does not load; `problems` say where and why, `running` what goes on instead",
    "hook.load_delayed": "a hook file's state cannot be read now; it runs as soon as it can: `reason`",
    "hook.removed": "a hook file is gone, its hooks do not run any more",
    "hook.refused": "a hook file is not read: `reason`",
    "hook.log": "a line that a hook logged or printed: `text`",
    "hook.log_cut_off": "a hook logs more than `lines_per_second`; its lines are dropped until it is quieter",
    "hook.failed": "a hook raised; the message is kept as a dead letter",
    "hook.timeout": "a hook took longer than KRAKENB_HOOK_TIMEOUT; the message is kept as a dead letter",
    "hook.killed": "a hook had to be killed with its worker; the message is kept as a dead letter",
    "hook.quarantined": "a hook was killed three times in a row; it runs again when its file changes",
    "worker.lockdown_missing": "the kernel cannot lock workers down in full: `missing`; hooks are held by the other walls",
    "worker.isolated": "a slow hook file keeps its worker for itself, the others there have moved",
    "worker.frame_failed": "what a worker sent could not be dealt with; it is ended: a bug, please report it",
    "worker.died": "a worker process ended; what it had besides the guilty hook runs again",
    "worker.replaced": "a new worker process has taken the place",
    "worker.start_failed": "a worker process could not be started; it is tried again",
    "worker.forkserver_died": "the process that starts workers ended, or did not answer; another one is started",
    "message.handled": "a message's hooks have ended and all is committed (debug)",
    "message.accepted": "a message is in the inbox, its hooks run later (debug)",
    "message.refused": "a message was not accepted; `reason` and gRPC `status`",
    "inbox.waiting": "messages in the inbox from before the start; they run now",
    "storage.failed": "the state directory takes no writes: `reason`; calls are refused until it does",
    "storage.recovered": "the state directory takes writes again",
    "storage.damaged": "a file of the database is damaged: `reason`; what can be read is saved, `kept` names files put aside",
    "storage.salvaged": "a damaged database was replaced: rows `saved` and `lost` by table, `kept` names the damaged files",
    "storage.migrated": "the database was brought up to date from an older version",
    "storage.row_damaged": "a row cannot be read any more; its content is kept in the table `damaged`, the others go on",
    "storage.log_held": "the write-ahead log grows, `megabytes`: a program reads the database without end; end it",
    "storage.untidy": "housekeeping failed: a bug, please report it; messages go on",
    "store.trimmed": "values of the store were too old or too many: `count` left, up to the time `until`",
    "dead.trimmed": "dead letters were too old or too many: `count` left, up to the time `until`",
    "outbox.dropped": "the outbox is full and KRAKENB_OUTBOX_FULL is drop-oldest: `count` effects of `sink` left undelivered",
    "dead.added": "a failed run or a refused effect was kept as a dead letter",
    "sink.down": "a sink does not take effects; they wait in the outbox",
    "control.unavailable": "the socket for `status` and `sink` cannot be had; the rest works",
    "sink.up": "a sink takes effects again",
    "sink.paused": "the operator has paused a sink; effects wait in the outbox",
    "sink.resumed": "a paused sink goes on",
    "query.failed": "a sink's own code failed on a query: a bug, please report it",
    "sink.refused": "a sink refused an effect for good; it is a dead letter",
    "sink.failed": "a sink's own code failed: a bug, please report it",
    "sink.unconfigured": "effects wait for a sink that is not configured any more",
    "reload.polling": "the system gives no notifications of changed files; the directory is looked at regularly",
    "log.dropped": "nobody read the log for a while: so many `lines` were not written",
    "library": "a line that a library logged: `text`",
}

_PRIORITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
#: Longest line, bytes: the journal cuts what is longer than 48 KiB into pieces (journald.conf, LineMax), which are no JSON.
LONGEST: Final = 46 * 1024
#: In a longer one no text has more characters, and no list or dict more entries, than this; the largest of them that suffices.
_CUTS: Final = (8_000, 1_000, 100)
#: How long a reader of the log that is behind is waited for, milliseconds.
_READER_PATIENCE: Final = 100
_lock = threading.RLock()  # what is collected as garbage while a line is written may log in the same thread
_debug = False


def get() -> structlog.typing.FilteringBoundLogger:
    """A logger: `log.info("event.name", key=value)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


def debugging() -> bool:
    """Whether debug lines are written; to save the work of making them."""
    return _debug


def configure(*, debug: bool, environment: Mapping[str, str], stream: TextIO | None = None) -> None:
    """Write to `stream` (standard output) from now on; library lines too."""
    global _debug
    _debug = debug
    out = sys.stdout if stream is None else stream
    level = logging.DEBUG if debug else logging.INFO
    processors: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _drop_nothing_said,
        structlog.processors.format_exc_info,
    ]
    if out.isatty():
        # Text in Python's form: what a device or a hook says must not steer the terminal.
        processors.append(structlog.dev.ConsoleRenderer(repr_native_str=True))
    else:
        processors.append(_Json(prefix=in_journal(out, environment)))
    lines = _Lines(out, lambda count: _render(processors, "warning", "log.dropped", lines=count))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )
    logging.disable(logging.NOTSET)
    root = logging.getLogger()
    root.handlers = [_Library()]
    root.setLevel(logging.WARNING)


def _render(processors: list[structlog.typing.Processor], level: str, event: str, **fields: object) -> str:
    """A line as the processors make it."""
    made: Any = {"event": event, **fields}
    for processor in processors:
        made = processor(None, level, made)
    return str(made)


def silence() -> None:
    """Write nothing: for commands whose output is what they show."""

    def drop(*_: object) -> NoReturn:
        raise structlog.DropEvent

    structlog.configure(processors=[drop])
    logging.disable(logging.CRITICAL)  # libraries too


class _Lines:
    """Writes whole lines. A reader that has gone away is no reason to stop, and one that does not read none to wait:
    lines are dropped then, and counted in one line when it reads again.
    """

    def __init__(self, out: TextIO, dropped: Callable[[int], str]) -> None:
        self._out = out
        self._dropped = dropped
        self._lost = 0
        self._broken_off = False
        self._writing = False
        self._next: deque[str] = deque()
        self._poll = select.poll()
        try:
            self._poll.register(out.fileno(), select.POLLOUT)
            self._descriptor = out.fileno()
        except (OSError, ValueError):
            self._descriptor = -1  # no file of the system: never full

    def msg(self, line: str) -> None:
        with _lock:
            self._next.append(line)
            if self._writing:
                return  # it is written after the line that it came into
            self._writing = True
            try:
                while self._next:
                    self._pass_on(self._next.popleft())
            finally:
                self._writing = False

    def _pass_on(self, line: str) -> None:
        with suppress(OSError, ValueError):
            if self._descriptor < 0:
                self._out.write(line + "\n")
            else:
                self._put(line)

    def _put(self, line: str) -> None:
        if self._lost and not self._write(self._dropped(self._lost)):
            self._lost += 1
            return
        self._lost = 0 if self._write(line) else 1

    def _write(self, line: str) -> bool:
        """False where the reader does not take it. Once it did not, it is not waited for again."""
        data = ("\n" * self._broken_off + line + "\n").encode("utf-8", "replace")
        for start in range(0, len(data), select.PIPE_BUF):  # so much is taken at once by whatever says that it is ready
            if not self._poll.poll(0 if self._lost else _READER_PATIENCE):
                self._broken_off = self._broken_off or start > 0
                return False
            os.write(self._descriptor, data[start : start + select.PIPE_BUF])
        self._broken_off = False
        return True

    debug = info = warning = error = critical = exception = msg


class _Json:
    """One JSON object; event, level and time first."""

    def __init__(self, *, prefix: bool) -> None:
        self._prefix = prefix

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
        level = event.pop("level", "info")
        line = {"timestamp": event.pop("timestamp", ""), "level": level, "event": event.pop("event", ""), **event}
        text = _dumped(line)
        return f"<{_PRIORITIES.get(level, 6)}>{text}" if self._prefix else text


def _dumped(line: dict[str, Any]) -> str:
    text = json.dumps(line, default=str, ensure_ascii=False)
    for most in _CUTS:
        if _fits(text):
            return text
        text = json.dumps(_cut(line, most), default=str, ensure_ascii=False)
    if _fits(text):
        return text
    flat = {name[:most]: str(value)[:most] for name, value in islice(line.items(), most)}
    return json.dumps(flat, ensure_ascii=False)


def _fits(text: str) -> bool:
    return len(text) < LONGEST // 4 or len(text.encode("utf-8", "replace")) < LONGEST


def _cut(value: Any, most: int) -> Any:
    """The same, nothing in it with more than `most` characters or entries; … where something is missing."""
    if isinstance(value, dict):
        return {_cut(name, most): _cut(item, most) for name, item in islice(value.items(), most)}
    if isinstance(value, list | tuple):
        return [_cut(item, most) for item in value[:most]] + ["…"] * (len(value) > most)
    text = value if isinstance(value, str) else None if isinstance(value, int | float) else str(value)
    if text is None or len(text) <= most:
        return value
    return text[:most] + "…"


class _Library(logging.Handler):
    """Lines of libraries go the same way."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        method = getattr(get(), level if level in _PRIORITIES else "info")
        method("library", text=record.getMessage(), library=record.name, exc_info=record.exc_info)


def _drop_nothing_said(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Fields of None say nothing."""
    for name in [name for name, value in event.items() if value is None]:
        del event[name]
    return event


def in_journal(out: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether what is written to `out` goes to systemd's journal: JOURNAL_STREAM names its device and inode."""
    stream = environment.get("JOURNAL_STREAM", "")
    try:
        found = os.fstat(out.fileno())
    except (OSError, ValueError):
        return False
    return stream == f"{found.st_dev}:{found.st_ino}"
