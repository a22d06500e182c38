"""`redis`: keys, hashes, lists, channels and streams of the Redis server that the operator has set.

Redis keeps text and bytes. Numbers become their text, True and False `true` and `false`, a datetime its ISO 8601 text, a dict
or list JSON text. Reading gives text where the bytes are UTF-8, else the bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from kraken_hooks.api.plain import json_text, number, plain, text
from kraken_hooks.api.run import current
from kraken_hooks.api.sink import SinkApi
from kraken_hooks.errors import HookUsageError

#: Most keys, values or fields of one call.
MAX_ITEMS: Final = 3_000
#: Longest time that a key may be given, seconds (3,000 years).
MAX_SECONDS: Final = 1e11

_Name = Annotated[str, msgspec.Meta(min_length=1)]
_Seconds = Annotated[float, msgspec.Meta(ge=0.001, le=MAX_SECONDS)]
_Many = msgspec.Meta(min_length=1, max_length=MAX_ITEMS)


class _Args(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of an effect or a query. Values are text or bytes already (`Any`, because msgspec knows no such union)."""

    def _values(self) -> Iterable[object]:
        return ()

    def __post_init__(self) -> None:
        if not all(isinstance(value, str | bytes) for value in self._values()):
            raise ValueError("a value is text or bytes")


class SetArgs(_Args, frozen=True):
    """`ttl` in seconds."""

    key: _Name
    value: Any
    ttl: _Seconds | None = None

    def _values(self) -> Iterable[object]:
        return (self.value,)


class DeleteArgs(_Args, frozen=True):
    keys: Annotated[list[_Name], _Many]


class HsetArgs(_Args, frozen=True):
    key: _Name
    mapping: Annotated[dict[str, Any], _Many]

    def _values(self) -> Iterable[object]:
        return self.mapping.values()


class IncrArgs(_Args, frozen=True):
    key: _Name
    by: int | float


class PushArgs(_Args, frozen=True):
    key: _Name
    values: Annotated[list[Any], _Many]

    def _values(self) -> Iterable[object]:
        return self.values


class PublishArgs(_Args, frozen=True):
    channel: _Name
    message: Any

    def _values(self) -> Iterable[object]:
        return (self.message,)


class XaddArgs(_Args, frozen=True):
    stream: _Name
    fields: Annotated[dict[str, Any], _Many]
    maxlen: Annotated[int, msgspec.Meta(ge=1)] | None = None

    def _values(self) -> Iterable[object]:
        return self.fields.values()


class ExpireArgs(_Args, frozen=True):
    key: _Name
    seconds: _Seconds


class KeyArgs(_Args, frozen=True):
    """Arguments of the queries `redis.get`, `redis.hgetall` and `redis.exists`."""

    key: _Name


class HgetArgs(_Args, frozen=True):
    key: _Name
    field: str


class LrangeArgs(_Args, frozen=True):
    key: _Name
    start: int
    stop: int


class Redis(SinkApi):
    """A Redis server. KRAKENB_REDIS_HOST configures it. Each effect happens once, in order, also after a lost connection."""

    __slots__ = ()
    _sink = "redis"

    # ── effects ──

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        """Set a key; with `ttl` it is gone after so many seconds."""
        seconds = None if ttl is None else _seconds(ttl, "ttl")
        _write("set", SetArgs(_name(key, "key"), _value(value, "value"), seconds))

    def delete(self, *keys: str) -> None:
        """Remove keys of any kind."""
        _write("delete", DeleteArgs([_name(key, "key") for key in _some(keys, "redis.delete: name at least one key")]))

    def hset(
        self, key: str, field: str | None = None, value: Any = None, *, mapping: dict[str, Any] | None = None
    ) -> None:
        """Set one field of a hash, or with `mapping` several."""
        if (field is None) == (mapping is None):
            raise HookUsageError("redis.hset takes a field and a value, or mapping={field: value}")
        given: object = {field: value} if mapping is None else mapping
        _write("hset", HsetArgs(_name(key, "key"), _fields(given, "mapping")))

    def incr(self, key: str, by: float = 1) -> None:
        """Add to the number under a key (0 where there is none)."""
        _write("incr", IncrArgs(_name(key, "key"), number(plain(by, "by"), "by")))

    def lpush(self, key: str, *values: Any) -> None:
        """Put values in front of a list, one after the other: the last one is first then."""
        _write("lpush", PushArgs(_name(key, "key"), _values(values)))

    def rpush(self, key: str, *values: Any) -> None:
        """Put values at the end of a list."""
        _write("rpush", PushArgs(_name(key, "key"), _values(values)))

    def publish(self, channel: str, message: Any) -> None:
        """Send to those who listen on a channel now."""
        _write("publish", PublishArgs(_name(channel, "channel"), _value(message, "message")))

    def xadd(self, stream: str, fields: dict[str, Any], maxlen: int | None = None) -> None:
        """Add an entry to a stream; with `maxlen` about so many of the newest are kept."""
        most = None if maxlen is None else _whole(maxlen, "maxlen", 1)
        _write("xadd", XaddArgs(_name(stream, "stream"), _fields(fields, "fields"), most))

    def expire(self, key: str, seconds: float) -> None:
        """Let a key be gone after so many seconds."""
        _write("expire", ExpireArgs(_name(key, "key"), _seconds(seconds, "seconds")))

    # ── queries ──

    def get(self, key: str) -> str | bytes | None:
        """The value of a key, or None."""
        return _ask("get", KeyArgs(_name(key, "key")))  # type: ignore[return-value]  # by contract

    def hget(self, key: str, field: str) -> str | bytes | None:
        """The value of one field of a hash, or None."""
        return _ask("hget", HgetArgs(_name(key, "key"), text(field, "field")))  # type: ignore[return-value]  # by contract

    def hgetall(self, key: str) -> dict[str, str | bytes]:
        """All fields of a hash; empty where there is none."""
        return _ask("hgetall", KeyArgs(_name(key, "key")))  # type: ignore[return-value]  # by contract

    def exists(self, key: str) -> bool:
        """Whether there is such a key."""
        return _ask("exists", KeyArgs(_name(key, "key")))  # type: ignore[return-value]  # by contract

    def lrange(self, key: str, start: int = 0, stop: int = -1) -> list[str | bytes]:
        """Values of a list from `start` to `stop`, both included; -1 is the last one."""
        asked = LrangeArgs(_name(key, "key"), _whole(start, "start"), _whole(stop, "stop"))
        return _ask("lrange", asked)  # type: ignore[return-value]  # by contract


redis = Redis()


def _write(op: str, args: _Args) -> None:
    current().effect("redis", op, msgspec.structs.asdict(args))


def _ask(op: str, args: _Args) -> object:
    return current().ask(f"redis.{op}", msgspec.structs.asdict(args))


def _name(value: object, where: str) -> str:
    name = text(value, where)
    if not name:
        raise HookUsageError(f"{where} must not be empty")
    return name


def _value(value: object, where: str) -> str | bytes:
    """What Redis keeps for a value."""
    made = plain(value, where)
    if isinstance(made, str | bytes):
        return made
    if isinstance(made, datetime):
        return made.isoformat()
    if made is None:
        raise HookUsageError(f"{where} is None, for which Redis has no form; leave it out, or use redis.delete")
    if isinstance(made, float) and not math.isfinite(made):
        raise HookUsageError(f"{where}: {made} is no number that anybody can read")
    return json_text(made, where)


def _values(values: tuple[Any, ...]) -> list[Any]:
    return [_value(value, "value") for value in _some(values, "give at least one value")]


def _fields(fields: object, where: str) -> dict[str, Any]:
    if not isinstance(fields, dict):
        raise HookUsageError(f'{where} must be a dict, such as {{"temp": 21.5}}, not {type(fields).__name__}')
    _some(tuple(fields), f"{where} must not be empty")
    return {_name(name, f"a field of {where}"): _value(value, f"field {name!r}") for name, value in fields.items()}


def _some(given: tuple[Any, ...], missing: str) -> tuple[Any, ...]:
    if not given:
        raise HookUsageError(missing)
    if len(given) > MAX_ITEMS:
        raise HookUsageError(f"{len(given)} at once; at most {MAX_ITEMS} in one call")
    return given


def _seconds(value: object, where: str) -> float:
    seconds = number(value, where)
    if not 0.001 <= seconds <= MAX_SECONDS:
        raise HookUsageError(f"{where} must be a positive number of seconds, not {seconds!r:.80}")
    return seconds


def _whole(value: object, where: str, least: int = -(2**63)) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**63:
        at_least = f" of at least {least}" if least > 0 else ""
        raise HookUsageError(f"{where} must be a whole number{at_least}, not {value!r:.80}")
    return value
