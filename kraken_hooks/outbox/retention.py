"""What is thrown away when it is too old or too much: pure rules, and the steps in the database that follow them.

Everything is done in small steps by the commit thread in its idle moments, so that a commit never waits long for it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kraken_hooks.outbox import schema
from kraken_hooks.outbox.base import Keep, Trimmed
from kraken_hooks.outbox.rows import Rows, Tally

#: One step takes about so long, seconds.
STEP: Final = 0.02
#: Where there was too much, so much of the bound is left.
LEFT: Final = 0.95
#: Points are let grow older than they may by this part, so that a sweep through all series is worth its writes.
_SLACK: Final = 0.03
#: Points of a series, and dead letters, that are removed at once.
_ROWS: Final = 1_000
#: Series that are looked at together.
_SERIES: Final = 64
#: Free pages of the file that are kept for what comes next, and the part of the file that may be free.
_FREE_PAGES: Final = 1_024
_FREE_PART: Final = 0.1
#: Free pages that are given back at once.
_GIVEN_BACK: Final = 256

_MINUTE: Final = 60
_CALM_AFTER_START: Final = 3_600
_CALM_AFTER_STEP: Final = 24 * 3_600
_LONG_OFF: Final = 30 * 24 * 3_600 * 1_000_000_000


class TrustedClock:
    """Whether the wall clock may be believed when something is thrown away for its age.

    A clock that has jumped to 2038 makes all look old. It is believed once it has kept pace with the time that really
    passes: for an hour after the start, for a day after a step of more than a minute. A start more than 30 days after the
    last time that was believed (`last`, nanoseconds, 0: none) counts as a step.
    """

    def __init__(self, last: int) -> None:
        self.last = last
        self._offset: float | None = None
        self._calm_at = 0.0

    def trusts(self, wall: int, monotonic: float) -> bool:
        """`wall` in nanoseconds since 1970, `monotonic` in seconds."""
        offset = wall / 1e9 - monotonic
        if self._offset is None:
            stepped = bool(self.last) and wall - self.last > _LONG_OFF
            self._calm_at = monotonic + (_CALM_AFTER_STEP if stepped else _CALM_AFTER_START)
        elif abs(offset - self._offset) > _MINUTE:
            self._calm_at = monotonic + _CALM_AFTER_STEP
        self._offset = offset
        if monotonic < self._calm_at:
            return False
        self.last = wall
        return True


def cutoff_by_part(hours: Iterable[tuple[int, int]], part: float) -> int | None:
    """The time (nanoseconds) before which about this part of all points lies. `hours`: (hour, points), oldest first."""
    counted = list(hours)
    wanted = part * sum(points for _, points in counted)
    for hour, points in counted:
        if points > 0 and points >= wanted:
            return round((hour + wanted / points) * schema.HOUR) + 1
        wanted -= max(points, 0)
    return None


@dataclass(slots=True)
class Sweep:
    """Points older than `until` leave, series by series. `series`: the last one that is done."""

    until: int
    series: int = 0
    removed: int = 0

    def step(self, connection: sqlite3.Connection, table: Rows) -> bool:
        """Go on for about `STEP` seconds, in a transaction. True: all is done."""
        end = time.monotonic() + STEP
        while time.monotonic() < end:
            found = connection.execute(
                "SELECT id FROM series WHERE id > ? ORDER BY id LIMIT ?", (self.series, _SERIES)
            ).fetchall()
            if not found:
                self._forget_hours(connection)
                return True
            for (series,) in found:
                if not self._series(connection, table, series) or time.monotonic() >= end:
                    break
        return False

    def _series(self, connection: sqlite3.Connection, table: Rows, series: int) -> bool:
        """Some points of one series. True: there are no more of them, and the series goes too when it is empty."""
        old = (series, self.until)
        more = connection.execute(
            "SELECT at FROM points WHERE series = ? AND at < ? ORDER BY at LIMIT 1 OFFSET ?", (*old, _ROWS)
        ).fetchone()
        if more is not None:
            self.removed += connection.execute(
                "DELETE FROM points WHERE series = ? AND at <= ?", (series, more[0])
            ).rowcount
            return False
        self.removed += connection.execute("DELETE FROM points WHERE series = ? AND at < ?", old).rowcount
        empty = "DELETE FROM series WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM points WHERE series = ?1)"
        if connection.execute(empty, (series,)).rowcount:
            table.forget_series()
        self.series = series
        return True

    def _forget_hours(self, connection: sqlite3.Connection) -> None:
        hour, rest = divmod(self.until, schema.HOUR)
        connection.execute("DELETE FROM hours WHERE hour < ?", (hour,))
        connection.execute(
            "UPDATE hours SET points = CAST(points * ? AS INTEGER) WHERE hour = ?", (1 - rest / schema.HOUR, hour)
        )


def sweep_due(connection: sqlite3.Connection, keep: Keep, tally: Tally, now: int | None) -> Sweep | None:
    """What has to leave the store now. `now`: nanoseconds; None: the clock is not believed."""
    if keep.store_bytes:
        size = store_bytes(connection, tally)
        if size > keep.store_bytes:
            hours = connection.execute("SELECT hour, points FROM hours ORDER BY hour")
            until = cutoff_by_part(hours, (size - keep.store_bytes * LEFT) / size)
            if until is not None:
                return Sweep(until)
    if keep.store_age and now is not None:
        oldest = connection.execute("SELECT min(hour) FROM hours").fetchone()[0]
        if oldest is not None and (oldest + 1) * schema.HOUR < now - keep.store_age * (1 + _SLACK):
            return Sweep(now - keep.store_age)
    return None


def store_bytes(connection: sqlite3.Connection, tally: Tally) -> int:
    """About what the time series takes of the file: all pages in use but for what the rest is known to take."""
    used = connection.execute("PRAGMA page_count").fetchone()[0] - free_pages(connection)
    others = tally.inbox + tally.dead + sum(tally.bytes.values())
    return max(0, int(used * schema.PAGE - others * 1.1))


def free_pages(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA freelist_count").fetchone()[0])


def trim_dead(
    connection: sqlite3.Connection, table: Rows, keep: Keep, size: int, now: int | None, change: Tally
) -> Trimmed | None:
    """Some of the oldest dead letters, where they are too old or take too much. `size`: what all take."""
    removed, until = 0, 0
    excess = size - keep.dead_bytes * LEFT if keep.dead_bytes and size > keep.dead_bytes else 0
    too_old = now - keep.dead_age if keep.dead_age and now is not None else None
    for id, at, taken in connection.execute(f"SELECT id, at, size FROM dead ORDER BY at LIMIT {_ROWS}").fetchall():
        if excess <= 0 and (too_old is None or at >= too_old):
            break
        removed += table.exhume([id], change)
        excess -= taken
        until = at
    return Trimmed("dead", removed, until) if removed else None


def give_back(connection: sqlite3.Connection) -> bool:
    """Make the file shorter by some of its free pages, where there are many. True: there are more."""
    free = free_pages(connection)
    enough = _FREE_PAGES + connection.execute("PRAGMA page_count").fetchone()[0] * _FREE_PART
    if free <= enough:
        return False
    for _ in range(_GIVEN_BACK):  # Python's sqlite3 does one page each time, whatever number is named
        connection.execute("PRAGMA incremental_vacuum(1)")
    return True
