"""How many bytes of messages the broker handles at once, so that a burst of pictures does not take the machine's memory.

gRPC has read a message before anybody is asked. What comes above the share that is worked on waits, with that one copy of it, for
its turn; above a share of the machine's memory it is refused.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from typing import Final

from kraken_hooks.errors import Overloaded
from kraken_hooks.message import MAX_MESSAGE_BYTES

#: Handled at once, bytes: a few of the largest messages.
AT_WORK: Final = 4 * MAX_MESSAGE_BYTES
#: Of the machine's memory, what messages that wait or are handled may take.
_SHARE: Final = 1 / 8


def share_of_memory() -> int:
    """So many bytes may wait and be handled on this machine; never less than twice what is handled at once."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(round(memory * _SHARE), 2 * AT_WORK)


class Room:
    """`at_work`: bytes that are handled at once; one message may always be. `most`: with those that wait. On the event loop."""

    def __init__(self, at_work: int, most: int) -> None:
        self._at_work = at_work
        self._most = most
        self._used = 0
        self._waits = 0
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def enter(self, size: int) -> None:
        """Wait until a message of `size` bytes has its turn: in the order in which they came. Then `leave` has to follow.

        Raises:
            Overloaded: it cannot wait, there are too many.
        """
        if not self._queue and self._fits(size):
            self._used += size
            return
        if self._used + self._waits + size > self._most:
            raise Overloaded(f"messages of {self._most >> 20} MiB are being handled")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((size, turn))
        self._waits += size
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it had its turn in the same moment
                self.leave(size)
            raise

    def leave(self, size: int) -> None:
        """The message is no longer handled."""
        self._used -= size
        while self._queue and (self._queue[0][1].cancelled() or self._fits(self._queue[0][0])):
            size, turn = self._queue.popleft()
            self._waits -= size
            if not turn.cancelled():
                self._used += size
                turn.set_result(None)

    def _fits(self, size: int) -> bool:
        return not self._used or self._used + size <= self._at_work
