"""The engine with workers and a storage that do as the test says."""

from __future__ import annotations

import asyncio
import threading

import pytest
from rig import PATIENCE

from kraken_hooks.engine.committer import Committer
from kraken_hooks.engine.engine import Engine, Limits
from kraken_hooks.engine.flight import MAX_DEPTH
from kraken_hooks.engine.queries import Queries, Source
from kraken_hooks.errors import StorageUnavailable
from kraken_hooks.message import Message, Response
from kraken_hooks.outbox.base import DeadFilter, Keep, PendingMessage, Transaction
from kraken_hooks.outbox.memory import MemoryOutbox
from kraken_hooks.outcome import HookSpec, Outcome, RunStatus
from kraken_hooks.rehearsal import Stage
from kraken_hooks.reload.catalog import Catalog
from kraken_hooks.sinks import store
from kraken_hooks.wire import encode
from kraken_hooks.workers.job import Job, Version

#: A number of the year 2116.
AHEAD = 2**62


class Workers:
    """In the pool's place: jobs wait here until the test lets them end."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.states: dict[str, dict[str, object]] = {}
        self.came = asyncio.Event()

    def adopt(self, version: Version) -> None:
        pass

    def remove(self, file: str) -> None:
        pass

    def submit(self, job: Job) -> None:
        self.jobs.append(job)
        self.came.set()

    def forget(self) -> None:
        self.jobs.clear()

    def set_state(self, file: str, state: dict[str, object]) -> None:
        self.states[file] = dict(state)

    async def end_next(self, engine: Engine) -> Job:
        while not self.jobs:
            self.came.clear()
            await self.came.wait()
        job = self.jobs[0]
        self.end(engine, job)
        return job

    async def wait_for_another(self, known: Job) -> None:
        while not any(job is not known for job in self.jobs):
            self.came.clear()
            await self.came.wait()

    def end(self, engine: Engine, job: Job) -> None:
        self.jobs.remove(job)
        outcomes = [Outcome(job.full_name(hook), RunStatus.OK, state={"x": 1}) for hook in job.hooks]
        engine.ran(job, outcomes, ended=True)


class Unreadable(MemoryOutbox):
    """A disk that is away for a while: no write, and then no read, for so many tries."""

    writes_fail = reads_fail = 0

    def commit(self, batch: list[Transaction]) -> None:
        if self.writes_fail:
            self.writes_fail -= 1
            raise StorageUnavailable("no write")
        super().commit(batch)

    def state(self, file: str) -> dict[str, object]:
        if self.reads_fail:
            self.reads_fail -= 1
            raise StorageUnavailable("no read")
        return super().state(file)


def test_after_a_failed_commit_it_goes_on_also_where_the_disk_cannot_be_read_at_first():
    async def scenario() -> dict[str, object]:
        outbox, workers = Unreadable(), Workers()
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        limits = Limits(reply_wait=PATIENCE, queued_bytes=2**30)
        engine = Engine(workers, outbox, committer, store, Queries({}, 1.0), limits)
        engine.adopt(Version(1, "a.py", b"", [HookSpec("f", 1)], [], []))
        engine.state("a.py")

        def send() -> asyncio.Task[Response]:
            return asyncio.create_task(engine.handle("collector", "webhook", "text/plain", "", b""))

        calls = [send() for _ in range(MAX_DEPTH)]
        outbox.writes_fail = outbox.reads_fail = 1
        await workers.end_next(engine)
        refused = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(one) for one in refused} == {StorageUnavailable}
        while True:  # until the disk has been read
            call = send()
            ended = asyncio.create_task(workers.end_next(engine))
            await asyncio.wait([call, ended], return_when=asyncio.FIRST_COMPLETED)
            if call.done() and call.exception() is not None:
                ended.cancel()
                await asyncio.sleep(0.01)
                continue
            await ended
            await call
            await engine.close()
            await asyncio.to_thread(committer.stop)
            return outbox.state("a.py")

    assert asyncio.run(asyncio.wait_for(scenario(), PATIENCE)) == {"x": 1}


def test_after_a_failed_commit_the_state_of_a_removed_file_too_is_what_is_on_disk():
    """Jobs of it may still be in a worker, which goes on with the file when it comes back meanwhile."""

    async def scenario() -> dict[str, dict[str, object]]:
        outbox, workers = Unreadable(), Workers()
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        limits = Limits(reply_wait=PATIENCE, queued_bytes=2**30)
        engine = Engine(workers, outbox, committer, store, Queries({}, 1.0), limits)
        for number, file in enumerate(("a.py", "removed.py")):
            engine.adopt(Version(number, file, b"", [HookSpec("f", 1)], [], []))
        calls = [asyncio.create_task(engine.handle("collector", "webhook", "text/plain", "", b"")) for _ in range(2)]
        for _ in range(4):
            await workers.end_next(engine)
        await asyncio.gather(*calls)
        engine.remove("removed.py")
        outbox.writes_fail = 1
        call = asyncio.create_task(engine.handle("collector", "webhook", "text/plain", "", b""))
        await workers.end_next(engine)
        await asyncio.wait([call])
        assert isinstance(call.exception(), StorageUnavailable)
        await engine.close()
        await asyncio.to_thread(committer.stop)
        return workers.states

    assert asyncio.run(asyncio.wait_for(scenario(), PATIENCE)) == {"a.py": {"x": 1}, "removed.py": {"x": 1}}


class Slow(MemoryOutbox):
    """Reading the inbox takes until the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go_on = threading.Event(), threading.Event()

    def pending(self, file: str, after: int, limit: int) -> list[PendingMessage]:
        found = super().pending(file, after, limit)
        self.asked.set()
        assert self.go_on.wait(PATIENCE)
        return found


def test_a_file_that_is_removed_while_its_inbox_is_read_finds_all_there_when_it_is_back():
    async def scenario() -> list[str]:
        outbox, workers = Slow(), Workers()
        messages = [Message(seq, f"m{seq}", "collector", "webhook", "", "", b"", 1) for seq in (1, 2)]
        outbox.commit([Transaction(accept=one, pending={"a.py": ["a.py:f"]}) for one in messages])
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        engine = Engine(workers, outbox, committer, store, Queries({}, 1.0), Limits(PATIENCE, 2**30))
        version = Version(1, "a.py", b"", [HookSpec("f", 1)], [], [])
        engine.adopt(version)
        assert await asyncio.to_thread(outbox.asked.wait, PATIENCE)
        engine.remove("a.py")
        reading = list(engine._tasks)
        outbox.go_on.set()
        await asyncio.gather(*reading)
        assert workers.jobs == []
        engine.adopt(version)
        run = []
        while len(run) < len(messages):
            run.append((await workers.end_next(engine)).message.id)
        await engine.close()
        await asyncio.to_thread(committer.stop)
        return run

    assert asyncio.run(asyncio.wait_for(scenario(), PATIENCE)) == ["m1", "m2"]


class Stuck(MemoryOutbox):
    """A commit with a message in it takes until the test says so, and fails."""

    def __init__(self) -> None:
        super().__init__()
        self.looked, self.go_on = threading.Event(), threading.Event()

    def pending(self, file: str, after: int, limit: int) -> list[PendingMessage]:
        self.looked.set()
        return super().pending(file, after, limit)

    def commit(self, batch: list[Transaction]) -> None:
        if not self.go_on.is_set() and any(one.accept is not None for one in batch):
            assert self.go_on.wait(PATIENCE)
            raise StorageUnavailable("no write")
        super().commit(batch)


def test_what_waited_to_be_read_when_a_commit_failed_is_read_once():
    async def scenario() -> list[str]:
        outbox, workers = Stuck(), Workers()
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        engine = Engine(workers, outbox, committer, store, Queries({}, 1.0), Limits(PATIENCE, 2**30))
        engine.adopt(Version(1, "a.py", b"", [HookSpec("f", 1)], [], []))
        calls = [
            asyncio.create_task(engine.handle("collector", "webhook", "text/plain", "", b""))
            for _ in range(MAX_DEPTH + 1)  # the last one has to wait in the inbox, and is on its way there
        ]
        for _ in range(MAX_DEPTH):
            await workers.end_next(engine)
        assert await asyncio.to_thread(outbox.looked.wait, PATIENCE)
        await asyncio.gather(*engine._tasks)  # in a moment it is looked for again
        outbox.go_on.set()
        marker = committer.settle(Transaction(settled={"slack": [1]}))
        marker.result(PATIENCE)  # by now the engine is told of the failure
        await asyncio.gather(*calls, return_exceptions=True)
        waits = Message(AHEAD, "m1", "collector", "webhook", "", "", b"", 1)
        outbox.commit([Transaction(accept=waits, pending={"a.py": ["a.py:f"]})])
        run = [(await workers.end_next(engine)).message.id]
        while engine._tasks:
            await asyncio.gather(*engine._tasks)
        run += [job.message.id for job in workers.jobs]
        await engine.close()
        await asyncio.to_thread(committer.stop)
        return run

    assert asyncio.run(asyncio.wait_for(scenario(), PATIENCE)) == ["m1"]


def test_what_is_run_out_of_the_inbox_for_one_file_is_not_taken_for_ended_when_another_file_has_ended():
    async def scenario() -> list[tuple[str, str]]:
        outbox, workers = MemoryOutbox(), Workers()
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        engine = Engine(workers, outbox, committer, store, Queries({}, 1.0), Limits(0.01, 2**30))
        engine.adopt(Version(1, "full.py", b"", [HookSpec("f", 1)], [], []))
        engine.adopt(Version(2, "other.py", b"", [HookSpec("f", 1, collector=["both"])], [], []))

        def send(collector: str) -> asyncio.Task[Response]:
            return asyncio.create_task(engine.handle("collector", collector, "text/plain", "", b""))

        calls = [send("one") for _ in range(MAX_DEPTH)]
        calls.append(send("both"))
        await asyncio.sleep(0)
        before = list(workers.jobs)
        [other] = [job for job in before if job.version.file == "other.py"]
        for job in before:
            if job is not other:
                workers.end(engine, job)
        await asyncio.gather(*calls)
        await workers.wait_for_another(other)
        workers.end(engine, other)
        await committer.all_committed()
        engine.changed_outside()
        while engine._tasks:
            await asyncio.gather(*engine._tasks)
        left = [(job.version.file, job.message.collector) for job in workers.jobs]
        await engine.close()
        await asyncio.to_thread(committer.stop)
        return left

    assert asyncio.run(asyncio.wait_for(scenario(), PATIENCE)) == [("full.py", "both")]


def test_messages_are_numbered_above_those_that_a_command_put_back_under_a_clock_that_ran_ahead():
    """The inbox is read in the order of numbers; one below what has been read would wait until the next start."""

    async def scenario() -> int:
        outbox, workers = MemoryOutbox(), Workers()
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        engine = Engine(workers, outbox, committer, store, Queries({}, 1.0), Limits(PATIENCE, 2**30))
        engine.adopt(Version(1, "a.py", b"", [HookSpec("f", 1)], [], []))
        replayed = Message(AHEAD, "m", "collector", "webhook", "", "", b"", 1)
        outbox.commit([Transaction(accept=replayed, pending={"a.py": ["a.py:f"]})])
        engine.changed_outside()
        await workers.end_next(engine)
        call = asyncio.create_task(engine.handle("collector", "webhook", "text/plain", "", b""))
        fresh = await workers.end_next(engine)
        await call
        await engine.close()
        await asyncio.to_thread(committer.stop)
        return fresh.message.seq

    assert asyncio.run(asyncio.wait_for(scenario(), PATIENCE)) > AHEAD


def _storing(file: str, value: int) -> Outcome:
    return Outcome(f"{file}:f", RunStatus.OK, state={"x": value})


def test_what_runs_of_one_file_leave_reaches_the_disk_in_their_order_when_a_call_cannot_wait():
    """The first message's other hook still runs when the second one's call is to be answered."""

    async def scenario() -> dict[str, object]:
        outbox, workers = MemoryOutbox(), Workers()
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        engine = Engine(workers, outbox, committer, store, Queries({}, 1.0), Limits(0.01, 2**30))
        engine.adopt(Version(1, "a.py", b"", [HookSpec("f", 1)], [], []))
        engine.adopt(Version(2, "slow.py", b"", [HookSpec("f", 1)], [], []))

        def send() -> asyncio.Task[Response]:
            return asyncio.create_task(engine.handle("collector", "webhook", "text/plain", "", b""))

        await send()  # its hooks have not ended: it is in the inbox
        engine.ran(workers.jobs[0], [_storing("a.py", 1)], ended=True)
        second = send()
        await asyncio.sleep(0)
        engine.ran(workers.jobs[2], [_storing("a.py", 2)], ended=True)
        await second
        engine.ran(workers.jobs[1], [_storing("slow.py", 1)], ended=True)
        await committer.all_committed()
        await engine.close()
        await asyncio.to_thread(committer.stop)
        return outbox.state("a.py")

    assert asyncio.run(asyncio.wait_for(scenario(), PATIENCE)) == {"x": 2}


def test_what_runs_of_one_file_leave_reaches_the_disk_in_their_order_when_it_goes_along_with_what_another_left():
    async def scenario() -> dict[str, object]:
        outbox, workers = MemoryOutbox(), Workers()
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        engine = Engine(workers, outbox, committer, store, Queries({}, 1.0), Limits(PATIENCE, 2**30))
        for number, (file, collectors) in enumerate(
            {"a.py": ["two", "three"], "b.py": ["one", "two"], "slow.py": ["one", "two"]}.items()
        ):
            engine.adopt(Version(number, file, b"", [HookSpec("f", 1, collector=collectors)], [], []))
        calls = {}
        for name in ("one", "two", "three"):
            calls[name] = asyncio.create_task(engine.handle("collector", name, "text/plain", "", b""))
        await asyncio.sleep(0)
        jobs = {(job.message.collector, job.version.file): job for job in workers.jobs}
        engine.ran(jobs["one", "b.py"], [_storing("b.py", 1)], ended=True)
        engine.ran(jobs["two", "b.py"], [_storing("b.py", 2)], ended=True)
        engine.ran(jobs["two", "a.py"], [_storing("a.py", 1)], ended=True)
        engine.ran(jobs["three", "a.py"], [_storing("a.py", 2)], ended=True)  # takes "two" with it
        await calls["three"]
        engine.ran(jobs["one", "slow.py"], [], ended=True)
        engine.ran(jobs["two", "slow.py"], [], ended=True)
        await asyncio.gather(*calls.values())
        await engine.close()
        await asyncio.to_thread(committer.stop)
        return outbox.state("b.py")

    assert asyncio.run(asyncio.wait_for(scenario(), PATIENCE)) == {"x": 2}


class Picky(MemoryOutbox):
    """Cannot store what `slow.py` leaves."""

    def commit(self, batch: list[Transaction]) -> None:
        if any("slow.py" in one.state for one in batch):
            raise ValueError("no such value")
        super().commit(batch)


def test_a_run_that_leaves_what_cannot_be_stored_has_failed_and_no_other():
    async def scenario() -> tuple[list[str], dict[str, object], dict[str, int]]:
        outbox, workers = Picky(), Workers()
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        engine = Engine(workers, outbox, committer, store, Queries({}, 1.0), Limits(0.01, 2**30))
        engine.adopt(Version(1, "a.py", b"", [HookSpec("f", 1)], [], []))
        engine.adopt(Version(2, "slow.py", b"", [HookSpec("f", 1)], [], []))
        call = asyncio.create_task(engine.handle("collector", "webhook", "text/plain", "", b""))
        await asyncio.sleep(0)
        quick, slow = workers.jobs
        engine.ran(quick, [_storing("a.py", 1)], ended=True)
        assert "accepted" in (await call).metadata, "what the first has left is on disk"
        engine.ran(slow, [_storing("slow.py", 1)], ended=True)
        while engine._flights:
            await committer.all_committed()
        await engine.close()
        await asyncio.to_thread(committer.stop)
        return [letter.hook for letter in outbox.dead(DeadFilter(), 10)], outbox.state("a.py"), outbox.waiting()

    assert asyncio.run(asyncio.wait_for(scenario(), PATIENCE)) == (["slow.py:f"], {"x": 1}, {})


class Gated(MemoryOutbox):
    """What is read of the inbox after the number `late` comes when the test says so."""

    late = AHEAD

    def __init__(self) -> None:
        super().__init__()
        self.read, self.go_on = threading.Event(), threading.Event()

    def pending(self, file: str, after: int, limit: int) -> list[PendingMessage]:
        found = super().pending(file, after, limit)
        if after >= self.late:
            self.read.set()
            assert self.go_on.wait(PATIENCE)
        return found


def test_a_message_that_ends_while_the_inbox_is_read_anew_runs_once():
    async def scenario() -> list[str]:
        outbox, workers = Gated(), Workers()
        waits = Message(1, "m1", "collector", "webhook", "", "", b"", 1)
        outbox.commit([Transaction(accept=waits, pending={"a.py": ["a.py:f"]})])
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        engine = Engine(workers, outbox, committer, store, Queries({}, 1.0), Limits(PATIENCE, 2**30))
        engine.adopt(Version(1, "a.py", b"", [HookSpec("f", 1)], [], []))
        while engine._tasks:
            await asyncio.gather(*engine._tasks)
        outbox.late = 0
        engine.changed_outside()
        assert await asyncio.to_thread(outbox.read.wait, PATIENCE)
        await workers.end_next(engine)
        await committer.all_committed()
        assert outbox.waiting() == {}
        outbox.go_on.set()
        while engine._tasks:
            await asyncio.gather(*engine._tasks)
        await engine.close()
        await asyncio.to_thread(committer.stop)
        return [job.message.id for job in workers.jobs]

    assert asyncio.run(asyncio.wait_for(scenario(), PATIENCE)) == []


def test_a_message_that_a_command_puts_back_while_nothing_is_found_in_the_inbox_runs():
    async def scenario() -> list[str]:
        outbox, workers = Gated(), Workers()
        first, second = (Message(seq, f"m{seq}", "collector", "webhook", "", "", b"", 1) for seq in (1, 2))
        outbox.commit([Transaction(accept=first, pending={"a.py": ["a.py:f"]})])
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        engine = Engine(workers, outbox, committer, store, Queries({}, 1.0), Limits(PATIENCE, 2**30))
        outbox.late = 1
        engine.adopt(Version(1, "a.py", b"", [HookSpec("f", 1)], [], []))
        assert await asyncio.to_thread(outbox.read.wait, PATIENCE)
        outbox.commit([Transaction(accept=second, pending={"a.py": ["a.py:f"]})])
        engine.changed_outside()
        outbox.go_on.set()
        run = [(await workers.end_next(engine)).message.id for _ in range(2)]
        await engine.close()
        await asyncio.to_thread(committer.stop)
        return run

    assert asyncio.run(asyncio.wait_for(scenario(), PATIENCE)) == ["m1", "m2"]


def test_a_message_that_comes_while_one_with_a_larger_number_is_read_is_not_passed_over():
    """A command numbers far ahead where the clock was set back."""

    async def scenario() -> set[str]:
        outbox, workers = Gated(), Workers()
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        engine = Engine(workers, outbox, committer, store, Queries({}, 1.0), Limits(PATIENCE, 2**30))
        engine.adopt(Version(1, "a.py", b"", [HookSpec("f", 1)], [], []))
        replayed = Message(AHEAD, "replayed", "collector", "webhook", "", "", b"", 1)
        outbox.commit([Transaction(accept=replayed, pending={"a.py": ["a.py:f"]})])
        outbox.late = 0
        engine.changed_outside()
        assert await asyncio.to_thread(outbox.read.wait, PATIENCE)
        await engine.handle("collector", "webhook", "text/plain", "", b"")
        outbox.go_on.set()
        run = {(await workers.end_next(engine)).message.id for _ in range(2)}
        await engine.close()
        await asyncio.to_thread(committer.stop)
        return run

    assert len(asyncio.run(asyncio.wait_for(scenario(), PATIENCE))) == 2


class Held(MemoryOutbox):
    """A commit with a message in it takes until the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.go_on = threading.Event(), threading.Event()

    def commit(self, batch: list[Transaction]) -> None:
        if any(one.accept is not None for one in batch):
            self.held.set()
            assert self.go_on.wait(PATIENCE)
        super().commit(batch)


def test_a_message_on_its_way_into_the_inbox_is_not_passed_over_for_one_that_a_command_puts_back_meanwhile():
    async def scenario() -> set[str]:
        outbox, workers = Held(), Workers()
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        engine = Engine(workers, outbox, committer, store, Queries({}, 1.0), Limits(PATIENCE, 2**30))
        engine.adopt(Version(1, "a.py", b"", [HookSpec("f", 1)], [], []))
        calls = [
            asyncio.create_task(engine.handle("collector", "webhook", "text/plain", "", b""))
            for _ in range(MAX_DEPTH + 1)
        ]
        await asyncio.sleep(0)
        assert await asyncio.to_thread(outbox.held.wait, PATIENCE)  # the last one is on its way
        replayed = Message(AHEAD, "replayed", "collector", "webhook", "", "", b"", 1)
        MemoryOutbox.commit(outbox, [Transaction(accept=replayed, pending={"a.py": ["a.py:f"]})])
        engine.changed_outside()
        for _ in range(MAX_DEPTH):
            await workers.end_next(engine)
        run = {(await workers.end_next(engine)).message.id}
        outbox.go_on.set()
        await asyncio.gather(*calls)
        run.add((await workers.end_next(engine)).message.id)
        await engine.close()
        await asyncio.to_thread(committer.stop)
        return run

    assert len(asyncio.run(asyncio.wait_for(scenario(), PATIENCE))) == 2


class Asking(Workers):
    """Asks for a file's state when a version of it comes, as the pool does where the file has a worker."""

    engine: Engine

    def adopt(self, version: Version) -> None:
        self.engine.state(version.file)


class Illegible(MemoryOutbox):
    """No state can be read so many `times`."""

    times = 1

    def state(self, file: str) -> dict[str, object]:
        if self.times:
            self.times -= 1
            raise StorageUnavailable("no read")
        return super().state(file)


class Loads:
    """In the place of the pool's part that loads: all files hold one hook."""

    def probe(self) -> Loads:
        return self

    def next_version(self) -> int:
        return 1

    async def load(self, number: int, file: str, source: bytes) -> Version:
        return Version(number, file, source, [HookSpec("f", 1)], [], [])

    def close(self) -> None:
        pass


def test_a_hook_file_whose_state_cannot_be_read_runs_as_soon_as_it_can(tmp_path):
    async def scenario() -> tuple[list[str], list[str]]:
        outbox, workers = Illegible(), Asking()
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        engine = workers.engine = Engine(workers, outbox, committer, store, Queries({}, 1.0), Limits(PATIENCE, 2**30))
        catalog = Catalog(tmp_path, Loads(), engine, lambda *_: None, {})
        for file in ("a.py", "b.py"):
            (tmp_path / file).write_bytes(b"f = 1")
        await catalog.refresh()
        await engine.close()
        await asyncio.to_thread(committer.stop)
        return [entry.state for entry in catalog.entries()], engine.hooks("a.py") + engine.hooks("b.py")

    assert asyncio.run(asyncio.wait_for(scenario(), PATIENCE)) == (["loaded", "loaded"], ["f", "f"])


class Odd:
    """Answers with what no frame can hold."""

    def ask(self, op: str, args: dict[str, object]) -> object:
        if op == "fail":
            raise ValueError("half a pair: \ud800")
        return "half a pair: \ud800"

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("query", "told"), [("odd.ask", b"surrogates not allowed"), ("odd.fail", b"half a pair: ")])
def test_a_dry_run_answers_what_cannot_be_passed_on_too(query, told):
    async def scenario() -> bytes:
        stage = Stage(Queries({"odd": Source(Odd, 1, reads_storage=False)}, PATIENCE), {})
        answers: asyncio.Queue[bytes] = asyncio.Queue()
        job = Job(
            Message(1, "m1", "collector", "tcp", "", "", b"", 1), Version(1, "a.py", b"", [], [], []), ["f"], None
        )
        stage.asked(job, query, {}, lambda frame: answers.put_nowait(encode(frame)), 1)
        return await answers.get()

    assert told in asyncio.run(asyncio.wait_for(scenario(), PATIENCE))


def test_a_query_whose_answer_cannot_be_passed_on_fails_and_is_not_waited_for():
    async def scenario() -> str:
        outbox, workers = MemoryOutbox(), Workers()
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        queries = Queries({"odd": Source(Odd, 1, reads_storage=False)}, PATIENCE)
        engine = Engine(workers, outbox, committer, store, queries, Limits(PATIENCE, 2**30))
        engine.adopt(Version(1, "a.py", b"", [HookSpec("f", 1)], [], []))
        call = asyncio.create_task(engine.handle("collector", "webhook", "text/plain", "", b""))
        await asyncio.sleep(0)
        told: asyncio.Queue[bytes] = asyncio.Queue()
        engine.asked(workers.jobs[0], "odd.ask", {}, lambda frame: told.put_nowait(encode(frame)), 1)
        answer = await told.get()
        await workers.end_next(engine)
        await call
        await engine.close()
        await asyncio.to_thread(committer.stop)
        return answer.decode(errors="replace")

    assert "surrogates not allowed" in asyncio.run(asyncio.wait_for(scenario(), PATIENCE))
