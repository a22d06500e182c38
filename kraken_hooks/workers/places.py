"""Which hook file has its place in which worker: a few workers that files share, and one each for the files that have shown to
be slow or have to be kept apart. Runs on the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from kraken_hooks import logs
from kraken_hooks.errors import StorageUnavailable
from kraken_hooks.workers.member import Lane, Member
from kraken_hooks.workers.starter import RETRY, Starter

log = logs.get()


class Places:
    """`shared` workers for all; of None: each hook file has a worker of its own.

    `state` gives a hook file's state for a worker that does not know it. `settled` is told of a new worker whose lanes are in
    their places.
    """

    def __init__(
        self,
        starter: Starter,
        shared: int | None,
        state: Callable[[str], dict[str, object]],
        settled: Callable[[Member], None],
    ) -> None:
        self.per_file = shared is None
        self._starter = starter
        self._wanted = shared or 0
        self._state = state
        self._settled = settled
        self._shared: list[Member] = []
        self._alone: set[Member] = set()
        self._homeless: list[Lane] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Raises:
        WorkersUnavailable: no worker process can be started.
        """
        for _ in range(self._wanted):
            self._shared.append(await self._starter.member(alone=False))

    def close(self) -> None:
        """End all workers at once."""
        for task in self._tasks:
            task.cancel()
        for member in self:
            member.close()

    def __iter__(self) -> Iterator[Member]:
        yield from self._shared
        yield from self._alone

    def give(self, lane: Lane) -> None:
        """A place for a lane that has none."""
        if lane.alone:
            self.replace([lane], alone=True)
        elif not self._shared:
            self._homeless.append(lane)
        else:
            min(self._shared, key=lambda member: len(member.lanes)).attach(lane)

    def leave(self, lane: Lane) -> None:
        """The lane, which has no jobs, gives up its place."""
        self._homeless = [other for other in self._homeless if other is not lane]
        member = lane.member
        if member is None:
            return
        member.detach(lane)
        if member.alone:
            self._retire(member)

    def go_home(self, lane: Lane) -> None:
        """The lane, which has no jobs, goes back to where files live together."""
        self.leave(lane)
        lane.alone = False
        self.give(lane)

    def isolate(self, slow: Lane, member: Member) -> None:
        """The slow lane keeps the worker, which it shared, for itself; the others get a new one."""
        self._shared.remove(member)
        self._alone.add(member)
        member.alone = slow.alone = True
        others = [lane for lane in member.lanes if lane is not slow]
        for lane in others:
            lane.queue.extendleft(reversed(member.detach(lane)))
        member.stale = bool(others)
        log.info("worker.isolated", pid=member.process.pid, file=slow.file, moved=len(others))
        self.replace(others, alone=False)

    def renew(self, member: Member) -> None:
        """The lane of a worker for one file, which has no jobs there, goes on in one that holds nothing of other files."""
        lanes = list(member.lanes)
        for lane in lanes:
            member.detach(lane)
        self._retire(member)
        for lane in lanes:
            self.replace([lane], alone=True)

    def lost(self, member: Member) -> list[Lane]:
        """The worker has died. Returns its lanes, which have no place now."""
        lanes = list(member.lanes)
        member.lanes.clear()
        for lane in lanes:
            lane.member = None
        if member.alone:
            self._alone.discard(member)
        else:
            self._shared.remove(member)
        return lanes

    def replace(self, lanes: list[Lane], *, alone: bool, pause: float = 0.0) -> None:
        """Start a worker for the lanes, after so many seconds."""
        work = self._start_for(lanes, alone=alone, pause=pause)
        task = asyncio.get_running_loop().create_task(work, name="replace-worker")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start_for(self, lanes: list[Lane], *, alone: bool, pause: float) -> None:
        if pause:
            await asyncio.sleep(pause)
        await self._states_at_last(lanes)
        member = await self._starter.member_at_last(alone=alone)
        if alone:
            self._alone.add(member)
        else:
            self._shared.append(member)
            lanes += self._homeless
            self._homeless = []
        for lane in lanes:
            if lane.gone or lane.member is not None or lane.alone is not alone:
                continue  # removed meanwhile, or at home again, or about to be
            member.attach(lane)
            member.load(lane.version, self._state(lane.file))
        log.debug("worker.replaced", pid=member.process.pid, files=[lane.file for lane in lanes])
        if alone and not member.lanes:
            self._retire(member)
        else:
            self._settled(member)

    async def _states_at_last(self, lanes: list[Lane]) -> None:
        """The states of the files have been read, however often that has to be tried."""
        while True:
            try:
                for lane in (*lanes, *self._homeless):
                    self._state(lane.file)
            except StorageUnavailable as error:
                log.error("worker.start_failed", reason=str(error))
                await asyncio.sleep(RETRY)
            else:
                return

    def _retire(self, member: Member) -> None:
        self._alone.discard(member)
        member.close()
