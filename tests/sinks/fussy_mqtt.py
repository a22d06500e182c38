"""An MQTT server over a real socket that ends the connection over what it does not like: with a reason, or without a word."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from dataclasses import dataclass
from typing import Final

CONNECT, CONNACK, PUBLISH, PUBACK, PINGREQ, PINGRESP, DISCONNECT = 0x10, 0x20, 0x30, 0x40, 0xC0, 0xD0, 0xE0
_NEWEST, _OLDER = 5, 4
#: What servers of MQTT 3.1.1 answer to MQTT 5, by their standard and by that of MQTT 5: unacceptable, unsupported version.
UNACCEPTABLE, UNSUPPORTED = b"\x00\x01", b"\x00\x84\x00"
#: Not a reason to be told.
_SILENT = 0
#: A client that sends more than was agreed has done so by then, seconds.
_MORE = 0.1


@dataclass(frozen=True, slots=True)
class Publish:
    """One of QoS 1."""

    number: bytes
    payload: str


class FussyMqtt:
    """Takes what is published at QoS 1; over a payload that holds `bad` it says `farewell` and hangs up.

    `farewell`: a reason code of MQTT 5; None: without a word. `older`: it speaks MQTT 3.1.1 alone, and answers this to MQTT 5. `receive_maximum`: so many publishes are acknowledged
    together; one that comes on top of them ends the connection as MQTT 5 wants it, with 0x93.
    """

    sink: Final = "mqtt"

    def __init__(self, farewell: int | None = None, older: bytes | None = None, receive_maximum: int = 0) -> None:
        self.farewell = farewell
        self.older = older
        self.receive_maximum = receive_maximum
        self.taken: list[str] = []
        self.connections = 0
        fussy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                _Talk(fussy, self.request).run()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def settings(self) -> dict[str, str]:
        return {"KRAKENB_MQTT_HOST": "127.0.0.1", "KRAKENB_MQTT_PORT": str(self.port)}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Talk:
    """One connection."""

    def __init__(self, server: FussyMqtt, connection: socket.socket) -> None:
        self._server = server
        self._socket = connection
        self._newer = server.older is None
        self._unacknowledged: list[Publish] = []

    def run(self) -> None:
        try:
            if self._greeted() and not self._listened():
                return
        except OSError:  # the client has hung up
            return
        self._hang_up()

    def _greeted(self) -> bool:
        _, greeting = self._packet()
        if greeting[6] == _NEWEST and self._server.older is not None:
            self._send(CONNACK, self._server.older)
            return False
        assert greeting[6] == (_NEWEST if self._newer else _OLDER)
        self._server.connections += 1
        if self._server.receive_maximum:
            self._send(CONNACK, b"\x00\x00\x03\x21" + self._server.receive_maximum.to_bytes(2, "big"))
        else:
            self._send(CONNACK, b"\x00\x00\x00" if self._newer else b"\x00\x00")
        return True

    def _listened(self) -> bool:
        """Whether it is the server that ends the connection."""
        while True:
            kind, body = self._packet()
            if kind & 0xF0 == PUBLISH:
                reason = self._take(self._publish(body))
                if reason is not None:
                    if reason != _SILENT:
                        self._send(DISCONNECT, bytes([reason, 0]))
                    return True
            elif kind == PINGREQ:
                self._send(PINGRESP, b"")
            elif kind == DISCONNECT:
                return False

    def _take(self, publish: Publish) -> int | None:
        """None where it is taken; else the reason to end the connection."""
        if "bad" in publish.payload:
            return self._server.farewell or _SILENT
        self._unacknowledged.append(publish)
        if len(self._unacknowledged) < self._server.receive_maximum:
            return None
        if self._server.receive_maximum and select.select([self._socket], [], [], _MORE)[0]:
            return 0x93
        for each in self._unacknowledged:
            self._server.taken.append(each.payload)
            self._send(PUBACK, each.number)
        self._unacknowledged.clear()
        return None

    def _publish(self, body: bytes) -> Publish:
        topic = 2 + int.from_bytes(body[:2], "big")
        payload = topic + 2 + (1 + body[topic + 2] if self._newer else 0)  # the properties of a publish are few
        return Publish(body[topic : topic + 2], body[payload:].decode())

    def _packet(self) -> tuple[int, bytes]:
        """Kind and body. Ends with an OSError where the client has hung up."""
        kind = self._exactly(1)[0]
        size, shift = 0, 0
        while (byte := self._exactly(1)[0]) & 0x80:
            size, shift = size | (byte & 0x7F) << shift, shift + 7
        return kind, self._exactly(size | byte << shift)

    def _exactly(self, size: int) -> bytes:
        data = self._socket.recv(size, socket.MSG_WAITALL) if size else b""
        if len(data) < size:
            raise ConnectionResetError
        return data

    def _send(self, kind: int, body: bytes) -> None:
        self._socket.sendall(bytes([kind, len(body)]) + body)

    def _hang_up(self) -> None:
        """Read to the end what still comes: a socket closed before would take back what was said last."""
        self._socket.shutdown(socket.SHUT_WR)
        while self._socket.recv(65_536):
            pass
