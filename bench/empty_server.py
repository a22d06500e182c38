"""What nothing costs: a grpc.aio server with raw-bytes handlers that answers every message with nothing.

It has the options of the broker's server, so that what these cost is not taken for the broker's cost.
"""

from __future__ import annotations

import asyncio
import sys

import grpc

from kraken_hooks.server.service import OPTIONS


async def _answer(_request: bytes, _context: object) -> bytes:
    return b""


async def main(host: str) -> None:
    server = grpc.aio.server(options=OPTIONS)
    handler = grpc.unary_unary_rpc_method_handler(_answer)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("kraken.KrakenService", {"ProcessKrakenRequest": handler}),)
    )
    server.add_insecure_port(host)
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
