"""Whether a server can be reached, and why it cannot. Shared by the sinks that make connections of their own."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from typing import Final

#: Time limit, seconds.
_PATIENCE: Final = 1.0


def answers(host: str, port: int) -> bool:
    """Whether something accepts TCP connections there: one is made and closed again."""
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE):
            return True
    except (OSError, UnicodeError):  # UnicodeError: no host can be called so
        return False


def why(error: OSError) -> str:
    """Why a connection failed, in words that hold no address and no secret."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"TLS: its certificate is not accepted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {(error.reason or 'it speaks none').replace('_', ' ').lower()}"
        case TimeoutError():
            return "no answer in time"
        case socket.gaierror():
            return "there is no host of that name, or no name server"
        case _:
            return f"no connection: {(error.strerror or type(error).__name__).lower()}"


def can_be(name: str) -> bool:
    """Whether the name service can be asked for such a name: none of its parts is empty, or longer than 63 characters."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True


def host(value: str) -> str:
    """A host's name or address as settings give it, checked.

    Raises:
        ValueError: it is none, or has more around it; the text says what to write.
    """
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        if (
            bare == value
            and re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?", value)
            and can_be(value)
        ):
            return value
    raise ValueError("must be a host's name or address alone, such as 192.168.1.5, without :// and port")
