"""An MQTT server: publishes and waits for the acknowledgements.

MQTT 5.0, where the server speaks it, because only there it says what it refuses; else 3.1.1. A publish of QoS 1 or 2 is
delivered when it is acknowledged, one of QoS 0 when it is written. What is not acknowledged is published again on the next
connection: by the courier alone, so each connection has a client of its own, with a session that ends with it.
"""

from __future__ import annotations

import select
import ssl
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from kraken_hooks.api.mqtt import PublishArgs
from kraken_hooks.outcome import QueuedEffect
from kraken_hooks.settings import SecretStr, Section, flag, variable, whole
from kraken_hooks.sinks import reach
from kraken_hooks.sinks.base import Delivered, NotNow, Refused, RefusedTogether, Result, SinkType
from kraken_hooks.sinks.keeper import Keeper

if TYPE_CHECKING:
    from paho.mqtt.client import Client

#: Most effects of one call; most publishes on the way, where the server does not ask for fewer.
BATCH: Final = 200
WINDOW: Final = 100
#: For one call, of which for a connection with its TLS, and for the answer to the greeting, seconds.
PATIENCE: Final = 14.0
CONNECT: Final = 4.0
GREET: Final = 4.0
#: The server hears of us at least so often, seconds.
KEEPALIVE: Final = 30
#: Most bytes of a publish besides topic and payload.
_HEADERS: Final = 10

#: Versions of the protocol, by their number on the wire: 5.0, and 3.1.1 for servers that do not speak it.
_NEWEST: Final = 5
_OLDER: Final = 4

# Reason codes of MQTT 5.0, section 2.4.
_SUCCESS: Final = 0x00
_FAILURE: Final = 0x80  # from here on
_UNSUPPORTED_VERSION: Final = 0x84
_QOS_NOT_SUPPORTED: Final = 0x9B
#: In an acknowledgement: the message will never be taken. Not authorized, topic name invalid, packet too large, payload
#: format invalid.
_FOR_GOOD: Final = frozenset({0x87, 0x90, 0x95, 0x99})
#: In a farewell: one of the messages on the way will never be taken; those, and retain or QoS not supported.
_BLAMES: Final = _FOR_GOOD | {0x9A, _QOS_NOT_SUPPORTED}
#: In a farewell: the server goes, or wants less of us, whatever is on the way. Busy, shutting down, keep alive timeout, session
#: taken over, message rate too high, quota exceeded, administrative action, use another server, server moved, connection
#: rate exceeded, maximum connect time.
_LEAVING: Final = frozenset({0x89, 0x8B, 0x8D, 0x8E, 0x96, 0x97, 0x98, 0x9C, 0x9D, 0x9F, 0xA0})


@dataclass(frozen=True, slots=True)
class MqttSettings(Section):
    host: str | None = variable("KRAKENB_MQTT_HOST", reach.host, default=None, help="host of the MQTT server")
    port: int | None = variable(
        "KRAKENB_MQTT_PORT", whole(1, 65_535), default=None, help="its port; 1883, or 8883 with TLS"
    )
    user: str | None = variable("KRAKENB_MQTT_USER", str, default=None, help="name to log in with")
    password: SecretStr | None = variable(
        "KRAKENB_MQTT_PASSWORD", SecretStr, default=None, help="password to log in with"
    )
    tls: bool = variable("KRAKENB_MQTT_TLS", flag, default=False, help="talk TLS and check the server's certificate")
    tls_ca: Path | None = variable(
        "KRAKENB_MQTT_TLS_CA",
        Path,
        default=None,
        help="file with the CA of the server's certificate, if not the system's",
    )

    def problems(self) -> list[str]:
        found = []
        if self.password is not None and self.user is None:
            found.append("KRAKENB_MQTT_PASSWORD: set KRAKENB_MQTT_USER too")
        if self.tls_ca is not None and (reason := self._against(self.tls_ca)):
            found.append(f"KRAKENB_MQTT_TLS_CA: {reason}")
        return found

    def _against(self, certificates: Path) -> str:
        """Why these cannot be used; "" where they can."""
        if not self.tls:
            return "set KRAKENB_MQTT_TLS=true too"
        try:
            ssl.create_default_context(cafile=certificates)
        except OSError as error:
            return f"no certificates in {certificates}: {error.strerror or 'cannot be read as PEM'}"
        return ""

    @property
    def address(self) -> tuple[str, int]:
        assert self.host is not None
        return self.host, self.port or (8883 if self.tls else 1883)


class Mqtt:
    """Keeps one connection open, made at the first delivery. Implements `sinks.base.Sink`."""

    batch = BATCH
    interval = 0.0

    def __init__(self, settings: MqttSettings, *, patience: float = PATIENCE) -> None:
        self._settings = settings
        self._patience = patience
        self._connection: _Connection | None = None
        self._keeper = Keeper("mqtt", self._look)

    def deliver(self, effects: list[QueuedEffect]) -> list[Result]:
        deadline = time.monotonic() + self._patience
        with self._keeper.turn:
            self._look()
            if self._connection is None:
                made = self._connect(deadline)
                if isinstance(made, NotNow):
                    return [made]
                self._connection = made
            results = self._connection.publish(effects, deadline)
            if not isinstance(results[-1], Delivered | Refused):
                self._drop()  # what the client still wants to send must not be sent behind the courier's back
            return results

    def reachable(self) -> bool:
        return reach.answers(*self._settings.address)

    def close(self) -> None:
        self._keeper.stop()
        self._drop()

    def _look(self) -> None:
        """Read what the server has sent meanwhile, send a ping where it is time for one."""
        if self._connection is not None:
            self._connection.turn(0.0)
            if self._connection.over:
                self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self, deadline: float, version: int = _NEWEST) -> _Connection | NotNow:
        connection = _Connection(self._settings, version)
        problem = connection.greet(min(deadline, time.monotonic() + CONNECT + GREET))
        if problem is None:
            return connection
        connection.close()
        if version == _NEWEST and connection.greeted_with == _UNSUPPORTED_VERSION:
            return self._connect(deadline, _OLDER)
        return problem


class _Connection:
    """One connection, with a client of its own. Used by one thread at a time."""

    def __init__(self, settings: MqttSettings, version: int) -> None:
        self._address = settings.address
        #: What the server has said to each publish, by packet identifier.
        self._verdicts: dict[int, int] = {}
        self._client = _client(version, self._settle)
        self._client.on_connect = self._greeted
        self._client.on_disconnect = self._ended
        self._client.on_publish = self._acknowledged
        self._client.connect_timeout = CONNECT
        self._client.max_inflight_messages = 0  # the window is kept here; the client would queue, and send on its own
        if settings.user is not None:
            self._client.username_pw_set(
                settings.user, settings.password.get_secret_value() if settings.password else None
            )
        if settings.tls:
            self._client.tls_set_context(ssl.create_default_context(cafile=settings.tls_ca))
        self._on_the_way: set[int] = set()
        self._farewell: int | None = None
        # What the server says of itself when it is greeted.
        self.greeted_with: int | None = None
        self._window = WINDOW
        self._max_qos = 2
        self._retains = True
        self._max_packet: int | None = None

    @property
    def over(self) -> bool:
        return self._client.socket() is None

    def greet(self, deadline: float) -> NotNow | None:
        """Connect and log in; what is wrong, where that fails."""
        try:
            self._client.connect(*self._address, keepalive=KEEPALIVE)
        except OSError as error:
            return NotNow(reach.why(error), offline=not isinstance(error, ssl.SSLError))
        while self.greeted_with is None and self._wait(deadline):
            pass
        if self.greeted_with == _SUCCESS:
            return None
        if self.greeted_with is None:
            return NotNow("the server hung up when it was greeted" if self.over else "no answer in time")
        return NotNow(f"the server does not let us in: {_said(self.greeted_with)}")

    def publish(self, effects: list[QueuedEffect], deadline: float) -> list[Result]:
        """Publish in order, a window at a time, and wait for what the server says."""
        self._verdicts.clear()
        sent: list[int | Refused] = []
        for queued in effects:
            args = msgspec.convert(queued.effect.args, PublishArgs)
            payload = args.payload.encode() if isinstance(args.payload, str) else args.payload
            refusal = self._refusal(args, payload)
            if refusal is not None:
                sent.append(refusal)
                continue
            while len(self._on_the_way) >= self._window and self._wait(deadline):
                pass
            if len(self._on_the_way) >= self._window or self.over:
                break
            number = self._client.publish(args.topic, payload, args.qos, args.retain).mid
            sent.append(number)
            if number not in self._verdicts:  # QoS 0 is written by now, if the socket took it
                self._on_the_way.add(number)
        while self._on_the_way and self._wait(deadline):
            pass
        return self._results(sent)

    def turn(self, patience: float) -> None:
        """Wait at most so many seconds for the server; read and write what there is."""
        connection = self._client.socket()
        if connection is None:
            return
        if not (isinstance(connection, ssl.SSLSocket) and connection.pending()):
            poll = select.poll()
            poll.register(connection.fileno(), select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
            poll.poll(patience * 1000)
        self._client.loop_read()
        if self._client.want_write():
            self._client.loop_write()
        self._client.loop_misc()

    def close(self) -> None:
        """Say goodbye, where the server listens, and close the socket."""
        self._client.disconnect()
        connection = self._client.socket()
        if connection is not None:
            connection.close()

    def _wait(self, deadline: float) -> bool:
        """A turn; False where there is nothing more to wait for."""
        left = deadline - time.monotonic()
        if left <= 0 or self.over:
            return False
        self.turn(left)
        return True

    def _refusal(self, args: PublishArgs, payload: bytes) -> Refused | None:
        """Why the server will not take it, by what it said when it was greeted; it would end the connection."""
        if args.qos > self._max_qos:
            return Refused(f"the server takes QoS {self._max_qos} at most")
        if args.retain and not self._retains:
            return Refused("the server retains nothing")
        size = len(args.topic.encode()) + len(payload) + _HEADERS
        if self._max_packet is not None and size > self._max_packet:
            return Refused(f"the server takes {self._max_packet} bytes at most")
        return None

    def _results(self, sent: list[int | Refused]) -> list[Result]:
        results: list[Result] = []
        for one in sent:
            if isinstance(one, Refused):
                results.append(one)
            elif one in self._verdicts:
                results.append(_judge(self._verdicts[one]))
                if isinstance(results[-1], NotNow):
                    return results
            else:
                break
        else:
            if results:
                return results
        if self._farewell in _BLAMES:
            return results or [RefusedTogether(_said(self._farewell))]  # the guilty one is the first of the next call
        if self._farewell is not None:
            reason = f"the server ended the connection: {_said(self._farewell)}"
            return [*results, NotNow(reason, offline=True, suspect=self._farewell not in _LEAVING)]
        if self.over:
            return [*results, NotNow("the connection was lost", offline=True, suspect=True)]
        return [*results, NotNow("no acknowledgement in time")]

    # ── what the client tells ──

    def _greeted(self, _client: Client, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        self.greeted_with = reason.value
        self._window = min(WINDOW, getattr(properties, "ReceiveMaximum", WINDOW))
        self._max_qos = getattr(properties, "MaximumQoS", 2)
        self._retains = bool(getattr(properties, "RetainAvailable", 1))
        self._max_packet = getattr(properties, "MaximumPacketSize", None)

    def _ended(self, _client: Client, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if flags.is_disconnect_packet_from_server:
            self._farewell = reason.value

    def _acknowledged(self, _client: Client, _data: Any, number: int, reason: Any, _properties: Any) -> None:
        self._settle(number, reason.value)

    def _settle(self, number: int, code: int) -> None:
        self._verdicts[number] = code
        self._on_the_way.discard(number)


def _client(version: int, refused: Callable[[int, int], None]) -> Client:
    """A client that connects once, under a name that begins with `kraken-hooks-` and is new each time."""
    from paho.mqtt.client import Client  # noqa: PLC0415  # a sink that is not used costs no memory
    from paho.mqtt.enums import (  # noqa: PLC0415  # as above
        CallbackAPIVersion,
        MessageType,
        MQTTErrorCode,
        MQTTProtocolVersion,
    )

    class Publisher(Client):
        """The client, but for refusals.

        It does not look at the reason in a PUBREC, and goes on as if the message had been taken; and it ends the connection
        at a reason that its table of PUBACK lacks (mosquitto sends 0x95, packet too large).
        """

        def _packet_handle(self) -> MQTTErrorCode:
            packet = self._in_packet["packet"]
            kind = self._in_packet["command"] & 0xF0
            if kind in (MessageType.PUBACK, MessageType.PUBREC) and len(packet) > 2 and packet[2] >= _FAILURE:
                number = int.from_bytes(packet[:2], "big")
                message = self._out_messages.pop(number, None)
                if message is not None:
                    refused(number, packet[2])
                return MQTTErrorCode.MQTT_ERR_SUCCESS
            return super()._packet_handle()

    return Publisher(
        CallbackAPIVersion.VERSION2,
        client_id=f"kraken-hooks-{uuid.uuid4().hex[:10]}",  # 23 characters: every server takes as many
        protocol=MQTTProtocolVersion(version),
        reconnect_on_failure=False,
    )


def _judge(code: int) -> Result:
    """What the reason code of an acknowledgement means."""
    if code < _FAILURE:
        return Delivered()
    return Refused(_said(code)) if code in _FOR_GOOD else NotNow(_said(code))


def _said(code: int) -> str:
    """A reason code in the words of MQTT 5.0."""
    from paho.mqtt.reasoncodes import ReasonCode  # noqa: PLC0415  # a sink that is not used costs no memory

    return f"{next(iter(ReasonCode.names.get(code, ['reason'])))} (0x{code:02x})".lower()


def _missing(section: Section | None) -> str:
    return "" if isinstance(section, MqttSettings) and section.host is not None else "KRAKENB_MQTT_HOST"


def _open(section: Section, _identity: str) -> Mqtt:
    assert isinstance(section, MqttSettings)
    return Mqtt(section)


MQTT: Final = SinkType(name="mqtt", ops={"publish": PublishArgs}, section=MqttSettings, missing=_missing, open=_open)
