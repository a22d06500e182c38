"""`http`: requests to other programs' HTTP interfaces, where the operator has allowed them."""

from __future__ import annotations

import json as json_module
import re
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from kraken_hooks.api.plain import plain, text
from kraken_hooks.api.run import current
from kraken_hooks.api.sink import SinkApi
from kraken_hooks.api.url import parse
from kraken_hooks.errors import HookUsageError

#: Most headers of one request, and longest value of one, characters.
MAX_HEADERS: Final = 64
MAX_HEADER: Final = 4_096
#: Largest body of a request, bytes.
MAX_BODY: Final = 4 * 1024 * 1024

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
#: Headers that belong to the connection, not to the author.
_NOT_YOURS: Final = frozenset(
    """accept-encoding connection content-length expect host keep-alive proxy-authorization proxy-connection te trailer
    transfer-encoding upgrade""".split()
)


class SendArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of the effects `http.post` and `http.put`: the body is `text` (as UTF-8), or `data` where that is not empty."""

    url: str
    headers: dict[str, str]
    text: str = ""
    data: bytes = b""

    @property
    def body(self) -> bytes:
        return self.data or self.text.encode()


class AskArgs(SendArgs, frozen=True, forbid_unknown_fields=True):
    """Arguments of the query `http.ask`."""


class GetArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of the query `http.get`."""

    url: str
    headers: dict[str, str]


class Answered(msgspec.Struct, frozen=True):
    """What an HTTP server answered: `status` such as 200, `headers` by lower-case name, `body` as bytes."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the status is one of success, 200 to 299."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is shown as `\ufffd`."""
        return self.body.decode(errors="replace")

    @property
    def json(self) -> Any:
        """Raises:
        ValueError: the body is not JSON.
        """
        try:
            return json_module.loads(self.body)
        except (ValueError, RecursionError):
            raise ValueError(
                f"the answer is not JSON: status {self.status}, {len(self.body)} bytes that begin with {self.body[:40]!r}"
            ) from None


class Http(SinkApi):
    """HTTP requests to what KRAKENB_HTTP_ALLOW names."""

    __slots__ = ()
    _sink = "http"

    def post(
        self, url: str, data: str | bytes | None = None, json: Any = None, headers: dict[str, str] | None = None
    ) -> None:
        """POST, after the run has ended well; until the server has taken it.

        Args:
            url: the whole URL.
            data: the body, text or bytes.
            json: a value to send as JSON instead.
            headers: by name.
        """
        current().effect("http", "post", {"url": _url(url), **_content(data, json, headers)})

    def put(
        self, url: str, data: str | bytes | None = None, json: Any = None, headers: dict[str, str] | None = None
    ) -> None:
        """PUT; otherwise as `post`."""
        current().effect("http", "put", {"url": _url(url), **_content(data, json, headers)})

    def get(self, url: str, headers: dict[str, str] | None = None, params: dict[str, Any] | None = None) -> Answered:
        """GET, and wait for the answer.

        Args:
            url: the whole URL.
            headers: by name.
            params: texts, numbers, or lists of these, by name: put behind the URL's `?`.
        """
        return _answered(current().ask("http.get", {"url": _url(url, params), "headers": _headers(headers)}))

    def ask(
        self, url: str, data: str | bytes | None = None, json: Any = None, headers: dict[str, str] | None = None
    ) -> Answered:
        """POST, and wait for the answer: for interfaces whose questions are POST requests.

        It happens at once, also where the run fails afterwards; and once more where the run is run again. To change something,
        use `post`.
        """
        return _answered(current().ask("http.ask", {"url": _url(url), **_content(data, json, headers)}))


http = Http()


def _answered(answer: object) -> Answered:
    return msgspec.convert(answer, Answered)


def _url(url: object, params: object = None) -> str:
    made = parse(text(url, "url"))
    if params is None:
        return made.text
    if not isinstance(params, dict):
        raise HookUsageError(f'params must be a dict, such as {{"id": "101"}}, not {type(params).__name__}')
    pairs = [(text(name, "a name in params"), one) for name, value in params.items() for one in _values(name, value)]
    return parse(f"{made.text}{'&' if made.query else '?'}{urlencode(pairs)}").text if pairs else made.text


def _values(name: object, value: object) -> list[str]:
    """A parameter's values as text; several for a list."""
    given = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(one, str | int | float) for one in given):
        raise HookUsageError(f"params {name!r} must be text, a number or a list of these, not {type(value).__name__}")
    return [text(one, "params") if isinstance(one, str) else str(one) for one in given]


def _content(data: object, json: object, headers: object) -> dict[str, object]:
    """Body and headers. The content type is that of the body, unless the author says another."""
    if data is not None and json is not None:
        raise HookUsageError("give data= or json=, not both")
    given = _headers(headers)
    content: dict[str, str | bytes] = {}
    if json is not None:
        kind = "application/json"
        content["text"] = _json(json)
    elif isinstance(data, bytes | bytearray):
        kind = "application/octet-stream"
        content["data"] = bytes(data)
    elif data is not None:
        if not isinstance(data, str):
            raise HookUsageError(f"data must be text or bytes, not {type(data).__name__}; a dict goes into json=")
        kind = "text/plain; charset=utf-8"
        content["text"] = text(data, "data")
    else:
        kind = ""
    if kind and not any(name.lower() == "content-type" for name in given):
        given["Content-Type"] = kind
    body = content.get("text") or content.get("data") or b""
    if len(body.encode() if isinstance(body, str) else body) > MAX_BODY:
        raise HookUsageError(f"the body is larger than {MAX_BODY >> 20} MiB")
    return {**content, "headers": given}


def _json(value: object) -> str:
    try:
        return json_module.dumps(plain(value, "json"), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError) as error:
        if isinstance(error, HookUsageError):
            raise
        raise HookUsageError(f"json= cannot be written as JSON: {error}") from None


def _headers(headers: object) -> dict[str, str]:
    if headers is None:
        return {}
    if not isinstance(headers, dict) or len(headers) > MAX_HEADERS:
        raise HookUsageError(f'headers must be a dict of at most {MAX_HEADERS} texts, such as {{"X-Key": "abc"}}')
    return {_name(name): _header(name, value) for name, value in headers.items()}


def _name(name: object) -> str:
    made = text(name, "a header's name")
    if not _TOKEN.fullmatch(made):
        raise HookUsageError(f"{made!r:.80} cannot be a header's name")
    if made.lower() in _NOT_YOURS:
        raise HookUsageError(f"the header {made} belongs to the connection and cannot be set")
    return made


def _header(name: object, value: object) -> str:
    made = text(value, f"the header {name!r}").strip(" ")
    if len(made) > MAX_HEADER or not made.isascii() or not (made.isprintable() or made == ""):
        raise HookUsageError(
            f"the header {name!r} must be at most {MAX_HEADER} ASCII characters without an end of line"
        )
    return made
