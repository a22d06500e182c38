"""Tells systemd what the service is doing (sd_notify): a datagram to the socket that NOTIFY_SOCKET names."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Sends states; without NOTIFY_SOCKET it does nothing."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog = _watchdog_period(environment)  # seconds between two signs of life, None: nobody looks

    def send(self, state: str) -> None:
        """One state, such as `READY=1`. A systemd that does not listen is no reason to fail, nor are descriptors used up."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.sendto(state.encode(), self._address)
        except OSError:
            return


def _watchdog_period(environment: Mapping[str, str]) -> float | None:
    """Half of what systemd allows, as its manual advises."""
    usec, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not usec.isdigit() or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / 2_000_000
