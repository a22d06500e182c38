"""Queries to servers that are gone, or that take connections and never answer: only the runs that ask fail, and in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from peers import Silent, free_port
from rig import Broker, wait_until

ASKED = {
    "redis": 'redis.get("limit")',
    "mongodb": 'mongodb.find_one("limits", {})',
    "influxdb": 'influxdb.query("buckets()")',
    "http": 'http.get("http://127.0.0.1:PORT/limit")',
}

ASK = """
from kraken_hooks import {sink}, on

@on(collector="{sink}")
def ask(msg):
    return {{"got": {query}}}
"""
HEALTHY = """
from kraken_hooks import on, store

@on(collector="healthy")
def healthy(msg):
    store.write("beat", {"n": 1})
    return {"last": store.last("beat", "n")}
"""


@pytest.fixture(params=["gone", "silent"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    number = free_port()
    if request.param == "gone":
        yield number
    else:
        with closing(Silent(number)):
            yield number


@pytest.fixture
def broker(start: Callable[..., Broker], port: int) -> Broker:
    hooks = {
        f"{sink}.py": ASK.format(sink=sink, query=query).replace("PORT", str(port)) for sink, query in ASKED.items()
    }
    address = f"127.0.0.1:{port}"
    return start(
        {"healthy.py": HEALTHY, **hooks},
        KRAKENB_QUERY_TIMEOUT="0.5",
        KRAKENB_REPLY_WAIT="10",
        KRAKENB_REDIS_HOST=address,
        KRAKENB_MONGODB_HOST=address,
        KRAKENB_MONGODB_DATABASE="kraken",
        KRAKENB_INFLUXDB_HOST=f"http://{address}",
        KRAKENB_INFLUXDB_API_TOKEN="token-of-nobody",
        KRAKENB_INFLUXDB_ORG="o",
        KRAKENB_INFLUXDB_BUCKET="b",
        KRAKENB_HTTP_ALLOW=f"http://{address}/",
    )


def test_a_query_ends_within_its_time_and_fails_its_own_run_alone(broker):
    for sink in ASKED:
        answer = broker.client.send(collector=sink)
        assert answer.metadata["failed"] == [f"{sink}.py:ask"], "it failed; it did not run into the hook's own limit"
        failed = broker.wait_for("hook.failed", hook=f"{sink}.py:ask")
        assert failed["line"] == 6
        assert "token-of-nobody" not in str(failed)
    assert broker.client.send(collector="healthy").kind == "healthy"
    assert not broker.lines("hook.timeout")
    assert not broker.lines("hook.killed")


def test_many_at_once_starve_neither_the_store_nor_the_inbox_and_do_not_pile_up(broker):
    assert broker.client.send(collector="healthy").text == '{"last":null}'
    waiting = [broker.client.send_soon(collector=sink) for _ in range(25) for sink in ASKED]
    for _ in range(20):
        assert broker.client.send(collector="healthy").text == '{"last":1}'
    threads = len(list(Path(f"/proc/{broker.pid}/task").iterdir()))
    assert threads < 80, "a few for each sink, however many ask"
    for call in waiting:
        assert call.result(60)
    wait_until(lambda: len(broker.lines("hook.failed")) == len(waiting), "each run that asked to have failed")
