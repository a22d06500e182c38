"""What a sink is: it takes effects in order and says of each what became of it.

A sink runs in one delivery thread of its own (`delivery.courier`), which opens, calls and closes it; it needs no lock.
It is not asked to retry, to wait or to keep anything: the courier does that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from kraken_hooks.outcome import Effect, QueuedEffect
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
    """The sink cannot take it now: down, busy, failing. `retry_after` in seconds where the sink asked for it.

    `reason` holds no secret. `offline`: there was no connection; `Sink.reachable` is asked each second, so that the sink is
    tried again as soon as it is back. `suspect`: it was there, and broke down while it had this effect; where that comes again
    and again, the effect may be the reason (`delivery.suspicion`).
    """

    reason: str
    retry_after: float | None = None
    offline: bool = False
    suspect: bool = False


@dataclass(frozen=True, slots=True)
class RefusedTogether:
    """The sink refuses these effects as a whole because of one or some of them, and does not say of which.

    The only result of its list. The effects are handed over again in halves until those are found; so the sink must not mind
    getting again what it has taken of them.
    """

    reason: str


Result = Delivered | Refused | NotNow | RefusedTogether


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
        network does. Ends within about 15 seconds, whatever the server does.
        """
        ...

    def reachable(self) -> bool:
        """Whether a connection could be had now. Cheap: a second at most; asked only while the sink is offline."""
        ...

    def close(self) -> None:
        """Let go of connections. Called once, at the end."""
        ...


class Reader(Protocol):
    """Answers the queries of one sink. Called in a few threads at once; has clients of its own."""

    def ask(self, op: str, args: Any) -> object:
        """A plain value. `args` is of the struct that `SinkType.asks` names.

        Raises:
            QueryFailed: there is no answer within the time; the text says why, without any secret.
        """
        ...

    def close(self) -> None:
        """Let go of connections. Called once, at the end."""
        ...


def one_lane(_effect: Effect) -> str:
    """The lane of every effect of a sink that has one server."""
    return ""


@dataclass(frozen=True, slots=True)
class SinkType:
    """A kind of sink, as the registry lists it.

    `ops` and `asks` map each operation and query to the arguments that the author's API gives it. `missing` says which
    variable has to be set before the sink can be used, "" where nothing is missing. `open` makes the sink in its delivery
    thread, from its settings and the identity of the outbox (`Outbox.identity`), under which a server can keep what it has
    had; None: the sink is embedded in the storage and needs no delivery. `reader` makes what answers its queries, each
    within so many seconds; None: it has none, or the storage answers them. `lane` names the server that an effect is for, where
    they have not all the same: one that is down does not hold back the others, and tells nothing of them.
    """

    name: str
    ops: Mapping[str, type[msgspec.Struct]]
    section: type[Section] | None
    missing: Callable[[Section | None], str]
    open: Callable[[Section, str], Sink] | None
    asks: Mapping[str, type[msgspec.Struct]] = field(default_factory=dict)
    reader: Callable[[Section, float], Reader] | None = None
    lane: Callable[[Effect], str] = one_lane
