"""The pool with real workers and no broker around it: what becomes of jobs and places where workers die, and files change
meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from kraken_hooks import logs
from kraken_hooks.errors import StorageUnavailable
from kraken_hooks.message import Message
from kraken_hooks.outcome import Outcome
from kraken_hooks.progress import Activity
from kraken_hooks.sinks import registry
from kraken_hooks.wire import Configure
from kraken_hooks.workers.job import Job, Version
from kraken_hooks.workers.pool import Pool

PATIENCE = 60
HOOK = b"""
import time
from kraken_hooks import on, state
@on()
def f(msg):
    while msg.text == "stay": time.sleep(0.001)
    if msg.text == "slow": time.sleep(0.15)
    if msg.text == "endless": sum(range(10**12))
    return str(state.incr("n"))
"""
FILES = ("a.py", "b.py", "c.py")
ENDLESS = "sum(range(10**12))"  # one operation: no time limit ends it from inside


class Employer:
    """`ended`: payload of the message and what became of the run, in the order in which runs ended. `unreadable`: so many times
    the state cannot be read.
    """

    def __init__(self) -> None:
        self.unreadable = 0
        self.ended: asyncio.Queue[tuple[str, Outcome]] = asyncio.Queue()

    def ran(self, job, outcomes, *, ended):
        for outcome in outcomes:
            self.ended.put_nowait((job.message.payload.decode(), outcome))

    def asked(self, job, name, args, answer, query):
        raise AssertionError(name)

    def state(self, file):
        if self.unreadable:
            self.unreadable -= 1
            raise StorageUnavailable("no read")
        return {"n": 41}

    async def next(self, count: int = 1) -> dict[str, Outcome]:
        return dict([await self.ended.get() for _ in range(count)])


class Bookkeeper(Employer):
    """Keeps the state of each file. `over`: numbers of the messages whose jobs have ended. `wrong`: runs that came before an
    earlier one, or did not find what the one before them had left.
    """

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, dict[str, object]] = {}
        self.latest: dict[str, int] = {}
        self.over: list[int] = []
        self.wrong: list[str] = []

    def ran(self, job, outcomes, *, ended):
        file, number = job.version.file, job.message.seq
        for outcome in outcomes:
            if outcome.ok:
                before = self.state(file)["n"]
                if outcome.state != {"n": before + 1} or number <= self.latest.get(file, 0):
                    self.wrong.append(
                        f"message {number} of {file} after {self.latest.get(file)}: {before}, {outcome.state}"
                    )
                self.states[file], self.latest[file] = outcome.state, number
        if ended:
            self.over.append(number)
        super().ran(job, outcomes, ended=ended)

    def state(self, file):
        return self.states.get(file, {"n": 0})


class Rig:
    def __init__(self, pool: Pool, employer: Employer) -> None:
        self.pool = pool
        self.employer = employer
        self.sent = 0

    def adopt(self, file: str, source: bytes = HOOK) -> Version:
        """A version that has loaded well in a probe, whatever it does in a worker."""
        version = Version(self.pool.next_version(), file, source, [], [], [])
        self.pool.adopt(version)
        return version

    def submit(self, version: Version, text: str) -> Job:
        self.sent += 1
        message = Message(self.sent, f"m{self.sent}", "collector", "tcp", "text/plain", "{}", text.encode(), 1)
        job = Job(message, version, ["f"], None, asked=["f"])
        self.pool.submit(job)
        return job

    async def all_placed(self) -> None:
        """All workers that are to be started are there."""
        while tasks := self.pool._places._tasks:
            await asyncio.gather(*tasks)


def in_pool(
    scenario: Callable[[Rig], Awaitable[None]], employer: Employer, *, limit: float = 20.0, workers: int = 1
) -> None:
    """Run it with a pool of so many workers that files share. `limit`: of a run, seconds."""
    logs.silence()

    @asynccontextmanager
    async def started() -> AsyncIterator[Rig]:
        pool = Pool(Configure({}, limit, 128 * 2**20, "boot", False), workers, registry.check)
        await pool.start(employer)
        try:
            yield Rig(pool, employer)
        finally:
            await pool.close()

    async def run() -> None:
        async with started() as rig:
            await scenario(rig)

    asyncio.run(asyncio.wait_for(run(), PATIENCE))


def test_a_file_that_was_removed_when_jobs_were_given_up_runs_when_it_is_back():
    """Its worker has just died, so that it has no place either."""

    async def scenario(rig):
        rig.submit(rig.adopt("rule.py"), "stay")
        [worker] = rig.pool._places
        worker.process.kill("a test")
        assert rig.pool.placement() == []
        rig.pool.remove("rule.py")
        rig.pool.forget()
        await rig.all_placed()
        rig.submit(rig.adopt("rule.py"), "back")
        assert (await rig.employer.next())["back"].ok

    in_pool(scenario, Employer())


def test_a_file_that_goes_home_while_its_worker_is_replaced_runs_after_the_next_death_too():
    """It was slow, so it had a worker for itself; that one and the shared one have just died when the file changes."""

    async def scenario(rig):
        rig.adopt("rule.py")
        [shared] = rig.pool._places
        rig.pool._places.isolate(rig.pool._lanes["rule.py"], shared)
        await rig.all_placed()
        for worker in sorted(rig.pool._places, key=lambda worker: not worker.alone):
            worker.process.kill("a test")
        version = rig.adopt("rule.py")
        await rig.all_placed()
        assert [(files, alone) for _, files, alone in rig.pool.placement()] == [(["rule.py"], False)]
        for worker in list(rig.pool._places):
            worker.process.kill("a test")
        rig.submit(version, "after")
        assert (await rig.employer.next())["after"].ok

    in_pool(scenario, Employer())


def test_a_version_that_does_not_load_in_a_worker_costs_the_next_one_no_state():
    async def scenario(rig):
        rig.adopt("rule.py", b"1 / 0")
        rig.submit(rig.adopt("rule.py"), "counted")
        assert (await rig.employer.next())["counted"].state == {"n": 42}

    in_pool(scenario, Employer())


def test_a_file_that_does_not_end_loading_holds_up_only_itself():
    """It has loaded well in a probe, and does what it likes in a worker that it shares."""

    async def scenario(rig):
        bad = rig.adopt("bad.py", ENDLESS.encode())
        rig.submit(bad, "bad")
        rig.submit(rig.adopt("good.py"), "good")
        ended = await rig.employer.next(2)
        assert ended["good"].ok
        assert ended["bad"].error.message.startswith("loading the file")

    in_pool(scenario, Employer(), limit=1.0)


def test_what_jobs_of_the_last_version_do_puts_no_hook_of_a_changed_file_in_quarantine():
    """The author has repaired it; the jobs that were there before end with the version that they were made for."""

    async def scenario(rig):
        bad = rig.adopt("rule.py")
        for text in ("endless", "endless", "endless", "fine"):
            rig.submit(bad, text)
        repaired = rig.adopt("rule.py")
        rig.submit(repaired, "repaired")
        ended = [await rig.employer.ended.get() for _ in range(5)]
        assert [text for text, _ in ended] == ["endless", "endless", "endless", "fine", "repaired"]
        assert [outcome.ok for _, outcome in ended] == [False, False, False, False, True]
        assert ended[3][1].error.type == "Quarantine"
        assert rig.pool.quarantined() == []

    in_pool(scenario, Employer(), limit=0.5)


def test_a_worker_that_dies_while_it_loads_costs_no_run():
    """Whatever ended it: the file has loaded well before."""

    async def scenario(rig):
        version = rig.adopt("rule.py", HOOK + b"time.sleep(1)\n")
        for text in ("first", "second"):
            rig.submit(version, text)
        [worker] = rig.pool._places
        while worker.process.doing().activity is not Activity.LOADING:  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0)
        os.kill(worker.process.pid, signal.SIGKILL)
        ended = await rig.employer.next(2)
        assert [outcome.ok for outcome in ended.values()] == [True, True]

    in_pool(scenario, Employer())


def test_jobs_that_are_given_up_because_their_workers_died_end_in_order():
    async def scenario(rig):
        version = rig.adopt("rule.py")
        for text in ("first", "second", "third"):
            rig.submit(version, text).deaths = 3
        [worker] = rig.pool._places
        worker.process.kill("a test")
        ended = [await rig.employer.ended.get() for _ in range(3)]
        assert [text for text, _ in ended] == ["first", "second", "third"]
        assert {outcome.error.message for _, outcome in ended} == {"its worker died again and again"}

    in_pool(scenario, Employer())


def test_jobs_that_were_given_up_do_not_run_again_where_their_file_moves():
    """They would change the state that the worker has there, and nobody keeps what they change."""

    async def scenario(rig):
        rig.submit(rig.adopt("slow.py"), "stay")
        version = rig.adopt("rule.py")
        rig.submit(version, "given up")
        [worker] = rig.pool._places
        assert len(worker.inflight) == 2
        rig.pool.forget()
        rig.pool._places.isolate(rig.pool._lanes["slow.py"], worker)
        rig.submit(version, "counted")
        assert (await rig.employer.next())["counted"].state == {"n": 42}

    in_pool(scenario, Employer())


def test_a_worker_that_dies_while_the_disk_cannot_be_read_is_replaced_when_it_can():
    async def scenario(rig):
        version = rig.adopt("rule.py")
        [worker] = rig.pool._places
        rig.employer.unreadable = 1
        worker.process.kill("a test")
        rig.submit(version, "waits")
        assert (await rig.employer.next())["waits"].state == {"n": 42}

    in_pool(scenario, Employer())


def shake(rig: Rig, chance: random.Random) -> None:
    """Something that may happen while hooks run."""
    pool = rig.pool
    workers = list(pool._places)
    match chance.randrange(5):
        case 0 if workers:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(workers).process.pid, signal.SIGKILL)
        case 1 if workers:
            chance.choice(workers).process.kill("a test")
        case 2 if pool._starter._spawner._process is not None:
            pool._starter._spawner._process.kill()
        case 3:
            rig.adopt(chance.choice(FILES))
        case 4:
            file = chance.choice(FILES)
            pool.remove(file)
            rig.adopt(file)


@pytest.mark.parametrize("seed", range(2))
def test_whatever_happens_every_job_ends_once_and_runs_of_a_file_in_order(seed):
    """Workers and the process that forks them die, files change, go and come back, runs are slow and endless, at random."""
    chance, employer = random.Random(seed), Bookkeeper()

    async def scenario(rig):
        for file in FILES:
            rig.adopt(file)
        for _ in range(100):
            for _ in range(chance.choice([1, 5, 20])):
                version = rig.pool._lanes[chance.choice(FILES)].version
                rig.submit(version, chance.choices(["fine", "slow", "endless"], [300, 8, 1])[0])
            if chance.random() < 0.4:
                shake(rig, chance)
            for _ in range(chance.randrange(12)):
                if len(employer.over) < rig.sent:
                    await employer.ended.get()
        while len(employer.over) < rig.sent:
            await employer.ended.get()
        assert sorted(employer.over) == list(range(1, rig.sent + 1))
        assert employer.wrong == []

    in_pool(scenario, employer, limit=0.5, workers=1 + seed % 2)
