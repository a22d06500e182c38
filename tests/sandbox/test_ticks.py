"""The tick of the time limit writes what there is; it may come again before it has ended."""

from __future__ import annotations

import mmap
import socket
import sys

from kraken_hooks.outcome import Outcome, RunStatus
from kraken_hooks.progress import SIZE, Activity, Doing, Progress, read
from kraken_hooks.sandbox.main import Worker
from kraken_hooks.wire import BrokerReader, Done, Loaded


class SlowSocket(socket.socket):
    """A pipe on a machine that is so busy that the next tick comes while a write ends."""

    worker: Worker | None = None

    def sendall(self, data, flags=0):
        super().sendall(data, flags)
        worker, self.worker = self.worker, None
        if worker is not None:
            worker._tick(0, None)


class TickingProgress(Progress):
    """The tick comes while the page is written."""

    worker: Worker | None = None

    def note(self, activity, number, index, since):
        if self.worker is not None:
            self.worker._tick(0, sys._getframe())
        super().note(activity, number, index, since)


def test_a_tick_within_a_tick_sends_nothing_twice():
    ours, theirs = socket.socketpair()
    with ours, SlowSocket(fileno=theirs.detach()) as pipe:
        worker = Worker(pipe, Progress(mmap.mmap(-1, SIZE)))
        pipe.worker = worker
        worker._limit, worker._started, worker._job = 1e9, 0.0, 7
        worker._outcomes = [Outcome("a.py:f", RunStatus.OK)]
        worker._send(Loaded(1, []))
        worker._in_hook = True
        worker._tick(0, None)
        worker._tick(0, None)
        reader, found = BrokerReader(), []
        reader.feed(ours.recv(65536, socket.MSG_DONTWAIT))
        while (frame := reader.next()) is not None:
            found.append(frame)
    assert [type(frame) for frame in found] == [Loaded, Done]
    assert worker._in_hook


def test_a_tick_after_the_limit_does_not_end_what_is_noted_of_garbage():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        page = mmap.mmap(-1, SIZE)
        worker = Worker(theirs, TickingProgress(page))
        worker._in_hook, worker._limit = True, -1.0
        worker._note(Activity.RUNNING, 7, 1)
        worker._progress.worker = worker
        worker._start_ticking = lambda: worker._tick(0, sys._getframe(1))
        worker._on_garbage("start", {})
        assert read(page) == Doing(Activity.COLLECTING, 7, 0, worker._collecting)
        worker._on_garbage("stop", {})
        assert read(page) == Doing(*worker._doing)
