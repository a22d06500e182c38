"""A damaged database is put aside, and the broker goes on with what can be read; an older one is brought up to date."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
from pathlib import Path

import msgspec
import pytest

from kraken_hooks import logs
from kraken_hooks.errors import StorageDamaged, StorageUnusable
from kraken_hooks.message import Message
from kraken_hooks.outbox import rescue, schema
from kraken_hooks.outbox.base import DeadFilter, Point, Transaction
from kraken_hooks.outbox.pages import read_log
from kraken_hooks.outbox.sqlite import SqliteOutbox
from kraken_hooks.outcome import DeadKind, DeadLetter, Effect, QueuedEffect, RunError

PAGE = schema.PAGE
TABLES = ("inbox", "outbox", "dead", "state", "points", "last_good")


@pytest.fixture
def said(monkeypatch):
    """Log lines: (event, fields)."""
    lines: list[tuple[str, dict]] = []

    class Log:
        def error(self, event: str, **fields) -> None:
            assert event in logs.EVENTS
            lines.append((event, fields))

        info = warning = error

    monkeypatch.setattr(rescue, "log", Log())
    return lines


def message(seq: int, size: int = 20) -> Message:
    return Message(seq, f"m{seq}", "collector", "webhook", "text/plain", "{}", b"p" * size, seq)


def effect(seq: int, size: int = 20) -> QueuedEffect:
    return QueuedEffect(seq, f"e{seq}", "a.py:f", f"m{seq}", seq, Effect("slack", "send", {"text": "x" * size}))


def letter(number: int) -> DeadLetter:
    return DeadLetter(
        f"r{number}", DeadKind.RUN, number, "a.py:f", "m", RunError("KeyError", "x"), message=message(number)
    )


def fill(outbox: SqliteOutbox, count: int = 600) -> None:
    """Rows in all tables, over many pages; some are larger than a page, some were deleted again."""
    random.seed(count)
    for seq in range(1, count + 1):
        outbox.commit([
            Transaction(
                accept=message(seq, random.choice([20, 300, 9_000])),
                pending={"a.py": ["a.py:f", "a.py:g"]},
                effects=[effect(2 * seq, random.choice([20, 300, 9_000])), effect(2 * seq + 1)],
                points=[Point("env", "temp", {"id": str(seq % 7)}, seq, seq / 2, f"p{seq}", seq, 0)],
                dead=[letter(seq)],
                state={"a.py": {f"key{seq}": seq}},
                last_good={f"file{seq}.py": b"source" * 20},
                settled={"slack": [2 * seq - 1]},
            )
        ])  # fmt: skip
    outbox.commit([Transaction(settled={"slack": [2 * count + 1]})])


def counts(path: Path) -> dict[str, int]:
    with sqlite3.connect(path) as connection:
        found = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
    connection.close()
    return found


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "kraken.db"


@pytest.fixture
def filled(path) -> Path:
    """A database that was closed in order."""
    rescue.make_ready(path)
    outbox = SqliteOutbox(path)
    fill(outbox)
    outbox.close()
    rescue.ended_well(path)
    return path


@pytest.fixture
def killed(path, tmp_path) -> Path:
    """A database whose broker was killed: all of its rows are in the write-ahead log."""
    work = tmp_path / "work" / "kraken.db"
    work.parent.mkdir()
    rescue.make_ready(work)
    outbox = SqliteOutbox(work)
    fill(outbox, 60)
    for file in work.parent.iterdir():
        shutil.copy(file, path.parent)
    outbox.close()
    assert (path.parent / "kraken.db-wal").stat().st_size > 100 * PAGE
    return path


def overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def pages_of(path: Path) -> int:
    return path.stat().st_size // PAGE


def kept(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.glob("kraken.db.damaged-*"))


def opened(path: Path) -> SqliteOutbox:
    """As the broker does it."""
    rescue.make_ready(path)
    try:
        return SqliteOutbox(path)
    except StorageDamaged as damage:
        rescue.note_damage(path, str(damage))
        rescue.make_ready(path)
        return SqliteOutbox(path)


def check_works(outbox: SqliteOutbox) -> None:
    """It can be read from end to end and written."""
    outbox.commit([Transaction(accept=message(2**61), pending={"z.py": ["z.py:f"]}, effects=[effect(2**61)])])
    outbox.dead(DeadFilter(), 10_000)
    outbox.state("a.py")
    outbox.last_good()
    outbox.window("env", "temp", 0, None, 10_000)
    assert outbox.take("slack", 0, 10_000)[-1].id == f"e{2**61}"
    assert [row.message.seq for row in outbox.pending("z.py", 0, 10)] == [2**61]


class TestSound:
    def test_a_new_directory_gets_a_database(self, path, said):
        outbox = opened(path)
        check_works(outbox)
        outbox.close()
        assert said == []

    def test_a_sound_database_is_left_alone(self, filled, said):
        before = counts(filled)
        opened(filled).close()
        assert counts(filled) == before
        assert (said, kept(filled)) == ([], [])

    def test_what_was_in_the_log_at_a_kill_is_there(self, killed, said):
        outbox = opened(killed)
        assert len(outbox.take("slack", 0, 1_000)) == 60
        assert outbox.last("env", "temp", None) == 30.0
        outbox.close()
        assert (said, kept(killed)) == ([], [])

    def test_another_programs_database_is_left_untouched(self, path):
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE theirs (x)")
        other.close()
        before = path.read_bytes()
        with pytest.raises(StorageUnusable, match="another program"):
            rescue.make_ready(path)
        assert path.read_bytes() == before

    def test_a_newer_version_is_left_untouched(self, filled):
        with sqlite3.connect(filled) as newer:
            newer.execute("PRAGMA user_version = 99")
        newer.close()
        before = filled.read_bytes()
        with pytest.raises(StorageUnusable, match="version 99"):
            rescue.make_ready(filled)
        assert filled.read_bytes() == before


class TestDamaged:
    def salvage(self, path: Path, said) -> tuple[dict[str, int], dict]:
        outbox = opened(path)
        found = counts(path)
        check_works(outbox)
        outbox.close()
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        assert [event for event, _ in said] == ["storage.damaged", "storage.salvaged"]
        assert kept(path), "the damaged file is kept"
        return found, said[1][1]

    def test_a_zeroed_header_costs_nothing(self, filled, said):
        before = counts(filled)
        overwrite(filled, 0, bytes(100))
        found, line = self.salvage(filled, said)
        assert found == before
        assert said[0][1]["reason"] == "kraken.db: it does not begin like a database"
        assert {table: line["saved"][table] for table in TABLES} == before
        assert line["lost"] == {}
        assert kept(filled) == line["kept"]

    def test_a_zeroed_first_page_costs_nothing(self, filled, said):
        before = counts(filled)
        overwrite(filled, 0, bytes(PAGE))
        assert self.salvage(filled, said)[0] == before

    def test_what_was_deleted_does_not_come_back(self, filled, said):
        overwrite(filled, 0, bytes(PAGE))
        rescue.make_ready(filled)
        outbox = SqliteOutbox(filled)
        assert {queued.seq % 2 for queued in outbox.take("slack", 0, 5_000)} == {0}
        outbox.close()

    @pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
    def test_of_a_truncated_file_the_first_part_is_saved(self, filled, said, part):
        before = counts(filled)
        size = int(pages_of(filled) * part) * PAGE + 1000
        with filled.open("r+b") as file:
            file.truncate(size)
        found, _ = self.salvage(filled, said)
        assert sum(found.values()) >= sum(before.values()) * part * 0.5
        assert all(found[table] <= before[table] for table in TABLES)

    def test_any_one_page_of_rubbish_costs_the_rows_on_it_and_no_others(self, filled, said, tmp_path):
        before = counts(filled)
        rng = random.Random(5)
        for number in rng.sample(range(1, pages_of(filled)), 40):
            place = tmp_path / str(number) / "kraken.db"
            place.parent.mkdir()
            shutil.copy(filled, place)
            overwrite(place, number * PAGE, rng.randbytes(PAGE))
            rescue.note_damage(place, "found while running")
            outbox = opened(place)
            found = counts(place)
            check_works(outbox)
            outbox.close()
            lost = {table: before[table] - found[table] for table in TABLES if before[table] != found[table]}
            assert all(0 < rows < 300 for rows in lost.values()), (number, lost)
            assert len(lost) <= 2, (number, lost)
            shutil.rmtree(place.parent)

    def test_a_flipped_page_is_found_at_the_start(self, filled, said):
        with sqlite3.connect(filled) as connection:
            root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'outbox'").fetchone()[0]
        connection.close()
        overwrite(filled, (root - 1) * PAGE, b"\xff" * PAGE)
        before = counts_but_outbox(filled)
        found, line = self.salvage(filled, said)
        assert {table: rows for table, rows in found.items() if table != "outbox"} == before
        assert found["outbox"] > 300, "what lies below the damaged root is found without it"
        assert line["unreadable_pages"] == 1

    @pytest.mark.parametrize("content", [b"no database at all " * 500, bytes(50_000)], ids=["text", "zeros"])
    def test_rubbish_is_kept_and_a_new_database_made(self, path, said, content):
        path.write_bytes(content)
        found, _ = self.salvage(path, said)
        assert set(found.values()) == {0}
        assert (path.parent / kept(path)[0]).read_bytes() == content

    def test_an_empty_file(self, path, said):
        path.touch()
        self.salvage(path, said)
        assert said[0][1]["reason"] == "kraken.db: it is empty"

    @pytest.mark.parametrize("how", ["gone", "empty"])
    def test_without_the_file_its_log_is_read(self, killed, said, how):
        killed.unlink()
        if how == "empty":
            killed.touch()
        found, _ = self.salvage(killed, said)
        assert found["outbox"] == 60
        assert [name.partition("Z")[2] for name in kept(killed)] == ["", "-shm", "-wal"]

    def test_a_damaged_file_is_read_with_its_log(self, killed, said):
        overwrite(killed, 0, bytes(100))
        assert self.salvage(killed, said)[0]["outbox"] == 60

    def test_the_identity_and_the_numbers_are_kept(self, filled, said):
        outbox = opened(filled)
        outbox.commit([Transaction(pause={"slack": True})])
        identity, last = outbox.identity(), outbox.last_seq()
        outbox.close()
        overwrite(filled, 0, bytes(PAGE))
        outbox = opened(filled)
        assert (outbox.identity(), outbox.paused()) == (identity, {"slack"})
        assert outbox.last_seq() >= last
        outbox.close()

    def test_numbers_do_not_go_back_when_their_mark_is_lost(self, filled):
        with sqlite3.connect(filled) as connection:
            root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'meta'").fetchone()[0]
        connection.close()
        overwrite(filled, (root - 1) * PAGE, bytes(PAGE))
        outbox = opened(filled)
        assert outbox.last_seq() > 1_700_000_000_000_000_000, "above any number a clock has given"
        assert len(outbox.identity()) == 32
        outbox.close()

    def test_points_without_their_series_are_kept(self, filled):
        with sqlite3.connect(filled) as connection:
            root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'series'").fetchone()[0]
        connection.close()
        overwrite(filled, (root - 1) * PAGE, b"\x00" * PAGE)
        outbox = opened(filled)
        values = [outbox.last("unknown", f"series {number}", None) for number in range(1, 8)]
        assert None not in values
        outbox.close()

    def test_a_message_whose_hooks_are_lost_is_kept_apart(self, filled, said):
        with sqlite3.connect(filled) as connection:
            connection.execute("DELETE FROM inbox_pending WHERE seq = 7")
            connection.execute("DELETE FROM inbox WHERE seq = 9")
        connection.close()
        overwrite(filled, 0, bytes(100))
        found, line = self.salvage(filled, said)
        assert found["inbox"] == 598
        assert line["lost"] == {"inbox": 2}
        with sqlite3.connect(filled) as connection:
            assert connection.execute("SELECT place, row FROM damaged").fetchall() == [("inbox", "7")]
            assert connection.execute("SELECT 1 FROM inbox_pending WHERE seq = 9").fetchall() == []
        connection.close()


def counts_but_outbox(path: Path) -> dict[str, int]:
    with sqlite3.connect(path) as connection:
        found = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in TABLES
            if table != "outbox"
        }
    connection.close()
    return found


class TestLogs:
    def test_another_databases_log_is_put_aside(self, filled, killed_elsewhere, said):
        before = counts(filled)
        shutil.copy(killed_elsewhere.with_name("kraken.db-wal"), filled.parent)
        rescue.note_damage(filled, "")
        outbox = opened(filled)
        assert counts(filled) == before
        check_works(outbox)
        outbox.close()
        assert [event for event, _ in said] == ["storage.damaged"]
        assert said[0][1]["reason"] == "kraken.db-wal: it belongs to another database"
        assert kept(filled) == said[0][1]["kept"] != []

    def test_a_log_of_rubbish_is_put_aside(self, filled, said):
        before = counts(filled)
        filled.with_name("kraken.db-wal").write_bytes(b"rubbish" * 10_000)
        rescue.note_damage(filled, "")
        opened(filled).close()
        assert counts(filled) == before
        assert said[0][1]["reason"] == "kraken.db-wal: it does not begin like a write-ahead log"
        assert len(kept(filled)) == 1

    @pytest.mark.parametrize("part", [0.3, 0.7])
    def test_of_a_damaged_log_the_commits_before_the_damage_count(self, killed, said, part):
        log = killed.with_name("kraken.db-wal")
        overwrite(log, int(read_log(log).end * part), b"\xff" * 100)
        outbox = opened(killed)
        taken = [queued.seq for queued in outbox.take("slack", 0, 1_000)]
        assert 10 < len(taken) < 60
        assert re.fullmatch(r"kraken.db-wal: the last \d+ commits cannot be read", said[0][1]["reason"])
        assert kept(killed) == said[0][1]["kept"] != []
        outbox.close()

    def test_a_commit_that_was_under_way_at_a_power_cut_is_no_damage(self, killed, said):
        log = killed.with_name("kraken.db-wal")
        with log.open("r+b") as file:
            file.truncate(read_log(log).end - 100)
        outbox = opened(killed)
        assert len(outbox.take("slack", 0, 1_000)) == 61, "the last one settles an effect"
        assert (said, kept(killed)) == ([], [])
        outbox.close()


@pytest.fixture
def killed_elsewhere(tmp_path) -> Path:
    work = tmp_path / "elsewhere" / "kraken.db"
    work.parent.mkdir()
    copies = tmp_path / "copies"
    copies.mkdir()
    outbox = SqliteOutbox(work)
    fill(outbox, 40)
    for file in work.parent.iterdir():
        shutil.copy(file, copies)
    outbox.close()
    return copies / "kraken.db"


class TestInterrupted:
    def test_a_new_file_that_was_not_finished_is_thrown_away(self, filled, said):
        before = counts(filled)
        filled.with_name("kraken.db.new").write_bytes(b"half a database")
        opened(filled).close()
        assert counts(filled) == before
        assert not filled.with_name("kraken.db.new").exists()

    @pytest.mark.parametrize("moved", [0, 1, 2])
    def test_a_crash_while_files_change_places_is_made_good(self, killed, said, moved, monkeypatch, tmp_path):
        overwrite(killed, 0, bytes(100))
        rename, renamed = Path.rename, []

        def stops(self: Path, target: Path) -> Path:
            if self.suffix != ".new" and len(renamed) == moved:
                raise KeyboardInterrupt
            renamed.extend([self.name] if self.suffix != ".new" else [])
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", stops)
        with pytest.raises(KeyboardInterrupt):
            rescue.make_ready(killed)
        monkeypatch.setattr(Path, "rename", rename)
        outbox = opened(killed)
        assert len(outbox.take("slack", 0, 1_000)) == 60
        outbox.close()
        assert [name.partition("Z")[2] for name in kept(killed)] == ["", "-shm", "-wal"]
        assert len({name.partition("Z")[0] for name in kept(killed)}) == 1, "they belong together"


class TestDamagedRows:
    """SQLite does not notice a bit that flips inside a row."""

    def spoil(self, path: Path, table: str, column: str, where: str) -> None:
        with sqlite3.connect(path) as connection:
            row = connection.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()[0]
            spoilt = bytes([row[0] ^ 1]) + row[1:]
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (spoilt,))
        connection.close()

    def test_the_others_go_on(self, filled):
        self.spoil(filled, "inbox", "message", "seq = 1")
        self.spoil(filled, "outbox", "effect", "seq = 2")
        self.spoil(filled, "dead", "letter", "id = 'r1'")
        self.spoil(filled, "state", "value", "key = 'key300'")
        self.spoil(filled, "last_good", "source", "file = 'file1.py'")
        outbox = opened(filled)
        assert outbox.pending("a.py", 0, 1)[0].message.seq == 2
        assert outbox.take("slack", 0, 1)[0].seq == 4
        assert outbox.dead(DeadFilter(), 10)[0].id == "r2"
        assert not outbox.replay(["r1"])
        assert set(outbox.state("a.py")) == {f"key{number}" for number in range(1, 601)} - {"key300"}
        assert "file1.py" not in outbox.last_good()
        check_works(outbox)
        outbox.close()

    def test_they_are_kept_apart_when_the_file_is_rebuilt(self, filled, said):
        self.spoil(filled, "outbox", "effect", "seq = 2")
        overwrite(filled, 0, bytes(100))
        outbox = opened(filled)
        outbox.close()
        assert said[1][1]["lost"] == {"outbox": 1}
        with sqlite3.connect(filled) as connection:
            assert connection.execute("SELECT place, row FROM damaged").fetchall() == [("outbox", '["slack", 2]')]
        connection.close()


VERSION_1 = """
CREATE TABLE inbox (seq INTEGER PRIMARY KEY, message BLOB NOT NULL);
CREATE TABLE inbox_pending (
    file TEXT NOT NULL, seq INTEGER NOT NULL, hook TEXT NOT NULL, PRIMARY KEY (file, seq, hook)
) WITHOUT ROWID;
CREATE INDEX inbox_pending_by_seq ON inbox_pending (seq);
CREATE TABLE outbox (seq INTEGER PRIMARY KEY, sink TEXT NOT NULL, effect BLOB NOT NULL);
CREATE INDEX outbox_by_sink ON outbox (sink, seq);
CREATE TABLE dead (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, hook TEXT NOT NULL, sink TEXT NOT NULL, letter BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX dead_by_time ON dead (at);
CREATE TABLE state (
    file TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (file, key)
) WITHOUT ROWID;
CREATE TABLE series (
    id INTEGER PRIMARY KEY, measurement TEXT NOT NULL, field TEXT NOT NULL, tags TEXT NOT NULL,
    UNIQUE (measurement, field, tags)
);
CREATE TABLE points (
    series INTEGER NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL, value NOT NULL, PRIMARY KEY (series, at, id)
) WITHOUT ROWID;
CREATE TABLE last_good (file TEXT PRIMARY KEY, source BLOB NOT NULL) WITHOUT ROWID;
PRAGMA application_id = 0x4B486B31;
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
"""


@pytest.fixture
def version_1(path) -> Path:
    pack = msgspec.msgpack.encode
    number = 1_700_000_000_000_000_000
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1)
    connection.execute("INSERT INTO inbox VALUES (?, ?)", (number, pack(message(number))))
    connection.execute("INSERT INTO inbox_pending VALUES ('a.py', ?, 'a.py:f')", (number,))
    connection.execute("INSERT INTO outbox VALUES (?, 'slack', ?)", (number + 5, pack(effect(number + 5))))
    connection.execute("INSERT INTO dead VALUES ('r1', 'run', 1, 'a.py:f', '', ?)", (pack(letter(1)),))
    connection.execute("INSERT INTO state VALUES ('a.py', 'x', ?)", (pack([1, "two"]),))
    connection.execute("INSERT INTO series VALUES (3, 'env', 'temp', '{\"id\":\"1\"}')")
    for place, value in ((0, 20.5), (1, 21)):
        id = f"{number:016x}0011aabb/a.py:f/{place}"
        connection.execute("INSERT INTO points VALUES (3, ?, ?, ?)", (number, id, value))
    connection.execute("INSERT INTO last_good VALUES ('a.py', ?)", (b"source",))
    connection.commit()
    connection.close()
    return path


class TestVersion1:
    number = 1_700_000_000_000_000_000

    def test_an_older_database_is_brought_up_to_date_with_all_it_holds(self, version_1, said):
        outbox = opened(version_1)
        assert [(row.message.seq, row.hooks) for row in outbox.pending("a.py", 0, 10)] == [(self.number, ["a.py:f"])]
        assert outbox.take("slack", 0, 10) == [effect(self.number + 5)]
        assert outbox.dead(DeadFilter(), 10) == [letter(1)]
        assert outbox.state("a.py") == {"x": [1, "two"]}
        assert outbox.last_good() == {"a.py": b"source"}
        assert [value for _, value in outbox.window("env", "temp", 0, {"id": "1"}, 10)] == [20.5, 21]
        assert outbox.last_seq() >= self.number + 5
        check_works(outbox)
        outbox.close()
        assert [event for event, _ in said] == ["storage.migrated"]
        assert said[0][1]["saved"]["points"] == 2

    def test_a_run_that_is_repeated_after_it_is_in_the_store_once(self, version_1):
        outbox = opened(version_1)
        id = f"{self.number:016x}0011aabb/a.py:f/1"
        outbox.commit([Transaction(points=[Point("env", "temp", {"id": "1"}, self.number, 21, id, self.number, 1)])])
        assert [value for _, value in outbox.window("env", "temp", 0, None, 10)] == [20.5, 21]
        outbox.close()

    def test_a_damaged_one_is_saved_too(self, version_1, said):
        rescue.note_damage(version_1, "found while running")
        outbox = opened(version_1)
        assert outbox.take("slack", 0, 10) == [effect(self.number + 5)]
        assert [value for _, value in outbox.window("env", "temp", 0, None, 10)] == [20.5, 21]
        assert outbox.last_good() == {"a.py": b"source"}
        outbox.close()

    def test_only_the_broker_does_that(self, version_1):
        with pytest.raises(StorageUnusable, match="start the broker once"):
            SqliteOutbox(version_1)


def test_a_disk_that_takes_no_note_of_damage_changes_nothing_of_how_the_broker_ends(tmp_path):
    rescue.note_damage(tmp_path / "gone" / "kraken.db", "a bad page")
