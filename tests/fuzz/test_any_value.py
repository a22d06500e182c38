"""Whatever a hook hands to the author's API: a plain copy that the pipe and the sinks take, or an error at the hook's line."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import re
from collections import OrderedDict, deque

import msgspec
from effort import examples
from hypothesis import example, given
from hypothesis import strategies as st
from shapes import PLAIN

from kraken_hooks import testing
from kraken_hooks.api import influxdb
from kraken_hooks.api.on import Registry, loading, on
from kraken_hooks.api.plain import MAX_DEPTH, json_text, plain
from kraken_hooks.api.point import point
from kraken_hooks.errors import HookUsageError, WorkerProtocolError
from kraken_hooks.sinks import registry
from kraken_hooks.sinks.line_protocol import line
from kraken_hooks.wire import Loaded
from kraken_hooks.workers.vetting import vet, vet_loaded


class Text(str):
    __slots__ = ()


class Colour(enum.StrEnum):
    RED = "red"


class Odd:
    def __repr__(self) -> str:
        return "odd" * 200


SURROGATES = st.text(st.characters(), max_size=6) | st.sampled_from(["\ud800", "a\udc80"])
ODD = st.one_of(
    st.integers(),
    SURROGATES,
    SURROGATES.map(Text),
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.datetimes(
        timezones=st.sampled_from([dt.timezone(dt.timedelta(hours=23)), dt.timezone(-dt.timedelta(hours=23))])
    ),
    st.sampled_from(
        [
            dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=1))),
            dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=1))),
        ]
    ),
    st.decimals(),
    st.fractions(),
    st.complex_numbers(),
    st.binary().map(bytearray),
    st.sampled_from(
        [
            Odd(),
            Odd,
            Colour.RED,
            ...,
            re.compile("a"),
            decimal.Decimal,
            range(3),
            {1, 2},
            deque([1]),
            OrderedDict(a=1),
            object(),
            print,
        ]
    ),
)
DEEP = st.integers(MAX_DEPTH - 2, MAX_DEPTH + 2000).map(
    lambda depth: msgspec.json.decode("[" * min(depth, 200) + "]" * min(depth, 200))
)
#: In UTC this is the year 10000.
LAST = dt.datetime.max.replace(tzinfo=dt.timezone(dt.timedelta(hours=-1)))
ANY = st.recursive(
    PLAIN | ODD | DEEP,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(SURROGATES | st.integers() | st.none(), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(ANY)
@example(LAST)
@examples(200)
def test_any_value_is_copied_plain_or_refused(value):
    try:
        made = plain(value, "x")
    except HookUsageError as refused:
        str(refused).encode(errors="surrogatepass")
        return
    sent = msgspec.msgpack.encode(made)
    assert msgspec.msgpack.encode(plain(msgspec.msgpack.decode(sent), "x")) == sent
    try:
        json_text(value, "x").encode()
    except HookUsageError:
        return


@given(ANY)
@example(LAST)
@example(["\ud800"])
@examples(150)
def test_whatever_a_hook_does_with_a_value_its_outcome_passes_the_vetting(value):
    def hook(msg):
        from kraken_hooks import influxdb, log, reply, slack, state, store

        calls = [
            lambda: log.info(value, value=value),
            lambda: state.set("k", value),
            lambda: store.write("m", {"v": value}, tags={"t": value}, time=value),
            lambda: store.write("m", value, tags=value),
            lambda: influxdb.write("m", {"v": value}),
            lambda: slack.send(value),
            lambda: slack.send("x", blocks=value),
            lambda: reply(value, metadata={"m": value}),
        ]
        for call in calls:
            try:
                call()
            except HookUsageError:
                continue
        return value

    outcome = testing.run(hook, testing.message())
    if outcome.error is not None:
        assert outcome.error.type == "HookUsageError", outcome.error
        return
    try:
        vet(msgspec.msgpack.decode(msgspec.msgpack.encode(outcome), type=type(outcome)), {outcome.hook}, registry.check)
    except WorkerProtocolError as error:
        raise AssertionError(f"an honest outcome was refused: {error}") from error


@given(
    st.dictionaries(
        st.sampled_from(["collector", "content_type", "metadata", "payload", "when", "order", "odd"]), ANY, max_size=3
    )
)
@examples(150)
def test_any_arguments_of_on_give_a_hook_or_an_error_that_says_why(arguments):
    registry = Registry()
    loading(registry)
    try:
        on(**arguments)(lambda msg: None)
    except (HookUsageError, TypeError):
        return
    finally:
        loading(None)
    specs = [msgspec.structs.replace(hook.spec, name="f") for hook in registry.hooks]
    vet_loaded(msgspec.msgpack.decode(msgspec.msgpack.encode(Loaded(1, specs)), type=Loaded))


KEY = st.text('ab,= "\\\n\t\0é', min_size=1, max_size=6) | st.text(min_size=1, max_size=5)
LITERAL = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text('ab,= "\\\n\t', max_size=6)
)


@given(
    KEY,
    st.dictionaries(KEY, LITERAL, min_size=1, max_size=3),
    st.dictionaries(KEY, KEY | st.just(""), max_size=3),
    st.integers(-(2**63), 2**63 - 1),
)
@examples(200)
def test_any_point_is_one_line_with_the_fields_that_it_has(measurement, fields, tags, time):
    written = line(influxdb.WriteArgs(measurement, fields, tags, time))
    series, rest = split_outside(written, " ", quotes=False)
    values, at = rest.rsplit(" ", 1)
    assert int(at) == time
    assert len(pieces(series, ",", quotes=False)) == 1 + sum(value != "" for value in tags.values())
    assert len(pieces(values, ",", quotes=True)) == len(fields)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", series)
    assert "\n" not in series


def split_outside(text: str, mark: str, *, quotes: bool) -> tuple[str, str]:
    first, *rest = pieces(text, mark, quotes=quotes)
    return first, mark.join(rest)


def pieces(text: str, mark: str, *, quotes: bool) -> list[str]:
    """Cut at each `mark` that no backslash escapes and, where `quotes` count (in a field's value), that stands in no text."""
    found, quoted, in_value, at = [""], False, False, 0
    while at < len(text):
        char = text[at]
        if char == "\\" and text[at + 1 : at + 2] in (*',= "', "\\") and (text[at + 1] != "\\" or quoted):
            found[-1] += text[at : at + 2]
            at += 2
            continue
        if quotes and in_value and char == '"':
            quoted = not quoted
        in_value = quoted or (in_value and char not in ", ") or char == "="
        if char == mark and not quoted:
            found.append("")
        else:
            found[-1] += char
        at += 1
    return found


@given(ANY, ANY, ANY, ANY)
@examples(150)
def test_any_point_is_plain_or_refused(measurement, fields, tags, time):
    try:
        made = point(measurement, fields, tags, time, 1)
    except HookUsageError:
        return
    assert -(2**63) <= made["time"] < 2**63
    assert all(not isinstance(value, float) or math.isfinite(value) for value in made["fields"].values())
