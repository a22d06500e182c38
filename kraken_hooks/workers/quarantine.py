"""Which hooks of a version are not run any more, because they had to be killed again and again. Pure."""

from __future__ import annotations

from typing import Final

#: Kills in a row that put a hook in quarantine.
KILLS: Final = 3


class Quarantine:
    """Counts kills by hook (full name). Nothing leaves it: a file that changes has a new version, which has its own."""

    def __init__(self) -> None:
        self._kills: dict[str, int] = {}
        self._closed: set[str] = set()

    def killed(self, hook: str) -> bool:
        """A run of the hook was killed. True where this puts it in quarantine."""
        count = self._kills.get(hook, 0) + 1
        self._kills[hook] = count
        if count < KILLS or hook in self._closed:
            return False
        self._closed.add(hook)
        return True

    def ended(self, hook: str) -> None:
        """A run of the hook ended by itself: the next kill is the first in a row again."""
        if self._kills:
            self._kills.pop(hook, None)

    def __contains__(self, hook: str) -> bool:
        return hook in self._closed

    def __bool__(self) -> bool:
        return bool(self._closed)

    def hooks(self) -> list[str]:
        return sorted(self._closed)
