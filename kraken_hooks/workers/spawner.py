"""Client of the fork server: asks for worker processes. Runs on the broker's event loop."""

from __future__ import annotations

import asyncio
import importlib.util
import mmap
import os
import socket
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kraken_hooks import logs, progress
from kraken_hooks.errors import WorkersUnavailable

log = logs.get()

#: What a worker's interpreter must be able to import besides the standard library.
_PACKAGES: Final = ("kraken_hooks", "RestrictedPython", "msgspec", "tzdata")

#: How long the fork server may take to start, or to fork, seconds: far longer than the slowest machine needs.
PATIENCE: Final = 30.0

#: What the fork server runs. Import paths come over its control socket, descriptor 0, and not as arguments, because every
#: worker's arguments can be seen by everybody.
_START: Final = (
    "import os, sys; sys.path += os.fsdecode(os.read(0, 65536)).split('\\0');"
    " from kraken_hooks.sandbox.forkserver import main; main()"
)


@dataclass(frozen=True, slots=True)
class Spawned:
    """A new worker process: our end of its pipe, its process id, a descriptor to kill it by, and its progress page."""

    pipe: socket.socket
    pid: int
    pidfd: int
    progress: mmap.mmap


class Spawner:
    """Starts the fork server, and starts it again when it has died or is silent for longer than `patience`, seconds."""

    def __init__(self) -> None:
        self.patience = PATIENCE
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._ready: asyncio.Future[None] | None = None
        self._waiting: deque[asyncio.Future[tuple[int, int]]] = deque()

    async def spawn(self) -> Spawned:
        """A worker process that waits for its first frame.

        Raises:
            WorkersUnavailable: the fork server cannot be started or asked, died while it forked, or does not answer.
        """
        try:
            async with asyncio.timeout(self.patience):
                return await self._spawn()
        except TimeoutError:
            self._lost()  # somebody has stopped it, or it hangs: the next one asks another
            raise WorkersUnavailable(
                "no worker process can be started: the process that forks them does not answer"
            ) from None
        except OSError as error:
            raise WorkersUnavailable(f"no worker process can be started: {error.strerror or error}") from error

    async def _spawn(self) -> Spawned:
        control = await self._connected()
        ours, theirs = socket.socketpair()
        page = os.memfd_create("kraken-progress", os.MFD_CLOEXEC)
        try:
            os.ftruncate(page, progress.SIZE)
            shared = mmap.mmap(page, progress.SIZE, prot=mmap.PROT_READ)
            socket.send_fds(control, [b"f"], [theirs.fileno(), page])
            answer: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
            self._waiting.append(answer)  # only what was asked is answered
            pid, pidfd = await answer
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(page)
        ours.setblocking(False)
        return Spawned(ours, pid, pidfd, shared)

    def close(self) -> None:
        """End the fork server; it kills what workers are left."""
        self._disconnect()
        if self._process is not None:
            try:
                self._process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    async def _connected(self) -> socket.socket:
        if self._control is None:
            self._start()
        assert self._ready is not None
        await asyncio.shield(self._ready)
        if self._control is None:
            raise ConnectionError("the fork server ended at once")
        return self._control

    def _start(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START],
            env={},
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            cwd="/",
        )
        theirs.close()
        ours.sendall(os.fsencode("\0".join(_import_paths())))
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        self._control = ours
        self._ready = loop.create_future()
        loop.add_reader(ours, self._read)

    def _read(self) -> None:
        assert self._control is not None
        assert self._ready is not None
        try:
            data, fds, _, _ = socket.recv_fds(self._control, 4, 1)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if not data:
            self._lost()
        elif not self._ready.done():
            self._ready.set_result(None)
        else:
            answer = self._waiting.popleft()
            if answer.cancelled():
                os.close(fds[0])
            else:
                answer.set_result((int.from_bytes(data, "little"), fds[0]))

    def _lost(self) -> None:
        if self._control is None:
            return  # another who waited has said so
        log.error("worker.forkserver_died", pending=len(self._waiting))
        self._disconnect()

    def _disconnect(self) -> None:
        control, self._control = self._control, None
        if control is None:
            return
        asyncio.get_running_loop().remove_reader(control)
        control.close()
        error = ConnectionError("the fork server died")
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(error)


def _import_paths() -> list[str]:
    """Where a worker finds the few packages that it needs."""
    found: dict[str, None] = {}
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            found[str(Path(spec.origin).parent.parent)] = None
    return list(found)
