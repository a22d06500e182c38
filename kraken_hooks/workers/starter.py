"""Starts workers: members of the pool, and probes. Runs on the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from kraken_hooks import logs
from kraken_hooks.errors import WorkersUnavailable
from kraken_hooks.wire import Configure, FromWorker
from kraken_hooks.workers.member import Member
from kraken_hooks.workers.probe import Probe
from kraken_hooks.workers.process import WorkerProcess
from kraken_hooks.workers.spawner import Spawner

log = logs.get()

#: Between two tries to start a worker, seconds.
RETRY: Final = 0.5


class Starter:
    """`on_frame` and `on_end` are told of every member. `patience`: how long a probe may be silent, seconds."""

    def __init__(
        self,
        configure: Configure,
        patience: float,
        on_frame: Callable[[Member, FromWorker], None],
        on_end: Callable[[Member, str], None],
    ) -> None:
        self._configure = configure
        self._patience = patience
        self._on_frame = on_frame
        self._on_end = on_end
        self._spawner = Spawner()

    def probe(self, *, fresh: bool = False) -> Probe:
        """A worker that only loads. `fresh`: another one for each file."""
        return Probe(self._spawner.spawn, self._configure, self._patience, fresh=fresh)

    async def try_lockdown(self) -> None:
        """Say at the start, once, what this machine lacks.

        Raises:
            LockdownMissing: this machine cannot lock workers down as the settings demand.
            WorkersUnavailable: no worker process can be started.
        """
        probe = self.probe()
        try:
            ready = await probe.ready()
        finally:
            probe.close()
        if ready.missing:
            log.error("worker.lockdown_missing", missing=ready.missing)

    async def member(self, *, alone: bool) -> Member:
        """A new worker.

        Raises:
            WorkersUnavailable: none can be started now.
        """
        spawned = await self._spawner.spawn()
        process = WorkerProcess(
            spawned, lambda frame: self._on_frame(member, frame), lambda reason: self._on_end(member, reason)
        )
        member = Member(process, alone, heard=time.monotonic())
        process.send(self._configure)
        return member

    async def member_at_last(self, *, alone: bool) -> Member:
        """A new worker, however often it has to be tried."""
        while True:
            try:
                return await self.member(alone=alone)
            except WorkersUnavailable as error:
                log.error("worker.start_failed", reason=str(error))
                await asyncio.sleep(RETRY)

    def close(self) -> None:
        """Start no more; end the process that forks them, and with it what workers are left."""
        self._spawner.close()
