"""`log`: lines of a hook in the broker's log, each with the hook's and the message's name."""

from __future__ import annotations

from typing import Any, NoReturn

from kraken_hooks.api.run import current
from kraken_hooks.errors import HookUsageError


class Log:
    """`log.info("text", key=value)`; the levels are debug, info, warning and error."""

    __slots__ = ()

    def debug(self, text: object, /, *more: object, **fields: object) -> None:
        _line("debug", text, more, fields)

    def info(self, text: object, /, *more: object, **fields: object) -> None:
        _line("info", text, more, fields)

    def warning(self, text: object, /, *more: object, **fields: object) -> None:
        _line("warning", text, more, fields)

    def error(self, text: object, /, *more: object, **fields: object) -> None:
        _line("error", text, more, fields)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"log has no {name}; the levels are debug, info, warning and error", name=name)

    def __call__(self, *_text: object, **_fields: object) -> NoReturn:
        raise HookUsageError('write log.info("…"); the levels are debug, info, warning and error')


def _line(level: str, text: object, more: tuple[object, ...], fields: dict[str, object]) -> None:
    if more:
        raise HookUsageError(
            f'log.{level} takes one text: log.{level}(f"… {{value}}"), or fields: log.{level}("…", value=value)'
        )
    current().log(level, text, fields)


log = Log()


def print_line(
    *values: object, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
) -> None:
    """`print` inside a hook: the same as `log.info`. With `file`, an object of the hook's own, its `write` gets the text."""
    if file is None:
        current().log("info", (" " if sep is None else sep).join(map(str, values)), {})
    else:
        print(*values, sep=sep, end=end, file=file, flush=flush)  # what a hook has is no file of the system
