"""How long to wait before a sink is tried again: longer each time, with chance in it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

#: Longest first wait, and longest wait of all, seconds.
FIRST: Final = 0.5
LONGEST: Final = 60.0

#: What is added at most to the wait that a sink asked for, seconds.
_SPREAD: Final = 0.1


class Backoff:
    """Exponential with jitter: between half and all of 0.5 s, 1 s, 2 s … 60 s. `random` gives numbers from 0 to 1."""

    def __init__(self, random: Callable[[], float], first: float = FIRST, longest: float = LONGEST) -> None:
        self._random = random
        self._first = first
        self._longest = longest
        self._tries = 0

    def next(self, retry_after: float | None) -> float:
        """Seconds until the next try; never less than the sink asked for."""
        most = min(self._first * 2**self._tries, self._longest)
        self._tries = min(self._tries + 1, 32)
        wait = most * (0.5 + self._random() / 2)
        return wait if retry_after is None else retry_after + self._random() * _SPREAD

    def reset(self) -> None:
        """It has worked."""
        self._tries = 0
