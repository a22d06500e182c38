"""The database's tables, and how values are written in them.

    inbox          a message that has been accepted and whose hooks have not all ended
    inbox_pending  which hooks of it are still to run; a row of `inbox` without one is removed
    outbox         effects on their way to their sinks, in order of `seq`
    dead           dead letters
    state          values of hook files
    series, points the embedded time series: one row of `series` for each measurement, field and set of tags
    last_good      sources of hook files as they last loaded well
    meta           `identity`; `seq`, the mark that no number in use exceeds; `paused/SINK` for each sink that rests

Messages, effects, dead letters and values of the state are msgpack. A point's value keeps its type: SQLite's own integer,
float and text; True and False are blobs of one byte.
"""

from __future__ import annotations

import json
from typing import Final

import msgspec

from kraken_hooks.message import Message
from kraken_hooks.outbox.base import Value
from kraken_hooks.outcome import DeadLetter, QueuedEffect

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
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
"""

pack: Final = msgspec.msgpack.Encoder().encode
unpack_message: Final = msgspec.msgpack.Decoder(Message).decode
unpack_effect: Final = msgspec.msgpack.Decoder(QueuedEffect).decode
unpack_letter: Final = msgspec.msgpack.Decoder(DeadLetter).decode
unpack_value: Final = msgspec.msgpack.Decoder().decode


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
