"""What a commit writes, table by table. Runs in the commit thread, inside a transaction of the writing connection."""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from kraken_hooks.message import Message
from kraken_hooks.outbox import schema
from kraken_hooks.outbox.base import SEQ_STEP, Dropped, Keep, Point, Transaction
from kraken_hooks.outcome import DeadLetter, QueuedEffect

#: Before a sink's name: its key in `meta` while it rests.
PAUSED: Final = "paused/"


@dataclass(slots=True)
class Tally:
    """How much is stored, or by how much that has changed: bytes of the inbox and of dead letters, effects and their bytes
    by sink, points by hour. What is asked all the time is counted once, at the start.
    """

    inbox: int = 0
    dead: int = 0
    effects: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)

    def add(self, change: Tally) -> None:
        self.inbox += change.inbox
        self.dead += change.dead
        self.effects.update(change.effects)
        self.bytes.update(change.bytes)
        self.hours.update(change.hours)

    def count(self, sink: str, effects: int, size: int) -> None:
        self.effects[sink] += effects
        self.bytes[sink] += size


def count(connection: sqlite3.Connection) -> Tally:
    """Look through all that waits."""
    tally = Tally()
    count_messages(connection, tally)
    count_effects(connection, tally, 0)
    return tally


def count_messages(connection: sqlite3.Connection, tally: Tally) -> None:
    """Inbox and dead letters, counted anew."""
    tally.inbox = connection.execute("SELECT coalesce(sum(length(message)), 0) FROM inbox").fetchone()[0]
    tally.dead = connection.execute("SELECT coalesce(sum(size), 0) FROM dead").fetchone()[0]


def count_effects(connection: sqlite3.Connection, tally: Tally, after: int) -> None:
    """Add the effects with numbers above `after`."""
    for sink in _sinks(connection):
        statement = "SELECT count(*), coalesce(sum(length(effect)), 0) FROM outbox WHERE sink = ? AND seq > ?"
        tally.count(sink, *connection.execute(statement, (sink, after)).fetchone())


def _sinks(connection: sqlite3.Connection) -> Iterator[str]:
    """The sinks that effects wait for, each found with one step into the index."""
    sink = ""
    while row := connection.execute("SELECT sink FROM outbox WHERE sink > ? LIMIT 1", (sink,)).fetchone():
        sink = row[0]
        yield sink


@dataclass(frozen=True, slots=True)
class Place:
    """A row, by its table and key; `where` is the condition that finds it."""

    table: str
    where: str
    key: tuple[Any, ...]


class Numbers:
    """The numbers of messages and effects: those of effects only ever rise, whoever writes, whatever the clock does.

    The mark in `meta` lies ahead of all numbers in use, so that it is written once in `SEQ_STEP` and not with each commit.
    What another process numbers comes after the mark and raises it. Used under the lock of the writing connection.
    """

    def __init__(self) -> None:
        self.last = 0
        self._mark = 0
        self._version = -1

    def far_ahead(self) -> int:
        """Above all numbers in use, also those of a process that counts on from the mark because the clock was set back."""
        return max(self.last, self._mark) + SEQ_STEP

    def reconnect(self) -> None:
        """The connection is another one now."""
        self._version = -1

    def look(self, connection: sqlite3.Connection) -> int | None:
        """Take notice of what another process has numbered; in a transaction, so that it stays true.

        Returns the last number before; None where nothing was numbered.
        """
        version: int = connection.execute("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return None
        self._version = version
        row = connection.execute("SELECT value FROM meta WHERE key = 'seq'").fetchone()
        mark = row[0] if row else 0
        if mark == self._mark:
            return None
        before, self._mark, self.last = self.last, mark, max(self.last, mark)
        return before

    def give(self, effects: list[QueuedEffect]) -> list[QueuedEffect]:
        return schema.numbered(effects, self.last)

    def reserve(self, connection: sqlite3.Connection, used: int) -> None:
        """Numbers up to `used` are being written."""
        self.last = max(self.last, used)
        if self.last > self._mark:
            self._mark = self.last + SEQ_STEP
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('seq', ?)", (self._mark,))

    def give_back(self, connection: sqlite3.Connection) -> None:
        """Nothing more is numbered here: the mark goes back to what was used, unless another process has raised it."""
        if self.last < self._mark:
            connection.execute("UPDATE meta SET value = ? WHERE key = 'seq' AND value = ?", (self.last, self._mark))


class Rows:
    """Writes transactions through one connection. Knows the numbers of the series that it has met."""

    def __init__(self, connection: sqlite3.Connection, numbers: Numbers) -> None:
        self.numbers = numbers
        self._connection = connection
        self._series: dict[tuple[str, str, str], int] = {}

    def write(self, batch: list[Transaction], change: Tally) -> None:
        """Write all rows; `change` is told what that adds and takes away."""
        self._accept(batch, change)
        ended = [entry for one in batch for entry in one.ended]
        if ended:
            self._end(ended, change)
        self._queue([queued for one in batch for queued in one.effects], change)
        points = [point for one in batch for point in one.points]
        if points:
            self._write_points(points, change)
        for one in batch:
            self._write_state(one)
        letters = [letter for one in batch for letter in one.dead]
        if letters:
            self._bury(letters, change)
        for one in batch:
            for sink, seqs in one.settled.items():
                self._settle(sink, seqs, change)
            self._pause(one.pause)
            self._keep_sources(one.last_good)

    def forget_series(self) -> None:
        """Some series are gone."""
        self._series.clear()

    def write_hours(self, hours: Counter[int]) -> None:
        """So many points more of these hours."""
        self._connection.executemany(
            "INSERT INTO hours VALUES (?, ?) ON CONFLICT (hour) DO UPDATE SET points = points + excluded.points",
            hours.items(),
        )

    def set_aside(self, place: Place, found: int, change: Tally) -> bool:
        """Move a row that cannot be read to `damaged`. False: it is gone already."""
        column = {"inbox": "message", "outbox": "effect", "dead": "letter", "state": "value", "last_good": "source"}
        content = column[place.table]
        gone = self._connection.execute(
            f"DELETE FROM {place.table} WHERE {place.where} RETURNING {content}", place.key
        ).fetchone()
        if gone is None:
            return False
        self._connection.execute(
            "INSERT INTO damaged (found, place, row, content) VALUES (?, ?, ?, ?)",
            (found, place.table, json.dumps(place.key), gone[0]),
        )
        size = len(gone[0])
        if place.table == "inbox":
            self._connection.execute("DELETE FROM inbox_pending WHERE seq = ?", place.key)
            change.inbox -= size
        elif place.table == "outbox":
            change.count(place.key[0], -1, -size)
        elif place.table == "dead":
            change.dead -= size
        return True

    def drop(self, keep: Keep, excess: int, change: Tally) -> list[Dropped]:
        """Remove the oldest droppable effects until `excess` bytes have gone."""
        statement = "SELECT seq, length(effect), effect FROM outbox WHERE sink = ? ORDER BY seq"
        cursors = {sink: self._connection.execute(statement, (sink,)) for sink in keep.droppable}
        oldest = heapq.merge(*(_with(sink, cursor) for sink, cursor in cursors.items()))
        first: dict[str, bytes] = {}
        seqs: dict[str, list[int]] = {}
        for seq, sink, size, effect in oldest:
            if excess <= 0:
                break
            first.setdefault(sink, effect)
            seqs.setdefault(sink, []).append(seq)
            excess -= size
        for cursor in cursors.values():
            cursor.close()
        for sink, gone in seqs.items():
            self._settle(sink, gone, change)
        return [Dropped(sink, len(gone), _came(first[sink])) for sink, gone in seqs.items()]

    # ── inbox ──

    def _accept(self, batch: list[Transaction], change: Tally) -> None:
        messages = [one.accept for one in batch if one.accept is not None and one.pending]
        if messages:
            self._connection.executemany("INSERT INTO inbox VALUES (?, ?)", _inbox_rows(messages, change))
            self._connection.executemany("INSERT INTO inbox_pending VALUES (?, ?, ?)", _pending_rows(batch))
            self.numbers.reserve(self._connection, max(message.seq for message in messages))

    def _end(self, ended: list[tuple[int, list[str]]], change: Tally) -> None:
        """Strike hooks off their messages; remove messages that have none left."""
        self._connection.executemany(
            "DELETE FROM inbox_pending WHERE file = ? AND seq = ? AND hook = ?",
            [(hook.partition(":")[0], seq, hook) for seq, hooks in ended for hook in hooks],
        )
        for seq in {seq for seq, _ in ended}:
            row = self._connection.execute(
                """DELETE FROM inbox WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM inbox_pending WHERE seq = ?1)
                   RETURNING length(message)""",
                (seq,),
            ).fetchone()
            change.inbox -= row[0] if row else 0

    # ── outbox ──

    def _queue(self, effects: list[QueuedEffect], change: Tally) -> None:
        if not effects:
            return
        rows = [(one.effect.sink, one.seq, schema.pack(one)) for one in self.numbers.give(effects)]
        self._connection.executemany("INSERT INTO outbox VALUES (?, ?, ?)", rows)
        for sink, _, packed in rows:
            change.count(sink, 1, len(packed))
        self.numbers.reserve(self._connection, max(seq for _, seq, _ in rows))

    def _settle(self, sink: str, seqs: list[int], change: Tally) -> None:
        """In one step where the effects stand in one row, as a courier takes them; else one by one."""
        wanted = sorted(set(seqs))
        if not wanted:
            return
        between = "FROM outbox WHERE sink = ? AND seq BETWEEN ? AND ?"
        values = (sink, wanted[0], wanted[-1])
        rows = self._connection.execute(f"SELECT seq, length(effect) {between} LIMIT ?", (*values, len(wanted) + 1))
        found = rows.fetchall()
        if [seq for seq, _ in found] == wanted:
            self._connection.execute(f"DELETE {between}", values)
            change.count(sink, -len(found), -sum(size for _, size in found))
            return
        statement = "DELETE FROM outbox WHERE sink = ? AND seq = ? RETURNING length(effect)"
        for seq in wanted:
            gone = self._connection.execute(statement, (sink, seq)).fetchone()
            if gone:
                change.count(sink, -1, -gone[0])

    def _pause(self, sinks: dict[str, bool]) -> None:
        for sink, rests in sinks.items():
            if rests:
                self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, 1)", (PAUSED + sink,))
            else:
                self._connection.execute("DELETE FROM meta WHERE key = ?", (PAUSED + sink,))

    # ── points ──

    def _write_points(self, points: list[Point], change: Tally) -> None:
        rows = [self._point_row(point) for point in points]
        self._connection.executemany("INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?)", rows)
        for point in points:
            change.hours[point.at // schema.HOUR] += 1

    def _point_row(self, point: Point) -> tuple[Any, ...]:
        late, mark = schema.point_key(point.at, point.seq, point.place, point.id)
        return self._series_id(point), point.at, late, mark, schema.stored_value(point.value)

    def _series_id(self, point: Point) -> int:
        key = (point.measurement, point.field, schema.tags_text(point.tags))
        known = self._series.get(key)
        if known is None:
            self._connection.execute("INSERT OR IGNORE INTO series (measurement, field, tags) VALUES (?, ?, ?)", key)
            found = "SELECT id FROM series WHERE measurement = ? AND field = ? AND tags = ?"
            known = self._series[key] = int(self._connection.execute(found, key).fetchone()[0])
        return known

    # ── state, dead letters, sources ──

    def _write_state(self, one: Transaction) -> None:
        for file, keys in one.state_deleted.items():
            if keys:
                self._connection.executemany(
                    "DELETE FROM state WHERE file = ? AND key = ?", [(file, key) for key in keys]
                )
        for file, values in one.state.items():
            if values:
                rows = [(file, key, schema.pack(value)) for key, value in values.items()]
                self._connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", rows)

    def _bury(self, letters: list[DeadLetter], change: Tally) -> None:
        self.exhume([letter.id for letter in letters], change)
        rows = [dead_row(letter) for letter in letters]
        self._connection.executemany("INSERT OR REPLACE INTO dead VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        for row in {row[0]: row for row in rows}.values():
            change.dead += row[5]

    def exhume(self, ids: list[str], change: Tally) -> int:
        """Remove dead letters. Returns how many there were."""
        gone = 0
        for id in ids:
            row = self._connection.execute("DELETE FROM dead WHERE id = ? RETURNING size", (id,)).fetchone()
            if row:
                gone += 1
                change.dead -= row[0]
        return gone

    def _keep_sources(self, sources: dict[str, bytes | None]) -> None:
        for file, source in sources.items():
            if source is None:
                self._connection.execute("DELETE FROM last_good WHERE file = ?", (file,))
            else:
                self._connection.execute("INSERT OR REPLACE INTO last_good VALUES (?, ?)", (file, schema.seal(source)))


def _with(sink: str, cursor: sqlite3.Cursor) -> Iterator[tuple[int, str, int, bytes]]:
    for seq, size, effect in cursor:
        yield seq, sink, size, effect


def _came(effect: bytes) -> int:
    """When the effect's message came; 0 where that cannot be read."""
    try:
        return schema.unpack_effect(effect).at
    except schema.DamagedRow:
        return 0


def dead_row(letter: DeadLetter) -> tuple[Any, ...]:
    packed = schema.pack(letter)
    return letter.id, letter.kind.value, letter.at, letter.hook, letter.sink, len(packed), packed


def _inbox_rows(messages: list[Message], change: Tally) -> Iterator[tuple[int, bytearray]]:
    """One after the other: large ones are not all held in memory a second time."""
    for message in messages:
        packed = schema.pack(message)
        change.inbox += len(packed)
        yield message.seq, packed


def _pending_rows(batch: list[Transaction]) -> Iterator[tuple[str, int, str]]:
    for one in batch:
        if one.accept is not None:
            for file, hooks in one.pending.items():
                for hook in hooks:
                    yield file, one.accept.seq, hook
