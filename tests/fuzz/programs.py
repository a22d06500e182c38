"""Random hook files: most are odd, many load, some reach out. What is accepted is run with every attribute that it reads looked at.

This grammar looks for syntax that the policy misjudges: any form in any place, small enough to be shrunk, and run in this process with the
look compiled in. `uses` looks for what accepted programs can do: with values of all kinds, in a process that Python itself audits.
"""

from __future__ import annotations

import abc
import ast
import signal
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st

from kraken_hooks import testing
from kraken_hooks.sandbox import loader
from kraken_hooks.sandbox.guards import HookTimeout
from kraken_hooks.sandbox.names import METHODS, attribute_problem

NAMES = [
    "x",
    "y",
    "msg",
    "f",
    "A",
    "_p",
    "json",
    "re",
    "E",
    "e",
    "g",
    "_write_",
    "_getattr_",
    "__x",
    "__name__",
    "super",
    "type",
    "str",
    "int",
    "object",
    "getattr",
    "setattr",
    "vars",
    "Exception",
]
ATTRIBUTES = [
    "a", "n", "format", "format_map", "mro", "register", "obj", "with_traceback", "args", "name", "value", "payload", "json", "text", "id",
    "append", "items", "_p", "__p", "_message", "_value_", "__class__", "__dict__", "__doc__", "__init__", "__new__", "__setattr__", "__globals__",
    "__code__", "__bases__", "__mro__", "__subclasses__", "__getattribute__", "__traceback__", "__cause__", "__name__", "__self__", "__func__",
    "gi_frame", "gi_code", "tb_frame", "f_back", "cr_frame", "fget", "func", "send", "throw", "real", "upper", "join", "sub", "loads", "dumps",
]  # fmt: skip
TEXTS = [
    "x",
    "{0.__class__}",
    "{0.a}",
    "{}",
    "__class__",
    "__globals__",
    "_p",
    "a",
    "format",
    "{0[0].__init__}",
    "__clas",
    "s__",
    "mro",
]

_ODD = {"_write_", "_getattr_", "__x", "super"}
# What is refused at load wherever it stands is rare, so that most programs run.
name = st.sampled_from([one for one in NAMES for _ in range(1 if one in _ODD else 8)])
attribute = st.sampled_from([one for one in ATTRIBUTES for _ in range(1 if attribute_problem(one) else 8)])
text = st.sampled_from(TEXTS).map(repr)
simple = st.one_of(name, text, st.sampled_from(["0", "1", "None", "[]", "{}", "()", "(1, 2)", "{'a': 1}"]))


def _more(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    many = st.lists(inner, max_size=3).map(", ".join)
    return st.one_of(
        st.builds("{}.{}".format, inner.map(lambda v: f"({v})"), attribute),
        st.builds("({}.{})({})".format, inner.map(lambda v: f"({v})"), attribute, many),
        st.builds("{}({})".format, name, many),
        st.builds("getattr({}, {})".format, inner, inner),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "%", "*", "==", "or", "and", "in", "is"]), inner),
        st.builds("[{} for {} in {}]".format, inner, name, inner),
        st.builds("(lambda {}: {})".format, name, inner),
        st.builds("f'{{{}!r}}'".format, name),
        st.builds("({} := {})".format, name, inner),
        st.builds("[*{}, {}]".format, inner, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
    )


expression = st.recursive(simple, _more, max_leaves=6)
target = st.one_of(name, st.builds("{}.{}".format, name, attribute), st.builds("{}[{}]".format, name, expression))


def _indented(block: list[str]) -> str:
    return "\n".join(f"    {line}" for part in block for line in part.splitlines()) or "    pass"


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    block = st.lists(inner, min_size=1, max_size=3).map(_indented)
    return st.one_of(
        st.builds("if {}:\n{}".format, expression, block),
        st.builds("for {} in {}:\n{}".format, target, expression, block),
        st.builds("with {} as {}:\n{}".format, expression, target, block),
        st.builds("try:\n{}\nexcept {} as {}:\n{}".format, block, expression, name, block),
        st.builds("try:\n{}\nexcept:\n{}\nfinally:\n{}".format, block, block, block),
        st.builds("def {}({}, *{}, **{}):\n{}\n    return {}".format, name, name, name, name, block, expression),
        st.builds("def {}({}):\n{}\n    yield {}".format, name, name, block, expression),
        st.builds("class {}({}):\n{}".format, name, st.one_of(st.just(""), expression), block),
        st.builds(
            "class {}:\n    def {}(self, *a):\n        return {}".format,
            name,
            st.sampled_from([*sorted(METHODS)[:80], "m", "__del__", "__getattribute__"]),
            expression,
        ),
        st.builds(
            "match {}:\n    case {}({}={}):\n        pass\n    case [{}, *{}]:\n        pass\n    case {{'a': {}, **{}}}:\n        pass".format,
            expression,
            name,
            attribute,
            name,
            name,
            name,
            name,
            name,
        ),
        st.builds("@{}\ndef {}():\n{}".format, expression, name, block),
    )


statement = st.recursive(
    st.one_of(
        expression,
        st.builds("{} = {}".format, target, expression),
        st.builds("{} += {}".format, target, expression),
        st.builds("{}: {} = {}".format, target, expression, expression),
        st.builds("{}, *{} = {}".format, target, target, expression),
        st.builds("del {}".format, target),
        st.builds("raise {}".format, expression),
        st.builds("global {}".format, name),
        st.builds(
            "import {} as {}".format, st.sampled_from(["json", "os", "re", "sys", "collections.abc", "operator"]), name
        ),
        st.builds(
            "from {} import {}".format,
            st.sampled_from(["json", "enum", "typing", "functools", "os"]),
            st.sampled_from(["loads", "Enum", "Any", "reduce", "decoder", "system"]),
        ),
    ),
    _compound,
    max_leaves=5,
)
program = st.lists(statement, min_size=1, max_size=6).map("\n".join)


class Reached(BaseException):
    """A program that was accepted got at what it must not see. No `except` of the program stops it."""


_OUT = (types.ModuleType, types.FrameType, types.CodeType, types.TracebackType, types.CellType)


class _Audit(ast.NodeTransformer):
    """Puts a look at its value around each attribute that the compiled program reads."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            return node
        return self._looked_at(node, node.attr)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        return self._looked_at(node, "()")

    @staticmethod
    def _looked_at(node: ast.expr, what: str) -> ast.AST:
        call = ast.Call(ast.Name("__audit__", ast.Load()), [node, ast.Constant(what)], [])
        return ast.fix_missing_locations(ast.copy_location(call, node))


def audit(value: Any, what: str) -> Any:
    """The value, where a hook may have it."""
    if (what.startswith("_") and what not in METHODS and what != "__name__") or (
        attribute_problem(what) and what not in METHODS
    ):
        raise Reached(f"the attribute {what} was read natively")
    if isinstance(value, _OUT) or (isinstance(value, type) and (issubclass(value, type) or value is BaseException)):
        raise Reached(f"{what} gave {value!r}")
    if isinstance(value, types.MethodType) and value.__func__ is abc.ABCMeta.register:
        raise Reached(f"{what} gave {value!r}")
    if isinstance(value, types.BuiltinMethodType) and value.__name__ in (
        "format",
        "format_map",
        "mro",
        "with_traceback",
    ):
        raise Reached(f"{what} gave {value!r}")
    return value


class _Policy(loader.HookPolicy):
    def visit_Module(self, node: ast.Module) -> ast.AST:  # noqa: N802  # as the base class calls it
        return _Audit().visit(super().visit_Module(node))


@contextmanager
def audited() -> Iterator[None]:
    """Hook files that are loaded meanwhile have each attribute that they read looked at."""
    policy, make = loader.HookPolicy, loader.scope.make
    loader.HookPolicy = _Policy
    loader.scope.make = lambda module: {**make(module), "__audit__": audit}
    try:
        yield
    finally:
        loader.HookPolicy, loader.scope.make = policy, make


def _too_long(_signal: int, _frame: object) -> None:
    raise HookTimeout


@contextmanager
def limited() -> Iterator[None]:
    """What runs meanwhile has 0.03 s; then it is interrupted again and again, as in a worker."""
    before = signal.signal(signal.SIGVTALRM, _too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.03, 0.005)
    try:
        try:
            yield
        finally:  # a last tick may come here, the next one only 5 ms later
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except HookTimeout:
        pass
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def try_program(source: str) -> bool:
    """Load a program as a hook file and run it, under audit. Whether it was accepted."""
    body = _indented(source.splitlines())
    given = "x = y = f = g = e = E = A = _p = msg"
    file = f"import json, re\nfrom kraken_hooks import on\n@on()\ndef hook(msg):\n    {given}\n{body}\n"
    with audited():
        try:
            loaded = loader.load(file.encode(), "fuzzed.py")
        except loader.LoadError:
            return False
    with limited():
        testing.run(loaded.hooks[0].function, testing.message({"a": 1}))
    return True
