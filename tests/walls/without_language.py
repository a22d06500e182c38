"""Loads hook files as plain Python: no policy, no guards, all built-ins, and the modules that attackers like best."""

import builtins
import ctypes  # imported here, because a worker cannot
import ctypes.util  # noqa: F401  # as above
import fcntl  # noqa: F401  # as above
import mmap  # noqa: F401  # as above
import multiprocessing  # noqa: F401  # as above
import shutil  # noqa: F401  # as above
import subprocess  # noqa: F401  # as above
import threading  # noqa: F401  # as above

from kraken_hooks.sandbox import loader, scope


def compile_plainly(text, file):
    return compile(text, file, "exec", dont_inherit=True), []


def all_names(module):
    return {"__builtins__": builtins, "__name__": module}


loader._compile = compile_plainly
scope.make = all_names
