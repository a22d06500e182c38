"""What a hook returns, as the reply that the device gets."""

from __future__ import annotations

import json
from typing import Any

from kraken_hooks.api.plain import json_text, plain, text
from kraken_hooks.errors import HookUsageError
from kraken_hooks.message import MAX_REPLY_BYTES, Reply


class Answer:
    """Made by `reply(...)`; opaque to the hook."""

    __slots__ = ("_reply",)

    def __init__(self, made: Reply) -> None:
        self._reply = made


def reply(
    payload: str | bytes | dict[str, Any] | list[Any] = b"",
    *,
    content_type: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> Answer:
    """An answer with a content type and metadata of the hook's choice.

    Args:
        payload: as for a plain return value: text, bytes, or a dict or list that becomes JSON.
        content_type: instead of the one that belongs to the payload's type.
        metadata: entries for the reply's metadata, such as `response_type`; payload and metadata together at most 4 MiB.

    Raises:
        HookUsageError: one of them is something else, or they are larger.
    """
    if payload is None:
        raise HookUsageError("reply(): give a payload; to answer nothing, return None")
    made = _convert(payload)
    kind = made.content_type if content_type is None else text(content_type, "content_type=")
    extra: dict[str, object] = {}
    if metadata is not None:
        if not isinstance(metadata, dict):
            raise HookUsageError(f"metadata= takes a dict, not {type(metadata).__name__}")
        written = json_text(metadata, "metadata=")
        _check_size(len(made.payload) + len(written.encode()))
        extra = plain(json.loads(written), "metadata=")  # type: ignore[assignment]  # a dict stays one
    return Answer(Reply(made.payload, kind, extra))


def to_reply(returned: object) -> Reply | None:
    """What a hook returned, as a reply; None where it has no opinion.

    Raises:
        HookUsageError: a value of another type, or more than 4 MiB.
    """
    if returned is None:
        return None
    return returned._reply if type(returned) is Answer else _convert(returned)  # noqa: SLF001  # opaque to hooks alone


def _convert(value: object) -> Reply:
    if isinstance(value, str):
        made = Reply(text(value, "the reply").encode(), "text/plain")
    elif isinstance(value, bytes | bytearray):
        made = Reply(b"".join((value, b"")), "application/octet-stream")
    elif isinstance(value, dict | list):
        made = Reply(json_text(value, "the reply").encode(), "application/json")
    else:
        raise HookUsageError(
            f"a hook returns None, text, bytes, a dict, a list or reply(...), not {type(value).__name__}"
        )
    _check_size(len(made.payload))
    return made


def _check_size(size: int) -> None:
    if size > MAX_REPLY_BYTES:
        raise HookUsageError(f"the reply has {size} bytes; collectors take at most {MAX_REPLY_BYTES}")
