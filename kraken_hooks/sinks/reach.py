"""Whether a server can be reached: a connection is made and closed again."""

from __future__ import annotations

import socket
from typing import Final

#: Time limit, seconds.
_PATIENCE: Final = 1.0


def answers(host: str, port: int) -> bool:
    """Whether something accepts TCP connections there."""
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE):
            return True
    except OSError:
        return False
