"""What the broker is doing now, gathered from its parts; and what an operator may change while it runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass

import kraken_hooks
from kraken_hooks import clock
from kraken_hooks.broker import FileStatus, SinkStatus, Status, WorkerStatus
from kraken_hooks.delivery.courier import Courier
from kraken_hooks.engine.committer import Committer
from kraken_hooks.engine.engine import Engine
from kraken_hooks.errors import UnknownSink
from kraken_hooks.outbox.base import DeadFilter, Outbox, Transaction
from kraken_hooks.reload.catalog import Catalog
from kraken_hooks.settings import Settings
from kraken_hooks.workers.pool import Pool


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the storage holds: inbox rows by file, effects by sink, dead letters."""

    inbox: dict[str, int]
    queued: dict[str, int]
    dead: int


class Overview:
    """Implements `broker.Operations`. Runs on the event loop; the storage is read in a thread."""

    def __init__(
        self,
        chosen: Settings,
        outbox: Outbox,
        committer: Committer,
        pool: Pool,
        engine: Engine,
        catalog: Catalog,
        couriers: Mapping[str, Courier],
    ) -> None:
        self._chosen = chosen
        self._outbox = outbox
        self._committer = committer
        self._pool = pool
        self._engine = engine
        self._catalog = catalog
        self._couriers = couriers
        self._started = clock.now_ns()

    async def status(self) -> Status:
        stored = await asyncio.to_thread(self._read)
        return Status(
            version=kraken_hooks.__version__,
            pid=os.getpid(),
            started=self._started,
            hooks_dir=str(self._chosen.hooks_dir),
            state_dir=str(self._chosen.state_dir),
            messages=self._engine.messages,
            failed_runs=self._engine.failed_runs,
            dead_letters=stored.dead,
            queued_bytes=self._outbox.queued_bytes(),
            queued_bound=self._chosen.outbox_max_mb * 2**20,
            files=self._files(stored),
            sinks=self._sinks(stored),
            workers=[WorkerStatus(pid, files, alone) for pid, files, alone in self._pool.placement()],
            hooks_missing=self._catalog.missing,
        )

    def _read(self) -> _Stored:
        return _Stored(self._outbox.waiting(), self._outbox.queued(), self._outbox.count_dead(DeadFilter()))

    def _files(self, stored: _Stored) -> list[FileStatus]:
        depths = self._engine.depths()
        quarantined: dict[str, list[str]] = {}
        for hook in self._pool.quarantined():
            file, _, name = hook.partition(":")
            quarantined.setdefault(file, []).append(name)
        found = []
        for entry in self._catalog.entries():
            file = entry.file
            hooks = self._engine.hooks(file)
            waits = depths.get(file, 0), stored.inbox.get(file, 0)
            found.append(FileStatus(file, entry.state, hooks, *waits, entry.problems, quarantined.get(file, [])))
        known = {entry.file for entry in found}
        left = sorted(stored.inbox.keys() - known)  # removed, with messages in the inbox
        return found + [FileStatus(file, "removed", [], 0, stored.inbox[file]) for file in left]

    def _sinks(self, stored: _Stored) -> list[SinkStatus]:
        found = []
        for name, courier in sorted(self._couriers.items()):
            told = courier.report()
            found.append(
                SinkStatus(
                    name,
                    told.state.value,
                    stored.queued.get(name, 0),
                    told.since,
                    told.reason,
                    told.retry_in,
                    told.delivered,
                    told.refused,
                )
            )
        left = sorted(stored.queued.keys() - self._couriers.keys())
        return found + [SinkStatus(name, "unconfigured", stored.queued[name]) for name in left]

    async def pause(self, sink: str, *, paused: bool) -> None:
        courier = self._couriers.get(sink)
        if courier is None:
            known = ", ".join(sorted(self._couriers)) or "none"
            raise UnknownSink(f"there is no configured sink {sink!r:.40} (configured: {known})")
        await asyncio.wrap_future(self._committer.settle(Transaction(pause={sink: paused})))
        if paused:
            courier.pause()
        else:
            courier.resume()
