"""Requests over HTTP with limits that hold whatever a server does. Imported only where a sink that needs it is opened.

Each request has one deadline for everything; a thread cuts its connection when that has passed, so that a server that sends a
byte now and then gains nothing. The address that was looked up and allowed is the one that is connected to. No proxy, no password
file, no cookies, no compression (an answer is never larger than what was read).
"""

from __future__ import annotations

import contextlib
import http.cookiejar
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urljoin

import requests
import urllib3
from requests.adapters import HTTPAdapter

from kraken_hooks.api.url import Url, parse
from kraken_hooks.errors import HookUsageError
from kraken_hooks.sinks.cutting import Cutting
from kraken_hooks.sinks.exchange import Forbidden, Rules, Unreached, WebAnswer
from kraken_hooks.sinks.lookup import Resolver

#: Most redirects that are followed.
MAX_REDIRECTS: Final = 5
#: Of an answer's body so much is read at once, bytes.
_PIECE: Final = 64 * 1024
#: Headers that go with a redirect to another host; all others may hold what is meant for the first one.
_HARMLESS: Final = frozenset({"content-type", "accept", "idempotency-key"})


class Web:
    """A client. May be used in several threads at once. `certificates`: PEM text that is trusted besides the system's."""

    def __init__(self, rules: Rules, certificates: str = "", resolve: Resolver = socket.getaddrinfo) -> None:
        self._rules = rules
        self._cutting = Cutting(self._connect, resolve)
        context = ssl.create_default_context()
        if certificates:
            context.load_verify_locations(cadata=certificates)
        cuttable = adapter(self._cutting, context)
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "kraken-hooks"
        self._session.trust_env = False  # no proxy or password file that the environment happens to name
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._session.mount("http://", cuttable)
        self._session.mount("https://", cuttable)

    def send(
        self, method: str, url: Url, headers: Mapping[str, str], body: bytes | None, seconds: float, most: int
    ) -> WebAnswer:
        """One request, and those that redirects ask for.

        Args:
            seconds: for everything.
            most: of the answer's body so much is read, bytes.

        Raises:
            Forbidden, Unreached: there is no answer, or none that may be had.
        """
        with self._cutting.within(seconds):
            for _ in range(MAX_REDIRECTS + 1):
                answer = self._one(method, url, headers, body, seconds, most)
                target = _redirect(url, answer)
                if target is None:
                    return answer
                if answer.status == 303:  # the others keep method and body: a browser's GET would lose what is sent
                    method, body = "GET", None
                    headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
                if target.origin != url.origin:
                    headers = {name: value for name, value in headers.items() if name.lower() in _HARMLESS}
                url = target
        raise Forbidden(f"more than {MAX_REDIRECTS} redirects, the last to {url.shown}")

    def reachable(self, url: Url, seconds: float) -> bool:
        """Whether a connection could be had now."""
        try:
            self._connect(url.scheme, url.host, url.port, seconds).close()
        except (OSError, Forbidden):
            return False
        return True

    def close(self) -> None:
        self._session.close()
        self._cutting.close()

    def _one(
        self, method: str, url: Url, headers: Mapping[str, str], body: bytes | None, seconds: float, most: int
    ) -> WebAnswer:
        if not self._rules.names(url):
            raise Forbidden(f"{url.shown} is not in KRAKENB_HTTP_ALLOW")
        try:
            request = requests.Request(method, url.text, headers={**headers, "Accept-Encoding": "identity"}, data=body)
            prepared = self._session.prepare_request(request)
        except (requests.RequestException, ValueError) as error:
            raise Forbidden(f"a request that cannot be sent to {url.shown}: {type(error).__name__}") from None
        prepared.url = url.text  # as it was compared
        self._cutting.running.connected = False
        try:
            answer = self._session.send(prepared, timeout=seconds, allow_redirects=False, stream=True)
            with contextlib.closing(answer):
                return WebAnswer(answer.status_code, _plain(answer.headers), *self._body(answer, most))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreached(error) from error

    def _body(self, answer: requests.Response, most: int) -> tuple[bytes, bool]:
        read = bytearray()
        while piece := answer.raw.read(_PIECE, decode_content=False):
            read += piece
            if len(read) > most:
                return bytes(read[:most]), False
        if self._cutting.running.passed:  # the end was ours
            raise Unreached("no answer in time", offline=False)
        return bytes(read), True

    def _unreached(self, error: BaseException) -> Unreached:
        if self._cutting.running.passed or isinstance(error, requests.ReadTimeout):
            return Unreached("no answer in time", offline=not self._cutting.running.connected)
        for cause in _causes(error):
            if isinstance(cause, ssl.SSLCertVerificationError):
                return Unreached(f"no TLS connection: {cause.verify_message}", offline=False)
            if isinstance(cause, ssl.SSLError):
                return Unreached(
                    f"no TLS connection: {(cause.reason or 'it broke').replace('_', ' ').lower()}", offline=True
                )
        if self._cutting.running.connected:
            return Unreached("the server ended the connection", offline=True, sent=True)
        return Unreached("no connection", offline=True)

    # ── connections ──

    def _connect(self, scheme: str, host: str, port: int, seconds: float | None) -> socket.socket:
        """A connection to an address of the host that is allowed.

        Raises:
            Forbidden: it has no such address.
            OSError: none of them answers, or the host has none.
        """
        url = Url(scheme, host, port, "/")
        return self._cutting.connection(host, port, seconds, lambda found: self._allowed(url, found))

    def _allowed(self, url: Url, found: list[Any]) -> list[Any]:
        allowed = [one for one in found if self._rules.reaches(url, one[4][0])]
        if found and not allowed:
            raise Forbidden(
                f"{url.host} is at {found[0][4][0]}, which is not an address of the internet; "
                "KRAKENB_HTTP_ALLOW has to name that very host"
            )
        return allowed


def adapter(cutting: Cutting, context: ssl.SSLContext | None = None) -> HTTPAdapter:
    """An adapter for requests with these connections."""

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
            super().init_poolmanager(*args, ssl_context=context, **keywords)
            self.poolmanager.pool_classes_by_scheme = cutting.pools

    return Adapter(pool_connections=8, pool_maxsize=4)


def _redirect(url: Url, answer: WebAnswer) -> Url | None:
    """Where the answer sends to; None where it does not."""
    location = answer.headers.get("location", "")
    if answer.status not in (301, 302, 303, 307, 308) or not location:
        return None
    try:
        return parse(urljoin(url.text, location))
    except (HookUsageError, ValueError) as error:
        raise Forbidden(f"a redirect from {url.shown} that cannot be followed: {error}") from None


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name.lower(): value.encode("latin-1", "replace").decode(errors="replace") for name, value in headers.items()
    }


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it came of, also where a library has put that among its arguments."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__context__, one.__cause__, getattr(one, "reason", None), *one.args]
