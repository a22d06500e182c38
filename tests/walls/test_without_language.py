"""Walls 3 and 4 alone: hooks are plain Python that runs whatever a message says, and get nowhere.

A canary in another file answers during and after each attack, from the same broker process.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

import pytest
from rig import Broker, Client, wait_until

from kraken_hooks.sandbox.seccomp import SYSCALLS

HERE = Path(__file__).parent

#: Runs the message's text. `call` makes a system call; `attempt` calls a function; both give "done" or the error's name.
ATTACK = """
import ctypes
import errno
import os
from kraken_hooks import on

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

def call(number, *arguments):
    passed = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = libc.syscall(ctypes.c_long(number), *passed)
    return "done" if result != -1 else errno.errorcode[ctypes.get_errno()]

def attempt(function, *arguments, **options):
    try:
        function(*arguments, **options)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    except BaseException as error:
        return type(error).__name__
    return "done"

@on(collector="attack")
def attack(msg):
    names = {"call": call, "attempt": attempt, "libc": libc, "ctypes": ctypes, "os": os, "msg": msg}
    exec(msg.text, names)
    return {"result": names["result"]}
"""

#: Stops the tick, so that nothing is raised in the run.
NO_CLOCK = "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0)\n"

CANARY = """
from kraken_hooks import on, state

@on(collector="canary")
def canary(msg):
    return "sings " + str(state.incr("songs"))
"""


class Walled(Broker):
    """Workers without the language's wall."""

    program = (sys.executable, str(HERE / "other_workers.py"), str(HERE / "without_language.py"))


class OnlyLandlock(Broker):
    """The same without the filter of system calls."""

    program = (
        sys.executable,
        str(HERE / "without.py"),
        {"x86_64": "317", "aarch64": "277"}[platform.machine()],
        *Walled.program,
    )


class OnlyProcess(Broker):
    """The same without Landlock either: the process wall alone."""

    program = (sys.executable, str(HERE / "without.py"), "444", *OnlyLandlock.program)


SETTINGS = {"KRAKENB_WORKERS": "per-file", "KRAKENB_HOOK_TIMEOUT": "0.2", "KRAKENB_REPLY_WAIT": "20"}


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    files = {"attack.py": ATTACK, "canary.py": CANARY}
    with Walled(tmp_path_factory.mktemp("walled"), files, KRAKENB_REQUIRE_LOCKDOWN="1", **SETTINGS) as started:
        yield started


class Canary:
    """Answers before, during and after; every song counts."""

    def __init__(self, broker: Broker) -> None:
        self.client = Client(broker.port)
        self.broker = broker
        self.pid = broker.pid
        self.songs = self.sing()

    def sing(self) -> int:
        text = self.client.send(collector="canary").text
        assert text.startswith("sings ")
        return int(text.split()[1])

    def check(self) -> None:
        """It goes on, with none of its songs lost or doubled."""
        self.songs += 1
        assert self.sing() == self.songs
        assert self.broker.pid == self.pid
        assert self.broker.process is not None
        assert self.broker.process.poll() is None


@pytest.fixture
def canary(broker):
    bird = Canary(broker)
    yield bird
    bird.check()
    bird.client.close()


def result_of(broker: Broker, code: str) -> object:
    """What the attack's code leaves in `result`."""
    reply = broker.client.send(code, collector="attack", content_type="text/plain")
    assert reply.kind == "attack", broker.lines("hook.failed")[-1:] + broker.lines("hook.killed")[-1:]
    return json.loads(reply.text)["result"]


def test_every_system_call_that_is_not_listed_is_refused_by_the_kernel(broker, canary):
    # 335 and 336 are never filtered: breakpoints of the kernel's own, an error or the end of the process anywhere else.
    listed = [335, 336, *(getattr(call, platform.machine()) for call in SYSCALLS)]
    code = f"result = {{n: call(n, 0, 0, 0, 0, 0, 0) for n in range(700) if n not in {listed}}}"
    found = result_of(broker, code)
    assert isinstance(found, dict)
    assert len(found) > 650
    assert set(found.values()) == {"EPERM"}


@pytest.mark.parametrize(
    ("what", "code"),
    {
        "reads a file": "result = attempt(open, '/etc/passwd')",
        "reads by descriptor of a directory": "result = attempt(os.open, '/', os.O_RDONLY | os.O_DIRECTORY)",
        "writes a file": "result = attempt(open, '/tmp/kraken-was-here', 'w')",
        "removes a file": "result = attempt(os.unlink, '/tmp/kraken-was-there')",
        "renames": "result = attempt(os.rename, '/tmp', '/tmp2')",
        "makes a directory": "result = attempt(os.mkdir, '/tmp/kraken-was-here')",
        "makes a link": "result = attempt(os.symlink, '/etc', '/tmp/kraken-was-here')",
        "changes rights": "result = attempt(os.chmod, '/tmp', 0o777)",
        "changes the owner": "result = attempt(os.chown, '/tmp', 0, 0)",
        "looks at a file": "result = attempt(os.stat, '/etc/passwd')",
        "lists a directory": "result = attempt(os.listdir, '/')",
        "changes its directory": "result = attempt(os.chdir, '/tmp')",
        "reads the broker's memory": "result = attempt(open, f'/proc/{BROKER}/mem', 'rb')",
        "reads the broker's environment": "result = attempt(open, f'/proc/{BROKER}/environ', 'rb')",
        "reads its own maps": "result = attempt(open, '/proc/self/maps')",
        "opens a TCP socket": "import socket; result = attempt(socket.socket, socket.AF_INET, socket.SOCK_STREAM)",
        "opens a UDP socket": "import socket; result = attempt(socket.socket, socket.AF_INET6, socket.SOCK_DGRAM)",
        "opens a Unix socket": "import socket; result = attempt(socket.socket, socket.AF_UNIX)",
        "opens a netlink socket": "import socket; result = attempt(socket.socket, 16, socket.SOCK_RAW)",
        "opens a raw socket": "import socket; result = attempt(socket.socket, socket.AF_PACKET, socket.SOCK_RAW)",
        "makes a pair of sockets": "import socket; result = attempt(socket.socketpair)",
        "forks": "result = attempt(os.fork)",
        "starts a program": "import subprocess; result = attempt(subprocess.run, ['/bin/true'])",
        "becomes a program": "result = attempt(os.execv, '/bin/true', ['true'])",
        "runs a shell": "import _posixsubprocess; result = attempt(os.posix_spawn, '/bin/true', ['true'], {})",
        "signals the broker": "import signal; result = attempt(os.kill, BROKER, signal.SIGTERM)",
        "signals itself": "import signal; result = attempt(os.kill, os.getpid(), signal.SIGSTOP)",
        "signals everybody": "import signal; result = attempt(os.kill, -1, signal.SIGKILL)",
        "signals its group": "import signal; result = attempt(os.killpg, 0, signal.SIGKILL)",
        "opens a handle of the broker": "result = attempt(os.pidfd_open, BROKER)",
        "makes a file in memory": "result = attempt(os.memfd_create, 'x')",
        "makes a pipe": "result = attempt(os.pipe)",
        "copies its pipe": "result = attempt(os.dup, 0)",
        "closes its pipe": "result = attempt(os.close, 0)",
        "changes its pipe": "import fcntl; result = attempt(fcntl.fcntl, 0, fcntl.F_SETFL, 0)",
        "types into a terminal": "import fcntl; result = attempt(fcntl.ioctl, 0, 0x5412, b'x')",
        "makes executable memory": "import mmap; result = attempt(mmap.mmap, -1, 4096, prot=7)",
        "becomes important": "result = attempt(os.setpriority, os.PRIO_PROCESS, 0, -20)",
        "goes to another core": "result = attempt(os.sched_setaffinity, 0, {0})",
        "becomes another user": "result = attempt(os.setuid, 1)",
        "asks for the limits of the broker": "import resource; result = attempt(resource.prlimit, BROKER, resource.RLIMIT_AS)",
        "ignores its tick": "import signal; result = attempt(signal.signal, signal.SIGALRM, signal.SIG_IGN)",
        "writes to the log's descriptor": "result = attempt(os.write, 1, b'x')",
        "reads its pipe as a file": "result = attempt(os.read, 0, 1)",
    }.items(),
    ids=lambda value: value if " " in value and "result" not in value else "",
)
def test_an_attack_is_refused_by_the_kernel(broker, canary, what, code):
    assert result_of(broker, f"BROKER = {broker.pid}\n{code}") == "EPERM", what
    assert not Path("/tmp/kraken-was-here").exists()


def test_no_thread_is_started(broker, canary):
    assert (
        result_of(broker, "import threading; result = attempt(threading.Thread(target=print).start)") == "RuntimeError"
    )


def test_memory_that_holds_code_does_not_run(broker, canary):
    """Machine code in ordinary memory, made executable or not: mprotect is refused, and a jump there ends the worker."""
    code = """
import mmap
page = mmap.mmap(-1, 4096)
page.write({"x86_64": bytes.fromhex("b82a000000c3"), "aarch64": bytes.fromhex("40058052c0035fd6")}[MACHINE])
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
result = "done" if libc.mprotect(ctypes.c_void_p(address), 4096, 5) == 0 else "refused"
"""
    assert result_of(broker, f"MACHINE = {platform.machine()!r}\n{code}") == "refused"
    jump = code + "result = ctypes.CFUNCTYPE(ctypes.c_int)(address)()"
    kills(broker, f"MACHINE = {platform.machine()!r}\n{jump}")


def kills(broker: Broker, code: str) -> dict:
    """The run ends with its worker, as a dead letter. Returns the log's line about the worker."""
    died = len(broker.lines("worker.died"))
    loads = len(broker.lines("hook.loaded"))
    broker.write("attack.py", ATTACK + f"\n# {died}\n")  # a changed file leaves quarantine
    broker.wait_for("hook.loaded", count=loads + 1)
    before = broker.count("dead")
    reply = broker.client.send(code, collector="attack", content_type="text/plain")
    assert reply.kind == "ack"
    wait_until(lambda: broker.count("dead") == before + 1, "the dead letter")
    return broker.wait_for("worker.died", count=died + 1)


def test_a_worker_that_aborts_harms_nobody(broker, canary):
    kills(broker, "os.abort()")


def test_a_worker_that_leaves_harms_nobody(broker, canary):
    kills(broker, "os._exit(0)")


def test_a_crash_of_the_interpreter_harms_nobody(broker, canary):
    kills(broker, "ctypes.string_at(0)")


@pytest.mark.machine
def test_a_call_by_numbers_of_another_architecture_ends_the_worker(broker, canary):
    if platform.machine() != "x86_64":
        pytest.skip("x32 is x86-64's")
    kills(broker, "call(0x40000000 | 39)")


def test_noise_in_the_pipe_ends_the_worker(broker, canary):
    line = kills(broker, f"{NO_CLOCK}libc.send(0, b'\\xff' * 100, 100, 0)\nwhile True: pass")
    assert "broke the protocol" in line["reason"]


def test_a_pipe_that_is_filled_ends_the_worker(broker, canary):
    line = kills(broker, f"{NO_CLOCK}block = bytes(65536)\nwhile True: libc.send(0, block, 65536, 0)")
    assert "broke the protocol" in line["reason"]


def test_frames_without_end_end_the_worker(broker, canary):
    code = """
from kraken_hooks.wire import Done, encode
flood = encode(Done(1, [], True)) * 5000
while True: libc.send(0, flood, len(flood), 0)
"""
    assert "broke the protocol" in kills(broker, NO_CLOCK + code)["reason"]


def test_a_worker_that_takes_frames_away_from_itself_ends(broker, canary):
    line = kills(broker, f"{NO_CLOCK}page = ctypes.create_string_buffer(10)\nwhile True: libc.recv(0, page, 10, 0)")
    assert "did not end" in line["reason"]


def test_a_worker_that_stops_its_clock_ends_by_the_broker(broker, canary):
    line = kills(broker, f"{NO_CLOCK}while True: pass")
    assert "did not end" in line["reason"]


def test_a_worker_that_lies_about_what_it_does_ends_by_the_broker(broker, canary):
    """The progress page says that it is idle, has just begun, or nonsense."""
    lie = """
import gc, signal
(worker,) = [one for one in gc.get_objects() if type(one).__name__ == "Worker"]
signal.setitimer(signal.ITIMER_REAL, 0)
progress = worker._progress
while True:
    {lie}
"""
    idle, just_begun, nonsense, empty = (
        "progress.note(0, 0, 0, 0.0)",
        "progress.note(2, 2**64 - 1, 0, float('inf'))",
        "progress.note(9, 0, 0, float('nan'))",
        "progress._page[:] = bytes(len(progress._page))",
    )
    for said in (idle, just_begun, nonsense, empty):
        code = lie.replace("{lie}", said)
        line = kills(broker, code)
        assert "did not end" in line["reason"]


def test_a_worker_that_asks_for_ever_ends_by_the_broker(broker, canary):
    code = """
import gc, signal
from kraken_hooks import store
signal.setitimer(signal.ITIMER_REAL, 0)
(worker,) = [one for one in gc.get_objects() if type(one).__name__ == "Worker"]
worker._limit = 1e9
while True:
    worker._progress.note(0, 0, 0, 0.0)
    store.last("env", "temp")
"""
    line = kills(broker, code)
    assert "did not end" in line["reason"]


def test_memory_ends_at_its_limit(broker, canary):
    """A run that has no memory in a worker of its own is guilty: its worker ends, the dead letter says why."""
    kills(broker, "hoard = []\nwhile True: hoard.append(bytes(10_000_000))")


# ── parts of the walls alone ──


@pytest.fixture(scope="module")
def landlock_only(tmp_path_factory):
    files = {"attack.py": ATTACK, "canary.py": CANARY}
    with OnlyLandlock(tmp_path_factory.mktemp("landlock"), files, **SETTINGS) as started:
        yield started


def test_landlock_alone_keeps_files_and_signals(landlock_only, tmp_path):
    broker, bird = landlock_only, Canary(landlock_only)
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    victim.chmod(0o666)
    (missing,) = broker.lines("worker.lockdown_missing")[0]["missing"]
    assert missing.startswith("seccomp")
    for code, errors in {
        f"result = attempt(os.unlink, {str(victim)!r})": {"EACCES"},
        f"result = attempt(os.truncate, {str(victim)!r}, 0)": {"EACCES"},
        f"result = attempt(os.rename, {str(victim)!r}, {str(victim) + '2'!r})": {"EACCES"},
        f"result = attempt(os.mkdir, {str(tmp_path / 'new')!r})": {"EACCES"},
        f"result = attempt(os.symlink, '/', {str(tmp_path / 'new')!r})": {"EACCES"},
        f"result = attempt(open, {str(victim)!r})": {"EACCES", "EMFILE"},
        f"import signal; result = attempt(os.kill, {broker.pid}, signal.SIGKILL)": {"EPERM"},
        f"import signal; result = attempt(os.kill, {broker.fork_server}, signal.SIGKILL)": {"EPERM"},
    }.items():
        assert result_of(broker, code) in errors, code
    assert victim.read_text() == "as it was"
    bird.check()


def test_the_process_wall_alone_keeps_descriptors(tmp_path):
    """No new descriptor, even where the pipe's place is free: no file is opened, no socket, nothing in memory."""
    with OnlyProcess(tmp_path, {"attack.py": ATTACK, "canary.py": CANARY}, **SETTINGS) as broker:
        bird = Canary(broker)
        assert len(broker.lines("worker.lockdown_missing")[0]["missing"]) == 2
        code = """
import socket, resource
before = [attempt(open, "/etc/passwd"), attempt(socket.socket), attempt(os.memfd_create, "x"), attempt(os.pipe)]
result = before + [str(dict(os.environ).get("PATH")), resource.getrlimit(resource.RLIMIT_NOFILE)[1]]
"""
        assert result_of(broker, code) == ["EMFILE"] * 4 + ["None", 0]
        bird.check()
