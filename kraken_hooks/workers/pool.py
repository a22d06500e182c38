"""The pool: which hook file lives in which worker, one job at a time for each file, and no file hurt by its neighbour.

Files share a few workers. A hook that is slow (100 ms) keeps its worker for itself: the other files there move to a new
one and their waiting jobs with them, which is safe because nothing of a run happens before it has ended well. A hook
that does not end is killed with its worker; the innocent jobs in that pipe run again elsewhere.

All of this runs on the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import count
from typing import Final, Protocol

from kraken_hooks import logs
from kraken_hooks.errors import WorkerProtocolError
from kraken_hooks.outcome import Outcome, RunError, RunStatus
from kraken_hooks.progress import Activity, Doing
from kraken_hooks.wire import Answer, Configure, Done, FromWorker, Loaded, LoadFailed, Query, Ready, SetState
from kraken_hooks.workers.job import Job, Version
from kraken_hooks.workers.member import Lane, Member
from kraken_hooks.workers.places import Places
from kraken_hooks.workers.probe import Probe
from kraken_hooks.workers.quarantine import KILLS
from kraken_hooks.workers.starter import RETRY, Starter
from kraken_hooks.workers.vetting import CheckEffect, vet, vet_loaded, vet_query

log = logs.get()

#: A run that takes longer has its worker for itself from then on, seconds.
SLOW: Final = 0.1
#: How often a busy worker is looked at, seconds.
_LOOK: Final = 0.05
#: What a hook gets on top of its soft limit before its worker is killed: a share of it and a fixed part, seconds.
_GRACE_SHARE: Final = 0.25
_GRACE: Final = 0.25
#: How often a job may be in a worker that dies for no known reason.
_DEATHS: Final = 3


class Employer(Protocol):
    """Whom the pool works for: the engine."""

    def ran(self, job: Job, outcomes: list[Outcome], *, ended: bool) -> None:
        """Hooks of a job have ended; `ended`: all of them."""
        ...

    def asked(self, job: Job, name: str, args: dict[str, object], answer: Callable[[Answer], None], query: int) -> None:
        """A run waits for the answer of a query."""
        ...

    def state(self, file: str) -> dict[str, object]:
        """The state of a hook file as of the outcomes that were handed over.

        Raises:
            StorageUnavailable: it cannot be read now; once it has been, it is known until jobs are forgotten.
        """
        ...


class Pool:
    """`workers` processes that hook files share, and one each for the files that have shown to be slow.

    `workers` of None: each hook file has a worker of its own.
    """

    def __init__(self, configure: Configure, workers: int | None, check_effect: CheckEffect) -> None:
        self._check_effect = check_effect
        self._employer: Employer | None = None
        self._lanes: dict[str, Lane] = {}
        self._numbers = count(1)
        self._issued = 0
        self._hard = configure.timeout * (1 + _GRACE_SHARE) + _GRACE
        self._starter = Starter(configure, self._hard, self._on_frame, self._on_end)
        self._places = Places(self._starter, workers, self._state, self._settled)
        self._closing = False

    async def start(self, employer: Employer) -> None:
        """Raises:
        LockdownMissing: this machine cannot lock workers down as the settings demand.
        WorkersUnavailable: no worker process can be started.
        """
        self._employer = employer
        await self._starter.try_lockdown()
        await self._places.start()

    async def close(self) -> None:
        """End all workers at once. Nothing more is reported."""
        self._closing = True
        self._places.close()
        self._starter.close()

    # ── hook files ──

    def probe(self) -> Probe:
        """A worker to load new versions in, before they come here."""
        return self._starter.probe(fresh=self._places.per_file)

    def next_version(self) -> int:
        return next(self._numbers)

    def adopt(self, version: Version) -> None:
        """From now on jobs of this file are made with this version; those that are there end with theirs."""
        lane = self._lanes.get(version.file)
        if lane is None:
            lane = self._lanes[version.file] = Lane(version.file, version, alone=self._places.per_file)
            self._places.give(lane)
        else:
            before, lane.version, lane.removed = lane.version, version, False
            self._forget_version(lane, before)
            if lane.alone and not self._places.per_file and not lane.jobs:
                self._places.go_home(lane)  # a new version is not slow until it has shown it
        if lane.member is not None:
            lane.member.load(version, self._state(version.file))
            self._look_later(lane.member)

    def remove(self, file: str) -> None:
        """No new jobs for this file; those that are there end."""
        lane = self._lanes.get(file)
        if lane is not None:
            lane.removed = True
            self._leave_if_done(lane)

    def placement(self) -> list[tuple[int, list[str], bool]]:
        """Each worker's process id, the hook files that live there, and whether it is for one file alone."""
        return [
            (member.process.pid, sorted(lane.file for lane in member.lanes), member.alone) for member in self._places
        ]

    def quarantined(self) -> list[str]:
        """Full names of the hooks that do not run."""
        return [hook for lane in self._lanes.values() for hook in lane.version.quarantine.hooks()]

    # ── jobs ──

    def submit(self, job: Job) -> None:
        """Run the job after those that the file has already."""
        lane = self._lanes[job.version.file]
        lane.jobs += 1
        job.version.jobs += 1
        lane.queue.append(job)
        member = lane.member
        if member is not None:
            if len(lane.queue) == 1:
                member.ready.append(lane)
            self._pump(member)

    def forget(self) -> None:
        """Nobody waits for the jobs any more. Those that are in a pipe run there, and what they report is thrown away."""
        for lane in list(self._lanes.values()):
            for job in lane.queue:
                lane.jobs -= 1
                job.version.jobs -= 1
            lane.queue.clear()
            self._leave_if_done(lane)
        for member in self._places:
            member.ready.clear()
            for job in member.inflight.values():
                job.forgotten = True

    def set_state(self, file: str, state: dict[str, object]) -> None:
        """What the worker knows of the file's state is replaced, before any job that is submitted from now on."""
        lane = self._lanes.get(file)
        if lane is not None and lane.member is not None and file in lane.member.files:
            lane.member.process.send(SetState(file, state))

    def _pump(self, member: Member) -> None:
        """Fill the worker's pipe, a job from each lane in turn."""
        if member.stale and not member.inflight:
            self._places.renew(member)
            return
        while member.ready and member.has_room:
            lane = member.ready.popleft()
            job = lane.queue.popleft()
            if lane.queue:
                member.ready.append(lane)
            if job.forgotten or (job.version.quarantine and self._refuse_quarantined(job)):
                self._finished(lane, job)
                continue
            if job.version.number not in member.loaded:
                member.load(job.version, self._state(lane.file))
            self._issued += 1
            member.put(job, self._issued)
            self._look_later(member)

    def _refuse_quarantined(self, job: Job) -> bool:
        """Fail the job's hooks that are in quarantine. True where none is left."""
        closed = [hook for hook in job.hooks if job.full_name(hook) in job.version.quarantine]
        if not closed:
            return False
        error = RunError("Quarantine", f"killed {KILLS} times in a row; it runs again when its file changes")
        outcomes = [Outcome(job.full_name(hook), RunStatus.FAILED, error=error) for hook in closed]
        job.hooks = [hook for hook in job.hooks if hook not in closed]
        self._boss.ran(job, outcomes, ended=not job.hooks)
        return not job.hooks

    def _finished(self, lane: Lane, job: Job) -> None:
        lane.jobs -= 1
        job.version.jobs -= 1
        self._forget_version(lane, job.version)
        if lane.removed:
            self._leave_if_done(lane)

    def _forget_version(self, lane: Lane, version: Version) -> None:
        if version is not lane.version and version.jobs == 0 and lane.member is not None:
            lane.member.unload(version)

    def _leave_if_done(self, lane: Lane) -> None:
        """A file that is removed has no lane any more when nothing of it is left to run."""
        if lane.gone:
            del self._lanes[lane.file]
            self._places.leave(lane)

    # ── what workers report ──

    def _on_frame(self, member: Member, frame: FromWorker) -> None:
        if type(frame) is Query:
            self._on_query(member, frame)
            return
        member.heard = time.monotonic()
        if type(frame) is Done:
            self._on_done(member, frame)
        elif isinstance(frame, Loaded | LoadFailed):
            member.ledger.ends_load(frame.version)
            vet_loaded(frame)
            if isinstance(frame, LoadFailed):
                self._on_load_failed(member, frame)
        elif type(frame) is Ready:
            member.ledger.greets()

    def _on_done(self, member: Member, frame: Done) -> None:
        job = member.inflight.get(frame.job)
        if job is None:
            member.ledger.reports_on_moved(frame.job)
            return
        if not frame.ended and not frame.outcomes:
            raise WorkerProtocolError("a report of nothing")
        out_of_memory = self._vet(job, frame.outcomes)
        if out_of_memory and not member.alone and len(member.lanes) > 1:
            self._run_alone(member, job, out_of_memory, frame.outcomes)
            return
        lane = self._lanes[job.version.file]
        if frame.ended:
            member.take(frame.job)
        if not job.forgotten:
            self._boss.ran(job, frame.outcomes, ended=frame.ended)
        if frame.ended:
            self._finished(lane, job)
            self._pump(member)
        for hook in out_of_memory:
            self._count_kill(job, hook)
        if out_of_memory:
            member.blameless = True
            member.process.kill("a hook has used up its memory")

    def _vet(self, job: Job, outcomes: list[Outcome]) -> list[str]:
        """Check the outcomes and strike their hooks off the job. Returns the hooks that ran out of memory."""
        waiting = {job.full_name(hook): hook for hook in job.hooks}
        out_of_memory = []
        for outcome in outcomes:
            vet(outcome, waiting, self._check_effect)
            del waiting[outcome.hook]
            if outcome.error is not None and outcome.error.type == "MemoryError":
                out_of_memory.append(outcome.hook)
            else:
                job.version.quarantine.ended(outcome.hook)
        job.hooks = list(waiting.values())
        return out_of_memory

    def _run_alone(self, member: Member, job: Job, hooks: list[str], outcomes: list[Outcome]) -> None:
        """A run had no memory in a worker that it shares: a neighbour may have used it up. Run it again, alone."""
        lane = self._lanes[job.version.file]
        job.hooks = [hook for hook in job.sent if hook in job.hooks or job.full_name(hook) in hooks]
        fine = [outcome for outcome in outcomes if outcome.hook not in hooks]
        if fine and not job.forgotten:
            self._boss.ran(job, fine, ended=False)
        lane.alone = True
        member.blameless = True
        member.process.kill("its memory is used up")

    def _on_query(self, member: Member, frame: Query) -> None:
        job = member.inflight.get(frame.job)
        if job is None:
            member.ledger.reports_on_moved(frame.job)
            return
        member.ledger.asks(member.process.unread)
        vet_query(frame.args)
        if job.forgotten:
            member.answer(Answer(frame.query, error="the run was given up"))
            return
        self._boss.asked(job, frame.name, frame.args, member.answer, frame.query)

    def _on_load_failed(self, member: Member, frame: LoadFailed) -> None:
        """A version that loaded before did not load here: its jobs cannot run."""
        member.loaded.discard(frame.version)
        reason = frame.problems[0].message if frame.problems else "unknown"
        jobs = [job for job in member.inflight.values() if job.version.number == frame.version]
        for job in jobs:
            member.take(job.number)
            self._fail(job, RunStatus.FAILED, RunError("LoadFailed", f"the file loaded once, but not again: {reason}"))
        self._pump(member)

    def _fail(self, job: Job, status: RunStatus, error: RunError) -> None:
        """All hooks that the job has left have failed."""
        outcomes = [Outcome(job.full_name(hook), status, error=error) for hook in job.hooks]
        job.hooks = []
        if not job.forgotten:
            self._boss.ran(job, outcomes, ended=True)
        self._finished(self._lanes[job.version.file], job)

    # ── watching ──

    def _settled(self, member: Member) -> None:
        """A new worker has its lanes; some may have jobs."""
        self._look_later(member)
        self._pump(member)

    def _look_later(self, member: Member) -> None:
        if member.timer is None:
            member.timer = asyncio.get_running_loop().call_later(_LOOK, self._look, member)

    def _look(self, member: Member) -> None:
        """Is a run slow, or past its limit?"""
        member.timer = None
        member.process.hurry()
        doing = member.process.doing()
        now = time.monotonic()
        age = now - doing.since
        if doing.activity is Activity.IDLE and not member.inflight:
            return
        held_up = doing.activity is Activity.COLLECTING and not doing.index
        job = member.inflight.get(doing.number) if doing.activity is Activity.RUNNING or held_up else None
        silent = now - member.heard > self._hard * (len(job.sent) + 1 if job else 2)
        if (doing.activity is not Activity.IDLE and age > self._hard) or (member.inflight and silent):
            member.process.kill(f"a hook did not end within {self._hard:g} s")
            return
        if job is not None and age > SLOW and not member.alone:
            self._places.isolate(self._lanes[job.version.file], member)
        self._look_later(member)

    # ── the end of a worker ──

    def _on_end(self, member: Member, reason: str) -> None:
        if self._closing:
            return
        member.stop_looking()
        doing = member.process.doing()
        jobs = list(member.inflight.values())
        member.inflight.clear()
        lanes = self._places.lost(member)
        guilty = None if member.blameless else self._blame(doing, jobs, lanes, reason)
        log.warning("worker.died", pid=member.process.pid, reason=reason, hook=guilty or "", rerun=len(jobs))
        idle = not jobs and time.monotonic() - member.began < RETRY
        self._rerun(jobs)
        pause = RETRY if idle else 0.0  # what ends a worker that has nothing to do would end the next one as fast
        together = [lane for lane in lanes if not lane.alone]
        if not member.alone:
            self._places.replace(together, alone=False, pause=pause)
        for lane in lanes:
            if lane.alone:
                self._places.replace([lane], alone=True, pause=pause)

    def _blame(self, doing: Doing, jobs: list[Job], lanes: list[Lane], reason: str) -> str | None:
        """Who was it? Reports the run as killed and returns the hook's full name, or its file."""
        if doing.activity is Activity.COLLECTING:
            return self._set_apart(doing, jobs, lanes)
        if doing.activity is Activity.LOADING:
            self._blame_load(doing, jobs, lanes, reason)
            return None
        guilty = next((job for job in jobs if job.number == doing.number), None)
        if guilty is None or doing.index >= len(guilty.sent) or guilty.sent[doing.index] not in guilty.hooks:
            for job in jobs:
                job.deaths += 1
            return None
        return self._killed(guilty, guilty.sent[doing.index], reason)

    def _blame_load(self, doing: Doing, jobs: list[Job], lanes: list[Lane], reason: str) -> None:
        """It has loaded well before: unless it is past its limit, it may not be to blame."""
        for lane in lanes:
            if lane.version.number == doing.number:
                lane.alone = True  # the next worker loads it too: no other file's jobs wait behind that
        endless = time.monotonic() - doing.since > self._hard
        for job in [job for job in jobs if job.version.number == doing.number]:
            job.deaths += 1
            if endless:
                jobs.remove(job)
                self._fail(job, RunStatus.KILLED, RunError("Killed", f"loading the file: {reason}"))

    def _set_apart(self, doing: Doing, jobs: list[Job], lanes: list[Lane]) -> str | None:
        """What a file left behind did not end, in a run that is not to blame. From now on it holds up only its own runs; where
        nobody knows whose it was, the run has a worker in which nobody leaves anything.
        """
        for lane in self._lanes.values():
            if lane.version.number == doing.index and not lane.alone:
                lane.alone = lane in lanes  # else it has moved away meanwhile, and left nothing where it is now
                return lane.file
        for job in jobs:
            job.deaths += 1
            if job.number == doing.number:
                self._lanes[job.version.file].alone = True
        return None

    def _killed(self, job: Job, hook: str, reason: str) -> str:
        name = job.full_name(hook)
        job.hooks = [other for other in job.hooks if other != hook]
        outcome = Outcome(name, RunStatus.KILLED, error=RunError("Killed", reason), duration=self._hard)
        if not job.forgotten:
            self._boss.ran(job, [outcome], ended=False)  # where it was the last one, `_rerun` says so
        self._count_kill(job, name)
        return name

    def _count_kill(self, job: Job, hook: str) -> None:
        if job.version.quarantine.killed(hook):
            log.error("hook.quarantined", hook=hook, kills=KILLS)

    def _rerun(self, jobs: list[Job]) -> None:
        """Put the jobs of a dead worker back at the front of their lanes."""
        again = []
        for job in jobs:
            if job.forgotten or not job.hooks:
                if not job.forgotten:  # all its hooks have ended; only the frame that says so is missing
                    self._boss.ran(job, [], ended=True)
                self._finished(self._lanes[job.version.file], job)
            elif job.deaths > _DEATHS:
                self._fail(job, RunStatus.KILLED, RunError("Killed", "its worker died again and again"))
            else:
                again.append(job)
        for job in reversed(again):
            self._lanes[job.version.file].queue.appendleft(job)

    def _state(self, file: str) -> dict[str, object]:
        return self._boss.state(file)

    @property
    def _boss(self) -> Employer:
        assert self._employer is not None, "start() comes first"
        return self._employer
