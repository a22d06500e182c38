"""How long each property is looked into: seconds, and the same cases each time; or with FUZZ_MINUTES that long, and others each time."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, settings

#: For all properties together, minutes. 0: as in CI.
MINUTES: Final = float(os.environ.get("FUZZ_MINUTES", "0"))


def examples(count: int) -> settings:
    """Settings of one property: so many cases in CI, and so many in each round where it goes on for minutes."""
    return settings(
        max_examples=count,
        derandomize=not MINUTES,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    )
