"""What a collector sends, and what goes back to it.

Plain frozen values that travel through the whole broker and over the pipe to the workers. Nothing here does I/O.
"""

from __future__ import annotations

from typing import Final

import msgspec

#: `kind` of every message that came over the newer service, and the default of the older one.
COLLECTOR_KIND: Final = "collector"

#: Largest message on the port, bytes of payload and metadata together (16 MiB).
MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024

#: Largest reply, bytes of payload and of the hook's metadata (4 MiB): collectors cannot decode more.
MAX_REPLY_BYTES: Final = 4 * 1024 * 1024


class Message(msgspec.Struct, frozen=True, array_like=True):
    """One thing that a collector sent.

    `seq` is the order of arrival: nanoseconds since 1970 (UTC), made strictly increasing within one broker.
    `received_at` is the wall clock's reading, nanoseconds since 1970 (UTC). `metadata` is a JSON object as text, or
    empty. `payload` is kept as it came and parsed only when a hook asks.
    """

    seq: int
    id: str
    kind: str
    collector: str
    content_type: str
    metadata: str
    payload: bytes
    received_at: int

    @property
    def size(self) -> int:
        """Bytes that this message takes in a queue, about."""
        names = len(self.kind) + len(self.collector) + len(self.content_type)
        return len(self.payload) + len(self.metadata) + names + 120


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """What a hook answered. `metadata` holds the hook's own entries (plain JSON values), not yet the broker's."""

    payload: bytes
    content_type: str
    metadata: dict[str, object] = msgspec.field(default_factory=dict)


class Response(msgspec.Struct, frozen=True):
    """What the collector gets, field by field as on the wire. An empty `collector_name`: nothing for the device."""

    collector_name: str
    content_type: str
    metadata: str
    payload: bytes
