"""`store`: the embedded time series. What was written in a run is found by the queries of later runs."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import msgspec

from kraken_hooks.api.plain import aware, number, plain, text
from kraken_hooks.api.run import current
from kraken_hooks.api.sink import SinkApi
from kraken_hooks.errors import HookUsageError


class WriteArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of the effect `store.write`. `time` is in nanoseconds since 1970 (UTC)."""

    measurement: str
    fields: dict[str, float | int | str | bool]
    tags: dict[str, str]
    time: int


class LastArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of the query `store.last`."""

    measurement: str
    field: str
    tags: dict[str, str] | None


class WindowArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of the query `store.window`."""

    measurement: str
    field: str
    seconds: float
    tags: dict[str, str] | None


class Store(SinkApi):
    """A SQLite time series in the broker's state directory; always configured."""

    __slots__ = ()
    _sink = "store"

    def write(
        self,
        measurement: str,
        fields: dict[str, Any],
        tags: dict[str, Any] | None = None,
        time: datetime | float | None = None,
    ) -> None:
        """Store one point: each field's value under the measurement and the tags.

        Args:
            measurement: what was measured, such as `env`.
            fields: values by name: numbers, text, True or False; at least one.
            tags: whose value it is, such as `{"sensor": "101"}`; text, or numbers that become text.
            time: an aware datetime, or seconds since 1970 (UTC); the message's `received_at` where it is missing.
        """
        run = current()
        args: dict[str, object] = {
            "measurement": _name(measurement, "measurement"),
            "fields": _fields(fields),
            "tags": _tags(tags) or {},
            "time": run.received_at if time is None else _nanoseconds(time),
        }
        run.effect("store", "write", args)

    def last(self, measurement: str, field: str, tags: dict[str, Any] | None = None) -> Any:
        """The newest value, or None. Over all series of the measurement that have at least these tags."""
        return current().ask(
            "store.last",
            {"measurement": _name(measurement, "measurement"), "field": _name(field, "field"), "tags": _tags(tags)},
        )

    def window(
        self, measurement: str, field: str, seconds: float, tags: dict[str, Any] | None = None
    ) -> list[tuple[datetime, Any]]:
        """(aware time, value) of the last `seconds`, oldest first; the newest 10,000 where there are more."""
        rows = current().ask(
            "store.window",
            {
                "measurement": _name(measurement, "measurement"),
                "field": _name(field, "field"),
                "seconds": number(seconds, "seconds"),
                "tags": _tags(tags),
            },
        )
        return [(at, value) for at, value in rows]  # type: ignore[attr-defined]  # a list of pairs by contract


store = Store()


def _name(value: object, where: str) -> str:
    name = text(value, where)
    if not name:
        raise HookUsageError(f"{where} must not be empty")
    return name


def _fields(fields: object) -> dict[str, object]:
    if not isinstance(fields, dict) or not fields:
        raise HookUsageError('fields must be a dict with at least one value, such as {"temp": 21.5}')
    return {_name(name, "a field's name"): _value(name, value) for name, value in fields.items()}


def _value(name: object, value: object) -> object:
    made = plain(value, f"field {name!r}")
    if isinstance(made, float) and not math.isfinite(made):
        raise HookUsageError(f"field {name!r}: {made} cannot be stored")
    if not isinstance(made, bool | int | float | str):
        raise HookUsageError(f"field {name!r} must be a number, text, True or False, not {type(value).__name__}")
    return made


def _tags(tags: object) -> dict[str, str] | None:
    if tags is None:
        return None
    if not isinstance(tags, dict):
        raise HookUsageError(f'tags must be a dict, such as {{"sensor": "101"}}, not {type(tags).__name__}')
    return {_name(name, "a tag's name"): _tag(name, value) for name, value in tags.items()}


def _tag(name: object, value: object) -> str:
    if isinstance(value, bool | int | float):
        return str(value)
    return text(value, f"tag {name!r}")


def _nanoseconds(time: object) -> int:
    if isinstance(time, datetime):
        since = aware(time, "time") - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000
    made = round(number(time, "time (an aware datetime, or seconds since 1970)") * 1e9)
    if not -(2**63) < made < 2**63:
        raise HookUsageError("time: in seconds since 1970, please")
    return made
