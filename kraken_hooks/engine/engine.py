"""The engine: takes messages in, has their hooks run, commits what came of it, answers.

A message's life is a `Flight`. Its jobs go to the pool; when all have ended, one transaction holds all that they asked for,
and the call is answered when that is committed. A call that has waited for `reply_wait` is answered once the message
itself is in the inbox. Where a hook file has too much to do already, the message waits in the inbox from the start.

When a commit fails, the engine forgets everything that is not on disk and goes on from there as after a crash: calls that
wait are refused, messages out of the inbox run again. All of it runs on the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from kraken_hooks import clock, logs
from kraken_hooks.engine.bookkeeping import Bookkeeping, EffectRules
from kraken_hooks.engine.committer import Committer
from kraken_hooks.engine.flight import Backlog, Flight, unwritten_before
from kraken_hooks.engine.inbox import STORAGE_PAUSE, InboxReader
from kraken_hooks.engine.log_rate import LogRate
from kraken_hooks.engine.queries import Queries
from kraken_hooks.engine.reporting import report, report_handled, report_line
from kraken_hooks.engine.response import respond
from kraken_hooks.engine.states import States
from kraken_hooks.errors import KrakenError, QueueFull, Stopping, StorageDamaged, StorageUnavailable
from kraken_hooks.message import Message, Response
from kraken_hooks.outbox.base import Outbox, PendingMessage, Transaction
from kraken_hooks.outcome import Outcome, RunError, RunStatus, well_formed
from kraken_hooks.routing.table import RoutingTable
from kraken_hooks.wire import Answer
from kraken_hooks.workers.job import Job, Version
from kraken_hooks.workers.pool import Pool

log = logs.get()

#: How often calls that wait are looked at, seconds.
_SWEEP: Final = 0.025


@dataclass(frozen=True, slots=True)
class Limits:
    """`reply_wait` in seconds; `queued_bytes`: bound of inbox and outbox together, but for effects of sinks in `droppable`."""

    reply_wait: float
    queued_bytes: int
    droppable: frozenset[str] = frozenset()


class Engine:
    """One per broker."""

    def __init__(
        self,
        pool: Pool,
        outbox: Outbox,
        committer: Committer,
        rules: EffectRules,
        queries: Queries,
        limits: Limits,
    ) -> None:
        self._pool = pool
        self._outbox = outbox
        self._committer = committer
        self._queries = queries
        self._limits = limits
        self._reply_wait = limits.reply_wait
        self._sequence = clock.Sequence(outbox.last_seq())
        self._books = Bookkeeping(rules, self._sequence)
        self._states = States(outbox)
        self._table = RoutingTable({})
        self._versions: dict[str, Version] = {}
        self._backlogs: dict[str, Backlog] = {}
        self._left = outbox.waiting()  # inbox rows by hook file, as another run of the broker or process left them
        self._flights: dict[Flight, None] = {}
        self._waiting: dict[Flight, None] = {}
        self._sweeping = False
        self._uncommitted = 0
        self._epoch = 0
        self._stopping = False
        self._given_up = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._inbox = InboxReader(outbox, self._start, self._takes, self._run_again)
        self._loop = asyncio.get_running_loop()
        self._debug = logs.debugging()
        self._log_rate = LogRate()
        self.messages = 0  # since the start

    # ── hook files ──

    def adopt(self, version: Version) -> None:
        """From now on messages are routed to this version of the file.

        Raises:
            StorageUnavailable: its state cannot be read now; nothing has changed.
        """
        self._states.of(version.file)
        self._versions[version.file] = version
        self._log_rate.forget(version.file)
        self._pool.adopt(version)
        backlog = self._backlogs.get(version.file)
        if backlog is None:
            waits = version.file in self._left
            backlog = self._backlogs[version.file] = Backlog(version.file, behind=waits)
        self._table = self._table.with_file(version.file, version.specs)
        for line in version.logs:
            report_line(line, file=version.file)
        self._inbox.refill(backlog)

    def remove(self, file: str) -> None:
        """No more messages for this file. What waits for it in the inbox stays there until it is back."""
        self._table = self._table.without_file(file)
        self._versions.pop(file, None)
        self._log_rate.forget(file)
        self._pool.remove(file)

    def changed_outside(self) -> None:
        """Another process has put messages into the inbox."""
        try:
            self._left = self._outbox.waiting()
        except StorageUnavailable:
            self._loop.call_later(STORAGE_PAUSE, self.changed_outside)
            return
        except StorageDamaged:
            return  # the broker ends
        for file in self._left:
            backlog = self._backlogs.get(file)
            if backlog is not None:
                backlog.read_anew()
                self._inbox.refill(backlog)

    def hooks(self, file: str) -> list[str]:
        """Names of the hooks of a file that messages are routed to."""
        version = self._versions.get(file)
        return [] if version is None else [spec.name for spec in version.specs]

    @property
    def failed_runs(self) -> int:
        """Since the start."""
        return self._books.failed_runs

    def depths(self) -> dict[str, int]:
        """How many messages each hook file has in memory."""
        return {file: backlog.depth for file, backlog in self._backlogs.items()}

    # ── a message comes in ──

    async def handle(self, kind: str, collector: str, content_type: str, metadata: str, payload: bytes) -> Response:
        """Have a message's hooks run. Returns when all is durable.

        Raises:
            StorageUnavailable: it cannot be made durable now.
            QueueFull: inbox and outbox are at their bound.
            Stopping: the broker takes no more messages.
        """
        if self._stopping:
            raise Stopping("the broker is stopping")
        self.messages += 1
        matches = self._table.match(collector, content_type, metadata)
        began = time.perf_counter()
        seq = self._sequence.next()
        message = Message(
            seq, self._sequence.message_id(seq), kind, collector, content_type, metadata, payload, clock.now_ns()
        )
        if not matches:
            if self._debug:
                report_handled(message, [], began)
            return respond(message, (), accepted=False)
        if self._outbox.queued_bytes(self._limits.droppable) >= self._limits.queued_bytes:
            raise QueueFull(f"inbox and outbox hold {self._limits.queued_bytes // 2**20} MB, their bound")
        answer: asyncio.Future[Response] = self._loop.create_future()
        flight = Flight(message, {}, began, answer)
        for match in matches:
            flight.ranks.update(match.ranks)
            self._route(flight, match.file, match.hooks)
        self._flights[flight] = None
        self._waiting[flight] = None
        for job in list(flight.jobs.values()):
            self._pool.submit(job)
        if flight.spilled:
            flight.due = not flight.jobs
            self._write(flight)
        if not self._sweeping:
            self._sweeping = True
            self._loop.call_later(_SWEEP, self._sweep)
        return await answer

    def _route(self, flight: Flight, file: str, hooks: Sequence[str]) -> None:
        """The hooks of one file: into memory, or where that has enough, into the inbox."""
        backlog = self._backlogs[file]
        if backlog.full:
            backlog.spill(flight.message.seq)
            flight.spilled[file] = [f"{file}:{hook}" for hook in hooks]
            return
        backlog.enter(flight.message, late=False)
        backlog.read = flight.message.seq
        flight.jobs[file] = Job(flight.message, self._versions[file], list(hooks), flight, asked=hooks)

    def _sweep(self) -> None:
        """Answer the calls that have waited long enough, as soon as their message is in the inbox."""
        limit = time.perf_counter() - self._reply_wait
        for flight in list(self._waiting):
            if flight.began > limit:
                break
            self._waiting.pop(flight, None)
            if not flight.due:
                flight.due = True
                self._write(flight)
                self._answer_if_due(flight)
        self._sweeping = bool(self._waiting)
        if self._sweeping:
            self._loop.call_later(_SWEEP, self._sweep)

    # ── the pool reports (workers.pool.Employer) ──

    def state(self, file: str) -> dict[str, object]:
        return self._states.of(file)

    def ran(self, job: Job, outcomes: list[Outcome], *, ended: bool) -> None:
        flight = job.owner
        assert isinstance(flight, Flight)
        file = job.version.file
        backlog = self._backlogs[file]
        for outcome in outcomes:
            if outcome.logs or outcome.error is not None:
                report(flight.message, outcome, self._log_rate)
            if outcome.state or outcome.state_deleted:
                self._states.apply(file, outcome)
            if flight.stored:
                flight.ended.append(outcome.hook)
        flight.outcomes += outcomes
        flight.fresh += outcomes
        if ended:
            del flight.jobs[file]
            backlog.leave(flight.message, late=flight.stored)
            if flight.stored:
                flight.ended += [job.full_name(hook) for hook in job.asked]
        if not flight.jobs:
            flight.due = True
            self._write(flight)
            self._answer_if_due(flight)
        elif outcomes:
            backlog.dirty[flight] = None
        if ended and backlog.behind:
            self._inbox.refill(backlog)

    def asked(self, job: Job, name: str, args: dict[str, object], answer: Callable[[Answer], None], query: int) -> None:
        self._start(self._ask(job, name, args, answer, query))

    async def _ask(
        self, job: Job, name: str, args: dict[str, object], answer: Callable[[Answer], None], query: int
    ) -> None:
        """Read what a run asks for; where that is the storage, after all that earlier runs wrote is on disk."""
        try:
            if self._queries.reads_storage(name):
                for flight in list(self._backlogs[job.version.file].dirty):
                    if flight is not job.owner:
                        self._write(flight)
                if self._uncommitted:
                    await self._committer.all_committed()
            answer(Answer(query, await self._queries.ask(name, args)))
        except (KrakenError, ValueError) as error:  # also where the answer holds what cannot be passed on
            answer(Answer(query, error=well_formed(str(error))))

    # ── committing ──

    def _write(self, flight: Flight) -> None:
        """Hand over what the flight has that is in no transaction yet, after what has to be on disk before it."""
        for one in (*unwritten_before(flight, self._backlogs), flight):
            self._write_alone(one)

    def _write_alone(self, flight: Flight) -> None:
        """Outcomes, and where hooks are left the inbox row."""
        transaction = Transaction()
        if not flight.stored and (flight.jobs or flight.spilled):
            self._into_inbox(flight, transaction)
        elif flight.ended:
            transaction.ended.append((flight.message.seq, flight.ended))
            flight.ended = []
        outcomes, flight.fresh = flight.fresh, []
        for outcome in outcomes:
            self._books.enter(transaction, flight.message, outcome)
            self._backlogs[outcome.hook.partition(":")[0]].dirty.pop(flight, None)
        if not transaction.empty:
            self._submit(flight, transaction, outcomes)

    def _submit(self, flight: Flight, transaction: Transaction, outcomes: list[Outcome]) -> None:
        flight.uncommitted += 1
        self._uncommitted += 1
        self._committer.submit(transaction, partial(self._committed, flight, transaction, outcomes, self._epoch))

    def _into_inbox(self, flight: Flight, transaction: Transaction) -> None:
        flight.stored = True
        transaction.accept = flight.message
        transaction.pending = dict(flight.spilled)
        for file, job in flight.jobs.items():
            transaction.pending[file] = [job.full_name(hook) for hook in job.hooks]
            backlog = self._backlogs[file]
            backlog.late += 1
            backlog.held.add(flight.message.seq)
        if self._debug:
            log.debug("message.accepted", message_id=flight.message.id, collector=flight.message.collector)

    def _committed(
        self,
        flight: Flight,
        transaction: Transaction,
        outcomes: list[Outcome],
        epoch: int,
        error: KrakenError | None,
    ) -> None:
        if epoch != self._epoch or self._given_up:
            return
        self._uncommitted -= 1
        flight.uncommitted -= 1
        if isinstance(error, StorageUnavailable):
            self._start_over(error)
            return
        if error is not None:
            self._submit(flight, self._books.failed_instead(flight, transaction, outcomes, error), [])
            return
        if transaction.accept is not None:
            flight.safe = True
            for file in flight.spilled:
                del self._backlogs[file].unwritten[flight.message.seq]
        if flight.stored and not flight.jobs and not flight.uncommitted:
            for file in {hook.partition(":")[0] for hook in flight.ranks} - flight.spilled.keys():
                self._backlogs[file].release(flight.message.seq)
        self._answer_if_due(flight)

    def _answer_if_due(self, flight: Flight) -> None:
        if not flight.due or flight.uncommitted:
            return
        self._waiting.pop(flight, None)
        if not flight.jobs:
            self._flights.pop(flight, None)
            if self._debug:
                report_handled(flight.message, flight.in_order(), flight.began)
        if flight.waiting:
            assert flight.answer is not None
            accepted = bool(flight.jobs or flight.spilled)
            flight.answer.set_result(respond(flight.message, flight.in_order(), accepted=accepted))

    # ── the inbox ──

    def _takes(self, backlog: Backlog) -> bool:
        """The backlog may get rows out of the inbox: its file is there, and it was not forgotten when a commit failed."""
        file = backlog.file
        return not self._stopping and file in self._versions and self._backlogs[file] is backlog

    def _run_again(self, backlog: Backlog, row: PendingMessage) -> None:
        """A message out of the inbox, for one hook file."""
        version = self._versions[backlog.file]
        known = {spec.name for spec in version.specs}
        names = [hook.partition(":")[2] for hook in row.hooks]
        self._sequence.reach(row.message.seq)
        flight = Flight(row.message, {}, time.perf_counter(), None, stored=True)
        self._flights[flight] = None
        backlog.held.add(row.message.seq)
        backlog.enter(row.message, late=True)
        job = Job(row.message, version, [name for name in names if name in known], flight, asked=names)
        flight.jobs[backlog.file] = job
        flight.ranks.update({f"{backlog.file}:{name}": (0.0, backlog.file, place) for place, name in enumerate(names)})
        gone = RunError("HookGone", "the function is no longer in the hook file")
        missing = [Outcome(job.full_name(name), RunStatus.FAILED, error=gone) for name in names if name not in known]
        if missing:
            self.ran(job, missing, ended=not job.hooks)
        if job.hooks:
            self._pool.submit(job)

    def _start_over(self, error: KrakenError) -> None:
        """A commit has failed: forget what is not on disk, and go on from there."""
        self._epoch += 1
        self._uncommitted = 0
        self._inbox.pause()
        self._answer_all(error)
        self._pool.forget()
        self._states.forget()
        self._backlogs = {file: Backlog(file, behind=True) for file in self._backlogs}
        self._go_on_from_disk(self._epoch)

    def _go_on_from_disk(self, epoch: int) -> None:
        """Let commits through again, as soon as what is on disk can be read; until then they fail."""
        if epoch != self._epoch:
            return
        try:
            states = {file: self._states.of(file) for file in self._backlogs}  # removed ones too: they may come back
        except StorageUnavailable:
            self._loop.call_later(STORAGE_PAUSE, self._go_on_from_disk, epoch)
            return
        except StorageDamaged:
            return  # the broker ends
        for file, state in states.items():
            self._pool.set_state(file, state)
        self._committer.resume()
        for backlog in self._backlogs.values():
            self._inbox.refill(backlog)

    def _answer_all(self, error: KrakenError) -> None:
        """Answer the calls that wait: accepted where the message is in the inbox, else refused."""
        for flight in self._flights:
            if not flight.waiting:
                continue
            assert flight.answer is not None
            if flight.safe:
                flight.answer.set_result(respond(flight.message, (), accepted=True))
            else:
                flight.answer.set_exception(StorageUnavailable(str(error)))
        self._flights.clear()
        self._waiting.clear()

    # ── the end ──

    def give_up(self, error: KrakenError) -> None:
        """Nothing can be committed any more: refuse the calls that wait, and all others."""
        self._stopping = True
        self._given_up = True
        self._answer_all(error)

    def acknowledge_within(self, seconds: float) -> None:
        """From now on no call waits longer than that: what its hooks have not done by then is kept in the inbox."""
        self._reply_wait = min(self._reply_wait, seconds)

    def stop_taking(self) -> None:
        """Refuse messages from now on; those that are there go on."""
        self._stopping = True

    async def close(self) -> None:
        """Stop. What has not ended is in the inbox."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._queries.close()
        self._inbox.close()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
