"""Opening the database file, and what SQLite's errors mean here."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kraken_hooks.errors import StorageDamaged, StorageUnavailable, StorageUnusable
from kraken_hooks.outbox import schema

#: How long a write waits for another process's, seconds.
_BUSY: Final = 5.0

_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_REASONS: Final = {
    "full": "the disk is full",
    "readonly": "it is read-only",
    "read-only": "it is read-only",
    "unable to open": "it cannot be opened; do the directory and the permission exist?",
    "locked": "another program holds it",
    "i/o": "the disk reports an error",
}


#: Device and number of the database and of its write-ahead log; None for one that is not there.
Files = tuple[tuple[int, int] | None, tuple[int, int] | None]


def files(path: Path) -> Files:
    """Which files have the names now. SQLite goes on with those that it has open, also where they have none any more: all that
    it writes then is gone when they are closed.
    """
    return _file(path), _file(Path(f"{path}-wal"))


def _file(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def connect(path: Path) -> sqlite3.Connection:
    """A connection without transactions of Python's own. It may be used by several threads in turn."""
    return sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False, cached_statements=64)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables in a new file; refuse a file that is not ours to write.

    Raises:
        StorageUnusable: another program's, or of another version.
    """
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        make_tables(connection, os.urandom(16).hex())
        return
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != schema.APPLICATION_ID:
        raise StorageUnusable(f"{path} is a database of another program")
    if version > schema.VERSION:
        raise StorageUnusable(f"{path} has version {version}; this program knows {schema.VERSION}")
    if version < schema.VERSION:
        raise StorageUnusable(f"{path} has version {version}; start the broker once, it makes {schema.VERSION} of it")


def make_tables(connection: sqlite3.Connection, identity: str) -> None:
    """All tables, in a file that has none."""
    connection.execute(f"PRAGMA page_size = {schema.PAGE}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("BEGIN IMMEDIATE")
    for statement in schema.TABLES.split(";\n"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {schema.VERSION}")
    connection.execute("INSERT INTO meta VALUES ('identity', ?)", (identity,))
    connection.execute("COMMIT")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as ours.

    Raises:
        StorageUnavailable: the disk.
        StorageDamaged: the file.
        ValueError: a value that has no form here.
    """
    try:
        yield
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
        if _damaged(error):
            raise StorageDamaged(f"{path} is damaged: {error}") from error
        raise StorageUnavailable(f"{path}: {_plain(str(error))}") from error


def _damaged(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is to blame: SQLite says so, or one of our tables is gone."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in _DAMAGED or (code == sqlite3.SQLITE_ERROR and "no such" in str(error))


def _plain(reason: str) -> str:
    """SQLite's words for the engineer of the greenhouse."""
    lowered = reason.lower()
    return next((f"{said} ({reason})" for word, said in _REASONS.items() if word in lowered), reason)
