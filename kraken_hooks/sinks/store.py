"""The embedded time series. Its points are written in the transaction of the run itself, with no queue between."""

from __future__ import annotations

from typing import Any, Final, cast

from kraken_hooks import clock
from kraken_hooks.api.store import LastArgs, WindowArgs, WriteArgs
from kraken_hooks.outbox.base import Outbox, Point
from kraken_hooks.outcome import Effect
from kraken_hooks.sinks.base import SinkType

#: Most values that one query returns.
MAX_WINDOW: Final = 10_000


def points(effect: Effect, id: str, seq: int, place: int) -> list[Point] | None:
    """The points of a `store.write`, one for each field; None for effects of other sinks.

    `seq` is the message's, `place` the effect's in its run.
    """
    if effect.sink != "store":
        return None
    args = cast("dict[str, Any]", effect.args)
    return [
        Point(args["measurement"], field, args["tags"], args["time"], value, id, seq, place)
        for field, value in args["fields"].items()
    ]


class StoreReader:
    """Answers `store.last` and `store.window`. Implements `sinks.base.Reader`."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def ask(self, op: str, args: Any) -> object:
        """Raises:
        StorageUnavailable: it cannot be read now.
        """
        if isinstance(args, LastArgs):
            return self._outbox.last(args.measurement, args.field, args.tags)
        assert isinstance(args, WindowArgs), op
        since = clock.now_ns() - round(min(max(args.seconds, 0.0), 9e9) * 1e9)
        return self._outbox.window(args.measurement, args.field, since, args.tags, MAX_WINDOW)

    def close(self) -> None:
        """The storage is closed by who opened it."""


STORE: Final = SinkType(
    name="store",
    ops={"write": WriteArgs},
    section=None,
    missing=lambda _section: "",
    open=None,
    asks={"last": LastArgs, "window": WindowArgs},
)
