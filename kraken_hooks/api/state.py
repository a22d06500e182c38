"""`state` and `throttle`: small durable values of one hook file, committed together with the run's effects."""

from __future__ import annotations

import time
from typing import Any, Final, NoReturn

from kraken_hooks.api.plain import number, plain, text
from kraken_hooks.api.run import current
from kraken_hooks.errors import HookUsageError

#: Longest key, characters.
MAX_KEY: Final = 512

#: Keys of `throttle` in the state begin with this, which no author's key can.
THROTTLE: Final = "\x00throttle/"


class State:
    """Values by key: text, numbers, bytes, datetime, lists, dicts. Only this file's hooks see them."""

    __slots__ = ()

    def __getitem__(self, key: object) -> NoReturn:
        raise HookUsageError(f"state has no items: write state.get({key!r:.80}) and state.set({key!r:.80}, …)")

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or `default`. A copy: changing it changes nothing stored."""
        run, name = current(), _key(key)
        return run.state_get(name) if run.state_has(name) else default

    def set(self, key: str, value: Any) -> None:
        current().state_set(_key(key), plain(value, "state.set"))

    def delete(self, key: str) -> None:
        """Remove the value; nothing happens where there is none."""
        current().state_delete(_key(key))

    def incr(self, key: str, by: float = 1) -> Any:
        """Add to a number (0 where there is none) and return the sum."""
        run, name = current(), _key(key)
        step = number(by, "state.incr: by")
        before = number(run.state_get(name) if run.state_has(name) else 0, f"state.incr: the value of {name!r}")
        total = plain(before + step, "state.incr")
        run.state_set(name, total)
        return total


state = State()


def throttle(key: str, seconds: float) -> bool:
    """True at the first call for `key`, then False until `seconds` have passed since the last True.

    Survives restarts of broker and machine. While the machine runs, a clock that is set changes nothing; over a restart of the
    machine the clock decides, and one that has gone backwards starts the time again.
    """
    run = current()
    name = THROTTLE + _key(key)
    period = number(seconds, "throttle: seconds")
    now = [run.boot, time.clock_gettime(time.CLOCK_BOOTTIME), time.time()]
    if 0 <= _passed(run.state_get(name), now) < period:
        return False
    run.state_set(name, now)
    return True


def _passed(last: Any, now: list[Any]) -> float:
    """Seconds between two moments, each `[boot, seconds since boot, seconds since 1970]`; negative where that is unknown."""
    if not isinstance(last, list):
        return -1.0
    same_boot = last[0] and last[0] == now[0]
    passed: float = now[1] - last[1] if same_boot else now[2] - last[2]
    return passed


def _key(key: object) -> str:
    name = text(key, "the key")
    if not name or len(name) > MAX_KEY or name[0] == "\x00":
        raise HookUsageError(f"a key has 1 to {MAX_KEY} characters and does not begin with a zero byte")
    return name
