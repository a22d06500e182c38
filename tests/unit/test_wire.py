"""Frames over the pipe: both ends joined through memory, cut everywhere, and fed with nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraken_hooks.errors import WorkerProtocolError
from kraken_hooks.message import Message
from kraken_hooks.outcome import Effect, HookSpec, LogLine, Outcome, Problem, RunError, RunStatus
from kraken_hooks.wire import (
    MAX_FRAME_BYTES,
    Answer,
    BrokerReader,
    Configure,
    Done,
    Forget,
    Load,
    Loaded,
    LoadFailed,
    Query,
    Ready,
    Run,
    SetState,
    Unload,
    WorkerReader,
    encode,
)

MESSAGE = Message(1, "id", "collector", "webhook", "application/json", "{}", b"\x00payload\xff", 123)
OUTCOME = Outcome(
    "a.py:f",
    RunStatus.OK,
    None,
    [Effect("slack", "send", {"text": "é"})],
    {"k": [1, 2.5, None]},
    ["gone"],
    [LogLine("info", "x", {})],
)
TO_WORKER = [
    Configure({"slack": ""}, 2.0, 1 << 20), Load(1, "a.py", b"x = 1", {"k": 1}), Load(2, "a.py", b"", None), Run(7, 1, ["f"], MESSAGE),
    SetState("a.py", {"k": b"\xff"}), Answer(1, [1, 2]), Answer(2, None, "why"), Unload(1), Forget("a.py"),
]  # fmt: skip
FROM_WORKER = [
    Ready(["seccomp"], ["landlock: no"]), Loaded(1, [HookSpec("f", 3, ["webhook"], None, {"a.b": ["x", 1, None]})], [], [LogLine("info", "top", {})]),
    LoadFailed(1, [Problem(1, 2, "what", "hint")]), Done(7, [OUTCOME], True), Query(1, 7, "store.last", {"tags": None}),
    Done(8, [Outcome("a.py:f", RunStatus.FAILED, error=RunError("KeyError", "'x'", 3, "trace"))], False),
]  # fmt: skip


def drain(reader) -> list:
    found = []
    while (frame := reader.next()) is not None:
        found.append(frame)
    return found


@pytest.mark.parametrize(("reader", "frames"), [(WorkerReader, TO_WORKER), (BrokerReader, FROM_WORKER)])
def test_frames_come_out_as_they_went_in_wherever_the_bytes_are_cut(reader, frames):
    stream = b"".join(encode(frame) for frame in frames)
    for cut in range(len(stream) + 1):
        joined = reader()
        joined.feed(stream[:cut])
        found = drain(joined)
        joined.feed(stream[cut:])
        assert found + drain(joined) == frames


@given(st.lists(st.integers(1, 40), max_size=60))
def test_any_way_of_cutting_gives_the_same_frames(sizes):
    stream = b"".join(encode(frame) for frame in FROM_WORKER)
    reader, found, at = BrokerReader(), [], 0
    for size in [*sizes, len(stream)]:
        reader.feed(stream[at : at + size])
        at += size
        found += drain(reader)
    assert found == FROM_WORKER


@given(st.binary(max_size=200))
def test_nonsense_from_a_worker_is_a_frame_an_error_or_more(body):
    reader = BrokerReader()
    reader.feed(len(body).to_bytes(4, "little") + body)
    try:
        reader.next()
    except WorkerProtocolError:
        return


@pytest.mark.parametrize("frame", TO_WORKER)
def test_a_worker_cannot_send_what_only_the_broker_sends(frame):
    reader = BrokerReader()
    reader.feed(encode(frame))
    with pytest.raises(WorkerProtocolError):
        reader.next()


def test_a_frame_over_the_limit_is_refused_before_it_is_there():
    reader = BrokerReader()
    reader.feed((MAX_FRAME_BYTES + 1).to_bytes(4, "little"))
    with pytest.raises(WorkerProtocolError, match="at most"):
        reader.next()


def test_deep_nesting_is_refused():
    deep = b"\x95\x18\x01\x07\xaastore.last\x81\xa1x" + b"\x91" * 200_000 + b"\xc0"
    reader = BrokerReader()
    reader.feed(len(deep).to_bytes(4, "little") + deep)
    with pytest.raises(WorkerProtocolError):
        reader.next()
