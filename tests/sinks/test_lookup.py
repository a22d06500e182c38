"""Looking hosts up: a name server that never answers holds nobody beyond his time, and piles up no threads."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from http_server import HttpServer
from rig import wait_until

from kraken_hooks.outcome import Effect, QueuedEffect
from kraken_hooks.sinks.base import Delivered, NotNow
from kraken_hooks.sinks.exchange import Rules
from kraken_hooks.sinks.http import Http
from kraken_hooks.sinks.lookup import MOST, Lookup
from kraken_hooks.sinks.web import Web


class NameServer:
    """Answers when the test lets it; every host is this machine then."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked.append(host)
        assert self.answers.wait(60), "the test has let it go"
        if host == "nobody":
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


@pytest.fixture
def silent() -> Iterator[NameServer]:
    made = NameServer()
    yield made
    made.answers.set()
    wait_until(lambda: not looking(), "the threads to end")


def looking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "look-up"]


def test_who_asks_waits_as_long_as_he_likes(silent):
    look_up = Lookup(silent)
    with pytest.raises(TimeoutError):
        look_up("box", 80, 0.05)
    silent.answers.set()
    assert look_up("box", 80, 20)[0][4] == ("127.0.0.1", 80)
    with pytest.raises(socket.gaierror):
        look_up("nobody", 80, 20)


def test_threads_do_not_pile_up(silent):
    look_up = Lookup(silent)
    for number in range(10 * MOST):
        for name in ("box", f"box-{number}"):
            with pytest.raises(TimeoutError):
                look_up(name, 80, 0.001)
    assert len(looking()) == MOST
    assert len(silent.asked) == MOST, "one for each host that was asked for first"
    silent.answers.set()
    wait_until(lambda: not looking(), "the threads to end")
    assert look_up("another", 80, 20)


def test_an_address_is_not_looked_up(silent):
    with closing(HttpServer()) as server:
        silent.answers.set()
        assert Lookup(silent)("127.0.0.1", server.port, 0.0)


def test_an_effect_waits_for_a_name_server_no_longer_than_for_a_server(silent):
    with closing(HttpServer()) as server:
        url = f"http://box.example:{server.port}/"
        effects = [
            QueuedEffect(
                1, "m/a.py:a/0", "a.py:a", "m", 0, Effect("http", "post", {"url": url, "data": b"x", "headers": {}})
            )
        ]
        everywhere = Rules(lambda _url: True, lambda _url, _address: True)
        with closing(Http(Web(everywhere, resolve=silent), patience=0.5)) as sink:
            began = time.monotonic()
            [result] = sink.deliver(effects)
            assert isinstance(result, NotNow)
            assert not result.suspect
            assert not sink.reachable()
            assert time.monotonic() - began < 30, "a minute, were the name server let to have its way"
            silent.answers.set()
            wait_until(lambda: sink.deliver(effects) == [Delivered()], "it to be delivered")
