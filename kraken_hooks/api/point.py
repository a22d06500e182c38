"""What a point of a time series may be made of: one set of checks for every sink that writes points."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from kraken_hooks.api.plain import aware, number, plain, text
from kraken_hooks.clock import nanoseconds
from kraken_hooks.errors import HookUsageError


def point(measurement: object, fields: object, tags: object, time: object, received_at: int) -> dict[str, object]:
    """The arguments of a write, plain: `measurement`, `fields`, `tags`, and `time` in nanoseconds since 1970 (UTC).

    Args:
        measurement: what was measured, text.
        fields: values by name: numbers, text, True or False; at least one.
        tags: text by name, or numbers that become text; None for none.
        time: an aware datetime, or seconds since 1970 (UTC); None for `received_at`.
        received_at: when the message came, nanoseconds since 1970 (UTC).

    Raises:
        HookUsageError: one of them is something else.
    """
    return {
        "measurement": filled(measurement, "measurement"),
        "fields": _fields(fields),
        "tags": tag_texts(tags) or {},
        "time": received_at if time is None else _nanoseconds(time),
    }


def check_finite(fields: Mapping[str, object]) -> None:
    """Raises:
    ValueError: a number that no database has.
    """
    if not all(math.isfinite(value) for value in fields.values() if isinstance(value, float)):
        raise ValueError("a field is not a finite number")


def filled(value: object, where: str) -> str:
    """Text that is not empty."""
    name = text(value, where)
    if not name:
        raise HookUsageError(f"{where} must not be empty")
    return name


def tag_texts(tags: object) -> dict[str, str] | None:
    """Tags as text by name; None where there are none."""
    if tags is None:
        return None
    if not isinstance(tags, dict):
        raise HookUsageError(f'tags must be a dict, such as {{"sensor": "101"}}, not {type(tags).__name__}')
    return {filled(name, "a tag's name"): _tag(name, value) for name, value in tags.items()}


def _tag(name: object, value: object) -> str:
    if isinstance(value, bool | int | float):
        return str(value)
    return text(value, f"tag {name!r}")


def _fields(fields: object) -> dict[str, object]:
    if not isinstance(fields, dict) or not fields:
        raise HookUsageError('fields must be a dict with at least one value, such as {"temp": 21.5}')
    return {filled(name, "a field's name"): _value(name, value) for name, value in fields.items()}


def _value(name: object, value: object) -> object:
    made = plain(value, f"field {name!r}")
    if isinstance(made, float) and not math.isfinite(made):
        raise HookUsageError(f"field {name!r}: {made} cannot be stored")
    if not isinstance(made, bool | int | float | str):
        raise HookUsageError(f"field {name!r} must be a number, text, True or False, not {type(value).__name__}")
    return made


def _nanoseconds(time: object) -> int:
    if isinstance(time, datetime):
        return nanoseconds(aware(time, "time"))
    made = number(time, "time (an aware datetime, or seconds since 1970)") * 1e9
    if not -(2.0**63) < made < 2.0**63:
        raise HookUsageError("time: in seconds since 1970, please")
    return round(made)
