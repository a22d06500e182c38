"""Other people's text on a terminal: a device, a hook or a server must not steer the operator's screen."""

from __future__ import annotations

import re
from typing import Final

#: All control characters but newline and tab, and those that change the direction of writing.
_STEERS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """The text with such characters as their codes, as Python writes them."""
    return _STEERS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
