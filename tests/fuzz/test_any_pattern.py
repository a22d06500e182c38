"""Whatever the patterns, texts and documents: the same answer as slow and plain references, within bounded work."""

from __future__ import annotations

import fnmatch
import json

from effort import examples
from hypothesis import given
from hypothesis import strategies as st

from kraken_hooks.api.on import MAX_PATTERN
from kraken_hooks.outcome import HookSpec
from kraken_hooks.routing.patterns import MISSING, as_text, compile_pattern, field_matches, lookup
from kraken_hooks.routing.table import RoutingTable

#: Few characters, so that much matches; those that mean something in a regular expression among them.
TEXT = st.text("ab*?[]!-^\\.|&~\n", max_size=9) | st.text(max_size=6)
PATTERN = TEXT | st.lists(
    st.sampled_from(["*", "?", "a", "b", "[ab]", "[!a]", "[a-b]", "[", "]", "**"]), max_size=8
).map("".join)
KEY = st.sampled_from(["a", "b", "a.b", "0", "1", "", ".", "٣"])
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["a", "b", "1", "true", "null", ""])
)
DOCUMENT = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3), max_leaves=6
)
PATH = st.lists(KEY, min_size=1, max_size=3).map(lambda keys: ".".join(keys)[:MAX_PATTERN])


def matches_slowly(pattern: str, text: str) -> bool:
    """Tries everything: each star takes no character, or one and goes on."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return matches_slowly(pattern[1:], text) or (bool(text) and matches_slowly(pattern, text[1:]))
    if not text:
        return False
    if pattern[0] == "[":
        start = 2 if pattern[1:2] == "!" else 1
        end = pattern.find("]", start + 1)
        if end > 0:
            return in_brackets(pattern[start:end], text[0]) != (start == 2) and matches_slowly(
                pattern[end + 1 :], text[1:]
            )
    return pattern[0] in ("?", text[0]) and matches_slowly(pattern[1:], text[1:])


def in_brackets(members: str, char: str) -> bool:
    at = 0
    while at < len(members):
        if members[at + 1 : at + 2] == "-" and at + 2 < len(members):
            if members[at] <= char <= members[at + 2]:
                return True
            at += 3
        else:
            if members[at] == char:
                return True
            at += 1
    return False


@given(PATTERN, TEXT)
@examples(400)
def test_any_pattern_matches_as_one_that_tries_everything(pattern, text):
    assert compile_pattern(pattern)(text) == matches_slowly(pattern, text)


# A range inside brackets that ends before it begins is read differently by each release of fnmatch.
@given(st.text("ab*?.[!]\n", max_size=12), st.text("ab.]\n", max_size=12))
@examples(300)
def test_any_pattern_matches_as_in_the_standard_library(pattern, text):
    assert compile_pattern(pattern)(text) == fnmatch.fnmatchcase(text, pattern)


@given(
    st.lists(st.sampled_from(["*a", "*?", "*[ab]", "*ab", "*[!b]"]), max_size=200).map("".join),
    st.sampled_from(["b", "*b", ""]),
)
@examples(30)
def test_no_pattern_takes_for_ever(pattern, end):
    """One that tries everything would need longer than the universe lasts; the test's own time limit ends it."""
    assert compile_pattern(pattern + end)("a" * 2000) in (True, False)


def looked_up_slowly(document: object, path: str) -> object:
    if isinstance(document, dict) and path in document:
        return document[path]
    key, dot, rest = path.partition(".")
    if isinstance(document, dict) and key in document:
        inner = document[key]
    elif isinstance(document, list) and key.isdecimal() and len(key) < 9 and int(key) < len(document):
        inner = document[int(key)]
    else:
        return MISSING
    return looked_up_slowly(inner, rest) if dot else inner


@given(DOCUMENT, PATH)
@examples(150)
def test_any_path_leads_where_it_should_or_nowhere(document, path):
    found, expected = lookup(document, path), looked_up_slowly(document, path)
    assert found is expected


FIELDS = st.dictionaries(PATH, st.lists(LEAF | PATTERN, min_size=1, max_size=3), max_size=2)
WANTED = st.none() | st.lists(PATTERN, min_size=1, max_size=2)
SPECS = st.lists(
    st.builds(
        HookSpec,
        st.sampled_from("fgh"),
        st.just(1),
        WANTED,
        WANTED,
        FIELDS,
        st.just({}),
        st.just(False),
        st.sampled_from([0.0, -1.0, 2.5]),
    ),
    max_size=3,
    unique_by=lambda spec: spec.name,
)


def wanted_slowly(spec: HookSpec, collector: str, content_type: str, document: object) -> bool:
    """One hook, one message, by the words of the documentation."""

    def one_of(patterns: list[str] | None, text: str) -> bool:
        return patterns is None or any(matches_slowly(pattern, text) for pattern in patterns)

    def field(pattern: object, value: object) -> bool:
        if value is MISSING:
            return False
        if isinstance(pattern, str):
            text = as_text(value)
            return text is not None and matches_slowly(pattern, text)
        return (
            type(value) not in (list, dict)
            and pattern == value
            and isinstance(pattern, bool) == isinstance(value, bool)
        )

    return (
        one_of(spec.collector, collector)
        and one_of(spec.content_type, content_type)
        and all(
            any(field(one, looked_up_slowly(document, path)) for one in many) for path, many in spec.metadata.items()
        )
    )


@given(
    files=st.dictionaries(st.sampled_from(["a.py", "b.py", "c.py"]), SPECS, max_size=3),
    messages=st.lists(st.tuples(TEXT, TEXT, st.dictionaries(KEY, DOCUMENT, max_size=3)), min_size=1, max_size=3),
)
@examples(100)
def test_any_message_goes_to_the_hooks_that_a_plain_look_at_each_finds(files, messages):
    table = RoutingTable(files)
    for collector, content_type, document in messages:
        wanting = sorted(
            ((spec.order, file, place), spec.name)
            for file, specs in files.items()
            for place, spec in enumerate(specs)
            if wanted_slowly(spec, collector, content_type, document)
        )
        metadata = json.dumps(document)
        for _ in range(2):  # the second time from what is remembered
            found = table.match(collector, content_type, metadata)
            assert sorted(
                (rank, f"{match.file}:{name}")
                for match in found
                for name in match.hooks
                for rank in [match.ranks[f"{match.file}:{name}"]]
            ) == [(rank, f"{rank[1]}:{name}") for rank, name in wanting]
            assert [match.file for match in found] == list(dict.fromkeys(rank[1] for rank, _ in wanting))


@given(st.lists(LEAF | PATTERN, max_size=3), DOCUMENT)
@examples(200)
def test_any_value_against_any_patterns_is_yes_or_no(patterns, value):
    assert field_matches(patterns, value) in (True, False)
