"""What stands beside the rows in use: rows that could not be read and were set aside, damaged files, the write-ahead log.

For the command line, in its own process; the broker may run meanwhile.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from kraken_hooks.outbox.connection import connect, translated


@dataclass(frozen=True, slots=True)
class DamagedRow:
    """A row that could not be read: of which table, its key as JSON, when that was found (nanoseconds since 1970), its bytes."""

    table: str
    row: str
    found: int
    size: int


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a database. `kept`: files of a damaged one. `log`: bytes of the write-ahead log."""

    rows: list[DamagedRow]
    kept: list[Path]
    log: int


def beside(path: Path) -> Beside:
    """Look, and change nothing; not even a log that a killed broker has left.

    Raises:
        StorageUnavailable: it cannot be read now.
        StorageDamaged: it cannot be read at all.
    """
    with translated(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT place, row, found, length(content) FROM damaged ORDER BY id").fetchall()
    log = path.with_name(f"{path.name}-wal")
    kept = sorted(path.parent.glob(f"{path.name}.damaged-*"))
    return Beside([DamagedRow(*row) for row in found], kept, log.stat().st_size if log.exists() else 0)


def forget_rows(path: Path) -> int:
    """Delete the rows that were set aside. Returns how many.

    Raises:
        StorageUnavailable: it cannot be written now.
    """
    with translated(path), closing(connect(path)) as connection:
        return connection.execute("DELETE FROM damaged").rowcount
