"""Wall 1 and 2, without processes: what ordinary Python gives, hooks get; what leads out is refused or fails."""

from __future__ import annotations

import re

import pytest
from differential import HOOK, in_a_function, in_cpython, snippets, within

from kraken_hooks import testing
from kraken_hooks.sandbox import loader
from kraken_hooks.sandbox.guards import HookTimeout
from kraken_hooks.sandbox.loader import LoadError, explain, load

SNIPPETS = snippets()


@pytest.fixture(scope="module", autouse=True)
def prepared():
    loader.preload()


@pytest.mark.parametrize("name", SNIPPETS)
def test_ordinary_python_gives_what_cpython_gives(name):
    source = SNIPPETS[name]
    assert within(source) == in_cpython(source)


def test_inside_a_function_too():
    tried = 0
    for name, source in SNIPPETS.items():
        wrapped = in_a_function(source)
        if wrapped is not None:
            assert within(wrapped) == in_cpython(wrapped), name
            tried += 1
    assert tried > 500


#: Refused when the file is loaded: source, and a part of what is said about it.
REFUSED = {
    "import of os": ("import os", "the module os cannot be imported"),
    "import of a part": ("from os import path", "the module os cannot be imported"),
    "a name that is not listed": ("from json import decoder", "json has no decoder for hooks"),
    "everything": ("from math import *", "import \\*"),
    "relative": ("from . import x", "relative import"),
    "the sandbox": ("import kraken_hooks.sandbox", "cannot be imported"),
    "the settings": ("from kraken_hooks import settings", "kraken_hooks has no settings"),
    "dunder attribute": ("().__class__", "__class__"),
    "dunder attribute to write": ("def f(): pass\nf.__code__ = 1", "__code__"),
    "dunder attribute in place": ("def f(): pass\nf.__name__ += 'x'", "__name__"),
    "dunder name": ("__builtins__", "__builtins__"),
    "dunder variable": ("__x = 1", "__x"),
    "dunder by walrus": ("(__x := 1)", "__x"),
    "dunder by for": ("for __x in []: pass", "__x"),
    "dunder by with": ("class C: pass\nwith C() as __x: pass", "__x"),
    "dunder by except": ("try: pass\nexcept ValueError as __x: pass", "__x"),
    "dunder by import": ("import json as __x", "__x"),
    "private value to match": ("class A:\n    _x = 1\nmatch 1:\n    case A._x: pass", "private attribute cannot be matched"),
    "dunder by match": ("match 1:\n    case __x: pass", "__x"),
    "dunder by match star": ("match []:\n    case [*__x]: pass", "__x"),
    "dunder by match rest": ("match {}:\n    case {**__x}: pass", "__x"),
    "dunder by argument": ("def f(__x): pass", "__x"),
    "dunder by lambda": ("lambda __x: 1", "__x"),
    "dunder by comprehension": ("[1 for __x in []]", "__x"),
    "dunder by global": ("def f():\n    global __x", "__x"),
    "dunder by function": ("def __f(): pass", "__f"),
    "dunder by class": ("class __C: pass", "__C"),
    "a guard's name": ("_getattr_ = getattr", "_getattr_"),
    "a guard's name by def": ("def _write_(x): return x", "_write_"),
    "a guard's name by class body": ("class A:\n    _write_ = 1", "_write_"),
    "super replaced": ("super = 1", "super"),
    "method that Python calls for everything": ("class A:\n    def __getattribute__(self, n): pass", "__getattribute__.*__getattr__"),
    "method of a copy": ("class A:\n    def __reduce__(self): pass", "__reduce__"),
    "method of a check": ("class A:\n    def __instancecheck__(self, x): pass", "__instancecheck__"),
    "bases by a method": ("class A:\n    def __mro_entries__(self, b): return ()", "__mro_entries__"),
    "del method": ("class A:\n    def __del__(self): pass", "__del__"),
    "metaclass": ("class A(metaclass=type): pass", "metaclass"),
    "class keywords": ("class A(**{}): pass", "class definition"),
    "frame": ("(x for x in []).gi_frame", "gi_frame"),
    "frame of a traceback": ("try: 1/0\nexcept Exception as e: e.tb_frame", "tb_frame"),
    "traceback": ("try: 1/0\nexcept Exception as e: e.__traceback__", "__traceback__"),
    "matched dunder": ("match 1:\n    case int(__class__=c): pass", "__class__"),
    "matched private": ("match 1:\n    case int(_x=c): pass", "_x"),
    "match args": ("class A:\n    __match_args__ = ('__class__',)", "__match_args__"),
    "slots computed": ("class A:\n    __slots__ = ['__' + 'class__']", "__slots__"),
    "async": ("async def f(): pass", "async def"),
    "await": ("async def f():\n    await f()", "async"),
    "except star": ("try: pass\nexcept* ValueError: pass", "except\\*"),
    "open": ("open('x')", "open is not for hooks"),
    "eval": ("eval('1')", "eval is not for hooks"),
    "exec": ("exec('1')", "exec is not for hooks"),
    "globals": ("globals()", "globals is not for hooks"),
    "locals": ("locals()", "locals is not for hooks"),
    "dir": ("dir()", "dir is not for hooks"),
    "id": ("id(1)", "id is not for hooks"),
    "memoryview": ("memoryview(b'')", "memoryview is not for hooks"),
    "BaseException": ("try: pass\nexcept BaseException: pass", "BaseException is not for hooks"),
    "a field with an underscore": ("from dataclasses import dataclass\n@dataclass\nclass A:\n    __class__: int", "__class__"),
    "syntax": ("def f(:", "invalid syntax"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_at_load_with_its_place(name):
    source, told = REFUSED[name]
    with pytest.raises(LoadError) as caught:
        load(source.encode(), "case.py")
    problem = next(one for one in caught.value.problems if one.severity == "error")
    assert problem.line > 0
    assert problem.column > 0
    assert re.search(told, " ".join(f"{one.message} {one.hint}" for one in caught.value.problems))


#: What a refusal says to write instead: source, line and column, hint.
INSTEAD = {
    "file": ("\nx = open('f')", 2, 5, "a hook cannot open files; keep values in state or store"),
    "input": ("input()", 1, 1, "nobody is there to answer; use msg"),
    "eval": ("x = eval('1')", 1, 5, "read JSON with json.loads"),
    "exec": ("exec('1')", 1, 1, "write the code into the file"),
    "locals": ("locals()", 1, 1, "name the variable"),
    "memoryview": ("memoryview(b'')", 1, 1, "slice bytes instead"),
    "base exception": ("try: pass\nexcept BaseException: pass", 2, 8, "use Exception"),
    "exit": ("raise SystemExit", 1, 7, "use return"),
    "class of a value": ("x = getattr\n(1).__bases__", 2, 1, "hooks do not reach into Python's insides"),
    "traceback": ("e = 1\ne.__traceback__", 2, 1, "an error that is not caught is logged with its lines"),
    "del": ("class A:\n    def __del__(self): pass", 2, 5, "use with, or try … finally"),
    "getattribute": (
        "class A:\n    def __getattribute__(self, n): pass",
        2,
        5,
        "define __getattr__, which is asked for what is missing",
    ),
    "metaclass": ("class A(metaclass=type): pass", 1, 9, "define __init_subclass__, or use a class decorator"),
    "async": ("async def f(): pass", 1, 1, "write it without async: a hook runs from beginning to end"),
    "import": ("import jason", 1, 1, "did you mean json?"),
    "module of a sink": ("import paho.mqtt.client", 1, 1, "write mqtt.publish(…) instead"),
    "network": ("from requests import get", 1, 1, "write http.get(…) or http.post(…) instead"),
    "tests": (
        "from kraken_hooks.testing import run",
        1,
        1,
        "tests go into a directory of their own, such as tests in the hooks directory",
    ),
    "module of ours": (
        "import kraken_hooks.store",
        1,
        1,
        "write from kraken_hooks import on and the other names that are used",
    ),
    "name of a module": ("from json import load", 1, 1, "did you mean loads?"),
    "star": ("from json import *", 1, 1, "name what you need"),
    "relative": ("from . import x", 1, 1, "each hook file stands alone"),
    "guard": ("_write_ = 1", 1, 1, "give it another name"),
    "field": ("class A:\n    __class__: int", 2, 5, "give it another name"),
    "match": ("match 1:\n    case int(_x=c): pass", 2, 10, "match without it, and use if"),
    "wide letters before it": ("x = 'é', eval('1')", 1, 10, "read JSON with json.loads"),
}


def test_another_module_is_no_misspelling():
    with pytest.raises(LoadError) as caught:
        load(b"import pathlib", "case.py")
    assert caught.value.problems[0].hint.startswith("these may be: base64, ")


@pytest.mark.parametrize("name", INSTEAD)
def test_a_refusal_says_where_and_what_to_write_instead(name):
    source, line, column, hint = INSTEAD[name]
    with pytest.raises(LoadError) as caught:
        load(source.encode(), "case.py")
    told = [(one.line, one.column, one.hint) for one in caught.value.problems if one.severity == "error"]
    assert (line, column, hint) in told


#: Loaded, but fails at the line that reaches out: source of an expression or statements, with what the error says.
STOPPED = {
    "format": ("'{0.__class__}'.format(1)", "__class__"),
    "format in a spec": ("'{0:{1.__class__}}'.format(1, 2)", "__class__"),
    "format through str": ("str.format('{0.__class__}', 1)", "__class__"),
    "format through getattr": ("getattr('{0.__class__}', 'format')(1)", "__class__"),
    "format through map": ("list(map('{0.__class__}'.format, [1]))", "__class__"),
    "format of a subclass": ("class S(str): pass\nS('{0.__class__}').format(1)", "__class__"),
    "format by super": ("class S(str):\n    def f(self): return super().format(1)\nS('{0.__class__}').f()", "__class__"),
    "format_map": ("'{a.__class__}'.format_map({'a': 1})", "__class__"),
    "getattr": ("getattr(1, '__class__')", "__class__"),
    "getattr with a str of its own": ("class S(str): pass\ngetattr(1, S('__class__'))", "must be text"),
    "hasattr": ("hasattr(1, '__class__')", "__class__"),
    "setattr on a function": ("import json\nsetattr(json.dumps, 'x', 1)", "cannot change"),
    "write to a function": ("from functools import wraps\nwraps.x = 1", "cannot change"),
    "write to a module": ("import json\njson.x = 1", "cannot change"),
    "write to a built-in class": ("int.x = 1", "cannot change"),
    "write by for": ("import json\nfor json.x in [1]: pass", "cannot change"),
    "write by unpacking": ("import json\n(a, json.x) = 1, 2", "cannot change"),
    "write by with": ("import json\nclass C:\n    def __enter__(self): return 1\n    def __exit__(self, *e): pass\nwith C() as json.x: pass", "cannot change"),
    "write in place": ("import math\nmath.pi += 1", "cannot change"),
    "delete from a module": ("import math\ndel math.pi", "cannot change"),
    "private of another": ("import random\nrandom.Random()._randbelow", "not for hooks"),
    "private of an enum": ("from enum import Enum\nclass C(Enum):\n    A = 1\nC._member_map_", "_member_map_"),
    "items of the state": ("from kraken_hooks import state\nstate['x'] = 1", "state.set(key, value)"),
    "deleted items of the state": ("from kraken_hooks import state\ndel state['x']", "state.delete(key)"),
    "mro": ("int.mro()", "mro"),
    "register": ("from collections.abc import Mapping\nMapping.register(int)", "register"),
    "with_traceback": ("ValueError('x').with_traceback(None)", "with_traceback"),
    "type of three": ("type('X', (), {})", "argument"),
    "type of a function": ("type(lambda: 1)", "not for hooks"),
    "namedtuple field": ("from collections import namedtuple\nnamedtuple('P', '__class__')", ""),
    "NamedTuple field": ("from typing import NamedTuple\nNamedTuple('P', [('__class__', int)])", "__class__"),
    "enum member": ("from enum import Enum\nEnum('E', {'__del__': 1})", "__del__"),
    "json cls": ("import json\njson.dumps(1, cls=int)", "cls"),
    "hmac with a callable": ("import hmac\nhmac.new(b'', b'', lambda *a: 1)", "digest"),
    "import by name": ("import collections\ncollections.abc.sys", "no sys"),
    "dataclass of a foreign class": ("from dataclasses import dataclass\ndataclass(int)", "class of the hook file"),
    "exception obj": ("try:\n    [].x\nexcept AttributeError as e:\n    e.obj", "obj"),
    "string formatter": ("import string\nstring.Formatter", "no Formatter"),
}  # fmt: skip


@pytest.mark.parametrize("name", STOPPED)
def test_stopped_at_the_line_that_reaches_out(name):
    body, told = STOPPED[name]
    assert told in objection(body)


def objection(body: str) -> str:
    """What is said about statements that have to be refused, or to fail when they run."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    source = f"from kraken_hooks import on\n@on()\ndef hook(msg):\n{lines}    return 'PWNED'\n"
    try:
        loaded = load(source.encode(), "case.py")
    except LoadError as error:
        return "; ".join(one.message for one in error.problems)
    outcome = testing.run(loaded.hooks[0].function, testing.message())
    assert outcome.error is not None, "it got through"
    return outcome.error.message


class TestEachFileAlone:
    def test_random_numbers_are_its_own(self):
        def numbers(source: str) -> str:
            return within(source)

        seeded = "import random\nrandom.seed(1); result = random.random()"
        first = numbers(seeded)
        load(f"import random\nrandom.seed(99); result = 0\n{HOOK}".encode(), "other.py")
        assert numbers(seeded) == first
        assert numbers("import random\nresult = random.random()") != first

    def test_names_of_one_file_are_not_seen_by_another(self):
        load(f"shared = 1; result = 0\n{HOOK}".encode(), "other.py")
        with pytest.raises(LoadError, match=r"."):
            load(f"result = shared\n{HOOK}".encode(), "case.py")


class TestExplain:
    def test_names_the_setting_that_bounds_memory(self):
        assert explain(MemoryError()).message.endswith("(KRAKENB_HOOK_MEMORY_MB)")

    def test_a_time_limit_says_that_it_is_one(self):
        assert explain(HookTimeout()).traceback.endswith(
            "HookTimeout: the time of the run is over (KRAKENB_HOOK_TIMEOUT)"
        )

    def test_shows_lines_of_the_hook_file_alone(self):
        source = b"from kraken_hooks import on\ndef inner(x):\n    return 1 / x\n@on()\ndef hook(msg):\n    return inner(0)\n"
        function = load(source, "case.py").hooks[0].function
        with pytest.raises(ZeroDivisionError) as caught:
            function(testing.message())
        told = explain(caught.value)
        assert (told.type, told.line) == ("ZeroDivisionError", 3)
        assert told.traceback == (
            'Traceback (most recent call last):\n  File "case.py", line 6, in hook\n    return inner(0)\n'
            '  File "case.py", line 3, in inner\n    return 1 / x\nZeroDivisionError: division by zero'
        )

    def test_an_error_whose_text_fails(self):
        source = b"from kraken_hooks import on\nclass E(Exception):\n    def __str__(self): return 1 / 0\n@on()\ndef hook(msg):\n    raise E\n"
        function = load(source, "case.py").hooks[0].function
        with pytest.raises(Exception) as caught:  # of a class that the hook file makes
            function(testing.message())
        assert "cannot be made: ZeroDivisionError" in explain(caught.value).message
