"""The outbox on disk: SQLite with a write-ahead log, every commit synced, many transactions in one commit.

The commit thread writes through one connection; readers have one connection for each thread. After a failed write the
writing connection is thrown away and made anew, so that whatever the disk did is forgotten.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from kraken_hooks import clock
from kraken_hooks.clock import moment
from kraken_hooks.errors import StorageUnavailable, StorageUnusable
from kraken_hooks.outbox import schema
from kraken_hooks.outbox.base import SEQ_STEP, DeadFilter, PendingMessage, Point, Transaction, Value
from kraken_hooks.outcome import DeadKind, DeadLetter, QueuedEffect

#: How long a write waits for another process's, seconds.
_BUSY: Final = 5.0
#: No more messages or effects are read at once beyond this, bytes.
_READ_BYTES: Final = 8 * 1024 * 1024
#: The write-ahead log is cut back to this after it has been emptied, bytes.
_LOG_BYTES: Final = 16 * 1024 * 1024

#: Before a sink's name: its key in `meta` while it rests.
_PAUSED: Final = "paused/"

_REASONS: Final = {
    "full": "the disk is full",
    "readonly": "it is read-only",
    "read-only": "it is read-only",
    "unable to open": "it cannot be opened; do the directory and the permission exist?",
    "locked": "another program holds it",
    "i/o": "the disk reports an error",
}


class _Numbers:
    """The numbers of messages and effects: those of effects only ever rise, whoever writes, whatever the clock does.

    The mark in `meta` lies ahead of all numbers in use, so that it is written once in `SEQ_STEP` and not with each commit.
    What another process numbers comes after the mark and raises it. Used under the lock of the writing connection.
    """

    def __init__(self) -> None:
        self.last = 0
        self._mark = 0
        self._version = -1

    def look(self, connection: sqlite3.Connection) -> None:
        """Take notice of what another process has numbered; in a transaction, so that it stays true."""
        version: int = connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._version = version
            row = connection.execute("SELECT value FROM meta WHERE key = 'seq'").fetchone()
            mark = row[0] if row else 0
            if mark != self._mark:
                self._mark = mark
                self.last = max(self.last, mark)

    def give(self, effects: list[QueuedEffect]) -> list[QueuedEffect]:
        return schema.numbered(effects, self.last)

    def reserve(self, connection: sqlite3.Connection, used: int) -> None:
        """Numbers up to `used` are being written."""
        self.last = max(self.last, used)
        if self.last > self._mark:
            self._set(connection, self.last + SEQ_STEP)

    def give_back(self, connection: sqlite3.Connection) -> None:
        """Nothing more is numbered here: the mark goes back to what was used, unless another process has raised it."""
        if self.last < self._mark:
            connection.execute("UPDATE meta SET value = ? WHERE key = 'seq' AND value = ?", (self.last, self._mark))

    def _set(self, connection: sqlite3.Connection, mark: int) -> None:
        self._mark = mark
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('seq', ?)", (mark,))


class SqliteOutbox:
    """Inbox, outbox, dead letters, state and points in one database file. Implements `outbox.base.Outbox`."""

    def __init__(self, path: Path) -> None:
        """Open the database, or make it.

        Raises:
            StorageUnavailable: it cannot be opened or written now.
            StorageUnusable: it is damaged, or of a newer version.
        """
        self._path = path
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._lock = threading.Lock()  # the writing connection, and the list of readers
        self._series: dict[tuple[str, str, str], int] = {}
        self._queued = 0
        self._data_version = 0
        self._numbers = _Numbers()
        self._writer: sqlite3.Connection | None = None
        with self._lock:
            self._open_writer()

    # ── writing ──

    def commit(self, batch: list[Transaction]) -> None:
        with self._writing() as connection:
            self._queued += self._write(connection, batch)

    def changed_outside(self) -> bool:
        with self._lock, self._translated():
            connection = self._writer or self._open_writer()
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            changed: bool = version != self._data_version
            if changed:
                self._data_version = version
                self._queued = _count_queued(connection)
        return changed

    def close(self) -> None:
        with self._lock:
            if self._writer is not None:
                with suppress(sqlite3.Error):  # then a gap is left in the numbers
                    self._numbers.give_back(self._writer)
            for connection in (*self._readers, self._writer):
                if connection is not None:
                    connection.close()
            self._readers.clear()
            self._writer = None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction on the writing connection: all of it or nothing."""
        with self._lock, self._translated():
            connection = self._writer or self._open_writer()
            queued = self._queued
            try:
                connection.execute("BEGIN IMMEDIATE")
                self._numbers.look(connection)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                self._queued = queued
                self._drop_writer()
                raise

    def _drop_writer(self) -> None:
        """Closing rolls back what was not committed."""
        connection, self._writer = self._writer, None
        self._series.clear()
        if connection is not None:
            connection.close()

    def _open_writer(self) -> sqlite3.Connection:
        with self._translated():
            connection = self._connect()
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
                self._prepare(connection)
                self._numbers = _Numbers()
                self._numbers.look(connection)
                self._queued = _count_queued(connection)
                self._data_version = connection.execute("PRAGMA data_version").fetchone()[0]
            except BaseException:
                connection.close()
                raise
            self._writer = connection
            return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables in a new file; refuse a file that is not ours to write."""
        connection.execute("BEGIN IMMEDIATE")
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not tables:
            for statement in schema.TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {schema.VERSION}")
            connection.execute("INSERT INTO meta VALUES ('identity', ?)", (os.urandom(16).hex(),))
        elif application != schema.APPLICATION_ID:
            raise StorageUnusable(f"{self._path} is a database of another program")
        elif version > schema.VERSION:
            raise StorageUnusable(f"{self._path} has version {version}; this program knows {schema.VERSION}")
        elif version < schema.VERSION:
            connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID")
            connection.execute("INSERT INTO meta VALUES ('identity', ?)", (os.urandom(16).hex(),))
            connection.execute(f"PRAGMA user_version = {schema.VERSION}")
        connection.execute("COMMIT")

    def _write(self, connection: sqlite3.Connection, batch: list[Transaction]) -> int:
        """Write all rows, table by table. Returns by how many bytes inbox and outbox have grown."""
        grown = 0
        messages = [
            (one.accept.seq, schema.pack(one.accept)) for one in batch if one.accept is not None and one.pending
        ]
        if messages:
            grown += sum(len(row[1]) for row in messages)
            connection.executemany("INSERT INTO inbox VALUES (?, ?)", messages)
            connection.executemany("INSERT INTO inbox_pending VALUES (?, ?, ?)", _pending_rows(batch))
        ended = [entry for one in batch for entry in one.ended]
        if ended:
            grown -= _end(connection, ended)
        queued = self._numbers.give([queued for one in batch for queued in one.effects])
        effects = [(one.seq, one.effect.sink, schema.pack(one)) for one in queued]
        if effects:
            grown += sum(len(row[2]) for row in effects)
            connection.executemany("INSERT INTO outbox VALUES (?, ?, ?)", effects)
        numbers = [one.seq for one in queued] + [seq for seq, _ in messages]
        self._numbers.reserve(connection, max(numbers, default=0))
        points = [point for one in batch for point in one.points]
        if points:
            connection.executemany(
                "INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?)", self._point_rows(connection, points)
            )
        for one in batch:
            _write_state(connection, one)
        letters = [_dead_row(letter) for one in batch for letter in one.dead]
        if letters:
            connection.executemany("INSERT OR REPLACE INTO dead VALUES (?, ?, ?, ?, ?, ?)", letters)
        settled = [(sink, seq) for one in batch for sink, seqs in one.settled.items() for seq in seqs]
        if settled:
            grown -= _settle(connection, settled)
        for one in batch:
            _pause(connection, one.pause)
            _keep_sources(connection, one.last_good)
        return grown

    def _point_rows(self, connection: sqlite3.Connection, points: list[Point]) -> list[tuple[Any, ...]]:
        return [
            (self._series_id(connection, point), point.at, point.id, schema.stored_value(point.value))
            for point in points
        ]

    def _series_id(self, connection: sqlite3.Connection, point: Point) -> int:
        key = (point.measurement, point.field, schema.tags_text(point.tags))
        known = self._series.get(key)
        if known is None:
            connection.execute("INSERT OR IGNORE INTO series (measurement, field, tags) VALUES (?, ?, ?)", key)
            row = connection.execute("SELECT id FROM series WHERE measurement = ? AND field = ? AND tags = ?", key)
            known = self._series[key] = row.fetchone()[0]
        return known

    # ── what is where ──

    def queued_bytes(self) -> int:
        return self._queued

    def last_seq(self) -> int:
        return self._numbers.last

    def identity(self) -> str:
        found: str = self._read("SELECT value FROM meta WHERE key = 'identity'")[0][0]
        return found

    def paused(self) -> set[str]:
        rows = self._read("SELECT key FROM meta WHERE key GLOB 'paused/*'")
        return {key.removeprefix(_PAUSED) for (key,) in rows}

    def waiting(self) -> dict[str, int]:
        return dict(self._read("SELECT file, count(DISTINCT seq) FROM inbox_pending GROUP BY file"))

    def queued(self) -> dict[str, int]:
        return dict(self._read("SELECT sink, count(*) FROM outbox GROUP BY sink"))

    # ── inbox ──

    def pending(self, file: str, after: int, limit: int) -> list[PendingMessage]:
        rows = self._read_bounded(
            """SELECT inbox.message, group_concat(inbox_pending.hook, char(10)) FROM inbox_pending
               JOIN inbox ON inbox.seq = inbox_pending.seq
               WHERE file = ? AND inbox_pending.seq > ? GROUP BY inbox_pending.seq ORDER BY inbox_pending.seq LIMIT ?""",
            (file, after, limit),
        )
        return [PendingMessage(schema.unpack_message(blob), hooks.split("\n")) for blob, hooks in rows]

    # ── outbox ──

    def take(self, sink: str, after: int, limit: int) -> list[QueuedEffect]:
        rows = self._read_bounded(
            "SELECT effect FROM outbox WHERE sink = ? AND seq > ? ORDER BY seq LIMIT ?", (sink, after, limit)
        )
        return [schema.unpack_effect(row[0]) for row in rows]

    # ── state, last good sources ──

    def state(self, file: str) -> dict[str, object]:
        rows = self._read("SELECT key, value FROM state WHERE file = ?", (file,))
        return {key: schema.unpack_value(blob) for key, blob in rows}

    def last_good(self) -> dict[str, bytes]:
        return dict(self._read("SELECT file, source FROM last_good"))

    # ── the store's queries ──

    def last(self, measurement: str, field: str, tags: dict[str, str] | None) -> Value | None:
        newest = None
        for series in self._series_with(measurement, field, tags):
            rows = self._read(
                "SELECT at, id, value FROM points WHERE series = ? ORDER BY at DESC, id DESC LIMIT 1", (series,)
            )
            if rows and (newest is None or rows[0][:2] > newest[:2]):
                newest = rows[0]
        return None if newest is None else schema.read_value(newest[2])

    def window(
        self, measurement: str, field: str, since: int, tags: dict[str, str] | None, limit: int
    ) -> list[tuple[datetime, Value]]:
        found: list[tuple[int, str, Any]] = []
        for series in self._series_with(measurement, field, tags):
            found += self._read(
                "SELECT at, id, value FROM points WHERE series = ? AND at >= ? ORDER BY at DESC, id DESC LIMIT ?",
                (series, since, limit),
            )
        found.sort(key=lambda row: row[:2])
        return [(moment(at), schema.read_value(value)) for at, _, value in found[-limit:]]

    def _series_with(self, measurement: str, field: str, tags: dict[str, str] | None) -> list[int]:
        rows = self._read("SELECT id, tags FROM series WHERE measurement = ? AND field = ?", (measurement, field))
        return [id for id, text in rows if not tags or schema.has_tags(json.loads(text), tags)]

    # ── dead letters ──

    def dead(self, wanted: DeadFilter, limit: int) -> list[DeadLetter]:
        where, values = _dead_where(wanted)
        rows = self._read(f"SELECT letter FROM dead {where} ORDER BY at, id LIMIT ?", (*values, limit))
        return [schema.unpack_letter(row[0]) for row in rows]

    def count_dead(self, wanted: DeadFilter) -> int:
        where, values = _dead_where(wanted)
        return int(self._read(f"SELECT count(*) FROM dead {where}", values)[0][0])

    def replay(self, id: str) -> bool:
        with self._writing() as connection:
            row = connection.execute("SELECT letter FROM dead WHERE id = ?", (id,)).fetchone()
            if row is None:
                return False
            letter = schema.unpack_letter(row[0])
            again = Transaction()
            if letter.kind is DeadKind.RUN and letter.message is not None:
                seq = max(_last_message(connection), clock.now_ns()) + 1
                again.accept = msgspec.structs.replace(letter.message, seq=seq)
                again.pending = {letter.hook.partition(":")[0]: [letter.hook]}
            elif letter.effect is not None:
                again.effects = [letter.effect]
            self._queued += self._write(connection, [again])
            connection.execute("DELETE FROM dead WHERE id = ?", (id,))
        return True

    def purge(self, wanted: DeadFilter) -> int:
        where, values = _dead_where(wanted)
        with self._writing() as connection:
            return connection.execute(f"DELETE FROM dead {where}", values).rowcount

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

    def _reader(self) -> sqlite3.Connection:
        """The connection of the thread that asks."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
            connection.execute("PRAGMA query_only = 1")
            with self._lock:
                self._readers.append(connection)
        return connection

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._path, timeout=_BUSY, isolation_level=None, check_same_thread=False, cached_statements=64
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """SQLite's errors as ours.

        Raises:
            StorageUnavailable: the disk.
            StorageUnusable: the file.
            ValueError: a value that has no form here.
        """
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StorageUnavailable(f"{self._path}: {_plain(str(error))}") from error
        except (
            sqlite3.DataError,
            sqlite3.InterfaceError,
            sqlite3.ProgrammingError,
            OverflowError,
            TypeError,
            UnicodeError,
        ) as error:
            raise ValueError(f"it cannot be stored: {error}") from error
        except sqlite3.DatabaseError as error:
            raise StorageUnusable(f"{self._path} is damaged: {error}") from error


def _plain(reason: str) -> str:
    """SQLite's words for the engineer of the greenhouse."""
    lowered = reason.lower()
    return next((f"{said} ({reason})" for word, said in _REASONS.items() if word in lowered), reason)


def _count_queued(connection: sqlite3.Connection) -> int:
    row = connection.execute(
        "SELECT (SELECT coalesce(sum(length(message)), 0) FROM inbox) + (SELECT coalesce(sum(length(effect)), 0) FROM outbox)"
    )
    return int(row.fetchone()[0])


def _pending_rows(batch: list[Transaction]) -> Iterator[tuple[str, int, str]]:
    for one in batch:
        if one.accept is not None:
            for file, hooks in one.pending.items():
                for hook in hooks:
                    yield file, one.accept.seq, hook


def _end(connection: sqlite3.Connection, ended: list[tuple[int, list[str]]]) -> int:
    """Strike hooks off their messages; remove messages that have none left. Returns the bytes that are freed."""
    connection.executemany(
        "DELETE FROM inbox_pending WHERE file = ? AND seq = ? AND hook = ?",
        [(hook.partition(":")[0], seq, hook) for seq, hooks in ended for hook in hooks],
    )
    freed = 0
    for seq in {seq for seq, _ in ended}:
        row = connection.execute(
            """DELETE FROM inbox WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM inbox_pending WHERE seq = ?1)
               RETURNING length(message)""",
            (seq,),
        ).fetchone()
        freed += row[0] if row else 0
    return freed


def _settle(connection: sqlite3.Connection, settled: list[tuple[str, int]]) -> int:
    statement = "DELETE FROM outbox WHERE sink = ? AND seq = ? RETURNING length(effect)"
    freed = 0
    for row in settled:
        gone = connection.execute(statement, row).fetchone()
        freed += gone[0] if gone else 0
    return freed


def _pause(connection: sqlite3.Connection, sinks: dict[str, bool]) -> None:
    for sink, rests in sinks.items():
        if rests:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, 1)", (_PAUSED + sink,))
        else:
            connection.execute("DELETE FROM meta WHERE key = ?", (_PAUSED + sink,))


def _last_message(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM inbox").fetchone()[0])


def _write_state(connection: sqlite3.Connection, one: Transaction) -> None:
    for file, keys in one.state_deleted.items():
        if keys:
            connection.executemany("DELETE FROM state WHERE file = ? AND key = ?", [(file, key) for key in keys])
    for file, values in one.state.items():
        if values:
            rows = [(file, key, schema.pack(value)) for key, value in values.items()]
            connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", rows)


def _keep_sources(connection: sqlite3.Connection, sources: dict[str, bytes | None]) -> None:
    for file, source in sources.items():
        if source is None:
            connection.execute("DELETE FROM last_good WHERE file = ?", (file,))
        else:
            connection.execute("INSERT OR REPLACE INTO last_good VALUES (?, ?)", (file, source))


def _dead_row(letter: DeadLetter) -> tuple[Any, ...]:
    return letter.id, letter.kind.value, letter.at, letter.hook, letter.sink, schema.pack(letter)


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
