"""The courier with sinks that do as the test says: halving, crashes of a sink's own code, pause, an offline sink that comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import PATIENCE, wait_until

from kraken_hooks.delivery.backoff import Backoff
from kraken_hooks.delivery.courier import Courier, State
from kraken_hooks.delivery.split import deliver_all
from kraken_hooks.delivery.suspicion import DOUBT
from kraken_hooks.outbox.base import DeadFilter, Transaction
from kraken_hooks.outbox.memory import MemoryOutbox
from kraken_hooks.outcome import Effect, QueuedEffect
from kraken_hooks.sinks.base import Delivered, NotNow, Refused, RefusedTogether, Result


def queued(seq: int) -> QueuedEffect:
    return QueuedEffect(seq, f"m/{seq}", "a.py:a", "m", 0, Effect("toy", "put", {"n": seq}))


class Toy:
    """A sink that asks `answer` for each call."""

    batch = 100
    interval = 0.0

    def __init__(self, answer: Callable[[list[int]], list[Result]]) -> None:
        self.answer = answer
        self.calls: list[list[int]] = []
        self.is_there = True

    def deliver(self, effects: list[QueuedEffect]) -> list[Result]:
        numbers = [effect.seq for effect in effects]
        self.calls.append(numbers)
        return self.answer(numbers)

    def reachable(self) -> bool:
        return self.is_there

    def close(self) -> None:
        pass


class Desk:
    def __init__(self) -> None:
        self.outbox = MemoryOutbox()
        self._lock = threading.Lock()
        self._couriers: list[Courier] = []

    def put(self, *numbers: int) -> None:
        with self._lock:
            self.outbox.commit([Transaction(effects=[queued(number) for number in numbers])])

    def courier(self, sink: Toy, backoff: Backoff, **options) -> Courier:
        courier = Courier("toy", lambda: sink, self.outbox, self._settle, backoff, **options)
        courier.start()
        self._couriers.append(courier)
        return courier

    def _settle(self, transaction: Transaction) -> Future[None]:
        with self._lock:
            self.outbox.commit([transaction])
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def empty(self) -> None:
        wait_until(lambda: not self.outbox.queued(), "the outbox to be empty")

    def close(self) -> None:
        for courier in self._couriers:
            courier.stop(10)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with closing(Desk()) as made:
        yield made


QUICK = (lambda: 0.5, 0.01, 0.05)


@given(bad=st.sets(st.integers(0, 40)), size=st.integers(1, 41))
def test_halving_finds_exactly_the_bad_ones_and_keeps_the_order(bad, size):
    taken: list[int] = []

    def deliver(effects: list[QueuedEffect]) -> list[Result]:
        if any(effect.seq in bad for effect in effects):
            return [RefusedTogether("one of them")]
        taken.extend(effect.seq for effect in effects)
        return [Delivered()] * len(effects)

    results = deliver_all(deliver, [queued(number) for number in range(size)])
    assert [isinstance(result, Refused) for result in results] == [number in bad for number in range(size)]
    assert taken == [number for number in range(size) if number not in bad]


def test_halving_ends_where_the_sink_cannot_go_on():
    def deliver(effects: list[QueuedEffect]) -> list[Result]:
        if len(effects) > 1:
            return [RefusedTogether("one of them")]
        return [NotNow("busy")] if effects[0].seq == 1 else [Delivered()]

    assert deliver_all(deliver, [queued(number) for number in range(4)]) == [Delivered(), NotNow("busy")]


def test_what_a_sink_did_not_try_is_handed_over_again(desk):
    sink = Toy(lambda numbers: [Delivered()] * min(2, len(numbers)))
    desk.put(1, 2, 3, 4, 5)
    desk.courier(sink, Backoff(*QUICK))
    desk.empty()
    assert sink.calls == [[1, 2, 3, 4, 5], [3, 4, 5], [5]]


def test_an_effect_on_which_the_sinks_own_code_fails_becomes_a_dead_letter_and_blocks_nobody(desk):
    def answer(numbers: list[int]) -> list[Result]:
        if 2 in numbers:
            raise ZeroDivisionError
        return [Delivered()] * len(numbers)

    desk.put(1, 2, 3)
    desk.courier(Toy(answer), Backoff(*QUICK))
    desk.empty()
    [letter] = desk.outbox.dead(DeadFilter(), 10)
    assert letter.effect is not None
    assert letter.effect.seq == 2
    assert letter.error.message == "its own code failed: ZeroDivisionError"


def test_a_sink_that_cannot_be_made_yet_is_made_later(desk):
    sink = Toy(lambda numbers: [Delivered()] * len(numbers))
    tries = iter([ImportError("not yet"), OSError("not yet"), None])

    def opened() -> Toy:
        error = next(tries)
        if error is not None:
            raise error
        return sink

    desk.put(1)
    courier = Courier("toy", opened, desk.outbox, desk._settle, Backoff(*QUICK))
    courier.start()
    desk.empty()
    courier.stop(10)


def test_a_sink_whose_own_code_fails_when_it_is_looked_at_goes_on(desk):
    class Fragile(Toy):
        def reachable(self) -> bool:
            raise ZeroDivisionError

    answers = [NotNow("away", offline=True), Delivered()]
    sink = Fragile(lambda numbers: [answers.pop(0)])
    desk.put(1)
    desk.courier(sink, Backoff(*QUICK))
    desk.empty()
    assert sink.calls == [[1], [1]]


def test_an_offline_sink_is_tried_as_soon_as_it_can_be_reached(desk):
    """With a wait of an hour, only the look at the sink can bring it back within the test's time."""
    sink = Toy(lambda _numbers: [NotNow("no connection", offline=True)])
    sink.is_there = False
    desk.put(1)
    courier = desk.courier(sink, Backoff(lambda: 0.5, 3600.0, 3600.0))
    wait_until(lambda: courier.report().retry_in is not None, "it to be down, and wait")
    sink.answer = lambda numbers: [Delivered()] * len(numbers)
    sink.is_there = True
    desk.empty()
    assert courier.report().delivered == 1


def test_an_offline_sink_that_takes_connections_all_the_time_is_not_hammered(desk):
    sink = Toy(lambda _numbers: [NotNow("reset by peer", offline=True)])
    desk.put(1)
    courier = desk.courier(sink, Backoff(lambda: 0.5, 3600.0, 3600.0))
    wait_until(lambda: courier.report().retry_in is not None, "it to wait")
    courier.stop(10)
    assert len(sink.calls) == 1


def test_resuming_a_sink_that_is_down_makes_it_be_tried_at_once(desk):
    sink = Toy(lambda _numbers: [NotNow("busy", retry_after=3600.0)])
    desk.put(1)
    courier = desk.courier(sink, Backoff(*QUICK))
    wait_until(lambda: courier.report().retry_in is not None, "it to wait")
    sink.answer = lambda numbers: [Delivered()] * len(numbers)
    courier.resume()
    desk.empty()


def test_a_courier_that_starts_paused_hands_over_nothing(desk):
    sink = Toy(lambda numbers: [Delivered()] * len(numbers))
    desk.put(1)
    courier = desk.courier(sink, Backoff(*QUICK), paused=True)
    wait_until(lambda: courier.report().state is State.PAUSED, "the pause")
    courier.wake()
    courier.stop(10)
    assert sink.calls == []
    assert desk.outbox.queued() == {"toy": 1}


class Breaks:
    """A sink that breaks down over some effects, each time."""

    def __init__(self, *bad: int) -> None:
        self.bad = set(bad)
        self.taken: list[int] = []

    def __call__(self, numbers: list[int]) -> list[Result]:
        if self.bad & set(numbers):
            return [NotNow("it hung up", suspect=True)]
        self.taken += numbers
        return [Delivered()] * len(numbers)


def test_an_effect_over_which_the_sink_breaks_down_each_time_is_found_and_the_rest_arrives_in_order(desk):
    sink = Breaks(30, 77)
    desk.put(*range(1, 201))
    desk.courier(Toy(sink), Backoff(*QUICK))
    desk.empty()
    assert sink.taken == [number for number in range(1, 201) if number not in (30, 77)]
    letters = desk.outbox.dead(DeadFilter(), 10)
    assert [letter.effect.seq for letter in letters if letter.effect] == [30, 77]
    assert {letter.error.message for letter in letters} == {"the sink broke down over it each time: it hung up"}


def test_a_sink_that_breaks_down_over_everything_is_ill_itself_and_loses_nothing(desk):
    sink = Breaks(*range(1, 100))
    toy = Toy(sink)
    desk.put(*range(1, 4))
    desk.courier(toy, Backoff(*QUICK))
    wait_until(lambda: [2] in toy.calls and [3] in toy.calls, "each of those behind to be tried")
    wait_until(lambda: len(toy.calls) > 3 * DOUBT, "more tries")
    assert desk.outbox.count_dead(DeadFilter()) == 0
    sink.bad.clear()
    desk.empty()
    assert sorted(sink.taken) == [1, 2, 3]
    assert desk.outbox.count_dead(DeadFilter()) == 0


def test_the_last_effect_is_never_given_up_for_want_of_another(desk):
    sink = Breaks(1)
    toy = Toy(sink)
    desk.put(1)
    desk.courier(toy, Backoff(*QUICK))
    wait_until(lambda: len(toy.calls) > 2 * DOUBT, "tries")
    assert desk.outbox.queued() == {"toy": 1}
    desk.put(2)
    desk.empty()
    assert sink.taken == [2]


def test_bad_effects_in_a_row_are_found_one_after_the_other(desk):
    sink = Breaks(2, 3, 4)
    desk.put(*range(1, 8))
    desk.courier(Toy(sink), Backoff(*QUICK))
    desk.empty()
    assert sorted(sink.taken) == [1, 5, 6, 7]
    assert sorted(letter.effect.seq for letter in desk.outbox.dead(DeadFilter(), 10) if letter.effect) == [2, 3, 4]


def test_a_sink_that_comes_back_between_the_effect_in_doubt_and_its_witness_condemns_nothing(desk):
    sink = Breaks(1, 2)

    def answer(numbers: list[int]) -> list[Result]:
        if 2 in numbers:
            sink.bad.clear()
        return sink(numbers)

    desk.put(1)
    toy = Toy(sink)
    desk.courier(toy, Backoff(*QUICK))
    wait_until(lambda: len(toy.calls) > 2 * DOUBT, "the only effect to be in doubt")
    toy.answer = answer
    desk.put(2)
    desk.empty()
    assert sorted(sink.taken) == [1, 2]
    assert desk.outbox.count_dead(DeadFilter()) == 0


def test_a_sink_that_is_down_when_the_witness_is_tried_keeps_the_order(desk):
    """As one that needs a moment after it has broken down."""
    sink, tried = Breaks(1), []

    def answer(numbers: list[int]) -> list[Result]:
        if numbers == [2] and len(tried) < 3:
            tried.append(2)
            return [NotNow("no connection", offline=True)]
        return sink(numbers)

    desk.put(1, 2, 3)
    desk.courier(Toy(answer), Backoff(*QUICK))
    desk.empty()
    assert sink.taken == [2, 3]
    assert len(tried) == 3


def test_a_witness_that_is_refused_proves_nothing(desk):
    """A sink may refuse without asking its server."""

    def answer(numbers: list[int]) -> list[Result]:
        return [Refused("not in the list")] if numbers[0] == 2 else [NotNow("it hung up", suspect=True)]

    desk.put(1, 2)
    toy = Toy(answer)
    desk.courier(toy, Backoff(*QUICK))
    wait_until(lambda: [2] in toy.calls and len(toy.calls) > 3 * DOUBT, "more tries")
    [letter] = desk.outbox.dead(DeadFilter(), 10)
    assert letter.error.message == "not in the list"
    assert desk.outbox.queued() == {"toy": 1}


def test_a_witness_has_to_be_of_the_same_lane(desk):
    sink = Breaks(1, 3)
    desk.put(1, 2, 3)
    toy = Toy(sink)
    desk.courier(toy, Backoff(*QUICK), lane=lambda effect: "odd" if effect.args["n"] % 2 else "even")
    wait_until(lambda: [3] in toy.calls and len(toy.calls) > 3 * DOUBT, "more tries")
    assert desk.outbox.count_dead(DeadFilter()) == 0
    desk.put(5)
    wait_until(lambda: desk.outbox.count_dead(DeadFilter()), "a witness")
    sink.bad.clear()
    desk.empty()
    assert [letter.effect.seq for letter in desk.outbox.dead(DeadFilter(), 10) if letter.effect] == [1]


class Lanes:
    """A sink with a server for each remainder of a number by three. Those in `down` take nothing."""

    def __init__(self, *down: int) -> None:
        self.down = set(down)
        self.taken: list[int] = []

    def __call__(self, numbers: list[int]) -> list[Result]:
        results: list[Result] = []
        for number in numbers:
            if number % 3 in self.down:
                return [*results, NotNow("no connection", offline=True)]
            self.taken.append(number)
            results.append(Delivered())
        return results

    @staticmethod
    def lane(effect: Effect) -> str:
        return str(effect.args["n"] % 3)


def test_a_lane_that_is_down_holds_back_itself_alone(desk):
    sink = Lanes(0, 1)
    toy = Toy(sink)
    toy.batch, toy.is_there = 4, False
    desk.put(*range(1, 100))
    courier = desk.courier(toy, Backoff(lambda: 0.5, 3600.0, 3600.0), lane=sink.lane)
    wait_until(lambda: len(sink.taken) == 33, "the third lane to be empty")
    desk.put(*range(100, 110))
    courier.wake()
    wait_until(lambda: len(sink.taken) == 36, "what came since")
    assert sink.taken == list(range(2, 110, 3))
    assert courier.report().state is State.DOWN
    sink.down.clear()
    toy.is_there = True
    desk.empty()
    for lane in range(3):
        assert [number for number in sink.taken if number % 3 == lane] == list(range(lane or 3, 110, 3)), "in order"
    assert courier.report().delivered == 109


def test_each_lane_that_is_down_is_tried_again_once_in_a_while_and_the_rest_goes_on(desk):
    sink = Lanes(0, 1)
    toy = Toy(sink)
    desk.put(*range(1, 31))
    courier = desk.courier(toy, Backoff(*QUICK), lane=sink.lane)

    def tries(lane: int) -> int:
        """Calls that began, or ended, with an effect of this lane."""
        return sum(lane in {number % 3 for number in call} for call in list(toy.calls))

    wait_until(lambda: tries(0) > 5 and tries(1) > 5, "tries of both")
    assert len(sink.taken) == 10
    sink.down = {0}  # the first of all is of the second lane
    wait_until(lambda: len(sink.taken) == 20, "the second lane to go on")
    assert courier.report().state is State.DOWN
    sink.down = set()
    desk.empty()


def test_a_courier_whose_lane_is_down_can_be_paused_and_stopped(desk):
    sink = Lanes(0)
    toy = Toy(sink)
    toy.is_there = False
    desk.put(3)
    courier = desk.courier(toy, Backoff(lambda: 0.5, 3600.0, 3600.0), lane=sink.lane)
    wait_until(lambda: courier.report().retry_in is not None, "it to wait")
    courier.pause()
    wait_until(lambda: courier.report().retry_in is None, "the pause")
    desk.put(4)
    courier.wake()
    assert sink.taken == []
    courier.resume()
    wait_until(lambda: desk.outbox.queued() == {"toy": 1}, "the other lane")
    assert sink.taken == [4]
    courier.stop(10)
    assert desk.outbox.queued() == {"toy": 1}


def test_a_sink_that_is_down_makes_nothing_suspect(desk):
    sink = Toy(lambda _numbers: [NotNow("no connection")])
    desk.put(1, 2)
    desk.courier(sink, Backoff(*QUICK))
    wait_until(lambda: len(sink.calls) > 3 * DOUBT, "tries")
    assert sink.calls == [[1, 2]] * len(sink.calls)


def test_a_resume_while_the_sink_is_being_tried_is_one_more_try_at_once(desk):
    tried, go_on = threading.Event(), threading.Event()

    def answer(numbers: list[int]) -> list[Result]:
        if tried.is_set():
            return [Delivered()] * len(numbers)
        tried.set()
        assert go_on.wait(PATIENCE)
        return [NotNow("an attempt from before it was mended", retry_after=3600.0)]

    desk.put(1)
    courier = desk.courier(Toy(answer), Backoff(*QUICK))
    assert tried.wait(PATIENCE)
    courier.resume()
    go_on.set()
    desk.empty()


def test_what_a_server_says_can_be_kept_whatever_it_is(desk):
    """JSON may hold half a surrogate pair; no row and no answer of `status` can."""
    desk.put(1)
    toy = Toy(lambda _: [NotNow("not now \ud800", retry_after=3600.0)])
    courier = desk.courier(toy, Backoff(*QUICK))
    wait_until(lambda: courier.report().reason == "not now ?", "what it says")
    toy.answer = lambda _: [Refused("never \ud800")]
    courier.resume()
    desk.empty()
    assert [letter.error.message for letter in desk.outbox.dead(DeadFilter(), 10)] == ["never ?"]
