"""Requests to other programs' HTTP interfaces, where KRAKENB_HTTP_ALLOW lets hooks ask.

Effects go one by one, in order for each server, each with its id as `Idempotency-Key`, by which a receiver can tell a redelivery.
A URL that is not in the list is a dead letter: the worker does not know the list, and an operator who lengthens it can replay.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from kraken_hooks.api.http import AskArgs, GetArgs, SendArgs
from kraken_hooks.api.url import Url, parse
from kraken_hooks.errors import HookUsageError, QueryFailed
from kraken_hooks.outcome import Effect, QueuedEffect
from kraken_hooks.settings import Section, variable
from kraken_hooks.sinks.allow import AllowList
from kraken_hooks.sinks.answers import judge
from kraken_hooks.sinks.base import NotNow, Refused, Result, SinkType
from kraken_hooks.sinks.exchange import Forbidden, Rules, Unreached

if TYPE_CHECKING:
    from kraken_hooks.sinks.web import Web

#: Time limit of one request of an effect, seconds.
PATIENCE: Final = 10.0
#: No further request of a batch is begun after so long, seconds; so that a stop has not to wait.
_BATCH: Final = 0.5
#: Largest answer to a query, bytes; and as much of the answer to an effect is read.
MAX_ANSWER: Final = 4 * 1024 * 1024
MAX_EFFECT_ANSWER: Final = 64 * 1024
#: Shorter values of headers are no secrets, and are left in a reason.
_SECRET: Final = 6


def _prefixes(text: str) -> str:
    AllowList(text)
    return text


def _pem(text: str) -> str:
    import ssl  # noqa: PLC0415  # only where it is set

    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError, TypeError):  # TypeError: not ASCII
        raise ValueError("must be certificates in PEM, mostly as KRAKENB_HTTP_CA_FILE=/path") from None
    return text


@dataclass(frozen=True, slots=True)
class HttpSettings(Section):
    allow: str | None = variable("KRAKENB_HTTP_ALLOW", _prefixes, default=None, help="URL prefixes that hooks may use")
    certificates: str | None = variable("KRAKENB_HTTP_CA", _pem, default=None, help="certificates trusted too, PEM")


class Http:
    """Sends effects. Implements `sinks.base.Sink`."""

    batch = 100
    interval = 0.0

    def __init__(self, web: Web, *, patience: float = PATIENCE) -> None:
        self._web = web
        self._patience = patience
        self._lost: Url | None = None  # where there was no connection at the last try

    def deliver(self, effects: list[QueuedEffect]) -> list[Result]:
        results: list[Result] = []
        end = time.monotonic() + _BATCH
        for queued in effects:
            results.append(self._send(queued))
            if isinstance(results[-1], NotNow) or time.monotonic() > end:
                break
        return results

    def reachable(self) -> bool:
        return self._lost is None or self._web.reachable(self._lost, 1.0)

    def close(self) -> None:
        self._web.close()

    def _send(self, queued: QueuedEffect) -> Result:
        args = msgspec.convert(queued.effect.args, SendArgs)
        try:
            url = parse(args.url)
        except HookUsageError as error:
            return Refused(str(error))
        try:
            headers = {"Idempotency-Key": quote(queued.id, safe="/:"), **args.headers}
            method = queued.effect.op.upper()
            answer = self._web.send(method, url, headers, args.body, self._patience, MAX_EFFECT_ANSWER)
        except Forbidden as error:
            return Refused(str(error))
        except Unreached as error:
            if error.offline and not error.sent:
                self._lost = url
            return NotNow(f"{url.origin}: {error}", offline=error.offline, suspect=error.sent)
        said = without(answer.body.decode(errors="replace"), args.headers.values())
        result = judge(answer.status, said, answer.headers.get("retry-after", ""))
        return replace(result, reason=f"{url.origin}: {result.reason}") if isinstance(result, NotNow) else result


class HttpReader:
    """Answers `http.get` and `http.ask`. Implements `sinks.base.Reader`."""

    def __init__(self, web: Web, limit: float) -> None:
        self._web = web
        self._limit = limit

    def ask(self, op: str, args: Any) -> dict[str, object]:
        assert isinstance(args, GetArgs | AskArgs), op
        method, body = ("POST", args.body) if isinstance(args, AskArgs) else ("GET", None)
        try:
            answer = self._web.send(method, parse(args.url), args.headers, body, self._limit, MAX_ANSWER)
        except (HookUsageError, Forbidden, Unreached) as error:
            raise QueryFailed(str(error)) from error
        if not answer.whole:
            raise QueryFailed(f"an answer of more than {MAX_ANSWER >> 20} MiB")
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            raise QueryFailed("a compressed answer, which was not asked for")
        return {"status": answer.status, "headers": answer.headers, "body": answer.body}

    def close(self) -> None:
        self._web.close()


def without(text: str, secrets: Iterable[str]) -> str:
    """The text of an answer, without what the request's headers said."""
    for secret in secrets:
        for part in {secret, secret.rpartition(" ")[2]}:
            if len(part) >= _SECRET:
                text = text.replace(part, "…")
    return text


def _lane(effect: Effect) -> str:
    """Scheme, host and port of the URL."""
    try:
        return parse(msgspec.convert(effect.args, SendArgs).url).origin
    except HookUsageError:
        return ""


def _missing(section: Section | None) -> str:
    return "" if isinstance(section, HttpSettings) and section.allow is not None else "KRAKENB_HTTP_ALLOW"


def _web(section: Section) -> Web:
    from kraken_hooks.sinks.web import Web  # noqa: PLC0415  # a sink that is not used costs no memory

    assert isinstance(section, HttpSettings)
    assert section.allow is not None
    allowed = AllowList(section.allow)
    return Web(Rules(allowed.names, allowed.reaches), section.certificates or "")


def _open(section: Section, _identity: str) -> Http:
    return Http(_web(section))


def _reader(section: Section, limit: float) -> HttpReader:
    return HttpReader(_web(section), limit)


HTTP: Final = SinkType(
    name="http",
    ops={"post": SendArgs, "put": SendArgs},
    section=HttpSettings,
    missing=_missing,
    open=_open,
    asks={"get": GetArgs, "ask": AskArgs},
    reader=_reader,
    lane=_lane,
)
