"""Any program: refused, or run without reading anything that leads out of the sandbox.

What is found here becomes a file of the corpus.
"""

from __future__ import annotations

import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from programs import Reached, program, try_program

from kraken_hooks.sandbox import loader


@pytest.fixture(scope="module", autouse=True)
def prepared():
    loader.preload()


@given(program)
@examples(300)
def test_an_accepted_program_reads_nothing_that_leads_out(source):
    try_program(source)


@given(st.text(max_size=200))
@examples(300)
def test_any_text_is_loaded_or_refused_with_its_problems(source):
    try:
        loader.load(source.encode("utf-8", "surrogatepass"), "fuzzed.py")
    except loader.LoadError as refused:
        problems = refused.problems
        assert problems


@pytest.mark.parametrize(
    "source",
    [
        "x.fget",
        "len([]).real",
        "[str.upper for A in 'a']",
        "def f(x):\n    yield x\ng = f(1)\ng.send(None)",
    ],
)
def test_the_grammar_reaches_programs_that_run(source):
    assert try_program(source)


def test_the_audit_sees_what_the_policy_lets_through(monkeypatch):
    monkeypatch.setattr("kraken_hooks.sandbox.policy.attribute_problem", lambda name: "")
    with pytest.raises(Reached, match="gi_frame"):
        try_program("g = (x for x in [1])\ng.gi_frame")
