"""What a worker may still report. An honest one answers what it was sent, once, and says nothing else. Pure."""

from __future__ import annotations

from typing import Final

from kraken_hooks.errors import WorkerProtocolError

#: Most queries of one worker that have no answer yet. An honest one asks the next when it has the answer, or has given up.
MAX_UNANSWERED: Final = 1_000
#: Most answers that a worker asks for and does not read, bytes.
MAX_UNREAD: Final = 64 * 1024 * 1024
#: Frames besides the outcomes that a job may still have under way when it moves to another worker: its end, and queries.
_MOVED_MORE: Final = 8


class Ledger:
    """One for each worker. Every method that is told of a frame raises WorkerProtocolError where no honest worker sends it."""

    def __init__(self) -> None:
        self._greeted = False
        self._loading: set[int] = set()
        self._moved: dict[int, int] = {}  # job to frames that may still come of it
        self._unanswered = 0

    def sent_load(self, version: int) -> None:
        self._loading.add(version)

    def moved_job(self, number: int, hooks: int) -> None:
        """The job has gone to another worker; this one may be running it, or have reported it already."""
        self._moved[number] = 2 * hooks + _MOVED_MORE

    def greets(self) -> None:
        if self._greeted:
            raise WorkerProtocolError("it says a second time that it is ready")
        self._greeted = True

    def ends_load(self, version: int) -> None:
        if version not in self._loading:
            raise WorkerProtocolError("it has loaded what nobody gave it")
        self._loading.discard(version)

    def reports_on_moved(self, number: int) -> None:
        """A frame of a job that is not in its pipe."""
        left = self._moved.get(number, 0)
        if not left:
            raise WorkerProtocolError("it reports a job that it does not have")
        self._moved[number] = left - 1

    def asks(self, unread: int) -> None:
        """A query. `unread`: bytes of answers that it has not read."""
        if self._unanswered >= MAX_UNANSWERED or unread > MAX_UNREAD:
            raise WorkerProtocolError("it asks without waiting for answers")
        self._unanswered += 1

    def answered(self) -> None:
        self._unanswered -= 1
