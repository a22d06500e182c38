"""Frames between the broker and a worker: bytes in, frozen frames out, or an error, or "more".

A frame is a 4-byte little-endian length and a msgpack array whose first element names its type. Both ends share this
module; it knows no socket. What comes from a worker is decoded as if an attacker had written it: only the types below,
only plain values, bounded sizes. Objects never cross, so there is nothing to unpickle.
"""

from __future__ import annotations

from typing import Final

import msgspec

from kraken_hooks.errors import WorkerProtocolError
from kraken_hooks.message import MAX_MESSAGE_BYTES, Message
from kraken_hooks.outcome import HookSpec, LogLine, Outcome, Problem

_HEADER: Final = 4

#: Longest frame in either direction, bytes: a message of 16 MiB with room for what surrounds it, or a run's effects.
MAX_FRAME_BYTES: Final = 2 * MAX_MESSAGE_BYTES


# ── broker to worker ───────────────────────────────────────────────────────────────────────────────────────────────


class Configure(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """First frame of all. `sinks` maps each sink's name to "" where it is configured, else to the variable to set.

    `timeout` is the soft time limit of one hook in seconds. `memory` is in bytes, on top of what the worker holds now. `boot`
    names the machine's start, see `clock.boot_id`.
    `lockdown`: a worker that cannot be locked down in full ends, instead of doing without.
    """

    sinks: dict[str, str]
    timeout: float
    memory: int
    boot: str = ""
    lockdown: bool = False


class Load(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Compile and load one version of a hook file.

    `state` is the whole state of the file, and counts whether or not the version loads; None where another version of the
    file came before, whose runs have kept the state up to date.
    """

    version: int
    file: str
    source: bytes
    state: dict[str, object] | None


class Unload(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Forget a version. Runs of it that have not started are not started. Overtakes the runs in the pipe."""

    version: int


class Forget(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """The hook file lives elsewhere now: forget all its versions and its state. Overtakes what is in the pipe, as Unload."""

    file: str


class Run(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """Call the named hooks (function names, in order) of one version with one message. `job` names this order."""

    job: int
    version: int
    hooks: list[str]
    message: Message


class SetState(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """Replace the state of a hook file: what the worker has is no longer what is on disk."""

    file: str
    state: dict[str, object]


class Answer(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """What became of a query: a value, or where `error` is not empty the reason."""

    query: int
    value: object = None
    error: str = ""


ToWorker = Configure | Load | Unload | Forget | Run | SetState | Answer


# ── worker to broker ───────────────────────────────────────────────────────────────────────────────────────────────


class Ready(msgspec.Struct, frozen=True, array_like=True, tag=20):
    """First frame of all: the worker is locked down and waits.

    `closed` names the parts of the kernel's wall that hold, `missing` those that this machine lacks, each with the reason.
    """

    closed: list[str]
    missing: list[str]


class Loaded(msgspec.Struct, frozen=True, array_like=True, tag=21):
    """A version is loaded. `problems` holds warnings only. `logs` is what its top level logged or printed."""

    version: int
    hooks: list[HookSpec]
    problems: list[Problem] = []
    logs: list[LogLine] = []


class LoadFailed(msgspec.Struct, frozen=True, array_like=True, tag=22):
    version: int
    problems: list[Problem]


class Done(msgspec.Struct, frozen=True, array_like=True, tag=23):
    """Hooks of a job that have ended. A hook whose `payload=` or `when=` did not match has no outcome.

    `ended` is true in the job's last frame; outcomes of a job that takes long come earlier, as they are ready.
    """

    job: int
    outcomes: list[Outcome]
    ended: bool


class Query(msgspec.Struct, frozen=True, array_like=True, tag=24):
    """A read that a run waits for. `name` is `sink.operation`; `args` are plain values by name."""

    query: int
    job: int
    name: str
    args: dict[str, object]


FromWorker = Ready | Loaded | LoadFailed | Done | Query

_encoder = msgspec.msgpack.Encoder()
_to_worker = msgspec.msgpack.Decoder(ToWorker)
_from_worker = msgspec.msgpack.Decoder(FromWorker)


def encode(frame: ToWorker | FromWorker) -> bytes:
    """One frame as bytes, length first."""
    body = _encoder.encode(frame)
    return len(body).to_bytes(_HEADER, "little") + body


def append(out: bytearray, frame: FromWorker) -> None:
    """The same at the end of `out`, without a copy. With little memory `encode` could crash (msgspec 0.22).

    Raises:
        MemoryError: it does not fit; `out` is as before.
    """
    start = len(out)
    try:
        _encoder.encode_into(frame, out, start + _HEADER)
    except MemoryError:
        del out[start:]
        raise
    out[start : start + _HEADER] = (len(out) - start - _HEADER).to_bytes(_HEADER, "little")


class _Reader:
    """Cuts a stream of bytes into frames: `feed` what was read, then take frames until there are none."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start = 0

    def feed(self, data: bytes | memoryview) -> None:
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        self._buffer += data

    def _body(self) -> bytes | None:
        """The next frame's body, or None where more bytes are needed.

        Raises:
            WorkerProtocolError: the frame is longer than MAX_FRAME_BYTES.
        """
        buffer, start = self._buffer, self._start
        body = start + _HEADER
        if len(buffer) < body:
            return None
        length = int.from_bytes(buffer[start:body], "little")
        if length > MAX_FRAME_BYTES:
            raise WorkerProtocolError(f"a frame of {length} bytes; at most {MAX_FRAME_BYTES} are allowed")
        end = body + length
        if len(buffer) < end:
            return None
        self._start = end
        return bytes(memoryview(buffer)[body:end])


class BrokerReader(_Reader):
    """The broker's end: what comes in is from a worker."""

    def next(self) -> FromWorker | None:
        """The next frame, or None where more bytes are needed.

        Raises:
            WorkerProtocolError: this is no frame that an honest worker sends.
        """
        body = self._body()
        if body is None:
            return None
        try:
            frame: FromWorker = _from_worker.decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:  # ValueError: a text that is no UTF-8
            raise WorkerProtocolError(f"no valid frame: {error}") from error
        return frame


class WorkerReader(_Reader):
    """The worker's end: what comes in is from the broker."""

    def next(self) -> ToWorker | None:
        """The next frame, or None where more bytes are needed."""
        body = self._body()
        return None if body is None else _to_worker.decode(body)
