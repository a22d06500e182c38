"""`influxdb`: points for an InfluxDB 2 server, and Flux queries of it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final, cast

import msgspec

from kraken_hooks.api.plain import number, plain, text
from kraken_hooks.api.point import check_finite, filled, point
from kraken_hooks.api.run import current
from kraken_hooks.api.sink import SinkApi
from kraken_hooks.errors import HookUsageError

#: What can name a parameter in Flux.
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class WriteArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of the effect `influxdb.write`. `time` is in nanoseconds since 1970 (UTC). `bucket` None: the operator's."""

    measurement: str
    fields: dict[str, float | int | str | bool]
    tags: dict[str, str]
    time: int
    bucket: str | None = None

    def __post_init__(self) -> None:
        check_finite(self.fields)


class QueryArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of the query `influxdb.query`. Values of `params` are plain."""

    flux: str
    params: dict[str, Any]


class Influxdb(SinkApi):
    """An InfluxDB 2 server. KRAKENB_INFLUXDB_HOST, _API_TOKEN, _ORG and _BUCKET configure it."""

    __slots__ = ()
    _sink = "influxdb"

    def write(
        self,
        measurement: str,
        fields: dict[str, Any],
        tags: dict[str, Any] | None = None,
        time: datetime | float | None = None,
        bucket: str | None = None,
    ) -> None:
        """Write one point: each field's value under the measurement and the tags.

        Args:
            measurement: what was measured, such as `env`.
            fields: values by name: numbers (kept as float, exact up to 2⁵³), text, True or False; at least one.
            tags: whose value it is, such as `{"sensor": "101"}`; text, or numbers that become text.
            time: an aware datetime, or seconds since 1970 (UTC); the message's `received_at` where it is missing.
            bucket: another bucket than the operator's.
        """
        run = current()
        args = point(measurement, fields, tags, time, run.received_at)
        if str(args["measurement"]).startswith("#"):
            raise HookUsageError("measurement: InfluxDB takes a line that begins with # for a comment")
        if "time" in fields or (tags is not None and "time" in tags):
            raise HookUsageError("InfluxDB has no field or tag called time; give the point's time as time=")
        if bucket is not None:
            args["bucket"] = filled(bucket, "bucket")
        run.effect("influxdb", "write", args)

    def query(self, flux: str, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows that a Flux query gives, each a dict by column; times are aware datetimes. At most 10,000 rows.

        Args:
            flux: the query, such as `from(bucket: "env") |> range(start: -1h) |> last()`.
            params: values for names that stand in the query: text, numbers, True or False, aware datetimes, and lists of
                these. Safer than writing a device's text into the query.
        """
        rows = current().ask("influxdb.query", {"flux": filled(flux, "flux"), "params": _params(params)})
        return cast("list[dict[str, Any]]", rows)


influxdb = Influxdb()


def _params(params: object) -> dict[str, object]:
    if params is None:
        return {}
    if not isinstance(params, dict):
        raise HookUsageError(f'params must be a dict, such as {{"sensor": "101"}}, not {type(params).__name__}')
    return {_identifier(name): _param(plain(value, "params"), f"params {name!r}") for name, value in params.items()}


def _identifier(name: object) -> str:
    made = text(name, "a name in params")
    if not _IDENTIFIER.fullmatch(made):
        raise HookUsageError(f"params: {made!r:.80} is no name that Flux knows; use letters, digits and _")
    return made


def _param(value: object, where: str) -> object:
    if isinstance(value, list):
        return [_param(item, where) for item in value]
    if isinstance(value, float):
        return number(value, where)
    if not isinstance(value, bool | int | str | datetime):
        raise HookUsageError(
            f"{where} must be text, a number, True, False, a datetime or a list, not {type(value).__name__}"
        )
    return value
