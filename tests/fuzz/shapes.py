"""What travels inside the broker, made at random: plain values, outcomes, frames; and bytes that were such once."""

from __future__ import annotations

from datetime import UTC
from itertools import pairwise

from hypothesis import strategies as st

from kraken_hooks.message import Message, Reply
from kraken_hooks.outcome import Effect, HookSpec, LogLine, Outcome, Problem, RunError, RunStatus
from kraken_hooks.wire import (
    Answer,
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
)

INT64 = st.integers(-(2**63), 2**63 - 1)
UINT64 = st.integers(0, 2**64 - 1)
TEXT = st.text(max_size=20)
NAME = (
    st.sampled_from(["f", "a.py:f", "a.py:g", "b.py:f", "store", "slack", "redis", "write", "send", "text", ""]) | TEXT
)
NUMBER = st.floats() | st.sampled_from([0.0, -1.0, 1e308, float("nan"), float("inf")])
SCALAR = (
    st.none() | st.booleans() | INT64 | NUMBER | TEXT | st.binary(max_size=20) | st.datetimes(timezones=st.just(UTC))
)
PLAIN = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=8
)
PLAIN_DICT = st.dictionaries(NAME, PLAIN, max_size=4)

MESSAGE = st.builds(Message, INT64, TEXT, TEXT, NAME, TEXT, TEXT, st.binary(max_size=50), INT64)
REPLY = st.builds(Reply, st.binary(max_size=50), TEXT, PLAIN_DICT)
EFFECT = st.builds(Effect, NAME, NAME, PLAIN_DICT)
LEVEL = st.sampled_from(["debug", "info", "warning", "error", "critical"])
LOG = st.builds(LogLine, LEVEL, TEXT, PLAIN_DICT)
ERROR = st.builds(RunError, TEXT, TEXT, INT64, TEXT)
PROBLEM = st.builds(Problem, INT64, INT64, TEXT, TEXT, NAME | st.sampled_from(["error", "warning"]))
OUTCOME = st.builds(
    Outcome,
    NAME,
    st.sampled_from(RunStatus),
    st.none() | REPLY,
    st.lists(EFFECT, max_size=3),
    PLAIN_DICT,
    st.lists(NAME, max_size=3),
    st.lists(LOG, max_size=3),
    st.none() | ERROR,
    NUMBER,
)
_PATTERNS = st.none() | st.lists(NAME, max_size=3)
_FIELDS = st.dictionaries(NAME, st.lists(PLAIN, max_size=3), max_size=3)
SPEC = st.builds(HookSpec, NAME, INT64, _PATTERNS, _PATTERNS, _FIELDS, _FIELDS, st.booleans(), NUMBER)

FROM_WORKER = st.one_of(
    st.builds(Ready, st.lists(TEXT, max_size=3), st.lists(TEXT, max_size=3)),
    st.builds(Loaded, UINT64, st.lists(SPEC, max_size=3), st.lists(PROBLEM, max_size=2), st.lists(LOG, max_size=2)),
    st.builds(LoadFailed, UINT64, st.lists(PROBLEM, max_size=3)),
    st.builds(Done, UINT64, st.lists(OUTCOME, max_size=3), st.booleans()),
    st.builds(Query, UINT64, UINT64, NAME, PLAIN_DICT),
)
TO_WORKER = st.one_of(
    st.builds(Configure, st.dictionaries(NAME, TEXT, max_size=3), NUMBER, UINT64, TEXT, st.booleans()),
    st.builds(Load, UINT64, NAME, st.binary(max_size=50), st.none() | PLAIN_DICT),
    st.builds(Unload, UINT64),
    st.builds(Forget, NAME),
    st.builds(Run, UINT64, UINT64, st.lists(NAME, max_size=3), MESSAGE),
    st.builds(SetState, NAME, PLAIN_DICT),
    st.builds(Answer, UINT64, PLAIN, TEXT),
)


@st.composite
def spoiled(draw, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes of `whole` with some bytes changed, put in, left out or repeated."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["change", "insert", "cut", "repeat", "end"])):
            case "change":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=8))
            case "cut":
                del data[at : at + draw(st.integers(1, 8))]
            case "repeat":
                data[at:at] = data[at : at + draw(st.integers(1, 40))]
            case _:
                del data[at:]
    return bytes(data)


@st.composite
def pieces(draw, whole: st.SearchStrategy[bytes]) -> list[bytes]:
    """The same bytes, cut anywhere."""
    data = draw(whole)
    cuts = sorted({0, len(data), *draw(st.lists(st.integers(0, len(data)), max_size=6))})
    return [data[start:end] for start, end in pairwise(cuts)]
