"""The progress page: a little memory that broker and worker share and only the worker writes. It tells whom to blame when a
worker has to be killed. A hint only: a worker may lie.

The broker may look while the worker writes, and the worker may be killed in the middle of it. So there are two places, written
in turn, and each record carries its number and a check: a record that is half written counts for nothing, and the one before
it still stands.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from mmap import mmap
from typing import Final

#: The record's number (from 1), activity, number, index and start as in `Doing`, and the hash of all that.
_RECORD: Final = struct.Struct("<QBQIdq")
#: Of a page, bytes.
SIZE: Final = 2 * _RECORD.size
#: How often a page is read at most, where the worker was writing in both places.
_TRIES: Final = 3


class Activity(IntEnum):
    """What a worker is doing."""

    IDLE = 0
    LOADING = 1
    RUNNING = 2
    COLLECTING = 3  # Python ends what hook files left behind


@dataclass(frozen=True, slots=True)
class Doing:
    """What a worker says that it does, `since` so many seconds of the system's monotonic clock.

    `number` names the version (loading) or the job (running; collecting: 0 for none). `index` is the place of the hook in the
    job (running), or the version whose leavings they are, 0 where that is not known (collecting).
    """

    activity: Activity = Activity.IDLE
    number: int = 0
    index: int = 0
    since: float = 0.0


class Progress:
    """The worker's side."""

    def __init__(self, page: mmap) -> None:
        self._page = page
        self._records = 0

    def note(self, activity: int, number: int, index: int, since: float) -> None:
        """From now on the page says this."""
        record = self._records = self._records + 1
        check = hash((record, activity, number, index, since))
        _RECORD.pack_into(self._page, _RECORD.size * (record & 1), record, activity, number, index, since, check)


def read(page: mmap) -> Doing:
    """The broker's side: the newest record that is whole. Idle where there is none, or where it says nonsense."""
    for _ in range(_TRIES):
        records = [_RECORD.unpack_from(page, place) for place in (0, _RECORD.size)]
        whole = [record for record in records if hash(record[:-1]) == record[-1]]
        if whole:
            _, activity, number, index, since, _ = max(whole)
            try:
                return Doing(Activity(activity), number, index, since)
            except ValueError:
                break
    return Doing()
