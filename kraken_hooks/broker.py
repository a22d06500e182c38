"""What the doors (gRPC now; web page and control socket later) may ask of the broker."""

from __future__ import annotations

from typing import Protocol

from kraken_hooks.message import Response


class Broker(Protocol):
    """The engine behind the doors."""

    async def handle(self, kind: str, collector: str, content_type: str, metadata: str, payload: bytes) -> Response:
        """Take a message in; returns when it is durable and its hooks have ended, or when it is in the inbox.

        Raises:
            KrakenError: it was not accepted; the class knows the gRPC status and the remedy.
        """
        ...
