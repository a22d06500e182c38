"""`kraken-hooks send`: a message to a running broker, as a collector sends it."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from kraken_hooks.cli.options import (
    MessageOptions,
    message_from,
    message_options,
    parse_json,
    payload_fields,
    shown,
)
from kraken_hooks.terminal import harmless

if TYPE_CHECKING:
    from collections.abc import Callable

    from kraken_hooks.server.kraken_pb2 import KrakenResponse

#: Sends one message; the answer by kind, and the reply where the service has one.
_Call = "Callable[[], tuple[str, KrakenResponse | None]]"


@click.command()
@message_options
@click.option(
    "--host", default="127.0.0.1:50051", show_default=True, metavar="ADDRESS:PORT", help="Where the broker listens."
)
@click.option("--legacy", is_flag=True, help="Use the older service, as collectors before 2024-10 do.")
@click.option("--count", type=click.IntRange(1), default=1, show_default=True, help="How many messages.")
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), help="Messages a second; as fast as they are answered otherwise."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds to wait for an answer.",
)
@click.option("--json", "as_json", is_flag=True, help="The reply as JSON; with --count, the figures.")
def send(host: str, legacy: bool, count: int, rate: float | None, timeout: float, as_json: bool, **values: Any) -> None:
    """Send a message to a running broker and print its reply."""
    message = message_from(values)
    if ":" not in host:
        raise click.UsageError("write --host as address:port, such as 127.0.0.1:50051")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what goes wrong is said below, in our words
    import grpc

    options = [("grpc.max_receive_message_length", 8 * 2**20), ("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(host, options=options) as channel:
        call = _caller(channel, message, timeout, legacy=legacy)
        try:
            if count == 1:
                _show(*call(), as_json=as_json)
            else:
                _send_many(call, count, rate, as_json=as_json)
        except grpc.RpcError as error:
            click.echo(_explained(error, host), err=True)
            sys.exit(1)


def _caller(channel: Any, message: MessageOptions, timeout: float, *, legacy: bool) -> Callable[[], tuple[str, Any]]:
    from kraken_hooks.server import kraken_pb2 as wire

    if legacy:
        older = wire.KrakenMessageRequest(
            kind=message.kind, provider=message.collector, payload=message.payload.decode("utf-8", "replace")
        ).SerializeToString()
        send_older = channel.unary_unary("/kraken.KrakenMessage/Send")

        def call_older() -> tuple[str, None]:
            answer = wire.KrakenMessageResponse.FromString(send_older(older, timeout=timeout))
            return ("accepted" if answer.status == 1 else "not accepted"), None

        return call_older
    request = wire.KrakenRequest(
        collector_name=message.collector,
        content_type=message.content_type,
        metadata=message.metadata or "{}",
        payload=message.payload,
    ).SerializeToString()
    process = channel.unary_unary("/kraken.KrakenService/ProcessKrakenRequest")

    def call() -> tuple[str, Any]:
        answer = wire.KrakenResponse.FromString(process(request, timeout=timeout))
        metadata = parse_json(answer.metadata)
        return str(metadata.get("response_type", "")), answer

    return call


def _show(kind: str, answer: KrakenResponse | None, *, as_json: bool) -> None:
    if answer is None:
        click.echo(json.dumps({"status": kind}) if as_json else kind)
    elif as_json:
        click.echo(
            json.dumps(
                {
                    "collector_name": answer.collector_name,
                    "content_type": answer.content_type,
                    "metadata": parse_json(answer.metadata),
                    **payload_fields(answer.payload),
                },
                ensure_ascii=False,
            )
        )
    elif answer.collector_name:
        click.echo(harmless(f"{answer.content_type}  {answer.metadata}\n") + shown(answer.payload))
    else:
        click.echo(f"no reply for the device  {answer.metadata}")
    if kind == "not accepted":
        sys.exit(1)


def _send_many(call: Callable[[], tuple[str, Any]], count: int, rate: float | None, *, as_json: bool) -> None:
    kinds: dict[str, int] = {}
    took = []
    began = time.perf_counter()
    for number in range(count):
        if rate is not None:
            early = began + number / rate - time.perf_counter()
            if early > 0:
                time.sleep(early)
        sent = time.perf_counter()
        kind, _ = call()
        took.append(time.perf_counter() - sent)
        kinds[kind] = kinds.get(kind, 0) + 1
    seconds = time.perf_counter() - began
    took.sort()
    p50, p99 = took[len(took) // 2] * 1000, took[int(len(took) * 0.99)] * 1000
    if as_json:
        figures = {"sent": count, "answers": kinds, "per_second": count / seconds, "p50_ms": p50, "p99_ms": p99}
        click.echo(json.dumps(figures, ensure_ascii=False))
        return
    answers = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    click.echo(f"{count} sent: {answers}; {count / seconds:.0f} a second, p50 {p50:.2f} ms, p99 {p99:.2f} ms")


def _explained(error: Any, host: str) -> str:
    import grpc

    code, details = error.code(), error.details() or ""
    if code is grpc.StatusCode.UNAVAILABLE and ("connect" in details.lower() or "resol" in details.lower()):
        return f"Nothing answers at {host}. Is the broker running, and on that port?"
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"The broker at {host} did not answer in time."
    return f"{code.name}: {details}"
