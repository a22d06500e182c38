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


class Capricious(MemoryOutbox):
    """Stores as `does` says, one word for each commit; in the end everything."""

    def __init__(self, *does: str) -> None:
        super().__init__()
        self._does = list(does)

    def commit(self, batch: list[Transaction]) -> None:
        does = self._does.pop(0) if self._does else "stores"
        if does == "cannot":
            raise ValueError("cannot be stored")
        if does == "full":
            raise StorageUnavailable("the disk is full")
        super().commit(batch)


def _told_in_order(outbox: MemoryOutbox, transactions: list[Transaction]) -> list[object]:
    """What is told of transactions that come in one batch."""

    async def scenario() -> list[object]:
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        told: list[object] = []
        for transaction in transactions:
            committer.submit(transaction, told.append)
        committer.start()
        await asyncio.to_thread(committer.stop)
        await asyncio.sleep(0)
        return told

    return asyncio.run(scenario())


def test_one_by_one_too_nothing_is_stored_after_what_the_disk_did_not_take():
    outbox = Capricious("cannot", "full")
    told = _told_in_order(outbox, [Transaction(state={"a.py": {"x": number}}) for number in (1, 2)])
    assert [type(error) for error in told] == [StorageUnavailable, StorageUnavailable]
    assert outbox.state("a.py") == {}


def test_where_only_waiting_for_the_disk_has_failed_what_comes_after_it_is_stored():
    async def scenario() -> object:
        outbox = Capricious("full")
        committer = Committer(outbox, Keep(), lambda _: None, lambda: None, lambda _: None)
        committer.start()
        with pytest.raises(StorageUnavailable):
            await committer.all_committed()
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        committer.submit(Transaction(state={"a.py": {"x": 1}}), answer.set_result)
        told = await answer
        await asyncio.to_thread(committer.stop)
        return told

    assert asyncio.run(scenario()) is None
