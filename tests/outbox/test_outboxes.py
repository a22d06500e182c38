"""What every outbox does, whatever it is made of."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime

import pytest
from rig import wait_until

from kraken_hooks import clock
from kraken_hooks.errors import KrakenError, StorageGone, StorageUnavailable, StorageUnusable
from kraken_hooks.message import Message
from kraken_hooks.outbox.base import SEQ_STEP, DeadFilter, Keep, LogHeld, Point, Transaction
from kraken_hooks.outbox.memory import MemoryOutbox
from kraken_hooks.outbox.sqlite import SqliteOutbox
from kraken_hooks.outcome import DeadKind, DeadLetter, Effect, QueuedEffect, RunError


@pytest.fixture(params=["memory", "sqlite"])
def outbox(request, tmp_path):
    made = MemoryOutbox() if request.param == "memory" else SqliteOutbox(tmp_path / "kraken.db")
    yield made
    made.close()


def message(seq: int, payload: bytes = b"{}") -> Message:
    return Message(seq, f"m{seq}", "collector", "webhook", "application/json", "{}", payload, seq)


def accept(seq: int, *hooks: str, payload: bytes = b"{}") -> Transaction:
    pending: dict[str, list[str]] = {}
    for hook in hooks:
        pending.setdefault(hook.partition(":")[0], []).append(hook)
    return Transaction(accept=message(seq, payload), pending=pending)


def effect(seq: int, sink: str = "slack", text: str = "x") -> QueuedEffect:
    return QueuedEffect(seq, f"e{seq}", "a.py:f", f"m{seq}", seq, Effect(sink, "send", {"text": text}))


def point(
    at: int, value, point_id: str = "p", tags: dict[str, str] | None = None, field: str = "temp", place: int = 0
) -> Point:
    return Point("env", field, tags or {}, at, value, point_id, at, place)


def dead_run(letter_id: str, seq: int = 1, at: int = 10, hook: str = "a.py:f") -> DeadLetter:
    return DeadLetter(
        letter_id, DeadKind.RUN, at, hook, f"m{seq}", RunError("KeyError", "'x'", 3), message=message(seq)
    )


def dead_effect(letter_id: str, seq: int = 1, at: int = 10) -> DeadLetter:
    queued = effect(seq)
    return DeadLetter(
        letter_id, DeadKind.EFFECT, at, "b.py:g", queued.message_id, RunError("Refused", "no"), "slack", None, queued
    )


class TestInbox:
    def test_rows_come_back_by_file_in_order_of_arrival(self, outbox):
        outbox.commit([accept(3, "a.py:f"), accept(1, "a.py:f", "a.py:g", "b.py:h"), accept(2, "b.py:h")])
        assert outbox.waiting() == {"a.py": 2, "b.py": 2}
        rows = outbox.pending("a.py", 0, 10)
        assert [(row.message.seq, sorted(row.hooks)) for row in rows] == [(1, ["a.py:f", "a.py:g"]), (3, ["a.py:f"])]
        assert [row.message.seq for row in outbox.pending("a.py", 1, 10)] == [3]
        assert [row.message.seq for row in outbox.pending("b.py", 0, 1)] == [1]

    def test_a_message_comes_back_as_it_was(self, outbox):
        given = Message(7, "id", "kind", "cö", "text/x", '{"a":1}', bytes(range(256)), 123)
        outbox.commit([Transaction(accept=given, pending={"a.py": ["a.py:f"]})])
        assert outbox.pending("a.py", 0, 1)[0].message == given

    def test_a_row_goes_when_its_last_hook_has_ended(self, outbox):
        outbox.commit([accept(1, "a.py:f", "b.py:h")])
        outbox.commit([Transaction(ended=[(1, ["a.py:f"])])])
        assert outbox.waiting() == {"b.py": 1}
        outbox.commit([Transaction(ended=[(1, ["b.py:h"])])])
        assert outbox.waiting() == {}
        assert outbox.queued_bytes() == 0

    def test_what_is_accepted_and_ended_in_one_batch_leaves_nothing(self, outbox):
        outbox.commit([accept(1, "a.py:f"), Transaction(ended=[(1, ["a.py:f"])])])
        assert outbox.waiting() == {}

    def test_ending_what_is_not_there_does_nothing(self, outbox):
        outbox.commit([Transaction(ended=[(99, ["a.py:f"])])])

    def test_not_too_much_is_read_at_once(self, outbox):
        outbox.commit([accept(number, "a.py:f", payload=b"x" * (3 << 20)) for number in range(1, 6)])
        assert len(outbox.pending("a.py", 0, 100)) == 3
        assert outbox.queued_bytes() >= 15 << 20

    def test_16_mib(self, outbox):
        outbox.commit([accept(1, "a.py:f", payload=b"x" * (16 << 20))])
        assert len(outbox.pending("a.py", 0, 1)[0].message.payload) == 16 << 20


class TestOutbox:
    def test_effects_wait_by_sink_in_order_until_settled(self, outbox):
        outbox.commit([Transaction(effects=[effect(2), effect(1), effect(3, "other")])])
        assert outbox.queued() == {"slack": 2, "other": 1}
        assert [queued.seq for queued in outbox.take("slack", 0, 10)] == [1, 2]
        assert [queued.seq for queued in outbox.take("slack", 0, 1)] == [1]
        outbox.commit([Transaction(settled={"slack": [1]})])
        assert [queued.seq for queued in outbox.take("slack", 0, 10)] == [2]

    def test_an_effect_comes_back_as_it_was(self, outbox):
        args = {"text": "é", "list": [1, 2.5, None, True], "bytes": b"\x00\xff", "at": datetime(2026, 1, 2, tzinfo=UTC)}
        given = QueuedEffect(5, "id", "a.py:f", "m", 9, Effect("slack", "send", args))
        outbox.commit([Transaction(effects=[given])])
        assert outbox.take("slack", 0, 1) == [given]

    def test_counts_bytes(self, outbox):
        outbox.commit([Transaction(effects=[effect(1, text="x" * 10_000)])])
        assert 10_000 < outbox.queued_bytes() < 11_000
        outbox.commit([Transaction(settled={"slack": [1]})])
        assert outbox.queued_bytes() == 0

    def test_last_seq_is_over_inbox_and_outbox(self, outbox):
        assert outbox.last_seq() == 0
        outbox.commit([accept(4, "a.py:f"), Transaction(effects=[effect(9)])])
        assert outbox.last_seq() == 9


class TestNumbers:
    def test_last_seq_does_not_go_back_when_all_has_left(self, outbox):
        outbox.commit([accept(4, "a.py:f"), Transaction(effects=[effect(9)])])
        outbox.commit([Transaction(ended=[(4, ["a.py:f"])], settled={"slack": [9]})])
        assert outbox.last_seq() == 9
        outbox.commit([accept(12, "a.py:f"), Transaction(ended=[(12, ["a.py:f"])])])
        assert outbox.last_seq() == 12

    def test_effects_are_numbered_above_all_before_even_those_that_have_left(self, outbox):
        outbox.commit([Transaction(effects=[effect(9)])])
        outbox.commit([Transaction(settled={"slack": [9]})])
        outbox.commit([Transaction(effects=[effect(5), effect(3)]), Transaction(effects=[effect(20), effect(12)])])
        taken = outbox.take("slack", 0, 10)
        assert [queued.id for queued in taken] == ["e3", "e5", "e12", "e20"]
        assert [queued.seq for queued in taken] == [10, 11, 12, 20]

    def test_a_replayed_effect_gets_a_number_above_those_that_have_left(self, outbox):
        outbox.commit([Transaction(effects=[effect(2**62)])])
        outbox.commit([Transaction(settled={"slack": [2**62]}, dead=[dead_effect("e", seq=5)])])
        assert outbox.replay(["e"])
        assert [queued.seq for queued in outbox.take("slack", 0, 10)] == [2**62 + 1]
        assert outbox.last_seq() == 2**62 + 1

    def test_settling_what_has_gone_does_nothing(self, outbox):
        outbox.commit([Transaction(effects=[effect(1), effect(2, "other")])])
        outbox.commit([Transaction(settled={"slack": [1, 1, 2, 7], "nobody": [1]})])
        assert outbox.queued() == {"other": 1}


class TestIdentity:
    def test_is_32_hexadecimal_digits_and_stays(self, outbox):
        assert re.fullmatch("[0-9a-f]{32}", outbox.identity())
        assert outbox.identity() == outbox.identity()


class TestPause:
    def test_sinks_rest_until_they_go_on(self, outbox):
        assert outbox.paused() == set()
        outbox.commit([Transaction(pause={"slack": True, "redis": True}), Transaction(pause={"mqtt": False})])
        assert outbox.paused() == {"slack", "redis"}
        outbox.commit([Transaction(pause={"slack": True, "redis": False})])
        assert outbox.paused() == {"slack"}


class TestState:
    def test_values_come_back_as_they_were(self, outbox):
        values = {"i": 1, "f": 1.0, "s": "é", "b": b"\xff", "n": None, "t": True, "l": [1, {"a": "b"}],
                  "d": datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)}  # fmt: skip
        outbox.commit([Transaction(state={"a.py": values})])
        found = outbox.state("a.py")
        assert found == values
        assert [type(value) for value in found.values()] == [type(values[key]) for key in found]
        assert outbox.state("b.py") == {}

    def test_keys_are_replaced_and_deleted(self, outbox):
        outbox.commit([Transaction(state={"a.py": {"x": 1, "y": 2}})])
        outbox.commit([Transaction(state={"a.py": {"x": 3}}, state_deleted={"a.py": ["y"]})])
        assert outbox.state("a.py") == {"x": 3}

    def test_later_transactions_of_a_batch_win(self, outbox):
        outbox.commit([Transaction(state={"a.py": {"x": number}}) for number in range(5)])
        assert outbox.state("a.py") == {"x": 4}

    def test_last_good_sources(self, outbox):
        outbox.commit([Transaction(last_good={"a.py": b"one", "b.py": b"two"})])
        outbox.commit([Transaction(last_good={"a.py": b"three", "b.py": None})])
        assert outbox.last_good() == {"a.py": b"three"}


class TestPoints:
    @pytest.mark.parametrize("value", [1, 1.5, -(2**62), "text", True, False, "", 0])
    def test_a_value_keeps_its_type(self, outbox, value):
        outbox.commit([Transaction(points=[point(1, value)])])
        found = outbox.last("env", "temp", None)
        assert (found, type(found)) == (value, type(value))

    def test_the_newest_over_all_series_that_have_the_tags(self, outbox):
        outbox.commit([Transaction(points=[
            point(1, "old", tags={"id": "1", "room": "a"}),
            point(3, "newest", tags={"id": "2", "room": "a"}),
            point(2, "middle", tags={"id": "1", "room": "b"}),
        ])])  # fmt: skip
        assert outbox.last("env", "temp", None) == "newest"
        assert outbox.last("env", "temp", {"id": "1"}) == "middle"
        assert outbox.last("env", "temp", {"id": "1", "room": "a"}) == "old"
        assert outbox.last("env", "temp", {"id": "3"}) is None
        assert outbox.last("env", "hum", None) is None
        assert outbox.last("other", "temp", None) is None

    def test_a_window_is_oldest_first_and_keeps_the_newest(self, outbox):
        second = 1_000_000_000
        outbox.commit([Transaction(points=[point(number * second, number, f"p{number}") for number in (3, 1, 2, 4)])])
        found = outbox.window("env", "temp", 2 * second, None, 10)
        assert [(at.timestamp(), value) for at, value in found] == [(2, 2), (3, 3), (4, 4)]
        assert found[0][0].tzinfo is not None
        assert [value for _, value in outbox.window("env", "temp", 0, None, 2)] == [3, 4]

    def test_the_same_point_again_changes_nothing_another_at_the_same_time_is_kept(self, outbox):
        outbox.commit([Transaction(points=[point(1, 1, "b")])])
        outbox.commit([Transaction(points=[point(1, 1, "b"), point(1, 2, "a", place=1)])])
        assert [value for _, value in outbox.window("env", "temp", 0, None, 10)] == [1, 2]

    @pytest.mark.parametrize("order", [1, -1])
    def test_two_hooks_may_write_the_same_series_for_one_message(self, outbox, order):
        """Neither came first; every storage gives the same order."""
        points = [point(1, 1, "m/a.py:f/0"), point(1, 2, "m/b.py:f/0"), point(1, 3, "m/a.py:f/0", tags={"id": "1"})]
        outbox.commit([Transaction(points=points[::order])])
        assert [value for _, value in outbox.window("env", "temp", 0, None, 10)] == [3, 1, 2]
        assert outbox.last("env", "temp", None) == 2
        assert outbox.last("env", "temp", {"id": "1"}) == 3

    def test_points_of_one_time_are_in_order_of_arrival(self, outbox):
        points = [Point("env", "temp", {}, 1_000, seq, "p", seq, 0) for seq in (2_000, 500, 3_000, 1)]
        outbox.commit([Transaction(points=points)])
        assert [value for _, value in outbox.window("env", "temp", 0, None, 10)] == [1, 500, 2_000, 3_000]
        assert outbox.last("env", "temp", None) == 3_000

    @pytest.mark.parametrize("at", [-(2**63) + 1, 2**63 - 1])
    def test_any_time_can_be_stored(self, outbox, at):
        outbox.commit([Transaction(points=[Point("env", "temp", {}, at, 1, "p", 1_800_000_000_000_000_000, 0)])])
        assert outbox.last("env", "temp", None) == 1


class TestDeadLetters:
    def test_are_listed_oldest_first_and_filtered(self, outbox):
        outbox.commit(
            [Transaction(dead=[dead_run("r2", at=20), dead_run("r1", at=10, hook="c.py:x"), dead_effect("e1", at=15)])]
        )

        def ids(**wanted) -> list[str]:
            return [letter.id for letter in outbox.dead(DeadFilter(**wanted), 10)]

        assert ids() == ["r1", "e1", "r2"]
        assert ids(kind=DeadKind.RUN) == ["r1", "r2"]
        assert ids(hook="c.py:*") == ["r1"]
        assert ids(sink="slack") == ["e1"]
        assert ids(since=15) == ["e1", "r2"]
        assert ids(until=15) == ["r1", "e1"]
        assert ids(ids=("r2", "e1")) == ["e1", "r2"]
        assert ids(kind=DeadKind.RUN, since=15) == ["r2"]
        assert [letter.id for letter in outbox.dead(DeadFilter(), 1)] == ["r1"]
        assert outbox.count_dead(DeadFilter(kind=DeadKind.RUN)) == 2

    def test_come_back_as_they_were(self, outbox):
        given = [dead_run("r"), dead_effect("e")]
        outbox.commit([Transaction(dead=given)])
        assert {letter.id: letter for letter in outbox.dead(DeadFilter(), 10)} == {
            letter.id: letter for letter in given
        }

    def test_the_same_failure_again_replaces_its_letter(self, outbox):
        outbox.commit([Transaction(dead=[dead_run("r", at=1)])])
        outbox.commit([Transaction(dead=[dead_run("r", at=2)])])
        assert [letter.at for letter in outbox.dead(DeadFilter(), 10)] == [2]

    def test_a_replayed_run_is_in_the_inbox_for_its_hook_alone(self, outbox):
        outbox.commit([Transaction(dead=[dead_run("r", seq=5)]), accept(8, "a.py:g")])
        assert outbox.replay(["r"])
        row = outbox.pending("a.py", 8, 10)[0]
        assert (row.message.id, row.hooks) == ("m5", ["a.py:f"])
        assert row.message.seq > 8, "at the end"
        assert outbox.dead(DeadFilter(), 10) == []
        assert not outbox.replay(["r"]), "a second time there is nothing"

    def test_a_replayed_effect_is_at_the_end_of_the_outbox(self, outbox):
        outbox.commit([Transaction(dead=[dead_effect("e", seq=5)], effects=[effect(8)])])
        assert outbox.replay(["e"])
        assert [queued.id for queued in outbox.take("slack", 0, 10)] == ["e8", "e5"]

    def test_many_are_replayed_at_once_in_the_order_that_is_asked_for(self, outbox):
        outbox.commit(
            [Transaction(dead=[dead_run("r1", at=1, seq=7), dead_run("r2", at=2, seq=5), dead_effect("e", at=3)])]
        )
        ids = [id for id, _ in outbox.dead_sizes(DeadFilter())]
        assert ids == ["r1", "r2", "e"]
        assert outbox.replay([*ids, "unknown"]) == 3
        waiting = outbox.pending("a.py", 0, 10)
        assert [row.message.id for row in waiting] == ["m7", "m5"]
        assert waiting[0].message.seq < waiting[1].message.seq
        assert outbox.count_dead(DeadFilter()) == 0

    def test_sizes_are_those_of_the_letters(self, outbox):
        outbox.commit([Transaction(dead=[dead_run("r")])])
        [(id, size)] = outbox.dead_sizes(DeadFilter(kind=DeadKind.RUN))
        assert id == "r"
        assert size > len(dead_run("r").message.payload)
        assert outbox.dead_sizes(DeadFilter(kind=DeadKind.EFFECT)) == []

    def test_purge_deletes_what_is_meant(self, outbox):
        outbox.commit([Transaction(dead=[dead_run("r1"), dead_run("r2"), dead_effect("e")])])
        assert outbox.purge(DeadFilter(sink="slack")) == 1
        assert outbox.purge(DeadFilter()) == 2
        assert outbox.count_dead(DeadFilter()) == 0


class House:
    """Keeps house with a clock that goes as it should and has done so for two hours."""

    def __init__(self, outbox) -> None:
        self._outbox = outbox

    def keep(self, now: int, **keep) -> list:
        """All that there is to do at `now`, nanoseconds."""
        self._outbox.tidy(Keep(), now - 2 * HOUR, 0.0)
        done = []
        for step in range(10_000):
            tidied = self._outbox.tidy(Keep(**keep), now, 7_200.0 + 6 * step)
            done += tidied.done
            if not tidied.more:
                return done
        raise AssertionError("there is no end")


HOUR = 3_600_000_000_000
DAY = 24 * HOUR


class TestRetention:
    def test_old_values_leave_and_series_without_any(self, outbox):
        now = 1_000 * DAY
        points = [point(now - n * DAY, n, f"p{n}", {"id": str(n % 3)}) for n in range(20)]
        outbox.commit([Transaction(points=[*points, point(now - 50 * DAY, 1, "gone", {"id": "gone"})])])
        done = House(outbox).keep(now, store_age=10 * DAY)
        assert [(one.what, one.count) for one in done] == [("store", 10)]
        assert abs(done[0].until - (now - 10 * DAY)) < HOUR
        assert [value for _, value in outbox.window("env", "temp", -(2**62), None, 100)] == list(range(10, -1, -1))
        assert outbox.last("env", "temp", {"id": "gone"}) is None
        outbox.commit([Transaction(points=[point(now, 7, "back", {"id": "gone"})])])
        assert outbox.last("env", "temp", {"id": "gone"}) == 7

    def test_where_there_are_too_many_the_oldest_values_leave(self, outbox):
        points = [point(n * HOUR, n, f"p{n}", {"id": str(n % 7)}) for n in range(1, 20_001)]
        outbox.commit([Transaction(points=points)])
        done = House(outbox).keep(30_000 * HOUR, store_bytes=500_000)
        left = [value for _, value in outbox.window("env", "temp", -(2**62), None, 100_000)]
        assert {one.what for one in done} == {"store"}
        assert sum(one.count for one in done) == 20_000 - len(left)
        assert left == list(range(20_001 - len(left), 20_001)), "the newest are kept, whatever their series"
        assert 1_000 < len(left) < 19_000

    def test_old_dead_letters_leave(self, outbox):
        now = 1_000 * DAY
        outbox.commit([Transaction(dead=[dead_run(f"r{n}", at=now - n * DAY) for n in range(20)])])
        done = House(outbox).keep(now, dead_age=10 * DAY)
        assert [(one.what, one.count) for one in done] == [("dead", 9)]
        assert [letter.id for letter in outbox.dead(DeadFilter(), 100)] == [f"r{n}" for n in range(10, -1, -1)]

    def test_where_there_are_too_many_the_oldest_dead_letters_leave(self, outbox):
        outbox.commit([Transaction(dead=[dead_run(f"r{n:04}", at=n) for n in range(2_000)])])
        done = House(outbox).keep(DAY, dead_bytes=50_000)
        left = [letter.id for letter in outbox.dead(DeadFilter(), 10_000)]
        assert [(one.what, one.count) for one in done] == [("dead", 2_000 - len(left))]
        assert left == [f"r{n:04}" for n in range(2_000 - len(left), 2_000)]
        assert 100 < len(left) < 1_000

    def test_without_a_limit_everything_stays(self, outbox):
        outbox.commit([Transaction(points=[point(1, 1)], dead=[dead_run("r", at=1)])])
        assert House(outbox).keep(100_000 * DAY) == []
        assert outbox.last("env", "temp", None) == 1

    def test_a_clock_that_jumps_ahead_throws_nothing_away(self, outbox):
        now = 20_000 * DAY
        outbox.commit([Transaction(points=[point(now, 1)], dead=[dead_run("r", at=now)])])
        keep = Keep(store_age=DAY, dead_age=DAY)
        for hour in range(24):
            jumped = now + (4_000 * DAY if hour >= 2 else 0)
            outbox.tidy(keep, jumped + hour * HOUR, hour * 3600.0)
        assert outbox.last("env", "temp", None) == 1
        assert outbox.count_dead(DeadFilter()) == 1

    @pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["an hour forward", "an hour back"])
    def test_a_clock_that_is_set_by_an_hour_makes_nothing_leave_early_nor_stay_for_good(self, outbox, step):
        now = 20_000 * DAY
        ages = [age * HOUR for age in range(10, 40)]
        outbox.commit([
            Transaction(points=[point(now - age, age // HOUR, f"p{age}") for age in ages]),
            Transaction(dead=[dead_run(f"r{age // HOUR}", at=now - age) for age in ages]),
        ])  # fmt: skip
        keep = Keep(store_age=50 * HOUR, dead_age=50 * HOUR)

        def left() -> tuple[int, int]:
            """The age at `now` of the oldest point and of the oldest dead letter, hours."""
            points = [value for _, value in outbox.window("env", "temp", 0, None, 100)]
            return max(points, default=0), max((int(one.id[1:]) for one in outbox.dead(DeadFilter(), 100)), default=0)

        seen = []
        for hour in range(60):
            wall = now + hour * HOUR + (step if hour >= 5 else 0)
            outbox.tidy(keep, wall, hour * 3600.0)
            while outbox.tidy(keep, wall, hour * 3600.0 + 6).more:
                pass
            seen.append(left())
            for oldest in seen[-1]:
                assert oldest == 0 or oldest >= min(39, 50 - hour - 1), f"{hour} h: it left early"
        assert seen[28] == (39, 39), "not believed for a day after the step"
        assert max(seen[30]) <= 50 - 30 + 3, "what is too old has left then"
        assert seen[-1] == (0, 0)


class TestDropping:
    def test_the_oldest_effects_of_sinks_that_may_be_dropped_leave(self, outbox):
        effects = [effect(n, "influxdb" if n % 2 else "slack", "x" * 1_000) for n in range(1, 201)]
        outbox.commit([Transaction(effects=effects)])
        outbox.commit([accept(999, "a.py:f")])
        keep = Keep(queued_bytes=150_000, droppable=frozenset({"influxdb", "websocket"}))
        dropped = outbox.drop(keep)
        assert [(one.sink, one.oldest) for one in dropped] == [("influxdb", 1)]
        left = [queued.seq for queued in outbox.take("influxdb", 0, 1_000)]
        assert left == list(range(2 * dropped[0].count + 1, 201, 2)), "oldest first"
        assert outbox.queued() == {"slack": 100, "influxdb": 100 - dropped[0].count}
        assert 120_000 < outbox.queued_bytes() < 150_000
        assert outbox.waiting() == {"a.py": 1}
        outbox.commit([Transaction(settled={"influxdb": [1, 3, left[0]]})])
        assert outbox.queued()["influxdb"] == 99 - dropped[0].count, "what a courier has taken may be settled"

    def test_nothing_else_is_dropped(self, outbox):
        outbox.commit(
            [accept(1, "a.py:f", payload=b"x" * 10_000), Transaction(effects=[effect(2, "slack", "x" * 10_000)])]
        )
        assert outbox.drop(Keep(queued_bytes=1, droppable=frozenset({"influxdb"}))) == []
        assert (outbox.waiting(), outbox.queued()) == ({"a.py": 1}, {"slack": 1})

    def test_bytes_are_counted_with_and_without_them(self, outbox):
        outbox.commit([Transaction(effects=[effect(1, "influxdb", "x" * 5_000), effect(2, "slack", "x" * 1_000)])])
        assert 6_000 < outbox.queued_bytes() < 7_000
        assert 1_000 < outbox.queued_bytes(frozenset({"influxdb"})) < 1_200


class TestAllOrNothing:
    @pytest.mark.parametrize(
        "bad",
        [
            Transaction(points=[point(1, "\ud800")]),
            Transaction(state={"a.py": {"x": 2**70}}),
            Transaction(state={"a.py": {"x": object()}}),
            Transaction(points=[point(1, 1, tags={"x": "\ud800"})]),
        ],
        ids=["text", "integer", "object", "tag"],
    )
    def test_what_cannot_be_stored_leaves_nothing_of_the_batch(self, outbox, bad):
        with pytest.raises(ValueError, match="cannot be stored"):
            outbox.commit([accept(1, "a.py:f"), Transaction(effects=[effect(2)]), bad])
        assert (outbox.waiting(), outbox.queued(), outbox.queued_bytes()) == ({}, {}, 0)
        outbox.commit([accept(1, "a.py:f")])
        assert outbox.waiting() == {"a.py": 1}


class TestSqliteAlone:
    def test_everything_is_there_after_reopening(self, tmp_path):
        first = SqliteOutbox(tmp_path / "kraken.db")
        first.commit(
            [accept(1, "a.py:f"), Transaction(effects=[effect(2)], state={"a.py": {"x": 1}}, points=[point(1, 2)])]
        )
        queued = first.queued_bytes()
        first.close()
        again = SqliteOutbox(tmp_path / "kraken.db")
        assert (again.waiting(), again.queued(), again.last_seq()) == ({"a.py": 1}, {"slack": 1}, 2)
        assert (again.state("a.py"), again.last("env", "temp", None)) == ({"x": 1}, 2)
        assert again.queued_bytes() == queued > 0
        again.close()

    def test_identity_and_rest_are_kept(self, tmp_path):
        first = SqliteOutbox(tmp_path / "kraken.db")
        first.commit([Transaction(pause={"slack": True})])
        identity = first.identity()
        first.close()
        again, other = SqliteOutbox(tmp_path / "kraken.db"), SqliteOutbox(tmp_path / "other.db")
        assert (again.identity(), again.paused()) == (identity, {"slack"})
        assert other.identity() != identity
        again.close()
        other.close()

    def test_numbers_go_on_after_a_restart_with_everything_gone(self, tmp_path):
        first = SqliteOutbox(tmp_path / "kraken.db")
        first.commit([accept(70, "a.py:f"), Transaction(effects=[effect(80)])])
        first.commit([Transaction(ended=[(70, ["a.py:f"])], settled={"slack": [80]})])
        first.close()
        again = SqliteOutbox(tmp_path / "kraken.db")
        assert again.last_seq() == 80
        again.commit([Transaction(effects=[effect(10)])])
        assert [queued.seq for queued in again.take("slack", 0, 10)] == [81]
        again.close()

    def test_numbers_go_on_after_a_crash(self, tmp_path):
        writer = """
import os, sys
from pathlib import Path
from kraken_hooks.outbox.base import Transaction
from kraken_hooks.outbox.sqlite import SqliteOutbox
from kraken_hooks.outcome import Effect, QueuedEffect
outbox = SqliteOutbox(Path(sys.argv[1]))
for seq in (1000, 2000):
    outbox.commit([Transaction(effects=[QueuedEffect(seq, "e", "a.py:f", "m", 1, Effect("slack", "send", {}))])])
    outbox.commit([Transaction(settled={"slack": [seq]})])
os._exit(9)
"""
        subprocess.run([sys.executable, "-c", writer, str(tmp_path / "kraken.db")], check=False)
        again = SqliteOutbox(tmp_path / "kraken.db")
        assert 2000 <= again.last_seq() <= 2000 + SEQ_STEP
        again.close()

    def test_numbers_rise_whichever_process_numbers(self, tmp_path):
        ours, theirs = SqliteOutbox(tmp_path / "kraken.db"), SqliteOutbox(tmp_path / "kraken.db")
        ours.commit([Transaction(effects=[effect(50)], dead=[dead_effect("e1"), dead_effect("e2")])])
        ours.commit([Transaction(settled={"slack": [50]})])
        assert theirs.replay(["e1"])
        ours.commit([Transaction(effects=[effect(60)])])
        assert theirs.replay(["e2"])
        ours.commit([Transaction(effects=[effect(70)])])
        taken = ours.take("slack", 0, 10)
        assert [queued.id for queued in taken] == ["e1", "e60", "e1", "e70"]
        assert taken[0].seq > 50
        ours.close()
        theirs.close()

    @pytest.mark.parametrize("crashed", [False, True], ids=["counts on", "begins at the mark"])
    def test_a_replayed_run_gets_no_number_that_the_broker_counts_up_to_after_its_clock_was_set_back(
        self, tmp_path, crashed
    ):
        with (
            closing(SqliteOutbox(tmp_path / "kraken.db")) as broker,
            closing(SqliteOutbox(tmp_path / "kraken.db")) as command,
        ):
            numbers = clock.Sequence(clock.now_ns() + HOUR)
            broker.commit([accept(numbers.next(), "a.py:f"), Transaction(dead=[dead_run("r1"), dead_run("r2")])])
            if crashed:
                numbers.reach(command._read("SELECT value FROM meta WHERE key = 'seq'")[0][0])
            under_way = [numbers.next(), numbers.next()]
            assert command.replay(["r1", "r2"]) == 2
            broker.commit([accept(seq, "a.py:f") for seq in under_way])
            seqs = [row.message.seq for row in broker.pending("a.py", 0, 10)]
        assert seqs[1:3] == under_way
        assert len(seqs) == 5

    def test_the_file_shrinks_when_much_has_left(self, tmp_path):
        path = tmp_path / "kraken.db"
        outbox = SqliteOutbox(path)
        for start in range(1, 20_001, 1_000):
            outbox.commit([Transaction(effects=[effect(n, text="x" * 2_000) for n in range(start, start + 1_000)])])
        outbox.commit([Transaction(points=[point(1, 1)])])
        outbox.commit([Transaction(settled={"slack": list(range(1, 20_001))})])
        assert outbox.queued() == {}
        House(outbox).keep(DAY)
        outbox.close()
        assert path.stat().st_size < 10 << 20
        again = SqliteOutbox(path)
        assert again.last("env", "temp", None) == 1
        again.close()

    def test_housekeeping_goes_in_small_steps(self, tmp_path):
        outbox = SqliteOutbox(tmp_path / "kraken.db")
        outbox.commit([Transaction(points=[point(n, n, tags={"id": str(n % 500)}) for n in range(1, 100_001)])])
        keep, steps = Keep(store_age=DAY), 0
        for hour in range(3):
            outbox.tidy(Keep(), 100 * DAY + hour * HOUR, hour * 3_600.0)
        while outbox.tidy(keep, 100 * DAY + 3 * HOUR, 3 * 3_600.0 + 6).more:
            steps += 1
            outbox.commit([Transaction(state={"a.py": {"x": steps}})])
        assert steps > 0
        assert outbox.last("env", "temp", None) is None
        outbox.close()

    def test_a_reader_that_does_not_end_is_told_once_and_the_log_is_emptied_after_it(self, tmp_path):
        outbox = SqliteOutbox(tmp_path / "kraken.db")
        log = tmp_path / "kraken.db-wal"
        told = []

        def write(megabytes: int, start: int) -> None:
            for number in range(start, start + megabytes):
                outbox.commit([Transaction(state={"a.py": {"big": "x" * 2**20, "number": number}})])
                told.extend(outbox.tidy(Keep(), DAY, float(number)).done)

        with sqlite3.connect(tmp_path / "kraken.db", isolation_level=None) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT 1 FROM meta").fetchone()
            write(80, 1)
            [held] = told
            assert isinstance(held, LogHeld)
            assert 64 << 20 <= held.bytes <= log.stat().st_size
            reader.execute("COMMIT")
        reader.close()
        write(1, 100)
        assert log.stat().st_size < 32 << 20
        assert len(told) == 1
        outbox.close()

    def test_a_damaged_row_is_set_aside_and_counted_out(self, tmp_path):
        outbox = SqliteOutbox(tmp_path / "kraken.db")
        outbox.commit([accept(1, "a.py:f"), Transaction(effects=[effect(2), effect(3)])])
        with sqlite3.connect(tmp_path / "kraken.db") as other:
            other.execute("UPDATE outbox SET effect = zeroblob(length(effect)) WHERE seq = 2")
            other.execute("UPDATE inbox SET message = zeroblob(length(message))")
        other.close()
        assert [queued.seq for queued in outbox.take("slack", 0, 10)] == [3]
        assert outbox.pending("a.py", 0, 10) == []
        done = outbox.tidy(Keep(), DAY, 1.0).done
        assert {(one.table, one.row) for one in done} == {("outbox", '["slack", 2]'), ("inbox", "[1]")}
        assert (outbox.queued(), outbox.waiting()) == ({"slack": 1}, {})
        before = outbox.queued_bytes()
        assert outbox.tidy(Keep(), DAY, 2.0).done == []
        outbox.commit([Transaction(settled={"slack": [3]})])
        assert 0 == outbox.queued_bytes() < before
        outbox.close()

    def test_what_waits_is_counted_beside_the_first_commits(self, tmp_path, monkeypatch):
        before = SqliteOutbox(tmp_path / "kraken.db")
        before.commit([accept(9, "a.py:f"), Transaction(effects=[effect(n, text="x" * 50) for n in range(10, 60_010)])])
        before.commit([Transaction(dead=[dead_run("r")])])
        before.close()
        monkeypatch.setattr("kraken_hooks.outbox.sqlite._COUNT_WAIT", 0.0)
        outbox = SqliteOutbox(tmp_path / "kraken.db")
        outbox.commit([Transaction(settled={"slack": list(range(10, 60))})])
        outbox.commit([Transaction(effects=[effect(60_010)]), accept(60_011, "a.py:f")])
        other = SqliteOutbox(tmp_path / "kraken.db", counted=False)
        assert other.replay(["r"]), "another process too"
        other.close()
        wait_until(outbox.changed_outside, "the count to end, and what came from outside to be seen")
        again = SqliteOutbox(tmp_path / "kraken.db")
        wait_until(lambda: again.queued() == {"slack": 59_951}, "the count of another start")
        assert outbox.queued() == {"slack": 59_951}
        assert outbox.queued_bytes() == again.queued_bytes()
        outbox.close()
        again.close()

    def test_a_count_that_has_not_ended_does_not_hold_up_the_end(self, tmp_path, monkeypatch):
        before = SqliteOutbox(tmp_path / "kraken.db")
        before.commit([Transaction(effects=[effect(n) for n in range(1, 60_001)])])
        before.close()
        monkeypatch.setattr("kraken_hooks.outbox.sqlite._COUNT_WAIT", 0.0)
        told: list[KrakenError] = []
        for _ in range(5):
            outbox = SqliteOutbox(tmp_path / "kraken.db")
            outbox.on_damage = told.append
            outbox.close()
        assert not told
        assert not [thread for thread in threading.enumerate() if thread.name == "count"]

    def test_readers_that_never_rest_do_not_let_the_log_grow_without_end(self, tmp_path):
        outbox = SqliteOutbox(tmp_path / "kraken.db")
        log = tmp_path / "kraken.db-wal"
        stop = threading.Event()

        def read() -> None:
            while not stop.is_set():
                outbox.take("slack", 0, 500)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        largest = 0
        for start in range(1, 60_001, 200):
            outbox.commit([Transaction(effects=[effect(n, text="x" * 2_000) for n in range(start, start + 200)])])
            outbox.tidy(Keep(), DAY, start / 1_000)
            largest = max(largest, log.stat().st_size)
        stop.set()
        for reader in readers:
            reader.join()
        assert largest < 100 << 20, "of 120 MB that were written"
        assert log.stat().st_size < 40 << 20
        outbox.close()

    def test_another_process_may_replay_while_this_one_commits(self, tmp_path):
        ours, theirs = SqliteOutbox(tmp_path / "kraken.db"), SqliteOutbox(tmp_path / "kraken.db")
        ours.commit([Transaction(dead=[dead_run("r")])])
        assert not ours.changed_outside()
        assert theirs.replay(["r"])
        assert ours.changed_outside()
        assert not ours.changed_outside(), "told once"
        assert ours.waiting() == {"a.py": 1}
        assert ours.queued_bytes() > 0
        ours.commit([accept(2, "b.py:f")])
        ours.close()
        theirs.close()

    def test_a_look_at_what_another_process_has_written_that_fails_costs_no_commit(self, tmp_path):
        with (
            closing(SqliteOutbox(tmp_path / "kraken.db")) as ours,
            closing(SqliteOutbox(tmp_path / "kraken.db")) as theirs,
        ):
            theirs.commit([accept(1, "a.py:f")])
            connection, _ = ours._writer
            connection.set_progress_handler(lambda: connection.in_transaction, 1)  # interrupts what is read in one
            with pytest.raises(StorageUnavailable):
                ours.changed_outside()
            ours.commit([accept(2, "a.py:f")])
            assert ours.waiting() == {"a.py": 2}

    def test_after_a_failed_write_no_new_file_takes_the_place_of_a_deleted_one(self, tmp_path):
        with closing(SqliteOutbox(tmp_path / "kraken.db")) as outbox:
            outbox.commit([accept(1, "a.py:f")])
            (tmp_path / "kraken.db").unlink()
            outbox._drop_writer()  # as after a failed write
            for _ in range(2):
                with pytest.raises(StorageGone):
                    outbox.commit([accept(2, "a.py:f")])
            assert not (tmp_path / "kraken.db").exists()

    def test_a_database_of_another_program_is_refused(self, tmp_path):
        with sqlite3.connect(tmp_path / "kraken.db") as other:
            other.execute("CREATE TABLE theirs (x)")
        with pytest.raises(StorageUnusable, match="another program"):
            SqliteOutbox(tmp_path / "kraken.db")

    def test_a_newer_version_is_refused(self, tmp_path):
        SqliteOutbox(tmp_path / "kraken.db").close()
        with sqlite3.connect(tmp_path / "kraken.db") as newer:
            newer.execute("PRAGMA user_version = 99")
        with pytest.raises(StorageUnusable, match="version 99"):
            SqliteOutbox(tmp_path / "kraken.db")

    @pytest.mark.parametrize("relaxed", ["", "relaxed"])
    def test_what_was_committed_before_kill_9_is_there(self, tmp_path, relaxed):
        writer = """
import sys
from pathlib import Path
from kraken_hooks.outbox.base import Point, Transaction
from kraken_hooks.outbox.sqlite import SqliteOutbox
outbox = SqliteOutbox(Path(sys.argv[1]), relaxed=bool(sys.argv[3]))
start = int(sys.argv[2])
for number in range(start, start + 100_000):
    outbox.commit([Transaction(points=[Point("env", "n", {}, number, number, str(number), number, 0)])])
    print(number, flush=True)
"""
        path = tmp_path / "kraken.db"
        said = -1
        for _ in range(3):
            process = subprocess.Popen(
                [sys.executable, "-c", writer, str(path), str(said + 1), relaxed], stdout=subprocess.PIPE
            )
            assert process.stdout is not None
            for line in process.stdout:
                said = int(line)
                if said % 150 == 149:
                    process.kill()
                    break
            for line in process.stdout:
                said = int(line)
            process.wait()
        outbox = SqliteOutbox(path)
        found = [value for _, value in outbox.window("env", "n", 0, None, 1_000_000)]
        assert found[: said + 1] == list(range(said + 1))
        assert len(found) <= said + 2
        outbox.close()
