"""MongoDB: documents, written in ordered bulks. An inserted document's `_id` is the effect's id, so it is there once.

Updates and deletions are repeated where an answer was lost: MongoDB keeps no note of what a client has had, unless it is a
replica set, on which the client repeats a write once by a number that the server knows.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from kraken_hooks.api import mongodb as api
from kraken_hooks.errors import QueryFailed
from kraken_hooks.outcome import QueuedEffect
from kraken_hooks.settings import SecretStr, Section, variable
from kraken_hooks.sinks import reach
from kraken_hooks.sinks.base import Delivered, NotNow, Refused, Result, SinkType
from kraken_hooks.sinks.documents import encoded, plain_values

#: Time limits of delivery: until a server is found, for each answer, and after which no other command is begun, seconds.
CONNECT: Final = 3.0
READ: Final = 8.0
DELIVERY: Final = 5.0

_PORT: Final = 27_017
#: How a URI begins whose servers the name service names; time limit for each of the two questions to it, seconds.
_NAMED: Final = "mongodb+srv://"
_LOOK_UP: Final = 0.5
#: Longest reason kept, characters.
_REASON: Final = 300
_DUPLICATE: Final = 11_000

#: MongoDB's error codes that pass by themselves, or when the operator has mended something: host unreachable, not found, not
#: authorized, authentication failed, lock timeout, lock busy, time limit, network timeout, shutdown, write conflict, stepped
#: down, another time limit, no primary (four), interrupted (two), disk full, a provider's quota.
_PASSING: Final = frozenset(
    {6, 7, 13, 18, 24, 46, 50, 89, 91, 112, 189, 262, 10_058, 10_107, 13_435, 13_436, 11_600, 11_602, 14_031, 8_000}
)


def _server(text: str) -> SecretStr:
    _check_uri(_uri(text))
    return SecretStr(text)


def _database(name: str) -> str:
    if re.search(r'[/\\. "$\0]', name):
        raise ValueError('the name of a database has no space and none of the characters /\\."$')
    return name


@dataclass(frozen=True, slots=True)
class MongoSettings(Section):
    host: SecretStr | None = variable(
        "KRAKENB_MONGODB_HOST",
        _server,
        default=None,
        help="MongoDB: a host, host:port, or a mongodb:// or mongodb+srv:// URI",
    )
    uri: SecretStr | None = variable(
        "KRAKENB_MONGODB_URI", _server, default=None, help="MongoDB: the URI, in place of KRAKENB_MONGODB_HOST"
    )
    user: str | None = variable("KRAKENB_MONGODB_USER", str, default=None, help="MongoDB: name of the user")
    password: SecretStr | None = variable(
        "KRAKENB_MONGODB_PASSWORD", SecretStr, default=None, help="MongoDB: the password"
    )
    database: str | None = variable(
        "KRAKENB_MONGODB_DATABASE",
        _database,
        default=None,
        help="MongoDB: the database; where it is missing, the one in the URI",
    )

    @property
    def where(self) -> str:
        """The URI; "" where there is none."""
        given = self.uri or self.host
        return "" if given is None else _uri(given.get_secret_value())

    @property
    def name(self) -> str:
        """The database's name; "" where none is given."""
        return self.database or unquote(urlsplit(self.where).path.lstrip("/"))


class _Mongo:
    """A database of a client that is made at the first use, because a `mongodb+srv` URI asks the network."""

    def __init__(self, settings: MongoSettings, **limits: Any) -> None:
        import pymongo.errors  # noqa: PLC0415  # a sink that is not used costs no memory

        self.errors = pymongo.errors
        self._settings = settings
        self._limits = limits
        self._client: Any = None
        self._making = threading.Lock()  # several queries may be the first

    @property
    def database(self) -> Any:
        import pymongo  # noqa: PLC0415  # see above

        with self._making:
            if self._client is None:
                self._client = self._connected()
        concern = self._client.write_concern if self._client.write_concern.acknowledged else pymongo.WriteConcern(w=1)
        return self._client.get_database(self._settings.name, write_concern=concern)

    def _connected(self) -> Any:
        import pymongo  # noqa: PLC0415  # see above
        from bson.raw_bson import RawBSONDocument  # noqa: PLC0415  # as above

        password = self._settings.password
        given: dict[str, Any] = {
            "username": self._settings.user,
            "password": password.get_secret_value() if password else None,
        }
        return pymongo.MongoClient(
            self._settings.where,
            appname="kraken-hooks",
            document_class=RawBSONDocument,
            connect=False,
            **{name: value for name, value in given.items() if value},
            **self._limits,
        )

    def judge(self, error: Exception) -> NotNow | Refused:
        """What an error of a whole command means."""
        if isinstance(error, self.errors.ServerSelectionTimeoutError):
            return _unconnected(str(error))
        if isinstance(error, self.errors.PyMongoError) and error.timeout:
            return NotNow("no answer in time")
        if isinstance(error, self.errors.OperationFailure):
            reason = _words(error.details or {}, str(error))
            return NotNow(reason) if error.code in _PASSING or error.code is None else Refused(reason)
        if isinstance(error, self.errors.NotPrimaryError):
            return NotNow("it is not the primary now")
        if isinstance(error, self.errors.ConnectionFailure):  # a server was there: else none had been selected
            return NotNow("the connection was lost", offline=True, suspect=True)
        if isinstance(error, self.errors.ConfigurationError) and self._settings.where.startswith(_NAMED):
            return NotNow("no connection: the name service names no servers of it", offline=True)
        return NotNow(type(error).__name__)  # its text may hold the URI

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


@dataclass(frozen=True, slots=True)
class _Step:
    """One document's write. `place`: of its effect in the batch. `raw`: an inserted document; `own`: with an `_id` of ours."""

    place: int
    collection: str
    request: Any
    raw: Any = None
    own: bool = False


class _Batch:
    """Effects as steps, and what became of them. `done` steps have been tried; `refused`: reasons, by place of the effect."""

    def __init__(self, effects: list[QueuedEffect]) -> None:
        self.size = len(effects)
        self.steps: list[_Step] = []
        self.done = 0
        self.refused: dict[int, str] = {}
        for place, queued in enumerate(effects):
            try:
                self.steps += list(_steps(place, queued))
            except ValueError as error:
                self.refused[place] = str(error)[:_REASON]

    def part(self, width: int) -> list[_Step]:
        """The next steps in one collection, at most `width`."""
        left = self.steps[self.done : self.done + width]
        return list(takewhile(lambda step: step.collection == left[0].collection, left))

    def refuse(self, reason: str) -> None:
        """The next step is refused."""
        self.refused.setdefault(self.steps[self.done].place, reason[:_REASON])
        self.done += 1

    def results(self, why: NotNow | None) -> list[Result]:
        """Of the effects whose steps are done; then why there are no more, where that is known."""
        known = self.size if self.done == len(self.steps) else self.steps[self.done].place
        if not known and why is None:
            why = NotNow("it is too slow")
        results: list[Result] = [
            Refused(self.refused[place]) if place in self.refused else Delivered() for place in range(known)
        ]
        return results if why is None else [*results, why]


class Mongo:
    """Delivers effects. Implements `sinks.base.Sink`."""

    batch = 1_000
    interval = 0.0

    def __init__(self, settings: MongoSettings) -> None:
        self._where = settings.where
        self._mongo = _Mongo(
            settings,
            serverSelectionTimeoutMS=round(CONNECT * 1_000),
            connectTimeoutMS=round(CONNECT * 1_000),
            socketTimeoutMS=round(READ * 1_000),
        )

    def deliver(self, effects: list[QueuedEffect]) -> list[Result]:
        batch = _Batch(effects)
        return batch.results(self._write(batch))

    def reachable(self) -> bool:
        return any(reach.answers(host, port) for host, port in _seeds(self._where))

    def close(self) -> None:
        self._mongo.close()

    def _write(self, batch: _Batch) -> NotNow | None:
        """Try the steps in order, all for which there is time. Returns why it had to end before."""
        errors = self._mongo.errors
        width = self.batch
        deadline = time.monotonic() + DELIVERY
        while batch.done < len(batch.steps) and time.monotonic() < deadline:
            part = batch.part(width)
            try:
                collection = self._mongo.database[part[0].collection]
                collection.bulk_write([step.request for step in part], ordered=True)
            except errors.BulkWriteError as error:
                why = self._after(batch, error.details)
            except errors.PyMongoError as error:
                judged = self._mongo.judge(error)
                why = judged if isinstance(judged, NotNow) else None
                if isinstance(judged, Refused) and len(part) == 1:
                    batch.refuse(judged.reason)
                elif isinstance(
                    judged, Refused
                ):  # nothing of it was written: the server did not say because of which step
                    width = len(part) // 2
            else:
                batch.done += len(part)
                width = self.batch
                continue
            if why is not None:
                return why
        return None

    def _after(self, batch: _Batch, details: dict[str, Any]) -> NotNow | None:
        """Note how far an ordered bulk came, and what became of the step that ended it. Returns why that is not now."""
        if not details["writeErrors"]:  # written, but not by as many servers as the operator wants
            return NotNow(_words((details["writeConcernErrors"] or [{}])[0], "not on enough servers"))
        wrong = details["writeErrors"][0]
        batch.done += wrong["index"]
        step = batch.steps[batch.done]
        reason = _words(wrong, "refused")
        if wrong["code"] in _PASSING:
            return NotNow(reason)
        try:
            there = wrong["code"] == _DUPLICATE and step.raw is not None and self._is_there(step)
        except self._mongo.errors.PyMongoError as error:
            judged = self._mongo.judge(error)
            return judged if isinstance(judged, NotNow) else NotNow(judged.reason)
        if there:
            batch.done += 1
        else:
            batch.refuse(reason)
        return None

    def _is_there(self, step: _Step) -> bool:
        """Whether the document was inserted before: by its `_id` where that is ours, else where all of it is the same."""
        import bson  # noqa: PLC0415  # a sink that is not used costs no memory

        found = self._mongo.database[step.collection].find_one({"_id": step.raw["_id"]})
        if found is None:  # another unique index
            return False
        return step.own or found.raw == step.raw.raw or bson.decode(found.raw) == bson.decode(step.raw.raw)


class MongoReader:
    """Answers queries. Implements `sinks.base.Reader`."""

    def __init__(self, settings: MongoSettings, limit: float) -> None:
        milliseconds = max(1, round(limit * 1_000))
        self._mongo = _Mongo(
            settings,
            timeoutMS=milliseconds,  # of the whole query
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
        )

    def ask(self, op: str, args: Any) -> object:
        """Raises:
        QueryFailed: MongoDB is down, slow, or refuses the query.
        """
        errors = self._mongo.errors
        try:
            return self._asked(op, args)
        except errors.PyMongoError as error:
            raise QueryFailed(f"MongoDB: {self._mongo.judge(error).reason}") from None

    def close(self) -> None:
        self._mongo.close()

    def _asked(self, op: str, args: Any) -> object:
        collection = self._mongo.database[args.collection]
        if op == "count":
            return collection.count_documents(args.filter)
        limit = args.limit if isinstance(args, api.FindArgs) else 1
        found = plain_values(collection.find(args.filter, args.projection, limit=limit, sort=args.sort))
        return found if op == "find" else next(iter(found), None)


# ── the server ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _uri(given: str) -> str:
    """A URI, also of a host alone."""
    if "://" in given:
        return given
    return f"mongodb://[{given}]" if given.count(":") > 1 and not given.startswith("[") else f"mongodb://{given}"


def _check_uri(uri: str) -> None:
    """Raises:
    ValueError: it is none; the text holds nothing of it, because a password may stand in it.
    """
    wrong = ValueError(
        "must be a host, host:port, or a URI such as mongodb://user:password@host:27017/database, "
        "with %XX for special characters in user and password"
    )
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise wrong from None
    if parts.scheme == "mongodb+srv":  # what it leads to is in the DNS
        if not parts.hostname:
            raise wrong
        return
    from pymongo.errors import PyMongoError  # noqa: PLC0415  # a sink that is not used costs no memory
    from pymongo.uri_parser import parse_uri  # noqa: PLC0415  # as above

    try:
        parse_uri(uri, warn=True)
    except (PyMongoError, ValueError):
        raise wrong from None


def _seeds(uri: str) -> Iterator[tuple[str, int]]:
    """Hosts and ports that the URI names, or that the name service has under its name; none where it does not answer."""
    from pymongo.errors import ConfigurationError  # noqa: PLC0415  # a sink that is not used costs no memory
    from pymongo.uri_parser import parse_uri  # noqa: PLC0415  # as above

    try:
        nodes = parse_uri(uri, warn=True, connect_timeout=_LOOK_UP)["nodelist"]
    except ConfigurationError:  # a URI that is none has been found at the start
        return
    for host, port in nodes:
        yield host, port or _PORT


def _words(details: Mapping[str, Any], otherwise: str) -> str:
    return str(details.get("errmsg") or otherwise)[:_REASON]


def _unconnected(text: str) -> NotNow:
    """Why no server could be had; pymongo says it in words alone."""
    if refused := re.search(r"certificate verify failed: ([^(]+) \(", text):
        return NotNow(f"TLS: its certificate is not accepted: {refused[1]}")
    return NotNow("no TLS connection" if "SSL" in text or "certificate" in text else "no connection", offline=True)


# ── documents ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _steps(place: int, queued: QueuedEffect) -> Iterator[_Step]:
    """Raises:
    ValueError: a document that MongoDB has no form for, or that is too large.
    """
    from pymongo import DeleteMany, DeleteOne, InsertOne, UpdateMany, UpdateOne  # noqa: PLC0415  # see above

    args: Any = queued.effect.args
    collection = args["collection"]
    match queued.effect.op:
        case "insert" | "insert_many":
            many = queued.effect.op == "insert_many"
            for number, document in enumerate(args["documents"] if many else [args["document"]]):
                raw = encoded({"_id": f"{queued.id}/{number}" if many else queued.id, **document})
                yield _Step(place, collection, InsertOne(raw), raw, "_id" not in document)
        case "update":
            encoded(args["filter"])
            encoded(args["update"])
            update = UpdateMany if args["many"] else UpdateOne
            yield _Step(place, collection, update(args["filter"], args["update"], upsert=args["upsert"]))
        case _:
            encoded(args["filter"])
            yield _Step(place, collection, (DeleteMany if args["many"] else DeleteOne)(args["filter"]))


# ── the registry ───────────────────────────────────────────────────────────────────────────────────────────────────


def _missing(section: Section | None) -> str:
    if not isinstance(section, MongoSettings) or not section.where:
        return "KRAKENB_MONGODB_HOST"
    return "" if section.name else "KRAKENB_MONGODB_DATABASE"


def _open(section: Section, _identity: str) -> Mongo:
    assert isinstance(section, MongoSettings)
    return Mongo(section)


def _reader(section: Section, limit: float) -> MongoReader:
    assert isinstance(section, MongoSettings)
    return MongoReader(section, limit)


MONGODB: Final = SinkType(
    name="mongodb",
    ops={
        "insert": api.InsertArgs,
        "insert_many": api.InsertManyArgs,
        "update": api.UpdateArgs,
        "delete": api.DeleteArgs,
    },
    section=MongoSettings,
    missing=_missing,
    open=_open,
    asks={"find_one": api.FindOneArgs, "find": api.FindArgs, "count": api.CountArgs},
    reader=_reader,
)
