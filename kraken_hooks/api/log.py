"""`log`: lines of a hook in the broker's log, each with the hook's and the message's name."""

from __future__ import annotations

from typing import Any

from kraken_hooks.api.run import current


class Log:
    """`log.info("text", key=value)`; the levels are debug, info, warning and error."""

    __slots__ = ()

    def debug(self, text: object, /, **fields: object) -> None:
        current().log("debug", text, fields)

    def info(self, text: object, /, **fields: object) -> None:
        current().log("info", text, fields)

    def warning(self, text: object, /, **fields: object) -> None:
        current().log("warning", text, fields)

    def error(self, text: object, /, **fields: object) -> None:
        current().log("error", text, fields)


log = Log()


def print_line(
    *values: object, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
) -> None:
    """`print` inside a hook: the same as `log.info`. With `file`, an object of the hook's own, its `write` gets the text."""
    if file is None:
        current().log("info", (" " if sep is None else sep).join(map(str, values)), {})
    else:
        print(*values, sep=sep, end=end, file=file, flush=flush)  # what a hook has is no file of the system
