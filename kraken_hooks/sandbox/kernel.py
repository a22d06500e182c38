"""Wall 4, the kernel: what the code in a worker can ask of the operating system, whatever that code is.

No new privileges; Landlock with no rule at all, so that no path can be touched, nothing outside be signalled and no TCP port be
used; and a filter of system calls (`sandbox.seccomp`). What the machine lacks of it is left out and named.

`Wall` is made in the fork server, once, and closed in each worker, which costs a few system calls. The C library's `syscall`
is called through ctypes: no library besides it is needed, and plain calls need no memory that is both writable and executable.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from typing import Final

from kraken_hooks.sandbox import seccomp

#: Names of the parts.
NO_NEW_PRIVILEGES: Final = "no-new-privileges"
LANDLOCK: Final = "landlock"
SECCOMP: Final = "seccomp"

# linux/prctl.h, linux/seccomp.h, linux/landlock.h; the numbers of Landlock's calls are the same everywhere.
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_SET_MODE_FILTER: Final = 1
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_ASK_FOR_ABI: Final = 1
_SYSCALL_SECCOMP: Final = {"x86_64": 317, "aarch64": 277}

#: Rights to files that each version of Landlock's ABI brought, as a count: it gives them away from bit 0 on.
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
#: From this version on it knows TCP ports (bind, connect), and the scopes of abstract sockets and signals.
_KNOWS_NET, _KNOWS_SCOPES = 4, 6
_ALL_NET, _ALL_SCOPES = 0b11, 0b11


class Wall:
    """Made before the fork. In the worker call `files`, then `calls`; `closed` and `missing` say what came of it."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._prctl = libc.prctl
        self._prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
        self._syscall = libc.syscall
        self._syscall.restype = ctypes.c_long
        machine = os.uname().machine
        self._machine = machine if sys.maxsize > 2**32 else f"32-bit programs on {machine}"
        if self._machine in seccomp.ARCHITECTURES:
            filters = seccomp.program(self._machine)
            self._filters = ctypes.create_string_buffer(filters, len(filters))
            self._program = struct.pack("@HP", len(filters) // 8, ctypes.addressof(self._filters))  # struct sock_fprog
        #: Parts that hold, and parts that this machine lacks with the reason.
        self.closed: list[str] = []
        self.missing: list[str] = []

    def files(self) -> None:
        """No new privileges, no file, nothing outside. Needs a descriptor for a moment."""
        self._note(NO_NEW_PRIVILEGES, self._prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        abi = self._call(_CREATE_RULESET, None, 0, _ASK_FOR_ABI)
        if abi < 1:
            self._note(LANDLOCK, -1)
            return
        handled = struct.pack(
            "@QQQ",
            2 ** _FILE_RIGHTS[min(abi, max(_FILE_RIGHTS))] - 1,
            _ALL_NET if abi >= _KNOWS_NET else 0,
            _ALL_SCOPES if abi >= _KNOWS_SCOPES else 0,
        )
        known = 24 if abi >= _KNOWS_SCOPES else 16 if abi >= _KNOWS_NET else 8  # bytes of it that the kernel knows
        ruleset = self._call(_CREATE_RULESET, handled, known, 0)
        if ruleset >= 0:
            result = self._call(_RESTRICT_SELF, ruleset, 0)
            self._note(f"{LANDLOCK} ABI {abi}", result)
            os.close(ruleset)
        else:
            self._note(LANDLOCK, ruleset)

    def calls(self) -> None:
        """No system call but the listed ones. The last step: it forbids what the others need."""
        if self._machine not in seccomp.ARCHITECTURES:
            self.missing.append(f"{SECCOMP}: there is no list of system calls for {self._machine}")
            return
        self._note(SECCOMP, self._call(_SYSCALL_SECCOMP[self._machine], _SECCOMP_SET_MODE_FILTER, 0, self._program))

    def _call(self, number: int, *arguments: int | bytes | None) -> int:
        passed = [ctypes.c_long(one) if isinstance(one, int) else ctypes.c_char_p(one) for one in arguments]
        return int(self._syscall(ctypes.c_long(number), *passed))

    def _note(self, part: str, result: int) -> None:
        if result == 0:
            self.closed.append(part)
        else:
            self.missing.append(f"{part}: {os.strerror(ctypes.get_errno())}")
