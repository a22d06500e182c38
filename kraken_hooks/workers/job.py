"""What the pool moves around: versions of hook files, and jobs for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from kraken_hooks.message import Message
from kraken_hooks.outcome import HookSpec, LogLine, Problem
from kraken_hooks.workers.quarantine import Quarantine


@dataclass(slots=True, eq=False)
class Version:
    """A hook file as it was at one time, loaded well. `jobs` counts those that still have to run with it.

    Each version has a quarantine of its own: what the jobs of the last one do is not held against a file that has changed.
    """

    number: int
    file: str
    source: bytes
    specs: list[HookSpec]
    problems: list[Problem]
    logs: list[LogLine]
    jobs: int = 0
    quarantine: Quarantine = field(default_factory=Quarantine)


class Job(msgspec.Struct, eq=False):
    """One message for one hook file.

    `hooks` are the function names still to run, `asked` all that were wanted, `sent` those of the last frame. `owner` is
    the engine's. `deaths` counts workers that died with it for no known reason. `forgotten`: nobody waits for it.
    """

    message: Message
    version: Version
    hooks: list[str]
    owner: object
    number: int = 0
    sent: list[str] = []
    asked: Sequence[str] = ()
    deaths: int = 0
    forgotten: bool = False

    def full_name(self, hook: str) -> str:
        return f"{self.version.file}:{hook}"
