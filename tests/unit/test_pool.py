"""The pool with real workers and no broker around it: what it does when jobs are given up."""

from __future__ import annotations

import asyncio

from kraken_hooks import logs
from kraken_hooks.message import Message
from kraken_hooks.sinks import registry
from kraken_hooks.wire import Configure
from kraken_hooks.workers.job import Job
from kraken_hooks.workers.pool import Pool

PATIENCE = 30
HOOK = b"""
import time
from kraken_hooks import on
@on()
def f(msg):
    while msg.text == "stay": time.sleep(0.001)
"""


class Employer:
    def __init__(self) -> None:
        self.ran_well: asyncio.Queue[bytes] = asyncio.Queue()

    def ran(self, job, outcomes, *, ended):
        for outcome in outcomes:
            assert outcome.ok, outcome
            self.ran_well.put_nowait(job.message.payload)

    def asked(self, job, name, args, answer, query):
        raise AssertionError(name)

    def state(self, file):
        return {}


def message(seq: int, text: str) -> Message:
    return Message(seq, f"m{seq}", "collector", "tcp", "text/plain", "{}", text.encode(), 1)


def test_a_file_that_was_removed_when_jobs_were_given_up_runs_when_it_is_back():
    """Its worker has just died, so that it has no place either."""
    logs.silence()

    async def scenario() -> bytes:
        pool, employer = Pool(Configure({}, 20.0, 128 * 2**20, "boot", False), 1, registry.check), Employer()
        await pool.start(employer)
        probe = pool.probe()
        version = await probe.load(pool.next_version(), "rule.py", HOOK)
        again = await probe.load(pool.next_version(), "rule.py", HOOK)
        probe.close()
        pool.adopt(version)
        pool.submit(Job(message(1, "stay"), version, ["f"], None, asked=["f"]))
        [worker] = pool._places
        worker.process.kill("a test")
        assert pool.placement() == []
        pool.remove("rule.py")
        pool.forget()
        await asyncio.gather(*pool._places._tasks)
        pool.adopt(again)
        pool.submit(Job(message(200, "back"), again, ["f"], None, asked=["f"]))
        try:
            return await employer.ran_well.get()
        finally:
            await pool.close()

    assert asyncio.run(asyncio.wait_for(scenario(), PATIENCE)) == b"back"
