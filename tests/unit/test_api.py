"""The author's API, called as hooks call it (through the shipped test helpers)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum

import pytest

import kraken_hooks
from kraken_hooks import clock, http, influxdb, log, on, reply, slack, state, store, throttle
from kraken_hooks.api import run as current_run
from kraken_hooks.outcome import Effect
from kraken_hooks.testing import message, run


def call(body, given=None, **options):
    return run(body, message() if given is None else given, **options)


def error(body, **options) -> str:
    outcome = call(body, **options)
    assert outcome.error is not None, "it went through"
    return outcome.error.message


class TestMsg:
    def test_fields(self):
        at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
        msg = message({"a": 1}, collector="mqtt", content_type="x", metadata={"m": [1]}, kind="k", received_at=at)
        assert (msg.collector, msg.provider, msg.kind, msg.content_type) == ("mqtt", "mqtt", "k", "x")
        assert (msg.json, msg.text, msg.payload, msg.metadata) == ({"a": 1}, '{"a": 1}', b'{"a": 1}', {"m": [1]})
        assert msg.received_at.tzinfo is not None

    def test_the_time_is_exactly_the_one_that_was_given(self):
        times = [datetime(2026, 1, 2, 3, 4, 5, 7 * number, UTC) for number in range(1_000)]
        assert [message(received_at=at).received_at for at in times] == times
        written = [call(lambda msg: store.write("m", {"f": 1}), given=message(received_at=at)) for at in times[:100]]
        assert [clock.moment(outcome.effects[0].args["time"]) for outcome in written] == times[:100]

    def test_no_json_is_a_clear_error_that_a_hook_can_catch(self):
        with pytest.raises(ValueError, match=r"the payload is not JSON.*begins with b'21.5 C'"):
            _ = message("21.5 C").json

    @pytest.mark.parametrize("payload", [b"[" * 100_000, b"NaN", b"", b"\xff", b'{"a":}'])
    def test_what_is_not_json(self, payload):
        with pytest.raises(ValueError, match="not JSON"):
            _ = message(payload).json

    def test_no_text_is_a_clear_error(self):
        with pytest.raises(ValueError, match="byte 1 is not UTF-8"):
            _ = message(b"a\xff").text

    def test_names_what_it_has(self):
        assert "a message has no topic; it has id, kind," in error(lambda msg: msg.topic)
        assert call(lambda msg: getattr(msg, "topic", "none")).reply.payload == b"none"

    def test_has_no_items_and_says_where_they_are(self):
        assert "msg.json['temp'] is the payload's" in error(lambda msg: msg["temp"])


class TestReply:
    @pytest.mark.parametrize(
        ("value", "content_type", "payload"),
        [
            ("é", "text/plain", "é".encode()), (b"\xff", "application/octet-stream", b"\xff"),
            ({"a": 1.5}, "application/json", b'{"a":1.5}'), ([1, "x"], "application/json", b'[1,"x"]'),
            ({"at": datetime(2026, 1, 2, tzinfo=UTC)}, "application/json", b'{"at":"2026-01-02T00:00:00+00:00"}'),
            ("", "text/plain", b""), (bytearray(b"x"), "application/octet-stream", b"x"),
        ],
    )  # fmt: skip
    def test_what_a_hook_may_return(self, value, content_type, payload):
        made = call(lambda msg: value).reply
        assert (made.content_type, made.payload) == (content_type, payload)

    def test_none_is_no_opinion(self):
        assert call(lambda msg: None).reply is None

    @pytest.mark.parametrize("value", [1, 1.5, True, object(), ("tuple",), {1, 2}])
    def test_anything_else_is_an_error(self, value):
        assert "a hook returns" in error(lambda msg: value)

    def test_what_is_no_json(self):
        assert "cannot be written as JSON" in error(lambda msg: {"x": float("nan")})
        assert "cannot leave the hook" in error(lambda msg: {"x": object()})

    def test_more_than_4_mib_is_an_error(self):
        assert "collectors take at most" in error(lambda msg: "x" * (4 * 2**20 + 1))

    def test_metadata_counts(self):
        assert "collectors take at most" in error(lambda msg: reply("x", metadata={"m": "x" * (4 * 2**20)}))

    def test_with_content_type_and_metadata(self):
        made = call(
            lambda msg: reply({"a": 1}, content_type="x/y", metadata={"response_type": "other", "n": [1]})
        ).reply
        assert (made.content_type, made.payload, made.metadata) == (
            "x/y",
            b'{"a":1}',
            {"response_type": "other", "n": [1]},
        )


class TestStore:
    def test_write_with_everything(self):
        at = datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=9)))
        outcome = call(lambda msg: store.write("env", {"t": 1.5, "n": 1, "s": "x", "b": True}, {"id": 101}, at))
        args = {"measurement": "env", "fields": {"t": 1.5, "n": 1, "s": "x", "b": True}, "tags": {"id": "101"},
                "time": int(at.timestamp()) * 10**9}  # fmt: skip
        assert outcome.effects == [Effect("store", "write", args)]

    def test_time_is_the_messages_unless_said(self):
        given = message(received_at=datetime(2026, 1, 2, tzinfo=UTC))
        outcome = call(lambda msg: store.write("env", {"t": 1}), given)
        assert outcome.effects[0].args["time"] == 1767312000 * 10**9

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (("", {"a": 1}), "measurement must not be empty"), ((1, {"a": 1}), "must be text"), (("m", {}), "at least one"),
            (("m", {"a": None}), "must be a number"), (("m", {"a": [1]}), "must be a number"), (("m", {"a": float("inf")}), "cannot be stored"),
            (("m", {"a": 2**64}), "64 bits"), (("m", {1: 1}), "must be text"), (("m", {"a": 1}, ["t"]), "tags must be a dict"),
            (("m", {"a": 1}, {"t": None}), "must be text"), (("m", {"a": 1}, None, datetime(2026, 1, 1)), "time zone"),  # noqa: DTZ001  # without a zone on purpose
            (("m", {"a": 1}, None, 1e12), "in seconds"), (("m", {"a": 1}, None, 1e300), "in seconds"),
            (("m", {"a": 1}, None, 10**400), "finite number"), (("m", {"a": 1}, None, 10**5_000), "finite number"), (("m", {"a": "\ud800"}), "not valid Unicode"),
        ],
    )  # fmt: skip
    def test_mistakes_are_told_at_the_call(self, arguments, reason):
        assert reason in error(lambda msg: store.write(*arguments))

    def test_queries(self):
        at = datetime(2026, 1, 2, tzinfo=UTC)
        answers = {"store.last": lambda args: args["tags"], "store.window": [[at, 1.5]]}
        assert call(lambda msg: store.last("m", "f", {"id": 1}), answers=answers).reply.payload == b'{"id":"1"}'
        outcome = call(lambda msg: str(store.window("m", "f", 60) == [(at, 1.5)]), answers=answers)
        assert outcome.reply.payload == b"True"


class TestInfluxdb:
    def test_write_takes_what_the_store_takes_and_a_bucket(self):
        at = datetime(2026, 1, 2, tzinfo=UTC)
        outcome = call(lambda msg: influxdb.write("env", {"t": 1, "s": "x", "b": True}, {"id": 101}, at, "raw"))
        args = {"measurement": "env", "fields": {"t": 1, "s": "x", "b": True}, "tags": {"id": "101"},
                "time": int(at.timestamp()) * 10**9, "bucket": "raw"}  # fmt: skip
        assert outcome.effects == [Effect("influxdb", "write", args)]

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (("", {"a": 1}), "measurement must not be empty"), (("m", {}), "at least one"), (("m", {"a": None}), "must be a number"),
            (("m", {"a": float("nan")}), "cannot be stored"), (("m", {"a": 1}, ["t"]), "tags must be a dict"),
            (("#m", {"a": 1}), "takes a line that begins with # for a comment"), (("m", {"time": 1}), "give the point's time as time="),
            (("m", {"a": 1}, {"time": 1}), "give the point's time as time="), (("m", {"a": 1}, None, None, ""), "bucket must not be empty"),
        ],
    )  # fmt: skip
    def test_mistakes_are_told_at_the_call(self, arguments, reason):
        assert reason in error(lambda msg: influxdb.write(*arguments))

    def test_query(self):
        at = datetime(2026, 1, 2, tzinfo=UTC)
        asked = []
        answers = {"influxdb.query": lambda args: asked.append(args) or [{"_value": 1.5}]}
        outcome = call(lambda msg: influxdb.query("from(…)", {"s": "x", "n": 1, "at": at, "l": [1.5]}), answers=answers)
        assert outcome.reply.payload == b'[{"_value":1.5}]'
        assert call(lambda msg: influxdb.query("x"), answers=answers).error is None
        assert asked == [
            {"flux": "from(…)", "params": {"s": "x", "n": 1, "at": at, "l": [1.5]}},
            {"flux": "x", "params": {}},
        ]

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (("",), "flux must not be empty"), (("f", ["x"]), "params must be a dict"), (("f", {"a-b": 1}), "no name that Flux knows"),
            (("f", {"a": None}), "must be text, a number"), (("f", {"a": [b"x"]}), "must be text, a number"),
            (("f", {"a": float("inf")}), "must be a finite number"), (("f", {"a": {"b": 1}}), "must be text, a number"),
        ],
    )  # fmt: skip
    def test_mistakes_of_a_query(self, arguments, reason):
        assert reason in error(lambda msg: influxdb.query(*arguments))


class TestSlack:
    def test_a_long_text_is_cut_and_marked(self):
        [effect] = call(lambda msg: slack.send("x" * 50_000)).effects
        said = effect.args["text"]
        assert len(said) == 40_000
        assert said.endswith("x… (cut)")

    def test_too_many_blocks_are_a_mistake(self):
        assert "51 blocks" in error(lambda msg: slack.send("x", blocks=[{"type": "divider"}] * 51))

    def test_send(self):
        outcome = call(lambda msg: slack.send("hi", channel="c", username="u", blocks=[{"type": "section"}]))
        assert outcome.effects == [
            Effect("slack", "send", {"text": "hi", "channel": "c", "username": "u", "blocks": [{"type": "section"}]})
        ]

    def test_mistakes(self):
        assert "must not be empty" in error(lambda msg: slack.send(""))
        assert "must be text" in error(lambda msg: slack.send(5))
        assert "list of dicts" in error(lambda msg: slack.send("x", blocks=["y"]))

    def test_not_configured(self):
        assert "set" in error(lambda msg: slack.send("x"), configured=())
        assert call(lambda msg: str(slack.configured), configured=()).reply.payload == b"False"


class Colour(Enum):
    RED = "red"


class TestState:
    def test_is_kept_from_run_to_run(self):
        kept: dict = {}
        assert call(lambda msg: str(state.incr("n")), state=kept).reply.payload == b"1"
        assert call(lambda msg: str(state.incr("n", 2.5)), state=kept).reply.payload == b"3.5"
        call(lambda msg: state.delete("n"), state=kept)
        assert kept == {}

    def test_has_no_items_and_says_what_to_write(self):
        assert "state.get('count')" in error(lambda msg: state["count"])

    def test_a_failed_run_changes_nothing(self):
        kept = {"n": 1}
        error(lambda msg: (state.set("n", 2), 1 / 0), state=kept)
        assert kept == {"n": 1}

    def test_values_are_copies(self):
        kept = {"list": [1]}
        call(lambda msg: state.get("list").append(2), state=kept)
        assert kept == {"list": [1]}
        mine = [1]
        call(lambda msg: (state.set("list", mine), mine.append(3)), state=kept)
        assert kept == {"list": [1]}

    def test_a_run_sees_what_it_has_set_and_deleted(self):
        def body(msg):
            state.set("x", 1)
            state.delete("y")
            return [state.get("x"), state.get("y", "gone"), state.get("z", 0)]

        assert json.loads(call(body, state={"y": 5}).reply.payload) == [1, "gone", 0]

    @pytest.mark.parametrize("value", [object(), {1: 2}, 2**64, datetime(2026, 1, 1), {1, 2}, Colour.RED])  # noqa: DTZ001  # without a zone on purpose
    def test_what_cannot_be_kept(self, value):
        assert error(lambda msg: state.set("x", value))

    @pytest.mark.parametrize("key", ["", "x" * 513, 5, "\x00x"])
    def test_keys(self, key):
        assert error(lambda msg: state.set(key, 1))


class TestThrottle:
    def test_once_in_a_time(self, monkeypatch):
        now = [1000.0]
        monkeypatch.setattr("kraken_hooks.api.state.time.time", lambda: now[0])
        kept: dict = {}

        def asked() -> bool:
            return call(lambda msg: str(throttle("k", 60)), state=kept).reply.payload == b"True"

        assert [asked(), asked()] == [True, False]
        now[0] += 59
        assert not asked()
        now[0] += 1
        assert asked()
        now[0] -= 500  # the clock is set back
        assert asked()

    def test_a_clock_that_is_set_while_the_machine_runs_changes_nothing(self, monkeypatch):
        wall, since_boot = [1000.0], [50.0]
        monkeypatch.setattr("kraken_hooks.api.state.time.time", lambda: wall[0])
        monkeypatch.setattr("kraken_hooks.api.state.time.clock_gettime", lambda _clock: since_boot[0])
        kept: dict[str, object] = {}

        def asked(boot: str) -> bool:
            run = current_run.Run(kept, {}, lambda *_: None, 0, boot)
            current_run.begin(run)
            try:
                return throttle("k", 60)
            finally:
                current_run.end()
                kept.update(run.changed)

        assert asked("this")
        wall[0] += 3600
        assert not asked("this"), "an hour forward"
        wall[0] -= 7200
        assert not asked("this"), "an hour back"
        since_boot[0] += 60
        assert asked("this")
        since_boot[0], wall[0] = 0.0, wall[0] + 30
        assert not asked("next"), "another start of the machine, half a minute later by the clock"
        wall[0] += 30
        assert asked("next")

    def test_keys_do_not_meet_those_of_the_state(self):
        kept = {"k": 5}
        call(lambda msg: str(throttle("k", 60)), state=kept)
        assert kept["k"] == 5
        assert len(kept) == 2


class TestHttp:
    @pytest.mark.parametrize("sign", ["x", "é", "😀"])
    def test_the_largest_body_counts_in_bytes(self, sign):
        most = 4 * 2**20 // len(sign.encode())
        assert call(lambda msg: http.post("http://a/", sign * most)).effects
        assert "larger than 4 MiB" in error(lambda msg: http.post("http://a/", sign * (most + 1)))
        assert "larger than 4 MiB" in error(lambda msg: http.post("http://a/", json=sign * most))


class TestLog:
    def test_levels_and_fields(self):
        outcome = call(lambda msg: (log.debug("a"), log.warning("b", n=1, x=[1], none=None, big=2**70)))
        assert [(line.level, line.event) for line in outcome.logs] == [("debug", "a"), ("warning", "b")]
        assert outcome.logs[1].fields == {"n": 1, "x": "[1]", "none": None, "big": str(2**70)}

    def test_a_field_may_be_called_text(self):
        assert call(lambda msg: log.info("a", text="b", self="c")).logs[0].fields == {"text": "b", "self": "c"}

    def test_names_its_levels(self):
        assert "log has no warn; the levels are debug, info," in error(lambda msg: log.warn("a"))
        assert call(lambda msg: str(hasattr(log, "warn"))).reply.payload == b"False"

    def test_takes_one_text_and_is_no_function(self):
        assert "log.info takes one text" in error(lambda msg: log.info("%s", msg.text))
        assert "log.warning takes one text" in error(lambda msg: log.warning("a", "b", c=1))
        assert "write log.info(" in error(lambda msg: log("a"))

    def test_is_cut_off(self):
        outcome = call(lambda msg: [log.info("x") for _ in range(2_000)] and None)
        assert len(outcome.logs) == 1_001
        assert "cut off" in outcome.logs[-1].event
        long = call(lambda msg: log.info("x" * 10_000)).logs[0].event
        assert len(long) < 8_200


class TestOn:
    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            ({"colector": "x"}, "unexpected keyword argument 'colector'; it knows collector="), ({"collector": 5}, "a text or a list"), ({"collector": []}, "a text or a list"),
            ({"metadata": "x"}, "dotted.path"), ({"payload": {"a": object()}}, "a pattern is text"), ({"payload": {"a": []}}, "matches nothing"),
            ({"when": 5}, "a function of the message"), ({"when": lambda: True}, "when=lambda msg"), ({"when": lambda a, b: True}, "when=lambda msg"), ({"order": "first"}, "finite number"), ({"collector": ["a", 5]}, "must be text"),
        ],
    )  # fmt: skip
    def test_wrong_arguments(self, arguments, reason):
        with pytest.raises((TypeError, ValueError), match=reason):
            on(**arguments)

    def test_without_parentheses(self):
        with pytest.raises(ValueError, match=r"write @on\(\) with parentheses"):
            on(lambda msg: None)

    def test_without_a_name(self):
        with pytest.raises(ValueError, match="write what it is"):
            on("mqtt")

    def test_what_is_no_hook(self):
        for function in (lambda: None, lambda a, b: None, lambda msg, *, k: None):
            with pytest.raises(ValueError, match="takes the message"):
                on()(function)
        with pytest.raises(ValueError, match="yield"):

            @on()
            def hook(msg):
                yield 1

    def test_outside_a_run_there_is_a_clear_error(self):
        with pytest.raises(ValueError, match="only inside a hook"):
            state.get("x")


def test_the_face_of_the_package():
    assert kraken_hooks.__all__ == [
        "Msg",
        "http",
        "influxdb",
        "log",
        "mongodb",
        "mqtt",
        "on",
        "redis",
        "reply",
        "slack",
        "state",
        "store",
        "throttle",
        "websocket",
    ]
    for name in kraken_hooks.__all__:
        assert getattr(kraken_hooks, name).__doc__
