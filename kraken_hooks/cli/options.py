"""Options that commands share: the settings that they override, and the message that they make."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from kraken_hooks.terminal import harmless

if TYPE_CHECKING:
    from kraken_hooks.settings import Settings

#: Options that override a variable: name of the option's argument to the variable.
_OVERRIDES: Final = {"hooks": "KRAKENB_HOOKS_DIR", "state_dir": "KRAKENB_STATE_DIR", "host": "KRAKENB_GRPC_HOST"}


def settings(**overrides: str | None) -> Settings:
    """The settings of this environment, with options that were given in front.

    Raises:
        SettingsError: with every problem.
    """
    from kraken_hooks.app import settings_from

    given = {_OVERRIDES[name]: value for name, value in overrides.items() if value is not None}
    return settings_from(os.environ, given)


@dataclass(frozen=True, slots=True)
class MessageOptions:
    """A message as the user described it. `metadata` is a JSON object as text, or empty."""

    collector: str
    content_type: str
    metadata: str
    kind: str
    payload: bytes


#: For commands about a broker's state directory; the argument is `state_dir`.
state_dir_option: Final = click.option(
    "--state-dir", metavar="DIR", help="State directory of the broker (KRAKENB_STATE_DIR)."
)


def message_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that describe a message; `message_from` reads them."""
    options = (
        click.option("--collector", default="webhook", show_default=True, help="Name of the collector."),
        click.option("--content-type", default="application/json", show_default=True),
        click.option("--metadata", default="", metavar="JSON", help="A JSON object."),
        click.option("--kind", default="collector", show_default=True, help="Kind, in the older service."),
        click.option("--data", metavar="TEXT", help="The payload as text."),
        click.option(
            "--file", "from_file", type=click.File("rb"), metavar="PATH", help="The payload from a file; - reads stdin."
        ),
        click.option("--hex", "from_hex", metavar="HEX", help="The payload as hexadecimal digits."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def message_from(values: dict[str, Any]) -> MessageOptions:
    """Take the message's options out of a command's arguments.

    Raises:
        click.UsageError: they contradict each other, or are no message.
    """
    metadata: str = values.pop("metadata")
    if metadata:
        try:
            parsed = json.loads(metadata)
        except (ValueError, RecursionError) as error:
            raise click.UsageError(f"--metadata is not JSON: {error}") from None
        if not isinstance(parsed, dict):
            raise click.UsageError('--metadata has to be a JSON object, such as {"device_name": "d1"}')
    payload = _payload(values.pop("data"), values.pop("from_file"), values.pop("from_hex"))
    return MessageOptions(values.pop("collector"), values.pop("content_type"), metadata, values.pop("kind"), payload)


def _payload(data: str | None, file: Any, digits: str | None) -> bytes:
    if sum(one is not None for one in (data, file, digits)) > 1:
        raise click.UsageError("give one of --data, --file and --hex")
    if file is not None:
        from kraken_hooks.message import MAX_MESSAGE_BYTES

        content: bytes = file.read(MAX_MESSAGE_BYTES + 1)
        if len(content) > MAX_MESSAGE_BYTES:
            raise click.UsageError("--file: a message has at most 16 MiB")
        return content
    if digits is not None:
        try:
            return bytes.fromhex(digits)
        except ValueError as error:
            raise click.UsageError(f"--hex: {error}") from None
    return (data or "").encode("utf-8", "surrogateescape")


def payload_fields(payload: bytes) -> dict[str, str]:
    """A payload in JSON output: as text where it is text, else in base64."""
    import base64

    try:
        return {"payload_text": payload.decode()}
    except UnicodeDecodeError:
        return {"payload_base64": base64.b64encode(payload).decode()}


def shown(payload: bytes) -> str:
    """A payload for the eye: text, or hexadecimal digits."""
    try:
        return harmless(payload.decode())
    except UnicodeDecodeError:
        digits = payload[:256].hex(" ")
        return f"{digits} …" if len(payload) > 256 else digits


def parse_json(text: str) -> Any:
    """JSON text as a value; empty text as an empty object."""
    return json.loads(text) if text else {}


def existing(path: str) -> Path:
    """A path that has to be there.

    Raises:
        click.UsageError: it is not.
    """
    found = Path(path)
    if not found.exists():
        raise click.UsageError(f"{path} does not exist")
    return found
