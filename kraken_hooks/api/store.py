"""`store`: the embedded time series. What was written in a run is found by the queries of later runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from kraken_hooks.api.plain import number
from kraken_hooks.api.point import check_finite, filled, point, tag_texts
from kraken_hooks.api.run import current
from kraken_hooks.api.sink import SinkApi


class WriteArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of the effect `store.write`. `time` is in nanoseconds since 1970 (UTC)."""

    measurement: str
    fields: dict[str, float | int | str | bool]
    tags: dict[str, str]
    time: int

    def __post_init__(self) -> None:
        check_finite(self.fields)


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
        run.effect("store", "write", point(measurement, fields, tags, time, run.received_at))

    def last(self, measurement: str, field: str, tags: dict[str, Any] | None = None) -> Any:
        """The newest value, or None. Over all series of the measurement that have at least these tags."""
        return current().ask(
            "store.last",
            {
                "measurement": filled(measurement, "measurement"),
                "field": filled(field, "field"),
                "tags": tag_texts(tags),
            },
        )

    def window(
        self, measurement: str, field: str, seconds: float, tags: dict[str, Any] | None = None
    ) -> list[tuple[datetime, Any]]:
        """(aware time, value) of the last `seconds`, oldest first; the newest 10,000 where there are more."""
        rows = current().ask(
            "store.window",
            {
                "measurement": filled(measurement, "measurement"),
                "field": filled(field, "field"),
                "seconds": number(seconds, "seconds"),
                "tags": tag_texts(tags),
            },
        )
        return [(at, value) for at, value in rows]  # type: ignore[attr-defined]  # a list of pairs by contract


store = Store()
