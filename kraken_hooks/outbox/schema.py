"""The database's tables, and how values are written in them.

    inbox          a message that has been accepted and whose hooks have not all ended
    inbox_pending  which hooks of it are still to run; a row of `inbox` without one is removed
    outbox         effects on their way to their sinks, in order of `seq`
    dead           dead letters
    state          values of hook files
    series, points the embedded time series: one row of `series` for each measurement, field and set of tags
    hours          about how many points there are of each hour since 1970, for what has to be trimmed
    last_good      sources of hook files as they last loaded well
    meta           `identity`; `seq`, the mark that no number in use exceeds; `paused/SINK` for each sink that rests
    damaged        rows of the other tables that cannot be read any more, as they are, and when that was found

Messages, effects, dead letters and values of the state are msgpack; they and the sources end with a checksum (CRC-32), because
SQLite does not notice a bit that flips in a row. A point's value keeps its type: SQLite's own integer, float and text;
True and False are blobs of one byte. The rest of a point's key is kept short, because it is written with every value:
`late` is the number of its message less its time, `mark` orders and tells apart what one message
writes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

import msgspec

from kraken_hooks.message import Message
from kraken_hooks.outbox.base import Value
from kraken_hooks.outcome import DeadLetter, QueuedEffect

#: Bytes of a page of the file.
PAGE: Final = 4096
#: Nanoseconds in an hour, the unit of `hours`.
HOUR: Final = 3_600_000_000_000
#: "KHk1": marks the file as ours.
APPLICATION_ID: Final = 0x4B486B31
#: Raised with every change of the tables.
VERSION: Final = 2

TABLES: Final = """
CREATE TABLE inbox (seq INTEGER PRIMARY KEY, message BLOB NOT NULL);
CREATE TABLE inbox_pending (
    file TEXT NOT NULL, seq INTEGER NOT NULL, hook TEXT NOT NULL, PRIMARY KEY (file, seq, hook)
) WITHOUT ROWID;
CREATE INDEX inbox_pending_by_seq ON inbox_pending (seq);
CREATE TABLE outbox (
    sink TEXT NOT NULL, seq INTEGER NOT NULL, effect BLOB NOT NULL, PRIMARY KEY (sink, seq)
) WITHOUT ROWID;
CREATE TABLE dead (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, hook TEXT NOT NULL, sink TEXT NOT NULL,
    size INTEGER NOT NULL, letter BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX dead_by_time ON dead (at, size);
CREATE TABLE state (
    file TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (file, key)
) WITHOUT ROWID;
CREATE TABLE series (
    id INTEGER PRIMARY KEY, measurement TEXT NOT NULL, field TEXT NOT NULL, tags TEXT NOT NULL,
    UNIQUE (measurement, field, tags)
);
CREATE TABLE points (
    series INTEGER NOT NULL, at INTEGER NOT NULL, late INTEGER NOT NULL, mark INTEGER NOT NULL, value NOT NULL,
    PRIMARY KEY (series, at, late, mark)
) WITHOUT ROWID;
CREATE TABLE hours (hour INTEGER PRIMARY KEY, points INTEGER NOT NULL);
CREATE TABLE last_good (file TEXT PRIMARY KEY, source BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE damaged (
    id INTEGER PRIMARY KEY, found INTEGER NOT NULL, place TEXT NOT NULL, row TEXT NOT NULL, content BLOB NOT NULL
);
"""

_CHECKSUM: Final = 4
_encode: Final = msgspec.msgpack.Encoder().encode_into
_decode_message: Final = msgspec.msgpack.Decoder(Message).decode
_decode_effect: Final = msgspec.msgpack.Decoder(QueuedEffect).decode
_decode_letter: Final = msgspec.msgpack.Decoder(DeadLetter).decode
_decode_value: Final = msgspec.msgpack.Decoder().decode

T = TypeVar("T")


class DamagedRow(Exception):
    """The content of a row is not what was written."""


def pack(value: object) -> bytearray:
    """A value as it is stored."""
    packed = bytearray()
    _encode(value, packed)
    packed += zlib.crc32(packed).to_bytes(_CHECKSUM, "little")
    return packed


def seal(content: bytes) -> bytes:
    """Bytes as they are stored."""
    return content + zlib.crc32(content).to_bytes(_CHECKSUM, "little")


def unseal(stored: bytes | bytearray) -> memoryview:
    """Bytes as they were.

    Raises:
        DamagedRow: they are not.
    """
    content = memoryview(stored)[:-_CHECKSUM]
    if zlib.crc32(content) != int.from_bytes(stored[-_CHECKSUM:], "little"):
        raise DamagedRow
    return content


def _unpack(decode: Callable[[memoryview], T], stored: bytes | bytearray) -> T:
    try:
        return decode(unseal(stored))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DamagedRow from error


# Each raises DamagedRow.
unpack_message: Final = partial(_unpack, _decode_message)
unpack_effect: Final = partial(_unpack, _decode_effect)
unpack_letter: Final = partial(_unpack, _decode_letter)
unpack_value: Final = partial(_unpack, _decode_value)


def point_key(at: int, seq: int, place: int, id: str) -> tuple[int, int]:
    """`late` and `mark`: they tell a point from the others of its series and time, and order them by arrival."""
    late = seq - at
    return (late + 2**63) % 2**64 - 2**63, place << 32 | zlib.crc32(id.encode())


def numbered(effects: list[QueuedEffect], after: int) -> list[QueuedEffect]:
    """The effects with numbers above `after`; those that have such numbers keep them."""
    if all(queued.seq > after for queued in effects):
        return effects
    made = []
    for queued in sorted(effects, key=lambda queued: queued.seq):
        after = max(queued.seq, after + 1)
        made.append(queued if queued.seq == after else msgspec.structs.replace(queued, seq=after))
    return made


def tags_text(tags: dict[str, str]) -> str:
    """Tags as text: the same tags give the same text."""
    return json.dumps(tags, sort_keys=True, ensure_ascii=False, separators=(",", ":")) if tags else "{}"


def stored_value(value: Value) -> float | int | str | bytes:
    """A point's value as it is written."""
    if value is True:
        return b"\x01"
    if value is False:
        return b"\x00"
    return value


def read_value(stored: float | str | bytes) -> Value:
    """A point's value as it was."""
    return stored == b"\x01" if isinstance(stored, bytes) else stored


def has_tags(tags: dict[str, str], wanted: dict[str, str] | None) -> bool:
    """Whether `tags` holds all that is wanted."""
    return not wanted or wanted.items() <= tags.items()
