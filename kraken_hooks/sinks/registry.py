"""The list of sinks. Adding one: a file beside this one, a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from kraken_hooks.errors import QueryFailed, WorkerProtocolError
from kraken_hooks.outcome import Effect
from kraken_hooks.sinks import http, influxdb, mongodb, mqtt, redis, slack, store, websocket
from kraken_hooks.sinks.base import Reader, SinkType

SINKS: Final[tuple[SinkType, ...]] = (
    store.STORE,
    influxdb.INFLUXDB,
    redis.REDIS,
    mongodb.MONGODB,
    slack.SLACK,
    http.HTTP,
    mqtt.MQTT,
    websocket.WEBSOCKET,
)

#: Longest answer to a query, bytes as a worker gets them: it has to fit into the memory of a hook.
MAX_ANSWER: Final = 8 * 2**20

_OPERATIONS: Final = {(kind.name, op): arguments for kind in SINKS for op, arguments in kind.ops.items()}


def check(effect: Effect) -> None:
    """Hold an effect that a worker sent against what the author's API can make.

    Raises:
        WorkerProtocolError: it has another form.
    """
    arguments = _OPERATIONS.get((effect.sink, effect.op))
    if arguments is None:
        raise WorkerProtocolError(f"an effect {effect.sink}.{effect.op}, which there is not")
    try:
        msgspec.convert(effect.args, arguments)
    except msgspec.ValidationError as error:
        raise WorkerProtocolError(f"an effect {effect.sink}.{effect.op} of a wrong form: {error}") from error


class CheckedReader:
    """A reader whose questions, which come from a worker, are held against what the author's API can make."""

    def __init__(self, asks: Mapping[str, type[msgspec.Struct]], reader: Reader) -> None:
        self._asks = asks
        self._reader = reader

    def ask(self, op: str, args: dict[str, object]) -> object:
        """A plain value.

        Raises:
            QueryFailed: there is no answer, or one that is too long, or no such query.
            ValueError: arguments of another form.
        """
        form = self._asks.get(op)
        if form is None:
            raise QueryFailed("there is no such query")
        answer = self._reader.ask(op, msgspec.convert(args, form))
        size = len(msgspec.msgpack.encode(answer))
        if size > MAX_ANSWER:
            raise QueryFailed(
                f"the answer has {size >> 20} MiB, at most {MAX_ANSWER >> 20} are let through; ask for less"
            )
        return answer

    def close(self) -> None:
        self._reader.close()
