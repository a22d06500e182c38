"""Imports and reads now what Python otherwise fetches at first use: a worker opens no file. Runs in the fork server, once."""

from __future__ import annotations

import codecs
import encodings
import hashlib
import linecache  # noqa: F401  # warnings import it to show one
import pkgutil
import sys
import time
import tracemalloc  # noqa: F401  # the same
import unicodedata  # noqa: F401  # urllib.parse and \N{...} in a source import it
import warnings
from datetime import UTC, datetime

from kraken_hooks.sandbox.replacements import load_zones


def preload_python() -> None:
    """Time zones, codecs, digests, and modules that the standard library imports inside functions."""
    load_zones()
    time.localtime()  # reads the system's time zone
    time.strptime("2000", "%Y")  # imports _strptime
    datetime.now(UTC).astimezone().strftime("%c")
    for module in pkgutil.iter_modules(encodings.__path__):
        try:
            codecs.lookup(module.name)
        except LookupError:
            continue  # not a codec, or one of another operating system
    "é".encode("idna")
    for name in hashlib.algorithms_available:
        try:
            hashlib.new(name)  # OpenSSL loads what it needs for it
        except ValueError:
            continue  # not to be had on this machine
    with warnings.catch_warnings(record=True):
        warnings.warn("any", stacklevel=1)


def forget_paths() -> None:
    """Nothing is imported from files any more, and nobody has to know where they are."""
    sys.path.clear()
    sys.path_importer_cache.clear()
    sys.argv.clear()
    sys.orig_argv.clear()
    sys.executable = ""
