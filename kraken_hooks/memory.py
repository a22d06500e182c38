"""Gives memory back to the system: the C library keeps what large messages have needed, as long as a small piece that is still in
use lies behind it. Where it is another library than glibc, nothing is done.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from pathlib import Path
from typing import Final

#: How often the size of the process is looked at, seconds; less and less often, up to the other, while nothing comes of it.
_PERIOD: Final = 10.0
_LONGEST: Final = 600.0
#: So much more than at the start is worth a try, bytes.
_MUCH: Final = 16 * 2**20

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


async def give_back_forever() -> None:
    """Look now and then, until cancelled."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    start, pause = resident(), _PERIOD
    while trim is not None:
        await asyncio.sleep(pause)
        before = resident()
        if before > start + _MUCH:
            await asyncio.to_thread(trim, 0)
        helped = before <= start + _MUCH or before - resident() > _MUCH
        pause = _PERIOD if helped else min(2 * pause, _LONGEST)


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
