"""Fills a new database with rows of another one: of a damaged file, or of an older version.

A damaged file's rows come without the names of their tables; a table is known by the types of its values. Rows that hold
nonsense are kept in `damaged`, as they are.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kraken_hooks import clock
from kraken_hooks.outbox import schema
from kraken_hooks.outbox.base import SEQ_STEP
from kraken_hooks.outbox.connection import make_tables
from kraken_hooks.outbox.pages import Row

#: The types of a row's values, by version and table: N none, I integer, F float, T text, B blob. A leading `#`: a table
#: whose rows have numbers of their own, the first value.
_SHAPES: Final = {
    1: {
        "inbox": ("#NB",),
        "inbox_pending": ("TIT",),
        "outbox": ("#NTB",),
        "dead": ("TTITTB",),
        "state": ("TTB",),
        "series": ("#NTTT",),
        "points": ("IITI", "IITF", "IITT", "IITB"),
        "last_good": ("TB",),
    },
    2: {
        "inbox": ("#NB",),
        "inbox_pending": ("TIT",),
        "outbox": ("TIB",),
        "dead": ("TTITTIB",),
        "state": ("TTB",),
        "series": ("#NTTT",),
        "points": ("IIIII", "IIIIF", "IIIIT", "IIIIB"),
        "last_good": ("TB",),
        "meta": ("TT", "TI"),
        "damaged": ("#NITTB",),
    },
}
_TYPES: Final = {int: "I", float: "F", str: "T", bytes: "B", type(None): "N"}
_TABLE_OF: Final = {
    version: {shape: table for table, shapes in tables.items() for shape in shapes}
    for version, tables in _SHAPES.items()
}

#: Tables whose last value ends with a checksum, and what it holds.
_CONTENT: Final[dict[str, Callable[[bytes], object]]] = {
    "inbox": schema.unpack_message,
    "outbox": schema.unpack_effect,
    "dead": schema.unpack_letter,
    "state": schema.unpack_value,
    "last_good": schema.unseal,
}

#: A point's `id` in version 1: the message's (its number first), the hook, the effect's place.
_ID_OF_1: Final = re.compile(r"([0-9a-f]{16}).*/(\d{1,5})")

#: Rows of one transaction.
_BATCH: Final = 10_000


@dataclass(frozen=True, slots=True)
class Saved:
    """How many rows of each table were copied, and how many are known not to have been."""

    rows: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)


class Rebuilt:
    """A new database file that is being filled. `rows`: how many have come."""

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self._lost: Counter[str] = Counter()
        self._hours: Counter[int] = Counter()
        self._last = 0
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = OFF")  # the file counts only when it is complete
        make_tables(self._connection, os.urandom(16).hex())
        self._connection.execute("PRAGMA journal_mode = MEMORY")
        self._connection.execute("BEGIN")

    def close(self) -> None:
        self._connection.close()

    @staticmethod
    def tables(version: int) -> list[str]:
        """The tables of a version."""
        return list(_SHAPES[version])

    def add_found(self, row: Row, version: int) -> None:
        """A row that was found in a damaged file; of an index, and it is passed over."""
        shape = "".join(_TYPES[type(value)] for value in row.values)
        table = _TABLE_OF[version].get(shape if row.rowid is None else f"#{shape}")
        if table is None:
            return
        values = row.values if row.rowid is None else [row.rowid, *row.values[1:]]
        try:
            self.add(table, values, version)
        except (sqlite3.IntegrityError, ValueError, TypeError):
            self._lost[table] += 1

    def add(self, table: str, values: list[Any], version: int) -> None:
        """A row of a table as that version has it."""
        self.rows += 1
        if self.rows % _BATCH == 0:
            self._connection.execute("COMMIT")
            self._connection.execute("BEGIN")
        if version == 1:
            values = _from_1(table, values)
        if table in _CONTENT and not self._sound(table, values):
            return
        if table == "points":
            self._hours[values[1] // schema.HOUR] += 1
        if table in ("inbox", "inbox_pending", "outbox"):
            self._last = max(self._last, values[0] if table == "inbox" else values[1])
        marks = ", ".join("?" * len(values))
        replaces = "REPLACE" if table == "meta" else "IGNORE"
        self._connection.execute(f"INSERT OR {replaces} INTO {table} VALUES ({marks})", values)

    def finish(self) -> Saved:
        """Make whole what hangs together, and all of it durable once the file is synced. Returns what is there."""
        run = self._connection.execute
        self._connection.executemany("INSERT OR REPLACE INTO hours VALUES (?, ?)", self._hours.items())
        run(
            """INSERT INTO series SELECT DISTINCT series, 'unknown', 'series ' || series, '{}' FROM points
               WHERE series NOT IN (SELECT id FROM series)"""
        )
        self._lost["inbox"] += run(
            "SELECT count(DISTINCT seq) FROM inbox_pending WHERE seq NOT IN (SELECT seq FROM inbox)"
        ).fetchone()[0]
        run("DELETE FROM inbox_pending WHERE seq NOT IN (SELECT seq FROM inbox)")
        alone = "FROM inbox WHERE seq NOT IN (SELECT seq FROM inbox_pending)"
        run(
            f"INSERT INTO damaged (found, place, row, content) SELECT ?, 'inbox', seq, message {alone}",
            (clock.now_ns(),),
        )
        self._lost["inbox"] += run(f"DELETE {alone}").rowcount
        mark = run("SELECT value FROM meta WHERE key = 'seq'").fetchone()
        if mark is None or mark[0] < self._last:
            self._last = max(self._last, clock.now_ns()) + SEQ_STEP
            run("INSERT OR REPLACE INTO meta VALUES ('seq', ?)", (self._last,))
        run("COMMIT")
        tables = [table for table in _SHAPES[schema.VERSION] if table not in ("meta", "inbox_pending", "damaged")]
        counted = {table: run(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
        return Saved(counted, {table: rows for table, rows in self._lost.items() if rows})

    def _sound(self, table: str, values: list[Any]) -> bool:
        """Whether the row's content is what was written; else it is kept apart."""
        try:
            _CONTENT[table](values[-1])
        except schema.DamagedRow:
            self._lost[table] += 1
            self._connection.execute(
                "INSERT INTO damaged (found, place, row, content) VALUES (?, ?, ?, ?)",
                (clock.now_ns(), table, json.dumps(values[:-1]), values[-1]),
            )
            return False
        return True


def _from_1(table: str, values: list[Any]) -> list[Any]:
    """A row of version 1 as version 2 has it: without checksums, effects by number alone, points with long keys."""
    if table in _CONTENT:
        values = [*values[:-1], schema.seal(values[-1])]
    if table == "outbox":
        seq, sink, effect = values
        return [sink, seq, effect]
    if table == "dead":
        return [*values[:-1], len(values[-1]), values[-1]]
    if table == "points":
        series, at, id, value = values
        written = _ID_OF_1.fullmatch(id)
        seq, place = (int(written[1], 16), int(written[2])) if written else (at, 0)
        return [series, at, *schema.point_key(at, seq, place, id), value]
    return values
