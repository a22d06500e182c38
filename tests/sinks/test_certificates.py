"""Servers that speak TLS: which certificate is believed, and what is said of one that is not.

Whom the system trusts is said by SSL_CERT_FILE here. MQTT and HTTP, which have settings of their own for it, are tested beside the rest
of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from authority import certificate
from peer_mongodb import MongoPeer
from peer_redis import RedisPeer
from peer_websocket import WebsocketPeer
from peers import Peer
from rig import wait_until

from kraken_hooks import settings
from kraken_hooks.outcome import Effect, QueuedEffect
from kraken_hooks.sinks import registry
from kraken_hooks.sinks.base import Delivered, NotNow, Result


@pytest.fixture(params=[RedisPeer, MongoPeer, WebsocketPeer], ids=lambda peer: peer.__name__)
def peer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Peer]:
    made: Peer = request.param(tmp_path)
    yield made
    made.stop()


def secure(peer: Peer, host: str) -> Path:
    """Start it with a certificate for this host. The authority that vouches for it."""
    peer.secured = peer.folder / "certificate"
    peer.secured.mkdir()
    authority = certificate(peer.secured, host)
    peer.start()
    return authority


def deliver(peer: Peer) -> Result:
    variables = peer.tls_settings()
    assert variables is not None
    kind = next(kind for kind in registry.SINKS if kind.name == peer.sink)
    assert kind.section is not None
    assert kind.open is not None
    section = settings.read(variables, {kind.name: kind.section}).sections[kind.name]
    with closing(kind.open(section, "outbox")) as sink:
        [result] = sink.deliver([QueuedEffect(1, "m/f.py:h/0", "f.py:h", "m", 0, Effect(peer.sink, *peer.effect(7)))])
    return result


def test_a_certificate_of_an_authority_of_ones_own_is_believed_where_it_is_trusted(peer, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(secure(peer, "IP:127.0.0.1")))
    assert deliver(peer) == Delivered()
    wait_until(lambda: peer.arrived() == [7], "it to be there")


def test_a_certificate_that_nobody_vouches_for_gets_nothing(peer, monkeypatch):
    secure(peer, "IP:127.0.0.1")
    other = peer.folder / "other"
    other.mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(other, "IP:127.0.0.1")))
    result = deliver(peer)
    assert isinstance(result, NotNow)
    assert result.reason.startswith("TLS: its certificate is not accepted: ")
    assert not result.offline, "it is there, and the operator has to look"
    assert peer.arrived() == []


def test_a_certificate_of_another_host_gets_nothing(peer, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(secure(peer, "DNS:somebody.else")))
    result = deliver(peer)
    assert isinstance(result, NotNow)
    assert result.reason.startswith("TLS: its certificate is not accepted: IP address mismatch")
    assert peer.arrived() == []
