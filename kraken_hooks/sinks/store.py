"""The embedded time series. Its points are written in the transaction of the run itself, with no queue between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import msgspec

from kraken_hooks import clock
from kraken_hooks.api.store import WriteArgs
from kraken_hooks.outbox.base import Outbox, Point
from kraken_hooks.outcome import Effect
from kraken_hooks.sinks.base import SinkType

#: Most values that one query returns.
MAX_WINDOW: Final = 10_000


class _Last(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    measurement: str
    field: str
    tags: dict[str, str] | None


class _Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    measurement: str
    field: str
    seconds: float
    tags: dict[str, str] | None


def points(effect: Effect, id: str) -> list[Point] | None:  # the field's name
    """The points of a `store.write`, one for each field; None for effects of other sinks."""
    if effect.sink != "store":
        return None
    args = cast("dict[str, Any]", effect.args)
    return [
        Point(args["measurement"], field, args["tags"], args["time"], value, id)
        for field, value in args["fields"].items()
    ]


def queries(outbox: Outbox) -> dict[str, Callable[[dict[str, object]], object]]:
    """What runs may ask, by name. Arguments come from a worker and are checked.

    Raises (when called):
        ValueError: arguments of another form.
        StorageUnavailable: it cannot be read now.
    """

    def last(args: dict[str, object]) -> object:
        asked = msgspec.convert(args, _Last)
        return outbox.last(asked.measurement, asked.field, asked.tags)

    def window(args: dict[str, object]) -> object:
        asked = msgspec.convert(args, _Window)
        since = clock.now_ns() - round(min(max(asked.seconds, 0.0), 9e9) * 1e9)
        return outbox.window(asked.measurement, asked.field, since, asked.tags, MAX_WINDOW)

    return {"store.last": last, "store.window": window}


STORE: Final = SinkType(
    name="store",
    ops={"write": WriteArgs},
    section=None,
    missing=lambda _section: "",
    open=None,
)
