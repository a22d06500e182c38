"""One worker process as the broker sees it: frames out, frames in, what it does now, its end. Runs on the event loop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable
from typing import Final

from kraken_hooks import logs, progress
from kraken_hooks.errors import WorkerProtocolError
from kraken_hooks.wire import Answer, BrokerReader, FromWorker, Load, Run, ToWorker, encode
from kraken_hooks.workers.spawner import Spawned

log = logs.get()

_READ: Final = 256 * 1024  # bytes
#: What a pipe gave, for a moment; the event loop reads one pipe after the other. Made once: a buffer of this size for each
#: read would be asked of the system and given back each time.
_read_buffer: Final = memoryview(bytearray(_READ))


class WorkerProcess:
    """Owns the pipe and the pidfd. `on_frame` is called for each frame, `on_end` once, with the reason."""

    def __init__(self, spawned: Spawned, on_frame: Callable[[FromWorker], None], on_end: Callable[[str], None]) -> None:
        self.pid = spawned.pid
        self._pipe = spawned.pipe
        self._pidfd = spawned.pidfd
        self._progress = spawned.progress
        self._on_frame = on_frame
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._reader = BrokerReader()
        self._out = bytearray()
        self._written = 0  # bytes so far
        # Of each answer: where its end stands in all that is written, and its bytes.
        self._answers: deque[tuple[int, int]] = deque()
        self._flushing = False
        self._writing = False
        self._has_work = False  # what is queued holds frames that the worker answers
        self._awaiting = False  # such frames have been written, and nothing has come back since
        self._ended = False
        self._loop.add_reader(self._pipe, self._readable)

    def send(self, frame: ToWorker) -> None:
        """Queue a frame that the worker gets to when it has done what it has.

        Frames go out together: at the end of this turn of the event loop, or while the worker is busy as soon as it reports.
        So one write and one read are shared by many messages when there is much to do, and none waits when there is not.
        """
        self._out += encode(frame)
        self._has_work = self._has_work or type(frame) is Run or type(frame) is Load
        if not self._flushing and not self._awaiting:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def send_now(self, frame: ToWorker) -> None:
        """The same for a frame that the worker waits for, or that overtakes what it has."""
        self._out += encode(frame)
        self.hurry()

    def answer(self, frame: Answer) -> None:
        """The same for the answer of a query; see `unread`."""
        before = len(self._out)
        self.send_now(frame)
        self._answers.append((self._written + len(self._out), len(self._out) - before))

    @property
    def unread(self) -> int:
        """Bytes of answers that are still on this side of the pipe: it does not read them."""
        while self._answers and self._answers[0][0] <= self._written:
            self._answers.popleft()
        return sum(size for _, size in self._answers)

    def hurry(self) -> None:
        """Write what is queued, whatever the worker is doing."""
        self._has_work = self._awaiting = False
        if self._out and not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def doing(self) -> progress.Doing:
        """What it does now, as far as it can be believed."""
        return progress.read(self._progress)

    def kill(self, reason: str) -> None:
        """End it at once. `on_end` is called before this returns."""
        if not self._ended:
            try:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has ended by itself
            self._end(reason)

    def close(self) -> None:
        """Let it end by itself: it sees the end of its pipe. `on_end` is not called."""
        if not self._ended:
            self._ended = True
            self._release()

    # ── the pipe ──

    def _flush(self) -> None:
        self._flushing = False
        if self._ended or not self._out or self._writing:
            return
        try:
            sent = self._pipe.send(self._out)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # the end of the pipe shows when it is read
        del self._out[:sent]
        self._written += sent
        self._awaiting, self._has_work = self._has_work, False
        if self._out:
            self._writing = True
            self._loop.add_writer(self._pipe, self._writable)

    def _writable(self) -> None:
        self._loop.remove_writer(self._pipe)
        self._writing = False
        self._flush()

    def _readable(self) -> None:
        try:
            size = self._pipe.recv_into(_read_buffer)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if not size:
            self._end("it ended by itself")
            return
        self._awaiting = False
        self._reader.feed(_read_buffer[:size])
        try:
            while not self._ended and (frame := self._reader.next()) is not None:
                self._on_frame(frame)
        except WorkerProtocolError as error:
            self.kill(f"it broke the protocol: {error}")
        except Exception as error:  # what a worker sent must never end the loop's turn half done
            log.exception("worker.frame_failed", pid=self.pid, error=type(error).__name__)
            self.kill(f"what it sent could not be dealt with: {type(error).__name__}")
        if not self._flushing:
            self._flush()

    def _end(self, reason: str) -> None:
        self._ended = True
        self._release()
        self._on_end(reason)

    def _release(self) -> None:
        self._loop.remove_reader(self._pipe)
        if self._writing:
            self._loop.remove_writer(self._pipe)
        self._pipe.close()
        os.close(self._pidfd)
