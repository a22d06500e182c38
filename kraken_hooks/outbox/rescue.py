"""What happens to the database file before it is opened: a damaged one is saved, an older one is brought up to date.

The broker calls `make_ready` at start and `ended_well` at the end. Looking through a large file takes an SD card minutes, so
that is done for small ones, and more of it after an end that was none: a file beside the database says that the broker
runs, or what was damaged when it had to end. Damage that is found later ends the broker; its next start comes here.

A damaged file is never written to. Its rows are copied into a new file; only when that is complete on disk, the damaged
files are put aside under a name with the time, and the new one takes their place. A crash in between is made good at the
next start. Nothing of this runs while the broker does.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from kraken_hooks import logs
from kraken_hooks.errors import StorageUnavailable, StorageUnusable
from kraken_hooks.outbox import pages, schema
from kraken_hooks.outbox.connection import connect, make_tables, translated
from kraken_hooks.outbox.rebuild import Rebuilt

log = logs.get()

#: A file of up to so many bytes is looked through at every start: 0.2 s from an SD card.
_SMALL: Final = 8 * 1024 * 1024
#: The same after an end that was none: a second. Of a larger one only the tables that are small.
_MEDIUM: Final = 48 * 1024 * 1024

#: What belongs to a database file besides itself.
_WITH: Final = ("", "-wal", "-shm")


def make_ready(path: Path, alive: Callable[[], None] = lambda: None) -> None:
    """Leave a database at `path` that can be opened, or none. `alive` is called now and then while that takes long.

    Raises:
        StorageUnusable: it is another program's, or a newer version's; it is left as it is.
        StorageUnavailable: the disk does not do what is needed; nothing is lost.
    """
    with _disk(path):
        _swap(path)
        _new(path).unlink(missing_ok=True)
        reason = _reason(path)
        if reason:
            _salvage(path, reason, alive)
        elif path.exists() and pages.read_header(path).version < schema.VERSION:
            _migrate(path, alive)
        _running(path).write_text("")
        _sync(path.parent)


def ended_well(path: Path) -> None:
    """The database was closed in order."""
    _running(path).unlink(missing_ok=True)


def note_damage(path: Path, reason: str) -> None:
    """The database turned out to be damaged: the next start is to save what can be read."""
    with suppress(OSError):  # a disk that takes no note: the next start finds the damage as this one did
        _running(path).write_text(reason)


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """The operating system's errors as ours."""
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(f"{path}: {error.strerror}") from error


# ── is it damaged? ─────────────────────────────────────────────────────────────────────────────────────────────────


def _reason(path: Path) -> str:
    """Why the file has to be rebuilt; "" where it does not.

    Raises:
        StorageUnusable: it is not ours.
    """
    noted = _noted(path)
    if not path.exists():
        return "it is gone, its write-ahead log is there" if _log(path).exists() else ""
    header = pages.read_header(path)
    if not header.known:
        return "it is empty" if not path.stat().st_size else "it does not begin like a database"
    if header.application != schema.APPLICATION_ID:
        raise StorageUnusable(f"{path} is a database of another program")
    if header.version > schema.VERSION:
        raise StorageUnusable(f"{path} has version {header.version}; this program knows {schema.VERSION}")
    if noted:
        return noted
    if noted is not None:
        _refuse_log(path)
    size = path.stat().st_size
    if header.version == schema.VERSION and (noted is not None or size <= _SMALL):
        return _looked_through(path, [] if size <= _MEDIUM else ["meta", "state", "last_good", "series"])
    return ""


def _noted(path: Path) -> str | None:
    """How the broker ended: None in order, "" not, else what it found."""
    try:
        return _running(path).read_text(errors="replace")
    except FileNotFoundError:
        return None


def _refuse_log(path: Path) -> None:
    """Put a write-ahead log aside that is not this database's: SQLite would lay its pages over ours, or pass it over."""
    found = pages.read_log(_log(path))
    problem = found.problem
    if not problem:
        ours, theirs = (_identity(path, one) for one in (pages.Log(), found))
        if ours and theirs and ours != theirs:
            problem = "it belongs to another database"
    if problem:
        kept = _aside(path, _stamp(), ("-wal", "-shm"))
        log.error("storage.damaged", reason=f"{_log(path).name}: {problem}", kept=kept)
    elif found.lost > 1:  # one may have been under way
        copy = path.with_name(f"{path.name}.damaged-{_stamp()}-wal")
        shutil.copyfile(_log(path), copy)
        problem = f"the last {found.lost} commits cannot be read"
        log.error("storage.damaged", reason=f"{_log(path).name}: {problem}", kept=[copy.name])


def _identity(path: Path, found: pages.Log) -> str:
    """The identity as the file says it, under a log; "" where it cannot be read."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as template:
        make_tables(template, "")
        root = template.execute("SELECT rootpage FROM sqlite_master WHERE name = 'meta'").fetchone()[0]
    with pages.Pages(path, _log(path), found) as read:
        rows = [row.values for row in read.rows_of(root)]
    return next((str(values[1]) for values in rows if len(values) == 2 and values[0] == "identity"), "")


def _looked_through(path: Path, tables: list[str]) -> str:
    """Ask SQLite whether the pages of these tables, or of all, fit together. What does not; "" where they do."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            for table in tables or ["1"]:
                found = connection.execute(f"PRAGMA quick_check({table})").fetchone()
                if found and found[0] != "ok":
                    return str(found[0]).replace("*** in database main ***\n", "")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
            return str(error)
        raise StorageUnavailable(f"{path}: {error}") from error
    return ""


# ── rebuilding ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _salvage(path: Path, reason: str, alive: Callable[[], None]) -> None:
    """Copy what can be read into a new file, and let that take the place."""
    log.error("storage.damaged", reason=f"{path.name}: {reason}")
    found = pages.read_log(_log(path))
    if not path.exists():
        path.touch()  # so that it is put aside with its log
    version = pages.read_header(path).version or schema.VERSION
    with _rebuilding(path) as rebuilt, pages.Pages(path, _log(path), found) as read:
        for row in read.rows():
            rebuilt.add_found(row, version)
            if rebuilt.rows % 10_000 == 0:
                alive()
        saved = rebuilt.finish()
        unreadable = read.unreadable
    _new(path).rename(_complete(path))
    _sync(path.parent)
    kept = _swap(path)
    log.error(
        "storage.salvaged", saved=saved.rows, lost=saved.lost, unreadable_pages=unreadable, pages=read.count, kept=kept
    )


def _migrate(path: Path, alive: Callable[[], None]) -> None:
    """Copy an older version's rows into a new file, and let that take the place."""
    with translated(path), closing(connect(path)) as old:
        old.execute("PRAGMA locking_mode = EXCLUSIVE")
        old.execute("BEGIN IMMEDIATE")
        version = old.execute("PRAGMA user_version").fetchone()[0]
        with _rebuilding(path) as rebuilt:
            for table in rebuilt.tables(version):
                for row in old.execute(f"SELECT * FROM {table}"):
                    rebuilt.add(table, list(row), version)
                    if rebuilt.rows % 10_000 == 0:
                        alive()
            saved = rebuilt.finish()
        old.execute("COMMIT")
        old.execute("PRAGMA journal_mode = DELETE")  # no log stays behind that the new file would find
    _new(path).replace(path)
    _sync(path.parent)
    log.info("storage.migrated", version=schema.VERSION, before=version, saved=saved.rows)


@contextmanager
def _rebuilding(path: Path) -> Iterator[Rebuilt]:
    """A new database beside the old one: complete on disk after the block, gone after an error."""
    new = _new(path)
    try:
        with translated(new), closing(Rebuilt(new)) as rebuilt:
            yield rebuilt
        _sync(new)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


# ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _swap(path: Path) -> list[str]:
    """Where a complete new file waits: put the damaged ones aside, and let it take the place. Returns what is kept."""
    complete = _complete(path)
    if not complete.exists():
        return []
    kept = _aside(path, _stamp(complete.stat().st_mtime), _WITH)
    complete.rename(path)
    _sync(path.parent)
    return kept


def _aside(path: Path, stamp: str, endings: tuple[str, ...]) -> list[str]:
    kept = []
    for ending in endings:
        file = path.with_name(path.name + ending)
        if file.exists():
            file.rename(path.with_name(f"{path.name}.damaged-{stamp}{ending}"))
            kept.append(f"{path.name}.damaged-{stamp}{ending}")
    return kept


def _stamp(seconds: float | None = None) -> str:
    moment = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y%m%dT%H%M%SZ")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _running(path: Path) -> Path:
    return path.with_name(f"{path.name}.running")


def _new(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _complete(path: Path) -> Path:
    return path.with_name(f"{path.name}.saved")
