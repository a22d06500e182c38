"""`mongodb`: documents in the database that the operator has set.

A document is a dict of plain values: text, numbers, True, False, None, bytes, aware datetimes, lists and dicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

import msgspec

from kraken_hooks.api.plain import plain, text
from kraken_hooks.api.run import current
from kraken_hooks.api.sink import SinkApi
from kraken_hooks.errors import HookUsageError

#: Most documents of one `insert_many`, and of one answer.
MAX_DOCUMENTS: Final = 1_000

#: Operators that run a program in the server, or write to another place than the call says.
_FORBIDDEN: Final = {
    "$where": "runs JavaScript in the server",
    "$function": "runs JavaScript in the server",
    "$accumulator": "runs JavaScript in the server",
    "$out": "writes to another collection",
    "$merge": "writes to another collection",
}

Sort = list[tuple[str, Literal[1, -1]]]


class _Args(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Checked when made, in the hook and again in the broker."""

    collection: str

    def __post_init__(self) -> None:
        _check_collection(self.collection)
        for name in ("filter", "update", "projection"):
            _check_operators(getattr(self, name, None))
        for name in self.__struct_fields__:
            _check_keys(getattr(self, name))


class InsertArgs(_Args, frozen=True):
    document: dict[str, Any]


class InsertManyArgs(_Args, frozen=True):
    documents: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1, max_length=MAX_DOCUMENTS)]


class UpdateArgs(_Args, frozen=True):
    filter: dict[str, Any]
    update: dict[str, dict[str, Any]]
    upsert: bool
    many: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.update or not all(name.startswith("$") for name in self.update):
            raise HookUsageError('update must say what to change with operators, such as {"$set": {"temp": 21.5}}')


class DeleteArgs(_Args, frozen=True):
    filter: dict[str, Any]
    many: bool


class FindOneArgs(_Args, frozen=True):
    filter: dict[str, Any]
    sort: Sort | None
    projection: dict[str, Any] | None


class FindArgs(_Args, frozen=True):
    filter: dict[str, Any]
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_DOCUMENTS)]
    sort: Sort | None
    projection: dict[str, Any] | None


class CountArgs(_Args, frozen=True):
    filter: dict[str, Any]


class MongoDB(SinkApi):
    """A MongoDB database. KRAKENB_MONGODB_HOST and KRAKENB_MONGODB_DATABASE configure it."""

    __slots__ = ()
    _sink = "mongodb"

    # ── effects ──

    def insert(self, collection: str, document: dict[str, Any]) -> None:
        """Add a document. Without an `_id` of its own it gets one of ours, so that it is there once, whatever breaks."""
        _write("insert", InsertArgs(_name(collection), _dict(document, "document")))

    def insert_many(self, collection: str, documents: list[dict[str, Any]]) -> None:
        """Add documents, in order; at most 1,000."""
        _write("insert_many", InsertManyArgs(_name(collection), _documents(documents)))

    def update(
        self,
        collection: str,
        filter: dict[str, Any],  # noqa: A002  # MongoDB's own word
        update: dict[str, Any],
        upsert: bool = False,
        many: bool = False,
    ) -> None:
        """Change the first document that fits, or with `many` all of them; with `upsert` add one where none fits.

        Args:
            collection: its name.
            filter: which document, such as `{"sensor": "101"}`.
            update: operators, such as `{"$set": {"temp": 21.5}}`. `$inc` and `$push` may happen twice when a connection
                breaks; `$set`, `$max` and `$addToSet` do no harm then.
            upsert: add a document where none fits.
            many: all documents that fit.
        """
        changes = _dict(update, "update")
        if not all(isinstance(value, dict) for value in changes.values()):
            raise HookUsageError('update must say what to change with operators, such as {"$set": {"temp": 21.5}}')
        made = UpdateArgs(
            _name(collection), _dict(filter, "filter"), changes, _flag(upsert, "upsert"), _flag(many, "many")
        )
        _write("update", made)

    def delete(self, collection: str, filter: dict[str, Any], many: bool = False) -> None:  # noqa: A002  # MongoDB's own word
        """Remove the first document that fits, or with `many` all of them."""
        _write("delete", DeleteArgs(_name(collection), _dict(filter, "filter"), _flag(many, "many")))

    # ── queries ──

    def find_one(
        self,
        collection: str,
        filter: dict[str, Any] | None = None,  # noqa: A002  # MongoDB's own word
        sort: str | list[Any] | None = None,
        projection: list[str] | dict[str, Any] | None = None,
    ) -> dict[str, Any] | None:
        """The first document that fits, or None. `sort` and `projection` as in `find`."""
        asked = FindOneArgs(_name(collection), _dict(filter or {}, "filter"), _sort(sort), _projection(projection))
        return _ask("find_one", asked)  # type: ignore[return-value]  # by contract

    def find(
        self,
        collection: str,
        filter: dict[str, Any] | None = None,  # noqa: A002  # MongoDB's own word
        limit: int = 100,
        sort: str | list[Any] | None = None,
        projection: list[str] | dict[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Documents that fit, at most `limit` (1 to 1,000).

        Args:
            collection: its name.
            filter: which documents; all where it is missing.
            limit: most documents.
            sort: a field's name, with `-` in front for descending, or a list of them, or of `(name, 1 or -1)`.
            projection: names of the fields that are wanted.
        """
        chosen = _dict(filter or {}, "filter")
        asked = FindArgs(_name(collection), chosen, _limit(limit), _sort(sort), _projection(projection))
        return _ask("find", asked)  # type: ignore[return-value]  # by contract

    def count(self, collection: str, filter: dict[str, Any] | None = None) -> int:  # noqa: A002  # MongoDB's own word
        """How many documents fit."""
        return _ask("count", CountArgs(_name(collection), _dict(filter or {}, "filter")))  # type: ignore[return-value]  # by contract


mongodb = MongoDB()


def _write(op: str, args: _Args) -> None:
    current().effect("mongodb", op, msgspec.structs.asdict(args))


def _ask(op: str, args: _Args) -> object:
    return current().ask(f"mongodb.{op}", msgspec.structs.asdict(args))


def _name(collection: object) -> str:
    return text(collection, "collection")


def _dict(value: object, where: str) -> dict[str, Any]:
    made = plain(value, where)
    if not isinstance(made, dict):
        raise HookUsageError(f"{where} must be a dict, not {type(value).__name__}")
    return made


def _documents(documents: object) -> list[dict[str, Any]]:
    if not isinstance(documents, list | tuple) or not documents:
        raise HookUsageError("documents must be a list of at least one dict")
    if len(documents) > MAX_DOCUMENTS:
        raise HookUsageError(f"{len(documents)} documents at once; at most {MAX_DOCUMENTS}")
    return [_dict(document, f"document {place}") for place, document in enumerate(documents)]


def _limit(limit: object) -> int:
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_DOCUMENTS:
        raise HookUsageError(f"limit must be a whole number from 1 to {MAX_DOCUMENTS}, not {limit!r:.80}")
    return limit


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise HookUsageError(f"{where} must be True or False, not {value!r:.80}")
    return value


def _sort(sort: object) -> Sort | None:
    if sort is None:
        return None
    wanted = sort if isinstance(sort, list) else [sort]
    return [_direction(entry) for entry in wanted]


def _direction(entry: object) -> tuple[str, Literal[1, -1]]:
    if isinstance(entry, str) and entry.removeprefix("-"):
        return (entry[1:], -1) if entry.startswith("-") else (entry, 1)
    if isinstance(entry, list | tuple) and len(entry) == 2 and isinstance(entry[0], str) and entry[1] in (1, -1):
        return (entry[0], -1 if entry[1] == -1 else 1)
    raise HookUsageError(
        f'sort is a field\'s name such as "-time", or a list of them or of ("time", -1), not {entry!r:.80}'
    )


def _projection(projection: object) -> dict[str, Any] | None:
    if projection is None:
        return None
    if isinstance(projection, list | tuple):
        return {text(name, "a name in projection"): 1 for name in projection}
    return _dict(projection, "projection")


# ── what is checked in the broker too ──────────────────────────────────────────────────────────────────────────────


def _check_collection(name: str) -> None:
    """By MongoDB's rules for names."""
    if (
        not name
        or "$" in name
        or "\0" in name
        or ".." in name
        or name.startswith((".", "system."))
        or name.endswith(".")
    ):
        raise HookUsageError(f"{name!r:.80} is no name for a collection")


def _check_operators(value: object) -> None:
    for key in _keys(value):
        if key in _FORBIDDEN:
            raise HookUsageError(f"{key} {_FORBIDDEN[key]}, which hooks may not do")


def _check_keys(value: object) -> None:
    for key in _keys(value):
        if "\0" in key:
            raise HookUsageError("the name of a field must not hold a zero character")


def _keys(value: object) -> Iterator[str]:
    """The keys of all dicts in a value."""
    if isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)
