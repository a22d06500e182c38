"""Fixtures for all tests. In CI nothing is skipped: a skip is a failure."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from rig import Broker, SlackServer

# A machine that is busy with something else takes its time over a case.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.skipped and os.environ.get("CI") and "machine" not in item.keywords:
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Starts brokers: `start({"file.py": source}, KRAKENB_…="…")`. They are stopped at the end."""
    brokers: list[Broker] = []

    def make(hooks: dict[str, str] | None = None, **environment: str) -> Broker:
        broker = Broker(tmp_path / f"broker{len(brokers)}", hooks, **environment)
        brokers.append(broker)
        return broker.start()

    yield make
    for broker in brokers:
        broker.stop()


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    server = SlackServer()
    yield server
    server.close()
