"""The names that every hook file finds without importing anything: Python's built-ins, the safe ones."""

from __future__ import annotations

import builtins
from typing import Any, Final

from kraken_hooks.api.log import print_line
from kraken_hooks.sandbox import guards
from kraken_hooks.sandbox.modules import KNOWN_CLASSES, importer

_SAFE: Final = """
    abs all any ascii bin bool bytearray bytes callable chr classmethod complex dict divmod enumerate filter float format
    frozenset hash hex int isinstance issubclass iter len list map max min next object oct ord pow property range repr
    reversed round set slice sorted staticmethod str sum super tuple zip
    None True False NotImplemented Ellipsis
""".split()

#: Exceptions that end a process or a run are not for hooks; groups carry others past an `except`.
_KEPT_BACK: Final = frozenset({"ExceptionGroup"})

#: Built-in names that hooks do not have, with what to do instead.
REFUSED: Final = {
    "open": "a hook cannot open files; keep values in state or store",
    "input": "nobody is there to answer; use msg",
    "eval": "read JSON with json.loads",
    "exec": "write the code into the file",
    "compile": "write the code into the file",
    "globals": "name the variable",
    "locals": "name the variable",
    "dir": "name the attribute",
    "help": "see the documentation",
    "breakpoint": "use log.info, or kraken-hooks try",
    "memoryview": "slice bytes instead",
    "id": "compare with is",
    "exit": "use return",
    "quit": "use return",
    "BaseException": "use Exception",
    "SystemExit": "use return",
    "KeyboardInterrupt": "use Exception",
    "GeneratorExit": "use Exception",
    "BaseExceptionGroup": "use Exception",
    "ExceptionGroup": "use Exception",
    "aiter": "write it without async",
    "anext": "write it without async",
}


def _safe_names() -> dict[str, Any]:
    names = {name: getattr(builtins, name) for name in _SAFE}
    names |= {
        name: value
        for name, value in vars(builtins).items()
        if isinstance(value, type) and issubclass(value, Exception) and name not in _KEPT_BACK
    }
    known = KNOWN_CLASSES | {value for value in names.values() if isinstance(value, type)}
    known |= {type(None), type(...), type(NotImplemented)}
    names |= {
        "print": print_line,
        "type": guards.TypeOf(known.__contains__),
        "vars": guards.guarded_vars,
        "getattr": guards.guarded_getattr,
        "hasattr": guards.guarded_hasattr,
        "setattr": guards.guarded_setattr,
        "delattr": guards.guarded_delattr,
        "__build_class__": builtins.__build_class__,
    }
    return names


_BUILTINS: Final = _safe_names()

#: Names that are there without being bound in the file.
GIVEN: Final = frozenset(name for name in _BUILTINS if not name.startswith("_")) | {"__name__"}


def make(module: str) -> dict[str, Any]:
    """The global names of one hook file, before it has run."""
    return {
        "__builtins__": {**_BUILTINS, "__import__": importer()},
        "__name__": module,
        "_getattr_": guards.watched,
        "_private_": guards.private,
        "_changed_": guards.changed,
        "_method_": guards.method,
        "_write_": guards.write,
    }
