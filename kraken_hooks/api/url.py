"""URLs in one spelling, so that what is compared with a list is what is sent. Pure; the same in the worker and in the broker.

Every spelling that servers, proxies and resolvers read in different ways is either brought into its one form or refused: letters'
case, default ports, `..`, `//`, percent-encoding, user names, backslashes, addresses written as one number, octal or
hexadecimal. By RFC 3986, section 6, and the differences that are known between parsers.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from kraken_hooks.errors import HookUsageError

#: Longest URL, characters.
MAX_URL: Final = 8_192

PORTS: Final = {"http": 80, "https": 443}
_PARTS: Final = re.compile(
    r"(?P<scheme>[A-Za-z]+)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(\?(?P<query>[^#]*))?(#.*)?", re.DOTALL
)
_AUTHORITY: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(:(?P<port>[0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
#: The last label of what resolvers take for an IPv4 address.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NOT_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPED: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass(frozen=True, slots=True)
class Url:
    """A URL in its one spelling. `host`: lower-case name, or address without brackets. `query`: without its `?`."""

    scheme: str
    host: str
    port: int
    path: str
    query: str = ""

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def target(self) -> str:
        """Path and query, as the request line has them."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def text(self) -> str:
        return self.origin + self.target

    @property
    def shown(self) -> str:
        """For logs and reasons: without the query, which may hold a secret."""
        return self.origin + self.path


def parse(text: str) -> Url:
    """The URL in its one spelling; what comes after a `#` is left out.

    Raises:
        HookUsageError: it is no http or https URL, or is written in a way that is read differently by different programs.
    """
    if len(text) > MAX_URL:
        raise HookUsageError(f"the URL is longer than {MAX_URL} characters")
    if "\\" in text or any(sign <= " " or sign == "\x7f" for sign in text):
        raise HookUsageError(
            "a URL has no spaces, backslashes or control characters; quote() of urllib.parse writes them"
        )
    parts = _PARTS.fullmatch(text)
    if parts is None or parts["scheme"].lower() not in PORTS:
        raise HookUsageError("write the whole URL, beginning with http:// or https://")
    scheme = parts["scheme"].lower()
    host, port = _address(parts["authority"])
    query = _spelt(parts["query"] or "", "/?:@!$&'()*+,;=%")
    return Url(scheme, host, PORTS[scheme] if port is None else port, path_of(parts["path"]), query)


def path_of(path: str) -> str:
    """The path in its one spelling; `/` where it is empty.

    Raises:
        HookUsageError: it hides a `..`, or a `%` is not followed by two hexadecimal digits.
    """
    kept: list[str] = []
    segments = _spelt(path, "/:@!$&'()*+,;=%").split("/")
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    if any(_hides_dots(segment) for segment in kept):
        raise HookUsageError("the URL's path hides a . or .. that some servers follow")
    end = "/" if kept and segments[-1] in ("", ".", "..") else ""
    return "/" + "/".join(kept) + end


def host_of(text: str) -> str:
    """A host in its one spelling: lower-case name without the last dot, or an address without brackets.

    Raises:
        HookUsageError: it is neither.
    """
    host = text.lower()
    if host.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host[1:-1] if "%" not in host else ""))
        except ValueError:
            raise HookUsageError(f"{text:.80} is no IPv6 address") from None
    if not host.isascii():
        raise HookUsageError(f"the host {text:.80}: write it in its ASCII form, which begins with xn--")
    host = host.removesuffix(".")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise HookUsageError(f"the URL has no host that can be looked up: {text:.80}")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise HookUsageError(
                f"write the address as four numbers with dots, such as 192.168.0.5: {text:.80}"
            ) from None
    return host


def _address(authority: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise HookUsageError("a URL cannot hold a user or a password here; give an Authorization header")
    parts = _AUTHORITY.fullmatch(authority.removesuffix(":"))
    if parts is None:
        raise HookUsageError("the URL's host and port cannot be read")
    port = None if parts["port"] is None else int(parts["port"])
    if port is not None and not 1 <= port <= 65_535:
        raise HookUsageError("a URL's port lies between 1 and 65535")
    return host_of(parts["host"]), port


def _spelt(text: str, safe: str) -> str:
    """Percent-encoding where it has to be, in capitals, and nowhere else."""
    if _NOT_PERCENT.search(text):
        raise HookUsageError(
            "in a URL a % is followed by two hexadecimal digits; quote() of urllib.parse writes it as %25"
        )
    return _ESCAPED.sub(_decoded, quote(text, safe=safe))


def _decoded(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code in _UNRESERVED else match[0].upper()


def _hides_dots(segment: str) -> bool:
    """Whether a server that decodes once more, or reads `;` or a backslash as some do, would see a `.` or `..`."""
    seen = segment.encode()
    while True:
        if any(part.partition(b";")[0].strip(b"\0 ") in (b".", b"..") for part in re.split(rb"[/\\]", seen)):
            return True
        decoded = unquote_to_bytes(seen)
        if decoded == seen:
            return False
        seen = decoded
