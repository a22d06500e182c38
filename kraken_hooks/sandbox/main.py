"""A worker process: reads frames from its pipe, loads hook files, runs hooks, one after the other, in one thread.

Several outcomes go into one write: they wait in a buffer until there is nothing more to do, or until the next run has
taken a tick (5 ms). The same tick enforces the soft time limit: it raises `HookTimeout` inside the hook, again and
again until the hook has ended.

Python collects garbage in whatever run is going on, and ends then what other files have left behind: a generator's `finally`
runs. It gets a tick, and its time is not the run's.
"""

from __future__ import annotations

import gc
import mmap
import os
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from types import FrameType
from typing import Final

import msgspec

from kraken_hooks.api import run as current_run
from kraken_hooks.api.answer import to_reply
from kraken_hooks.api.msg import Msg, NotJson, parse_json
from kraken_hooks.api.on import Registered
from kraken_hooks.api.run import MAX_STATE_BYTES, Run
from kraken_hooks.errors import HookUsageError
from kraken_hooks.message import Message, Reply
from kraken_hooks.outcome import Outcome, Problem, RunError, RunStatus
from kraken_hooks.progress import Activity, Progress
from kraken_hooks.routing.patterns import field_matches, lookup
from kraken_hooks.sandbox import limits, loader
from kraken_hooks.sandbox.done import add_done, stored_size
from kraken_hooks.sandbox.explain import explain
from kraken_hooks.sandbox.guards import HookTimeout
from kraken_hooks.sandbox.kernel import Wall
from kraken_hooks.wire import (
    Answer,
    Configure,
    Forget,
    FromWorker,
    Load,
    Loaded,
    LoadFailed,
    Query,
    Ready,
    SetState,
    ToWorker,
    Unload,
    WorkerReader,
    append,
)
from kraken_hooks.wire import Run as RunFrame

_TICK: Final = 0.005  # seconds
_READ: Final = 256 * 1024  # bytes
#: So many calls deep goes what notes garbage, itself counted.
_NOTING: Final = 3


@dataclass(frozen=True, slots=True)
class _Version:
    file: loader.LoadedFile
    hooks: dict[str, Registered]


class _Unwanted(Enum):
    UNWANTED = 1


_UNWANTED: Final = _Unwanted.UNWANTED


def main(pipe: int, page: mmap.mmap, wall: Wall) -> None:
    """Serve until the pipe ends. Called in a freshly forked process; never returns to the fork server's code."""
    used = limits.used_address_space()
    limits.isolate(pipe)
    worker = Worker(socket.socket(fileno=limits.PIPE), Progress(page))
    try:
        worker.serve(wall, used)
    finally:
        os._exit(0)


class Worker:
    """What one worker process knows and does."""

    def __init__(self, pipe: socket.socket, progress: Progress) -> None:
        self._pipe = pipe
        self._progress = progress
        self._reader = WorkerReader()
        self._frames: deque[ToWorker] = deque()
        self._in = memoryview(bytearray(_READ))
        self._out = bytearray()
        self._sinks: dict[str, str] = {}
        self._limit = 1.0
        self._boot = ""
        self._versions: dict[int, _Version] = {}
        self._states: dict[str, dict[str, object]] = {}
        self._queries = 0
        # The timer goes on from message to message; the first tick that finds nothing to do stops it.
        self._idle = False
        self._ticking = False
        # What the tick looks at: a hook is running (and may be interrupted), since when, what the job has so far.
        self._in_hook = False
        self._started = 0.0
        self._job = 0
        self._outcomes: list[Outcome] = []
        # What the progress page says where no garbage is collected; since when it is, and whether a stranger's code ran then.
        self._doing = (Activity.IDLE, 0, 0, 0.0)
        self._collecting = 0.0
        self._held_up = False

    def serve(self, wall: Wall, used: int) -> None:
        """Until the pipe ends. `used`: bytes of address space that are not the hooks'."""
        signal.signal(signal.SIGALRM, self._tick)
        gc.callbacks.append(self._on_garbage)
        frames = self._frames
        while not frames:
            if not self._read():
                return
        if not self._lock_down(wall, used):
            return
        self._start_ticking()
        while True:
            if frames:
                self._handle(frames.popleft())
                continue
            self._flush()
            self._idle = True
            more = self._read()
            self._idle = False
            if not more:
                return
            self._start_ticking()

    def _lock_down(self, wall: Wall, used: int) -> bool:
        """Say what holds. False where that is not enough."""
        configure = self._frames.popleft()
        assert type(configure) is Configure, "it is the first frame"
        self._sinks = configure.sinks
        self._limit = configure.timeout
        self._boot = configure.boot
        wall.files()
        limits.bound(used, configure.memory)
        wall.calls()
        self._send(Ready(wall.closed, wall.missing))
        self._flush()
        return not (configure.lockdown and wall.missing)

    # ── the pipe ──

    def _read(self, flags: int = 0) -> bool:
        """Take in what the pipe has. False at its end."""
        size = self._pipe.recv_into(self._in, 0, flags)
        self._reader.feed(self._in[:size])
        while (frame := self._reader.next()) is not None:
            if type(frame) is Unload:
                with self._letting_go():  # at once: runs of it further up in the queue are not started
                    self._versions.pop(frame.version, None)
            elif type(frame) is Forget:
                self._forget(frame.file)
            else:
                self._frames.append(frame)
        return bool(size)

    def _forget(self, file: str) -> None:
        """At once, with what is further up in the queue."""
        self._states.pop(file, None)
        for frame in [one for one in self._frames if isinstance(one, Load | SetState) and one.file == file]:
            self._frames.remove(frame)
        with self._letting_go():
            loader.forget(file)
            for number in [number for number, version in self._versions.items() if version.file.file == file]:
                del self._versions[number]

    def _read_what_is_there(self) -> None:
        try:
            self._read(socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass

    def _send(self, frame: FromWorker) -> None:
        append(self._out, frame)

    def _flush(self) -> None:
        if self._out:
            self._pipe.sendall(self._out)
            self._out.clear()

    # ── frames ──

    def _handle(self, frame: ToWorker) -> None:
        match frame:
            case RunFrame():
                self._run(frame)
            case Load():
                self._load(frame)
            case SetState():
                self._states[frame.file] = frame.state
            case Answer() | Unload() | Forget() | Configure():
                pass  # the answer came too late for its run; the others were done when they were read

    def _load(self, frame: Load) -> None:
        self._note(Activity.LOADING, frame.version, 0)
        if frame.state is not None:
            self._states[frame.file] = frame.state  # also where it does not load: other versions of the file may follow
        self._started = time.monotonic()
        self._in_hook = True
        try:
            loaded = loader.load(frame.source, frame.file)
        except HookTimeout:
            self._in_hook = False
            self._send(LoadFailed(frame.version, [_too_slow(self._limit)]))
        except loader.LoadError as error:
            self._in_hook = False
            self._send(LoadFailed(frame.version, error.problems))
        else:
            self._in_hook = False
            self._versions[frame.version] = _Version(loaded, {hook.spec.name: hook for hook in loaded.hooks})
            specs = [hook.spec for hook in loaded.hooks]
            self._send(Loaded(frame.version, specs, loaded.problems, loaded.logs))
        self._note(Activity.IDLE, 0, 0)

    def _run(self, frame: RunFrame) -> None:
        known = self._versions.get(frame.version)
        if known is None:
            return  # taken away from this worker; the broker has given the job to another
        self._job, self._outcomes = frame.job, []
        began = time.monotonic()
        for index, name in enumerate(frame.hooks):
            hook = known.hooks.get(name)
            if hook is None:
                continue  # the file registers other hooks than when it was first loaded
            payload = hook.spec.payload
            if payload and not _payload_matches(payload, frame.message):
                continue
            self._note(Activity.RUNNING, frame.job, index)
            outcome = self._run_hook(known.file, hook, frame.message)
            if outcome is not None:
                self._outcomes.append(outcome)
        self._note(Activity.IDLE, 0, 0)
        self._send_done(ended=True)
        if time.monotonic() - began > _TICK:
            self._read_what_is_there()  # what is queued here may have been given to another worker meanwhile

    def _run_hook(self, file: loader.LoadedFile, hook: Registered, message: Message) -> Outcome | None:
        """One run; None where `when=` does not want the message."""
        name = f"{file.file}:{hook.spec.name}"
        state = self._states.setdefault(file.file, {})
        run = Run(state, self._sinks, self._ask, message.received_at, self._boot)
        file.before_run()
        current_run.begin(run, file.mark)
        began = time.perf_counter()
        try:
            result = self._call(hook, Msg(message))
        except HookTimeout as timeout:
            self._in_hook = False
            where = explain(timeout)
            error = RunError("Timeout", f"took longer than {self._limit:g} s", where.line, where.traceback)
            return Outcome(name, RunStatus.TIMEOUT, logs=run.logs, error=error, duration=time.perf_counter() - began)
        finally:
            current_run.end()
        duration = time.perf_counter() - began
        if result is _UNWANTED:
            return None
        if isinstance(result, RunError):
            return Outcome(name, RunStatus.FAILED, logs=run.logs, error=result, duration=duration)
        if run.changed and (size := stored_size(run.changed)) > MAX_STATE_BYTES:
            error = RunError(
                "HookUsageError", f"the state changes by {size} bytes; at most {MAX_STATE_BYTES} in one run"
            )
            return Outcome(name, RunStatus.FAILED, logs=run.logs, error=error, duration=duration)
        state.update(run.changed)
        for key in run.deleted:
            state.pop(key, None)
        return Outcome(
            name, RunStatus.OK, result, run.effects, run.changed, list(run.deleted), run.logs, None, duration
        )

    def _call(self, hook: Registered, msg: Msg) -> Reply | RunError | _Unwanted | None:
        """Call the author's code, and all that can call back into it, under the time limit.

        Raises:
            HookTimeout: the limit has passed.
        """
        self._started = time.monotonic()
        self._in_hook = True
        try:
            if hook.when is not None and not hook.when(msg):
                return _UNWANTED
            return to_reply(hook.function(msg))
        except HookTimeout:
            raise
        except BaseException as error:  # whatever the author's code raises is the result of the run
            told = explain(error)
            return told if told.line else msgspec.structs.replace(told, line=hook.spec.line)
        finally:
            self._in_hook = False

    def _send_done(self, *, ended: bool) -> None:
        add_done(self._out, self._flush, self._job, self._outcomes, ended=ended)
        self._outcomes = []

    def _ask(self, name: str, args: dict[str, object]) -> object:
        """Put a query to the broker and wait for its answer, at most as long as the run may take.

        Raises:
            HookUsageError: the query failed; the text says why.
            HookTimeout: the run's time is over.
        """
        self._in_hook = False  # no interruption between reading the pipe and keeping what was read
        try:
            self._queries += 1
            self._send(Query(self._queries, self._job, name, args))
            self._flush()
            answer = self._wait_for(self._queries)
        finally:
            self._in_hook = True
        if answer.error:
            raise HookUsageError(f"{name}: {answer.error}")
        return answer.value

    def _wait_for(self, query: int) -> Answer:
        while True:
            left = self._started + self._limit - time.monotonic()
            if left <= 0:
                raise HookTimeout
            if not select.select([self._pipe], [], [], left)[0]:
                continue
            if not self._read():
                os._exit(0)
            for frame in self._frames:
                if type(frame) is Answer and frame.query == query:
                    self._frames.remove(frame)
                    return frame

    # ── the time limit ──

    def _start_ticking(self) -> None:
        if not self._ticking:
            self._ticking = True
            signal.setitimer(signal.ITIMER_REAL, _TICK, _TICK)

    def _tick(self, _signal: int, frame: FrameType | None) -> None:
        if _notes_garbage(frame):
            return  # else it would end there what has to be noted; the next tick is soon enough
        stranger = current_run.stranger(frame)
        if stranger is not None:
            self._end_soon(stranger)
            return
        if self._collecting:  # the run's own: it is to blame
            self._progress.note(*self._doing)
        if not self._in_hook:
            if self._idle:
                self._ticking = False
                signal.setitimer(signal.ITIMER_REAL, 0)
            return
        self._in_hook = False  # on a busy machine the next tick comes before this one has ended: nothing is sent twice
        try:
            if self._outcomes:
                self._send_done(ended=False)
            self._flush()
        finally:
            self._in_hook = True
        if time.monotonic() - self._started > self._limit:
            raise HookTimeout

    def _note(self, activity: Activity, number: int, index: int) -> None:
        self._collecting = 0.0
        self._doing = (activity, number, index, time.monotonic())
        self._progress.note(*self._doing)

    # ── what hook files leave behind ──

    def _on_garbage(self, phase: str, _info: dict[str, int]) -> None:
        """Python begins or ends to collect garbage; see `gc.callbacks`."""
        if phase == "start":
            self._held_up = False
            self._collecting = time.monotonic()
            self._blame(0)
            self._start_ticking()
            return
        if self._held_up and self._collecting:
            delay = time.monotonic() - self._collecting
            activity, number, index, since = self._doing
            self._started += delay
            self._doing = (activity, number, index, since + delay)
        self._collecting = 0.0
        self._progress.note(*self._doing)

    @contextmanager
    def _letting_go(self) -> Iterator[None]:
        """What is no longer needed of a file is garbage at once."""
        self._on_garbage("start", {})
        yield
        self._on_garbage("stop", {})

    def _end_soon(self, mark: object) -> None:
        """Another file's code runs in this run, or in none. It is nobody's run that ends here: Python drops what is raised.

        Raises:
            HookTimeout: it has had its tick.
        """
        self._held_up = True
        self._collecting = self._collecting or time.monotonic()
        self._blame(next((number for number, known in self._versions.items() if known.file.mark is mark), 0))
        if time.monotonic() - self._collecting > _TICK:
            raise HookTimeout

    def _blame(self, version: int) -> None:
        activity, number, _, _ = self._doing
        job = number if activity is Activity.RUNNING else 0
        self._progress.note(Activity.COLLECTING, job, version, self._collecting)


def _notes_garbage(frame: FrameType | None) -> bool:
    noting = Worker._on_garbage.__code__  # noqa: SLF001  # of this module
    for _ in range(_NOTING):
        if frame is None:
            return False
        if frame.f_code is noting:
            return True
        frame = frame.f_back
    return False


def _payload_matches(wanted: dict[str, list[object]], message: Message) -> bool:
    try:
        document = parse_json(message)
    except NotJson:
        return False
    return all(field_matches(patterns, lookup(document, path)) for path, patterns in wanted.items())


def _too_slow(limit: float) -> Problem:
    return Problem(0, 0, f"loading took longer than {limit:g} s", "do the work inside a hook, not at the top level")
