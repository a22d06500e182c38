"""Redis: a batch of effects is one script, which applies each of them once, whatever becomes of the connection.

Most commands (INCR, LPUSH, XADD, PUBLISH) must not be repeated, and a client whose connection breaks cannot know whether the
server has run what it was sent; a request that is stuck in the network may even arrive after its repetition. So Redis itself
keeps a *marker* for each outbox: the digests of the effects of the last batch, written by the script together with the batch,
and what was refused of it. A script says which marker it comes after, and does nothing where another is there; that one then
shows which effects have been applied already.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import takewhile
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from kraken_hooks.api import redis as api
from kraken_hooks.errors import QueryFailed
from kraken_hooks.outcome import Effect, QueuedEffect
from kraken_hooks.settings import SecretStr, Section, flag, variable, whole
from kraken_hooks.sinks import reach
from kraken_hooks.sinks.base import Delivered, NotNow, Refused, Result, SinkType
from kraken_hooks.sinks.deadline import hang_up, limited
from kraken_hooks.sinks.redis_connection import PORT, Address, Bounded, client, through

#: Time limits of delivery for the connection and for each answer, seconds.
CONNECT: Final = 3.0
READ: Final = 5.0
#: Time limit for all of one call, seconds.
PATIENCE: Final = 14.0

#: Bytes of one effect's digest.
_DIGEST: Final = 8
#: A batch is sent again so often where the marker is not the one that was left.
_ATTEMPTS: Final = 3
#: Longest reason kept, characters.
_REASON: Final = 300

#: KEYS: the marker. ARGV: the last digest of the marker that this comes after, the digests of the batch, then for each effect the
#: number of its words and the words. Returns [1, refused] where it was applied, else [0, refused, digests] of the marker that is
#: there; `refused` has a line "index reason" for each effect that was refused. Writing the marker is the first write: where Redis
#: takes no writes now (out of memory, a replica, a disk that fails) it says so there, before anything was applied, and after it
#: a script's writes are let through to the end.
_SCRIPT: Final = f"""
local marker = KEYS[1]
local digests = redis.call('HGET', marker, 'effects') or ''
if string.sub(digests, -{_DIGEST}) ~= ARGV[1] then
  return {{0, redis.call('HGET', marker, 'refused') or '', digests}}
end
redis.call('HSET', marker, 'effects', ARGV[2], 'refused', '')
local refused, effect, at = {{}}, 0, 3
while at <= #ARGV do
  local words = tonumber(ARGV[at])
  local answer = redis.pcall(unpack(ARGV, at + 1, at + words))
  if type(answer) == 'table' and answer.err then
    refused[#refused + 1] = effect .. ' ' .. string.gsub(answer.err, '%s', ' ')
  end
  effect, at = effect + 1, at + words + 1
end
local lines = table.concat(refused, '\\n')
if lines ~= '' then
  redis.call('HSET', marker, 'refused', lines)
end
return {{1, lines}}
"""


def _server(text: str) -> SecretStr:
    _address(text)
    return SecretStr(text)


@dataclass(frozen=True, slots=True)
class RedisSettings(Section):
    host: SecretStr | None = variable(
        "KRAKENB_REDIS_HOST",
        _server,
        default=None,
        help="Redis: a host, host:port, or a redis:// or rediss:// (TLS) URL",
    )
    port: int | None = variable(
        "KRAKENB_REDIS_PORT", whole(1, 65_535), default=None, help="Redis: the port; 6379 unless said"
    )
    db: int | None = variable(
        "KRAKENB_REDIS_DB", whole(0), default=None, help="Redis: number of the database; 0 unless said"
    )
    user: str | None = variable(
        "KRAKENB_REDIS_USER", str, default=None, help="Redis: name of the user (ACL)", aliases=("KRAKENB_REIDS_USER",)
    )
    password: SecretStr | None = variable("KRAKENB_REDIS_PASSWORD", SecretStr, default=None, help="Redis: the password")
    tls: bool = variable("KRAKENB_REDIS_TLS", flag, default=False, help="Redis: speak TLS, as rediss:// does")

    @property
    def address(self) -> Address:
        """Where the server is; a variable of its own wins over what the URL says."""
        assert self.host is not None
        said = _address(self.host.get_secret_value())
        return Address(
            host=said.host,
            port=self.port or said.port or PORT,
            db=self.db if self.db is not None else said.db or 0,
            user=self.user or said.user,
            password=self.password.get_secret_value() if self.password else said.password,
            tls=self.tls or said.tls,
        )


@dataclass(frozen=True, slots=True)
class _Marker:
    """What Redis says of the last batch. `places`: of each effect in it, by digest; `refused`: reasons, by place."""

    last: bytes
    places: dict[bytes, int]
    refused: dict[int, str]

    @classmethod
    def of(cls, digests: bytes, refused: bytes) -> _Marker:
        places = {digests[at : at + _DIGEST]: at // _DIGEST for at in range(0, len(digests), _DIGEST)}
        lines = [line.split(" ", 1) for line in refused.decode(errors="replace").split("\n") if line]
        return cls(digests[-_DIGEST:], places, {int(place): reason[:_REASON] for place, reason in lines})


class Redis:
    """Delivers effects. Implements `sinks.base.Sink`."""

    batch = 1_000
    interval = 0.0

    def __init__(self, address: Address, identity: str) -> None:
        import redis  # noqa: PLC0415  # a sink that is not used costs no memory

        self._errors = redis.exceptions
        self._address = address
        self._client = client(address, CONNECT, READ)
        self._socket: socket.socket | None = None  # of the one connection that there is
        pool = self._client.connection_pool
        pool.connection_class = through(pool.connection_class, self._note)
        self._key = f"kraken-hooks:{identity}:applied"
        self._marker = _Marker.of(b"", b"")  # as far as is known

    def deliver(self, effects: list[QueuedEffect]) -> list[Result]:
        greeted = False
        with limited(PATIENCE, lambda: hang_up(self._socket)) as deadline:
            try:
                pool = self._client.connection_pool
                pool.release(pool.get_connection())
                greeted = True
                return self._deliver(effects)
            except self._errors.RedisError as error:
                self._client.connection_pool.disconnect()
                return [NotNow("no answer in time") if deadline.passed else self._judge(error, greeted)]

    def reachable(self) -> bool:
        return reach.answers(self._address.host, self._address.port or PORT)

    def close(self) -> None:
        self._client.close()

    def _deliver(self, effects: list[QueuedEffect]) -> list[Result]:
        digests = [_digest(queued) for queued in effects]
        words = [word for queued in effects for word in _counted(_command(queued.effect))]
        for _ in range(_ATTEMPTS):
            had = [self._marker.places[digest] for digest in takewhile(self._marker.places.__contains__, digests)]
            if had:
                return _results(had, self._marker.refused)
            applied, refused, *there = self._client.execute_command(
                "EVAL", _SCRIPT, 1, self._key, self._marker.last, b"".join(digests), *words
            )
            self._marker = _Marker.of(b"".join(digests) if applied else there[0], refused)
        return [NotNow("another broker delivers with a copy of this broker's database")]

    def _note(self, connection: socket.socket) -> socket.socket:
        self._socket = connection
        return connection

    def _judge(self, error: Exception, greeted: bool) -> NotNow:
        """Why a batch was not applied, as far as is known. No effect is refused for an error of the script as a whole.

        A server that takes what it is sent for no command of its protocol (values longer than its `proto-max-bulk-len`) says so
        and ends the connection, so that its words may be lost.
        """
        reason = _reason(error)
        if isinstance(error, self._errors.AuthenticationError | self._errors.BusyLoadingError):
            return NotNow(reason)
        if isinstance(error, self._errors.TimeoutError):
            return NotNow("no answer in time")
        if isinstance(error, self._errors.ConnectionError) and greeted:
            return NotNow("Redis ended the connection", offline=True, suspect=True)
        if isinstance(error, self._errors.ConnectionError):
            return _unconnected(error)
        return NotNow(reason, suspect=reason.startswith("Protocol error"))


class RedisReader:
    """Answers queries. Implements `sinks.base.Reader`."""

    def __init__(self, address: Address, limit: float) -> None:
        import redis  # noqa: PLC0415  # a sink that is not used costs no memory

        self._errors = redis.exceptions
        self._client = client(address, limit, limit)
        pool = self._client.connection_pool
        pool.connection_class = through(pool.connection_class, Bounded)

    def ask(self, op: str, args: Any) -> object:
        """Raises:
        QueryFailed: Redis is down, slow, refuses the query, or says more than a hook could hold.
        """
        try:
            return self._asked(op, args)
        except self._errors.AuthenticationError as error:
            raise QueryFailed(_reason(error)) from None
        except self._errors.TimeoutError:
            raise QueryFailed("Redis does not answer in time") from None
        except self._errors.ConnectionError as error:
            raise QueryFailed(f"Redis: {_unconnected(error).reason}") from None
        except self._errors.RedisError as error:
            raise QueryFailed(_reason(error)) from None

    def close(self) -> None:
        self._client.close()

    def _asked(self, op: str, args: Any) -> object:
        match op:
            case "get":
                return _read(self._client.get(args.key))
            case "hget":
                return _read(self._client.hget(args.key, args.field))
            case "hgetall":
                found: Any = self._client.hgetall(args.key)
                return {name.decode(errors="backslashreplace"): _read(value) for name, value in found.items()}
            case "exists":
                return self._client.exists(args.key) == 1
            case _:
                values: Any = self._client.lrange(args.key, args.start, args.stop)
                return [_read(value) for value in values]


# ── the server ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _address(host: str) -> Address:
    """Raises:
    ValueError: it is none; the text holds nothing of it, because a password may stand in it.
    """
    url = urlsplit(host if "://" in host else f"redis://{_bracketed(host)}")
    try:
        port, name = url.port, url.hostname
    except ValueError:
        raise ValueError("the port must be a number from 1 to 65535") from None
    if url.scheme not in ("redis", "rediss"):
        raise ValueError("must be a host, host:port, or a URL that begins with redis:// or rediss://")
    if not name or port == 0 or not reach.can_be(name):
        raise ValueError("names no host, or port 0; write it as host:port or redis://user:password@host:port/db")
    db = url.path.strip("/")
    if (db and not db.isdecimal()) or url.query or url.fragment or re.search(r"\s", host):
        raise ValueError("after the port there may be the number of the database alone: redis://host:port/db")
    return Address(
        host=name,
        port=port,
        db=int(db) if db else None,
        user=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        tls=url.scheme == "rediss",
    )


def _bracketed(host: str) -> str:
    """An IPv6 address in the brackets that a URL wants."""
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


def _reason(error: Exception) -> str:
    """The server's words, without its remark on the script."""
    return re.sub(r"\s*script: [0-9a-f]{40}.*", "", str(error))[:_REASON].strip()


def _unconnected(error: Exception) -> NotNow:
    import ssl  # noqa: PLC0415  # see above

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return NotNow(reach.why(cause))
        cause = cause.__cause__ or cause.__context__
    return NotNow("no connection", offline=True)


# ── effects and values ─────────────────────────────────────────────────────────────────────────────────────────────


def _digest(queued: QueuedEffect) -> bytes:
    return blake2b(f"{queued.seq} {queued.id}".encode(), digest_size=_DIGEST).digest()


def _results(places: Iterable[int], refused: Mapping[int, str]) -> list[Result]:
    """The result of each effect, by its place in the batch that was applied."""
    return [Refused(refused[place]) if place in refused else Delivered() for place in places]


def _counted(words: list[Any]) -> list[Any]:
    return [len(words), *words]


def _command(effect: Effect) -> list[Any]:
    """The words of a Redis command: text, bytes and integers."""
    args: Any = effect.args
    match effect.op:
        case "set":
            ttl = args["ttl"]
            return ["SET", args["key"], args["value"], *([] if ttl is None else ["PX", _milliseconds(ttl)])]
        case "delete":
            return ["DEL", *args["keys"]]
        case "hset":
            return ["HSET", args["key"], *_pairs(args["mapping"])]
        case "incr":
            by = args["by"]
            return ["INCRBY", args["key"], by] if isinstance(by, int) else ["INCRBYFLOAT", args["key"], repr(by)]
        case "lpush" | "rpush":
            return [effect.op.upper(), args["key"], *args["values"]]
        case "publish":
            return ["PUBLISH", args["channel"], args["message"]]
        case "xadd":
            about = [] if args["maxlen"] is None else ["MAXLEN", "~", args["maxlen"]]
            return ["XADD", args["stream"], *about, "*", *_pairs(args["fields"])]
        case _:
            return ["PEXPIRE", args["key"], _milliseconds(args["seconds"])]


def _pairs(mapping: Mapping[str, Any]) -> list[Any]:
    return [word for pair in mapping.items() for word in pair]


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1_000))


def _read(value: bytes | None) -> str | bytes | None:
    """Text where it is UTF-8."""
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value


# ── the registry ───────────────────────────────────────────────────────────────────────────────────────────────────


def _missing(section: Section | None) -> str:
    return "" if isinstance(section, RedisSettings) and section.host is not None else "KRAKENB_REDIS_HOST"


def _open(section: Section, identity: str) -> Redis:
    assert isinstance(section, RedisSettings)
    return Redis(section.address, identity)


def _reader(section: Section, limit: float) -> RedisReader:
    assert isinstance(section, RedisSettings)
    return RedisReader(section.address, limit)


REDIS: Final = SinkType(
    name="redis",
    ops={
        "set": api.SetArgs,
        "delete": api.DeleteArgs,
        "hset": api.HsetArgs,
        "incr": api.IncrArgs,
        "lpush": api.PushArgs,
        "rpush": api.PushArgs,
        "publish": api.PublishArgs,
        "xadd": api.XaddArgs,
        "expire": api.ExpireArgs,
    },
    section=RedisSettings,
    missing=_missing,
    open=_open,
    asks={
        "get": api.KeyArgs,
        "hget": api.HgetArgs,
        "hgetall": api.KeyArgs,
        "exists": api.KeyArgs,
        "lrange": api.LrangeArgs,
    },
    reader=_reader,
)
