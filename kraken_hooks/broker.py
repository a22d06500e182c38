"""What the doors (gRPC, control socket; later the web page) may ask of the broker."""

from __future__ import annotations

from typing import Protocol

import msgspec

from kraken_hooks.message import Response


class Broker(Protocol):
    """The engine behind the doors."""

    async def handle(self, kind: str, collector: str, content_type: str, metadata: str, payload: bytes) -> Response:
        """Take a message in; returns when it is durable and its hooks have ended, or when it is in the inbox.

        Raises:
            KrakenError: it was not accepted; the class knows the gRPC status and the remedy.
        """
        ...


class FileStatus(msgspec.Struct, frozen=True):
    """A hook file. `state`: loaded, last good, failed, refused, or removed. `waiting`: messages in memory; `inbox`: on disk.

    `problems`: why what is on disk does not run. `quarantined`: hooks (function names) that do not run.
    """

    file: str
    state: str
    hooks: list[str]
    waiting: int
    inbox: int
    problems: list[str] = []
    quarantined: list[str] = []


class SinkStatus(msgspec.Struct, frozen=True):
    """A sink. `state`: up, down, paused, or unconfigured. `since`: of the state, nanoseconds since 1970 (UTC), 0: unknown.

    `reason`: why it is down. `retry_in`: seconds. `waiting`: effects in the outbox; `delivered`, `refused`: since the start.
    """

    name: str
    state: str
    waiting: int
    since: int = 0
    reason: str = ""
    retry_in: float | None = None
    delivered: int = 0
    refused: int = 0


class WorkerStatus(msgspec.Struct, frozen=True):
    """A worker process and the hook files that live there. `alone`: it is for a slow file."""

    pid: int
    files: list[str]
    alone: bool


class Status(msgspec.Struct, frozen=True):
    """What the broker is doing. `started`: nanoseconds since 1970 (UTC). Messages and failed runs count from there.

    `queued_bytes`, `queued_bound`: what inbox and outbox hold, and may hold. `hooks_missing`: why the hooks directory
    cannot be read; empty where it can.
    """

    version: str
    pid: int
    started: int
    hooks_dir: str
    state_dir: str
    messages: int
    failed_runs: int
    dead_letters: int
    queued_bytes: int
    queued_bound: int
    files: list[FileStatus]
    sinks: list[SinkStatus]
    workers: list[WorkerStatus]
    hooks_missing: str = ""


class Operations(Protocol):
    """What an operator may ask."""

    async def status(self) -> Status:
        """Raises:
        StorageUnavailable: the storage cannot be read now.
        """
        ...

    async def pause(self, sink: str, *, paused: bool) -> None:
        """Let a sink's effects wait, or go on; durable.

        Raises:
            UnknownSink: there is no such sink, or it needs no delivery.
            StorageUnavailable: it could not be made durable.
        """
        ...
