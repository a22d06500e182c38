"""Reads the hooks directory: which files are there, which are refused and why. Runs in any thread.

A file is opened first and looked at afterwards, through the descriptor, so that it cannot be changed for another between
the two.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

#: Largest hook file, bytes.
MAX_SOURCE: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class HookSource:
    """A hook file as it is on disk."""

    name: str
    source: bytes


@dataclass(slots=True)
class Scan:
    """What the directory holds. `refused`: reasons by file name. `missing`: it cannot be read at all, for `reason`."""

    files: dict[str, HookSource] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    missing: bool = False
    reason: str = ""


def scan(directory: Path) -> Scan:
    """Read all hook files: `*.py` directly in the directory, without hidden files and `__init__.py`."""
    found = Scan()
    try:
        root = _resolved(directory)
        names = sorted(entry.name for entry in root.iterdir())
    except OSError as error:
        return Scan(missing=True, reason=f"{directory}: {error.strerror}")
    for name in names:
        if not is_hook_file(name):
            continue
        if ":" in name or not name.isprintable():
            found.refused[ascii(name)[1:-1]] = "its name holds a colon, or what cannot be printed; give it another one"
            continue
        try:
            found.files[name] = HookSource(name, _read(root, name))
        except FileNotFoundError as error:
            if os.path.lexists(root / name):
                found.refused[name] = f"a link that leads nowhere: {error.strerror}"
        except (OSError, Refused) as error:
            found.refused[name] = str(error) if isinstance(error, Refused) else f"it cannot be read: {error.strerror}"
    return found


def is_hook_file(name: str) -> bool:
    """Whether a file of this name in the directory is a hook file; editors' and hidden files are not."""
    return name.endswith(".py") and not name.startswith((".", "#")) and name != "__init__.py"


class Refused(Exception):  # reads as what it says
    """The file is not read; the text says why and what to do."""


def _resolved(path: Path) -> Path:
    """Where a path leads. Links in a circle are an OSError too, which they are not to `Path.resolve` before Python 3.13."""
    return Path(os.path.realpath(path, strict=True))


def _read(root: Path, name: str) -> bytes:
    path = _resolved(root / name)
    if not path.is_relative_to(root):
        raise Refused("a link that leaves the hooks directory; copy the file here instead")
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC  # not blocked by a FIFO
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Refused("it was changed for a link while it was read") from None
        raise
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused("it is no regular file")
        if status.st_mode & stat.S_IWOTH:
            raise Refused(f"anybody may write to it; chmod o-w {name}")
        if status.st_size > MAX_SOURCE:
            raise Refused(f"it has {status.st_size} bytes; a hook file has at most {MAX_SOURCE}")
        source = file.read(MAX_SOURCE + 1)
    if len(source) > MAX_SOURCE:
        raise Refused(f"it grew over {MAX_SOURCE} bytes while it was read")
    return source


def fingerprint(directory: Path) -> object:
    """A cheap value that changes when a hook file does: for looking regularly."""
    try:
        root = _resolved(directory)
        with os.scandir(root) as entries:
            return (str(root), sorted((entry.name, _look(entry)) for entry in entries if is_hook_file(entry.name)))
    except OSError as error:
        return error.errno


def _look(entry: os.DirEntry[str]) -> tuple[int | None, ...]:
    """What changes with the file; of a link that leads nowhere, why."""
    try:
        status = entry.stat()
    except OSError as error:
        return (error.errno,)
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size
