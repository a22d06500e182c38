"""The gRPC server: raw bytes in and out, the statuses of errors, health, reflection, a stop that loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NoReturn

import grpc
from grpc_health.v1 import _async as health_aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from kraken_hooks import logs
from kraken_hooks.broker import Broker
from kraken_hooks.errors import AddressInUse, BadMessage, KrakenError, Overloaded, QueueFull
from kraken_hooks.message import MAX_MESSAGE_BYTES, MAX_REPLY_BYTES, Response
from kraken_hooks.server.codec import Incoming, decode, decode_legacy, encode, encode_legacy
from kraken_hooks.server.room import Room

log = logs.get()

_SERVICES: Final = ("kraken.KrakenService", "kraken.KrakenMessage")
#: Room for names and metadata around a payload, bytes.
_ENVELOPE: Final = 256 * 1024
#: 50051 lies in Linux's range of ephemeral ports: another program's connection may hold it for a while, seconds.
_BIND_PATIENCE: Final = 5.0
_BIND_PAUSE: Final = 0.25
#: How often a silent connection is asked for a sign of life, and how often a client may ask, milliseconds.
_KEEPALIVE_MS: Final = 60_000
_PING_MS: Final = 5_000
#: Calls that may wait inside gRPC until they are looked at; it knows none of their messages by then.
_PENDING: Final = 100_000
#: What a collector that does retry is told to wait when the queue is full, milliseconds.
_RETRY_MS: Final = "1000"
#: Of the gRPC server.
OPTIONS: Final = (
    # A device that lost its power leaves a connection behind: it is asked for a sign of life, and dropped.
    ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", _KEEPALIVE_MS // 3),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", _PING_MS),
    # gRPC would cancel calls at random that wait to be looked at: to a collector, messages lost.
    ("grpc.server.max_pending_requests", _PENDING),
    ("grpc.server.max_pending_requests_hard_limit", 2 * _PENDING),
    ("grpc.so_reuseport", 0),  # a second broker on the port must fail, not share it silently
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES + _ENVELOPE),
    ("grpc.max_send_message_length", MAX_REPLY_BYTES + _ENVELOPE),
)


class Server:
    """Both services on one port."""

    def __init__(self, broker: Broker, room: Room) -> None:
        self._broker = broker
        self._room = room
        self._health = health_aio.HealthServicer()
        self._server: grpc.aio.Server | None = None

    async def start(self, host: str) -> int:
        """Listen on `host` (address:port; port 0 picks one). Returns the port.

        Raises:
            AddressInUse: the port is taken and stayed taken for a few seconds.
        """
        server, port = await self._bind(host)
        await server.start()
        self._server = server
        for service in ("", *_SERVICES):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        return port

    async def _bind(self, host: str) -> tuple[grpc.aio.Server, int]:
        """A server that has the port. Another program's connection may hold it for a while."""
        deadline = asyncio.get_running_loop().time() + _BIND_PATIENCE
        while True:
            server = self._make()
            try:
                return server, server.add_insecure_port(host)
            except RuntimeError:
                await server.stop(None)
                if asyncio.get_running_loop().time() > deadline:
                    raise AddressInUse(
                        f"cannot listen on {host}: the address is in use or not of this machine"
                    ) from None
                await asyncio.sleep(_BIND_PAUSE)

    async def stop(self, grace: float) -> None:
        """Take no new calls; let those that run end within `grace` seconds."""
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            await self._server.stop(grace)

    def _make(self) -> grpc.aio.Server:
        server = grpc.aio.server(options=OPTIONS)
        server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    "kraken.KrakenService",
                    {"ProcessKrakenRequest": grpc.unary_unary_rpc_method_handler(self._process)},
                ),
                grpc.method_handlers_generic_handler(
                    "kraken.KrakenMessage", {"Send": grpc.unary_unary_rpc_method_handler(self._send)}
                ),
            )
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((*_SERVICES, "grpc.health.v1.Health", reflection.SERVICE_NAME), server)
        return server

    async def _process(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        try:
            response = await self._handle(request, decode)
        except KrakenError as error:
            await _refuse(context, error)
        return encode(response)

    async def _send(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        """The older service says no by its status; the collector logs it."""
        try:
            await self._handle(request, decode_legacy)
        except BadMessage as error:
            await _refuse(context, error)
        except KrakenError as error:
            log.warning("message.refused", reason=str(error), status=error.grpc_status)
            return encode_legacy(False)
        return encode_legacy(True)

    async def _handle(self, request: bytes, decoded: Callable[[bytes], Incoming]) -> Response:
        await self._room.enter(len(request))
        try:
            message = decoded(request)
            return await self._broker.handle(
                message.kind, message.collector, message.content_type, message.metadata, message.payload
            )
        finally:
            self._room.leave(len(request))


async def _refuse(context: grpc.aio.ServicerContext[bytes, bytes], error: KrakenError) -> NoReturn:
    log.warning("message.refused", reason=str(error), status=error.grpc_status)
    if isinstance(error, QueueFull | Overloaded):
        context.set_trailing_metadata((("grpc-retry-pushback-ms", _RETRY_MS),))
    await context.abort(grpc.StatusCode[error.grpc_status], f"{error}. {error.remedy}")
    raise AssertionError("abort raises")
