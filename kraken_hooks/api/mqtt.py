"""`mqtt`: messages to the topics of the MQTT server that the operator has set, so that a hook can drive an actuator."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from kraken_hooks.api.plain import json_text, number, text
from kraken_hooks.api.run import current
from kraken_hooks.api.sink import SinkApi
from kraken_hooks.errors import HookUsageError

#: Longest payload, bytes; longest topic, bytes of UTF-8 (MQTT 5.0, section 1.5.4).
MAX_PAYLOAD: Final = 16 * 1024 * 1024
MAX_TOPIC: Final = 65_535

#: What servers end the connection for (MQTT 5.0, section 1.5.4: control characters and non-characters of Unicode).
_FORBIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
    + "]"
)


class PublishArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of the effect `mqtt.publish`. `payload` is text, which travels as UTF-8, or bytes."""

    topic: str
    payload: Any  # msgspec knows no union of the two
    qos: int
    retain: bool

    def __post_init__(self) -> None:
        if not isinstance(self.payload, str | bytes):
            raise TypeError("payload is neither text nor bytes")


class Mqtt(SinkApi):
    """An MQTT server; KRAKENB_MQTT_HOST configures it."""

    __slots__ = ()
    _sink = "mqtt"

    def publish(
        self,
        topic: str,
        payload: str | bytes | float | dict[str, Any] | list[Any],
        qos: int = 1,
        retain: bool = False,
    ) -> None:
        """Publish a message.

        Args:
            topic: such as `greenhouse/fan/set`; no wildcards.
            payload: text, bytes, a number, True or False (`true`, `false`), or a dict or list that becomes JSON; at most 16 MiB.
            qos: 0: sent once and forgotten; 1: sent until the server has it; 2: as 1, and subscribers may ask to get it
                once from the server.
            retain: the server keeps it for whoever subscribes later; an empty retained payload takes it away again.
        """
        if type(qos) is not int or not 0 <= qos <= 2:
            raise HookUsageError(f"mqtt.publish: qos must be 0, 1 or 2, not {qos!r:.40}")
        if not isinstance(retain, bool):
            raise HookUsageError(f"mqtt.publish: retain must be True or False, not {retain!r:.40}")
        args: dict[str, object] = {"topic": _topic(topic), "payload": _payload(payload), "qos": qos, "retain": retain}
        current().effect("mqtt", "publish", args)


mqtt = Mqtt()


def _topic(value: object) -> str:
    topic = text(value, "topic")
    if not topic:
        raise HookUsageError("mqtt.publish: topic must not be empty")
    if "+" in topic or "#" in topic:
        raise HookUsageError("mqtt.publish: topic must not hold + or #; those are for subscribing")
    if _FORBIDDEN.search(topic):
        raise HookUsageError("mqtt.publish: topic must not hold control characters")
    if len(topic.encode()) > MAX_TOPIC:
        raise HookUsageError(f"mqtt.publish: topic is longer than {MAX_TOPIC} bytes")
    return topic


def _payload(value: object) -> str | bytes:
    made: str | bytes
    if isinstance(value, str):
        made = text(value, "payload")
    elif isinstance(value, bytes | bytearray):
        made = bytes(value)
    elif isinstance(value, bool):
        made = "true" if value else "false"
    elif isinstance(value, int | float):
        made = str(number(value, "payload"))
    elif isinstance(value, dict | list):
        made = json_text(value, "payload")
    else:
        raise HookUsageError(f"payload must be text, bytes, a number, a dict or a list, not {type(value).__name__}")
    size = len(made.encode() if isinstance(made, str) else made)
    if size > MAX_PAYLOAD:
        raise HookUsageError(f"payload has {size} bytes; at most {MAX_PAYLOAD} can be published")
    return made
