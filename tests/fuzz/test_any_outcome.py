"""Whatever a worker reports of a run: refused, or it can be stored, logged, answered, and found again as it was."""

from __future__ import annotations

import io
import json
from pathlib import Path

import msgspec
import pytest
import structlog
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect
from shapes import INT64, MESSAGE, NAME, NUMBER, OUTCOME, PLAIN, PLAIN_DICT, TEXT

from kraken_hooks import clock, logs
from kraken_hooks.engine import reporting
from kraken_hooks.engine.bookkeeping import Bookkeeping
from kraken_hooks.engine.log_rate import LogRate
from kraken_hooks.engine.response import respond
from kraken_hooks.errors import WorkerProtocolError
from kraken_hooks.message import Message, Reply
from kraken_hooks.outbox.base import DeadFilter, Transaction
from kraken_hooks.outbox.memory import MemoryOutbox
from kraken_hooks.outbox.sqlite import SqliteOutbox
from kraken_hooks.outcome import Effect, LogLine, Outcome, RunError, RunStatus
from kraken_hooks.sinks import registry, store
from kraken_hooks.workers.vetting import vet

CORPUS = sorted((Path(__file__).parent / "corpus" / "outcomes").iterdir())
HOOKS = {"a.py:f", "a.py:g"}
#: Names of fields that mean something to what writes the log.
FIELD = (
    st.sampled_from(
        "self event level timestamp text hook message_id exc_info stack_info exception stack args kw x".split()
    )
    | TEXT
)


def of_type(kind: inspect.Type) -> st.SearchStrategy:
    """Values as the arguments of an effect say they are."""
    match kind:
        case inspect.StrType():
            return NAME | TEXT
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return st.integers(0, 9) | INT64
        case inspect.FloatType():
            return NUMBER
        case inspect.NoneType():
            return st.none()
        case inspect.DictType():
            return st.dictionaries(of_type(kind.key_type), of_type(kind.value_type), max_size=3)
        case inspect.ListType():
            return st.lists(of_type(kind.item_type), max_size=3)
        case inspect.UnionType():
            return st.one_of(map(of_type, kind.types))
        case _:
            return TEXT | PLAIN


def arguments(form: type[msgspec.Struct]) -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries({field.name: of_type(field.type) for field in inspect.type_info(form).fields})


EFFECT = st.one_of(
    st.builds(Effect, st.just(kind.name), st.just(op), arguments(form))
    for kind in registry.SINKS
    for op, form in kind.ops.items()
)
JSON = st.none() | st.booleans() | INT64 | st.floats(allow_nan=False, allow_infinity=False) | TEXT
HONEST = st.builds(
    Outcome,
    st.sampled_from(sorted(HOOKS)),
    st.just(RunStatus.OK),
    st.none() | st.builds(Reply, st.binary(max_size=9), TEXT, st.dictionaries(FIELD, JSON, max_size=3)),
    st.lists(EFFECT, max_size=2),
    st.dictionaries(st.text(min_size=1, max_size=9), PLAIN, max_size=2),
    st.lists(st.text(min_size=1, max_size=9), max_size=2),
    st.lists(
        st.builds(
            LogLine,
            st.sampled_from(["debug", "info", "warning", "error"]),
            TEXT,
            st.dictionaries(FIELD, JSON, max_size=4),
        ),
        max_size=3,
    ),
    st.none(),
    st.floats(0, 100),
)
FAILED = st.builds(
    Outcome,
    st.sampled_from(sorted(HOOKS)),
    st.sampled_from([RunStatus.FAILED, RunStatus.TIMEOUT]),
    error=st.builds(RunError, TEXT, TEXT, st.integers(0, 99), TEXT),
    duration=st.floats(0, 100),
)


class Rules:
    points = staticmethod(store.points)


@pytest.fixture(scope="module")
def outboxes(tmp_path_factory):
    made = [MemoryOutbox(), SqliteOutbox(tmp_path_factory.mktemp("any") / "kraken.db")]
    yield made
    for outbox in made:
        outbox.close()


@pytest.fixture
def written():
    stream = io.StringIO()
    logs.configure(debug=True, environment={}, stream=stream)
    yield stream
    structlog.reset_defaults()


@given(outcome=st.one_of(HONEST, HONEST, FAILED, OUTCOME), message=MESSAGE)
@examples(200)
def test_any_outcome_is_refused_or_stored_and_told(outboxes, written, outcome, message):
    check(outboxes, written, msgspec.msgpack.encode(outcome), message)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_was_found_once_is_no_harm_now(outboxes, written, path):
    check(outboxes, written, path.read_bytes(), Message(1, "id", "collector", "webhook", "", "", b"", 1))


def check(outboxes, written, outcome: bytes, message: Message) -> None:
    sent = msgspec.msgpack.decode(outcome, type=Outcome)
    try:
        vet(sent, HOOKS, registry.check)
    except WorkerProtocolError:
        return
    is_stored_alike(outboxes, sent, message)
    json.loads(respond(message, [sent], accepted=False).metadata)
    written.seek(0)
    written.truncate()
    reporting.report(message, sent, LogRate())
    told = [json.loads(line) for line in written.getvalue().split("\n")[:-1]]
    assert len(told) == len(sent.logs) + (sent.error is not None)


def is_stored_alike(outboxes, outcome: Outcome, message) -> None:
    sequence = clock.Sequence()
    found = []
    transaction = Transaction()
    Bookkeeping(Rules(), sequence).enter(transaction, message, outcome)
    for outbox in outboxes:
        outbox.commit([transaction])
        points = [outbox.last(point.measurement, point.field, point.tags) for point in transaction.points]
        effects = [outbox.take(sink, 0, 1000) for sink in sorted(outbox.queued())]
        dead = outbox.dead(DeadFilter(), 1000)
        state = sorted(outbox.state("a.py").items())
        found.append(msgspec.msgpack.encode([points, [one.effect for many in effects for one in many], dead, state]))
        outbox.commit(
            [
                Transaction(
                    settled={
                        sink: [one.seq for one in many]
                        for many in effects
                        for sink in {one.effect.sink for one in many}
                    }
                )
            ]
        )
        outbox.commit([Transaction(state_deleted={"a.py": [key for key, _ in state]})])
        outbox.purge(DeadFilter())
    assert found[0] == found[1]


@given(arguments=st.one_of(EFFECT, st.builds(Effect, NAME, NAME, PLAIN_DICT)))
@examples(100)
def test_any_effect_is_known_or_refused(arguments):
    try:
        registry.check(arguments)
    except WorkerProtocolError:
        return
    assert (arguments.sink, arguments.op) in {(kind.name, op) for kind in registry.SINKS for op in kind.ops}


@given(outcome=HONEST)
@examples(100)
def test_honest_outcomes_without_effects_pass(outcome):
    """Else the property above would say little."""
    without = msgspec.structs.replace(outcome, effects=[])
    vet(without, HOOKS, registry.check)
