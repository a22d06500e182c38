"""What runs leave behind, in frames that fit into the pipe and into the memory that is left."""

from __future__ import annotations

import sys
from collections.abc import Callable

import msgspec

from kraken_hooks.outcome import Outcome, RunError, RunStatus
from kraken_hooks.wire import MAX_FRAME_BYTES, Done, append

_encoder = msgspec.msgpack.Encoder()


def add_done(out: bytearray, flush: Callable[[], None], job: int, outcomes: list[Outcome], *, ended: bool) -> None:
    """Add all in one frame to what goes out, where that fits; else send one for each. A run whose own does not fit has failed
    instead. `flush` sends `out` and empties it.
    """
    if _problem(out, Done(job, outcomes, ended)) is None:
        return
    flush()
    for outcome in outcomes:
        problem = _problem(out, Done(job, [outcome], False))
        if problem is not None:
            failed = Outcome(outcome.hook, RunStatus.FAILED, error=problem, duration=outcome.duration)
            append(out, Done(job, [failed], False))
        flush()
    if ended:
        append(out, Done(job, [], True))


def stored_size(values: dict[str, object]) -> int:
    """Bytes of a state's values; more than any limit where the memory does not suffice to tell."""
    out = bytearray()
    try:
        _encoder.encode_into(values, out)
    except MemoryError:
        return sys.maxsize
    return len(out)


def _problem(out: bytearray, frame: Done) -> RunError | None:
    """Add the frame; why not, where it does not fit."""
    before = len(out)
    try:
        append(out, frame)
    except MemoryError:
        return RunError("MemoryError", "what the run asks for does not fit into the memory that is left")
    size = len(out) - before
    if size <= MAX_FRAME_BYTES:
        return None
    del out[before:]
    return RunError("TooMuch", f"the run asks for {size} bytes of effects, state and log")
