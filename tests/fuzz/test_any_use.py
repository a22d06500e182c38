"""Whatever a program does with values of all kinds: it never gets hold of Python's insides, of a module, or of an attribute that is not for hooks."""

from __future__ import annotations

import random

import pytest
from auditor import Auditor
from effort import examples
from hypothesis import given
from uses import PROGRAMS, write

HOOK = "from kraken_hooks import on\n@on()\ndef hook(msg):\n    return repr(caught)\ncaught = []\n"


@pytest.fixture(scope="module")
def auditor():
    process = Auditor()
    yield process
    process.close()


@given(program=PROGRAMS)
@examples(40)
def test_any_program_reaches_nothing_that_is_not_for_hooks(auditor, program):
    assert auditor.judge(program).findings == []


def test_most_programs_are_accepted_and_do_something(auditor):
    """Else the property above would say little."""
    chance = random.Random(1)
    verdicts = [auditor.judge(write([chance.getrandbits(64) for _ in range(8)], [1, 2])) for _ in range(30)]
    accepted = [verdict for verdict in verdicts if not verdict.refused and verdict.ended]
    assert len(accepted) > 20
    assert len({error for verdict in accepted for error in verdict.caught}) > 3, "they fail in many ways"
    attempts = [error for verdict in accepted for error in verdict.caught]
    assert attempts.count("") > len(attempts) / 5, "and much of what they do succeeds"


#: Ways out, planted: expression, what a program does with it, what is then found.
HOLES = {
    "module": ("sys", "x = module", "a module"),
    "frame": ("sys._getframe()", "x = frame.real", "a frame"),
    "names": ("vars(sys)", "x = names", "the names of a module"),
    "item": ("[sys]", "for x in item: x", "a module"),
    "result": ("lambda: sys", "result()", "a module"),
    "subclasses": ("object.__subclasses__", "for x in subclasses(): x", "the class"),
    "function": ("object.__getattribute__", "x = function", "the descriptor"),
    "template": ("'{0.__class__}'.format", "template(1)", "the format of a text"),
    "file": ("lambda: open('/dev/null').close()", "file()", "the event open"),
    "code": ("eval", "try: code('1')\nexcept Exception: pass", "the event exec"),
}


@pytest.fixture(scope="module")
def auditor_with_holes():
    process = Auditor(**{name: hole for name, (hole, _, _) in HOLES.items()})
    yield process
    process.close()


@pytest.mark.parametrize("name", HOLES)
def test_the_auditor_sees_a_hole(auditor_with_holes, name):
    _, use, found = HOLES[name]
    findings = auditor_with_holes.judge(f"{use}\n{HOOK}").findings
    assert any(found in one for one in findings), findings


def test_the_auditor_sees_no_hole_where_there_is_none(auditor_with_holes):
    verdict = auditor_with_holes.judge(HOOK)
    assert verdict.findings == []
    assert verdict.ended
