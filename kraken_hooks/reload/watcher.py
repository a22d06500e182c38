"""Notices that something in the hooks directory has changed.

Notifications of the system (watchdog) make it quick; a look every few seconds catches file systems without them. Several
changes close together are told once. The watch thread calls back; watchdog has threads of its own that only wake it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from kraken_hooks import logs
from kraken_hooks.reload.scan import fingerprint

log = logs.get()

#: Quiet time after a change before it is told, and how long changes that follow each other may put that off, seconds.
DEBOUNCE: Final = 0.05
_LONGEST: Final = 0.5
#: How often the directory is looked at without any notification, seconds.
POLL: Final = 2.0

#: What is listened to: in the directory, and in the one above, where only the directory's own name matters. The system is
#: asked for nothing else, so that a busy neighbour wakes nobody.
_INSIDE: Final[list[type[FileSystemEvent]]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
_ABOVE: Final[list[type[FileSystemEvent]]] = [
    FileCreatedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]


class Watcher:
    """Calls `on_change` in the watch thread, never twice at once; also for what has changed between it was made and started."""

    def __init__(
        self, directory: Path, on_change: Callable[[], None], *, poll: float = POLL, notifications: bool = True
    ) -> None:
        self._directory = directory
        self._on_change = on_change
        self._poll = poll
        self._notifications = notifications
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._observer: BaseObserver | None = None
        self._watched: tuple[str, ...] = ()
        self._seen = fingerprint(directory)
        self._thread = threading.Thread(target=self._work, name="watch", daemon=True)

    def start(self) -> None:
        """Watch from now on."""
        self._watch()
        self._thread.start()

    def stop(self) -> None:
        """End and wait until it has ended."""
        self._stopping.set()
        self._changed.set()
        self._thread.join()
        self._unwatch()

    def _work(self) -> None:
        while not self._stopping.is_set():
            if self._changed.wait(self._poll):
                self._let_settle()
            try:
                self._look()
            except Exception as error:  # a bug must not end the thread: the next look may be better
                log.exception("broker.task_failed", error=f"{type(error).__name__}: {error}")

    def _look(self) -> None:
        self._watch()
        now = fingerprint(self._directory)
        if now != self._seen:
            self._on_change()
            self._seen = now

    def _let_settle(self) -> None:
        """Wait until nothing has changed for a moment, at most half a second."""
        latest = time.monotonic() + _LONGEST
        while self._changed.is_set() and not self._stopping.is_set() and time.monotonic() < latest:
            self._changed.clear()
            self._changed.wait(DEBOUNCE)
        self._changed.clear()

    # ── notifications ──

    def _watch(self) -> None:
        """Have the system tell of changes. The directory may be a link that is changed for another, or not be there yet: then
        what is watched moves.
        """
        if not self._notifications:
            return
        wanted = tuple(dict.fromkeys(filter(os.path.isdir, self._places())))  # false too where it may not be looked at
        if wanted == self._watched:
            return
        self._unwatch()
        try:
            observer = Observer()
            inside = _resolved(self._directory)
            for place in wanted:
                listened = _INSIDE if place == inside else _ABOVE
                observer.schedule(_Wake(self._changed), place, event_filter=listened)
            observer.start()
        except OSError as error:  # no inotify instances left, or none at all
            log.warning("reload.polling", directory=str(self._directory), reason=str(error), seconds=self._poll)
            self._notifications = False
            return
        self._observer, self._watched = observer, wanted
        self._changed.set()  # what happened between the last look and now

    def _places(self) -> list[str]:
        """The directory itself, and the one in which its name can be changed for another."""
        return [_resolved(self._directory), _resolved(self._directory.absolute().parent)]

    def _unwatch(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer, self._watched = None, ()


def _resolved(path: Path) -> str:
    """Where a path leads, as far as it can be followed: links in a circle too, over which `Path.resolve` may fail."""
    return os.path.realpath(path)


class _Wake(FileSystemEventHandler):
    """Runs in watchdog's thread."""

    def __init__(self, changed: threading.Event) -> None:
        self._changed = changed

    def on_any_event(self, _event: FileSystemEvent) -> None:
        self._changed.set()
