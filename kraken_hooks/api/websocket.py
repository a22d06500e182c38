"""`websocket`: messages over the WebSocket that the operator has set."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from kraken_hooks.api.plain import json_text, text
from kraken_hooks.api.run import current
from kraken_hooks.api.sink import SinkApi
from kraken_hooks.errors import HookUsageError

#: Longest message, bytes.
MAX_DATA: Final = 16 * 1024 * 1024


class SendArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of the effect `websocket.send`. `data` is text or bytes, and goes out as a frame of that kind."""

    data: Any  # msgspec knows no union of the two

    def __post_init__(self) -> None:
        if not isinstance(self.data, str | bytes):
            raise TypeError("data is neither text nor bytes")


class Websocket(SinkApi):
    """A WebSocket server that the broker is a client of; KRAKENB_WEBSOCKET_URL configures it."""

    __slots__ = ()
    _sink = "websocket"

    def send(self, data: str | bytes | dict[str, Any] | list[Any]) -> None:
        """Send a message: text, bytes, or a dict or list that becomes JSON text; at most 16 MiB."""
        made: str | bytes
        if isinstance(data, str):
            made = text(data, "data")
        elif isinstance(data, bytes | bytearray):
            made = bytes(data)
        elif isinstance(data, dict | list):
            made = json_text(data, "data")
        else:
            raise HookUsageError(f"websocket.send: text, bytes, a dict or a list, not {type(data).__name__}")
        size = len(made.encode() if isinstance(made, str) else made)
        if size > MAX_DATA:
            raise HookUsageError(f"websocket.send: {size} bytes; at most {MAX_DATA} can be sent")
        current().effect("websocket", "send", {"data": made})


websocket = Websocket()
