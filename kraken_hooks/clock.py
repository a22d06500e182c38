"""The only place that reads the wall clock for the broker, so that tests can hold it still."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def now_ns() -> int:
    """Nanoseconds since 1970 (UTC)."""
    return time.time_ns()


def boot_id() -> str:
    """Names this start of the machine; empty where the system does not say (Linux: random(4))."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def moment(nanoseconds: int) -> datetime:
    """An aware datetime (UTC, whole microseconds) from nanoseconds since 1970."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def nanoseconds(at: datetime) -> int:
    """Nanoseconds since 1970 (UTC), exactly, from an aware datetime."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


class Sequence:
    """Strictly increasing numbers that are also times: nanoseconds since 1970, never twice, never backwards.

    A clock that is set back makes the numbers go on from the last one. `after` is the largest number already in use.
    """

    def __init__(self, after: int = 0) -> None:
        self._last = after
        self._suffix = os.urandom(4).hex()

    def next(self) -> int:
        number = time.time_ns()
        if number <= self._last:
            number = self._last + 1
        self._last = number
        return number

    def reach(self, number: int) -> None:
        """Another process has given this number: those that come lie above it."""
        self._last = max(self._last, number)

    def message_id(self, seq: int) -> str:
        """24 hexadecimal digits: the order of arrival, then a random part of this process. Sorts by arrival."""
        return f"{seq:016x}{self._suffix}"
