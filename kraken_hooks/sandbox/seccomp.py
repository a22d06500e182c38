"""The system calls that a worker may make, and the filter program that keeps it to them. Pure.

The list is what CPython needs to compute, to tell the time and to talk on its pipe. Everything else fails with EPERM. A call
by another architecture's numbers (32-bit or x32 on a 64-bit kernel), which a filter could mistake, ends the process.

The program is classic BPF over `struct seccomp_data` (linux/seccomp.h): one comparison after the other, no jump further than
the next rule. Numbers are from the kernel's asm/unistd.h of each architecture.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Argument:
    """A condition: `mask` of the argument at `index` (from 0) has to be `value`; 64 bits."""

    index: int
    mask: int
    value: int


@dataclass(frozen=True, slots=True)
class Syscall:
    """One allowed call: its number on each architecture (None: it has no such call), and why a worker needs it."""

    name: str
    x86_64: int | None
    aarch64: int | None
    why: str
    only: tuple[Argument, ...] = ()


_WHOLE: Final = 2**64 - 1
_INT: Final = 2**32 - 1  # descriptors are ints: the kernel does not look at the upper half
_PROT_EXEC: Final = 4
#: Memory that is never made executable: what broke the interpreter still cannot bring machine code of its own.
_NOT_EXECUTABLE: Final = Argument(2, _PROT_EXEC, 0)
#: Descriptor 0, the pipe. There is no other.
_ON_THE_PIPE: Final = Argument(0, _INT, 0)

SYSCALLS: Final = (
    # the pipe
    Syscall("recvfrom", 45, 207, "reads frames; without descriptors, which only recvmsg brings", (_ON_THE_PIPE,)),
    Syscall("sendto", 44, 206, "writes frames, to the other end only", (_ON_THE_PIPE, Argument(4, _WHOLE, 0))),
    Syscall("pselect6", 270, 72, "waits for the answer of a query"),
    Syscall("select", 23, None, "the same, in older C libraries"),
    # time
    Syscall("setitimer", 38, 103, "the tick of the time limit"),
    Syscall("rt_sigreturn", 15, 139, "returns from the tick's handler"),
    Syscall("clock_gettime", 228, 113, "the time, where the machine has no faster way"),
    Syscall("gettimeofday", 96, 169, "the same, in older C libraries"),
    Syscall("time", 201, None, "the same, in older C libraries"),
    Syscall("clock_nanosleep", 230, 115, "time.sleep"),
    Syscall("nanosleep", 35, 101, "the same, in older C libraries"),
    Syscall("restart_syscall", 219, 128, "goes on sleeping after a tick"),
    # memory
    Syscall("brk", 12, 214, "memory for small objects"),
    Syscall("mmap", 9, 222, "memory for arenas and large objects", (_NOT_EXECUTABLE,)),
    Syscall("mprotect", 10, 226, "the C library grows arenas by it", (_NOT_EXECUTABLE,)),
    Syscall("mremap", 25, 216, "grows large lists and strings"),
    Syscall("munmap", 11, 215, "gives memory back"),
    Syscall("madvise", 28, 233, "gives memory back, keeping its address"),
    # the rest
    Syscall("futex", 202, 98, "locks inside the C library and OpenSSL"),
    Syscall("getrandom", 318, 278, "random and uuid4"),
    Syscall("getpid", 39, 172, "OpenSSL asks whether it has been forked"),
    Syscall("exit_group", 231, 94, "the end"),
    Syscall("exit", 60, 93, "the end, of the last thread"),
)

#: What each architecture is called in `struct seccomp_data` (linux/audit.h), by what `uname -m` says.
ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

#: Numbers from here on belong to x32, x86-64's second set of numbers.
_X32: Final = 0x4000_0000

# Places in struct seccomp_data: the call's number, the architecture, six arguments of 64 bits (both are little endian).
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16

# Instructions (linux/bpf_common.h) and results (linux/seccomp.h).
_LOAD, _AND, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
ALLOW: Final = 0x7FFF_0000
KILL: Final = 0x8000_0000
REFUSE: Final = 0x0005_0000 | 1  # fail with EPERM

#: Operation, jumps if true and if false (instructions to skip), operand.
_Instruction = tuple[int, int, int, int]


def program(machine: str) -> bytes:
    """The filter for an architecture (`uname -m`), as an array of `struct sock_filter`.

    Raises:
        KeyError: there is no list of calls for it.
    """
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in _instructions(machine))


def _instructions(machine: str) -> Iterator[_Instruction]:
    yield _LOAD, 0, 0, _ARCH
    yield _IF_EQUAL, 1, 0, ARCHITECTURES[machine]
    yield _RETURN, 0, 0, KILL
    yield _LOAD, 0, 0, _NUMBER
    if machine == "x86_64":
        yield _IF_AT_LEAST, 0, 1, _X32
        yield _RETURN, 0, 0, KILL
    for call in SYSCALLS:
        number: int | None = getattr(call, machine)
        if number is not None:
            checks = [check for argument in call.only for check in _checks(argument)]
            rule = [*checks, (_RETURN, 0, 0, ALLOW)]
            yield _IF_EQUAL, 0, len(rule), number
            yield from rule
    yield _RETURN, 0, 0, REFUSE


def _checks(argument: Argument) -> Iterator[_Instruction]:
    """Refuse unless both halves of the argument are as they have to be."""
    for half in (0, 1):
        mask = argument.mask >> 32 * half & _INT
        if mask:
            yield _LOAD, 0, 0, _ARGUMENTS + 8 * argument.index + 4 * half
            yield _AND, 0, 0, mask
            yield _IF_EQUAL, 1, 0, argument.value >> 32 * half & _INT
            yield _RETURN, 0, 0, REFUSE
