"""Servers that are there already, for `make test-live`: those that variables such as LIVE_KRAKENB_REDIS_HOST name.

They are neither started nor stopped, and have to be empty: the suite removes what it calls `arrived` before each test.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from typing import ClassVar

from peers import Peer

from kraken_hooks.app import settings_from
from kraken_hooks.settings import Section

_LIVE = "LIVE_"


class LivePeer(Peer):
    """A mixin before the peer class of a sink. `prefix`: how the sink's variables begin."""

    live = True
    prefix: ClassVar[str]

    @classmethod
    def named(cls) -> bool:
        """Whether the environment names such a server."""
        return any(name.startswith(_LIVE + cls.prefix) for name in os.environ)

    def start(self) -> None:
        self.connect(settings_from(self.settings(), {}).sections[self.sink])

    def stop(self) -> None:
        self.disconnect()

    @abstractmethod
    def connect(self, section: Section) -> None:
        """Make the operator's own client, and remove what an earlier test has left."""

    @abstractmethod
    def disconnect(self) -> None: ...

    def settings(self) -> dict[str, str]:
        begins = _LIVE + self.prefix
        return {name.removeprefix(_LIVE): value for name, value in os.environ.items() if name.startswith(begins)}

    def tls_settings(self) -> dict[str, str] | None:
        return None  # it may well speak TLS
