"""How much one hook may write to the log, over all its runs. Pure; times in seconds of any clock that only goes forwards."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

#: Lines a second of one hook that are written in the long run, and lines at once after a quiet time.
RATE: Final = 200
BURST: Final = 2_000
#: A hook that was cut off is heard again when it could write so many lines at once.
_HEARD_AGAIN: Final = BURST // 2


class Verdict(Enum):
    """What becomes of a line."""

    WRITE = 1
    CUT_OFF = 2  # drop it, and say that lines are dropped from here on
    DROP = 3


@dataclass(slots=True)
class _Allowance:
    lines: float
    at: float
    cut_off: bool = False


class LogRate:
    """An allowance for each hook, that is used up by lines and comes back with time."""

    def __init__(self) -> None:
        self._hooks: dict[str, _Allowance] = {}

    def admit(self, hook: str, now: float) -> Verdict:
        """One line of the hook."""
        mine = self._hooks.get(hook)
        if mine is None:
            mine = self._hooks[hook] = _Allowance(BURST, now)
        mine.lines = min(BURST, mine.lines + (now - mine.at) * RATE)
        mine.at = now
        if mine.cut_off and mine.lines < _HEARD_AGAIN:
            return Verdict.DROP
        mine.cut_off = mine.lines < 1
        if mine.cut_off:
            return Verdict.CUT_OFF
        mine.lines -= 1
        return Verdict.WRITE

    def forget(self, file: str) -> None:
        """The hook file is gone or new."""
        for hook in [hook for hook in self._hooks if hook.partition(":")[0] == file]:
            del self._hooks[hook]
