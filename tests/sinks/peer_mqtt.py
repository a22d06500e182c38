"""A real mosquitto with passwords and an access list; what it was sent is kept by a subscriber of ours."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from live import LivePeer
from peers import Peer, free_port
from rig import PATIENCE, wait_until

from kraken_hooks.settings import Section
from kraken_hooks.sinks.mqtt import MqttSettings

USER, PASSWORD = "hooks", "pass-of-hooks"
_WATCHER = "pass-of-watcher"


class Subscriber:
    """Keeps what comes to `ok/#` in a session that outlives the server, as one that must not miss anything does."""

    def __init__(self, port: int, host: str = "127.0.0.1", user: str = "watcher", password: str = _WATCHER) -> None:
        self.got: list[tuple[str, bytes, int, bool]] = []
        self._host, self._port = host, port
        self._user, self._password = user, password
        self.qos = 2  # with 0 it has nothing to say: an answer to a dead server would end it before it has read all
        self._subscribed = threading.Event()
        self._lost = threading.Event()
        self._client: Any = None

    def connect(self) -> None:
        """Connect, and wait until the server has the subscription."""
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self._subscribed.clear()
        self._lost.clear()
        client = self._client = Client(CallbackAPIVersion.VERSION2, client_id=self._user, clean_session=False)
        client.username_pw_set(self._user, self._password)
        client.on_connect = lambda *_: client.subscribe("ok/#", qos=self.qos)
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.on_disconnect = lambda *_: self._lost.set()
        client.on_message = lambda _client, _data, it: self.got.append((it.topic, it.payload, it.qos, it.retain))
        client.connect(self._host, self._port)
        client.loop_start()
        assert self._subscribed.wait(PATIENCE)

    def outlive(self) -> None:
        """Wait until the server has hung up: all that it had sent is in `got` then."""
        if self._client is not None:
            assert self._lost.wait(PATIENCE)
            self.disconnect()

    def disconnect(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None


class MqttPeer(Peer):
    sink = "mqtt"
    drips = b"\x20\xff\xff\xff\x7f"  # a CONNACK of 256 MB
    statement = "mqtt.publish('ok/numbers', n)"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder / "mosquitto"
        self.folder.mkdir()
        self.subscriber = Subscriber(self.port)
        self.listeners = ""
        self.options = ""
        #: Most messages that wait for the subscriber. 0 (no limit) makes mosquitto before 2.0.22 end each connection whose
        #: publish it has refused.
        self.queue = 1_000_000
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if shutil.which("mosquitto") is None:
            pytest.skip("mosquitto is not installed")
        if not (self.folder / "passwords").exists():
            (self.folder / "passwords").touch(0o600)
            for user, password in ((USER, PASSWORD), ("watcher", _WATCHER)):
                command = ["mosquitto_passwd", "-b", "passwords", user, password]
                subprocess.run(command, cwd=self.folder, check=True, capture_output=True)
        access = f"user {USER}\ntopic write ok/#\nuser watcher\ntopic read ok/#\n"
        (self.folder / "access").write_text(access)
        (self.folder / "access").chmod(0o600)
        (self.folder / "mosquitto.conf").write_text(
            f"user root\nlistener {self.port} 127.0.0.1\n{self.options}\n{self.listeners}\n"
            "allow_anonymous false\npassword_file passwords\nacl_file access\n"
            f"persistence true\npersistence_location {self.folder}/\nmax_queued_messages {self.queue}\n"
        )
        with (self.folder / "server.log").open("ab") as output:
            self._process = subprocess.Popen(
                ["mosquitto", "-c", "mosquitto.conf"], cwd=self.folder, stdout=output, stderr=subprocess.STDOUT
            )
        wait_until(self._answers, "mosquitto to answer")
        self.subscriber.connect()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "server.log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self, *, kill: bool = False) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            if kill:
                process.kill()
            else:
                process.terminate()
            process.wait(PATIENCE)
            self.subscriber.outlive()

    @property
    def connections(self) -> int:
        """How often a sink has connected so far."""
        return (self.folder / "server.log").read_text().count(" as kraken-hooks-")

    def settings(self) -> dict[str, str]:
        return {
            "KRAKENB_MQTT_HOST": "127.0.0.1",
            "KRAKENB_MQTT_PORT": str(self.port),
            "KRAKENB_MQTT_USER": USER,
            "KRAKENB_MQTT_PASSWORD": PASSWORD,
        }

    def wrong_settings(self) -> dict[str, str] | None:
        return {**self.settings(), "KRAKENB_MQTT_PASSWORD": "wrong-secret"}

    def tls_settings(self) -> dict[str, str] | None:
        return {**self.settings(), "KRAKENB_MQTT_TLS": "true"}

    def effect(self, number: int) -> tuple[str, dict[str, Any]]:
        return "publish", {"topic": "ok/numbers", "payload": str(number), "qos": 1, "retain": False}

    def bad_effect(self) -> tuple[str, dict[str, Any]]:
        return "publish", {"topic": "not/ours", "payload": "x", "qos": 1, "retain": False}

    def arrived(self) -> list[int]:
        return [int(payload) for topic, payload, _, _ in self.subscriber.got if topic == "ok/numbers"]


class LiveMqtt(LivePeer, MqttPeer):
    """A server without TLS whose user may write and read `ok/#`. What it refuses is not known."""

    prefix = "KRAKENB_MQTT_"
    refuses = False

    def connect(self, section: Section) -> None:
        assert isinstance(section, MqttSettings)
        assert section.host is not None
        password = section.password.get_secret_value() if section.password else ""
        self.subscriber = Subscriber(section.port or 1883, section.host, section.user or "", password)
        self.subscriber.connect()

    def disconnect(self) -> None:
        self.subscriber.disconnect()

    def bad_effect(self) -> tuple[str, dict[str, Any]]:
        return Peer.bad_effect(self)


class OlderFront:
    """Stands before a server and speaks no MQTT 5, as MQTT 3.1.1 says: CONNACK 1, and the end."""

    def __init__(self, server: int) -> None:
        self.port = free_port()
        self.versions: list[int] = []
        self._server = server
        self._socket = socket.create_server(("127.0.0.1", self.port))
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        while True:
            try:
                taken = self._socket.accept()[0]
            except OSError:
                return
            greeting = taken.recv(4096)
            self.versions.append(greeting[8])  # fixed header, two bytes of length, MQTT, version
            if greeting[8] == 5:
                taken.sendall(b"\x20\x02\x00\x01")
                taken.close()
                continue
            inner = socket.create_connection(("127.0.0.1", self._server))
            inner.sendall(greeting)
            for source, target in ((taken, inner), (inner, taken)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
