"""What compiled hooks call where Python would do as it likes: reading watched attributes, writing, making classes.

Wall 1 at run time. The compiler (`sandbox.policy`) puts calls to `_getattr_`, `_private_` and `_write_` into the code; the
built-in functions that take names as text go through the same guards.
"""

from __future__ import annotations

import abc
import builtins
import decimal
import types
import weakref
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque
from collections.abc import Callable
from typing import Any, Final

from kraken_hooks.sandbox.formatting import GuardedFormat
from kraken_hooks.sandbox.names import (
    NAMED_TUPLE,
    WATCHED,
    attribute_problem,
    is_private,
)


class HookTimeout(BaseException):
    """The run has taken too long. Raised inside the hook, at whatever line it is at; no `except Exception` stops it."""


class Refused(TypeError):
    """A hook did something that hooks cannot do; the text says what to do instead."""


# ── the classes that hook files have made ──────────────────────────────────────────────────────────────────────────

_own: dict[int, weakref.ref[type]] = {}  # by id, because a look-up has to be quick


def adopt_class(made: type) -> type:
    """From now on instances of this class, and the class itself, may be written to."""
    key = id(made)
    _own[key] = weakref.ref(made, lambda _gone: _own.pop(key, None))
    return made


def is_own(kind: object) -> bool:
    """Whether this is a class that a hook file has made."""
    return id(kind) in _own


def build_class(function: Any, name: str, *bases: Any, **keywords: Any) -> Any:
    """`class …:` in a hook file."""
    made = builtins.__build_class__(function, name, *bases, **keywords)
    return adopt_class(made) if isinstance(made, type) else made


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────────

_WRITABLE: Final = frozenset(
    {
        dict,
        list,
        bytearray,
        deque,
        defaultdict,
        OrderedDict,
        Counter,
        ChainMap,
        UserDict,
        UserList,
        decimal.Context,
        type(decimal.Context().traps),
    }
)


def write(target: Any) -> Any:
    """The target of an assignment to an attribute or item, where it may be written to.

    Raises:
        Refused: it belongs to Python or to the broker.
    """
    kind = type(target)
    if kind in _WRITABLE or id(kind) in _own or id(target) in _own:
        return target
    raise Refused(f"a hook cannot change {_described(target)}; only its own objects, lists and dicts")


def _described(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"a {type(value).__name__}"


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────


def read(value: Any, name: str) -> Any:
    """An attribute by its name, as `getattr` would, where hooks may see it.

    Raises:
        Refused: they may not.
        AttributeError: there is none.
    """
    if type(name) is not str:
        raise TypeError("the name of an attribute must be text")
    problem = attribute_problem(name)
    if problem:
        raise Refused(problem)
    if is_private(name):
        return private(value, name)
    if name in WATCHED:
        return watched(value, name)
    return getattr(value, name)


def watched(value: Any, name: str) -> Any:
    """One of the attributes that have to be looked at."""
    if name == "obj" and isinstance(value, BaseException):
        raise Refused("the attribute obj of an exception is not for hooks")
    if name == "with_traceback" and (isinstance(value, BaseException) or _is_class(value, BaseException)):
        raise Refused("with_traceback is not for hooks; use raise … from …")
    if name == "mro" and isinstance(value, type):
        raise Refused("mro is not for hooks; use isinstance or issubclass")
    if name == "register" and isinstance(value, abc.ABCMeta):
        raise Refused("register is not for hooks; derive the class instead")
    found = getattr(value, name)
    if name.startswith("format"):
        return _without_attributes(found, name)
    return found


def _without_attributes(found: Any, name: str) -> Any:
    """str's own `format` in whatever wrapping, as the guarded one."""
    guarded = _formatting.format if name == "format" else _formatting.format_map
    kind = type(found)
    if kind is types.BuiltinMethodType and isinstance(found.__self__, str):
        return types.MethodType(guarded, found.__self__)
    if kind is types.MethodDescriptorType and found.__objclass__ is str:
        return guarded
    if kind in (types.MethodWrapperType, types.WrapperDescriptorType):
        raise Refused(f"{name} is not for hooks here")
    return found


def _is_class(value: object, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base)


def private(value: Any, name: str) -> Any:
    """`value._name`: what a class of a hook file, or its object, has itself; nothing that Python's classes keep inside.

    Raises:
        Refused: it is not the hook file's own.
        AttributeError: there is none.
    """
    if name in NAMED_TUPLE and (isinstance(value, tuple) or _is_class(value, tuple)):
        return getattr(value, name)
    if type(value) is super:
        start = value.__thisclass__  # type: ignore[attr-defined]  # of every super object
        order = value.__self_class__.__mro__  # type: ignore[attr-defined]
        owners = order[order.index(start) + 1 :]
    elif is_own(type(value)):
        owners = type(value).__mro__
        if name in _instance_values(value):
            return getattr(value, name)
    elif is_own(value):
        owners = value.__mro__
    else:
        raise Refused(f"{name} begins with an underscore and belongs to {_described(value)}; it is not for hooks")
    for owner in owners:
        if name in owner.__dict__:
            if is_own(owner):
                return getattr(value, name)
            raise Refused(f"{name} belongs to {_described(owner)} and is not for hooks")
    raise AttributeError(f"{type(value).__name__!r} object has no attribute {name!r}")


def private_target(value: Any, name: str) -> Any:
    """The target of `value._name += …`: read first, then written."""
    private(value, name)
    return write(value)


def _instance_values(value: object) -> dict[str, Any]:
    try:
        values: dict[str, Any] = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return values


_formatting: Final = GuardedFormat(read)

# ── built-in functions that take names, or give classes ────────────────────────────────────────────────────────────

_NOTHING: Final = object()


def guarded_getattr(value: Any, name: str, default: Any = _NOTHING, /) -> Any:
    try:
        return read(value, name)
    except AttributeError:
        if default is _NOTHING:
            raise
        return default


def guarded_hasattr(value: Any, name: str, /) -> bool:
    try:
        read(value, name)
    except AttributeError:
        return False
    return True


def guarded_setattr(value: Any, name: str, new: Any, /) -> None:
    setattr(write(value), _writable_name(name), new)


def guarded_delattr(value: Any, name: str, /) -> None:
    delattr(write(value), _writable_name(name))


def _writable_name(name: object) -> str:
    if type(name) is not str:
        raise TypeError("the name of an attribute must be text")
    problem = attribute_problem(name)
    if problem or name.startswith("__"):
        raise Refused(problem or f"the attribute {name} is not for hooks")
    return name


def type_reader(known: Callable[[type], bool]) -> Callable[[Any], type]:
    """`type(x)` with one argument. `known`: whether hooks have a class anyway."""

    def guarded_type(value: Any, /) -> type:
        """The class of a value."""
        kind = type(value)
        if is_own(kind) or known(kind) or issubclass(kind, Exception):
            return kind
        raise Refused(f"the class of {_described(value)} is not for hooks")

    return guarded_type
