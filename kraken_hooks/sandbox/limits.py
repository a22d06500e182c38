"""Wall 3, the process: what the operating system lets a worker use. Runs in the worker, before any hook is loaded."""

from __future__ import annotations

import os
import resource
import signal
from typing import Final

#: The only descriptor that a worker keeps: its pipe.
PIPE: Final = 0


def isolate(pipe: int) -> None:
    """Keep the pipe (as descriptor 0) and nothing else."""
    os.dup2(pipe, PIPE)
    os.closerange(PIPE + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    os.chdir("/")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the broker ends its workers itself: they see the end of the pipe


def bound(used: int, memory: int) -> None:
    """No descriptors, processes, file contents or core dumps from now on; `memory` bytes on top of what is `used`.

    The pipe goes on working: it has its descriptor already. (poll would not: it counts against the limit.)
    """
    for what, most in (
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, used + memory),
    ):
        resource.setrlimit(what, (most, most))


def used_address_space() -> int:
    """Bytes of address space that this process has now. Read before the pipe is the only descriptor."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
