"""Finding the effects that make a sink refuse a batch, by handing over halves. Pure."""

from __future__ import annotations

from collections.abc import Callable

from kraken_hooks.outcome import QueuedEffect
from kraken_hooks.sinks.base import NotNow, Refused, RefusedTogether, Result


def deliver_all(deliver: Callable[[list[QueuedEffect]], list[Result]], effects: list[QueuedEffect]) -> list[Result]:
    """Hand over effects in order, in smaller parts where the sink refuses them together.

    Returns a result for each of the first effects, none of them a `RefusedTogether`. A bad effect among n costs about
    2·log₂(n) calls. Ends where the sink cannot go on (`NotNow`), or did not try the rest of a part.
    """
    results: list[Result] = []
    parts = [effects]
    while parts:
        part = parts.pop()
        given = deliver(part)
        refusal = given[0]
        if not isinstance(refusal, RefusedTogether):
            results += given
            if isinstance(given[-1], NotNow) or len(given) < len(part):
                break
        elif len(part) == 1:
            results.append(Refused(refusal.reason))
        else:
            middle = len(part) // 2
            parts += [part[middle:], part[:middle]]
    return results
