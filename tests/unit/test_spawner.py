"""Asking the fork server for workers: who asks gets an answer, whatever became of the others."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import Iterator

import pytest
from rig import PATIENCE, children

from kraken_hooks.errors import WorkersUnavailable
from kraken_hooks.workers.spawner import Spawned, Spawner

#: More than the control socket takes while nobody reads it.
MANY = 600


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[1], 8 * MANY), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def let_go(worker: Spawned) -> None:
    worker.pipe.close()
    os.close(worker.pidfd)


@pytest.mark.usefixtures("many_descriptors")
def test_a_worker_that_could_not_be_asked_for_takes_no_other_ones_answer():
    async def scenario() -> list[object]:
        spawner = Spawner()
        known = set(children(os.getpid()))
        try:
            let_go(await spawner.spawn())
            (fork_server,) = set(children(os.getpid())) - known
            os.kill(fork_server, signal.SIGSTOP)
            asked = [asyncio.create_task(spawner.spawn()) for _ in range(MANY)]
            await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
            os.kill(fork_server, signal.SIGCONT)
            results = await asyncio.gather(*asked, return_exceptions=True)
            results.append(await asyncio.wait_for(spawner.spawn(), PATIENCE))
            return results
        finally:
            spawner.close()

    results = asyncio.run(scenario())
    made = [one for one in results if isinstance(one, Spawned)]
    failed = [one for one in results if not isinstance(one, Spawned)]
    assert failed, "the socket took all: ask for more"
    assert {type(one) for one in failed} == {WorkersUnavailable}
    assert results[-1] is made[-1]
    assert len({worker.pid for worker in made}) == len(made)
    for worker in made:
        let_go(worker)


def test_a_fork_server_that_does_not_answer_is_replaced():
    async def scenario() -> tuple[int, int]:
        spawner = Spawner()
        known = set(children(os.getpid()))
        try:
            let_go(await spawner.spawn())
            (silent,) = set(children(os.getpid())) - known
            os.kill(silent, signal.SIGSTOP)
            spawner.patience = 0.1
            with pytest.raises(WorkersUnavailable, match="does not answer"):
                await spawner.spawn()
            spawner.patience = PATIENCE
            let_go(await spawner.spawn())
            (another,) = set(children(os.getpid())) - known
            return silent, another
        finally:
            spawner.close()

    silent, another = asyncio.run(scenario())
    assert silent != another
