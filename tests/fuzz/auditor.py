"""Runs hook files and watches what they get hold of: every value that they name, read or are handed, and Python's own audit events.

A process of its own, which forks one child a program, so that an endless loop or a memory bomb ends with its child. Programs come on
stdin and verdicts go to stdout, each as a line of JSON. `Auditor` is the other end, for tests.
"""

from __future__ import annotations

import ast
import builtins
import io
import json
import os
import resource
import signal
import subprocess
import sys
import types
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

#: What one program may use: seconds, and bytes of address space beyond what is there already.
_SECONDS: Final = 0.5
_MEMORY: Final = 200 * 2**20
#: The program's name as a hook file.
_FILE: Final = "fuzz.py"
#: Findings of one program that are told.
_MOST: Final = 5


@dataclass(frozen=True)
class Verdict:
    """`refused`: why it did not load. `findings`: what it got hold of and should not have. `ended`: it kept within its limits.

    `caught`: what each of its attempts raised, "" where it raised nothing.
    """

    refused: str = ""
    findings: list[str] = field(default_factory=list)
    ended: bool = False
    caught: list[str] = field(default_factory=list)


class Auditor:
    """The process, as tests use it. `holes`: expressions whose values programs then have under those names, to see that they are seen."""

    def __init__(self, **holes: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, json.dumps(holes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def judge(self, source: str) -> Verdict:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(source) + "\n")
        process.stdin.flush()
        return Verdict(**json.loads(process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate()


# ── in the process ─────────────────────────────────────────────────────────────────────────────────────────────────


def serve(holes: dict[str, str]) -> None:
    from kraken_hooks.sandbox import loader

    loader.preload()
    watch = _Watch({name: eval(hole) for name, hole in holes.items()})
    for line in sys.stdin:
        print(json.dumps(_in_a_child(watch, json.loads(line))), flush=True)


def _in_a_child(watch: _Watch, source: str) -> dict[str, Any]:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _judge(watch, source, theirs)
    os.close(theirs)
    with open(ours, "rb") as pipe:
        told = pipe.read().splitlines()
    os.waitpid(child, 0)
    verdict: dict[str, Any] = {}
    findings: list[str] = []
    for line in told:
        if line.endswith(b"}"):
            verdict |= json.loads(line)
            findings += verdict.pop("findings", [])
    return {**verdict, "findings": findings}


def _judge(watch: _Watch, source: str, pipe: int) -> NoReturn:
    """In the child. What is found is written at once: the program may not come to its end."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
    signal.setitimer(signal.ITIMER_REAL, _SECONDS)  # its signal ends the process
    try:
        watch.run(source, pipe)
    except BaseException as error:
        _tell(pipe, {"refused": f"{type(error).__name__}: {error}"[:500]})
    os._exit(0)


def _tell(pipe: int, said: dict[str, Any]) -> None:
    os.write(pipe, json.dumps(said).encode() + b"\n")


#: Never in the hands of a hook.
_INSIDES: Final = (
    types.ModuleType,
    types.FrameType,
    types.CodeType,
    types.TracebackType,
    types.CellType,
    types.CoroutineType,
    types.AsyncGeneratorType,
    io.IOBase,
    weakref.ref,
    type(sys.__spec__) if sys.__spec__ else type(os.__spec__),
)
#: Harmless where they are of public names: `datetime.year`, read of the class.
_DESCRIPTORS: Final = (types.GetSetDescriptorType, types.MemberDescriptorType, types.WrapperDescriptorType)
_FUNCTIONS: Final = (
    *(eval, exec, open, compile, __import__, globals, locals, vars, dir, getattr, setattr, delattr, hasattr, input, breakpoint, memoryview, id),
    *(type.mro, type.__subclasses__, object.__getattribute__, object.__reduce__, object.__reduce_ex__, type.__getattribute__),
    *(object.__setattr__, type.__setattr__, str.format, str.format_map, sys._getframe, BaseException.with_traceback),
)  # fmt: skip
#: Audit events that no program may cause, whoever raises them in its name.
_NEVER: Final = (
    "open",
    "os.",
    "socket.",
    "subprocess.",
    "ctypes.",
    "shutil.",
    "tempfile.",
    "glob.",
    "fcntl.",
    "mmap.",
    "pty.",
    "signal.",
    "sqlite3.",
)
#: Those that it may not cause itself, though the library may on the way.
_ITSELF: Final = (
    "object.__",
    "exec",
    "compile",
    "import",
    "sys.",
    "gc.",
    "code.",
    "function.",
    "marshal.",
    "pickle.",
    "builtins.input",
    "builtins.breakpoint",
    "cpython.",
)


class _Watch:
    def __init__(self, holes: dict[str, Any]) -> None:
        from kraken_hooks import testing
        from kraken_hooks.sandbox import loader, modules, scope
        from kraken_hooks.sandbox.policy import HookPolicy

        self._loader, self._testing = loader, testing
        self._there = set(map(id, _all_classes()))
        self._dicts = {id(vars(module)) for module in list(sys.modules.values())} | {id(vars(builtins))}
        given = [*scope.make("hooks.fuzz")["__builtins__"].values(), type(None), type(...), type(NotImplemented)]
        self._classes = {id(kind) for kind in (*modules.KNOWN_CLASSES, *given) if isinstance(kind, type)}
        self._functions = set(map(id, _FUNCTIONS))
        self._pipe = -1
        self._found = 0
        self._busy = False
        watch = self

        class Audited(HookPolicy):
            def visit(self, node: ast.AST) -> Any:
                made = super().visit(node)
                return _Instrument().visit(made) if isinstance(node, ast.Module) else made

        plain_scope = scope.make

        def audited_scope(module: str) -> dict[str, Any]:
            made = plain_scope(module)
            watch._dicts |= {id(made), id(made["__builtins__"])}
            return {**made, **holes, "_audit_": watch.value, "_audit_read_": watch.read}

        loader.HookPolicy = Audited  # type: ignore[misc]  # in the place of the real one
        scope.make = audited_scope

    def run(self, source: str, pipe: int) -> None:
        self._pipe = pipe
        sys.addaudithook(self._event)
        names: dict[str, Any] = {}
        try:
            loaded = self._loader.load(source.encode(), _FILE)
        except self._loader.LoadError as error:
            _tell(
                pipe, {"refused": "; ".join(problem.message for problem in error.problems)[:500] or "?", "ended": True}
            )
            return
        if loaded.hooks:
            names = loaded.hooks[0].function.__globals__
            self._dicts.add(id(names))
            for hook in loaded.hooks:
                self._testing.run(
                    hook.function, self._testing.message({"a": [1, {"b": None}], "temp": "25.6"}, metadata={"k": 1})
                )
        _tell(pipe, {"ended": True, "caught": [str(item)[:80] for item in names.get("caught", [])][:200]})

    def finding(self, what: str) -> None:
        self._found += 1
        if self._found <= _MOST:
            _tell(self._pipe, {"findings": [what[:300]]})

    # ── every value, every attribute ──

    def value(self, value: Any) -> Any:
        problem = self._problem(value)
        if problem:
            self.finding(problem)
        return value

    def read(self, value: Any, name: str) -> Any:
        """`value.name`, read natively by a compiled hook."""
        if name.startswith("_") and type(value) is not super and name != "__name__":
            self.finding(f"the attribute {name} of a {type(value).__name__} was read")
        found = getattr(value, name)
        return self.value(found)

    def _problem(self, value: Any) -> str:
        kind = type(value)
        if issubclass(kind, _INSIDES):
            return f"a {kind.__name__}"
        if kind in _DESCRIPTORS and (value.__name__.startswith("_") or value.__objclass__ in _INSIDES):
            return f"the descriptor {value!r}"
        if kind is dict and id(value) in self._dicts:
            return "the names of a module"
        if issubclass(kind, type):
            return self._class_problem(value)
        if id(value) in self._functions:
            return f"the function {value!r}"
        if (
            kind is types.BuiltinMethodType
            and value.__name__ in ("format", "format_map")
            and type(value.__self__) is str
        ):
            return "the format of a text"
        return ""

    def _class_problem(self, kind: type) -> str:
        if id(kind) not in self._there or id(kind) in self._classes or issubclass(kind, Exception):
            return ""
        return f"the class {kind.__module__}.{kind.__qualname__}"

    # ── what Python itself tells ──

    def _event(self, event: str, args: tuple[Any, ...]) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            if event == "open" and args[0] == _FILE:
                pass  # Python looks for the line of a syntax error
            elif event.startswith(_NEVER):
                self.finding(f"the event {event} {args!r:.100}, from {_callers()}")
            elif event.startswith(_ITSELF) and self._is_from_the_program(event):
                self.finding(f"the event {event} {args!r:.100}")
        finally:
            self._busy = False

    def _is_from_the_program(self, event: str) -> bool:
        """Whether the innermost frame, apart from ours, is the program's or a guard's that acts for it."""
        frame = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename == __file__:
            frame = frame.f_back
        if frame is None:
            return False
        if frame.f_code.co_filename == _FILE:
            return True
        return event.startswith("object.__") and frame.f_globals.get("__name__") == "kraken_hooks.sandbox.formatting"


def _callers() -> str:
    """The innermost functions, apart from ours."""
    frame, found = sys._getframe(2), []
    while frame is not None and len(found) < 4:
        found.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}")
        frame = frame.f_back
    return " < ".join(found)


def _all_classes() -> list[type]:
    found: dict[int, type] = {}
    waiting: list[type] = [object]
    while waiting:
        kind = waiting.pop()
        if id(kind) not in found:
            found[id(kind)] = kind
            waiting += type.__subclasses__(kind)
    return list(found.values())


class _Instrument(ast.NodeTransformer):
    """Routes every attribute, name, call and item that a compiled hook loads through the auditor."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return _routed("_audit_read_", node, [node.value, ast.Constant(node.attr)]) if _loads(node) else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        return _routed("_audit_", node, [node]) if _loads(node) else node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not _loads(node) or node.id == "super" or (node.id.startswith("_") and node.id.endswith("_")):
            return node
        return _routed("_audit_", node, [node])

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        return _routed("_audit_", node, [node])

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.AST:
        return node  # a pattern takes a dotted name and no call

    def visit_MatchClass(self, node: ast.MatchClass) -> ast.AST:
        node.patterns = [self.visit(pattern) for pattern in node.patterns]
        node.kwd_patterns = [self.visit(pattern) for pattern in node.kwd_patterns]
        return node

    def visit_MatchMapping(self, node: ast.MatchMapping) -> ast.AST:
        node.patterns = [self.visit(pattern) for pattern in node.patterns]
        return node


def _loads(node: Any) -> bool:
    return isinstance(node.ctx, ast.Load)


def _routed(through: str, node: ast.expr, arguments: list[ast.expr]) -> ast.AST:
    made = ast.Call(ast.Name(through, ast.Load()), arguments, [])
    return ast.fix_missing_locations(ast.copy_location(made, node))


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
