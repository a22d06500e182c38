"""Runs a program as on a kernel without some system calls: `without.py NUMBER,NUMBER PROGRAM [ARGUMENT]...`."""

from __future__ import annotations

import ctypes
import os
import struct
import sys

ENOSYS = 38
ALLOW, FAIL = 0x7FFF_0000, 0x0005_0000
SET_NO_NEW_PRIVS, SET_SECCOMP, MODE_FILTER = 38, 22, 2


def main(numbers: str, *command: str) -> None:
    program = [(0x20, 0, 0, 0)]  # load the number
    for number in numbers.split(","):
        program += [(0x15, 0, 1, int(number)), (0x06, 0, 0, FAIL | ENOSYS)]
    program.append((0x06, 0, 0, ALLOW))
    code = b"".join(struct.pack("<HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    pointer = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(SET_SECCOMP, MODE_FILTER, pointer) == 0, os.strerror(ctypes.get_errno())
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
