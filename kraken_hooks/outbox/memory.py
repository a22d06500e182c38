"""The outbox in memory: the same contract, nothing durable. For dry runs and for tests of hook authors."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import islice
from typing import Final

import msgspec

from kraken_hooks import clock
from kraken_hooks.clock import moment
from kraken_hooks.message import Message
from kraken_hooks.outbox import schema
from kraken_hooks.outbox.base import (
    DeadFilter,
    Done,
    Dropped,
    Keep,
    PendingMessage,
    Tidied,
    Transaction,
    Trimmed,
    Value,
)
from kraken_hooks.outbox.retention import LEFT, TrustedClock
from kraken_hooks.outcome import DeadKind, DeadLetter, QueuedEffect

_READ_BYTES: Final = 8 * 1024 * 1024

#: What a point takes here, about.
_POINT_BYTES: Final = 100

#: (measurement, field, tags as text)
_Series = tuple[str, str, str]
#: A point's at, late and mark, as in the database.
_Key = tuple[int, int, int]


class MemoryOutbox:
    """Implements `outbox.base.Outbox`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inbox: dict[int, Message] = {}
        self._pending: dict[int, dict[str, None]] = {}
        self._outbox: dict[int, QueuedEffect] = {}
        self._dead: dict[str, DeadLetter] = {}
        self._state: dict[str, dict[str, bytearray]] = {}
        self._points: dict[_Series, dict[_Key, Value]] = {}
        self._tags: dict[_Series, dict[str, str]] = {}
        self._last_good: dict[str, bytes] = {}
        self._paused: set[str] = set()
        self._last_seq = 0
        self._last_effect = 0
        self._clock = TrustedClock(0)
        self._identity = os.urandom(16).hex()

    def commit(self, batch: list[Transaction]) -> None:
        with self._lock:
            for one in batch:
                self._check(one)
            self._queue([queued for one in batch for queued in one.effects])
            for one in batch:
                self._write(one)

    def _queue(self, effects: list[QueuedEffect]) -> None:
        for queued in schema.numbered(effects, self._last_effect):
            self._outbox[queued.seq] = queued
            self._last_effect = max(self._last_effect, queued.seq)
        self._last_seq = max(self._last_seq, self._last_effect)

    @staticmethod
    def _check(one: Transaction) -> None:
        try:
            schema.pack([one.accept, one.effects, one.state, one.dead, [point.value for point in one.points]])
            for point in one.points:
                schema.tags_text(point.tags).encode()
                str(point.value).encode()
        except (TypeError, OverflowError, UnicodeEncodeError) as error:
            raise ValueError(f"it cannot be stored: {error}") from error

    def _write(self, one: Transaction) -> None:
        if one.accept is not None and one.pending:
            self._inbox[one.accept.seq] = one.accept
            self._pending[one.accept.seq] = dict.fromkeys(hook for hooks in one.pending.values() for hook in hooks)
            self._last_seq = max(self._last_seq, one.accept.seq)
        for seq, hooks in one.ended:
            self._end(seq, hooks)
        for point in one.points:
            series = (point.measurement, point.field, schema.tags_text(point.tags))
            self._tags[series] = point.tags
            place = (point.at, *schema.point_key(point.at, point.seq, point.place, point.id))
            self._points.setdefault(series, {})[place] = point.value
        for file, keys in one.state_deleted.items():
            for key in keys:
                self._state.get(file, {}).pop(key, None)
        for file, values in one.state.items():
            self._state.setdefault(file, {}).update({key: schema.pack(value) for key, value in values.items()})
        for letter in one.dead:
            self._dead[letter.id] = letter
        for sink, seqs in one.settled.items():
            for seq in seqs:
                if seq in self._outbox and self._outbox[seq].effect.sink == sink:
                    del self._outbox[seq]
        for sink, rests in one.pause.items():
            (self._paused.add if rests else self._paused.discard)(sink)
        for file, source in one.last_good.items():
            if source is None:
                self._last_good.pop(file, None)
            else:
                self._last_good[file] = source

    def _end(self, seq: int, hooks: list[str]) -> None:
        left = self._pending.get(seq)
        if left is None:
            return
        for hook in hooks:
            left.pop(hook, None)
        if not left:
            del self._pending[seq], self._inbox[seq]

    def drop(self, keep: Keep) -> list[Dropped]:
        dropped: dict[str, list[QueuedEffect]] = {}
        excess = self.queued_bytes() - keep.queued_bytes * LEFT
        with self._lock:
            for seq in sorted(self._outbox):
                queued = self._outbox[seq]
                if excess > 0 and queued.effect.sink in keep.droppable:
                    excess -= len(schema.pack(queued))
                    dropped.setdefault(queued.effect.sink, []).append(self._outbox.pop(seq))
        return [Dropped(sink, len(gone), gone[0].at) for sink, gone in dropped.items()]

    def tidy(self, keep: Keep, wall: int, monotonic: float) -> Tidied:
        trusted = self._clock.trusts(wall, monotonic)
        with self._lock:
            done: list[Done] = [
                *self._trim_points(keep, wall if trusted else None),
                *self._trim_dead(keep, wall if trusted else None),
            ]
        return Tidied(done)

    def _trim_points(self, keep: Keep, now: int | None) -> list[Trimmed]:
        times = sorted(key[0] for points in self._points.values() for key in points)
        most = keep.store_bytes // _POINT_BYTES if keep.store_bytes else len(times)
        until = times[-round(most * LEFT)] if most < len(times) else None
        if now is not None and keep.store_age:
            until = max(now - keep.store_age, until if until is not None else 0)
        if until is None:
            return []
        for series, points in list(self._points.items()):
            left = self._points[series] = {key: value for key, value in points.items() if key[0] >= until}
            if not left:
                del self._points[series], self._tags[series]
        count = len(times) - sum(len(points) for points in self._points.values())
        return [Trimmed("store", count, until)] if count else []

    def _trim_dead(self, keep: Keep, now: int | None) -> list[Trimmed]:
        sizes = {id: len(schema.pack(letter)) for id, letter in self._dead.items()}
        total = sum(sizes.values())
        excess = total - keep.dead_bytes * LEFT if keep.dead_bytes and total > keep.dead_bytes else 0.0
        too_old = now - keep.dead_age if now is not None and keep.dead_age else None
        count, until = 0, 0
        for letter in sorted(self._dead.values(), key=lambda letter: letter.at):
            if excess > 0 or (too_old is not None and letter.at < too_old):
                del self._dead[letter.id]
                excess -= sizes[letter.id]
                count, until = count + 1, letter.at
        return [Trimmed("dead", count, until)] if count else []

    def changed_outside(self) -> bool:
        return False

    def close(self) -> None:
        """There is nothing to close."""

    # ── what is where ──

    def queued_bytes(self, besides: frozenset[str] = frozenset()) -> int:
        with self._lock:
            return sum(message.size for message in self._inbox.values()) + sum(
                len(schema.pack(queued)) for queued in self._outbox.values() if queued.effect.sink not in besides
            )

    def last_seq(self) -> int:
        return self._last_seq

    def identity(self) -> str:
        return self._identity

    def paused(self) -> set[str]:
        with self._lock:
            return set(self._paused)

    def waiting(self) -> dict[str, int]:
        found: dict[str, int] = {}
        with self._lock:
            for hooks in self._pending.values():
                for file in {_file(hook) for hook in hooks}:
                    found[file] = found.get(file, 0) + 1
        return found

    def queued(self) -> dict[str, int]:
        found: dict[str, int] = {}
        with self._lock:
            for queued in self._outbox.values():
                found[queued.effect.sink] = found.get(queued.effect.sink, 0) + 1
        return found

    # ── inbox, outbox ──

    def pending(self, file: str, after: int, limit: int) -> list[PendingMessage]:
        def rows() -> Iterator[PendingMessage]:
            size = 0
            for seq in sorted(seq for seq in self._pending if seq > after):
                hooks = [hook for hook in self._pending[seq] if _file(hook) == file]
                if hooks:
                    yield PendingMessage(self._inbox[seq], hooks)
                    size += self._inbox[seq].size
                    if size >= _READ_BYTES:
                        return

        with self._lock:
            return list(islice(rows(), limit))

    def take(self, sink: str, after: int, limit: int) -> list[QueuedEffect]:
        def rows() -> Iterator[QueuedEffect]:
            size = 0
            for seq in sorted(seq for seq in self._outbox if seq > after):
                queued = self._outbox[seq]
                if queued.effect.sink == sink:
                    yield queued
                    size += len(schema.pack(queued))
                    if size >= _READ_BYTES:
                        return

        with self._lock:
            return list(islice(rows(), limit))

    # ── state, last good sources ──

    def state(self, file: str) -> dict[str, object]:
        with self._lock:
            return {key: schema.unpack_value(blob) for key, blob in self._state.get(file, {}).items()}

    def last_good(self) -> dict[str, bytes]:
        with self._lock:
            return dict(self._last_good)

    # ── the store's queries ──

    def last(self, measurement: str, field: str, tags: dict[str, str] | None) -> Value | None:
        found = self._values(measurement, field, tags)
        return found[-1][1] if found else None

    def window(
        self, measurement: str, field: str, since: int, tags: dict[str, str] | None, limit: int
    ) -> list[tuple[datetime, Value]]:
        found = [(moment(at), value) for (at, *_), value in self._values(measurement, field, tags) if at >= since]
        return found[-limit:]

    def _values(self, measurement: str, field: str, tags: dict[str, str] | None) -> list[tuple[_Key, Value]]:
        with self._lock:
            found = [
                (key, value)
                for series, points in sorted(self._points.items())
                if series[:2] == (measurement, field) and schema.has_tags(self._tags[series], tags)
                for key, value in points.items()
            ]
        return sorted(found, key=lambda row: row[0])

    # ── dead letters ──

    def dead(self, wanted: DeadFilter, limit: int) -> list[DeadLetter]:
        with self._lock:
            found = [letter for letter in self._dead.values() if _wanted(letter, wanted)]
        return sorted(found, key=lambda letter: (letter.at, letter.id))[:limit]

    def count_dead(self, wanted: DeadFilter) -> int:
        with self._lock:
            return sum(_wanted(letter, wanted) for letter in self._dead.values())

    def dead_sizes(self, wanted: DeadFilter) -> list[tuple[str, int]]:
        return [(letter.id, len(schema.pack(letter))) for letter in self.dead(wanted, sys.maxsize)]

    def replay(self, ids: Sequence[str]) -> int:
        with self._lock:
            letters = [self._dead.pop(id) for id in ids if id in self._dead]
            for letter in letters:
                if letter.kind is DeadKind.RUN and letter.message is not None:
                    seq = max(self._last_seq, clock.now_ns()) + 1
                    message = msgspec.structs.replace(letter.message, seq=seq)
                    self._write(Transaction(accept=message, pending={_file(letter.hook): [letter.hook]}))
                elif letter.effect is not None:
                    self._queue([letter.effect])
        return len(letters)

    def purge(self, wanted: DeadFilter) -> int:
        with self._lock:
            gone = [id for id, letter in self._dead.items() if _wanted(letter, wanted)]
            for id in gone:
                del self._dead[id]
        return len(gone)


def _file(hook: str) -> str:
    return hook.partition(":")[0]


def _wanted(letter: DeadLetter, wanted: DeadFilter) -> bool:
    return (
        (not wanted.ids or letter.id in wanted.ids)
        and (wanted.kind is None or letter.kind is wanted.kind)
        and (not wanted.hook or fnmatchcase(letter.hook, wanted.hook))
        and (not wanted.sink or letter.sink == wanted.sink)
        and (wanted.since is None or letter.at >= wanted.since)
        and (wanted.until is None or letter.at <= wanted.until)
    )
