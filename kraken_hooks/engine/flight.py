"""A message on its way through its hooks, and the backlog of each hook file. Plain data of the event loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from kraken_hooks.message import Message, Response
from kraken_hooks.outcome import Outcome
from kraken_hooks.routing.table import Rank
from kraken_hooks.workers.job import Job

#: Most jobs of one hook file in memory; what comes then waits in the inbox.
MAX_DEPTH: Final = 256
#: The same as bytes of messages.
MAX_BYTES: Final = 16 * 1024 * 1024
#: So many jobs in memory whose call had to be acknowledged before they ended mean that the workers are behind.
MAX_LATE: Final = 16
#: With fewer jobs in memory, inbox rows are read.
LOW_DEPTH: Final = 32
#: Above every seq.
NOTHING: Final = sys.maxsize


class Flight(msgspec.Struct, eq=False):
    """One message while any of its hooks is in memory.

    `jobs`: by hook file, those that have not ended. `spilled`: hooks (full names, by hook file) that wait in the inbox
    alone. `fresh`: outcomes that are in no transaction yet; `ended`: full names of hooks that have ended since the last
    transaction. `stored`: the message has an inbox row, or is getting one; `safe`: it has. `uncommitted`: transactions under
    way. `due`: the call is to be answered as soon as none is. `answer`: the call; None for a message out of the inbox.
    """

    message: Message
    ranks: dict[str, Rank]
    began: float
    answer: asyncio.Future[Response] | None
    jobs: dict[str, Job] = {}
    spilled: dict[str, list[str]] = {}
    outcomes: list[Outcome] = []
    fresh: list[Outcome] = []
    ended: list[str] = []
    stored: bool = False
    safe: bool = False
    uncommitted: int = 0
    due: bool = False

    def in_order(self) -> list[Outcome]:
        """The outcomes in the order in which hooks are asked for a reply."""
        if len(self.outcomes) < 2:
            return self.outcomes
        return sorted(self.outcomes, key=lambda outcome: self.ranks[outcome.hook])

    @property
    def waiting(self) -> bool:
        """A call waits for the answer."""
        return self.answer is not None and not self.answer.done()


@dataclass(slots=True, eq=False)
class Backlog:
    """What waits for one hook file.

    `depth`, `bytes`: jobs in memory; `late`: those among them whose message is in the inbox too. `behind`: there may be inbox
    rows that are not in memory; new messages go behind them. `read`: seq up to which inbox rows have been read. `held`: seqs
    of inbox rows that are in memory or about to be removed; `gone`: those removed since the last read began, which may have
    found them yet. `unwritten`: seqs of rows on their way into the inbox, in order; `missed`: the smallest seq of a row that the
    read under way may not find. `dirty`: flights with an outcome of this file that is in no transaction yet.
    """

    file: str
    depth: int = 0
    bytes: int = 0
    late: int = 0
    behind: bool = False
    refilling: bool = False
    read: int = 0
    held: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    unwritten: dict[int, None] = field(default_factory=dict)
    missed: int = NOTHING
    dirty: dict[Flight, None] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        """A new message has to wait in the inbox."""
        return self.behind or self.depth >= MAX_DEPTH or self.bytes >= MAX_BYTES or self.late >= MAX_LATE

    def enter(self, message: Message, *, late: bool) -> None:
        self.depth += 1
        self.bytes += message.size
        self.late += late

    def leave(self, message: Message, *, late: bool) -> None:
        self.depth -= 1
        self.bytes -= message.size
        self.late -= late

    def spill(self, seq: int) -> None:
        """A new message goes into the inbox alone."""
        self.behind = True
        self.unwritten[seq] = None
        self.missed = min(self.missed, seq)

    def release(self, seq: int) -> None:
        """The inbox row is removed."""
        self.held.discard(seq)
        if self.refilling:
            self.gone.add(seq)

    def read_anew(self) -> None:
        """Another process has put rows in, anywhere."""
        self.behind = True
        self.read = self.missed = 0

    def begin_read(self) -> None:
        self.gone.clear()
        self.missed = next(iter(self.unwritten), NOTHING)

    def end_read(self, found: list[int]) -> set[int]:
        """These rows have been found after `read`. Returns those among them that are not in memory."""
        if not found and self.missed == NOTHING:
            self.behind = False
        self.read = min(found[-1] if found else self.read, self.missed - 1)
        return set(found) - self.held - self.gone


def unwritten_before(flight: Flight, backlogs: Mapping[str, Backlog]) -> list[Flight]:
    """Flights whose outcomes must be on disk before this one's: of the same file, of earlier messages. And those before
    them, of the other files that they have outcomes of.
    """
    found: dict[Flight, None] = {}
    looked_at = [flight]
    while looked_at:
        later = looked_at.pop()
        for outcome in later.fresh:
            for other in backlogs[outcome.hook.partition(":")[0]].dirty:
                if other.message.seq < later.message.seq and other not in found:
                    found[other] = None
                    looked_at.append(other)
    return sorted(found, key=lambda other: other.message.seq)
