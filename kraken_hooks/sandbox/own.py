"""What a hook file has made itself: its classes, their objects, its functions. These it may change, and look into.

A class is a hook file's own if its body ran in a hook file: Python then writes the file's module name into the class, and
no hook can write that entry. Classes that the library makes for a hook (named tuples, enums by name) are adopted.
"""

from __future__ import annotations

import types
import weakref
from typing import Any, Final

from kraken_hooks.api.run import HOOK_MARK

#: Module names of hook files begin with this.
HOOK_MODULES: Final = "hooks."

_class_entries: Final = type.__dict__["__dict__"].__get__  # whatever a metaclass may say
_known: dict[int, weakref.ref[type]] = {}  # by id, because a look-up has to be quick


def adopt_class(made: type) -> type:
    """From now on instances of this class, and the class itself, may be written to."""
    key = id(made)
    _known[key] = weakref.ref(made, lambda _gone: _known.pop(key, None))
    return made


def is_own(kind: object) -> bool:
    """Whether this is a class that a hook file has made; also while it is being made."""
    if id(kind) in _known:
        return True
    if not isinstance(kind, type):
        return False
    module = _class_entries(kind).get("__module__")
    if type(module) is not str or not module.startswith(HOOK_MODULES):
        return False
    adopt_class(kind)
    return True


def is_own_function(value: object) -> bool:
    """Whether this is a function that a hook file has defined."""
    return type(value) is types.FunctionType and HOOK_MARK in value.__globals__


def instance_values(value: Any) -> dict[str, Any] | None:
    """The attributes that an object of an own class holds itself; None where it has no room for them (`__slots__`)."""
    try:
        values: dict[str, Any] = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    return values
