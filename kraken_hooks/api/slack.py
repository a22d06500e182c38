"""`slack`: messages to the channel of the incoming webhook that the operator has set."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from kraken_hooks.api.plain import plain, text
from kraken_hooks.api.run import current
from kraken_hooks.api.sink import SinkApi
from kraken_hooks.errors import HookUsageError

#: Longest text and most blocks of one message, by Slack's documents. It cuts longer texts itself, without saying so.
MAX_TEXT: Final = 40_000
MAX_BLOCKS: Final = 50
_CUT: Final = "… (cut)"


class SendArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Arguments of the effect `slack.send`, as Slack's incoming webhook takes them."""

    text: str
    channel: str | None = None
    username: str | None = None
    blocks: list[dict[str, Any]] | None = None


class Slack(SinkApi):
    """Slack's incoming webhook; about one message a second, the rest waits in the outbox. KRAKENB_SLACK_URL configures it."""

    __slots__ = ()
    _sink = "slack"

    def send(
        self,
        text: str,
        channel: str | None = None,
        username: str | None = None,
        blocks: list[dict[str, Any]] | None = None,
    ) -> None:
        """Post a message.

        Args:
            text: what to say; cut, and marked as cut, at 40,000 characters.
            channel: another channel than the webhook's own, where the webhook allows it.
            username: the name to post under, where the webhook allows it.
            blocks: Slack's Block Kit, at most 50 blocks.
        """
        run = current()
        args: dict[str, object] = {"text": _cut(_text(text, "text"))}
        if channel is not None:
            args["channel"] = _text(channel, "channel")
        if username is not None:
            args["username"] = _text(username, "username")
        if blocks is not None:
            made = plain(blocks, "blocks")
            if not isinstance(made, list) or not all(isinstance(block, dict) for block in made):
                raise HookUsageError("blocks must be a list of dicts")
            if len(made) > MAX_BLOCKS:
                raise HookUsageError(f"{len(made)} blocks; Slack takes at most {MAX_BLOCKS} in one message")
            args["blocks"] = made
        run.effect("slack", "send", args)


slack = Slack()


def _cut(said: str) -> str:
    return said if len(said) <= MAX_TEXT else said[: MAX_TEXT - len(_CUT)] + _CUT


def _text(value: object, where: str) -> str:
    said = text(value, where)
    if not said:
        raise HookUsageError(f"slack.send: {where} must not be empty")
    return said
