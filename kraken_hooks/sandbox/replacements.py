"""Functions and classes that hooks get instead of the standard library's, which would do too much."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import hashlib
import hmac
import importlib.resources
import io
import json
import types
import typing
import zoneinfo
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from kraken_hooks.sandbox.guards import Refused, adopt_class, is_own
from kraken_hooks.sandbox.names import WATCHED, attribute_problem

#: Stands in the global names of every hook file, under a name that no hook can write.
HOOK_MARK: Final = "__kraken__"

# ── json: without cls=, which runs methods of any class ────────────────────────────────────────────────────────────


def loads(
    text: str | bytes | bytearray,
    *,
    object_hook: Any = None,
    parse_float: Any = None,
    parse_int: Any = None,
    parse_constant: Any = None,
    object_pairs_hook: Any = None,
) -> Any:
    """`json.loads`."""
    return json.loads(
        text,
        object_hook=object_hook,
        parse_float=parse_float,
        parse_int=parse_int,
        parse_constant=parse_constant,
        object_pairs_hook=object_pairs_hook,
    )


def dumps(
    value: Any,
    *,
    skipkeys: bool = False,
    ensure_ascii: bool = True,
    check_circular: bool = True,
    allow_nan: bool = True,
    indent: Any = None,
    separators: Any = None,
    default: Any = None,
    sort_keys: bool = False,
) -> str:
    """`json.dumps`."""
    return json.dumps(
        value,
        skipkeys=skipkeys,
        ensure_ascii=ensure_ascii,
        check_circular=check_circular,
        allow_nan=allow_nan,
        indent=indent,
        separators=separators,
        default=default,
        sort_keys=sort_keys,
    )


# ── hmac: digestmod by name, or one of hashlib's functions; a module or class could be anything ────────────────────

_DIGESTS: Final = {
    getattr(hashlib, name): name for name in sorted(hashlib.algorithms_guaranteed) if hasattr(hashlib, name)
}


def hmac_new(key: bytes, msg: bytes | None = None, digestmod: Any = "") -> hmac.HMAC:
    """`hmac.new`."""
    return hmac.new(key, msg, _digest_name(digestmod))


def hmac_digest(key: bytes, msg: bytes, digest: Any) -> bytes:
    """`hmac.digest`."""
    return hmac.digest(key, msg, _digest_name(digest))


def _digest_name(digest: Any) -> str:
    name = digest if type(digest) is str else _DIGESTS.get(digest)
    if not name:
        raise TypeError('say which digest: "sha256", or hashlib.sha256')
    return name


# ── classes: only those that the hook file made itself may be worked on ────────────────────────────────────────────


def _own(kind: Any, what: str) -> Any:
    if not is_own(kind):
        raise Refused(f"{what} works on a class of the hook file only")
    return kind


def dataclass(kind: Any = None, /, **options: Any) -> Any:
    """`dataclasses.dataclass`."""

    def make(given: Any) -> Any:
        return adopt_class(dataclasses.dataclass(_own(given, "dataclass"), **options))

    return make if kind is None else make(kind)


def total_ordering(kind: Any) -> Any:
    """`functools.total_ordering`."""
    return functools.total_ordering(_own(kind, "total_ordering"))


def wraps(wrapped: Any) -> Callable[[Any], Any]:
    """`functools.wraps` with its usual behaviour alone."""

    def decorate(wrapper: Any) -> Any:
        if _is_of_hook(wrapper) and type(wrapped) is types.FunctionType:
            wrapper.__name__ = wrapped.__name__
            wrapper.__qualname__ = wrapped.__qualname__
            wrapper.__doc__ = wrapped.__doc__
        return wrapper

    return decorate


def _is_of_hook(function: Any) -> bool:
    return type(function) is types.FunctionType and HOOK_MARK in function.__globals__


def unchanged(thing: Any) -> Any:
    """`typing.final` and `typing.override`: a remark for the reader."""
    return thing


def _check_field_names(names: Iterable[str]) -> None:
    for name in names:
        problem = attribute_problem(name)
        if problem or name.startswith("_") or name in WATCHED:
            raise Refused(f"a field cannot be called {name}")


def namedtuple(typename: str, field_names: Any, *, rename: bool = False, defaults: Any = None) -> Any:
    """`collections.namedtuple`."""
    names = (
        field_names.replace(",", " ").split() if isinstance(field_names, str) else [str(name) for name in field_names]
    )
    made: Any = collections.namedtuple(str(typename), names, rename=bool(rename), defaults=defaults)  # type: ignore[misc, arg-type]  # noqa: PYI024  # fields are known when it runs
    fields: tuple[str, ...] = made._fields
    _check_field_names(name for name in fields if not (rename and name[1:].isdecimal()))
    return adopt_class(made)


class _NamedTuple:
    """`typing.NamedTuple`, to derive from. Its fields' names are checked when the file is compiled."""

    def __mro_entries__(self, _bases: tuple[Any, ...]) -> tuple[Any, ...]:
        entries: tuple[Any, ...] = typing.NamedTuple.__mro_entries__((typing.NamedTuple,))  # type: ignore[attr-defined]  # as class statements do
        return entries

    def __call__(self, typename: str, fields: Any = (), /) -> Any:
        pairs = [(str(name), kind) for name, kind in fields]
        _check_field_names(name for name, _ in pairs)
        made: Any = typing.NamedTuple(str(typename), pairs)  # type: ignore[misc]  # fields are known when it runs
        return adopt_class(made)


NamedTuple: Final = _NamedTuple()

# ── enum: members named by text could carry methods that a class statement may not ────────────────────────────────


class _EnumType(enum.EnumType):
    """`Color("red")` looks a member up; `Enum("Color", "RED GREEN")` makes a class, with plain names alone."""

    def __call__(cls, value: Any, names: Any = None, **options: Any) -> Any:
        if names is None and not options:
            return super().__call__(value)
        if set(options) - {"start"}:
            raise Refused("Enum takes a name, names and start= here")
        pairs = _member_names(names)
        _check_field_names(name[0] if isinstance(name, tuple) else name for name in pairs)
        return adopt_class(super().__call__(str(value), pairs, module="hook", qualname=str(value), **options))


def _member_names(names: Any) -> list[Any]:
    if isinstance(names, str):
        return names.replace(",", " ").split()
    if isinstance(names, dict):
        return [(str(name), value) for name, value in names.items()]
    return [str(name) if isinstance(name, str) else (str(name[0]), name[1]) for name in names]


class _Enum(enum.Enum, metaclass=_EnumType):
    pass


class _IntEnum(enum.IntEnum, metaclass=_EnumType):
    pass


class _StrEnum(enum.StrEnum, metaclass=_EnumType):
    pass


class _Flag(enum.Flag, metaclass=_EnumType):
    pass


class _IntFlag(enum.IntFlag, metaclass=_EnumType):
    pass


ENUMS: Final[dict[str, object]] = {
    "Enum": _Enum,
    "IntEnum": _IntEnum,
    "StrEnum": _StrEnum,
    "Flag": _Flag,
    "IntFlag": _IntFlag,
}

# ── zoneinfo: from memory, because a worker opens no file ──────────────────────────────────────────────────────────

_SYSTEM_ZONES: Final = Path("/usr/share/zoneinfo")
_zone_data: dict[str, bytes] = {}
_zones: dict[str, zoneinfo.ZoneInfo] = {}


def load_zones() -> None:
    """Read all time zones into memory, the system's, else those of the tzdata package. Called once, before any fork."""
    for key in zoneinfo.available_timezones():
        system = _SYSTEM_ZONES / key
        try:
            if system.is_file():
                _zone_data[key] = system.read_bytes()
            else:
                package, _, name = f"tzdata.zoneinfo.{key.replace('/', '.')}".rpartition(".")
                _zone_data[key] = importlib.resources.files(package).joinpath(name).read_bytes()
        except OSError:
            continue  # a zone that cannot be read is one that is not there


def zone(key: str) -> zoneinfo.ZoneInfo:
    """`zoneinfo.ZoneInfo(key)`.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: there is no such zone.
    """
    known = _zones.get(key) if type(key) is str else None
    if known is None:
        data = _zone_data.get(str(key))
        if data is None:
            raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {key}")
        known = _zones[key] = zoneinfo.ZoneInfo.from_file(io.BytesIO(data), key)
    return known


ZONES: Final[dict[str, object]] = {
    "ZoneInfo": zone,
    "ZoneInfoNotFoundError": zoneinfo.ZoneInfoNotFoundError,
    "available_timezones": lambda: set(_zone_data),
}
