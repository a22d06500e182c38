"""With FUZZ_MINUTES each property of this folder is looked into again and again until its share of the time is over."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from effort import MINUTES


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Any:
    began = time.monotonic()
    result = yield
    if MINUTES and _is_property(pyfuncitem):
        share = MINUTES * 60 / sum(map(_is_property, pyfuncitem.session.items))
        wanted = pyfuncitem._fixtureinfo.argnames
        rounds = 1
        while time.monotonic() < began + share:
            pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted})
            rounds += 1
        print(f"{pyfuncitem.name}: {rounds} rounds in {time.monotonic() - began:.0f} s")
    return result


def _is_property(item: pytest.Item) -> bool:
    """A test of hypothesis in this folder."""
    return Path(__file__).parent in item.path.parents and hasattr(getattr(item, "obj", None), "hypothesis")
