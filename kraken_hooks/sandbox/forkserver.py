"""The fork server: one prepared process from which every worker is forked in about a millisecond.

It is a fresh interpreter with an empty environment that imports what workers need and never sees a message, a secret or
a hook. Over a Unix socket the broker sends it the worker's end of a pipe and a progress page; it answers with the new
process's id and a pidfd. When the broker is gone, it kills its workers and ends. One thread.
"""

from __future__ import annotations

import gc
import mmap
import os
import select
import signal
import socket
from typing import Final

from kraken_hooks import progress
from kraken_hooks.sandbox import loader
from kraken_hooks.sandbox.kernel import Wall
from kraken_hooks.sandbox.main import main as worker_main
from kraken_hooks.sandbox.preloading import forget_paths

#: The descriptor of the control socket. Its first bytes are the import paths; `workers.spawner` has the program's start.
CONTROL: Final = 0


def main() -> None:
    """Serve until the broker closes the control socket."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _name_process("kraken-forks")
    loader.preload()
    forget_paths()
    wall = Wall()
    gc.collect()
    gc.freeze()  # keeps the collector from touching, and so copying, what all workers share
    _Server(socket.socket(fileno=CONTROL), wall).serve()
    os._exit(0)  # there is nothing to tidy up, and the interpreter would take its time


class _Server:
    def __init__(self, control: socket.socket, wall: Wall) -> None:
        self._control = control
        self._wall = wall
        self._children: set[int] = set()

    def serve(self) -> None:
        woken, wake = socket.socketpair()
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._control.sendall(b"!")  # ready
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(woken, select.POLLIN)
        while True:
            for number, _ in poll.poll():
                if number == woken.fileno():
                    woken.recv(4096)
                    self._reap()
                elif not self._fork_one():
                    self._end()
                    return

    def _fork_one(self) -> bool:
        """Fork a worker for the descriptors that arrived. False where the broker has gone."""
        data, fds, _, _ = socket.recv_fds(self._control, 1, 2)
        if not data:
            return False
        pipe, page = fds
        child = os.fork()
        if child == 0:
            self._become_worker(pipe, page)
        self._children.add(child)
        os.close(pipe)
        os.close(page)
        pidfd = os.pidfd_open(child)
        socket.send_fds(self._control, [child.to_bytes(4, "little")], [pidfd])
        os.close(pidfd)
        return True

    def _become_worker(self, pipe: int, page: int) -> None:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _name_process("kraken-worker")
            worker_main(pipe, mmap.mmap(page, progress.SIZE), self._wall)
        finally:
            os._exit(1)

    def _reap(self) -> None:
        try:
            while (child := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                self._children.discard(child)
        except ChildProcessError:
            self._children.clear()

    def _end(self) -> None:
        signal.set_wakeup_fd(-1)  # the death of the children wakes nobody any more
        for child in self._children:
            os.kill(child, signal.SIGKILL)


def _name_process(name: str) -> None:
    """What `ps` and `top` show (at most 15 characters)."""
    with open("/proc/self/comm", "w") as file:
        file.write(name)
