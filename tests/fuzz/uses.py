"""Hook files made at random, by a grammar that leans to programs that the policy accepts and that run.

Each begins with values of many kinds under the names `v0`, `v1` …, and goes on with attempts, each in a `try` of its own, that read, call,
change and rename what is there; so one that fails does not end the program. What the policy itself makes of odd syntax: `programs`.
"""

from __future__ import annotations

import ast
import random
import warnings
from typing import Any, Final

from hypothesis import strategies as st

from kraken_hooks.sandbox.names import attribute_problem
from kraken_hooks.sandbox.policy import HookPolicy
from kraken_hooks.sandbox.scope import REFUSED

#: What every program begins with.
PRELUDE: Final = """
from kraken_hooks import on, reply, log, state, throttle, store, slack
import base64, collections, collections.abc, dataclasses, datetime, decimal, enum, fractions, functools, hashlib, hmac, itertools
import json, math, random, re, statistics, string, struct, textwrap, time, typing, urllib.parse, uuid, zoneinfo
caught = []
class Own:
    kind = "own"
    _private = 1
    def __init__(self, *args, **named): self.args, self._named = args, named
    def method(self, *args): return self, args
    @property
    def prop(self): return self.method
    @classmethod
    def made(cls, *args): return cls
    @staticmethod
    def plain(*args): return args
    @functools.cached_property
    def cached(self): return self._named
    def __getitem__(self, key): return key
    def __enter__(self): return self
    def __exit__(self, *details): self.details = details; return True
    def __format__(self, spec): return spec
class Lazy(Own):
    def __getattr__(self, name): return lambda *args: (self, name, args)
    def __call__(self, *args): return args[0] if args else self
    def parent(self): return super()
class Text(str): pass
class Error(ValueError):
    def __str__(self): return "{0.__class__}"
@dataclasses.dataclass
class Data:
    a: int = 1
    b: object = None
class Color(enum.Enum):
    RED = 1
    BLUE = "two"
Point = collections.namedtuple("Point", "x y")
class Pair(typing.NamedTuple):
    left: object = 1
    right: object = None
def numbers(*args, **named):
    got = yield args
    for _ in range(5): got = yield got
def wrapped(function): return functools.wraps(function)(lambda *args, **named: function(*args, **named))
def error(function):
    try: function()
    except Exception as problem: return problem
v0, v1, v2, v3 = Own(1, a=2), Lazy(), Own, Lazy.parent
v4, v5, v6 = numbers(), numbers, (x for x in [Own, json, "{0.args}"])
v7, v8, v9 = error(lambda: None.nothing), error(lambda: 1 / 0), error(lambda: next(iter([])))
v10, v11, v12, v13 = Text("{0.__class__}"), "{0._private} {0.args[0]}", b"bytes", Error(Own)
v14, v15, v16, v17 = Data(1, Own), Color.RED, Point(1, Own), Pair(json, math)
v18, v19, v20 = functools.partial(Own, 1), functools.reduce, functools.lru_cache(wrapped)
v21, v22, v23 = re.match("(?P<name>a)", "abc"), re.compile("a"), datetime.datetime.now(datetime.timezone.utc)
v24, v25, v26 = decimal.Decimal("1.5"), decimal.getcontext(), zoneinfo.ZoneInfo("Europe/Berlin")
v27, v28, v29 = json, collections, typing
v30, v31, v32 = [1, Own, None], {"a": Own, "b": [json]}, {1, 2}
v33, v34, v35 = Lazy().parent(), string.Template("$a ${b}"), uuid.uuid4()
v36, v37, v38 = functools.singledispatch(wrapped), Own.prop, type
v39, v40, v41 = store, log, hashlib.sha256(b"a")
v42, v43, v44 = lambda *args, **named: (args, named), getattr, setattr
v45, v46, v47 = itertools.islice(itertools.count(), 5), iter([1, Own]), collections.defaultdict(lambda: Own)
v48, v49 = typing.Generic, collections.abc.Mapping
w0, w1, w2, w3, w4, w5, w6, w7, w8, w9 = v0, v1, v8, v3, v33, v5, v7, v25, Data(), Lazy
"""
#: Names of values, those that the attempts give included.
NAMES: Final = [
    *(f"v{number}" for number in range(50)),
    *(f"w{number}" for number in range(10)),
    *("msg", "Own", "Lazy", "Data", "Color", "Point", "Text", "Error", "numbers"),
]
#: Names that take what an attempt gives.
_RESULTS: Final = [f"w{number}" for number in range(10)]


def _public_attributes() -> dict[str, list[str]]:
    """What there is to read under each name, in plain Python."""
    names: dict[str, Any] = {"__name__": __name__}
    exec(PRELUDE, names)
    return {
        name: [
            attribute for attribute in dir(value) if not attribute.startswith("_") and not attribute_problem(attribute)
        ]
        for name, value in names.items()
    }


_THERE: Final = _public_attributes()
_BUILTINS: Final = (
    "str list dict tuple type getattr hasattr vars iter next map filter sorted reversed zip enumerate isinstance issubclass callable repr format"
    " print min max any sum super object property classmethod staticmethod bytes int range slice setattr delattr Exception"
).split()
_NASTY: Final = (
    "__class__ __dict__ __globals__ __builtins__ __subclasses__ __mro__ __bases__ __base__ __code__ __closure__ __func__ __self__ __init__ __new__"
    " __getattribute__ __getattr__ __setattr__ __reduce_ex__ __traceback__ __context__ __cause__ __wrapped__ __module__ __name__ __qualname__ __doc__"
    " __annotations__ __import__ __loader__ __spec__ __call__ __get__ __set_name__ __format__ __init_subclass__ __class_getitem__ __match_args__"
    " __slots__ __members__ __enter__ __iter__ __objclass__ __thisclass__ __self_class__ __weakref__ __del__ __prepare__ __instancecheck__"
    " mro format format_map obj register with_traceback gi_frame gi_code gi_yieldfrom f_back f_globals f_builtins f_locals tb_frame tb_next co_consts"
    " cr_frame ag_frame _private _named _module _fields _asdict _make _replace _name_ _value_ _missing_ _member_map_ _Own__x _getattr_ _write_"
).split()
_PUBLIC: Final = (
    "args method prop made plain cached kind details parent a b x y left right name value items keys values get pop update setdefault append"
    " func keywords default_factory cache_info cache_clear dispatch fget fset getter setter throw send close group groups groupdict re string"
    " pattern flags json math abc datetime utcnow now tzinfo utcoffset isoformat strftime traps flags prec copy substitute safe_substitute template"
    " Template Formatter loads dumps partial reduce wraps cached_property singledispatch Counter UserDict UserString namedtuple get_type_hints"
    " NamedTuple TypedDict Protocol NewType TypeVar Generic cast fields asdict replace make_dataclass field Enum auto member unique StrEnum"
    " decode encode join split translate maketrans fromhex hex as_integer_ratio real imag count index sort count digest new update"
    " encoder decoder sys os io builtins types inspect modules open read write text payload metadata last window configured info add_note"
).split()
_ATTRIBUTES: Final = [*_NASTY, *_PUBLIC, *_PUBLIC, *_PUBLIC]
_CONSTANTS: Final = [
    *("0", "1", "-1", "2.5", "None", "True", "''", "'a'", "b'a'", "()", "[]", "{}", "...", "'x y'", "10**5"),
    *(
        '"{0}"',
        '"{0.__class__}"',
        '"{0.args}"',
        '"{0[a]}"',
        '"{a.__init__.__globals__}"',
        '"{0!r:>{1}}"',
        '"{:{0.__class__}}"',
        '"%s %(a)s"',
    ),
    *(
        '"__class__"',
        '"__globals__"',
        '"gi_frame"',
        '"args"',
        '"_private"',
        '"format"',
        '"mro"',
        '"__dict__"',
        '"json"',
        '"os"',
    ),
]
_IMPORTS: Final = [
    *(
        "import os",
        "import sys",
        "from json import decoder",
        "import collections.abc",
        "from string import Formatter",
        "import typing as t",
    ),
    *(
        "from kraken_hooks import api",
        "from functools import *",
        "from operator import attrgetter",
        "import random as r",
        "from enum import EnumMeta",
    ),
]
_OPERATORS: Final = ["+", "-", "*", "%", "//", "|", "&", "@", "==", "in", "is", "and", "or", "<"]


def _passes(attempt: str, level: int) -> bool:
    policy = HookPolicy()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 1() and its like
            policy.visit(ast.parse(f"def f(msg):\n{attempt}" if level else attempt))
    except SyntaxError:
        return False
    return not policy.problems and REFUSED.keys().isdisjoint(policy.loaded)


class _Writer:
    """Writes one program; `chance` decides."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def one(self, of: list[str]) -> str:
        return self._chance.choice(of)

    def accepted(self, level: int) -> str:
        """An attempt that the policy lets pass, nearly always: a file with one that it refuses does not run at all."""
        while True:
            made = self.attempt(level)
            if self._chance.random() < 0.01 or _passes(made, level):
                return made

    def attempt(self, level: int) -> str:
        space = "    " * level
        body = self.statement(2, level + 1)
        name = self.one(["problem", "w6", "w7"])  # which is gone afterwards, but for the copy
        return (
            f"{space}try:\n{body}{space}except Exception as {name}:\n"
            f"{space}    caught.append(type({name}).__name__)\n{space}    v30 = [{name}, Own, None]\n{space}else: caught.append('')\n"
        )

    # ── statements ──

    def statement(self, depth: int, level: int) -> str:
        kinds = (
            ["name"] * 10
            + ["write"] * 3
            + ["item"] * 2
            + ["augment", "delete", "for", "with", "match", "function", "class", "star", "import", "raise"]
        )
        kind = self.one(kinds if depth else ["name", "write", "item"])
        space = "    " * level
        value = self.expression(self._chance.randint(1, depth + 1))

        def inner() -> str:
            return self.statement(depth - 1, level + 1)

        match kind:
            case "name":
                return f"{space}{self.fresh()} = {value}\n"
            case "write":
                return f"{space}{self.name()}.{self.attribute()} = {value}\n"
            case "item":
                return f"{space}{self.name()}[{self.expression(1)}] = {value}\n"
            case "augment":
                target = self.one(
                    [f"{self.name()}.{self.attribute()}", self.name(), f"{self.name()}[{self.expression(0)}]"]
                )
                return f"{space}{target} {self.one(['+=', '|=', '%=', '*='])} {value}\n"
            case "delete":
                return f"{space}del {self.name()}.{self.attribute()}\n"
            case "for":
                return f"{space}for {self.target()} in {value}:\n{inner()}{space}    break\n"
            case "with":
                return f"{space}with {self.one([value, 'Own()', 'v1'])} as {self.target()}:\n{inner()}"
            case "match":
                return (
                    f"{space}match {value}:\n{space}    case {self.pattern(2)}:\n{self.statement(depth - 1, level + 2)}"
                )
            case "function":
                decorator = f"{space}@{self.expression(1)}\n" if self._chance.random() < 0.4 else ""
                yields = f"{space}    yield {self.expression(1)}\n" if self._chance.random() < 0.3 else ""
                return f"{decorator}{space}def {self.fresh()}({self.parameters()}):\n{inner()}{yields}{space}    return {self.expression(depth)}\n"
            case "class":
                return self.klass(depth, level)
            case "star":
                return f"{space}{self.fresh()}, *{self.fresh()} = {value}\n"
            case "import":
                return f"{space}{self.one(_IMPORTS)}\n"
            case _:
                return f"{space}raise Error({value}) from {self.one(['None', 'v7', 'v8', self.expression(1)])}\n"

    def klass(self, depth: int, level: int) -> str:
        space = "    " * level
        method = self.one(
            "method __getattr__ __call__ __format__ __eq__ __hash__ __str__ __init_subclass__ __set_name__ __get__ __index__ __iter__ __class_getitem__ __missing__ _missing_ __reduce__ __del__ __getattribute__ mro format".split()
        )
        bases = self.one(
            [
                "Own",
                "Lazy",
                "str",
                "dict",
                "Exception",
                "tuple",
                "enum.Enum",
                "typing.Generic[typing.TypeVar('T')]",
                "Color",
                "Point",
                "Text",
                "collections.UserString",
                "datetime.tzinfo",
                "object",
                "typing.NamedTuple",
                "string.Template",
                "json.JSONDecodeError",
                "typing.TypedDict",
                "type",
                "property",
                "Own, str",
                self.expression(1),
            ]
        )
        decorator = self.one(
            [
                "",
                "",
                f"{space}@dataclasses.dataclass\n",
                f"{space}@functools.total_ordering\n",
                f"{space}@{self.expression(1)}\n",
            ]
        )
        field = self.one(
            [
                f"{self.attribute()} = {self.expression(1)}",
                f"{self.attribute()}: {self.expression(1)} = {self.expression(1)}",
                f"field = {self.expression(1)}",
            ]
        )
        return (
            f"{decorator}{space}class {self.fresh()}({bases}):\n{space}    {field}\n"
            f"{space}    def {method}(self, *args):\n{self.statement(max(depth - 1, 0), level + 2)}"
            f"{space}        return {self.one([self.expression(1), 'super()', f'super().{self.attribute()}', f'self.{self.attribute()}', f'super().{method}(*args)'])}\n"
        )

    def target(self) -> str:
        return self.one(
            [
                self.fresh(),
                self.fresh(),
                f"({self.fresh()}, *{self.fresh()})",
                f"v0.{self.attribute()}",
                f"v31[{self.expression(0)}]",
            ]
        )

    def parameters(self) -> str:
        return self.one(
            [
                "",
                "a",
                "*args",
                "*args, **named",
                f"a={self.expression(1)}, /, *, b=None",
                f"a: {self.expression(1)} = None",
            ]
        )

    def pattern(self, depth: int) -> str:
        simple = [self.fresh(), "_", "1", "None", f"json.{self.attribute()}", "[*v30]", "{**v31}"]
        if not depth:
            return self.one(simple)
        inner = self.pattern(depth - 1)
        return self.one([*simple, f"{self.one(['Own', 'Data', 'str', 'Exception', 'Point', 'object', 'Color'])}({self.attribute()}={inner})", f"Data({inner})", f"[{inner}, *_]", f'{{"a": {inner}, **v31}}', f"{inner} as v30"])  # fmt: skip

    # ── expressions ──

    def expression(self, depth: int) -> str:
        if not depth or self._chance.random() < 0.15:
            return self.one([self.name(), self.name(), self.name(), self.one(_CONSTANTS), self.one(_BUILTINS)])
        inner = self.expression(depth - 1)
        match self.one(
            ["read"] * 6
            + ["call"] * 5
            + ["method"] * 6
            + ["item"] * 2
            + "getattr format fstring builtin list dict comprehension lambda walrus operator condition star percent super".split()
        ):
            case "read":
                return f"{self.atom(inner)}.{self.attribute(inner)}"
            case "call":
                return f"{self.atom(inner)}({self.arguments(depth)})"
            case "method":
                return f"{self.atom(inner)}.{self.attribute(inner)}({self.arguments(depth)})"
            case "item":
                return f"{self.atom(inner)}[{self.one(['0', '-1', '::2', repr('a'), self.expression(0)])}]"
            case "getattr":
                return f"{self.one(['getattr', 'hasattr', 'v43'])}({inner}, {self.one([repr(self.attribute()), self.expression(0)])}{self.one(['', ', None'])})"
            case "format":
                template = self.one(
                    [
                        f'"{{0.{self.attribute()}}}"',
                        f'"{{0:{{0.{self.attribute()}}}}}"',
                        f'"{{a[{self.attribute()}]}}"',
                        "v10",
                        "v11",
                    ]
                )
                return f"{template}.{self.one(['format', 'format', 'format_map'])}({self.one([inner, '*v30', 'v31', f'a={inner}'])})"
            case "fstring":
                return f'f"{{{self.name()}.{self.attribute()}!r:>{{{self.name()}}}}}"'
            case "builtin":
                return f"{self.one(_BUILTINS)}({self.arguments(depth)})"
            case "list":
                return f"[{inner}, *{self.name()}]"
            case "dict":
                return f"{{{self.expression(0)}: {inner}, **v31}}"
            case "comprehension":
                body = f"{self.expression(0)} for {self.one(['x', 'v0', 'v30', '_'])} in {self.atom(inner)} if {self.expression(0)}"
                return self.one([f"[{body}]", f"({body})", f"{{{body}}}", f"{{1: {body}}}"])
            case "lambda":
                return f"(lambda {self.parameters_of_lambda()}: {inner})"
            case "walrus":
                return f"({self.fresh()} := {inner})"
            case "operator":
                return f"({inner} {self.one(_OPERATORS)} {self.expression(0)})"
            case "condition":
                return f"({inner} if {self.expression(0)} else {self.expression(0)})"
            case "percent":
                return f"({self.one(_CONSTANTS)} % {self.atom(inner)})"
            case "super":
                return self.one([f"super(Lazy, v1).{self.attribute()}", f"v33.{self.attribute()}", "super(Own, v0)"])
            case _:
                return f"(*{self.atom(inner)},)"

    def parameters_of_lambda(self) -> str:
        return self.one(["", "a", "*args", f"a={self.expression(0)}", "*args, **named"])

    def arguments(self, depth: int) -> str:
        given = [self.expression(self._chance.randint(0, depth - 1)) for _ in range(self._chance.randint(0, 3))]
        more = self.one(
            [
                "",
                "",
                "",
                "*v30",
                "**v31",
                f"{self.one(['key', 'default', 'cls', 'object_hook', 'a', 'start', 'func'])}={self.expression(0)}",
            ]
        )
        return ", ".join([*given, more] if more else given)

    @staticmethod
    def atom(text: str) -> str:
        return text if text.isidentifier() or text.endswith((")", "]")) or text.startswith("v") else f"({text})"

    def name(self) -> str:
        return self.one(NAMES)

    def fresh(self) -> str:
        return self.one(_RESULTS if self._chance.random() < 0.9 else NAMES)

    def attribute(self, of: str = "") -> str:
        there = _THERE.get(of)
        return self.one(there if there and self._chance.random() < 0.8 else _ATTRIBUTES)


def write(attempts: list[int], inside: list[int]) -> str:
    """One program: an attempt for each number at its top level, and for each number in its hook."""
    top = "".join(_Writer(random.Random(seed)).accepted(0) for seed in attempts)
    body = "".join(_Writer(random.Random(seed)).accepted(1) for seed in inside)
    return f"{PRELUDE}{top}@on()\ndef hook(msg):\n    global {', '.join(_RESULTS)}, v30, caught\n{body}    return w0\n"


_SEED: Final = st.integers(0, 2**64 - 1)
#: Source of a hook file.
PROGRAMS: Final = st.builds(write, st.lists(_SEED, min_size=1, max_size=12), st.lists(_SEED, max_size=5))
