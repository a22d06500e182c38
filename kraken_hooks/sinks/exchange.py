"""What a request over HTTP came to, or why there is no answer; and where requests may go. Plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kraken_hooks.api.url import Url


class Forbidden(Exception):
    """The request leads somewhere that is not allowed; the text says where, without the URL's query."""


class Unreached(Exception):
    """There is no answer; the text says why.

    `offline`: no connection could be made, or it broke. `sent`: it broke after the request had been sent over it.
    """

    def __init__(self, reason: str, *, offline: bool, sent: bool = False) -> None:
        super().__init__(reason)
        self.offline = offline
        self.sent = sent


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """What a server answered. `headers` by lower-case name. `whole`: the body was not longer than what was asked for."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """`names`: whether a URL may be asked for; `reaches`: whether a connection for it may go to this address."""

    names: Callable[[Url], bool]
    reaches: Callable[[Url, str], bool]
