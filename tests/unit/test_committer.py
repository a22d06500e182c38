"""The commit thread: whatever happens in it, those who wait are told."""

from __future__ import annotations

import asyncio

import pytest
from rig import PATIENCE

from kraken_hooks.engine.committer import Committer
from kraken_hooks.errors import KrakenError, StorageDamaged, StorageUnavailable
from kraken_hooks.outbox.base import Keep, Transaction
from kraken_hooks.outbox.memory import MemoryOutbox
from kraken_hooks.outcome import Effect, QueuedEffect


class Failing(MemoryOutbox):
    """Fails as it is told; counts its commits."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.failure = failure
        self.commits = 0

    def commit(self, batch: list[Transaction]) -> None:
        self.commits += 1
        raise self.failure


@pytest.mark.parametrize("failure", [StorageDamaged("a bad page"), RuntimeError("a bug")])
def test_after_a_failure_for_good_everybody_is_told_and_the_broker_ends(failure):
    async def scenario() -> tuple[list[object], list[KrakenError], int]:
        outbox = Failing(failure)
        ends: list[KrakenError] = []
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, ends.append)
        committer.start()
        told: list[object] = []
        for _ in range(2):
            answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            committer.submit(Transaction(state={"a.py": {"x": 1}}), answer.set_result)
            told.append(await answer)
            committer.resume()
        settled = committer.settle(Transaction(settled={"slack": [1]}))
        with pytest.raises(StorageUnavailable):
            await asyncio.wrap_future(settled)
        await asyncio.to_thread(committer.stop)
        return told, ends, outbox.commits

    told, ends, commits = asyncio.run(scenario())
    assert [type(error) for error in told] == [StorageUnavailable, StorageUnavailable]
    assert len(ends) == 1
    assert str(failure) in str(ends[0])
    assert commits == 1, "nothing is tried after it"


def test_a_bug_beside_the_commit_ends_the_broker_too_instead_of_leaving_everybody_waiting():
    def broken(_sinks: set[str]) -> None:
        raise RuntimeError("a bug")

    async def scenario() -> tuple[KrakenError, object]:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[KrakenError] = loop.create_future()
        committer = Committer(MemoryOutbox(), Keep(), broken, lambda: None, ended.set_result)
        committer.start()
        effect = QueuedEffect(1, "m/1", "a.py:a", "m", 0, Effect("slack", "send", {"text": "x"}))
        committer.submit(Transaction(effects=[effect]), lambda _error: None)
        failure = await asyncio.wait_for(ended, PATIENCE)
        answer: asyncio.Future[object] = loop.create_future()
        committer.submit(Transaction(state={"a.py": {"x": 1}}), answer.set_result)
        told = await asyncio.wait_for(answer, PATIENCE)
        await asyncio.to_thread(committer.stop)
        return failure, told

    failure, told = asyncio.run(scenario())
    assert "a bug" in str(failure)
    assert isinstance(told, StorageUnavailable)


def test_a_bug_in_waiting_for_more_leaves_nobody_without_an_answer():
    def broken() -> float:
        raise RuntimeError("a bug")

    async def scenario() -> tuple[list[object], list[KrakenError]]:
        loop = asyncio.get_running_loop()
        ends: list[KrakenError] = []
        committer = Committer(MemoryOutbox(), Keep(), lambda _: None, lambda: None, ends.append)
        committer._window_end = broken
        committer.start()
        told = []
        for _ in range(3):
            answer: asyncio.Future[object] = loop.create_future()
            committer.submit(Transaction(state={"a.py": {"x": 1}}), answer.set_result)
            told.append(await asyncio.wait_for(answer, PATIENCE))
        await asyncio.to_thread(committer.stop)
        return told, ends

    told, [failure] = asyncio.run(scenario())
    assert [type(error) for error in told] == [StorageUnavailable] * 3
    assert "a bug" in str(failure)
