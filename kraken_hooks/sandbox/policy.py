"""Wall 1 at compile time: which Python a hook file may be written in, and where guards are put into it.

Reading attributes and items, unpacking, iterating and in-place operators are native, so that a rule costs what it costs
in plain Python. Refused here, by name: attributes with two underscores and those that show frames and code. Guarded at run
time: attributes that depend on the object (`_getattr_`), private attributes (`_private_`), Python's own methods called by
name (`_method_`), the target of every assignment to an attribute or item (`_write_`, `_changed_`). A construct that neither
this class nor its base names is refused.
"""

from __future__ import annotations

import ast
from typing import Final

from RestrictedPython.transformer import RestrictingNodeTransformer

from kraken_hooks.outcome import Problem
from kraken_hooks.sandbox.modules import import_problem
from kraken_hooks.sandbox.names import (
    CLASS_NAME,
    ENUM_NAMES,
    METHODS,
    SEEN,
    WATCHED,
    attribute_problem,
    is_private,
    mangled,
    variable_problem,
)

#: Class variables with two underscores that may be set, as literals.
_CLASS_LITERALS: Final = frozenset({"__slots__", "__match_args__"})

_ATTRIBUTE_HINTS: Final = {
    "__class__": "use type(x) or isinstance(x, …)",
    "__dict__": "keep values in a dict of your own",
    "__doc__": "write the text as a constant",
    "__traceback__": "an error that is not caught is logged with its lines",
    "__del__": "use with, or try … finally",
}
#: Why a class of a hook file cannot define a method, and what to do instead.
_METHOD_HINTS: Final = {
    "__del__": "use with, or try … finally",
    "__getattribute__": "define __getattr__, which is asked for what is missing",
    "__slots__": "write a literal tuple of names",
}
#: Methods that `super()` finds without a guard: none takes an attribute's name or makes an object.
_BY_SUPER: Final = METHODS - {"__new__", "__getattr__", "__setattr__", "__delattr__"}

_SPOKEN: Final = {
    "AsyncFunctionDef": "async def",
    "Await": "await",
    "AsyncFor": "async for",
    "AsyncWith": "async with",
    "TryStar": "except*",
    "TypeAlias": "a type alias",
    "TemplateStr": "a template string",
}
_ASYNC: Final = "write it without async: a hook runs from beginning to end"


class HookPolicy(RestrictingNodeTransformer):
    """Visits one file's tree. Afterwards `problems` says what is wrong; `bound` and `loaded` are the names that it uses."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[Problem] = []
        self.bound: set[str] = set()
        self.loaded: dict[str, ast.Name] = {}
        self._classes: list[str] = []
        self._bodies: list[ast.AST] = []

    # ── problems ──

    def error(self, node: ast.AST, info: str, hint: str = "") -> None:
        self.problems.append(problem_at(node, info, hint))

    def not_allowed(self, node: ast.AST) -> None:
        name = type(node).__name__
        hint = _ASYNC if name.startswith("A") else ""
        self.error(node, f"{_SPOKEN.get(name, name)} cannot be used in a hook", hint)

    def _bind(self, node: ast.AST, name: str | None) -> None:
        """A name gets a value here."""
        if name is None:
            return
        self.bound.add(name)
        if self._in_class_body and (mangled(self._classes[-1], name) != name or name in METHODS or name in ENUM_NAMES):
            return  # private to the class (Python gives it a name that is harmless), or a method under another name
        problem = variable_problem(name)
        if problem:
            self.error(node, problem, "give it another name")

    def _contents(self, node: ast.AST) -> ast.AST:
        """The node with its parts visited."""
        made: ast.AST = self.node_contents_visit(node)
        return made

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._contents(node)

    # ── names ──

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not isinstance(node.ctx, ast.Load):
            self._bind(node, node.id)
            return node
        self.loaded.setdefault(node.id, node)
        if self._in_class_body and node.id in METHODS:
            return node
        if node.id not in ("__name__", "super") and variable_problem(node.id):
            self.error(node, f"the name {node.id} is not for hooks")
        return node

    def visit_Global(self, node: ast.Global) -> ast.AST:
        for name in node.names:
            self._bind(node, name)
        return node

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        for name in node.names:
            self._bind(node, name)
        return node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        return self._contents(node)

    # ── attributes and items ──

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.ctx, ast.Load):
            return self._attribute_read(node)
        name = node.attr = self._attribute_name(node)
        self._contents(node)
        if name == "__name__":
            self.error(node, "the attribute __name__ cannot be changed")
        node.value = _call(node.value, "_write_")
        return node

    def _attribute_read(self, node: ast.Attribute) -> ast.AST:
        inner = node.value
        if node.attr == "__name__" and isinstance(inner, ast.Attribute) and inner.attr == "__class__":
            return _call(self.visit(inner.value), "_private_", ast.Constant(CLASS_NAME))
        if node.attr in METHODS or node.attr in SEEN:
            self._contents(node)
            return _call(node.value, "_private_", ast.Constant(node.attr))
        name = node.attr = self._attribute_name(node)
        self._contents(node)
        if is_private(name):
            return _call(node.value, "_private_", ast.Constant(name))
        if name in WATCHED:
            return _call(node.value, "_getattr_", ast.Constant(name))
        return node

    def _attribute_name(self, node: ast.Attribute) -> str:
        """The name as Python will use it, checked."""
        name = mangled(self._classes[-1], node.attr) if self._classes else node.attr
        problem = attribute_problem(name)
        if problem:
            self.error(node, problem, _ATTRIBUTE_HINTS.get(name, "hooks do not reach into Python's insides"))
        return name

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self._contents(node)
        if not isinstance(node.ctx, ast.Load):
            node.value = _call(node.value, "_write_")
        return node

    # ── assignments ──

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target = node.targets[0]
        if self._in_class_body and isinstance(target, ast.Name) and target.id in _CLASS_LITERALS:
            self._check_class_literal(node, target.id)
            return node
        return self._contents(node)

    def _check_class_literal(self, node: ast.Assign, name: str) -> None:
        try:
            value = ast.literal_eval(node.value)
        except (ValueError, TypeError):
            value = None
        names = (value,) if isinstance(value, str) else value
        if len(node.targets) != 1 or not isinstance(names, tuple | list) or not all(map(_is_field_name, names)):
            self.error(node, f"{name} has to be a literal tuple of plain names")
        elif name == "__match_args__" and any(map(is_private, names)):
            self.error(node, f"{name} cannot hold private names")

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        target = node.target
        if not isinstance(target, ast.Attribute):
            if isinstance(target, ast.Name):
                self.loaded.setdefault(target.id, target)
            return self._contents(node)
        name = target.attr = self._attribute_name(target)
        if name == "__name__":
            self.error(target, f"the attribute {name} cannot be changed in place")
        self._contents(target)
        if is_private(name) or name in WATCHED:
            target.value = _call(target.value, "_changed_", ast.Constant(name))
        else:
            target.value = _call(target.value, "_write_")
        node.value = self.visit(node.value)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        target = node.target
        if self._in_class_body and isinstance(target, ast.Name) and attribute_problem(target.id) and target.id != "_":
            self.error(target, f"a field cannot be called {target.id}", "give it another name")
        return self._contents(node)

    # ── calls ──

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in _BY_SUPER and _is_plain_super(function.value):
            node.args = [self.visit(argument) for argument in node.args]
            node.keywords = [self.visit(keyword) for keyword in node.keywords]
            return node
        self._contents(node)
        if isinstance(function, ast.Attribute) and function.attr in METHODS:
            node.func = _call(function.value, "_method_", ast.Constant(function.attr))
        return node

    # ── functions and classes ──

    @property
    def _in_class_body(self) -> bool:
        return bool(self._bodies) and isinstance(self._bodies[-1], ast.ClassDef)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        name = node.name
        if self._in_class_body and name.startswith("__") and name.endswith("__") and name not in METHODS:
            self.error(node, f"a class of a hook file cannot define {name}", _METHOD_HINTS.get(name, ""))
        else:
            self._bind(node, name)
        return self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.Lambda) -> ast.AST:
        self._refuse_type_parameters(node)
        self._bodies.append(node)
        self._contents(node)
        self._bodies.pop()
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        return self._contents(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        self._bind(node, node.arg)
        return self._contents(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._bind(node, node.name)
        self._refuse_type_parameters(node)
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg == "metaclass" or keyword.arg.startswith("_"):
                what = "**" if keyword.arg is None else f"{keyword.arg}="
                hint = "define __init_subclass__, or use a class decorator" if keyword.arg == "metaclass" else ""
                self.error(keyword, f"{what} in a class definition cannot be used in a hook", hint)
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        node.bases = [self.visit(base) for base in node.bases]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        self._bodies.append(node)
        self._classes.append(node.name)
        node.body = [self.visit(statement) for statement in node.body]
        self._classes.pop()
        self._bodies.pop()
        return node

    def _refuse_type_parameters(self, node: ast.AST) -> None:
        if getattr(node, "type_params", None):
            self.error(node, "type parameters cannot be used in a hook", "use typing.TypeVar")

    # ── imports ──

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for alias in node.names:
            self._check_import(node, alias.name, None)
            self._bind(node, alias.asname or alias.name.partition(".")[0])
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if node.level or node.module is None:
            self.error(node, "a relative import cannot be used in a hook", "each hook file stands alone")
            return node
        for alias in node.names:
            self._check_import(node, node.module, alias.name)
            self._bind(node, alias.asname or alias.name)
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        if "TYPE_CHECKING" in (getattr(node.test, "id", None), getattr(node.test, "attr", None)):
            for statement in node.body:  # for the author's editor alone
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    self.bound.update(alias.asname or alias.name for alias in statement.names)
            node.body = [ast.copy_location(ast.Pass(), node)]
        return self._contents(node)

    def _check_import(self, node: ast.AST, module: str, name: str | None) -> None:
        problem = import_problem(module, name)
        if problem is not None:
            self.error(node, *problem)

    # ── statements ──

    def visit_For(self, node: ast.For) -> ast.AST:
        return self._contents(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        if node.is_async:
            self.error(node.target, "async for cannot be used in a hook", _ASYNC)
        return self._contents(node)

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._contents(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._contents(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._contents(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._contents(node)

    def visit_With(self, node: ast.With) -> ast.AST:
        return self._contents(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.type is None:  # so that it does not catch what ends a run
            node.type = ast.copy_location(ast.Name("Exception", ast.Load()), node)
        self._bind(node, node.name)
        return self._contents(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return node

    def visit_TemplateStr(self, node: ast.AST) -> ast.AST:
        self.not_allowed(node)
        return node

    # ── match ──

    def visit_Match(self, node: ast.Match) -> ast.AST:
        return self._contents(node)

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        return self._contents(node)

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.AST:
        made = self._contents(node)
        guarded = any(isinstance(part, ast.Call) for part in ast.walk(node.value))
        if guarded:  # a call, for which a pattern has no place
            self.error(node, "a private attribute cannot be matched", "match without it, and use if")
        return made

    def visit_MatchSingleton(self, node: ast.MatchSingleton) -> ast.AST:
        return node

    def visit_MatchSequence(self, node: ast.MatchSequence) -> ast.AST:
        return self._contents(node)

    def visit_MatchOr(self, node: ast.MatchOr) -> ast.AST:
        return self._contents(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> ast.AST:
        self._bind(node, node.name)
        return node

    def visit_MatchAs(self, node: ast.MatchAs) -> ast.AST:
        self._bind(node, node.name)
        return self._contents(node)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> ast.AST:
        self._bind(node, node.rest)
        return self._contents(node)

    def visit_MatchClass(self, node: ast.MatchClass) -> ast.AST:
        for name in node.kwd_attrs:
            if name.startswith("_") or not _is_field_name(name):
                self.error(node, f"the attribute {name} cannot be matched", "match without it, and use if")
        return self._contents(node)


def problem_at(node: ast.AST, message: str, hint: str = "", severity: str = "error") -> Problem:
    """A problem where the node stands. Columns count from 1, in bytes as the parser gives them."""
    return Problem(getattr(node, "lineno", 0), getattr(node, "col_offset", -1) + 1, message, hint, severity)


def _call(value: ast.expr, guard: str, *more: ast.expr) -> ast.expr:
    """`guard(value, …)` in the value's place."""
    made = ast.Call(ast.Name(guard, ast.Load()), [value, *more], [])
    ast.copy_location(made, value)
    for part in (made.func, *more):
        ast.copy_location(part, value)
    return made


def _is_field_name(name: object) -> bool:
    """A name that is the same as text in a class as it is in code."""
    return isinstance(name, str) and name not in WATCHED and not name.startswith("__") and not attribute_problem(name)


def _is_plain_super(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "super"
        and not (node.args or node.keywords)
    )
