"""Whatever bytes come over the pipe: frames, "more", or the one error that ends a lying worker. And honest frames arrive."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from shapes import FROM_WORKER, PLAIN, TO_WORKER, pieces, spoiled

from kraken_hooks.errors import WorkerProtocolError
from kraken_hooks.wire import MAX_FRAME_BYTES, BrokerReader, WorkerReader, encode

CORPUS = sorted((Path(__file__).parent / "corpus" / "frames").iterdir())


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "little") + body


def streams(frames) -> st.SearchStrategy[bytes]:
    return st.lists(frames, min_size=1, max_size=4).map(lambda many: b"".join(map(encode, many)))


#: A body that is msgpack and nearly a frame: a known tag and values of any form after it.
NEARLY = st.builds(
    lambda tag, values: framed(msgspec.msgpack.encode([tag, *values])), st.integers(0, 30), st.lists(PLAIN, max_size=8)
)
ANY = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=300).map(framed),
    NEARLY,
    spoiled(streams(FROM_WORKER)),
    spoiled(streams(TO_WORKER)),
    spoiled(NEARLY),
)


def read_all(pieces: list[bytes]) -> list[object]:
    """The frames in there. Holds on to no more than it was fed, and never to more than one frame that is not complete."""
    reader, found, fed = BrokerReader(), [], 0
    for piece in pieces:
        reader.feed(piece)
        fed += len(piece)
        while (frame := reader.next()) is not None:
            found.append(frame)
        assert len(reader._buffer) <= min(fed, MAX_FRAME_BYTES + 4)
    return found


@given(pieces(ANY))
@examples(500)
def test_any_bytes_from_a_worker_are_frames_an_error_or_more(stream):
    try:
        frames = read_all(stream)
    except WorkerProtocolError:
        return
    again = b"".join(map(encode, frames))
    assert list(map(encode, read_all([again]))) == list(map(encode, frames)), "what was read once is read again"


@given(pieces(streams(FROM_WORKER)))
@examples(80)
def test_any_honest_frames_from_a_worker_arrive(stream):
    assert b"".join(map(encode, read_all(stream))) == b"".join(stream)


@given(pieces(streams(TO_WORKER)))
@examples(80)
def test_any_frames_to_a_worker_arrive(stream):
    reader, found = WorkerReader(), []
    for piece in stream:
        reader.feed(piece)
        while (frame := reader.next()) is not None:
            found.append(frame)
    assert b"".join(map(encode, found)) == b"".join(stream)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_was_found_once(path):
    with pytest.raises(WorkerProtocolError):
        read_all([path.read_bytes()])
