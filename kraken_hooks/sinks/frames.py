"""What a WebSocket server sends, cut into frames (RFC 6455, section 5). Pure: bytes in, control frames out.

Data frames are dropped as they come, whatever their size, so that a server which talks a lot costs no memory.
"""

from __future__ import annotations

from typing import Final

CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

#: Bits that no server sets: those of extensions, which we ask for none of, and that of masked payloads.
_RESERVED: Final = 0x70
_MASKED: Final = 0x80

#: Longest control frame, bytes.
_LONGEST: Final = 125


class Incoming:
    """Cuts control frames out of a stream."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._drop = 0  # bytes of a data frame still to come

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The control frames that are complete now: (opcode, payload).

        Raises:
            ValueError: these are no frames of a server.
        """
        self._buffer += data
        found: list[tuple[int, bytes]] = []
        while True:
            gone = min(self._drop, len(self._buffer))
            del self._buffer[:gone]
            self._drop -= gone
            if self._drop or len(self._buffer) < 2:
                return found
            opcode, length = self._buffer[0] & 0x0F, self._buffer[1]
            if self._buffer[0] & _RESERVED or length & _MASKED or (opcode >= CLOSE and length > _LONGEST):
                raise ValueError("no frames of a WebSocket server")
            extra = {126: 2, 127: 8}.get(length, 0)
            start = 2 + extra
            if len(self._buffer) < start or (opcode >= CLOSE and len(self._buffer) < start + length):
                return found
            if opcode >= CLOSE:
                found.append((opcode, bytes(self._buffer[start : start + length])))
                del self._buffer[: start + length]
            else:
                self._drop = int.from_bytes(self._buffer[2:start], "big") if extra else length
                del self._buffer[:start]
