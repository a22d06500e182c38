"""What the author's half of every sink has in common."""

from __future__ import annotations

from typing import ClassVar

from kraken_hooks.api.run import current


class SinkApi:
    """Base of the objects that hook files import, one for each sink. `_sink` is the sink's name."""

    __slots__ = ()
    _sink: ClassVar[str]

    @property
    def configured(self) -> bool:
        """Whether the operator has set what the sink needs."""
        return current().configured(self._sink)
