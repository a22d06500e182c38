"""Queries: reads that a run waits for. Each sink has threads of its own, so that a dead server holds up nobody else's.

Asked on the event loop, answered in threads. A server that does not answer keeps its thread until the client gives up; the
run that asked is told when its time is over, whatever the thread does.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from kraken_hooks import logs
from kraken_hooks.errors import KrakenError, QueryFailed

log = logs.get()


class Answerer(Protocol):
    """Answers the queries of one sink; called in several threads at once."""

    def ask(self, op: str, args: dict[str, object]) -> object:
        """A plain value.

        Raises:
            KrakenError: there is no answer; the text says why.
            ValueError: the arguments are not what the author's API makes.
        """
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Source:
    """Where the queries of one sink are answered. `open` is called once, in a thread, at the first query.

    `threads`: how many queries run at once. `reads_storage`: it reads what runs have written, which is committed first.
    """

    open: Callable[[], Answerer]
    threads: int
    reads_storage: bool


class Queries:
    """All sources, by the sink's name. `limit`: seconds that one query may take."""

    def __init__(self, sources: Mapping[str, Source], limit: float) -> None:
        self._desks = {name: _Desk(name, source) for name, source in sources.items()}
        self._limit = limit

    def reads_storage(self, name: str) -> bool:
        """Whether the query `sink.operation` sees what runs have written."""
        desk = self._desks.get(name.partition(".")[0])
        return desk is not None and desk.source.reads_storage

    async def ask(self, name: str, args: dict[str, object]) -> object:
        """The answer to the query `sink.operation`.

        Raises:
            KrakenError, ValueError: there is none; the text says why.
        """
        sink, _, op = name.partition(".")
        desk = self._desks.get(sink)
        if desk is None:
            raise QueryFailed("there is no such query")
        asking = asyncio.get_running_loop().run_in_executor(desk.threads, desk.ask, op, args)
        try:
            return await asyncio.wait_for(asking, self._limit)
        except TimeoutError:
            raise QueryFailed(f"no answer within {self._limit:g} s") from None

    def close(self) -> None:
        """Let go of all clients. Queries that wait for a server end by themselves."""
        for desk in self._desks.values():
            desk.close()


class _Desk:
    """The threads of one sink, and what answers there."""

    def __init__(self, name: str, source: Source) -> None:
        self.source = source
        self.threads = ThreadPoolExecutor(max_workers=source.threads, thread_name_prefix=f"query-{name}")
        self._name = name
        self._answerer: Answerer | None = None
        self._opening = threading.Lock()

    def ask(self, op: str, args: dict[str, object]) -> object:
        """In a thread."""
        try:
            with self._opening:
                if self._answerer is None:
                    self._answerer = self.source.open()
            return self._answerer.ask(op, args)
        except (KrakenError, ValueError):
            raise
        except Exception as error:  # a bug in a sink fails the one run that asked, and shows
            log.exception("query.failed", query=f"{self._name}.{op}", error=type(error).__name__)
            raise QueryFailed(f"its own code failed: {type(error).__name__}") from error

    def close(self) -> None:
        self.threads.shutdown(wait=False, cancel_futures=True)
        if self._answerer is not None:
            self._answerer.close()
