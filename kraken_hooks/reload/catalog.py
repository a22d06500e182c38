"""Which version of each hook file runs: loads what has changed, keeps the last good version where that fails.

Runs on the event loop; the directory is read in a thread. A new version is loaded in a probe first, and takes over only
when it has loaded well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

from kraken_hooks import logs
from kraken_hooks.errors import StorageUnavailable, WorkersUnavailable
from kraken_hooks.outcome import Problem
from kraken_hooks.reload.scan import Scan, scan
from kraken_hooks.workers.job import Version
from kraken_hooks.workers.probe import LoadRefused, Probe
from kraken_hooks.workers.starter import RETRY

log = logs.get()


class FileState(Enum):
    """What runs of a hook file."""

    LOADED = "loaded"  # what is on disk
    LAST_GOOD = "last good"  # an earlier version: what is on disk does not load
    FAILED = "failed"  # nothing: it has never loaded


@dataclass(slots=True)
class HookFile:
    """A hook file: the source that was tried last, and what runs of it."""

    tried: bytes
    state: FileState
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    """A hook file as an operator sees it. `problems`: why what is on disk does not run, as `check` prints them."""

    file: str
    state: str
    problems: list[str]


class Loader(Protocol):
    """Loads versions (the pool)."""

    def probe(self) -> Probe: ...
    def next_version(self) -> int: ...


class Runner(Protocol):
    """Runs versions (the engine)."""

    def adopt(self, version: Version) -> None:
        """Raises:
        StorageUnavailable: the file's state cannot be read now; nothing has changed.
        """
        ...

    def remove(self, file: str) -> None: ...


class Catalog:
    """The hook files of one directory.

    `keep` makes the source of a version durable as the last good one (None: the file was removed); `kept` are those of the
    last time.
    """

    def __init__(
        self,
        directory: Path,
        loader: Loader,
        runner: Runner,
        keep: Callable[[str, bytes | None], None],
        kept: dict[str, bytes],
    ) -> None:
        self._directory = directory
        self._loader = loader
        self._runner = runner
        self._keep = keep
        self._kept = kept
        self._files: dict[str, HookFile] = {}
        self._refused: dict[str, str] = {}
        #: Why the directory cannot be read; empty where it can.
        self.missing = ""
        self._busy = asyncio.Lock()

    def entries(self) -> list[Entry]:
        """All hook files, by name; refused ones too."""
        found = {name: Entry(name, file.state.value, file.problems) for name, file in self._files.items()}
        for name, reason in self._refused.items():
            running = found.get(name)
            found[name] = Entry(name, running.state if running else "refused", [reason])
        return [found[name] for name in sorted(found)]

    async def refresh(self, *, force: bool = False) -> None:
        """Bring what runs up to what is on disk. `force`: try files again that did not load."""
        async with self._busy:
            found = await asyncio.to_thread(scan, self._directory)
            if self._is_missing(found):
                return
            self._note_refused(found)
            self._remove_gone(found)
            probe = self._loader.probe()
            try:
                for name, source in sorted(found.files.items()):
                    known = self._files.get(name)
                    if known is None or known.tried != source.source or (force and known.state is not FileState.LOADED):
                        await self._load(probe, name, source.source)
            finally:
                probe.close()

    def _is_missing(self, found: Scan) -> bool:
        """A directory that is not there changes nothing: it may be a disk that is mounted later."""
        if found.missing and found.reason != self.missing:
            log.error("hooks.missing", directory=str(self._directory), reason=found.reason)
        self.missing = found.reason if found.missing else ""
        return found.missing

    def _note_refused(self, found: Scan) -> None:
        for name, reason in found.refused.items():
            if self._refused.get(name) != reason:
                log.error("hook.refused", file=name, reason=reason, running=self._running(name))
        self._refused = dict(found.refused)

    def _remove_gone(self, found: Scan) -> None:
        for name in [name for name in self._files if name not in found.files and name not in found.refused]:
            del self._files[name]
            self._runner.remove(name)
            self._keep(name, None)
            self._kept.pop(name, None)
            log.info("hook.removed", file=name)

    async def _load(self, probe: Probe, name: str, source: bytes) -> None:
        try:
            if not source.strip():
                raise LoadRefused([Problem(1, 1, "the file is empty", "delete the file to remove its hooks")])
            version = await self._loaded(probe, name, source)
        except LoadRefused as error:
            await self._keep_last_good(probe, name, source, error.problems)
            return
        await self._adopt(version)
        before = self._files.get(name)
        self._files[name] = HookFile(source, FileState.LOADED)
        self._keep(name, source)
        log.info(
            "hook.loaded",
            file=name,
            hooks=[spec.name for spec in version.specs],
            warnings=_lines(name, version.problems) or None,
            change="new" if before is None else "changed",
        )

    async def _keep_last_good(self, probe: Probe, name: str, source: bytes, problems: list[Problem]) -> None:
        """The source does not load: what ran goes on; after a start, what ran the last time."""
        known = self._files.get(name)
        if known is not None and known.state is not FileState.FAILED:
            state = FileState.LAST_GOOD
        else:
            state = FileState.LAST_GOOD if await self._load_kept(probe, name) else FileState.FAILED
        self._files[name] = HookFile(source, state, _lines(name, problems))
        log.error("hook.load_failed", file=name, problems=self._files[name].problems, running=self._running(name))

    async def _load_kept(self, probe: Probe, name: str) -> bool:
        source = self._kept.get(name)
        if source is None:
            return False
        try:
            version = await self._loaded(probe, name, source)
        except LoadRefused:
            return False
        await self._adopt(version)
        return True

    async def _loaded(self, probe: Probe, name: str, source: bytes) -> Version:
        """The version, however often a worker to load it has to be asked for: nothing else would bring it up again.

        Raises:
            LoadRefused: it does not load.
        """
        while True:
            try:
                return await probe.load(self._loader.next_version(), name, source)
            except WorkersUnavailable as error:
                log.error("worker.start_failed", reason=str(error))
                await asyncio.sleep(RETRY)

    async def _adopt(self, version: Version) -> None:
        """Let the version run, however often its state has to be asked for: nothing else would bring it up again."""
        delayed = False
        while True:
            try:
                self._runner.adopt(version)
                return
            except StorageUnavailable as error:
                if not delayed:
                    log.error("hook.load_delayed", file=version.file, reason=str(error))
                delayed = True
                await asyncio.sleep(RETRY)

    def _running(self, name: str) -> str:
        known = self._files.get(name)
        return "nothing" if known is None or known.state is FileState.FAILED else "the last good version"


def _lines(name: str, problems: list[Problem]) -> list[str]:
    """`file:line:column: message (hint)`, as `check` prints them."""
    return [
        f"{name}:{problem.line}:{problem.column}: {problem.message}" + (f" ({problem.hint})" if problem.hint else "")
        for problem in problems
    ]
