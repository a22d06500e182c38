"""The message as a hook sees it: parsed on demand, never on arrival, because content types lie."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final, NoReturn

from kraken_hooks.clock import moment
from kraken_hooks.errors import HookUsageError
from kraken_hooks.message import Message

#: `None` is JSON too.
_UNREAD: Final = object()


class NotJson(HookUsageError):
    """`msg.json` of a message whose payload is not JSON."""


class NotText(HookUsageError):
    """`msg.text` of a message whose payload is not UTF-8."""


class Msg:
    """One message. Reading only; the same objects are handed out each time within one run.

    `id kind collector provider content_type` are text (`provider` is another name for `collector`), `metadata` a dict,
    `payload` bytes, `text` the payload as UTF-8, `json` the payload parsed, `received_at` an aware datetime (UTC).
    """

    __slots__ = ("_json", "_message", "_metadata", "_text")

    def __init__(self, message: Message) -> None:
        self._message = message
        self._metadata: dict[str, Any] | None = None
        self._text: str | None = None
        self._json: Any = _UNREAD

    @property
    def id(self) -> str:
        return self._message.id

    @property
    def kind(self) -> str:
        return self._message.kind

    @property
    def collector(self) -> str:
        return self._message.collector

    @property
    def provider(self) -> str:
        return self._message.collector

    @property
    def content_type(self) -> str:
        return self._message.content_type

    @property
    def metadata(self) -> dict[str, Any]:
        if self._metadata is None:
            raw = self._message.metadata
            self._metadata = json.loads(raw) if raw else {}
        return self._metadata

    @property
    def payload(self) -> bytes:
        return self._message.payload

    @property
    def text(self) -> str:
        """Raises:
        NotText: the payload is not UTF-8.
        """
        if self._text is None:
            try:
                self._text = self._message.payload.decode()
            except UnicodeDecodeError as error:
                raise NotText(
                    f"the payload is not text: byte {error.start} is not UTF-8 "
                    f"({len(self._message.payload)} bytes from {self._message.collector}); use msg.payload"
                ) from None
        return self._text

    @property
    def json(self) -> Any:
        """Raises:
        NotJson: the payload is not JSON.
        """
        if self._json is _UNREAD:
            self._json = parse_json(self._message)
        return self._json

    @property
    def received_at(self) -> datetime:
        return moment(self._message.received_at)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"a message has no {name}; it has id, kind, collector, content_type, metadata, payload, text, json, received_at",
            name=name,
        )

    def __getitem__(self, key: object) -> NoReturn:
        raise HookUsageError(
            f"a message has no items: msg.json[{key!r:.80}] is the payload's, msg.metadata[…] the metadata's"
        )

    def __repr__(self) -> str:
        return f"<message {self.id} from {self.collector}, {len(self.payload)} bytes of {self.content_type!r}>"


def parse_json(message: Message) -> Any:
    """The payload parsed.

    Raises:
        NotJson: it is not JSON, or nested too deep.
    """
    try:
        return json.loads(message.payload, parse_constant=_no_constant)
    except RecursionError:
        reason = "it is nested too deep"
    except ValueError as error:
        reason = str(error)
    start = message.payload[:40]
    raise NotJson(f"the payload is not JSON: {reason}; it begins with {start!r} (collector {message.collector})")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
