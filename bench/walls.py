"""What the sandbox's walls cost: one rule as a plain function, behind the language wall, in a worker, in a locked-down worker.

Every figure is the median of the rounds, which take turns. "of plain" compares what the rule itself costs; what a worker adds
is its pipe, in both directions, with 64 runs on the way at once. No pass, no fail.

    python bench/walls.py [--rounds N] [--runs N]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable

from kraken_hooks import logs
from kraken_hooks.api import run as current_run
from kraken_hooks.api.answer import to_reply
from kraken_hooks.api.msg import Msg
from kraken_hooks.api.on import Registry, loading
from kraken_hooks.message import Message
from kraken_hooks.outcome import Outcome
from kraken_hooks.sandbox import loader
from kraken_hooks.sinks import registry
from kraken_hooks.wire import Answer, Configure
from kraken_hooks.workers import spawner
from kraken_hooks.workers.job import Job
from kraken_hooks.workers.pool import Pool

THRESHOLD = """
from kraken_hooks import on, store

@on(collector="webhook")
def threshold(msg):
    reading = msg.json
    temperature = float(reading["temp"])
    if temperature > 20:
        store.write("env", {"temp": temperature}, {"id": reading["id"]})
    return {"hot": temperature > 35}
"""
TYPICAL = """
from kraken_hooks import on

class Window:
    def __init__(self, size):
        self.values = []
        self.size = size

    def add(self, value):
        self.values.append(value)
        while len(self.values) > self.size:
            del self.values[0]
        return sum(self.values) / len(self.values)

@on(collector="webhook")
def typical(msg):
    reading = msg.json
    window = Window(3)
    report = {"id": reading["id"], "name": reading["name"].upper()}
    for field in ("temp", "hum"):
        value = float(reading[field])
        for step in range(4):
            mean = window.add(value + step)
        report[field] = round(mean, 2)
        report["count"] = report.get("count", 0) + 1
    return report
"""
RULES = {"a threshold that stores": THRESHOLD, "a class, loops, items": TYPICAL}

MESSAGE = Message(
    1,
    "m",
    "collector",
    "webhook",
    "application/json",
    "{}",
    b'{"hum":"52.4","id":"101","name":"env-sensor","temp":"25.6"}',
    1,
)
CONFIGURE = Configure({"store": ""}, 2.0, 128 * 2**20)
#: Added to the fork server's program: the kernel's wall is not put up.
NO_KERNEL_WALL = "from kraken_hooks.sandbox.kernel import Wall; Wall.files = Wall.calls = lambda wall: None; "

Hook = Callable[[Msg], object]


def plain(source: str) -> Hook:
    """The hook as CPython compiles it."""
    names: dict[str, object] = {}
    found = Registry()
    loading(found)
    exec(compile(source, "rule.py", "exec"), names)  # noqa: S102  # our own rules, above
    loading(None)
    return found.hooks[0].function


def behind_language(source: str) -> Hook:
    return loader.load(source.encode(), "rule.py").hooks[0].function


def per_call(hook: Hook, runs: int) -> float:
    """Seconds for one run, with all that the author's API does in it."""
    began = time.perf_counter()
    for _ in range(runs):
        current_run.begin(current_run.Run({}, {"store": ""}, lambda _name, _args: None, 1))
        to_reply(hook(Msg(MESSAGE)))
    took = (time.perf_counter() - began) / runs
    current_run.end()
    return took


class Counter:
    """Whom the pool works for here."""

    def __init__(self) -> None:
        self.left = 0
        self.ended = asyncio.Event()

    def ran(self, job: Job, outcomes: list[Outcome], *, ended: bool) -> None:
        assert all(outcome.ok for outcome in outcomes), outcomes
        self.left -= ended
        if not self.left:
            self.ended.set()

    def asked(self, job: Job, name: str, args: dict[str, object], answer: Callable[[Answer], None], query: int) -> None:
        raise AssertionError(name)

    def state(self, file: str) -> dict[str, object]:
        return {}


async def in_worker(source: str, runs: int, starts: int) -> tuple[float, float]:
    """Seconds for one run in a worker, and for the start of a worker (median)."""
    pool, counter = Pool(CONFIGURE, 1, registry.check), Counter()
    await pool.start(counter)
    took = []
    for _ in range(starts):
        probe = pool.probe()
        began = time.perf_counter()
        await probe.ready()
        took.append(time.perf_counter() - began)
        probe.close()
    probe = pool.probe()
    version = await probe.load(pool.next_version(), "rule.py", source.encode())
    probe.close()
    pool.adopt(version)
    hooks = [spec.name for spec in version.specs]
    for amount in (100, runs):  # the first ones warm up
        counter.left = amount
        counter.ended.clear()
        began = time.perf_counter()
        for _ in range(amount):
            pool.submit(Job(MESSAGE, version, list(hooks), None, asked=hooks))
        await counter.ended.wait()
    one = (time.perf_counter() - began) / runs
    await pool.close()
    return one, statistics.median(took)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--runs", type=int, default=5_000)
    chosen = options.parse_args()
    logs.silence()
    loader.preload()
    start_with, start_without = spawner._START, NO_KERNEL_WALL.join(_around_main(spawner._START))  # noqa: SLF001  # as the tests do
    print(f"The walls of the sandbox: microseconds for one run, median of {chosen.rounds} rounds\n")
    print(f"{'rule':26}{'plain':>9}{'language':>10}{'of plain':>10}{'+ process':>11}{'+ kernel':>10}")
    starts: dict[str, list[float]] = {start_with: [], start_without: []}
    for name, source in RULES.items():
        bare, walled = plain(source), behind_language(source)
        took: dict[str, list[float]] = {"plain": [], "language": [], start_with: [], start_without: []}
        for _ in range(chosen.rounds):
            took["plain"].append(per_call(bare, chosen.runs))
            took["language"].append(per_call(walled, chosen.runs))
            for program in (start_without, start_with):
                spawner._START = program  # type: ignore[misc]  # noqa: SLF001  # the same
                one, start = asyncio.run(in_worker(source, chosen.runs, starts=10))
                took[program].append(one)
                starts[program].append(start)
        middle = {key: statistics.median(values) * 1e6 for key, values in took.items()}
        share = middle["language"] / middle["plain"]
        print(
            f"{name:26}{middle['plain']:>9.1f}{middle['language']:>10.1f}{share:>9.2f}x"
            f"{middle[start_without]:>11.1f}{middle[start_with]:>10.1f}"
        )
    without, complete = (statistics.median(starts[key]) * 1000 for key in (start_without, start_with))
    print(f"\nStart of a worker until it is ready: {without:.2f} ms, locked down by the kernel {complete:.2f} ms")


def _around_main(program: str) -> tuple[str, str]:
    begin, found, end = program.rpartition("main()")
    assert found
    return begin, found + end


if __name__ == "__main__":
    main()
