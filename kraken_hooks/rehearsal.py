"""Loading and running hooks without a broker: what `check` and `try` do. Real workers, real limits, nothing delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from kraken_hooks import clock, logs
from kraken_hooks.engine.queries import Queries, Source
from kraken_hooks.engine.response import respond
from kraken_hooks.errors import KrakenError
from kraken_hooks.message import Message, Response
from kraken_hooks.outbox.base import Outbox
from kraken_hooks.outbox.memory import MemoryOutbox
from kraken_hooks.outcome import Outcome, Problem, well_formed
from kraken_hooks.routing.table import RoutingTable
from kraken_hooks.settings import Section, Settings
from kraken_hooks.sinks import registry, store
from kraken_hooks.sinks.base import Reader
from kraken_hooks.wire import Answer, Configure, Ready
from kraken_hooks.workers.job import Job, Version
from kraken_hooks.workers.pool import Pool
from kraken_hooks.workers.probe import LoadRefused

#: Queries of the storage, and of one sink, that run at once.
_STORAGE_READERS: Final = 2
_SINK_READERS: Final = 4


def configure(settings: Settings) -> Configure:
    """What every worker is told first: which sinks there are, never their settings."""
    sinks = {kind.name: kind.missing(settings.sections.get(kind.name)) for kind in registry.SINKS}
    memory = settings.hook_memory_mb * 2**20
    return Configure(sinks, settings.hook_timeout, memory, clock.boot_id(), settings.require_lockdown)


def queries(settings: Settings, outbox: Outbox) -> Queries:
    """What answers the queries of runs: the storage, and each configured sink that has some."""
    limit = settings.query_timeout
    stored = registry.CheckedReader(store.STORE.asks, store.StoreReader(outbox))
    sources = {store.STORE.name: Source(lambda: stored, _STORAGE_READERS, reads_storage=True)}
    for kind in registry.SINKS:
        section = settings.sections.get(kind.name)
        if kind.reader is not None and section is not None and not kind.missing(section):
            opened = partial(_open_reader, kind.asks, kind.reader, section, limit)
            sources[kind.name] = Source(opened, _SINK_READERS, reads_storage=False)
    return Queries(sources, limit)


def _open_reader(
    asks: Mapping[str, type[msgspec.Struct]],
    reader: Callable[[Section, float], Reader],
    section: Section,
    limit: float,
) -> registry.CheckedReader:
    return registry.CheckedReader(asks, reader(section, limit))


async def try_lockdown(settings: Settings) -> Ready:
    """Start a worker for a moment. Returns how it is locked down, in full or not, whatever the settings demand.

    Raises:
        WorkersUnavailable: none can be started.
    """
    pool = Pool(msgspec.structs.replace(configure(settings), lockdown=False), 0, registry.check)
    probe = pool.probe()
    try:
        return await probe.ready()
    finally:
        probe.close()
        await pool.close()


def check(paths: Sequence[Path], settings: Settings) -> dict[Path, list[Problem]]:
    """Load each file in a worker; what is wrong with it, warnings too. An unreadable file is a problem.

    Raises:
        WorkersUnavailable: no worker process can be started.
    """
    logs.silence()
    return asyncio.run(_check(paths, settings))


async def _check(paths: Sequence[Path], settings: Settings) -> dict[Path, list[Problem]]:
    pool = Pool(configure(settings), 0, registry.check)
    probe = pool.probe()
    found: dict[Path, list[Problem]] = {}
    try:
        for path in paths:
            try:
                source = path.read_bytes()
            except OSError as error:
                found[path] = [Problem(0, 0, f"it cannot be read: {error.strerror}")]
                continue
            try:
                found[path] = (await probe.load(pool.next_version(), path.name, source)).problems
            except LoadRefused as error:
                found[path] = error.problems
    finally:
        probe.close()
        await pool.close()
    return found


@dataclass(slots=True)
class Rehearsal:
    """What a dry run showed. `problems`: why the file does not load, or warnings. `reply`: what the collector would get.

    `hooks`: names of all hooks of the file; `matched`: those that want the message as far as routing can tell.
    `unconfigured`: sinks that the runs used and that these settings do not configure, each with the variable to set.
    """

    problems: list[Problem] = field(default_factory=list)
    loaded: bool = False
    hooks: list[str] = field(default_factory=list)
    matched: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    reply: Response | None = None
    unconfigured: dict[str, str] = field(default_factory=dict)


def rehearse(path: Path, message: Message, settings: Settings) -> Rehearsal:
    """Run the hooks of one file with one message. State and store are empty; effects are shown, not delivered, those of sinks
    that are not configured too: a shell seldom has the settings of the service.

    Raises:
        OSError: the file cannot be read.
        WorkersUnavailable: no worker process can be started.
    """
    logs.silence()
    return asyncio.run(_rehearse(path.name, path.read_bytes(), message, settings))


async def _rehearse(name: str, source: bytes, message: Message, settings: Settings) -> Rehearsal:
    real = configure(settings)
    stage = Stage(queries(settings, MemoryOutbox()), {sink: missing for sink, missing in real.sinks.items() if missing})
    pool = Pool(msgspec.structs.replace(real, sinks=dict.fromkeys(real.sinks, "")), 1, registry.check)
    shown = Rehearsal()
    probe = pool.probe()
    try:
        version = await probe.load(pool.next_version(), name, source)
        shown.problems, shown.loaded = version.problems, True
        shown.hooks = [spec.name for spec in version.specs]
        await pool.start(stage)
        pool.adopt(version)
        await _run(pool, stage, version, message, shown)
    except LoadRefused as error:
        shown.problems = error.problems
    finally:
        probe.close()
        await pool.close()
        stage.close()
    return shown


async def _run(pool: Pool, stage: Stage, version: Version, message: Message, shown: Rehearsal) -> None:
    table = RoutingTable({version.file: version.specs})
    ranks = {}
    for match in table.match(message.collector, message.content_type, message.metadata):
        shown.matched += [f"{match.file}:{hook}" for hook in match.hooks]
        ranks.update(match.ranks)
        pool.submit(Job(message, version, list(match.hooks), None, asked=match.hooks))
        await stage.ended.wait()
    shown.outcomes = sorted(stage.outcomes, key=lambda outcome: ranks[outcome.hook])
    shown.reply = respond(message, shown.outcomes, accepted=False)
    shown.unconfigured = stage.unconfigured()


class Stage:
    """Whom the pool works for here: collects outcomes, answers queries: the store is empty, other sinks are really asked.

    `missing`: by sink that is not configured, the variable to set.
    """

    def __init__(self, asked: Queries, missing: dict[str, str]) -> None:
        self.outcomes: list[Outcome] = []
        self.ended = asyncio.Event()
        self._queries = asked
        self._missing = missing
        self._used: set[str] = set()
        self._asking: set[asyncio.Task[None]] = set()

    def ran(self, job: Job, outcomes: list[Outcome], *, ended: bool) -> None:
        self.outcomes += outcomes
        self._used |= {effect.sink for outcome in outcomes for effect in outcome.effects}
        if ended:
            self.ended.set()

    def asked(self, job: Job, name: str, args: dict[str, object], answer: Callable[[Answer], None], query: int) -> None:
        task = asyncio.get_running_loop().create_task(self._ask(name, args, answer, query))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask(self, name: str, args: dict[str, object], answer: Callable[[Answer], None], query: int) -> None:
        sink = name.partition(".")[0]
        self._used.add(sink)
        if sink in self._missing:
            answer(Answer(query, error=f"{sink} is not configured: set {self._missing[sink]}"))
            return
        try:
            answer(Answer(query, await self._queries.ask(name, args)))
        except (KrakenError, ValueError) as error:
            answer(Answer(query, error=well_formed(str(error))))

    def unconfigured(self) -> dict[str, str]:
        """What the runs used and is not configured, by sink the variable to set."""
        return {sink: variable for sink, variable in self._missing.items() if sink in self._used}

    def close(self) -> None:
        self._queries.close()

    def state(self, file: str) -> dict[str, object]:
        return {}
