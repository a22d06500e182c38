"""The rules of what is thrown away."""

from __future__ import annotations

import pytest

from kraken_hooks.outbox.retention import TrustedClock, cutoff_by_part
from kraken_hooks.outbox.schema import HOUR

SECOND = 1_000_000_000
NOW = 1_800_000_000 * SECOND


class TestTrustedClock:
    def walk(self, clock: TrustedClock, wall: int, monotonic: float, hours: int) -> list[bool]:
        """Asked every hour while the clock goes as it should."""
        return [clock.trusts(wall + hour * HOUR, monotonic + hour * 3_600) for hour in range(hours)]

    def test_is_believed_after_an_hour(self):
        assert self.walk(TrustedClock(0), NOW, 50.0, 4) == [False, True, True, True]

    @pytest.mark.parametrize("step", [HOUR, -HOUR, 5_000 * 24 * HOUR, 90 * SECOND])
    def test_is_believed_again_a_day_after_a_step(self, step):
        clock = TrustedClock(0)
        assert self.walk(clock, NOW, 0.0, 3)[-1]
        found = self.walk(clock, NOW + 3 * HOUR + step, 3 * 3_600.0, 30)
        assert found == [False] * 24 + [True] * 6

    def test_small_corrections_do_not_count(self):
        clock = TrustedClock(0)
        self.walk(clock, NOW, 0.0, 2)
        assert all(clock.trusts(NOW + 2 * HOUR + n * 5 * SECOND, 7_200.0) for n in range(10))

    def test_a_start_long_after_the_last_trusted_time_counts_as_a_step(self):
        assert not any(self.walk(TrustedClock(NOW - 31 * 24 * HOUR), NOW, 0.0, 24))
        assert self.walk(TrustedClock(NOW - 29 * 24 * HOUR), NOW, 0.0, 2) == [False, True]

    def test_a_start_before_the_last_trusted_time_does_not(self):
        assert self.walk(TrustedClock(NOW + HOUR), NOW, 0.0, 2) == [False, True]


class TestCutoff:
    HOURS = ((10, 100), (11, 100), (500, 200))

    @pytest.mark.parametrize(("part", "hour"), [(0.125, 10.5), (0.25, 11), (0.375, 11.5), (0.75, 500.5), (1, 501)])
    def test_by_the_part_of_the_points(self, part, hour):
        assert cutoff_by_part(self.HOURS, part) == pytest.approx(hour * HOUR, abs=2)

    def test_of_nothing(self):
        assert cutoff_by_part([], 0.5) is None
