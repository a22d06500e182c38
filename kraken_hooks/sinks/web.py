"""Requests over HTTP with limits that hold whatever a server does. Imported only where a sink that needs it is opened.

Each request has one deadline for everything; a thread cuts its connection when that has passed, so that a server that sends a
byte now and then gains nothing. The address that was looked up and allowed is the one that is connected to. No proxy, no password
file, no cookies, no compression (an answer is never larger than what was read). Only the looking up has the system's own limit.
"""

from __future__ import annotations

import contextlib
import http.cookiejar
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urljoin

import requests
import urllib3
from requests.adapters import HTTPAdapter

from kraken_hooks.api.url import Url, parse
from kraken_hooks.errors import HookUsageError
from kraken_hooks.sinks.exchange import Forbidden, Rules, Unreached, WebAnswer

#: Most redirects that are followed.
MAX_REDIRECTS: Final = 5
#: Of an answer's body so much is read at once, bytes.
_PIECE: Final = 64 * 1024
#: So many addresses of one host are tried.
_ADDRESSES: Final = 4
#: Headers that go with a redirect to another host; all others may hold what is meant for the first one.
_HARMLESS: Final = frozenset({"content-type", "accept", "idempotency-key"})

#: Looks a host up, as `socket.getaddrinfo` does.
Resolver = Callable[..., list[Any]]


class _Running:
    """One request: whether its time is over, and a second descriptor of its connection, by which that is cut.

    `connected`: it has a connection, with TLS where that is wanted. `left`: such descriptors of connections that were given up
    before the answer had been read, closed at the end.
    """

    __slots__ = ("connected", "connection", "left", "passed")

    def __init__(self) -> None:
        self.passed = False
        self.connected = False
        self.connection: socket.socket | None = None
        self.left: list[socket.socket] = []

    def cut(self) -> None:
        """The time is over. Called in a thread of its own."""
        self.passed = True
        connection = self.connection
        if connection is not None:
            with contextlib.suppress(OSError):  # it has just been closed
                connection.shutdown(socket.SHUT_RDWR)


class _Thread(threading.local):
    """The request of this thread."""

    running = _Running()


class Web:
    """A client. May be used in several threads at once. `certificates`: PEM text that is trusted besides the system's."""

    def __init__(self, rules: Rules, certificates: str = "", resolve: Resolver = socket.getaddrinfo) -> None:
        self._rules = rules
        self._resolve = resolve
        self._thread = _Thread()
        context = ssl.create_default_context()
        if certificates:
            context.load_verify_locations(cadata=certificates)
        adapter = _adapter(self._connect, self._thread, context)
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "kraken-hooks"
        self._session.trust_env = False  # no proxy or password file that the environment happens to name
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

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
        with self._until(seconds):
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
            self._connect(url, seconds).close()
        except (OSError, Forbidden):
            return False
        return True

    def close(self) -> None:
        self._session.close()
        for connection in self._thread.running.left:  # of connections that were kept open until now
            connection.close()

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
        self._thread.running.connected = False
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
        if self._thread.running.passed:  # the end was ours
            raise Unreached("no answer in time", offline=False)
        return bytes(read), True

    def _unreached(self, error: BaseException) -> Unreached:
        if self._thread.running.passed or isinstance(error, requests.ReadTimeout):
            return Unreached("no answer in time", offline=False)
        for cause in _causes(error):
            if isinstance(cause, ssl.SSLCertVerificationError):
                return Unreached(f"no TLS connection: {cause.verify_message}", offline=False)
            if isinstance(cause, ssl.SSLError):
                return Unreached(
                    f"no TLS connection: {(cause.reason or 'it broke').replace('_', ' ').lower()}", offline=True
                )
        if self._thread.running.connected:
            return Unreached("the server ended the connection", offline=True, sent=True)
        return Unreached("no connection", offline=True)

    # ── connections ──

    def _connect(self, url: Url, seconds: float | None) -> socket.socket:
        """A connection to an address of the URL's host that is allowed, the first that answers.

        Raises:
            Forbidden: it has no such address.
            OSError: none of them answers, or the host has none.
        """
        found = self._resolve(url.host, url.port, type=socket.SOCK_STREAM)
        allowed = [one for one in found if self._rules.reaches(url, one[4][0])]
        if found and not allowed:
            raise Forbidden(
                f"{url.host} is at {found[0][4][0]}, which is not an address of the internet; "
                "KRAKENB_HTTP_ALLOW has to name that very host"
            )
        failed: OSError = OSError("no address")
        for family, kind, protocol, _, address in allowed[:_ADDRESSES]:
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(None if seconds is None else seconds / min(len(allowed), _ADDRESSES))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.connect(address)
            except OSError as error:
                connection.close()
                failed = error
            else:
                return connection
        raise failed

    @contextmanager
    def _until(self, seconds: float) -> Iterator[_Running]:
        running = self._thread.running = _Running()
        cutting = threading.Timer(seconds, running.cut)
        cutting.name, cutting.daemon = "deadline", True
        cutting.start()
        try:
            yield running
        finally:
            cutting.cancel()
            for connection in running.left:
                connection.close()


def _adapter(
    connect: Callable[[Url, float | None], socket.socket], thread: _Thread, context: ssl.SSLContext
) -> HTTPAdapter:
    """An adapter for requests whose connections are made by `connect`, and can be cut."""

    class Cuttable(urllib3.connection.HTTPConnection):
        _second: socket.socket | None = None

        def _new_conn(self) -> socket.socket:
            scheme = "https" if isinstance(self, urllib3.connection.HTTPSConnection) else "http"
            try:
                made = connect(Url(scheme, self.host.strip("[]"), self.port, "/"), self.timeout)
            except TimeoutError as error:
                raise urllib3.exceptions.ConnectTimeoutError(self, "no connection in time") from error
            except OSError as error:
                raise urllib3.exceptions.NewConnectionError(self, "no connection") from error
            self._second = thread.running.connection = made.dup()
            return made

        def connect(self) -> None:
            super().connect()
            thread.running.connected = True

        def request(self, *args: Any, **keywords: Any) -> None:
            if self._second is not None:
                thread.running.connection = self._second
                thread.running.connected = True
            if thread.running.passed:
                raise TimeoutError
            super().request(*args, **keywords)

        def close(self) -> None:
            super().close()
            if self._second is not None:
                thread.running.left.append(self._second)  # the answer may still be read from it
                self._second = None

    class CuttableTls(Cuttable, urllib3.connection.HTTPSConnection):
        pass

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = Cuttable

    class TlsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = CuttableTls

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
            super().init_poolmanager(*args, ssl_context=context, **keywords)
            self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}

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
