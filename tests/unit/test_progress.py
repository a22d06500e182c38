"""The progress page: what a worker says that it does is never half of one thing and half of another."""

from __future__ import annotations

import mmap
import os
import signal
import time

import pytest

from kraken_hooks.progress import SIZE, Activity, Doing, Progress, read


@pytest.fixture
def page():
    with mmap.mmap(-1, SIZE) as page:
        yield page


def test_the_page_says_what_was_noted_last(page):
    assert read(page) == Doing(Activity.IDLE, 0, 0, 0.0)
    progress = Progress(page)
    for number in range(5):
        progress.note(Activity.RUNNING, number, 3, number / 8)
        assert read(page) == Doing(Activity.RUNNING, number, 3, number / 8)
    progress.note(Activity.IDLE, 0, 0, 0.0)
    assert read(page) == Doing(Activity.IDLE, 0, 0, 0.0)


def test_a_note_that_ends_in_its_middle_leaves_the_one_before(page):
    """However many of its bytes are there, the broker sees the old one or the new one."""
    progress = Progress(page)
    for number in range(4):
        progress.note(Activity.RUNNING, number, 1, 1.5)
    before = page[:]
    progress.note(Activity.LOADING, 77, 2, 2.5)
    after = page[:]
    for cut in range(SIZE + 1):
        for whole in (after[:cut] + before[cut:], before[:cut] + after[cut:], after[:cut] + bytes(SIZE - cut)):
            page[:] = whole
            assert read(page) in (Doing(Activity.RUNNING, 3, 1, 1.5), Doing(Activity.LOADING, 77, 2, 2.5), Doing())


def test_a_broker_that_looks_while_the_worker_writes_sees_no_mixture(page):
    writer = os.fork()
    if writer == 0:
        progress = Progress(page)
        number = 0
        while True:
            number += 1
            progress.note(Activity.RUNNING, number, number % 1000, number / 2)
    try:
        seen = set()
        ends = time.monotonic() + 30
        while len(seen) < 2000 and time.monotonic() < ends:
            doing = read(page)
            assert (doing.index, doing.since) == (doing.number % 1000, doing.number / 2)
            seen.add(doing.number)
    finally:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
    assert len(seen) >= 2000


@pytest.mark.parametrize(("activity", "since"), [(9, 1.0), (2, float("nan"))])
def test_what_a_lying_worker_says_is_at_worst_that_it_is_idle(page, activity, since):
    progress = Progress(page)
    progress.note(activity, 2**64 - 1, 2**32 - 1, since)
    assert read(page) == Doing()
