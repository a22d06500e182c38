"""Pure parts: backoff, quarantine, responses, sequence, errors."""

from __future__ import annotations

import inspect
import json
import resource
import socket
from queue import Queue

import grpc
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import wait_until

from kraken_hooks import errors
from kraken_hooks.clock import Sequence
from kraken_hooks.delivery.backoff import Backoff
from kraken_hooks.engine.log_rate import BURST, RATE, LogRate, Verdict
from kraken_hooks.engine.response import respond
from kraken_hooks.errors import KrakenError, WorkerProtocolError
from kraken_hooks.message import Message, Reply
from kraken_hooks.notify import Notifier
from kraken_hooks.outcome import Effect, LogLine, Outcome, RunError, RunStatus
from kraken_hooks.reload.watcher import Watcher
from kraken_hooks.sinks import reach
from kraken_hooks.sinks.registry import SINKS, check
from kraken_hooks.workers.quarantine import Quarantine
from kraken_hooks.workers.vetting import vet

MESSAGE = Message(1, "m1", "collector", "tcp", "", "", b"", 1)


class TestBackoff:
    def test_waits_longer_each_time_up_to_a_bound(self):
        backoff = Backoff(lambda: 1.0, first=1, longest=10)
        assert [backoff.next(None) for _ in range(6)] == [1, 2, 4, 8, 10, 10]

    def test_has_chance_in_it(self):
        assert Backoff(lambda: 0.0, first=1).next(None) == 0.5

    def test_starts_again_after_success(self):
        backoff = Backoff(lambda: 1.0, first=1)
        backoff.next(None)
        backoff.next(None)
        backoff.reset()
        assert backoff.next(None) == 1

    def test_never_less_than_the_sink_asked_for(self):
        backoff = Backoff(lambda: 0.0, first=100)
        assert backoff.next(3.0) == 3.0

    def test_does_not_overflow(self):
        backoff = Backoff(lambda: 1.0)
        assert [backoff.next(None) for _ in range(5_000)][-1] == 60


class TestQuarantine:
    def test_three_kills_in_a_row_close_a_hook(self):
        quarantine = Quarantine()
        assert [quarantine.killed("a.py:f") for _ in range(4)] == [False, False, True, False]
        assert "a.py:f" in quarantine
        assert "a.py:g" not in quarantine

    def test_a_run_that_ends_begins_the_count_anew(self):
        quarantine = Quarantine()
        quarantine.killed("a.py:f")
        quarantine.killed("a.py:f")
        quarantine.ended("a.py:f")
        assert not quarantine.killed("a.py:f")
        assert not quarantine

    def test_closed_hooks_are_listed_by_name(self):
        quarantine = Quarantine()
        for hook in ["b.py:f", "a.py:f", "c.py:f"] * 2 + ["b.py:f", "a.py:f"]:
            quarantine.killed(hook)
        assert quarantine.hooks() == ["a.py:f", "b.py:f"]


class TestResponse:
    def ok(self, hook: str, payload: bytes | None = None, **metadata) -> Outcome:
        reply = None if payload is None else Reply(payload, "text/plain", metadata)
        return Outcome(hook, RunStatus.OK, reply)

    def test_without_a_reply_nothing_is_for_the_device(self):
        response = respond(MESSAGE, [self.ok("a.py:f")], accepted=False)
        assert (response.collector_name, response.content_type, response.payload) == ("", "", b"")
        assert json.loads(response.metadata) == {"response_type": "ack", "message_id": "m1"}

    def test_the_first_reply_counts(self):
        outcomes = [self.ok("a.py:f"), self.ok("b.py:g", b"one"), self.ok("c.py:h", b"two")]
        response = respond(MESSAGE, outcomes, accepted=False)
        assert (response.collector_name, response.payload) == ("tcp", b"one")
        assert json.loads(response.metadata) == {"response_type": "tcp", "source_broker": "b.py:g", "message_id": "m1"}

    def test_an_empty_reply_is_a_reply(self):
        assert respond(MESSAGE, [self.ok("a.py:f", b"")], accepted=False).collector_name == "tcp"

    def test_a_hook_may_say_the_response_type_but_not_who_it_is(self):
        given = self.ok("a.py:f", b"x", response_type="other", source_broker="forged", message_id="forged", more=1)
        metadata = json.loads(respond(MESSAGE, [given], accepted=False).metadata)
        assert metadata == {"response_type": "other", "source_broker": "a.py:f", "message_id": "m1", "more": 1}

    def test_failed_hooks_are_named(self):
        failed = Outcome("a.py:f", RunStatus.FAILED, error=RunError("X", "y"))
        response = respond(MESSAGE, [failed, self.ok("b.py:g", b"x")], accepted=False)
        assert response.payload == b"x"
        assert json.loads(response.metadata)["failed"] == ["a.py:f"]

    def test_what_runs_later_is_accepted(self):
        assert json.loads(respond(MESSAGE, [], accepted=True).metadata)["response_type"] == "accepted"


class TestMessage:
    @pytest.mark.parametrize("name", ["kind", "collector", "content_type", "metadata"])
    def test_every_text_counts_in_its_size(self, name):
        large = msgspec.structs.replace(MESSAGE, **{name: "x" * 10_000})
        assert len(msgspec.msgpack.encode(large)) <= large.size < 10_300


class TestReach:
    @pytest.mark.parametrize("host", ["sensors..local", "x" * 64 + ".local", "."])
    def test_a_name_that_no_host_can_have_is_not_reached(self, host):
        assert reach.answers(host, 1) is False


class TestNotifier:
    def test_descriptors_that_are_used_up_are_no_reason_to_fail(self, tmp_path):
        address = str(tmp_path / "systemd")
        notifier = Notifier({"NOTIFY_SOCKET": address})
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(address)
            before = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
            try:
                notifier.send("WATCHDOG=1")
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, before)
            notifier.send("READY=1")
            assert systemd.recv(100) == b"READY=1"


class TestSequence:
    def test_goes_up_even_when_the_clock_goes_back(self, monkeypatch):
        times = iter([100, 50, 50, 200])
        monkeypatch.setattr("kraken_hooks.clock.time.time_ns", lambda: next(times))
        sequence = Sequence(after=90)
        assert [sequence.next() for _ in range(4)] == [100, 101, 102, 200]

    def test_ids_sort_by_arrival(self):
        sequence = Sequence()
        ids = [sequence.message_id(sequence.next()) for _ in range(100)]
        assert ids == sorted(set(ids))
        assert all(len(id) == 24 for id in ids)


ERRORS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, KrakenError)]


class TestErrors:
    @pytest.mark.parametrize("kind", ERRORS)
    def test_each_knows_its_status_exit_code_and_remedy(self, kind):
        assert grpc.StatusCode[kind.grpc_status] is not grpc.StatusCode.INTERNAL
        assert kind.exit_code in (1, 78)
        assert kind.remedy.endswith((".", "warning", "KRAKENB_GRPC_HOST."))
        assert kind.__doc__


class TestVetting:
    """What a worker reports is believed only where an honest worker could have said it."""

    @pytest.mark.parametrize(
        "outcome",
        [
            Outcome("a.py:other", RunStatus.OK),
            Outcome("a.py:f", RunStatus.OK, error=RunError("X", "y")),
            Outcome("a.py:f", RunStatus.FAILED),
            Outcome("a.py:f", RunStatus.FAILED, error=RunError("X", "y"), state={"k": 1}),
            Outcome(
                "a.py:f", RunStatus.FAILED, error=RunError("X", "y"), effects=[Effect("slack", "send", {"text": "x"})]
            ),
            Outcome("a.py:f", RunStatus.OK, Reply(b"x" * (4 * 2**20 + 1), "")),
            Outcome("a.py:f", RunStatus.OK, effects=[Effect("slack", "send", {"text": "x"})] * 10_001),
            Outcome("a.py:f", RunStatus.OK, logs=[LogLine("info", "x", {})] * 1_002),
            Outcome("a.py:f", RunStatus.OK, logs=[LogLine("shout", "x", {})]),
            Outcome("a.py:f", RunStatus.OK, state={"": 1}),
            Outcome("a.py:f", RunStatus.OK, state={"k" * 601: 1}),
        ],
    )
    def test_a_lie_is_noticed(self, outcome):
        with pytest.raises(WorkerProtocolError):
            vet(outcome, {"a.py:f"}, lambda effect: None)

    @pytest.mark.parametrize(
        "effect",
        [
            Effect("nothing", "send", {}), Effect("slack", "drop", {}), Effect("slack", "send", {}), Effect("slack", "send", {"text": 1}),
            Effect("slack", "send", {"text": "x", "url": "http://evil.example"}), Effect("store", "write", {"measurement": "x"}),
            Effect("store", "write", {"measurement": "x", "fields": {"a": [1]}, "tags": {}, "time": 1}),
        ],
    )  # fmt: skip
    def test_an_effect_of_a_wrong_form_is_noticed(self, effect):
        with pytest.raises(WorkerProtocolError):
            check(effect)

    def test_every_sink_has_its_operations(self):
        assert {"store", "influxdb", "redis", "slack"} <= {kind.name for kind in SINKS}
        check(Effect("store", "write", {"measurement": "x", "fields": {"a": 1}, "tags": {}, "time": 1}))
        check(Effect("slack", "send", {"text": "x"}))


class TestLogRate:
    def test_a_burst_is_written_then_one_line_says_that_it_is_cut_off(self):
        rate = LogRate()
        found = [rate.admit("a.py:f", 5.0) for _ in range(BURST + 100)]
        assert found == [Verdict.WRITE] * BURST + [Verdict.CUT_OFF] + [Verdict.DROP] * 99

    def test_each_hook_has_its_own(self):
        rate = LogRate()
        for _ in range(BURST + 1):
            rate.admit("a.py:f", 5.0)
        assert rate.admit("a.py:g", 5.0) is Verdict.WRITE

    def test_a_steady_hook_within_the_rate_is_never_cut_off(self):
        rate = LogRate()
        assert {rate.admit("a.py:f", number / RATE) for number in range(3 * BURST)} == {Verdict.WRITE}

    def test_it_is_heard_again_after_some_quiet_seconds_not_between_two_lines(self):
        rate = LogRate()
        for _ in range(BURST + 1):
            rate.admit("a.py:f", 0.0)
        assert rate.admit("a.py:f", 1.0) is Verdict.DROP
        assert rate.admit("a.py:f", BURST / 2 / RATE + 0.01) is Verdict.WRITE

    @given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 500)), max_size=60))
    def test_what_is_written_never_exceeds_burst_and_rate(self, steps):
        rate, now, written = LogRate(), 0.0, 0
        for pause, lines in steps:
            now += pause
            written += sum(rate.admit("a.py:f", now) is Verdict.WRITE for _ in range(lines))
        assert written <= BURST + RATE * now + 1

    def test_a_changed_file_begins_anew(self):
        rate = LogRate()
        for _ in range(BURST + 1):
            rate.admit("a.py:f", 0.0)
        rate.forget("a.py")
        assert rate.admit("a.py:f", 0.0) is Verdict.WRITE


class TestWatcher:
    def test_goes_on_after_a_bug_and_tells_the_change_again(self, tmp_path):
        told: Queue[None] = Queue()

        def on_change() -> None:
            told.put(None)
            if told.qsize() == 1:
                raise ZeroDivisionError

        watcher = Watcher(tmp_path, on_change, poll=0.01, notifications=False)
        watcher.start()
        (tmp_path / "a.py").touch()
        wait_until(lambda: told.qsize() == 2, "the change to be told again")
        watcher.stop()
