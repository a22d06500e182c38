"""Slack's incoming webhook. The URL is the secret: it appears in no text that leaves this file.

Behaviour by Slack's documents: any 2xx is success; 429 with `Retry-After` in seconds; 400, 403, 404 and 410 with the
reason as plain text are for good; about one message a second is let through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from kraken_hooks.api.slack import SendArgs
from kraken_hooks.outcome import QueuedEffect
from kraken_hooks.settings import SecretStr, Section, variable
from kraken_hooks.sinks import reach
from kraken_hooks.sinks.answers import judge
from kraken_hooks.sinks.base import NotNow, Result, SinkType

#: Time limits for the connection and for each part of the answer, seconds.
CONNECT: Final = 5.0
READ: Final = 10.0
#: Time limit for all of one message, seconds.
PATIENCE: Final = 14.0


def _url(text: str) -> SecretStr:
    try:
        url = urlsplit(text)
        well = url.scheme in ("https", "http") and url.hostname and url.port != 0
    except ValueError:  # its words may show a part of the URL
        well = False
    if not well or not text.isprintable() or " " in text:
        raise ValueError("must be a URL that begins with https://")
    return SecretStr(text)


@dataclass(frozen=True, slots=True)
class SlackSettings(Section):
    url: SecretStr | None = variable("KRAKENB_SLACK_URL", _url, default=None, help="Slack's incoming webhook URL")


class Slack:
    """Posts one message at a time. Implements `sinks.base.Sink`."""

    batch = 1

    def __init__(self, url: str, *, interval: float = 1.0, connect: float = CONNECT, read: float = READ) -> None:
        import requests  # noqa: PLC0415  # a sink that is not used costs no memory

        from kraken_hooks.sinks.cutting import Cutting  # noqa: PLC0415  # as above
        from kraken_hooks.sinks.web import adapter  # noqa: PLC0415  # as above

        self._url = url
        self._errors = requests.exceptions
        self._timeouts = (connect, read)
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy or password file that the environment happens to name
        self._cutting = Cutting()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter(self._cutting))
        self.interval = interval

    def deliver(self, effects: list[QueuedEffect]) -> list[Result]:
        return [self._post(effects[0].effect.args)]

    def reachable(self) -> bool:
        url = urlsplit(self._url)
        return reach.answers(url.hostname or "", url.port or (443 if url.scheme == "https" else 80))

    def close(self) -> None:
        self._session.close()
        self._cutting.close()

    def _post(self, body: dict[str, object]) -> Result:
        with self._cutting.within(PATIENCE) as running:
            try:
                answer = self._session.post(self._url, json=body, timeout=self._timeouts, allow_redirects=False)
            except self._errors.RequestException as error:
                return NotNow("no answer in time") if running.passed else self._failed(error)
        if running.passed:  # so the answer may lack its end
            return NotNow("no answer in time")
        return judge(answer.status_code, answer.text, answer.headers.get("Retry-After", ""), self._url)

    def _failed(self, error: Exception) -> NotNow:
        if isinstance(error, self._errors.ReadTimeout):
            return NotNow("no answer in time")
        if isinstance(error, self._errors.ConnectionError):  # of a connection that takes too long too
            return NotNow("no connection", offline=True)
        return NotNow(type(error).__name__)  # its text may hold the URL


def _missing(section: Section | None) -> str:
    return "" if isinstance(section, SlackSettings) and section.url is not None else "KRAKENB_SLACK_URL"


def _open(section: Section, _identity: str) -> Slack:
    assert isinstance(section, SlackSettings)
    assert section.url is not None
    return Slack(section.url.get_secret_value())


SLACK: Final = SinkType(name="slack", ops={"send": SendArgs}, section=SlackSettings, missing=_missing, open=_open)
