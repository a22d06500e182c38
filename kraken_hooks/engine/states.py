"""The state of every hook file as of the outcomes that have come in, ahead of the disk by what is being committed."""

from __future__ import annotations

from kraken_hooks.outbox.base import Outbox, Transaction
from kraken_hooks.outcome import Outcome


class States:
    """Read from the storage once for each file, then kept up to date."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._files: dict[str, dict[str, object]] = {}

    def of(self, file: str) -> dict[str, object]:
        state = self._files.get(file)
        if state is None:
            state = self._files[file] = self._outbox.state(file)
        return state

    def apply(self, file: str, outcome: Outcome) -> None:
        state = self.of(file)
        state.update(outcome.state)
        for key in outcome.state_deleted:
            state.pop(key, None)

    def forget(self) -> None:
        """What was not committed is gone: read again from the storage."""
        self._files.clear()


def add_state(transaction: Transaction, file: str, outcome: Outcome) -> None:
    """Let the transaction carry the outcome's changes, after those that it has."""
    changed = transaction.state.setdefault(file, {})
    deleted = transaction.state_deleted.setdefault(file, [])
    for key in outcome.state_deleted:
        changed.pop(key, None)
        if key not in deleted:
            deleted.append(key)
    for key, value in outcome.state.items():
        changed[key] = value
        if key in deleted:
            deleted.remove(key)
