"""Two partial InfluxDBs: influxd 1.x behind a front of ours (strict, real errors), and VictoriaMetrics (takes the real client)."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from influx_front import ORG, InfluxFront
from live import LivePeer
from peers import Peer, free_port
from rig import PATIENCE, wait_until

from kraken_hooks.api.influxdb import QueryArgs
from kraken_hooks.settings import Section
from kraken_hooks.sinks.influxdb import INFLUXDB

#: Time of effect number 0, nanoseconds since 1970.
BASE = 1_790_000_000_000_000_000


#: What an author writes for `point(n)`; a series of its own, because VictoriaMetrics cuts times to milliseconds.
STATEMENT = "influxdb.write('env', {'number': n}, {'sensor': n})"


def point(number: int) -> dict[str, Any]:
    tags = {"sensor": str(number)}
    return {"measurement": "env", "fields": {"number": number}, "tags": tags, "time": BASE + number * 10**6}


def _fetch(url: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, body, headers or {}), timeout=PATIENCE) as answer:
        return answer.read()


def _answers(url: str) -> bool:
    try:
        _fetch(url)
    except OSError:
        return False
    return True


class _Server:
    """A server's process; its output goes to a file in its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *command: str, ready: str) -> None:
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed")
        with (self._folder / "server.log").open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=self._folder)
        wait_until(lambda: _answers(ready), f"{command[0]} to answer")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None


class InfluxPeer(Peer):
    sink = "influxdb"
    statement = STATEMENT
    once = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder / "influxd"
        self.folder.mkdir()
        self._backend, inner = free_port(), free_port()
        self._server = _Server(self.folder)
        self.front: InfluxFront | None = None
        (self.folder / "influxd.conf").write_text(f"""
            reporting-disabled = true
            bind-address = "127.0.0.1:{inner}"
            [meta]
            dir = "{self.folder}/meta"
            [data]
            dir = "{self.folder}/data"
            wal-dir = "{self.folder}/wal"
            query-log-enabled = false
            [http]
            bind-address = "127.0.0.1:{self._backend}"
            auth-enabled = true
            log-enabled = false
        """)

    def start(self) -> None:
        fresh = not (self.folder / "data").exists()
        address = f"http://127.0.0.1:{self._backend}"
        self._server.start("influxd", "-config", f"{self.folder}/influxd.conf", ready=f"{address}/ping")
        if fresh:
            _fetch(
                f"{address}/query?q={quote('CREATE USER kraken WITH PASSWORD ' + repr('right-secret') + ' WITH ALL PRIVILEGES')}",
                body=b"",
            )
            for bucket in ("sensors", "other"):
                self.ask(f"CREATE DATABASE {bucket}", method=b"")
        self.front = InfluxFront(self.port, self._backend)

    def stop(self) -> None:
        if self.front is not None:
            self.front.close()
            self.front = None
        self._server.stop()

    def ask(self, statement: str, bucket: str = "sensors", method: bytes | None = None) -> list[dict[str, Any]]:
        """The rows that InfluxQL gives, each a dict by column; times in nanoseconds."""
        return [row for _, _, rows in self._series(statement, bucket, method) for row in rows]

    def series(self, bucket: str) -> list[tuple[str, dict[str, str], list[dict[str, Any]]]]:
        """All that a bucket has: measurement, tags, and fields of each point."""
        found = self._series("SELECT * FROM /.*/ GROUP BY *", bucket, None)
        return [
            (
                name,
                {tag: value for tag, value in tags.items() if value},
                [{key: value for key, value in row.items() if key != "time" and value is not None} for row in rows],
            )
            for name, tags, rows in found
        ]

    def _series(
        self, statement: str, bucket: str, method: bytes | None
    ) -> list[tuple[str, dict[str, str], list[dict[str, Any]]]]:
        basic = base64.b64encode(b"kraken:right-secret").decode()
        asked = urlencode({"db": bucket, "epoch": "ns", "q": statement})
        said = _fetch(f"http://127.0.0.1:{self._backend}/query?{asked}", {"Authorization": f"Basic {basic}"}, method)
        [result] = json.loads(said, parse_int=float)["results"]  # it writes large floats as if they were whole
        assert "error" not in result, result
        return [
            (one["name"], one.get("tags", {}), [dict(zip(one["columns"], row, strict=True)) for row in one["values"]])
            for one in result.get("series", [])
        ]

    def settings(self) -> dict[str, str]:
        return {
            "KRAKENB_INFLUXDB_HOST": f"127.0.0.1:{self.port}",
            "KRAKENB_INFLUXDB_API_TOKEN": "kraken:right-secret",
            "KRAKENB_INFLUXDB_ORG": ORG,
            "KRAKENB_INFLUXDB_BUCKET": "sensors",
        }

    def wrong_settings(self) -> dict[str, str] | None:
        return {**self.settings(), "KRAKENB_INFLUXDB_API_TOKEN": "kraken:wrong-secret"}

    def tls_settings(self) -> dict[str, str] | None:
        return {**self.settings(), "KRAKENB_INFLUXDB_HOST": f"https://127.0.0.1:{self.port}"}

    def effect(self, number: int) -> tuple[str, dict[str, Any]]:
        return "write", point(number)

    def bad_effect(self) -> tuple[str, dict[str, Any]]:
        return "write", {**point(10**6), "fields": {"number": "text where a number is"}}

    def arrived(self) -> list[int]:
        return [row["number"] for row in self.ask("SELECT number FROM env")]


class VictoriaPeer(Peer):
    sink = "influxdb"
    statement = STATEMENT
    once = True
    asks_who = False
    refuses = False  # it takes whatever it can read and answers 204

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder / "victoria"
        self.folder.mkdir()
        self._server = _Server(self.folder)

    def start(self) -> None:
        self._server.start(
            "victoria-metrics",
            f"-storageDataPath={self.folder}/data",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            "-retentionPeriod=100y",
            "-search.latencyOffset=0s",
            "-dedup.minScrapeInterval=1ms",  # the same point again is one point, as in InfluxDB
            "-memory.allowedBytes=64MB",
            ready=f"http://127.0.0.1:{self.port}/health",
        )

    def stop(self) -> None:
        self._server.stop()

    def settings(self) -> dict[str, str]:
        return {
            "KRAKENB_INFLUXDB_HOST": f"http://127.0.0.1:{self.port}",
            "KRAKENB_INFLUXDB_API_TOKEN": "nobody-asks",
            "KRAKENB_INFLUXDB_ORG": "any",
            "KRAKENB_INFLUXDB_BUCKET": "any",
        }

    def tls_settings(self) -> dict[str, str] | None:
        return {**self.settings(), "KRAKENB_INFLUXDB_HOST": f"https://127.0.0.1:{self.port}"}

    def effect(self, number: int) -> tuple[str, dict[str, Any]]:
        return "write", point(number)

    def arrived(self) -> list[int]:
        address = f"http://127.0.0.1:{self.port}"
        _fetch(f"{address}/internal/force_flush")
        said = _fetch(f"{address}/api/v1/export?{urlencode({'match[]': 'env_number'})}")
        points = [
            (at, int(value))
            for one in map(json.loads, said.splitlines())
            for at, value in zip(one["timestamps"], one["values"], strict=True)
        ]
        return [value for _, value in sorted(points)]


class LiveInflux(LivePeer, InfluxPeer):
    """A real InfluxDB 2, asked in Flux through the sink's own reader."""

    prefix = "KRAKENB_INFLUXDB_"

    def connect(self, section: Section) -> None:
        self._section = section
        opened = INFLUXDB.reader
        assert opened is not None
        self._reader = opened(section, 10.0)
        said = self.settings()
        where = urlencode({"org": said["KRAKENB_INFLUXDB_ORG"], "bucket": said["KRAKENB_INFLUXDB_BUCKET"]})
        everything = {
            "start": "1970-01-01T00:00:00Z",
            "stop": "2100-01-01T00:00:00Z",
            "predicate": '_measurement="env"',
        }
        headers = {
            "Authorization": f"Token {said['KRAKENB_INFLUXDB_API_TOKEN']}",
            "Content-Type": "application/json",
        }
        address = getattr(section, "host")  # noqa: B009  # a section's fields are known to its sink
        _fetch(f"{address}/api/v2/delete?{where}", headers, json.dumps(everything).encode())

    def disconnect(self) -> None:
        self._reader.close()

    def wrong_settings(self) -> dict[str, str] | None:
        return {**self.settings(), "KRAKENB_INFLUXDB_API_TOKEN": "wrong-secret"}

    def arrived(self) -> list[int]:
        bucket = json.dumps(self.settings()["KRAKENB_INFLUXDB_BUCKET"])
        flux = (
            f'from(bucket: {bucket}) |> range(start: 0) |> filter(fn: (r) => r._measurement == "env" and r._field == "number")'
            ' |> group() |> sort(columns: ["_time"])'
        )
        rows: Any = self._reader.ask("query", QueryArgs(flux, {}))
        return [int(row["_value"]) for row in rows]
