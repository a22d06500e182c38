"""The steps of housekeeping in the database, one after the other; the rules are in `retention`. Runs in the commit thread."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from kraken_hooks.outbox import retention
from kraken_hooks.outbox.base import Done, Keep, LogHeld, SetAside, Tidied, Trimmed
from kraken_hooks.outbox.rows import Place, Rows, Tally

#: One transaction: the connection, what writes rows through it, and what is told how much changes.
Writing = Callable[[], AbstractContextManager[tuple[sqlite3.Connection, Rows, Tally]]]

#: Between two writes of what is only counted, seconds.
_COUNTS: Final = 60.0
#: The trusted time is written down so often, nanoseconds.
_CLOCK: Final = 3_600_000_000_000
#: Between two looks at how much there is, seconds.
_LOOK: Final = 5.0
#: A write-ahead log of so many bytes is emptied, even if a commit has to wait for readers for a moment.
LOG_BYTES: Final = 32 * 1024 * 1024
_LOG_WAIT: Final = 0.2
#: From so many bytes on, one that cannot be emptied is worth a warning.
LOG_HELD: Final = 64 * 1024 * 1024


class Housekeeping:
    """What is under way between the steps. `spoiled` gets the rows that readers cannot read."""

    def __init__(self, path: Path, writing: Writing, tally: Callable[[], Tally]) -> None:
        self.spoiled: dict[Place, None] = {}
        self._log = path.with_name(f"{path.name}-wal")
        self._writing = writing
        self._tally = tally
        self._clock: retention.TrustedClock | None = None
        self._clock_written = 0
        self._sweep: retention.Sweep | None = None
        self._dead: Trimmed | None = None
        self._counts_at = 0.0
        self._look_at = 0.0
        self._held = self._held_told = False  # the log: somebody keeps it from being emptied

    def step(self, keep: Keep, wall: int, monotonic: float) -> Tidied:
        done: list[Done] = []
        self._set_aside(done, wall)
        if monotonic >= self._counts_at:
            self._counts_at = monotonic + _COUNTS
            self.write_hours()
        now = wall if self._trusts(wall, monotonic) else None
        more = False
        if self._sweep is not None or self._dead is not None or monotonic >= self._look_at:
            self._look_at = monotonic + _LOOK
            try:
                more = self._trim_points(keep, now, done) | self._trim_dead(keep, now, done)
            except BaseException:
                self._sweep = self._dead = None  # begins again, from what is on disk
                raise
            with self._writing() as (connection, _, _):
                more = retention.give_back(connection) or more
            if more:
                self._look_at = monotonic
        return Tidied(done, more)

    def write_hours(self) -> None:
        """How many points there are of each hour, as far as that has been counted in memory alone."""
        hours = self._tally().hours
        if hours:
            with self._writing() as (_, table, _):
                table.write_hours(hours)
            hours.clear()

    def shorten_log(self, connection: sqlite3.Connection) -> LogHeld | None:
        """Readers that follow each other closely never let the log begin anew by itself.

        A reader whose transaction does not end keeps it from being emptied: that is told once, and commits do not wait again
        and again for it.
        """
        try:
            size = self._log.stat().st_size
        except OSError:
            return None
        if size < LOG_BYTES:
            self._held = self._held_told = False
            return None
        before = connection.execute("PRAGMA busy_timeout").fetchone()[0]
        connection.execute(f"PRAGMA busy_timeout = {0 if self._held else round(_LOG_WAIT * 1000)}")
        try:
            self._held = bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
        finally:
            connection.execute(f"PRAGMA busy_timeout = {before}")
        if not self._held or self._held_told or size < LOG_HELD:
            return None
        self._held_told = True
        return LogHeld(size)

    def _set_aside(self, done: list[Done], wall: int) -> None:
        for place in list(self.spoiled):
            with self._writing() as (_, table, change):
                moved = table.set_aside(place, wall, change)
            self.spoiled.pop(place, None)
            if moved:
                done.append(SetAside(place.table, json.dumps(place.key)))

    def _trusts(self, wall: int, monotonic: float) -> bool:
        if self._clock is None:
            with self._writing() as (connection, _, _):
                row = connection.execute("SELECT value FROM meta WHERE key = 'clock'").fetchone()
            self._clock_written = row[0] if row else 0
            self._clock = retention.TrustedClock(self._clock_written)
        trusts = self._clock.trusts(wall, monotonic)
        if trusts and abs(wall - self._clock_written) >= _CLOCK:
            with self._writing() as (connection, _, _):
                connection.execute("INSERT OR REPLACE INTO meta VALUES ('clock', ?)", (wall,))
            self._clock_written = wall
        return trusts

    def _trim_points(self, keep: Keep, now: int | None, done: list[Done]) -> bool:
        with self._writing() as (connection, table, _):
            if self._sweep is None:
                self._sweep = retention.sweep_due(connection, keep, self._tally(), now)
            if self._sweep is None:
                return False
            ended = self._sweep.step(connection, table)
        if ended:
            if self._sweep.removed:
                done.append(Trimmed("store", self._sweep.removed, self._sweep.until))
            self._sweep = None
        return True

    def _trim_dead(self, keep: Keep, now: int | None, done: list[Done]) -> bool:
        with self._writing() as (connection, table, change):
            some = retention.trim_dead(connection, table, keep, self._tally().dead, now, change)
        if some is not None:
            before = self._dead.count if self._dead is not None else 0
            self._dead = Trimmed("dead", before + some.count, some.until)
            return True
        if self._dead is not None:
            done.append(self._dead)
            self._dead = None
        return False
