"""A time limit for what a sink does in one call."""

from __future__ import annotations

from kraken_hooks.sinks.deadline import limited


def test_a_time_that_passes_when_all_is_done_cuts_nothing():
    """Its thread may wake in time and come late: by then the connection may belong to the next call."""
    cuts: list[str] = []
    with limited(3600, lambda: cuts.append("cut")) as deadline:
        pass
    deadline.pass_()
    assert (cuts, deadline.passed) == ([], False)
