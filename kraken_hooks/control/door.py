"""The broker's end of the control socket. Runs on the event loop."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Final

import msgspec

from kraken_hooks import logs
from kraken_hooks.broker import Operations
from kraken_hooks.control.protocol import MAX_REQUEST, SOCKET, Answer, Request, address, decode_request, encode
from kraken_hooks.errors import KrakenError

log = logs.get()

#: A command that says nothing for so long is not waited for, seconds.
_PATIENCE: Final = 5.0


class Door:
    """Answers one request for each connection."""

    def __init__(self, operations: Operations, state_dir: Path) -> None:
        self._operations = operations
        self._state_dir = state_dir
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen. A socket that cannot be had is a warning: the broker works without."""
        try:
            self._server = await asyncio.start_unix_server(self._serve, sock=self._bound(), limit=MAX_REQUEST)
        except OSError as error:
            log.warning("control.unavailable", reason=error.strerror or str(error))

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            (self._state_dir / SOCKET).unlink(missing_ok=True)

    def _bound(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        (self._state_dir / SOCKET).unlink(missing_ok=True)  # left by a broker that was killed
        try:
            with address(self._state_dir) as path:
                listener.bind(path)
                Path(path).chmod(0o600)
        except OSError:
            listener.close()
            raise
        return listener

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), _PATIENCE)
            writer.write(encode(await self._answer(line)) + b"\n")
            await writer.drain()
        except (TimeoutError, OSError, ValueError):
            pass  # who asked has gone, says nothing, or says too much
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> Answer:
        try:
            request = decode_request(line)
            return await self._do(request)
        except msgspec.DecodeError as error:
            return Answer(error=f"this is no request: {error}")
        except KrakenError as error:
            return Answer(error=str(error))

    async def _do(self, request: Request) -> Answer:
        match request.do:
            case "status":
                return Answer(status=await self._operations.status())
            case "pause" | "resume":
                await self._operations.pause(request.sink, paused=request.do == "pause")
                return Answer()
            case _:
                return Answer(error=f"there is no request {request.do!r:.40}")
