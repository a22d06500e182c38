"""What an answer over HTTP means for an effect. Shared by the sinks that speak HTTP.

By RFC 9110 and RFC 6585: any 2xx is success; 5xx, 408, 425 and 429 pass by themselves, and may say when in `Retry-After`; all
else is for good.
"""

from __future__ import annotations

import email.utils
import math
from datetime import UTC, datetime
from typing import Final

from kraken_hooks.sinks.base import Delivered, NotNow, Refused, Result

#: Statuses besides 5xx that pass by themselves: request timeout, too early, too many requests.
_PASSING: Final = frozenset({408, 425, 429})
#: The server's own code has failed, perhaps over what it was sent.
_FAILED: Final = 500
#: Longest reason kept from an answer, characters; longest wait that is believed, seconds.
_REASON: Final = 300
_LONGEST_WAIT: Final = 3_600.0


def judge(status: int, text: str, retry_after: str, secret: str = "") -> Result:
    """The result of an effect whose request was answered.

    Args:
        status: of the answer.
        text: its body, or the beginning of it.
        retry_after: the header `Retry-After`, or empty.
        secret: what must not be repeated from the answer.
    """
    if 200 <= status < 300:
        return Delivered()
    reason = f"{status} {text}"
    if secret:
        reason = reason.replace(secret, "…")
    reason = reason[:_REASON].strip()
    if status >= 500 or status in _PASSING:
        return NotNow(reason, seconds_to_wait(retry_after), suspect=status == _FAILED)
    return Refused(reason)


def seconds_to_wait(header: str) -> float | None:
    """Seconds from a `Retry-After`, which is a number of seconds or a date; None where it is neither."""
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (email.utils.parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), _LONGEST_WAIT) if math.isfinite(seconds) else None
