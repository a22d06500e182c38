"""What leaves a hook is of Python's own classes, whatever the hook has derived from them: it can be sent, and says what it is."""

from __future__ import annotations

import pytest

from kraken_hooks import testing
from kraken_hooks.outcome import Outcome
from kraken_hooks.sandbox import loader
from kraken_hooks.sandbox.explain import explain
from kraken_hooks.wire import Done, Loaded, encode

CLASSES = """
from kraken_hooks import log, on, reply, slack, state, store, throttle
class S(str):
    def isascii(self): return True
    def __str__(self): return self
    def encode(self, *a): return B(b"x")
class B(bytes):
    def __bytes__(self): return self
class I(int):
    def __int__(self): return self
    def __index__(self): return self
class F(float):
    def __float__(self): return self
class D(dict): pass
class L(list): pass
class E(Exception):
    def __str__(self): return S("told")
"""


@pytest.fixture(scope="module", autouse=True)
def prepared():
    loader.preload()


def outcome_of(body: str) -> Outcome:
    loaded = loader.load(f"{CLASSES}\n@on()\ndef hook(msg):\n    {body}\n".encode(), "case.py")
    outcome = testing.run(loaded.hooks[0].function, testing.message())
    encode(Done(1, [outcome], ended=True))  # refuses what is not of Python's own classes
    return outcome


@pytest.mark.parametrize(
    "body",
    [
        "log.info(S('a'), key=S('b'), **{S('c'): S('d'), 'n': I(3), 'f': F(2), 'o': E(S('x'))})",
        "print(S('a'), S('b'), sep=S('-'))",
        "state.set(S('k'), D({S('a'): L([I(1), F(2), S('b'), B(b'c')])}))",
        "state.set('n', 1); state.incr('n', I(2))",
        "throttle(S('k'), I(5))",
        "store.write(S('m'), D({S('f'): F(1.5), 'i': I(2), 's': S('t')}), tags={S('t'): S('v')}, time=F(5))",
        "slack.send(S('t'), blocks=L([D({S('a'): S('b')})]))",
        "return S('a')",
        "return B(b'a')",
        "return D({S('a'): [I(1), F(2.5), S('b')]})",
        "return reply(B(b'a'), content_type=S('x'), metadata=D({S('a'): S('b')}))",
    ],
)
def test_a_run_with_derived_values_can_be_sent(body):
    assert outcome_of(body).error is None


def test_an_error_whose_text_is_of_a_class_of_its_own_can_be_sent():
    loaded = loader.load(f"{CLASSES}\n@on()\ndef hook(msg):\n    raise E(S('x'))\n".encode(), "case.py")
    with pytest.raises(Exception) as caught:  # of a class that the hook file makes
        loaded.hooks[0].function(testing.message())
    assert type(explain(caught.value).message) is str


def test_patterns_of_derived_values_can_be_sent():
    source = f"{CLASSES}\n@on(collector=S('x'), payload={{S('a'): [S('b'), I(3), F(1)]}}, metadata=D({{S('m'): I(2)}}), order=F(4))\ndef hook(msg): pass\n"
    loaded = loader.load(source.encode(), "case.py")
    encode(Loaded(1, [hook.spec for hook in loaded.hooks], [], []))
