"""Slack's incoming webhook. The URL is the secret: it appears in no text that leaves this file.

Behaviour by Slack's documents: any 2xx is success; 429 with `Retry-After` in seconds; 400, 403, 404 and 410 with the
reason as plain text are for good; about one message a second is let through.
"""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime
from typing import Final

from pydantic import SecretStr, field_validator

from kraken_hooks.api.slack import SendArgs
from kraken_hooks.outcome import QueuedEffect
from kraken_hooks.settings import Section, variable
from kraken_hooks.sinks.base import Delivered, NotNow, Refused, Result, SinkType

#: Time limits for the connection and for each part of the answer, seconds.
CONNECT: Final = 5.0
READ: Final = 10.0
#: Statuses besides 5xx that pass by themselves: request timeout, too early, too many requests.
_PASSING: Final = frozenset({408, 425, 429})
#: Longest reason kept from an answer, characters; longest wait that is believed, seconds.
_REASON: Final = 300
_LONGEST_WAIT: Final = 3_600.0


class SlackSettings(Section):
    url: SecretStr | None = variable("KRAKENB_SLACK_URL", default=None, help="Slack's incoming webhook URL")

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("must be a URL that begins with https://")
        return url


class Slack:
    """Posts one message at a time. Implements `sinks.base.Sink`."""

    batch = 1

    def __init__(self, url: str, *, interval: float = 1.0, connect: float = CONNECT, read: float = READ) -> None:
        import requests  # noqa: PLC0415  # a sink that is not used costs no memory

        self._url = url
        self._errors = requests.exceptions
        self._timeouts = (connect, read)
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy or password file that the environment happens to name
        self.interval = interval

    def deliver(self, effects: list[QueuedEffect]) -> list[Result]:
        return [self._post(effects[0].effect.args)]

    def close(self) -> None:
        self._session.close()

    def _post(self, body: dict[str, object]) -> Result:
        try:
            answer = self._session.post(self._url, json=body, timeout=self._timeouts, allow_redirects=False)
        except self._errors.Timeout:
            return NotNow("no answer in time")
        except self._errors.ConnectionError:
            return NotNow("no connection")
        except self._errors.RequestException as error:
            return NotNow(type(error).__name__)  # its text may hold the URL
        status = answer.status_code
        if 200 <= status < 300:
            return Delivered()
        reason = f"{status} {answer.text[:_REASON]}".replace(self._url, "…").strip()
        if status >= 500 or status in _PASSING:
            return NotNow(reason, _retry_after(answer.headers.get("Retry-After", "")))
        return Refused(reason)


def _retry_after(header: str) -> float | None:
    """Seconds from a `Retry-After`, which is a number of seconds or a date."""
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (email.utils.parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _missing(section: Section | None) -> str:
    return "" if isinstance(section, SlackSettings) and section.url is not None else "KRAKENB_SLACK_URL"


def _open(section: Section) -> Slack:
    assert isinstance(section, SlackSettings)
    assert section.url is not None
    return Slack(section.url.get_secret_value())


SLACK: Final = SinkType(name="slack", ops={"send": SendArgs}, section=SlackSettings, missing=_missing, open=_open)
