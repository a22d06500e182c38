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
import keyword
import re
import sys
import types
import typing
import zoneinfo
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, NoReturn

from kraken_hooks.api.run import HOOK_MARK
from kraken_hooks.sandbox.caches import exact
from kraken_hooks.sandbox.facade import Facade
from kraken_hooks.sandbox.guards import Refused, guarded
from kraken_hooks.sandbox.names import WATCHED, attribute_problem
from kraken_hooks.sandbox.own import adopt_class, is_own, is_own_function

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
    name = digest if type(digest) is str else _DIGESTS.get(digest, digest)
    if name and type(name) is not str:
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
        fields = vars(_own(given, "dataclass")).get("__annotations__", {})
        _check_fields(fields)
        for name, text in fields.items():
            if type(text) is str:
                fields[name] = _canonical(text, given.__module__)
        made: Any = dataclasses.dataclass(given, **options)
        if not WATCHED.isdisjoint(vars(made).get("__match_args__", ())):
            del made.__match_args__  # patterns read what it names unguarded, of text derived from this class too
        return made

    return make if kind is None else make(kind)


#: What dataclasses look for in annotations that are text, under the names that `hook_module` puts where they look.
_MARKERS: Final = {"ClassVar": typing.ClassVar, "InitVar": dataclasses.InitVar, "KW_ONLY": dataclasses.KW_ONLY}
_ANNOTATION: Final = re.compile(r"\s*((?:\w+\s*\.\s*)*)(\w+)")


def hook_module(name: str, names: dict[str, Any]) -> types.ModuleType:
    """The module of a hook file, as the library finds it in `sys.modules`: it holds what dataclasses look for there, and no more.

    `names` are the hook file's own global names.
    """
    made = types.ModuleType(name)
    vars(made).update(_MARKERS)
    vars(made)[HOOK_MARK] = names
    return made


def _canonical(annotation: str, module: str) -> str:
    """`t.ClassVar[int]` as `ClassVar[int]`, whatever the hook file calls it; other annotations as they are."""
    found = _ANNOTATION.match(annotation)
    if found is None:
        return annotation
    value: Any = vars(sys.modules[module])[HOOK_MARK]
    for part in [*found[1].replace(" ", "").split(".")[:-1], found[2]]:
        value = value.get(part) if type(value) is dict else vars(value).get(part) if type(value) is Facade else None
    for name, marker in _MARKERS.items():
        if value is marker:
            return name + annotation[found.end() :]
    return annotation if found[1] or found[2] not in _MARKERS else "object"  # a name of the hook's own is no marker


def total_ordering(kind: Any) -> Any:
    """`functools.total_ordering`."""
    return functools.total_ordering(_own(kind, "total_ordering"))


def wraps(wrapped: Any) -> Callable[[Any], Any]:
    """`functools.wraps` with its usual behaviour alone."""

    def decorate(wrapper: Any) -> Any:
        if is_own_function(wrapper):
            for name in ("__name__", "__qualname__", "__doc__"):
                text = getattr(wrapped, name, None)
                if type(text) is str:
                    setattr(wrapper, name, text)
            if is_own_function(wrapped):
                vars(wrapper).update(vars(wrapped))
        return wrapper

    return decorate


class _Dispatch:
    """A function with an implementation by the class of its first argument; see `singledispatch`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._by_class: dict[type, Callable[..., Any]] = {object: function}
        self.__name__ = getattr(function, "__name__", "")
        self.__doc__ = function.__doc__

    def __call__(self, first: Any, /, *args: Any, **named: Any) -> Any:
        return self.dispatch(type(first))(first, *args, **named)

    def __get__(self, _owner: object, _kind: object = None) -> _Dispatch:
        return self

    def dispatch(self, kind: type) -> Callable[..., Any]:
        """The implementation for a class: its own, else that of the nearest base, else of an abstract class that it fits."""
        for base in kind.__mro__[:-1]:
            if base in self._by_class:
                return self._by_class[base]
        fitting = (made for base, made in self._by_class.items() if base is not object and issubclass(kind, base))
        return next(fitting, self._function)

    def register(self, kind: Any, function: Any = None) -> Any:
        """`@f.register(int)`, or `@f.register` above a function whose first parameter is annotated with a class."""
        if function is None and is_own_function(kind):
            function, kind = kind, next(iter(kind.__annotations__.values()), None)
        if not isinstance(kind, type):
            raise TypeError("register() takes a class: @f.register(int)")
        if function is None:
            return lambda given: self.register(kind, given)
        self._by_class[kind] = function
        return function


def singledispatch(function: Any) -> Any:
    """`functools.singledispatch`; annotations that are text are not looked up."""
    return _Dispatch(function)


def runtime_checkable(kind: Any) -> Any:
    """`typing.runtime_checkable`."""
    return typing.runtime_checkable(_own(kind, "runtime_checkable"))


class UserString(collections.UserString):
    """`collections.UserString`, whose `format` reads attributes through the guard."""

    def format(self, /, *args: Any, **named: Any) -> Any:
        return guarded.format(self.data, *args, **named)

    def format_map(self, mapping: Any) -> Any:
        return guarded.format_map(self.data, mapping)


def unchanged(thing: Any) -> Any:
    """`typing.final`, `override` and `overload`: a remark for the reader."""
    return thing


def _check_fields(names: Iterable[object]) -> None:
    """Names that dataclasses put into the source of the methods that they make."""
    for name in names:
        if (
            type(name) is not str
            or not name.isidentifier()
            or keyword.iskeyword(name)
            or (attribute_problem(name) and name != "_")
        ):
            raise Refused(f"a field cannot be called {name!r:.80}")


def _check_field_names(names: Iterable[str]) -> None:
    for name in names:
        problem = attribute_problem(name)
        if problem or name.startswith("_"):
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


class Enum(enum.Enum, metaclass=_EnumType):
    """`enum.Enum`."""


class IntEnum(enum.IntEnum, metaclass=_EnumType):
    """`enum.IntEnum`."""


class StrEnum(enum.StrEnum, metaclass=_EnumType):
    """`enum.StrEnum`."""


class Flag(enum.Flag, metaclass=_EnumType):
    """`enum.Flag`."""


class IntFlag(enum.IntFlag, metaclass=_EnumType):
    """`enum.IntFlag`."""


ENUMS: Final[dict[str, object]] = {
    "Enum": Enum,
    "IntEnum": IntEnum,
    "StrEnum": StrEnum,
    "Flag": Flag,
    "IntFlag": IntFlag,
}

# ── zoneinfo: from memory, because a worker opens no file ──────────────────────────────────────────────────────────

_SYSTEM_ZONES: Final = Path("/usr/share/zoneinfo")
_zone_data: dict[str, bytes] = {}
_zones: dict[str, ZoneInfo] = {}


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


class _NotHere:
    """In the place of a class method that works on the library's shared caches, or reads files."""

    def __get__(self, _owner: object, _kind: object = None) -> NoReturn:
        raise AttributeError("ZoneInfo has no such method for hooks")


class ZoneInfo(zoneinfo.ZoneInfo):
    """`zoneinfo.ZoneInfo`."""

    def __new__(cls, key: str) -> ZoneInfo:  # noqa: PYI034  # a hook's own subclass gets a ZoneInfo
        """Raises:
        ZoneInfoNotFoundError: there is no such zone.
        """
        known = _zones.get(key) if type(key) is str else None
        if known is None:
            name = exact(key)
            data = _zone_data.get(name) if type(name) is str else None
            if data is None:
                raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {key}")
            known = _zones.get(name)
            if known is None:
                known = _zones[name] = _from_file(io.BytesIO(data), name)
        return known

    def __repr__(self) -> str:
        return f"zoneinfo.{super().__repr__()}"


def _from_file(data: io.BytesIO, key: str) -> ZoneInfo:
    return super(ZoneInfo, ZoneInfo).from_file(data, key)


for _name in ("clear_cache", "from_file", "no_cache"):
    setattr(ZoneInfo, _name, _NotHere())

ZONES: Final[dict[str, object]] = {
    "ZoneInfo": ZoneInfo,
    "ZoneInfoNotFoundError": zoneinfo.ZoneInfoNotFoundError,
    "available_timezones": lambda: set(_zone_data),
}
