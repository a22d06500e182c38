"""All that a hook gets hold of by reading public attributes, items and results of ordinary programs: crawled, and looked at.

Compiled hooks read attributes natively, so each one of each object that can be reached has to be harmless by itself.
"""

from __future__ import annotations

import functools
import io
import types
import weakref
from collections import ChainMap, deque

import pytest
from differential import HOOK, snippets

from kraken_hooks import testing
from kraken_hooks.sandbox import loader, modules, scope
from kraken_hooks.sandbox.facade import Facade
from kraken_hooks.sandbox.names import WATCHED, attribute_problem

#: What leads out of the sandbox, or to the insides of running code.
FORBIDDEN = (
    types.ModuleType,
    types.FrameType,
    types.CodeType,
    types.TracebackType,
    types.CellType,
    types.CoroutineType,
    io.IOBase,
    weakref.ref,
    type(loader.load.__globals__["__spec__"]),
)

#: What one hook file could change and another would see.
MUTABLE = (dict, list, set, bytearray, deque, ChainMap, functools._lru_cache_wrapper, types.SimpleNamespace)


def public(value):
    """The names that compiled hooks read natively."""
    return [
        name for name in dir(value) if not name.startswith("_") and name not in WATCHED and not attribute_problem(name)
    ]


def children(value):
    for name in public(value):
        try:
            yield name, getattr(value, name)
        except Exception:
            continue
    if isinstance(value, dict | types.MappingProxyType):
        yield from ((f"[{key!r:.20}]", item) for key, item in list(value.items()))
    elif isinstance(value, list | tuple | set | frozenset | deque):
        yield from (("[…]", item) for item in value)
    elif isinstance(value, Facade):
        yield from vars(value).items()
    elif isinstance(value, BaseException):
        yield from ((name, getattr(value, name)) for name in ("__cause__", "__context__"))


def crawl(roots):
    """Each object that is reached, by id, with the way to it."""
    seen = {}
    waiting = list(roots.items())
    while waiting:
        way, value = waiting.pop()
        if id(value) not in seen:
            seen[id(value)] = way, value
            if way.count(".") < 12:
                waiting += [(f"{way}.{name}", child) for name, child in children(value)]
    return seen


def all_that_hooks_have():
    """All modules, all built-ins, a message, and the global names that ordinary programs leave behind."""
    everything = "".join(f"import {name}\n" for name in modules.ALLOWED) + "result = 1\n"
    found = {
        "built-in": scope.make("hooks.case")["__builtins__"],
        "msg": testing.message({"a": [1]}, metadata={"k": 1}),
    }
    for name, source in {"import": everything, **snippets()}.items():
        try:
            loaded = loader.load(f"{source}\n{HOOK}".encode(), "case.py")
        except loader.LoadError:
            continue  # it shows what an error says
        found[name] = loaded.hooks[0].function.__globals__
    return {
        f"{name}: {key}": value
        for name, names in found.items()
        for key, value in (names.items() if isinstance(names, dict) else [("", names)])
        if not key.startswith("__")
    }


@pytest.fixture(scope="module")
def reached():
    loader.preload()
    roots = all_that_hooks_have()
    return roots, crawl(roots)


def test_much_is_reached(reached):
    assert len(reached[1]) > 10_000


def test_nothing_that_leads_out(reached):
    for way, value in reached[1].values():
        assert not isinstance(value, FORBIDDEN), way
        if isinstance(value, type):
            assert not issubclass(value, type), way
            assert not issubclass(value, BaseException) or issubclass(value, Exception), way


def test_nothing_that_two_files_share_can_be_changed(reached):
    others = all_that_hooks_have()  # kept, so that no id is used twice
    again = crawl(others)
    shared = [reached[1][key] for key in again if key in reached[1]]
    assert len(shared) > 500
    assert [way for way, value in shared if isinstance(value, MUTABLE)] == []


def test_the_crawler_finds_what_is_hidden():
    way = {"root": [{"a": types.ModuleType("m")}]}
    assert any(isinstance(value, types.ModuleType) for _, value in crawl(way).values())
