"""The contract of durable storage: what one commit holds, and what can be asked back.

`Outbox.commit` is called by one thread only, the commit thread of the engine (`engine.committer`): it is the only
writer. Reading methods may be called from any thread, side by side with a commit, and see whole commits only.
Several processes may hold the same storage open (the broker, and the command line's `dead replay`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol

import msgspec

from kraken_hooks.message import Message
from kraken_hooks.outcome import DeadKind, DeadLetter, QueuedEffect

#: How far ahead of the numbers in use their durable mark is set, nanoseconds (ten minutes): one write of it so often.
SEQ_STEP: Final = 600 * 1_000_000_000

#: A stored value of the time series.
Value = float | int | str | bool


@dataclass(frozen=True, slots=True)
class Point:
    """One value of the time series.

    `at` is in nanoseconds since 1970 (UTC). `id` makes a repeated write harmless. `seq` is the message's, `place` the effect's
    among those of its run: they order the points of one time.
    """

    measurement: str
    field: str
    tags: dict[str, str]
    at: int
    value: Value
    id: str
    seq: int
    place: int


class Transaction(msgspec.Struct):
    """All that one step of a message's life writes; it becomes durable whole or not at all. Applied top to bottom.

    A transaction that is given up with an error has written nothing.
    """

    #: The message becomes an inbox row, with the hooks (full names, by hook file) that are still to run.
    accept: Message | None = None
    pending: dict[str, list[str]] = {}
    #: Hooks of inbox rows that have ended: (seq of the message, full names). A row with no hook left is removed.
    ended: list[tuple[int, list[str]]] = []
    effects: list[QueuedEffect] = []
    points: list[Point] = []
    #: Changed and removed keys of the state, by hook file. Values are plain.
    state: dict[str, dict[str, object]] = {}
    state_deleted: dict[str, list[str]] = {}
    dead: list[DeadLetter] = []
    #: Effects that left the outbox (delivered, or given up in `dead`): their `seq`, by sink. Some may be gone already.
    settled: dict[str, list[int]] = {}
    #: Sinks whose delivery is to rest (True) or go on (False).
    pause: dict[str, bool] = {}
    #: Sources of hook files that have loaded well: the last good version, by file. None: the file was removed.
    last_good: dict[str, bytes | None] = {}

    @property
    def empty(self) -> bool:
        return not (
            self.accept
            or self.ended
            or self.effects
            or self.points
            or self.state
            or self.state_deleted
            or self.dead
            or self.settled
            or self.pause
            or self.last_good
        )


@dataclass(frozen=True, slots=True)
class PendingMessage:
    """An inbox row as one hook file sees it: the message and this file's hooks that are still to run (full names)."""

    message: Message
    hooks: list[str]


@dataclass(frozen=True, slots=True)
class DeadFilter:
    """Which dead letters are meant. Empty and None: any. Times in nanoseconds since 1970 (UTC)."""

    ids: tuple[str, ...] = ()
    kind: DeadKind | None = None
    hook: str = ""  # a glob on the full name
    sink: str = ""
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """How much is kept. Ages in nanoseconds, 0: no limit.

    `queued_bytes`: above it, effects of the sinks in `droppable` are dropped, oldest first; 0: none are.
    """

    store_age: int = 0
    store_bytes: int = 0
    dead_age: int = 0
    dead_bytes: int = 0
    queued_bytes: int = 0
    droppable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Trimmed:
    """Points or dead letters that were too old or too many have left: `count` of them, up to the time `until`."""

    what: Literal["store", "dead"]
    count: int
    until: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Effects of a sink have left the full outbox undelivered: `count` of them, the oldest one's message came at `oldest`."""

    sink: str
    count: int
    oldest: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that cannot be read any more has left its table; its content is kept in the table `damaged`."""

    table: str
    row: str


@dataclass(frozen=True, slots=True)
class LogHeld:
    """The write-ahead log has grown to so many bytes, because somebody reads without end and keeps it from being emptied."""

    bytes: int


#: What housekeeping has to tell.
Done = Trimmed | SetAside | LogHeld


@dataclass(frozen=True, slots=True)
class Tidied:
    """What a step of housekeeping has ended, and whether there is more to do now."""

    done: list[Done] = field(default_factory=list)
    more: bool = False


class Outbox(Protocol):
    """Inbox, outbox, dead letters, state, points and last good sources in one place that survives a power cut.

    All methods may raise `StorageUnavailable` (disk full, read-only, failing); then nothing was written.
    """

    # ── the one writer ──

    def commit(self, batch: list[Transaction]) -> None:
        """Make all of `batch` durable in one go, in order. All or nothing.

        Effects are numbered in the order in which they are committed: where one's `seq` is not above those of all commits
        before, it gets the next number that is (another process may have replayed something meanwhile).

        Raises:
            StorageUnavailable: the disk took nothing of it.
            ValueError: a transaction holds a value that cannot be stored; nothing was written.
        """
        ...

    def changed_outside(self) -> bool:
        """True once after another process has written to the same storage since the last call.

        Raises:
            StorageGone: its files were deleted or replaced.
        """
        ...

    def drop(self, keep: Keep) -> list[Dropped]:
        """Drop the oldest effects that may be dropped, durably, until a bit less than `keep.queued_bytes` waits.

        Effects that their courier has taken already may be among them.
        """
        ...

    def tidy(self, keep: Keep, wall: int, monotonic: float) -> Tidied:
        """One small step of housekeeping (about 20 ms): set aside what is damaged, trim what is too old or too much, give
        room on the disk back. For moments in which nothing waits to be committed.

        `wall` in nanoseconds since 1970, `monotonic` in seconds: ages count only while the one keeps pace with the other.
        """
        ...

    def close(self) -> None: ...

    # ── what is where ──

    def queued_bytes(self, besides: frozenset[str] = frozenset()) -> int:
        """Bytes of payload that inbox and outbox hold now, about: what KRAKENB_OUTBOX_MAX_MB bounds. Cheap.

        Without the effects of the sinks in `besides`.
        """
        ...

    def last_seq(self) -> int:
        """A number that no message or effect exceeds which was ever stored here; 0 in a new storage.

        It never goes back: what has left the storage counts too, and a clock that was set back changes nothing. After a
        crash it may lie ahead of the largest number that was used, by at most `SEQ_STEP`.
        """
        ...

    def identity(self) -> str:
        """32 hexadecimal digits, random, made with the storage and kept for its life: whose effects these are."""
        ...

    def paused(self) -> set[str]:
        """The sinks whose delivery rests."""
        ...

    # ── inbox ──

    def waiting(self) -> dict[str, int]:
        """How many inbox rows wait for each hook file."""
        ...

    def pending(self, file: str, after: int, limit: int) -> list[PendingMessage]:
        """The next inbox rows that wait for a hook file, in order of arrival: those with `seq` greater than `after`.

        At most `limit` rows, and no more after 8 MiB of messages (always at least one where one waits).
        """
        ...

    # ── outbox ──

    def take(self, sink: str, after: int, limit: int) -> list[QueuedEffect]:
        """The next effects of a sink in order, with `seq` greater than `after`. They stay until settled.

        At most `limit` effects, and no more after 8 MiB (always at least one where one waits).
        """
        ...

    def queued(self) -> dict[str, int]:
        """How many effects wait for each sink."""
        ...

    # ── state, last good sources ──

    def state(self, file: str) -> dict[str, object]:
        """The whole state of a hook file."""
        ...

    def last_good(self) -> dict[str, bytes]:
        """Sources of the hook files as they last loaded well."""
        ...

    # ── the store's queries ──

    def last(self, measurement: str, field: str, tags: dict[str, str] | None) -> Value | None:
        """The newest value over all series of the measurement that have at least `tags`; None where there is none."""
        ...

    def window(
        self, measurement: str, field: str, since: int, tags: dict[str, str] | None, limit: int
    ) -> list[tuple[datetime, Value]]:
        """(aware UTC time, value) from `since` (nanoseconds) on, oldest first; the newest `limit` where there are more."""
        ...

    # ── dead letters (these write; they are called by the command line, or through the commit thread) ──

    def dead(self, wanted: DeadFilter, limit: int) -> list[DeadLetter]:
        """Dead letters, oldest first."""
        ...

    def count_dead(self, wanted: DeadFilter) -> int: ...

    def dead_sizes(self, wanted: DeadFilter) -> list[tuple[str, int]]:
        """Id and bytes, about, of all dead letters that are meant, oldest first."""
        ...

    def replay(self, ids: Sequence[str]) -> int:
        """Put dead letters back: a run's message into the inbox (for that hook alone), an effect into the outbox.

        They get a new `seq` at the end, in the order of `ids`. One transaction, so an interrupted replay doubles nothing.
        Returns how many there were.
        """
        ...

    def purge(self, wanted: DeadFilter) -> int:
        """Delete dead letters for good. Returns how many."""
        ...
