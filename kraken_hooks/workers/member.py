"""One worker of the pool: which lanes live there, which jobs are in its pipe. A lane keeps the jobs of a hook file in order."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from kraken_hooks.wire import Answer, Forget, Load, Run, Unload
from kraken_hooks.workers.job import Job, Version
from kraken_hooks.workers.ledger import Ledger
from kraken_hooks.workers.process import WorkerProcess

#: Most jobs in a worker's pipe: enough to hide the way there and back, few enough to move to another worker.
WINDOW: Final = 64
#: No further job goes into the pipe beyond this, bytes.
WINDOW_BYTES: Final = 4 * 1024 * 1024


@dataclass(slots=True, eq=False)
class Lane:
    """The jobs of one hook file, in order of arrival; they run one at a time. `alone`: in a worker of its own.

    `jobs` counts those that have not ended, of all versions: in the queue, in a pipe, or on their way from a dead worker.
    """

    file: str
    version: Version
    queue: deque[Job] = field(default_factory=deque)
    jobs: int = 0
    member: Member | None = None
    alone: bool = False
    removed: bool = False

    @property
    def gone(self) -> bool:
        """The file is removed, and nothing of it is left to run."""
        return self.removed and not self.jobs


@dataclass(slots=True, eq=False)
class Member:
    """`ready` holds the lanes that have jobs waiting, served in turn. `heard` is when it last got on: began with an
    empty pipe, or reported the end of something; queries do not count. `began`: when it was started (both monotonic seconds).

    `stale`: its memory still holds traces of files that have moved away; it gets no more jobs and is replaced when it has done
    what it has.
    """

    process: WorkerProcess
    alone: bool
    lanes: set[Lane] = field(default_factory=set)
    ready: deque[Lane] = field(default_factory=deque)
    inflight: dict[int, Job] = field(default_factory=dict)
    inflight_bytes: int = 0
    loaded: set[int] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    heard: float = 0.0
    began: float = field(default_factory=time.monotonic)
    timer: asyncio.TimerHandle | None = None
    blameless: bool = False
    stale: bool = False
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def has_room(self) -> bool:
        return not self.stale and len(self.inflight) < WINDOW and self.inflight_bytes < WINDOW_BYTES

    def load(self, version: Version, state: dict[str, object]) -> None:
        """Have the version loaded, before anything that is sent later."""
        if version.number in self.loaded:
            return
        self.loaded.add(version.number)
        known = version.file in self.files
        self.files.add(version.file)
        self.ledger.sent_load(version.number)
        self.process.send(Load(version.number, version.file, version.source, None if known else state))

    def unload(self, version: Version) -> None:
        if version.number in self.loaded:
            self.loaded.discard(version.number)
            self.process.send_now(Unload(version.number))

    def put(self, job: Job, number: int) -> None:
        """Send a job whose version is loaded."""
        if not self.inflight:
            self.heard = time.monotonic()
        job.number = number
        job.sent = list(job.hooks)
        self.inflight[number] = job
        self.inflight_bytes += job.message.size
        self.process.send(Run(number, job.version.number, job.sent, job.message))

    def take(self, number: int) -> Job | None:
        """The job is no longer in the pipe."""
        job = self.inflight.pop(number, None)
        if job is not None:
            self.inflight_bytes -= job.message.size
        return job

    def answer(self, answer: Answer) -> None:
        """What a run has waited for."""
        self.ledger.answered()
        self.process.answer(answer)

    def attach(self, lane: Lane) -> None:
        lane.member = self
        self.lanes.add(lane)
        if lane.queue:
            self.ready.append(lane)

    def detach(self, lane: Lane) -> list[Job]:
        """The lane leaves; returns its jobs that were in the pipe, in order."""
        taken = [job for job in self.inflight.values() if job.version.file == lane.file]
        for job in taken:
            self.take(job.number)
            self.ledger.moved_job(job.number, len(job.sent))
        self.loaded -= {job.version.number for job in taken} | {lane.version.number}
        if lane.file in self.files:
            self.files.discard(lane.file)
            self.process.send_now(Forget(lane.file))
        self.lanes.discard(lane)
        lane.member = None
        if lane in self.ready:
            self.ready.remove(lane)
        return taken

    def stop_looking(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def close(self) -> None:
        """Let the process end; nothing more is heard of it."""
        self.stop_looking()
        self.process.close()
