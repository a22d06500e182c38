"""Loading and running hooks without a broker: what `check` and `try` do. Real workers, real limits, nothing delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kraken_hooks import logs
from kraken_hooks.engine.response import respond
from kraken_hooks.errors import KrakenError
from kraken_hooks.message import Message, Response
from kraken_hooks.outbox.memory import MemoryOutbox
from kraken_hooks.outcome import Outcome, Problem
from kraken_hooks.routing.table import RoutingTable
from kraken_hooks.settings import Settings
from kraken_hooks.sinks import registry
from kraken_hooks.sinks.store import queries
from kraken_hooks.wire import Answer, Configure
from kraken_hooks.workers.job import Job, Version
from kraken_hooks.workers.pool import Pool
from kraken_hooks.workers.probe import LoadRefused


def configure(settings: Settings) -> Configure:
    """What every worker is told first: which sinks there are, never their settings."""
    sinks = {kind.name: kind.missing(settings.sections.get(kind.name)) for kind in registry.SINKS}
    return Configure(sinks, settings.hook_timeout, settings.hook_memory_mb * 2**20)


def check(paths: Sequence[Path], settings: Settings) -> dict[Path, list[Problem]]:
    """Load each file in a worker; what is wrong with it, warnings too. An unreadable file is a problem."""
    logs.silence()
    return asyncio.run(_check(paths, settings))


async def _check(paths: Sequence[Path], settings: Settings) -> dict[Path, list[Problem]]:
    pool = Pool(configure(settings), 0, registry.check)
    probe = pool.probe()
    found: dict[Path, list[Problem]] = {}
    try:
        for path in paths:
            try:
                found[path] = (await probe.load(pool.next_version(), path.name, path.read_bytes())).problems
            except LoadRefused as error:
                found[path] = error.problems
            except OSError as error:
                found[path] = [Problem(0, 0, f"it cannot be read: {error.strerror}")]
    finally:
        probe.close()
        await pool.close()
    return found


@dataclass(slots=True)
class Rehearsal:
    """What a dry run showed. `problems`: why the file does not load, or warnings. `reply`: what the collector would get."""

    problems: list[Problem] = field(default_factory=list)
    loaded: bool = False
    matched: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    reply: Response | None = None


def rehearse(path: Path, message: Message, settings: Settings) -> Rehearsal:
    """Run the hooks of one file with one message. State and store are empty; effects are shown, not delivered.

    Raises:
        OSError: the file cannot be read.
    """
    logs.silence()
    return asyncio.run(_rehearse(path.name, path.read_bytes(), message, settings))


async def _rehearse(name: str, source: bytes, message: Message, settings: Settings) -> Rehearsal:
    pool = Pool(configure(settings), 1, registry.check)
    stage = _Stage()
    shown = Rehearsal()
    probe = pool.probe()
    try:
        version = await probe.load(pool.next_version(), name, source)
        shown.problems, shown.loaded = version.problems, True
        await pool.start(stage)
        pool.adopt(version)
        await _run(pool, stage, version, message, shown)
    except LoadRefused as error:
        shown.problems = error.problems
    finally:
        probe.close()
        await pool.close()
    return shown


async def _run(pool: Pool, stage: _Stage, version: Version, message: Message, shown: Rehearsal) -> None:
    table = RoutingTable({version.file: version.specs})
    ranks = {}
    for match in table.match(message.collector, message.content_type, message.metadata):
        shown.matched += [f"{match.file}:{hook}" for hook in match.hooks]
        ranks.update(match.ranks)
        pool.submit(Job(message, version, list(match.hooks), None, asked=match.hooks))
        await stage.ended.wait()
    shown.outcomes = sorted(stage.outcomes, key=lambda outcome: ranks[outcome.hook])
    shown.reply = respond(message, shown.outcomes, accepted=False)


class _Stage:
    """Whom the pool works for here: collects outcomes, answers queries from an empty store."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.ended = asyncio.Event()
        self._queries = queries(MemoryOutbox())

    def ran(self, job: Job, outcomes: list[Outcome], *, ended: bool) -> None:
        self.outcomes += outcomes
        if ended:
            self.ended.set()

    def asked(self, job: Job, name: str, args: dict[str, object], answer: Callable[[Answer], None], query: int) -> None:
        handler = self._queries.get(name)
        try:
            answer(Answer(query, handler(args)) if handler else Answer(query, error="there is no such query"))
        except (KrakenError, ValueError) as error:
            answer(Answer(query, error=str(error)))

    def state(self, file: str) -> dict[str, object]:
        return {}
