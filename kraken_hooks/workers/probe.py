"""Loads a new version of a hook file in a worker of its own, before any running worker sees it. Event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from kraken_hooks.errors import HookLoadError, LockdownMissing, WorkerProtocolError, WorkersUnavailable
from kraken_hooks.outcome import Problem
from kraken_hooks.wire import Configure, FromWorker, Load, Loaded, LoadFailed, Ready
from kraken_hooks.workers.job import Version
from kraken_hooks.workers.process import WorkerProcess
from kraken_hooks.workers.spawner import Spawned
from kraken_hooks.workers.vetting import vet_loaded


class LoadRefused(HookLoadError):
    """The hook file does not load; `problems` say where and why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems[0].message if problems else "it does not load")
        self.problems = problems


class Probe:
    """One worker that only loads. Use it for a batch of files, then `close` it. `fresh`: another worker for each file."""

    def __init__(
        self, spawn: Callable[[], Awaitable[Spawned]], configure: Configure, patience: float, *, fresh: bool = False
    ) -> None:
        self._spawn = spawn
        self._configure = configure
        self._patience = patience
        self._fresh = fresh
        self._number = 0
        self._process: WorkerProcess | None = None
        self._ready: asyncio.Future[Ready] | None = None
        self._result: asyncio.Future[Loaded | LoadFailed] | None = None

    async def ready(self) -> Ready:
        """Start the worker where there is none. Returns how it is locked down.

        Raises:
            LockdownMissing: not in full, which the settings demand.
            WorkersUnavailable: there is none to be had, or it ended at once, or did not get ready in time.
        """
        if self._process is None:
            self._ready = asyncio.get_running_loop().create_future()
            self._process = WorkerProcess(await self._spawn(), self._on_frame, self._on_end)
            self._process.send(self._configure)
        assert self._ready is not None
        try:
            ready = await asyncio.wait_for(asyncio.shield(self._ready), self._patience)
        except TimeoutError:
            self.close()
            raise WorkersUnavailable("a worker process did not get ready in time") from None
        if ready.missing and self._configure.lockdown:
            raise LockdownMissing("workers cannot be locked down: " + "; ".join(ready.missing))
        return ready

    async def load(self, number: int, file: str, source: bytes) -> Version:
        """The version, where it loads well. Call for one file at a time.

        Raises:
            LoadRefused: it does not.
            LockdownMissing, WorkersUnavailable: as for `ready`.
        """
        await self.ready()
        process = self._process
        if process is None:
            raise WorkersUnavailable("a worker process ended at its start")
        loop = asyncio.get_running_loop()
        self._result, self._number = loop.create_future(), number
        timer = loop.call_later(self._patience, process.kill, "it did not come to an end")
        try:
            process.send(Load(number, file, source, {}))
            frame = await self._result
        finally:
            timer.cancel()
            if self._fresh:
                self.close()
        if isinstance(frame, LoadFailed):
            raise LoadRefused(frame.problems)
        return Version(number, file, source, frame.hooks, frame.problems, frame.logs)

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def _on_frame(self, frame: FromWorker) -> None:
        """Each frame that an honest worker sends is waited for."""
        if isinstance(frame, Ready) and self._ready is not None and not self._ready.done():
            self._ready.set_result(frame)
        elif (
            isinstance(frame, Loaded | LoadFailed)
            and self._result is not None
            and not self._result.done()
            and frame.version == self._number
        ):
            vet_loaded(frame)
            self._result.set_result(frame)
        else:
            raise WorkerProtocolError("a frame that nobody has asked for")

    def _on_end(self, reason: str) -> None:
        self._process = None
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(WorkersUnavailable(f"a worker process ended at its start: {reason}"))
        if self._result is not None and not self._result.done():
            problem = Problem(
                0, 0, f"loading it ended the worker process: {reason}", "look for endless work or huge constants"
            )
            self._result.set_result(LoadFailed(0, [problem]))
