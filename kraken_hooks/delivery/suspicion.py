"""Whether it is the effect and not the sink that is the matter, where a sink breaks down each time over the same one. Pure.

A server that ends the connection, or fails, over one effect would hold up all that waits behind it. So after a few tries effects
are handed over one by one, and after some more a *witness* follows each try of the one in doubt: an effect that waits behind it.
Where the sink has the witness, and breaks down over the one in doubt once more, it was the effect. Where it breaks down over the
witness too, it may be the sink, or both may be bad: the next try has another witness.
"""

from __future__ import annotations

from typing import Final

#: Failures over the same first effect after which effects are handed over one by one, and after which it is in doubt.
ALONE: Final = 2
DOUBT: Final = 6


class Suspicion:
    """Follows one sink's queue. Effects are named by their `seq`."""

    def __init__(self) -> None:
        self._seq = 0
        self._failures = 0
        self._witness = 0
        self._careful = 0  # so many more effects go one by one: those of the batch over which the sink broke down

    def limit(self, batch: int) -> int:
        """Most effects to hand over next."""
        return 1 if self._careful else batch

    def failed(self, seq: int, handed_over: int) -> bool:
        """The sink broke down over this effect, the first of so many. True where the effect is in doubt now."""
        if seq != self._seq:
            self._seq, self._failures, self._witness = seq, 0, 0
        self._failures += 1
        if self._failures >= ALONE:
            self._careful = max(self._careful, handed_over)
        return self._failures >= DOUBT

    def taken(self, count: int) -> None:
        """The sink has taken, or refused, so many effects."""
        self._careful = max(0, self._careful - count)

    def witness(self, count: int) -> int:
        """Which of so many effects behind the one in doubt is the witness, from 0."""
        return self._witness % count

    def broken_too(self) -> None:
        """The sink broke down over the witness."""
        self._witness += 1
