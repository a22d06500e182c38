"""Which message goes to which hook."""

from __future__ import annotations

import fnmatch
import json
import re
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraken_hooks.outcome import HookSpec
from kraken_hooks.routing.patterns import MISSING, compile_pattern, field_matches, lookup
from kraken_hooks.routing.table import RoutingTable

TEXT = st.text("ab*?[]!-.", max_size=8)


def matches(pattern: str, text: str) -> bool:
    return compile_pattern(pattern)(text)


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "text", "expected"),
        [
            ("webhook", "webhook", True), ("webhook", "Webhook", False), ("webhook", "webhook2", False), ("", "", True),
            ("web*", "webhook", True), ("*hook", "webhook", True), ("w*k", "webhook", True), ("w*x*k", "webhook", False),
            ("*", "", True), ("*", "a\nb", True), ("a*c", "a\n\nc", True), ("?", "", False), ("?", "é", True), ("a?c", "abc", True),
            ("[ab]x", "bx", True), ("[!ab]x", "bx", False), ("[!ab]x", "cx", True), ("[a-c]", "b", True), ("[a-c]", "d", False),
            ("[a", "[a", True), ("x[", "x[", True), ("[]]", "]", True), ("[!]]", "]", False), ("a.c", "abc", False),
            ("env-*", "env-sensor", True), ("*a*b*", "xaybz", True), ("*ab", "abab", True), ("ab*ab", "ab", False), ("a\\d", "a5", False),
        ],
    )  # fmt: skip
    def test_examples(self, pattern, text, expected):
        assert matches(pattern, text) is expected

    @given(TEXT, TEXT)
    @settings(max_examples=500)
    def test_the_same_as_fnmatch(self, pattern, text):
        assert matches(pattern, text) == fnmatch.fnmatchcase(text, pattern)

    def test_many_stars_take_no_time(self):
        """Compared with a plain search over the same text, in the same run."""
        text = "a" * 5_000
        began = time.perf_counter()
        for _ in range(20):
            re.search("b", text)
        plain = time.perf_counter() - began
        began = time.perf_counter()
        assert not matches("*a" * 20 + "*b", text)
        assert time.perf_counter() - began < 2_000 * max(plain, 1e-4)


class TestFields:
    @pytest.mark.parametrize(
        ("pattern", "value", "expected"),
        [
            ("480", 480, True), ("25.5", 25.5, True), ("4*", 480, True), (480, 480, True), (480, 480.0, True), (480, "480", False),
            (True, True, True), (True, 1, False), (1, True, False), ("true", True, True), (None, None, True), ("null", None, True),
            ("*", "x", True), ("*", MISSING, False), (None, MISSING, False), ("*", [1], False), ("*", {}, False), ("x", "x", True),
        ],
    )  # fmt: skip
    def test_examples(self, pattern, value, expected):
        assert field_matches([pattern], value) is expected

    def test_any_of_a_list(self):
        assert field_matches(["a", "b*"], "bc")
        assert not field_matches(["a", "b*"], "c")

    @pytest.mark.parametrize(
        ("document", "path", "expected"),
        [
            ({"a": {"b": 1}}, "a.b", 1), ({"a.b": 2}, "a.b", 2), ({"a": [5, 6]}, "a.1", 6), ({"a": [5]}, "a.1", MISSING),
            ({"a": 1}, "a.b", MISSING), ({}, "a", MISSING), ([{"a": 3}], "0.a", 3), ({"a": {"b.c": 4}}, "a.b.c", 4),
            ({"a": None}, "a", None), (5, "a", MISSING), ({"a": [1]}, "a.x", MISSING), ({"a": [1]}, "a.-1", MISSING), ({"": 1}, "", 1),
        ],
    )  # fmt: skip
    def test_dotted_paths(self, document, path, expected):
        assert lookup(document, path) == expected


NAMES = st.sampled_from(["webhook", "mqtt", "tcp", "web*", "*", "?cp", "[mt]*"])
VALUES = st.sampled_from(["a", "b", "1", "*", "a*", 1, True, None, "true"])
SPECS = st.builds(
    HookSpec,
    name=st.sampled_from([f"f{number}" for number in range(50)]),
    line=st.just(1),
    collector=st.none() | st.lists(NAMES, min_size=1, max_size=2),
    content_type=st.none() | st.lists(st.sampled_from(["application/json", "text/*"]), min_size=1, max_size=2),
    metadata=st.dictionaries(st.sampled_from(["x", "y.z"]), st.lists(VALUES, min_size=1, max_size=2), max_size=2),
    order=st.sampled_from([0.0, 0.0, -1.0, 5.0]),
)
FILES = st.dictionaries(
    st.sampled_from(["a.py", "b.py", "c.py"]), st.lists(SPECS, max_size=6, unique_by=lambda spec: spec.name), max_size=3
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["x", "y"]), st.sampled_from(["a", "ab", 1, True, None, {"z": "b"}, {"z": 1}]), max_size=2
)


def naive(files, collector, content_type, metadata) -> set[str]:
    """Every hook asked by itself."""
    document = json.loads(metadata) if metadata else {}
    return {
        f"{file}:{spec.name}"
        for file, specs in files.items()
        for spec in specs
        if (spec.collector is None or any(matches(one, collector) for one in spec.collector))
        and (spec.content_type is None or any(matches(one, content_type) for one in spec.content_type))
        and all(field_matches(patterns, lookup(document, path)) for path, patterns in spec.metadata.items())
    }


class TestTable:
    @given(
        FILES,
        st.sampled_from(["webhook", "mqtt", "tcp", "other"]),
        st.sampled_from(["application/json", "text/plain", ""]),
        DOCUMENTS,
    )
    @settings(max_examples=300)
    def test_the_same_as_asking_every_hook(self, files, collector, content_type, document):
        metadata = json.dumps(document) if document else ""
        table = RoutingTable(files)
        for _ in range(2):  # the second time from what it remembers
            found = table.match(collector, content_type, metadata)
            names = {f"{match.file}:{hook}" for match in found for hook in match.hooks}
            assert names == naive(files, collector, content_type, metadata)
            for match in found:
                assert set(match.ranks) == {f"{match.file}:{hook}" for hook in match.hooks}
                asked = [match.ranks[f"{match.file}:{hook}"] for hook in match.hooks]
                assert asked == sorted(asked), "hooks of a file in the order in which they are asked"

    def test_hooks_are_asked_by_order_then_file_then_place(self):
        table = RoutingTable({
            "b.py": [HookSpec("f", 1), HookSpec("first", 2, order=-1)],
            "a.py": [HookSpec("g", 1), HookSpec("last", 2, order=9)],
        })  # fmt: skip
        ranks = {name: rank for match in table.match("x", "y", "") for name, rank in match.ranks.items()}
        assert sorted(ranks, key=ranks.__getitem__) == ["b.py:first", "a.py:g", "b.py:f", "a.py:last"]

    def test_long_names_of_collectors_are_not_remembered(self):
        table = RoutingTable({"a.py": [HookSpec("f", 1, collector=["x*"])]})
        tracemalloc.start()
        try:
            for number in range(50):
                assert table.match(f"x{number}" + "y" * 2**20, "text/plain", "")
            assert tracemalloc.get_traced_memory()[0] < 8 * 2**20
        finally:
            tracemalloc.stop()

    def test_a_table_with_another_file_leaves_the_first_alone(self):
        one = RoutingTable({"a.py": [HookSpec("f", 1)]})
        two = one.with_file("b.py", [HookSpec("g", 1)])
        assert [match.file for match in one.match("x", "y", "")] == ["a.py"]
        assert [match.file for match in two.match("x", "y", "")] == ["a.py", "b.py"]
        assert [match.file for match in two.without_file("a.py").match("x", "y", "")] == ["b.py"]
