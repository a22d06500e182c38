"""Documents on their way to MongoDB and back: BSON and plain values. Knows no server."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from kraken_hooks.errors import QueryFailed

#: Largest document that MongoDB keeps, and most that one answer may hold, bytes.
_LARGEST: Final = 16 * 2**20
_ANSWER: Final = 8 * 2**20


def encoded(document: dict[str, Any]) -> Any:
    """The document as it is sent: a `RawBSONDocument`, encoded once, with its size known.

    Raises:
        ValueError: MongoDB has no form for it, or it is too large.
    """
    import bson  # noqa: PLC0415  # a sink that is not used costs no memory
    from bson.raw_bson import RawBSONDocument  # noqa: PLC0415  # as above

    try:
        raw = bson.encode(document)
    except (bson.errors.BSONError, OverflowError) as error:
        raise ValueError(f"MongoDB has no form for it: {error}") from None
    if len(raw) > _LARGEST:
        raise ValueError(f"a document of {len(raw) >> 20} MiB; MongoDB takes at most {_LARGEST >> 20}")
    return RawBSONDocument(raw)


def plain_values(documents: Iterable[Any]) -> list[object]:
    """What a hook gets for documents as they were received: each a dict of plain values.

    Raises:
        QueryFailed: it is more than a hook can hold; no more than that is read.
    """
    import bson  # noqa: PLC0415  # a sink that is not used costs no memory
    from bson.codec_options import CodecOptions, DatetimeConversion  # noqa: PLC0415  # as above

    options: Any = CodecOptions(tz_aware=True, tzinfo=UTC, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
    found, size = [], 0
    for document in documents:
        size += len(document.raw)
        if size > _ANSWER:
            raise QueryFailed(f"the answer has more than {_ANSWER >> 20} MiB; ask for less")
        found.append(_plain(bson.decode(document.raw, codec_options=options)))
    return found


def _plain(value: object) -> object:
    """What a hook gets: what has no plain form (ObjectId, Decimal128 …) becomes its text."""
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, datetime):
        return value
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value)
