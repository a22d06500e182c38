"""Memory that is no longer used goes back to the system."""

from __future__ import annotations

import subprocess
import sys

GROW = """
import asyncio
from kraken_hooks import memory

async def main():
    memory._PERIOD = memory._LONGEST = 0.05
    task = asyncio.create_task(memory.give_back_forever())
    await asyncio.sleep(0)
    blocks = [b"x" * 100_000 for _ in range(1_000)]
    last = b"x" * 100_000  # behind all of them: without it the C library would shrink by itself
    large = memory.resident()
    del blocks
    kept = memory.resident()
    while memory.resident() > kept - 60_000_000:
        await asyncio.sleep(0.01)
        assert not task.done()
    print(kept > large - 20_000_000)

asyncio.run(asyncio.wait_for(main(), 60))
"""


def test_what_large_messages_have_needed_is_given_back():
    done = subprocess.run([sys.executable, "-c", GROW], capture_output=True, text=True, timeout=90, check=True)
    assert done.stdout == "True\n", "the C library keeps it by itself"
