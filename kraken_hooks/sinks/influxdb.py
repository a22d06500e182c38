"""An InfluxDB 2 server, through its own client. Points keep their time over a redelivery, so that it overwrites what is there.

Behaviour by InfluxDB's documents: 204 is success; 400, 413 and 422 are about the points, some of which may have been written all
the same; 429 and 503 with `Retry-After`. Everything else (401, 403, 404 …) is the operator's to mend, but for a bucket that the
hook itself has named.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from kraken_hooks.api.influxdb import QueryArgs, WriteArgs
from kraken_hooks.errors import QueryFailed
from kraken_hooks.outcome import QueuedEffect
from kraken_hooks.settings import SecretStr, Section, variable
from kraken_hooks.sinks import reach
from kraken_hooks.sinks.answers import judge
from kraken_hooks.sinks.base import Delivered, NotNow, Refused, RefusedTogether, Result, SinkType
from kraken_hooks.sinks.line_protocol import line

if TYPE_CHECKING:
    from kraken_hooks.sinks.cutting import Cutting

#: Time limits for the connection and for each part of the answer, milliseconds as the client takes them.
CONNECT: Final = 5_000
READ: Final = 10_000
#: Time limit for all of one call, seconds.
PATIENCE: Final = 14.0
#: Most rows, and bytes, of the answer to one query.
MAX_ROWS: Final = 10_000
MAX_ANSWER: Final = 4 * 1024 * 1024
#: Where a host is given without a scheme.
_PORT: Final = 8086

#: Statuses that are about the points, and those that say that a bucket is not there or not for this token.
_BAD_POINTS: Final = frozenset({400, 413, 422})
_NO_BUCKET: Final = frozenset({403, 404})


def _url(host: str) -> str:
    """The host with a scheme, and with the usual port where it had neither.

    Raises:
        ValueError: it is no address.
    """
    url = urlsplit(host if "://" in host else f"http://{host}")
    if url.scheme not in ("http", "https") or not url.hostname or not host.isprintable() or " " in host:
        raise ValueError("write it as a URL such as http://influx.local:8086, or as host:port")
    if url.username is not None or url.query or url.fragment:
        raise ValueError("must be the address alone, without a user, a question mark or a #")
    if url.port is None and "://" not in host:
        url = url._replace(netloc=f"{url.netloc.rstrip(':')}:{_PORT}")
    return url.geturl().rstrip("/")


def _token(text: str) -> SecretStr:
    if not _printable(text):
        raise ValueError("must be the token alone, one word without spaces")
    return SecretStr(text)


@dataclass(frozen=True, slots=True)
class InfluxSettings(Section):
    host: str | None = variable("KRAKENB_INFLUXDB_HOST", _url, default=None, help="InfluxDB's URL, or host:port")
    token: SecretStr | None = variable("KRAKENB_INFLUXDB_API_TOKEN", _token, default=None, help="InfluxDB's API token")
    org: str | None = variable("KRAKENB_INFLUXDB_ORG", str, default=None, help="InfluxDB's organization")
    bucket: str | None = variable("KRAKENB_INFLUXDB_BUCKET", str, default=None, help="bucket that points go to")


class Influx:
    """Writes batches of points. Implements `sinks.base.Sink`."""

    batch = 1_000
    interval = 0.0

    def __init__(
        self, url: str, token: str, org: str, bucket: str, *, connect: int = CONNECT, read: int = READ
    ) -> None:
        import urllib3  # noqa: PLC0415  # the client is 13 MB, in memory only where it is used
        from influxdb_client.client.influxdb_client import InfluxDBClient  # noqa: PLC0415  # as above
        from influxdb_client.client.write_api import SYNCHRONOUS  # noqa: PLC0415  # as above
        from influxdb_client.rest import ApiException  # noqa: PLC0415  # as above

        self._client: Any = InfluxDBClient(url, token, org=org, timeout=(connect, read), enable_gzip=True)
        self._cutting = _cutting(self._client)
        self._api: Any = self._client.write_api(write_options=SYNCHRONOUS)
        self._refusal = ApiException
        self._errors = urllib3.exceptions
        self._url = url
        self._token = token
        self._bucket = bucket

    def deliver(self, effects: list[QueuedEffect]) -> list[Result]:
        points = [msgspec.convert(queued.effect.args, WriteArgs) for queued in effects]
        lines: dict[str, list[str]] = {}
        for point in points:
            lines.setdefault(point.bucket or self._bucket, []).append(line(point))
        answers: dict[str, Result] = {}
        with self._cutting.within(PATIENCE) as running:
            for bucket, some in lines.items():
                answer = self._write(bucket, "\n".join(some).encode())
                answers[bucket] = NotNow("no answer in time") if running.passed else answer
                if isinstance(answers[bucket], NotNow | RefusedTogether):
                    break
        return _up_to_the_first_failure([answers.get(point.bucket or self._bucket) for point in points])

    def reachable(self) -> bool:
        url = urlsplit(self._url)
        return reach.answers(url.hostname or "", url.port or (443 if url.scheme == "https" else 80))

    def close(self) -> None:
        self._client.close()
        self._cutting.close()

    def _write(self, bucket: str, lines: bytes) -> Result:
        try:
            self._api.write(bucket, record=lines, write_precision="ns")
        except self._refusal as error:
            return self._judge(bucket, error)
        except self._errors.ReadTimeoutError:
            return NotNow("no answer in time")
        except self._errors.ProtocolError:
            return NotNow("the server ended the connection", offline=True, suspect=True)
        except (self._errors.HTTPError, OSError):  # its text may hold the organization and the bucket, never the token
            return NotNow("no connection", offline=True)
        except ValueError as error:
            return NotNow(f"an answer that is none of InfluxDB's: {type(error).__name__}")
        return Delivered()

    def _judge(self, bucket: str, error: Any) -> Result:
        if not error.status:
            return NotNow(f"no TLS connection: {error.reason}"[:300], offline=True)
        result = judge(error.status, _said(error), error.retry_after or "", self._token)
        if not isinstance(result, Refused):
            return result
        if error.status in _BAD_POINTS:
            return RefusedTogether(result.reason)
        if error.status in _NO_BUCKET and bucket != self._bucket:
            return result
        return NotNow(result.reason)


class InfluxReader:
    """Answers `influxdb.query`. Implements `sinks.base.Reader`."""

    def __init__(self, url: str, token: str, org: str, limit: float) -> None:
        import urllib3  # noqa: PLC0415  # the client is 13 MB, in memory only where it is used
        from influxdb_client.client import flux_csv_parser  # noqa: PLC0415  # as above
        from influxdb_client.client.influxdb_client import InfluxDBClient  # noqa: PLC0415  # as above
        from influxdb_client.rest import ApiException  # noqa: PLC0415  # as above

        timeout = round(limit * 1_000)
        self._client: Any = InfluxDBClient(url, token, org=org, timeout=(timeout, timeout), enable_gzip=True)
        self._limit = limit
        self._cutting = _cutting(self._client)
        self._parser: Any = flux_csv_parser
        self._refusal = ApiException
        self._errors = urllib3.exceptions
        self._token = token

    def ask(self, op: str, args: Any) -> list[dict[str, object]]:
        assert isinstance(args, QueryArgs), op
        with self._cutting.within(self._limit) as running:
            said: list[dict[str, object]] | str = self._asked(args)
        if running.passed:
            said = "no answer in time"
        if isinstance(said, str):
            raise QueryFailed(said.replace(self._token, "…")[:300])
        return said

    def _asked(self, args: QueryArgs) -> list[dict[str, object]] | str:
        """The rows, or why there are none."""
        try:
            answer = self._client.query_api().query_raw(args.flux, params=args.params)
            table = answer.read(MAX_ANSWER + 1)
            answer.close()
            return self._rows(table)
        except self._refusal as error:
            return f"{error.status} {_said(error)}" if error.status else f"no TLS connection: {error.reason}"
        except (self._parser.FluxQueryException, self._parser.FluxCsvParserException) as error:
            return str(error)
        except self._errors.ReadTimeoutError:
            return "no answer in time"
        except (self._errors.HTTPError, OSError):
            return "no connection"
        except (ValueError, LookupError, csv.Error) as error:
            return f"an answer that is none of InfluxDB's: {type(error).__name__}"

    def _rows(self, table: bytes) -> list[dict[str, object]]:
        if len(table) > MAX_ANSWER:
            raise QueryFailed(f"more than {MAX_ANSWER >> 20} MiB; let the query give less")
        parser = self._parser.FluxCsvParser(io.BytesIO(table), self._parser.FluxSerializationMode.stream)
        rows: list[dict[str, object]] = []
        for record in parser.generator():
            if len(rows) == MAX_ROWS:
                raise QueryFailed(f"more than {MAX_ROWS} rows; let the query give fewer")
            rows.append(record.values)
        return rows

    def close(self) -> None:
        self._client.close()


def _cutting(client: Any) -> Cutting:
    """Connections for this client that can be cut."""
    from kraken_hooks.sinks.cutting import Cutting  # noqa: PLC0415  # a sink that is not used costs no memory

    cutting = Cutting()
    client.api_client.rest_client.pool_manager.pool_classes_by_scheme = cutting.pools
    return cutting


def _up_to_the_first_failure(answers: list[Result | None]) -> list[Result]:
    """The results to give: all before the first point that has none, up to a `NotNow`; a `RefusedTogether` alone."""
    results: list[Result] = []
    for answer in answers:
        if answer is None or (isinstance(answer, RefusedTogether) and results):
            break
        results.append(answer)
        if isinstance(answer, NotNow | RefusedTogether):
            break
    return results


def _said(error: Any) -> str:
    """The server's own words: its JSON's message, else the answer's text."""
    said = error.message
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def _printable(word: str) -> bool:
    return word.isascii() and word.isprintable() and " " not in word


def _missing(section: Section | None) -> str:
    if not isinstance(section, InfluxSettings):
        return "KRAKENB_INFLUXDB_HOST"
    values = {
        "KRAKENB_INFLUXDB_HOST": section.host,
        "KRAKENB_INFLUXDB_API_TOKEN": section.token,
        "KRAKENB_INFLUXDB_ORG": section.org,
        "KRAKENB_INFLUXDB_BUCKET": section.bucket,
    }
    return next((name for name, value in values.items() if value is None), "")


def _given(section: Section) -> tuple[str, str, str, str]:
    """URL, token, organization and bucket."""
    assert isinstance(section, InfluxSettings)
    assert section.host is not None
    assert section.token is not None
    assert section.org is not None
    assert section.bucket is not None
    return section.host, section.token.get_secret_value(), section.org, section.bucket


def _open(section: Section, _identity: str) -> Influx:
    return Influx(*_given(section))


def _reader(section: Section, limit: float) -> InfluxReader:
    url, token, org, _bucket = _given(section)
    return InfluxReader(url, token, org, limit)


INFLUXDB: Final = SinkType(
    name="influxdb",
    ops={"write": WriteArgs},
    section=InfluxSettings,
    missing=_missing,
    open=_open,
    asks={"query": QueryArgs},
    reader=_reader,
)
