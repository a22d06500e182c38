"""What compiled hooks call where Python would do as it likes: reading watched attributes, writing, calling Python's own methods.

Wall 1 at run time. The compiler (`sandbox.policy`) puts calls to `_getattr_`, `_private_`, `_method_` and `_write_` into
the code; the built-in functions that take names as text go through the same guards.
"""

from __future__ import annotations

import abc
import datetime as dt
import decimal
import re
import types
import typing
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque
from collections.abc import Callable
from typing import Any, Final

from kraken_hooks.api.state import State
from kraken_hooks.sandbox.formatting import GuardedFormat
from kraken_hooks.sandbox.names import (
    CLASS_NAME,
    LINKED,
    METHODS,
    NAMED_TUPLE,
    SEEN,
    WATCHED,
    attribute_problem,
    is_private,
)
from kraken_hooks.sandbox.own import instance_values, is_own, is_own_function


class HookTimeout(BaseException):
    """The run has taken too long. Raised inside the hook, at whatever line it is at; no `except Exception` stops it."""

    def __str__(self) -> str:
        return "the time of the run is over (KRAKENB_HOOK_TIMEOUT)"


class Refused(TypeError):
    """A hook did something that hooks cannot do; the text says what to do instead."""


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
        # What cannot be changed at all says so in Python's own words.
        *(str, bytes, int, float, complex, bool, tuple, range, set, frozenset, slice, type(None)),
        *(dt.date, dt.datetime, dt.time, dt.timedelta, dt.timezone),
        *(decimal.Decimal, re.Pattern, re.Match),
    }
)
_quickly: Final = set(map(id, _WRITABLE))


def write(target: Any) -> Any:
    """The target of an assignment to an attribute or item, where it may be written to.

    Raises:
        Refused: it belongs to Python or to the broker.
    """
    if id(type(target)) in _quickly or is_own(type(target)) or is_own(target) or is_own_function(target):
        return target
    if type(target) is State:
        raise Refused("state has no items: write state.set(key, value) or state.delete(key)")
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
    if is_private(name) or name in SEEN:
        return private(value, name)
    problem = attribute_problem(name)
    if problem:
        raise Refused(problem)
    if name in WATCHED:
        return watched(value, name)
    return getattr(value, name)


#: Functions of Python's classes that no hook gets hold of, with what to do instead.
_KEPT_BACK: Final[dict[str, tuple[object, str]]] = {
    "mro": (type.mro, "use isinstance or issubclass"),
    "register": (abc.ABCMeta.register, "derive the class instead"),
    "with_traceback": (BaseException.with_traceback, "use raise … from …"),
}


def watched(value: Any, name: str) -> Any:
    """One of the attributes that have to be looked at: what is found counts, through whatever object it was found."""
    if name == "obj" and isinstance(value, AttributeError):
        raise Refused("the attribute obj of an AttributeError is not for hooks")
    found = getattr(value, name)
    if name.startswith("format"):
        return _without_attributes(found, name)
    if name in _KEPT_BACK:
        original, instead = _KEPT_BACK[name]
        bound = type(found) is types.BuiltinMethodType and found.__name__ == name
        if bound or found is original or getattr(found, "__func__", None) is original:
            raise Refused(f"{name} is not for hooks; {instead}")
    return found


def _without_attributes(found: Any, name: str) -> Any:
    """str's own `format` in whatever wrapping, as the guarded one."""
    instead = guarded.format if name == "format" else guarded.format_map
    kind = type(found)
    if kind is types.BuiltinMethodType and isinstance(found.__self__, str):
        return types.MethodType(instead, found.__self__)
    if kind is types.MethodDescriptorType and found.__objclass__ is str:
        return instead
    if kind in (types.MethodWrapperType, types.WrapperDescriptorType):
        raise Refused(f"{name} is not for hooks here")
    return found


def private(value: Any, name: str) -> Any:
    """`value._name`, and what Python keeps under names with two underscores, where it is the hook file's own.

    Raises:
        Refused: it is not the hook file's own.
        AttributeError: there is none.
    """
    if name in SEEN:
        return _seen(value, name)
    if name in METHODS:
        if isinstance(value, type) and not is_own(value):
            raise Refused(f"the method {name} of {_described(value)} is not for hooks")
        return method(value, name)
    if name in NAMED_TUPLE and (isinstance(value, tuple) or _is_class(value, tuple)):
        return getattr(value, name)
    if type(value) is super:
        start, kind = value.__thisclass__, value.__self_class__  # type: ignore[attr-defined]  # of every super object
        order = kind.__mro__
        owners = order[order.index(start) + 1 :]
    elif is_own(type(value)):
        kind = type(value)
        owners = kind.__mro__
        if name in (instance_values(value) or ()):
            return getattr(value, name)
    elif is_own(value):
        kind = type(value)
        owners = value.__mro__
    else:
        raise Refused(f"{name} begins with an underscore and belongs to {_described(value)}; it is not for hooks")
    for owner in owners:
        if name in owner.__dict__:
            if is_own(owner):
                return getattr(value, name)
            raise Refused(f"{name} belongs to {_described(owner)} and is not for hooks")
    for owner in kind.__mro__:
        if "__getattr__" in owner.__dict__ and is_own(owner):
            return getattr(value, name)
    raise AttributeError(f"{type(value).__name__!r} object has no attribute {name!r}", name=name)


def _is_class(value: object, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base)


def _seen(value: Any, name: str) -> Any:
    """One of the names with two underscores that a hook may read where they are its own, or an exception's."""
    if name == CLASS_NAME:
        return type(value).__name__
    if name in LINKED:
        if isinstance(value, Exception):
            return getattr(value, name)
    elif is_own(type(value)):
        if name == "__class__":
            return type(value)
        if name in ("__dict__", "__doc__"):
            return getattr(value, name)
    elif is_own(value):
        if name not in ("__class__", "__dict__"):
            found = getattr(value, name)
            return dict(found) if name == "__annotations__" else found
    elif name == "__class__" and isinstance(value, Exception):
        return type(value)
    elif name in ("__doc__", "__qualname__", "__module__", "__annotations__"):
        function = value.__func__ if type(value) is types.MethodType else value
        if is_own_function(function):
            found = getattr(function, name)
            return dict(found) if name == "__annotations__" else found
    raise Refused(f"the attribute {name} of {_described(value)} is not for hooks")


def changed(value: Any, name: str) -> Any:
    """The target of `value.name += …` where reading the name is guarded: read first, then written."""
    if name not in WATCHED:
        private(value, name)
    elif isinstance(value, str | type | BaseException):
        raise Refused(f"the attribute {name} of {_described(value)} cannot be changed in place")
    return write(value)


#: `str.format` and `str.format_map` for hooks.
guarded: Final = GuardedFormat(read)

# ── methods with two underscores, called by name ───────────────────────────────────────────────────────────────────

#: Methods that take an attribute's name.
_NAMING: Final = frozenset({"__setattr__", "__delattr__", "__getattr__"})
#: Methods whose first argument is a class.
_OF_CLASSES: Final = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})


def method(value: Any, name: str) -> Callable[..., Any]:
    """`value.__len__` and its like, to be called: of an own object, of `super()`, or of a base class for an own object.

    Raises:
        Refused: it is none of these.
    """
    if type(value) is super:
        own = is_own(value.__self_class__)  # type: ignore[attr-defined]  # of every super object
        receiver: Any = value.__self__  # type: ignore[attr-defined]  # of every super object
    elif isinstance(value, type):
        return _of_base(value, name)
    else:
        own = is_own(type(value)) or (id(type(value)) in _quickly and name not in _NAMING)
        receiver = value
    if not own or (name == "__new__" and type(value) is not super):
        raise Refused(f"the method {name} of {_described(value)} is not for hooks")
    found: Callable[..., Any] = getattr(value, name)
    if name == "__new__":
        return lambda kind, /, *args, **named: found(_receiver(kind, object, name), *args, **named)
    return _with_name_checked(found, receiver) if name in _NAMING else found


def _of_base(base: type, name: str) -> Callable[..., Any]:
    found = getattr(base, name)
    if name in ("__init_subclass__", "__class_getitem__"):
        return _own_only(base, found, name)

    def call(receiver: Any, /, *args: Any, **named: Any) -> Any:
        checked = _receiver(receiver, base, name)
        if name in _NAMING:
            return _with_name_checked(types.MethodType(found, checked), checked)(*args, **named)
        return found(checked, *args, **named)

    return call


def _own_only(base: type, found: Callable[..., Any], name: str) -> Callable[..., Any]:
    if not is_own(base):
        raise Refused(f"the method {name} of {_described(base)} is not for hooks")
    return found


def _receiver(receiver: Any, base: type, name: str) -> Any:
    """The first argument of a method of a class, where it is an own object (or, of `__new__`, an own class)."""
    kind = receiver if name in _OF_CLASSES else type(receiver)
    if is_own(kind) and issubclass(kind, base):
        return receiver
    raise Refused(
        f"the method {name} can be called for the hook file's own {'classes' if kind is receiver else 'objects'} only"
    )


def _with_name_checked(found: Callable[..., Any], receiver: Any) -> Callable[..., Any]:
    def call(name: str, /, *value: Any) -> Any:
        write(receiver)
        return found(_writable_name(name), *value)

    return call


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
    if type(name) is str and name in METHODS:
        return hasattr(value, name)
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


def guarded_vars(value: Any, /) -> dict[str, Any]:
    """`vars(x)` of an object that the hook file has made."""
    values = instance_values(value) if is_own(type(value)) else None
    if values is None:
        raise Refused(f"vars works on objects of the hook file's own classes, not on {_described(value)}")
    return values


class TypeOf:
    """`type`: gives the class of a value, serves in checks and annotations, and makes no class."""

    __slots__ = ("_known",)
    __name__ = "type"

    def __init__(self, known: Callable[[type], bool]) -> None:
        self._known = known  # whether hooks have a class anyway

    def __call__(self, value: Any, /) -> Any:
        kind = type(value)
        if kind is type:
            return self
        if is_own(kind) or self._known(kind) or issubclass(kind, Exception):
            return kind
        raise Refused(f"the class of {_described(value)} is not for hooks")

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, type)

    def __subclasscheck__(self, kind: Any) -> bool:
        return issubclass(kind, type)

    def __getitem__(self, item: Any) -> Any:
        return typing.Type[item]  # noqa: UP006  # type[item] could be called to make a class

    def __or__(self, other: Any) -> Any:
        return typing.Union[typing.Type, other]  # noqa: UP006, UP007  # see above

    __ror__ = __or__

    def __repr__(self) -> str:
        return "<class 'type'>"
