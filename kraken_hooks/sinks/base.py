"""What a sink is: it takes effects in order and says of each what became of it.

A sink runs in one delivery thread of its own (`delivery.courier`), which opens, calls and closes it; it needs no lock.
It is not asked to retry, to wait or to keep anything: the courier does that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from kraken_hooks.outcome import QueuedEffect
from kraken_hooks.settings import Section


@dataclass(frozen=True, slots=True)
class Delivered:
    """The sink has the effect for good."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The sink will never take this effect. `reason` is in the sink's own words, without any secret."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotNow:
    """The sink cannot take it now: down, busy, failing. `retry_after` in seconds where the sink asked for it."""

    reason: str
    retry_after: float | None = None


Result = Delivered | Refused | NotNow


class Sink(Protocol):
    """One place that effects go to."""

    @property
    def batch(self) -> int:
        """Most effects in one call of `deliver`."""
        ...

    @property
    def interval(self) -> float:
        """Least time between two calls of `deliver`, seconds."""
        ...

    def deliver(self, effects: list[QueuedEffect]) -> list[Result]:
        """Hand over effects in order. Returns a result for each of the first effects, at least one.

        A shorter list means that the rest was not tried. A `NotNow` ends the list. Raises nothing for what a server or
        network does.
        """
        ...

    def close(self) -> None:
        """Let go of connections. Called once, at the end."""
        ...


@dataclass(frozen=True, slots=True)
class SinkType:
    """A kind of sink, as the registry lists it.

    `ops` maps each operation to the arguments that the author's API gives it. `missing` says which variable has to be set
    before the sink can be used, "" where nothing is missing. `open` makes the sink in its delivery thread; None: the sink is
    embedded in the storage and needs no delivery.
    """

    name: str
    ops: Mapping[str, type[msgspec.Struct]]
    section: type[Section] | None
    missing: Callable[[Section | None], str]
    open: Callable[[Section], Sink] | None
