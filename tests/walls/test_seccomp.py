"""The filter of system calls, on both architectures, in an interpreter of the kernel's filter language."""

from __future__ import annotations

import re
from pathlib import Path

import bpf
import pytest

from kraken_hooks.sandbox.seccomp import ALLOW, ARCHITECTURES, KILL, REFUSE, SYSCALLS, program

MACHINES = sorted(ARCHITECTURES)
X86, ARM = ARCHITECTURES["x86_64"], ARCHITECTURES["aarch64"]
PIPE = 0

#: The kernel's own lists of numbers, as its headers for programs have them.
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def numbers(machine: str) -> dict[str, int]:
    if not HEADERS[machine].exists():
        pytest.skip(f"{HEADERS[machine]} is not on this machine")
    listed = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", HEADERS[machine].read_text(), re.MULTILINE)
    found = {name: int(number) for name, number in listed}
    assert len(found) > 250
    return found


def verdict(machine: str, number: int, *arguments: int) -> int:
    return bpf.run(program(machine), number, ARCHITECTURES[machine], arguments)


def number_of(machine: str, name: str) -> int:
    return next(getattr(call, machine) for call in SYSCALLS if call.name == name)


@pytest.mark.machine
@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_those_of_the_kernels_headers(machine):
    real = numbers(machine)
    assert {call.name: real.get(call.name) for call in SYSCALLS} == {
        call.name: getattr(call, machine) for call in SYSCALLS
    }


@pytest.mark.parametrize("machine", MACHINES)
def test_every_number_that_is_not_listed_is_refused(machine):
    listed = {getattr(call, machine) for call in SYSCALLS}
    for number in {*range(1024), 0x3FFF_FFFF} - listed:
        assert verdict(machine, number) == REFUSE, number


@pytest.mark.machine
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    "name",
    """openat openat2 write writev sendmsg recvmsg socket socketpair connect bind accept accept4 listen dup dup3 pipe2 close ioctl fcntl
    clone clone3 execve execveat kill tkill tgkill rt_sigqueueinfo pidfd_send_signal pidfd_open pidfd_getfd ptrace
    process_vm_readv process_vm_writev prctl seccomp unshare setns mount umount2 pivot_root chroot bpf perf_event_open userfaultfd
    io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key memfd_create memfd_secret shmget shmat shmctl
    mq_open sched_setaffinity sched_setscheduler setpriority prlimit64 personality setuid setgid capset unlinkat renameat2
    mkdirat linkat symlinkat fchmodat fchownat truncate getdents64 chdir init_module finit_module kexec_load reboot swapon
    landlock_create_ruleset rt_sigaction rt_sigprocmask timer_create epoll_create1 eventfd2 signalfd4 timerfd_create inotify_init1
    fanotify_init name_to_handle_at open_by_handle_at syslog sethostname clock_settime adjtimex quotactl acct process_madvise
    pkey_mprotect remap_file_pages vmsplice splice tee copy_file_range sendfile kcmp membarrier rseq getppid""".split(),
)
def test_what_could_reach_out_of_the_process_is_refused(machine, name):
    assert verdict(machine, numbers(machine)[name]) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", [call.name for call in SYSCALLS])
def test_what_is_listed_may_be_called(machine, name):
    number = number_of(machine, name)
    if number is not None:
        assert verdict(machine, number, PIPE) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["mmap", "mprotect"])
def test_no_memory_becomes_executable(machine, name):
    number = number_of(machine, name)
    for rights in range(8):
        for other in (0, 0x1000_0000, 0x1_0000_0000):  # bits that mean something else
            assert verdict(machine, number, 0, 4096, rights | other) == (REFUSE if rights & 4 else ALLOW)


@pytest.mark.parametrize("machine", MACHINES)
def test_only_the_pipe_is_read_and_written(machine):
    for name in ("recvfrom", "sendto"):
        assert verdict(machine, number_of(machine, name), PIPE, 0x7FFF, 10) == ALLOW
        for other in (1, 2, 3, 2**31, 2**32 - 1):
            assert verdict(machine, number_of(machine, name), other, 0x7FFF, 10) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
def test_nothing_is_sent_to_an_address(machine):
    number = number_of(machine, "sendto")
    for address in (1, 0x7FFF_0000_0000, 0x1_0000_0000, 2**64 - 1):
        assert verdict(machine, number, PIPE, 0x7FFF, 10, 0, address, 16) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("architecture", [0x4000_0003, 0x4000_0028, 0, 0xFFFF_FFFF, X86, ARM])
def test_a_call_by_the_numbers_of_another_architecture_ends_the_process(machine, architecture):
    for number in (*range(512), 0x4000_0000):
        result = bpf.run(program(machine), number, architecture)
        assert (result == KILL) == (
            architecture != ARCHITECTURES[machine] or (machine == "x86_64" and number >= 0x4000_0000)
        )


def test_a_call_by_the_numbers_of_x32_ends_the_process():
    for number in (0x4000_0000, 0x4000_0000 | 0, 0x4000_0000 | 520, 0x7FFF_FFFF, -1):
        assert verdict("x86_64", number) == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_no_call_is_listed_twice_and_each_has_its_reason(machine):
    listed = [getattr(call, machine) for call in SYSCALLS if getattr(call, machine) is not None]
    assert len(listed) == len(set(listed))
    assert all(call.why for call in SYSCALLS)
