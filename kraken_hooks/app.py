"""The composition root: the only file that names the concrete parts and puts them together into a broker."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import os
import resource
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from kraken_hooks import logs, settings
from kraken_hooks.control.door import Door
from kraken_hooks.delivery.courier import Courier, start_couriers
from kraken_hooks.engine.committer import Committer
from kraken_hooks.engine.engine import Engine, Limits
from kraken_hooks.errors import KrakenError, SettingsError, StateInUse, StorageDamaged, StorageGone
from kraken_hooks.memory import give_back_forever
from kraken_hooks.notify import Notifier
from kraken_hooks.outbox import rescue
from kraken_hooks.outbox.base import Keep, Transaction
from kraken_hooks.outbox.sqlite import SqliteOutbox
from kraken_hooks.overview import Overview
from kraken_hooks.rehearsal import configure, queries
from kraken_hooks.reload.catalog import Catalog
from kraken_hooks.reload.watcher import Watcher
from kraken_hooks.server.room import AT_WORK, Room, share_of_memory
from kraken_hooks.server.service import Server
from kraken_hooks.settings import Settings
from kraken_hooks.sinks import registry, store
from kraken_hooks.workers.pool import Pool

log = logs.get()

#: Name of the database in the state directory.
DATABASE: Final = "kraken.db"
#: Open connections and files that the broker asks the system for.
_DESCRIPTORS: Final = 65_536
#: Calls that run get so long at a stop, couriers after them, seconds; together less than the 5 s that a stop may take.
_CALLS_GRACE: Final = 2.5
_COURIERS_GRACE: Final = 1.5
#: Signals that stop the broker; all that it acts on.
_STOPS: Final = (signal.SIGTERM, signal.SIGINT)
_SIGNALS: Final = (*_STOPS, signal.SIGHUP)
#: Nanoseconds of a day.
_DAY: Final = 86_400_000_000_000
#: Commits follow each other no closer under load, seconds. A disk that syncs each of them takes its own time.
_WINDOW: Final = {"safe": 0.0, "relaxed": 0.01}
#: Saving a damaged database goes on while systemd hears within so many seconds that it does.
_RESCUE_STEP: Final = 60


def settings_from(environment: Mapping[str, str], overrides: Mapping[str, str]) -> Settings:
    """All settings, with the sections of all sinks.

    Raises:
        SettingsError: with every problem.
    """
    sections = {kind.name: kind.section for kind in registry.SINKS if kind.section is not None}
    return settings.read(environment, sections, overrides)


def serve(chosen: Settings) -> int:
    """Run the broker until it is told to stop. Returns the exit status."""
    logs.configure(debug=chosen.debug, environment=os.environ)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there are hook files to look at
    _allow_many_connections()
    try:
        with _held(_state_dir(chosen.state_dir)):
            asyncio.run(_serve(chosen))
    except KrakenError as error:
        log.error("broker.failed", reason=str(error), remedy=error.remedy)
        return error.exit_code
    finally:
        for number in _SIGNALS:  # one that comes now would end the process as if it had failed
            signal.signal(number, signal.SIG_IGN)
    log.info("broker.stopped")
    return 0


async def _serve(chosen: Settings) -> None:
    started = time.monotonic()
    log.info("broker.starting", hooks_dir=str(chosen.hooks_dir), state_dir=str(chosen.state_dir))
    notifier = Notifier(os.environ)
    stop = _Stop()
    _on_signals(stop.set, *_STOPS)
    async with _engine(chosen, notifier, stop) as (engine, catalog, overview):
        server = Server(engine, Room(AT_WORK, share_of_memory()))
        _on_signals(lambda: _rescan(catalog), signal.SIGHUP)
        # What is there now stays: to look through it for garbage, now and then, holds all calls up for 15 ms and more.
        gc.collect()
        gc.freeze()
        port = await server.start(chosen.grpc_host)
        door = Door(overview, chosen.state_dir)
        await door.open()
        for name in chosen.unknown:
            log.warning("settings.unknown", variable=name)
        log.info("broker.ready", host=chosen.grpc_host, port=port, seconds=round(time.monotonic() - started, 3))
        notifier.send("READY=1")
        async with _beside(give_back_forever()), _watchdog(notifier):
            await stop.wait()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        log.info("broker.stopping")
        notifier.send("STOPPING=1")
        engine.acknowledge_within(_CALLS_GRACE / 2)
        await door.close()
        await server.stop(_CALLS_GRACE)
        if stop.failure is not None:
            raise stop.failure


class _Stop:
    """Set when the broker has to end. `failure`: why it cannot go on; None: it was told to."""

    def __init__(self) -> None:
        self.failure: KrakenError | None = None
        self._set = asyncio.Event()

    def set(self, failure: KrakenError | None = None) -> None:
        self.failure = self.failure or failure
        self._set.set()

    async def wait(self) -> None:
        await self._set.wait()


@asynccontextmanager
async def _engine(chosen: Settings, notifier: Notifier, stop: _Stop) -> AsyncIterator[tuple[Engine, Catalog, Overview]]:
    """Storage, workers, engine, couriers and hook files, started in this order and stopped in the other."""
    couriers: dict[str, Courier] = {}
    loop = asyncio.get_running_loop()
    engine: Engine | None = None

    def wake(sinks: set[str]) -> None:
        for name in sinks & couriers.keys():
            couriers[name].wake()

    def changed_outside() -> None:
        assert engine is not None
        engine.changed_outside()
        wake(set(couriers))

    def end(failure: KrakenError) -> None:
        if engine is not None:
            engine.give_up(failure)
        stop.set(failure)

    def damaged(failure: KrakenError) -> None:
        """Called in any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(end, failure)

    async with contextlib.AsyncExitStack() as stack:
        outbox = stack.enter_context(_storage(chosen, notifier, damaged))
        keep = _keep(chosen)
        committer = Committer(outbox, keep, wake, changed_outside, end, window=_WINDOW[chosen.durability])
        pool = Pool(configure(chosen), chosen.workers, registry.check)
        committer.start()
        stack.push_async_callback(asyncio.to_thread, committer.stop)
        limits = Limits(chosen.reply_wait, chosen.outbox_max_mb * 2**20, keep.droppable)
        engine = Engine(pool, outbox, committer, store, queries(chosen, outbox), limits)
        waiting = outbox.waiting()
        if waiting:
            log.info("inbox.waiting", messages=waiting)
        stack.push_async_callback(pool.close)
        await pool.start(engine)
        stack.push_async_callback(engine.close)
        catalog = Catalog(
            chosen.hooks_dir,
            pool,
            engine,
            lambda file, source: _ignore(committer.settle(Transaction(last_good={file: source}))),
            outbox.last_good(),
        )
        watcher = Watcher(chosen.hooks_dir, lambda: _refresh_soon(loop, catalog))
        await catalog.refresh()
        couriers.update(start_couriers(registry.SINKS, chosen.sections, outbox, committer.settle))
        wake(set(couriers))  # for what was committed while they started
        stack.push_async_callback(_stop_couriers, couriers)
        stack.push_async_callback(_end_tasks)
        watcher.start()
        stack.push_async_callback(asyncio.to_thread, watcher.stop)
        yield engine, catalog, Overview(chosen, outbox, committer, pool, engine, catalog, couriers)
        engine.stop_taking()


@contextmanager
def _storage(chosen: Settings, notifier: Notifier, damaged: Callable[[KrakenError], None]) -> Iterator[SqliteOutbox]:
    """The open database: a damaged one is saved first. One that turns out so later is noted for the next start."""
    path = _state_dir(chosen.state_dir) / DATABASE

    relaxed = chosen.durability == "relaxed"

    def alive() -> None:
        notifier.send(f"EXTEND_TIMEOUT_USEC={_RESCUE_STEP * 1_000_000}")

    rescue.make_ready(path, alive)
    try:
        outbox = SqliteOutbox(path, relaxed=relaxed)
    except StorageDamaged as damage:
        rescue.note_damage(path, str(damage))
        rescue.make_ready(path, alive)
        outbox = SqliteOutbox(path, relaxed=relaxed)
    outbox.on_damage = damaged
    with contextlib.closing(outbox):
        try:
            yield outbox
        except StorageGone:
            raise  # there is nothing to save
        except StorageDamaged as damage:
            rescue.note_damage(path, str(damage))
            raise
    rescue.ended_well(path)


def _keep(chosen: Settings) -> Keep:
    drops = chosen.outbox_full == "drop-oldest"
    return Keep(
        store_age=round(chosen.store_max_days * _DAY),
        store_bytes=chosen.store_max_mb * 2**20,
        dead_age=round(chosen.dead_max_days * _DAY),
        dead_bytes=chosen.dead_max_mb * 2**20,
        queued_bytes=chosen.outbox_max_mb * 2**20 if drops else 0,
        droppable=chosen.outbox_drop if drops else frozenset(),
    )


def _state_dir(directory: Path) -> Path:
    """The state directory, made where it is missing, private to the user of the service.

    Raises:
        SettingsError: it cannot be made or written.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        reason = "" if os.access(directory, os.W_OK | os.X_OK) else "no permission to write"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise SettingsError([f"KRAKENB_STATE_DIR: {directory} cannot be used: {reason}"])
    return directory


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    """The state directory is this broker's alone until the process ends, however it ends.

    Raises:
        StateInUse: another broker has it.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StateInUse(f"another broker runs on the state directory {directory}") from None
    except OSError:
        pass  # a file system without locks
    try:
        yield
    finally:
        os.close(descriptor)


def _allow_many_connections() -> None:
    """Collectors open a connection for every message: as many as the system lets this process have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if most == resource.RLIM_INFINITY else min(most, _DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _on_signals(act: Callable[[], None], *numbers: int) -> None:
    """Not with the loop's own handlers: those are gone while it is closed, when a late signal would end the process."""
    loop = asyncio.get_running_loop()

    def came(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(act)

    for number in numbers:
        signal.signal(number, came)


def _rescan(catalog: Catalog) -> None:
    log.info("broker.rescan")
    _start(catalog.refresh(force=True))


def _refresh_soon(loop: asyncio.AbstractEventLoop, catalog: Catalog) -> None:
    """Called in the watch thread."""
    with contextlib.suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(lambda: _start(catalog.refresh()))


_tasks: set[asyncio.Task[None]] = set()


def _start(work: Coroutine[None, None, None]) -> None:
    """Run it to its end in the background; a failure is logged, not lost."""
    task = asyncio.get_running_loop().create_task(work)
    _tasks.add(task)
    task.add_done_callback(_ended)


async def _end_tasks() -> None:
    """What runs in the background ends now."""
    for task in _tasks:
        task.cancel()
    await asyncio.gather(*_tasks, return_exceptions=True)


def _ended(task: asyncio.Task[None]) -> None:
    _tasks.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("broker.task_failed", error=f"{type(error).__name__}: {error}", exc_info=error)


@asynccontextmanager
async def _watchdog(notifier: Notifier) -> AsyncIterator[None]:
    """Signs of life to systemd, from the event loop: a loop that hangs stops them."""
    if notifier.watchdog is None:
        yield
        return

    async def live(period: float) -> None:
        while True:
            notifier.send("WATCHDOG=1")
            await asyncio.sleep(period)

    async with _beside(live(notifier.watchdog)):
        yield


@asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """It goes on meanwhile."""
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(_ended)
    try:
        yield
    finally:
        task.cancel()


def _ignore(future: Future[None]) -> None:
    """A last good source that could not be kept costs nothing now; the committer has logged why."""
    future.add_done_callback(lambda done: done.exception())


async def _stop_couriers(couriers: dict[str, Courier]) -> None:
    await asyncio.gather(*(asyncio.to_thread(courier.stop, _COURIERS_GRACE) for courier in couriers.values()))
