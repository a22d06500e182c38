"""A hook file's bytes to hooks that can be called: decode, check, compile, run the top level. Runs in a worker."""

from __future__ import annotations

import ast
import decimal
import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Any, Final

from kraken_hooks.api import run as current_run
from kraken_hooks.api.on import Registered, Registry, loading
from kraken_hooks.api.run import HOOK_MARK, TopLevel
from kraken_hooks.errors import HookUsageError
from kraken_hooks.outcome import LogLine, Problem
from kraken_hooks.sandbox import caches, scope
from kraken_hooks.sandbox.explain import explain
from kraken_hooks.sandbox.guards import HookTimeout
from kraken_hooks.sandbox.own import HOOK_MODULES
from kraken_hooks.sandbox.policy import HookPolicy, problem_at
from kraken_hooks.sandbox.preloading import preload_python
from kraken_hooks.sandbox.replacements import hook_module

#: Largest source, bytes.
MAX_SOURCE: Final = 256 * 1024
#: Most problems reported at once, and longest text of one, characters.
_MOST: Final = 100
_LONGEST: Final = 2_000

_COOKIE: Final = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)


class LoadError(Exception):
    """The file does not load; `problems` say where and why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems[0].message)
        self.problems = [_shortened(problem) for problem in problems]


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A hook file that has loaded. `problems` holds warnings; `logs` what its top level logged.

    `before_run` is called before each run of one of its hooks. `mark` tells its code from that of other files.
    """

    file: str
    hooks: list[Registered]
    problems: list[Problem]
    logs: list[LogLine]
    before_run: Callable[[], None]
    mark: object


def preload() -> None:
    """All that loading and running a hook file otherwise fetches at first use: a worker can open no file."""
    caches.protect()
    preload_python()
    load(b"from kraken_hooks import on\n@on()\ndef first(msg):\n    return f'{msg.id}'", "first.py")


def load(source: bytes, file: str) -> LoadedFile:
    """Compile a hook file and run its top level.

    Raises:
        LoadError: with everything that is wrong.
        HookTimeout: the top level took too long.
    """
    text = _decode(source)
    code, found = _compile(text, file)
    module = _module_name(file)
    names = scope.make(module)
    names[HOOK_MARK] = text.splitlines()
    sys.modules[module] = hook_module(module, names)
    registry, run = Registry(), TopLevel()
    decimal.setcontext(decimal.Context())
    loading(registry)
    current_run.begin(run, names[HOOK_MARK])
    try:
        exec(code, names)  # noqa: S102  # this is what a sandbox is for
    except HookTimeout:
        raise
    except BaseException as error:  # whatever the author's code raises is a problem of the file
        raise LoadError([*found, _raised(error)]) from None
    finally:
        current_run.end()
        loading(None)
    if not registry.hooks:
        found.append(Problem(0, 0, "the file has no hook", "put @on(...) above a function", "warning"))
    return LoadedFile(file, registry.hooks, found, run.logs, _before_run(code), names[HOOK_MARK])


def forget(file: str) -> None:
    """Let go of what a load leaves behind."""
    sys.modules.pop(_module_name(file), None)


def _module_name(file: str) -> str:
    return f"{HOOK_MODULES}{file.removesuffix('.py')}"


def _decode(source: bytes) -> str:
    if len(source) > MAX_SOURCE:
        raise LoadError([Problem(0, 0, f"the file has {len(source)} bytes; a hook file has at most {MAX_SOURCE}")])
    cookie = _COOKIE.search(b"\n".join(source.splitlines()[:2]))
    if cookie and cookie[1].lower().replace(b"_", b"-") not in (b"utf-8", b"utf8", b"ascii", b"us-ascii"):
        raise LoadError([Problem(1, 1, f"the file says it is {cookie[1].decode()}", "save it as UTF-8")])
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        column = error.start - (source.rfind(b"\n", 0, error.start) + 1) + 1
        raise LoadError([Problem(line, column, "the file is not UTF-8", "save it as UTF-8")]) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise LoadError([Problem(line, 0, "the file holds a zero byte", "it is no Python file, or damaged")])
    return text


def _compile(text: str, file: str) -> tuple[CodeType, list[Problem]]:
    policy = HookPolicy()
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        try:
            tree = policy.visit(ast.parse(text, file))
            problems = policy.problems + _unknown_names(policy)
            errors = [problem for problem in problems if problem.severity == "error"]
            if errors:
                raise LoadError(_in_order(problems, text))
            code = compile(tree, file, "exec", dont_inherit=True)
        except SyntaxError as error:
            said = error.msg.removeprefix("invalid syntax").lstrip(". ")
            where = Problem(
                error.lineno or 0, error.offset or 0, f"invalid syntax: {said}" if said else "invalid syntax"
            )
            raise LoadError([where]) from None
        except ValueError as error:  # such as an integer with too many digits
            raise LoadError([Problem(0, 0, f"it cannot be compiled: {error}")]) from None
        except (RecursionError, MemoryError, SystemError):  # SystemError: the parser has lost count of its own depth
            raise LoadError([Problem(0, 0, "it is nested too deep", "use fewer brackets inside each other")]) from None
    problems += [Problem(one.lineno or 0, 0, str(one.message), "", "warning") for one in remarks]
    return code, _in_order(problems, text)


def _unknown_names(policy: HookPolicy) -> list[Problem]:
    """Names that are read but are nowhere given a value."""
    found = []
    for name, node in policy.loaded.items():
        if name in policy.bound or name in scope.GIVEN or name.startswith("__"):
            continue
        if name in scope.REFUSED:
            found.append(problem_at(node, f"{name} is not for hooks", scope.REFUSED[name]))
        else:
            found.append(problem_at(node, f"the name {name} is not defined", "", "warning"))
    return found


def _in_order(problems: list[Problem], text: str) -> list[Problem]:
    """By line, each once; columns in characters."""
    lines = text.splitlines()
    made = []
    for problem in sorted(set(map(_key, problems))):
        line, column, severity, message, hint = problem
        message, hint = message[:_LONGEST], hint[:_LONGEST]
        if 0 < line <= len(lines) and not lines[line - 1].isascii():
            column = len(lines[line - 1].encode()[: column - 1].decode(errors="ignore")) + 1
        made.append(Problem(line, column, message, hint, severity))
    return made[:_MOST]


def _shortened(problem: Problem) -> Problem:
    """What is told may hold names and values of the file, of any length."""
    message, hint = problem.message[:_LONGEST], problem.hint[:_LONGEST]
    return Problem(problem.line, problem.column, message, hint, problem.severity)


def _key(problem: Problem) -> tuple[int, int, str, str, str]:
    return problem.line, problem.column, problem.severity, problem.message, problem.hint


def _raised(error: BaseException) -> Problem:
    """What the top level raised, as a problem."""
    told = explain(error)
    message = told.message if isinstance(error, HookUsageError) else f"{told.type}: {told.message}"
    return Problem(told.line, 1 if told.line else 0, message)


def _before_run(code: CodeType) -> Callable[[], None]:
    """Decimal's context is one for the whole process: a file that uses it finds it as its top level left it."""
    if "decimal" not in code.co_names and not _uses(code, "decimal"):
        return _nothing
    context = decimal.getcontext().copy()
    return lambda: decimal.setcontext(context.copy())


def _uses(code: Any, name: str) -> bool:
    return name in code.co_names or any(_uses(part, name) for part in code.co_consts if isinstance(part, CodeType))


def _nothing() -> None:
    pass
