"""Bytes on the wire to what the broker takes, and back. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError

from kraken_hooks.errors import BadMessage
from kraken_hooks.message import COLLECTOR_KIND, Response
from kraken_hooks.server.kraken_pb2 import (
    KrakenMessageRequest,
    KrakenMessageResponse,
    KrakenRequest,
    KrakenResponse,
)

_metadata: Final = msgspec.json.Decoder(dict[str, Any])

#: The older service does not say what a payload is. Its collectors sent JSON, or called what they sent JSON; only these
#: sent text.
_TEXT_COLLECTORS: Final = frozenset({"textfile", "tcp"})


class Incoming(msgspec.Struct, frozen=True):
    """The fields of a message as they came, checked."""

    kind: str
    collector: str
    content_type: str
    metadata: str
    payload: bytes


def decode(request: bytes) -> Incoming:
    """A `KrakenRequest`.

    Raises:
        BadMessage: it is none, it names no collector, or its metadata is not a JSON object.
    """
    try:
        fields = KrakenRequest.FromString(request)
    except DecodeError as error:
        raise BadMessage(f"this is no KrakenRequest: {error}") from None
    if not fields.collector_name:
        raise BadMessage("collector_name is empty")
    metadata = fields.metadata
    if metadata and metadata != "{}":
        try:
            _metadata.decode(metadata)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadMessage(f"metadata is not a JSON object: {error}") from None
    return Incoming(COLLECTOR_KIND, fields.collector_name, fields.content_type, metadata, fields.payload)


def encode(response: Response) -> bytes:
    """A `KrakenResponse`."""
    return KrakenResponse(
        collector_name=response.collector_name,
        content_type=response.content_type,
        metadata=response.metadata,
        payload=response.payload,
    ).SerializeToString()


def decode_legacy(request: bytes) -> Incoming:
    """A `KrakenMessageRequest` of the older service.

    Raises:
        BadMessage: it is none, or names no provider.
    """
    try:
        fields = KrakenMessageRequest.FromString(request)
    except DecodeError as error:
        raise BadMessage(f"this is no KrakenMessageRequest: {error}") from None
    if not fields.provider:
        raise BadMessage("provider is empty")
    content_type = "text/plain" if fields.provider in _TEXT_COLLECTORS else "application/json"
    return Incoming(fields.kind or COLLECTOR_KIND, fields.provider, content_type, "", fields.payload.encode())


def encode_legacy(accepted: bool) -> bytes:
    """A `KrakenMessageResponse`."""
    return KrakenMessageResponse(status=1 if accepted else 0).SerializeToString()
