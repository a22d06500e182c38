"""Nothing that a hook is given can be changed by it: every kind of object, in every way that Python has to write."""

from __future__ import annotations

import pytest

import kraken_hooks
from kraken_hooks import testing
from kraken_hooks.sandbox import loader, modules
from kraken_hooks.sandbox.loader import LoadError

#: Attributes of what hooks are given.
TARGETS = [
    *(f"{module}.{next(iter(modules._TABLES[module]))}" for module in modules.ALLOWED if module != "kraken_hooks"),
    *(f"kraken_hooks.{name}" for name in kraken_hooks.__all__),
    *(f"kraken_hooks.{name}.x" for name in kraken_hooks.__all__),
    *("msg.id", "msg.payload", "msg.x", "msg.json.x.y", "kraken_hooks.reply('a').x"),
    *(
        "int.real",
        "str.lower",
        "ValueError.args",
        "object.x",
        "print.x",
        "len.x",
        "type.x",
        "getattr.x",
        "NotImplemented.x",
    ),
    *(
        "datetime.datetime.min",
        "decimal.Decimal.x",
        "enum.Enum.name",
        "re.I.value",
        "random.Random.seed",
        "string.Template.delimiter",
    ),
]

#: Ways to write to `TARGET`, an attribute.
WAYS = {
    "assignment": "TARGET = 1",
    "annotated": "TARGET: int = 1",
    "in place": "TARGET += 1",
    "chained": "a = TARGET = 1",
    "unpacking": "a, TARGET = 1, 2",
    "starred": "a, *TARGET = 1, 2",
    "nested unpacking": "[a, (TARGET, b)] = 1, (2, 3)",
    "for": "for TARGET in [1]: pass",
    "with": "class C:\n    def __enter__(self): return 1\n    def __exit__(self, *e): pass\nwith C() as TARGET: pass",
    "comprehension": "[1 for TARGET in [1]]",
    "del": "del TARGET",
    "class body": "class C:\n    TARGET = 1",
    "lambda in a loop": "[f() for f in [lambda: [1 for TARGET in [1]]]]",
}

#: Ways to write to an attribute by its name, or to items.
BY_NAME = {
    "setattr": "setattr(OBJECT, 'NAME', 1)",
    "delattr": "delattr(OBJECT, 'NAME')",
    "vars": "vars(OBJECT)['NAME'] = 1",
    "dict": "OBJECT.__dict__['NAME'] = 1",
    "object's setattr": "object.__setattr__(OBJECT, 'NAME', 1)",
    "type's setattr": "object.__delattr__(OBJECT, 'NAME')",
    "wraps": "from functools import wraps\nwraps(lambda: 1)(OBJECT)\nOBJECT.NAME = 1",
    "map": "list(map(setattr, [OBJECT], ['NAME'], [1]))",
    "item": "OBJECT['NAME'] = 1",
    "item by for": "for OBJECT['NAME'] in [1]: pass",
    "item in place": "OBJECT['NAME'] += 1",
    "item deleted": "del OBJECT['NAME']",
}

#: Ways that are no Python at all, or bind a name only.
NO_SUCH = {
    "except": "try:\n    1 / 0\nexcept Exception as TARGET:\n    pass",
    "walrus": "(TARGET := 1)",
    "import": "import json as TARGET",
    "match": "match 1:\n    case TARGET.x(): pass\n    case int() as TARGET: pass",
    "def": "def TARGET(): pass",
    "global": "global TARGET",
}

IMPORTS = "".join(f"import {name}\n" for name in modules.ALLOWED)


@pytest.fixture(scope="module", autouse=True)
def prepared():
    loader.preload()


def stopped(statements: str) -> bool:
    """Whether a hook that does this is refused, or fails."""
    body = "".join(f"    {line}\n" for line in statements.splitlines())
    try:
        loaded = loader.load(f"{IMPORTS}@kraken_hooks.on()\ndef hook(msg):\n{body}".encode(), "case.py")
    except LoadError:
        return True
    return testing.run(loaded.hooks[0].function, testing.message({"x": {}})).error is not None


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_hook_is_given_cannot_be_changed(target):
    thing, _, name = target.rpartition(".")
    for way, source in (WAYS | NO_SUCH).items():
        assert stopped(source.replace("TARGET", target)), way
    for way, source in BY_NAME.items():
        if thing != "msg.json.x" or not way.startswith("item"):
            assert stopped(source.replace("OBJECT", thing).replace("NAME", name)), way


@pytest.mark.parametrize("way", WAYS)
def test_the_ways_do_change_what_is_a_hooks_own(way):
    own = "class O: pass\no = O()\no.x = 1\n"
    assert not stopped(own + WAYS[way].replace("TARGET", "o.x"))
