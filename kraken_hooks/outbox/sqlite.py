"""The outbox on disk: SQLite with a write-ahead log, every commit synced, many transactions in one commit.

The commit thread writes through one connection; readers have one connection for each thread. After a failed write the
writing connection is thrown away and made anew, so that whatever the disk did is forgotten.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from kraken_hooks import clock
from kraken_hooks.clock import moment
from kraken_hooks.errors import KrakenError, StorageDamaged, StorageGone
from kraken_hooks.outbox import retention, rows, schema
from kraken_hooks.outbox.base import DeadFilter, Dropped, Keep, PendingMessage, Tidied, Transaction, Value
from kraken_hooks.outbox.connection import Files, connect, files, prepare, translated
from kraken_hooks.outbox.counting import Count
from kraken_hooks.outbox.housekeeping import Housekeeping
from kraken_hooks.outcome import DeadKind, DeadLetter, QueuedEffect

#: No more messages or effects are read at once beyond this, bytes.
_READ_BYTES: Final = 8 * 1024 * 1024
#: The write-ahead log is cut back to this after it has been emptied, bytes.
_LOG_BYTES: Final = 16 * 1024 * 1024
#: Opening waits so long for the count of what the storage holds, seconds. What takes longer (a million effects on an SD card)
#: is counted on beside the work.
_COUNT_WAIT: Final = 2.0

T = TypeVar("T")


class SqliteOutbox:
    """Inbox, outbox, dead letters, state and points in one database file. Implements `outbox.base.Outbox`."""

    #: Is told, in whichever thread, when the database turns out to be damaged, or not to be readable, while it is open.
    on_damage: Callable[[KrakenError], None] | None = None

    def __init__(self, path: Path, *, relaxed: bool = False, counted: bool = True) -> None:
        """Open the database, or make it. `relaxed`: commits reach the disk when the system writes them, not at once.

        `counted`: what waits is counted, as `queued`, `queued_bytes` and `tidy` need it. That takes a look at all of it; after a
        moment it goes on in a thread, and until it has ended what came before is missing in both, and nothing is tidied.

        Raises:
            StorageUnavailable: it cannot be opened or written now.
            StorageDamaged: it cannot be read.
            StorageUnusable: it is another program's, or of another version.
        """
        self._path = path
        self._synchronous = "NORMAL" if relaxed else "FULL"
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._lock = threading.Lock()  # the writing connection, and the list of readers
        self._tally: rows.Tally | None = None
        self._count = Count(path, self._add_count, self._tell) if counted else None
        self._data_version = 0
        self._files: Files | None = None
        self._numbers = rows.Numbers()
        self._house = Housekeeping(path, self._writing, self._counted)
        self._writer: tuple[sqlite3.Connection, rows.Rows] | None = None
        with self._lock:
            self._open_writer()
        if self._count is not None:
            self._count.wait(_COUNT_WAIT)
            if self._count.failure is not None:
                self.close()
                raise self._count.failure

    # ── writing ──

    def commit(self, batch: list[Transaction]) -> None:
        with self._writing() as (_, table, change):
            table.write(batch, change)

    def drop(self, keep: Keep) -> list[Dropped]:
        excess = self.queued_bytes() - round(keep.queued_bytes * retention.LEFT)
        with self._writing() as (_, table, change):
            return table.drop(keep, excess, change)

    def tidy(self, keep: Keep, wall: int, monotonic: float) -> Tidied:
        tidied = Tidied() if self._counting else self._house.step(keep, wall, monotonic)
        with self._lock, self._translated():
            connection, _ = self._writer or self._open_writer()
            held = self._house.shorten_log(connection)
        if held is not None:
            tidied.done.append(held)
        return tidied

    def changed_outside(self) -> bool:
        with self._lock, self._translated():
            connection, _ = self._writer or self._open_writer()
            if files(self._path) != self._files:
                raise self._gone()
            if self._counting:
                return False  # it is seen after that
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            changed: bool = version != self._data_version
            if changed:
                try:
                    connection.execute("BEGIN")
                    self._look(connection)
                    rows.count_messages(connection, self._counted())
                    connection.execute("COMMIT")
                except BaseException:
                    self._drop_writer()  # else the next commit would find a transaction open, and fail
                    raise
                self._data_version = version
        return changed

    def close(self) -> None:
        if self._count is not None:
            self._count.stop()
        with suppress(KrakenError):  # then some points are not counted
            self._house.write_hours()
        with self._lock:
            if self._writer is not None:
                connection, _ = self._writer
                with suppress(sqlite3.Error):  # then a gap is left in the numbers
                    self._numbers.give_back(connection)
                connection.close()
            for reader in self._readers:
                reader.close()
            self._readers.clear()
            self._writer = None

    @contextmanager
    def _writing(self) -> Iterator[tuple[sqlite3.Connection, rows.Rows, rows.Tally]]:
        """One transaction on the writing connection: all of it or nothing."""
        with self._lock, self._translated():
            connection, table = self._writer or self._open_writer()
            change = rows.Tally()
            try:
                connection.execute("BEGIN IMMEDIATE")
                self._look(connection)
                yield connection, table, change
                connection.execute("COMMIT")
            except BaseException:
                self._drop_writer()
                raise
            self._counted().add(change)

    @property
    def _counting(self) -> bool:
        return self._count is not None and self._count.pending

    def _add_count(self, found: rows.Tally) -> None:
        """In the thread that counts."""
        with self._lock:
            self._counted().add(found)
            assert self._count is not None
            self._count.pending = False

    def _counted(self) -> rows.Tally:
        assert self._tally is not None
        return self._tally

    def _look(self, connection: sqlite3.Connection) -> None:
        """Count in what another process has put into the outbox."""
        before = self._numbers.look(connection)
        if before is not None:
            rows.count_effects(connection, self._counted(), before)

    def _drop_writer(self) -> None:
        """Closing rolls back what was not committed."""
        if self._writer is not None:
            connection, _ = self._writer
            self._writer = None
            connection.close()

    def _open_writer(self) -> tuple[sqlite3.Connection, rows.Rows]:
        with self._translated():
            if self._files is not None and files(self._path)[0] != self._files[0]:
                raise self._gone()
            connection = connect(self._path)
            try:
                prepare(connection, self._path)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA synchronous = {self._synchronous}")
                connection.execute("PRAGMA secure_delete = FAST")  # no page is written only to blank it
                connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
                self._numbers.reconnect()
                connection.execute("BEGIN IMMEDIATE")
                first = self._tally is None
                if first:
                    self._numbers.look(connection)
                    self._tally = rows.Tally()
                else:
                    self._look(connection)
                self._data_version = connection.execute("PRAGMA data_version").fetchone()[0]
                if first and self._count is not None:
                    self._count.begin()
                connection.execute("COMMIT")
            except BaseException:
                connection.close()
                raise
            self._writer = connection, rows.Rows(connection, self._numbers)
            self._files = files(self._path)
            return self._writer

    def _gone(self) -> StorageGone:
        return StorageGone(f"{self._path} was deleted or replaced while it was open")

    # ── what is where ──

    def queued_bytes(self, besides: frozenset[str] = frozenset()) -> int:
        counted = list(self._counted().bytes.items())
        return self._counted().inbox + sum(size for sink, size in counted if sink not in besides)

    def last_seq(self) -> int:
        return self._numbers.last

    def identity(self) -> str:
        found: str = self._read("SELECT value FROM meta WHERE key = 'identity'")[0][0]
        return found

    def paused(self) -> set[str]:
        found = self._read("SELECT key FROM meta WHERE key GLOB ?", (f"{rows.PAUSED}*",))
        return {key.removeprefix(rows.PAUSED) for (key,) in found}

    def waiting(self) -> dict[str, int]:
        return dict(self._read("SELECT file, count(DISTINCT seq) FROM inbox_pending GROUP BY file"))

    def queued(self) -> dict[str, int]:
        return {sink: effects for sink, effects in list(self._counted().effects.items()) if effects}

    # ── inbox ──

    def pending(self, file: str, after: int, limit: int) -> list[PendingMessage]:
        statement = """
            SELECT inbox.message, inbox.seq, group_concat(inbox_pending.hook, char(10)) FROM inbox_pending
            JOIN inbox ON inbox.seq = inbox_pending.seq
            WHERE file = ? AND inbox_pending.seq > ? GROUP BY inbox_pending.seq ORDER BY inbox_pending.seq LIMIT ?"""
        found: list[PendingMessage] = []
        while not found:
            read = self._read_bounded(statement, (file, after, limit))
            if not read:
                return []
            for stored, seq, hooks in read:
                after = seq
                message = self._unpacked(schema.unpack_message, stored, rows.Place("inbox", "seq = ?", (seq,)))
                if message is not None:
                    found.append(PendingMessage(message, hooks.split("\n")))
        return found

    # ── outbox ──

    def take(self, sink: str, after: int, limit: int) -> list[QueuedEffect]:
        statement = "SELECT effect, seq FROM outbox WHERE sink = ? AND seq > ? ORDER BY seq LIMIT ?"
        found: list[QueuedEffect] = []
        while not found:
            read = self._read_bounded(statement, (sink, after, limit))
            if not read:
                return []
            for stored, seq in read:
                after = seq
                place = rows.Place("outbox", "sink = ? AND seq = ?", (sink, seq))
                queued = self._unpacked(schema.unpack_effect, stored, place)
                if queued is not None:
                    found.append(queued)
        return found

    # ── state, last good sources ──

    def state(self, file: str) -> dict[str, object]:
        found = {}
        for key, stored in self._read("SELECT key, value FROM state WHERE file = ?", (file,)):
            place = rows.Place("state", "file = ? AND key = ?", (file, key))
            packed = self._unpacked(schema.unseal, stored, place)
            if packed is not None:
                found[key] = schema.unpack_value(stored)
        return found

    def last_good(self) -> dict[str, bytes]:
        found = {}
        for file, stored in self._read("SELECT file, source FROM last_good"):
            source = self._unpacked(schema.unseal, stored, rows.Place("last_good", "file = ?", (file,)))
            if source is not None:
                found[file] = bytes(source)
        return found

    # ── the store's queries ──

    def last(self, measurement: str, field: str, tags: dict[str, str] | None) -> Value | None:
        newest = None
        for series in self._series_with(measurement, field, tags):
            found = self._read(
                "SELECT at, late, mark, value FROM points WHERE series = ? ORDER BY at DESC, late DESC, mark DESC LIMIT 1",
                (series,),
            )
            if found and (newest is None or found[0][:3] >= newest[:3]):
                newest = found[0]
        return None if newest is None else schema.read_value(newest[3])

    def window(
        self, measurement: str, field: str, since: int, tags: dict[str, str] | None, limit: int
    ) -> list[tuple[datetime, Value]]:
        found: list[tuple[int, int, int, Any]] = []
        for series in self._series_with(measurement, field, tags):
            found += self._read(
                """SELECT at, late, mark, value FROM points WHERE series = ? AND at >= ?
                   ORDER BY at DESC, late DESC, mark DESC LIMIT ?""",
                (series, since, limit),
            )
        found.sort(key=lambda row: row[:3])
        return [(moment(at), schema.read_value(value)) for at, _, _, value in found[-limit:]]

    def _series_with(self, measurement: str, field: str, tags: dict[str, str] | None) -> list[int]:
        statement = "SELECT id, tags FROM series WHERE measurement = ? AND field = ? ORDER BY tags"
        found = self._read(statement, (measurement, field))
        return [id for id, text in found if not tags or schema.has_tags(json.loads(text), tags)]

    # ── dead letters ──

    def dead(self, wanted: DeadFilter, limit: int) -> list[DeadLetter]:
        where, values = _dead_where(wanted)
        found = []
        for stored, id in self._read(f"SELECT letter, id FROM dead {where} ORDER BY at, id LIMIT ?", (*values, limit)):
            letter = self._unpacked(schema.unpack_letter, stored, rows.Place("dead", "id = ?", (id,)))
            if letter is not None:
                found.append(letter)
        return found

    def count_dead(self, wanted: DeadFilter) -> int:
        where, values = _dead_where(wanted)
        return int(self._read(f"SELECT count(*) FROM dead {where}", values)[0][0])

    def dead_sizes(self, wanted: DeadFilter) -> list[tuple[str, int]]:
        where, values = _dead_where(wanted)
        return self._read(f"SELECT id, size FROM dead {where} ORDER BY at, id", values)

    def replay(self, ids: Sequence[str]) -> int:
        with self._writing() as (connection, table, change):
            last = clock.now_ns()
            if last <= connection.execute("SELECT coalesce(max(seq), 0) FROM inbox").fetchone()[0]:
                last = table.numbers.far_ahead()  # the clock was set back: the broker counts on from its last number
            again = []
            for id in ids:
                row = connection.execute("SELECT letter FROM dead WHERE id = ?", (id,)).fetchone()
                letter = row and self._unpacked(schema.unpack_letter, row[0], rows.Place("dead", "id = ?", (id,)))
                if not letter:
                    continue
                if letter.kind is DeadKind.RUN and letter.message is not None:
                    last += 1
                    message = msgspec.structs.replace(letter.message, seq=last)
                    again.append(Transaction(accept=message, pending={letter.hook.partition(":")[0]: [letter.hook]}))
                elif letter.effect is not None:
                    again.append(Transaction(effects=[letter.effect]))
                table.exhume([id], change)
            table.write(again, change)
        return len(again)

    def purge(self, wanted: DeadFilter) -> int:
        where, values = _dead_where(wanted)
        with self._writing() as (connection, _, change):
            sizes = connection.execute(f"DELETE FROM dead {where} RETURNING size", values).fetchall()
            change.dead -= sum(size for (size,) in sizes)
        return len(sizes)

    # ── connections ──

    def _read(self, statement: str, values: Iterable[Any] = ()) -> list[Any]:
        with self._translated():
            return self._reader().execute(statement, tuple(values)).fetchall()

    def _read_bounded(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        """Rows until their first columns are more than a few MiB; at least one where there is one."""
        found = []
        size = 0
        with self._translated():
            cursor = self._reader().execute(statement, values)
            for row in cursor:
                found.append(row)
                size += len(row[0])
                if size >= _READ_BYTES:
                    break
            cursor.close()
        return found

    def _unpacked(self, unpack: Callable[[bytes], T], stored: bytes, place: rows.Place) -> T | None:
        """The content of a row; None where it is damaged: it is passed over now, and set aside by the commit thread."""
        try:
            return unpack(stored)
        except schema.DamagedRow:
            self._house.spoiled[place] = None
            return None

    def _reader(self) -> sqlite3.Connection:
        """The connection of the thread that asks."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._path)
            connection.execute("PRAGMA query_only = 1")
            with self._lock:
                self._readers.append(connection)
        return connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """SQLite's errors as ours; damage is passed on to the one who can end the broker."""
        try:
            with translated(self._path):
                yield
        except StorageDamaged as damage:
            self._tell(damage)
            raise

    def _tell(self, failure: KrakenError) -> None:
        if self.on_damage is not None:
            self.on_damage(failure)


_CONDITIONS: Final[tuple[tuple[str, Callable[[DeadFilter], object]], ...]] = (
    ("kind = ?", lambda wanted: wanted.kind and wanted.kind.value),
    ("hook GLOB ?", lambda wanted: wanted.hook or None),
    ("sink = ?", lambda wanted: wanted.sink or None),
    ("at >= ?", lambda wanted: wanted.since),
    ("at <= ?", lambda wanted: wanted.until),
)


def _dead_where(wanted: DeadFilter) -> tuple[str, list[object]]:
    """The filter as a WHERE clause and its values."""
    conditions, values = [], []
    for condition, value in ((text, get(wanted)) for text, get in _CONDITIONS):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if wanted.ids:
        conditions.append(f"id IN ({', '.join('?' * len(wanted.ids))})")
        values += wanted.ids
    return (f"WHERE {' AND '.join(conditions)}" if conditions else ""), values
