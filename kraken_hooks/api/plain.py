"""Plain values: what may cross from a hook to the broker, copied, so that nothing that a hook holds is shared."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Final

from kraken_hooks.errors import HookUsageError

#: Deepest nesting of lists and dicts in one value.
MAX_DEPTH: Final = 32

_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**63 - 1


def plain(value: object, where: str, depth: int = MAX_DEPTH) -> object:
    """A deep copy made of None, bool, int (64 bits), float, str, bytes, aware datetime, list and dict with text keys.

    Raises:
        HookUsageError: the value holds something else; the text begins with `where`.
    """
    kind = type(value)
    if value is None or kind is bool or kind is float or kind is bytes:
        return value
    if kind is str:
        return text(value, where)
    if kind is int:
        if not _INT_MIN <= value <= _INT_MAX:  # type: ignore[operator]  # kind is int
            raise HookUsageError(f"{where}: an integer must fit 64 bits")
        return value
    if depth == 0:
        raise HookUsageError(f"{where}: nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, datetime):
        return aware(value, where)
    if isinstance(value, dict):
        return {text(key, f"a key of {where}"): plain(item, where, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, where, depth - 1) for item in value]
    if isinstance(value, bool | int | float | str | bytes | bytearray):
        return plain(_base(value), where, depth)
    raise HookUsageError(
        f"{where}: a {kind.__name__} cannot leave the hook; use text, numbers, bytes, datetime, list or dict"
    )


def text(value: object, where: str) -> str:
    """A str that is valid Unicode (no lone surrogates)."""
    if not isinstance(value, str):
        raise HookUsageError(f"{where} must be text, not {type(value).__name__}")
    plain_text = value if type(value) is str else str.__str__(value)
    if not plain_text.isascii():
        try:
            plain_text.encode()
        except UnicodeEncodeError:
            raise HookUsageError(f"{where}: the text is not valid Unicode (a lone surrogate)") from None
    return plain_text


def number(value: object, where: str) -> float:
    """A finite int or float (no bool), an int no larger than a float can be."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise HookUsageError(f"{where} must be a finite number, not {value!r:.80}")
    made = float.__float__(value) if isinstance(value, float) else int.__int__(value)
    try:
        finite = math.isfinite(made)
    except OverflowError:
        raise HookUsageError(f"{where} must be a finite number; this one is too large") from None
    if not finite:
        raise HookUsageError(f"{where} must be a finite number, not {made}")
    return made


def aware(value: datetime, where: str) -> datetime:
    """A datetime in UTC.

    Raises:
        HookUsageError: it has no time zone, or in UTC there is no such year.
    """
    if value.tzinfo is None:
        raise HookUsageError(f"{where}: a datetime needs a time zone; use datetime.now(timezone.utc) or .astimezone()")
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        raise HookUsageError(f"{where}: the datetime lies outside the years 1 to 9999 in UTC") from None
    return datetime(
        moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond, UTC
    )


def json_text(value: object, where: str) -> str:
    """Compact JSON; datetimes become ISO 8601 text.

    Raises:
        HookUsageError: the value holds what JSON has no form for.
    """
    try:
        made = json.dumps(
            value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=lambda item: _iso(item, where)
        )
    except (ValueError, TypeError, RecursionError) as error:
        if isinstance(error, HookUsageError):
            raise
        raise HookUsageError(f"{where} cannot be written as JSON: {error}") from None
    return text(made, where)


def _iso(item: object, where: str) -> object:
    if isinstance(item, datetime):
        return item.isoformat()
    if isinstance(item, bytes | bytearray):
        raise HookUsageError(f"{where}: JSON has no form for bytes; use item.hex() or base64")
    return plain(item, where)


def _base(value: object) -> object:
    """The value of a subclass (an enum with text values, say) as its built-in type."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    return b"".join((value, b""))  # type: ignore[arg-type]  # bytes or bytearray is what is left
