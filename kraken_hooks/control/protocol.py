"""One request and one answer, each a line of JSON; and where the socket is. Both ends share this module."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from kraken_hooks.broker import Status

#: Name of the socket in the state directory. Who may enter the directory may use it.
SOCKET: Final = "control.sock"
#: Longest request and longest answer, bytes.
MAX_REQUEST: Final = 4 * 1024
MAX_ANSWER: Final = 16 * 1024 * 1024


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked: `status`, `pause` or `resume`; `sink`: of which sink."""

    do: str
    sink: str = ""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """`error` is empty where it was done."""

    error: str = ""
    status: Status | None = None


encode: Final = msgspec.json.Encoder().encode
decode_request: Final = msgspec.json.Decoder(Request).decode
decode_answer: Final = msgspec.json.Decoder(Answer).decode


@contextmanager
def address(state_dir: Path) -> Iterator[str]:
    """The socket's path, short enough for the system (108 bytes) however long the directory's is."""
    directory = os.open(state_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{SOCKET}"
    finally:
        os.close(directory)


def ask(state_dir: Path, request: Request, patience: float = 10.0) -> Answer:
    """Ask the broker that runs with this state directory.

    Raises:
        OSError: none runs, or it does not answer within `patience` seconds.
        msgspec.DecodeError: what answers is no broker of this version.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(patience)
        with address(state_dir) as path:
            connection.connect(path)
        connection.sendall(encode(request) + b"\n")
        parts = bytearray()
        while not parts.endswith(b"\n") and len(parts) <= MAX_ANSWER:
            part = connection.recv(65_536)
            if not part:
                break
            parts += part
    return decode_answer(bytes(parts))
