"""The commit thread: whatever happens in it, those who wait are told."""

from __future__ import annotations

import asyncio

import pytest

from kraken_hooks.engine.committer import Committer
from kraken_hooks.errors import KrakenError, StorageDamaged, StorageUnavailable
from kraken_hooks.outbox.base import Keep, Transaction
from kraken_hooks.outbox.memory import MemoryOutbox


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
