"""Many outcomes become one response to the collector. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from kraken_hooks.message import Message, Response
from kraken_hooks.outcome import Outcome

_to_json: Final = msgspec.json.Encoder().encode


def respond(message: Message, outcomes: Iterable[Outcome], *, accepted: bool) -> Response:
    """The response to a message.

    Args:
        message: the message.
        outcomes: those of the hooks that have ended, in the order in which hooks are asked.
        accepted: some hooks run later; the message is in the inbox.
    """
    failed = []
    answer = None
    for outcome in outcomes:
        if not outcome.ok:
            failed.append(outcome.hook)
        elif outcome.reply is not None and answer is None:
            answer = outcome
    if answer is None or answer.reply is None:
        kind = "accepted" if accepted else "ack"
        metadata: dict[str, object] = {"response_type": kind, "message_id": message.id}
        collector, content_type, payload = "", "", b""
    else:
        reply = answer.reply
        metadata = {
            "response_type": message.collector,
            **reply.metadata,
            "source_broker": answer.hook,
            "message_id": message.id,
        }
        collector, content_type, payload = message.collector, reply.content_type, reply.payload
    if failed:
        metadata["failed"] = failed
    return Response(collector, content_type, _to_json(metadata).decode(), payload)
