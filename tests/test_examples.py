"""The hooks that users start from, tested as users test theirs: plain pytest, no broker."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from rig import TUTORIAL

from kraken_hooks.testing import message, run

HOOKS = Path(__file__).parent.parent / "hooks"


def imported(name: str):
    spec = importlib.util.spec_from_file_location(name, HOOKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestStoreReadings:
    hook = staticmethod(imported("store_readings").store_readings)

    def test_the_tutorials_message(self):
        (effect,) = run(self.hook, message(TUTORIAL)).effects
        assert (effect.sink, effect.op) == ("store", "write")
        assert effect.args["measurement"] == "readings"
        assert effect.args["fields"] == {"temp": 25.6, "hum": 52.4}
        assert effect.args["tags"] == {"collector": "webhook", "id": "101", "name": "env-sensor"}

    @pytest.mark.parametrize(
        "payload",
        [b"\xff\xd8 no text", "21.5 C", "[1, 2]", "3", "{}", '{"id": 1, "name": "a"}', '{"a": true, "b": null}'],
    )
    def test_what_holds_no_numbers_is_left_alone(self, payload):
        outcome = run(self.hook, message(payload))
        assert (outcome.error, outcome.effects) == (None, [])

    def test_only_numbers_are_kept(self):
        given = {"a": 1, "b": "2.5", "c": "on", "d": "nan", "e": "1e999", "f": [1], "g": 10**400, "": 4}
        (effect,) = run(self.hook, message(given)).effects
        assert effect.args["fields"] == {"a": 1.0, "b": 2.5}


class TestSlackNotify:
    hook = staticmethod(imported("slack_notify").slack_notify)

    def test_the_text_with_the_payload_as_it_came(self):
        (effect,) = run(self.hook, message(TUTORIAL)).effects
        assert effect.args["text"] == f"kind=collector, provider=webhook, payload={TUTORIAL}"

    def test_without_slack_it_does_nothing(self):
        outcome = run(self.hook, message(TUTORIAL), configured=("store",))
        assert (outcome.error, outcome.effects) == (None, [])


class TestAlarm:
    hook = staticmethod(imported("alarm").alarm)

    def test_hysteresis(self):
        state: dict = {}
        told = []
        for value in (30, 36, 37, 34, 36, "32.5", 31):
            outcome = run(self.hook, message({"name": "roof", "temp": value}), state=state)
            assert outcome.error is None
            told += [effect.args["text"] for effect in outcome.effects]
        assert told == ["roof: temp is 36, over 35", "roof: temp is 32.5, well again"]

    def test_one_warning_in_ten_minutes(self):
        state: dict = {}
        for value in (36, 20, 36):
            outcome = run(self.hook, message({"id": 7, "temp": value}), state=state)
        assert outcome.logs == []
        assert outcome.error is None

    def test_what_is_no_number(self):
        outcome = run(self.hook, message({"temp": "hot"}))
        assert (outcome.error, outcome.logs) == (None, [])
