"""Reads rows out of a database file page by page, without SQLite: what is left when the file is damaged.

SQLite reaches a row only from its table's root down; one bad page there hides all behind it. Here every page that holds rows
is read for itself, as its own header says, whatever has become of the others. Pages that are free (their rows were deleted)
are left out by the pointer map and by the list of free pages. The newest whole commits of the write-ahead log count.
The format: https://www.sqlite.org/fileformat2.html. Nothing is written.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from kraken_hooks.outbox.schema import PAGE

#: A value of a row.
Cell = int | float | str | bytes | None

_MAGIC: Final = b"SQLite format 3\0"
_LOG_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_LOG_MAGIC: Final = 0x377F0682  # the last bit says in which byte order the checksums are
#: No row is larger: the largest message and what belongs to it.
_MAX_ROW: Final = 64 * 1024 * 1024
#: Entries on a page of the pointer map, and what they say.
_MAPPED: Final = PAGE // 5
_FREE, _OVERFLOW, _OVERFLOW_NEXT = 2, 3, 4
#: The page that SQLite leaves out, because locks lie on it.
_LOCKED: Final = 0x40000000 // PAGE + 1

_INDEX_INNER, _TABLE_INNER, _INDEX_LEAF, _TABLE_LEAF = 0x02, 0x05, 0x0A, 0x0D


@dataclass(frozen=True, slots=True)
class Row:
    """`rowid`: of a table that has such numbers; None: a row of a table without, or an entry of an index."""

    rowid: int | None
    values: list[Cell]


@dataclass(frozen=True, slots=True)
class Header:
    """What the file's first bytes say. `known`: they are those of a database at all."""

    known: bool
    application: int = 0
    version: int = 0


@dataclass(slots=True)
class Log:
    """The write-ahead log: where each page's newest committed content stands.

    `end`: where the last whole commit ends. `problem`: why nothing of the log can be read. `lost`: commits that stand
    behind damage.
    """

    pages: dict[int, int] = field(default_factory=dict)
    end: int = 0
    problem: str = ""
    lost: int = 0


class _Unreadable(Exception):
    """Not a row, or not a page of rows."""


def read_header(path: Path) -> Header:
    with path.open("rb") as file:
        head = file.read(100)
    if len(head) < 100 or not head.startswith(_MAGIC):
        return Header(known=False)
    version, application = struct.unpack_from(">I", head, 60)[0], struct.unpack_from(">I", head, 68)[0]
    return Header(True, application, version)


def read_log(path: Path) -> Log:
    """The whole commits of a write-ahead log."""
    log = Log()
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return log
    with file:
        head = file.read(_LOG_HEADER)
        if len(head) < _LOG_HEADER:
            return log
        if struct.unpack_from(">I", head)[0] & ~1 != _LOG_MAGIC:
            log.problem = "it does not begin like a write-ahead log"
            return log
        order = ">" if head[3] & 1 else "<"
        sums = _checksum(order, head[:24], (0, 0))
        if sums != struct.unpack_from(">II", head, 24):
            log.problem = "its beginning is damaged"
        elif struct.unpack_from(">I", head, 8)[0] != PAGE:
            log.problem = "it belongs to another file"
        else:
            _read_frames(file, log, order, sums, head[16:24])
    return log


def _read_frames(file: BinaryIO, log: Log, order: str, sums: tuple[int, int], salt: bytes) -> None:
    """Frames count up to the last that ends a commit. What follows was not committed, or is of an earlier time (it has
    another salt), or stands behind damage.
    """
    offset = _LOG_HEADER
    sound = True
    open_pages: dict[int, int] = {}
    while len(frame := file.read(_FRAME_HEADER + PAGE)) == _FRAME_HEADER + PAGE:
        number, ends = struct.unpack_from(">II", frame)
        ours = frame[8:16] == salt
        if sound and not ours:
            return
        sums = _checksum(order, frame[:8] + frame[_FRAME_HEADER:], sums) if sound else sums
        sound = sound and sums == struct.unpack_from(">II", frame, 16)
        open_pages[number] = offset + _FRAME_HEADER
        offset += len(frame)
        if not sound:
            log.lost += bool(ours and ends)
        elif ends:
            log.pages.update(open_pages)
            log.end = offset
            open_pages.clear()


def _checksum(order: str, content: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second


class Pages:
    """The pages of a database file with those of its log over them. `unreadable`: pages of rows that are damaged, so far."""

    def __init__(self, path: Path, log_path: Path, log: Log) -> None:
        self._file = path.open("rb")
        self._log_file = log_path.open("rb") if log.pages else None
        self._log = log
        self.count = max([-(-path.stat().st_size // PAGE), *log.pages])
        self.unreadable = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._log_file is not None:
            self._log_file.close()

    def page(self, number: int) -> bytes:
        """A page, shorter than `PAGE` where the file ends."""
        place = self._log.pages.get(number)
        if place is not None and self._log_file is not None:
            self._log_file.seek(place)
            return self._log_file.read(PAGE)
        self._file.seek((number - 1) * PAGE)
        return self._file.read(PAGE)

    def rows(self) -> Iterator[Row]:
        """All rows of all tables and indexes, in no order."""
        free = self._free_pages()
        kinds = b""
        for number in range(1, self.count + 1):
            at = (number - 2) % (_MAPPED + 1)
            if number > 1 and at == 0:
                kinds = self.page(number)[::5]
                continue
            kind = kinds[at - 1] if number > 1 and at <= len(kinds) else 0
            if number in free or number == _LOCKED or kind in (_FREE, _OVERFLOW, _OVERFLOW_NEXT):
                continue
            yield from self.rows_of(number)

    def rows_of(self, number: int) -> Iterator[Row]:
        """The rows of one page, those of them that can be read."""
        page = self.page(number)
        start = 100 if number == 1 else 0
        if len(page) < PAGE or not any(page[start:]):
            self.unreadable += len(page) > 0
            return
        kind = page[start]
        if kind == _TABLE_INNER:
            return
        if kind not in (_INDEX_INNER, _INDEX_LEAF, _TABLE_LEAF):
            self.unreadable += 1
            return
        cells = struct.unpack_from(">H", page, start + 3)[0]
        pointers = start + (12 if kind == _INDEX_INNER else 8)
        bad = pointers + 2 * cells > PAGE
        for place in range(0 if bad else cells):
            offset = struct.unpack_from(">H", page, pointers + 2 * place)[0]
            try:
                yield self._row(page, kind, offset)
            except (_Unreadable, IndexError, struct.error, UnicodeDecodeError):
                bad = True
        self.unreadable += bad

    def _row(self, page: bytes, kind: int, offset: int) -> Row:
        offset += 4 if kind == _INDEX_INNER else 0
        size, offset = _varint(page, offset)
        rowid = None
        if kind == _TABLE_LEAF:
            rowid, offset = _varint(page, offset)
            rowid -= rowid >> 63 << 64
        if not 0 < size <= _MAX_ROW:
            raise _Unreadable
        return Row(rowid, _record(self._payload(page, offset, size, table=kind == _TABLE_LEAF)))

    def _payload(self, page: bytes, offset: int, size: int, *, table: bool) -> bytes:
        """The bytes of a row: on its page as far as they have room there, the rest on pages of their own."""
        most = PAGE - 35 if table else (PAGE - 12) * 64 // 255 - 23
        if size <= most:
            local = size
        else:
            least = (PAGE - 12) * 32 // 255 - 23
            local = least + (size - least) % (PAGE - 4)
            local = local if local <= most else least
        if offset + local + (4 if local < size else 0) > PAGE:
            raise _Unreadable
        if local == size:
            return page[offset : offset + size]
        found = bytearray(page[offset : offset + local])
        following = struct.unpack_from(">I", page, offset + local)[0]
        while len(found) < size:
            if not 1 < following <= self.count:
                raise _Unreadable
            more = self.page(following)
            if len(more) < PAGE:
                raise _Unreadable
            found += more[4 : 4 + size - len(found)]
            following = struct.unpack_from(">I", more)[0]
        return bytes(found)

    def _free_pages(self) -> set[int]:
        """The list of free pages, as far as it can be followed."""
        first = self.page(1)
        free: set[int] = set()
        trunk = struct.unpack_from(">I", first, 32)[0] if first.startswith(_MAGIC) and len(first) == PAGE else 0
        while 1 < trunk <= self.count and trunk not in free:
            page = self.page(trunk)
            if len(page) < PAGE:
                break
            free.add(trunk)
            trunk, leaves = struct.unpack_from(">II", page)
            if leaves > PAGE // 4 - 2:
                break
            free.update(struct.unpack_from(f">{leaves}I", page, 8))
        return free


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for place in range(8):
        byte = data[offset + place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, offset + place + 1
    return value << 8 | data[offset + 8], offset + 9


def _record(payload: bytes) -> list[Cell]:
    """The values of a row."""
    end, offset = _varint(payload, 0)
    if end > len(payload):
        raise _Unreadable
    values: list[Cell] = []
    body = end
    while offset < end:
        kind, offset = _varint(payload, offset)
        value, body = _value(payload, kind, body)
        values.append(value)
    if body != len(payload) or offset != end:
        raise _Unreadable
    return values


_INTEGERS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def _value(payload: bytes, kind: int, start: int) -> tuple[Cell, int]:
    if kind in _INTEGERS:
        end = start + _INTEGERS[kind]
        return int.from_bytes(payload[start:end], "big", signed=True), end
    if kind == 7:
        return struct.unpack_from(">d", payload, start)[0], start + 8
    if kind in (0, 8, 9):
        return {0: None, 8: 0, 9: 1}[kind], start
    if kind < 12:
        raise _Unreadable
    end = start + (kind - 12) // 2
    if end > len(payload):
        raise _Unreadable
    content = payload[start:end]
    return (content.decode() if kind % 2 else content), end
