"""Caches and tables inside the standard library that all hook files of a worker share, kept free of hooks' own objects.

A cache keeps its keys and compares them later, in another file's run. A key whose `__eq__` and `__hash__` are a hook's own
would then run that hook's code there, or pass for another key. So texts and numbers are made exact before they become
keys; a cache whose keys may be anything is switched off. `protect` changes the library once, before any hook is loaded.
"""

from __future__ import annotations

import fractions
import re
import struct
import textwrap
import types
import typing
import urllib.parse
from collections.abc import Callable
from typing import Any, Final

_TEXT: Final = frozenset({str, bytes})


def exact(value: Any) -> Any:
    """The same text, bytes or integer without the class that a hook has derived; anything else as it is."""
    if type(value) in _TEXT:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes):
        return b"".join((value, b""))
    if isinstance(value, int) and not isinstance(value, bool | re.RegexFlag):
        return int.__int__(value)
    return value


def _exactly(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **named: Any) -> Any:
        return function(*map(exact, args), **{name: exact(value) for name, value in named.items()})

    call.__name__ = function.__name__
    call.__doc__ = function.__doc__
    return call


def _first_exact(function: Callable[..., Any]) -> Callable[..., Any]:
    """For `struct`, whose first argument is the key."""

    def call(form: str | bytes, /, *args: Any, **named: Any) -> Any:
        return function(form if type(form) in _TEXT else exact(form), *args, **named)

    call.__name__ = function.__name__
    call.__doc__ = function.__doc__
    return call


STRUCT: Final[dict[str, object]] = {
    name: _first_exact(getattr(struct, name))
    for name in ("calcsize", "iter_unpack", "pack", "pack_into", "unpack", "unpack_from")
}

URLSPLIT: Final[dict[str, object]] = {"urlsplit": _exactly(urllib.parse.urlsplit)}

_KNOWN_FLAGS: Final = sum(flag.value for flag in re.RegexFlag)


def _no_such_flag(_kind: type, value: object) -> re.RegexFlag:
    """A combination of flags, made where it is asked for the first time. Unknown bits would fill a table that all share."""
    bits = int.__int__(value) if isinstance(value, int) else None
    if bits is None or not 0 <= bits <= _KNOWN_FLAGS:
        raise ValueError(f"{value!r:.80} is not a valid RegexFlag")
    known: re.RegexFlag | None = re.RegexFlag._value2member_map_.get(bits)  # type: ignore[assignment]  # an enum's own table
    return _combined(bits) if known is None else known


_combined: Final[Callable[[int], re.RegexFlag]] = re.RegexFlag._missing_  # what it does otherwise


def protect() -> None:
    """Make the caches safe. Called once, before any fork and before anything replaces by a template.

    Python 3.12 and later keep the function that they find as `re._compile_template` when they need it for the first time.
    """
    _put(re, "_compile", _exactly)
    _put(re, "_compile_repl", _exactly)  # Python 3.11
    _put(re, "_compile_template", _exactly)  # Python 3.12 and later
    import _strptime  # noqa: PLC0415  # it replaces by a template

    _put(_strptime, "_strptime", _exactly)
    _put(urllib.parse, "urlsplit", _exactly)
    _put(urllib.parse, "_byte_quoter_factory", _exactly)
    _put(fractions, "_hash_algorithm", lambda cached: getattr(cached, "__wrapped__", cached))  # Python 3.12 and later
    re.RegexFlag._missing_ = classmethod(_no_such_flag)  # type: ignore[assignment]  # an enum's own method
    textwrap.TextWrapper.unicode_whitespace_trans = types.MappingProxyType(  # type: ignore[assignment]  # read alone
        dict(textwrap.TextWrapper.unicode_whitespace_trans)
    )
    _switch_off_typing()


def _put(module: types.ModuleType, name: str, made: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    found = getattr(module, name, None)
    if found is not None:
        setattr(module, name, made(found))


def _switch_off_typing() -> None:
    """Subscripts of typing's forms are not remembered: their keys may be any object."""
    table: dict[Any, Any] | None = getattr(typing, "_caches", None)  # Python 3.12 and later
    if table is not None:
        for function in table:
            table[function] = function
        return
    for place in [typing, *(value for value in vars(typing).values() if isinstance(value, type))]:
        for value in vars(place).values():
            for cell in getattr(getattr(value, "__func__", value), "__closure__", None) or ():
                if hasattr(cell.cell_contents, "cache_clear"):
                    cell.cell_contents = cell.cell_contents.__wrapped__
