"""A real redis-server on a private port, with users, a password and an append-only file that outlives it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis
from live import LivePeer
from peers import Peer
from rig import PATIENCE, wait_until

from kraken_hooks.settings import Section
from kraken_hooks.sinks.redis import RedisSettings
from kraken_hooks.sinks.redis_connection import client

PASSWORD = "right-password"
#: Nobody is let in as `default`, but it keeps its permissions: with them Redis reads its own append-only file, and one that may
#: do nothing makes Redis 7.0 drop transactions and scripts there. `limited` may write keys that begin with `ok` alone.
USERS = f"""
user default off ~* &* +@all
user admin on >{PASSWORD} ~* &* +@all
user kraken on >{PASSWORD} ~* &* +@all -@dangerous
user limited on >{PASSWORD} ~ok* ~kraken-hooks:* +@all
user unscripted on >{PASSWORD} ~* &* +@all -@scripting
"""


class RedisPeer(Peer):
    sink = "redis"
    drips = b"+"
    once = True
    statement = 'redis.rpush("arrived", n)'

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        #: More settings of the server, as lines of its file.
        self.more = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._client: redis.Redis | None = None

    def start(self) -> None:
        if shutil.which("redis-server") is None:
            pytest.skip("redis-server is not installed")
        data = self.folder / "redis"
        data.mkdir(exist_ok=True)
        (data / "users.acl").write_text(USERS)
        (data / "redis.conf").write_text(
            f"{self._listens()}\nbind 127.0.0.1\ndir {data}\naclfile {data}/users.acl\nappendonly yes\nsave ''\n{self.more}"
        )
        with (data / "log").open("ab") as output:
            self._process = subprocess.Popen(["redis-server", data / "redis.conf"], stdout=output, stderr=output)
        tls = {"ssl": True, "ssl_cert_reqs": "none", "ssl_check_hostname": False} if self.secured else {}
        self._client = redis.Redis(port=self.port, username="admin", password=PASSWORD, protocol=2, **tls)
        wait_until(self._answers, "redis-server to take connections")

    def _listens(self) -> str:
        if self.secured is None:
            return f"port {self.port}"
        files = f"tls-cert-file {self.secured}/server.pem\ntls-key-file {self.secured}/server.key"
        return f"port 0\ntls-port {self.port}\n{files}\ntls-auth-clients no"

    def stop(self, *, kill: bool = False) -> None:
        if self._process is None:
            return
        assert self._client is not None
        self._client.close()
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        self._process.wait(PATIENCE)
        self._process = self._client = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "redis" / "log").read_text()
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    @property
    def client(self) -> Any:
        """The operator's own client."""
        assert self._client is not None
        return self._client

    def settings(self, user: str = "kraken") -> dict[str, str]:
        return {
            "KRAKENB_REDIS_HOST": f"127.0.0.1:{self.port}",
            "KRAKENB_REDIS_USER": user,
            "KRAKENB_REDIS_PASSWORD": PASSWORD,
        }

    def wrong_settings(self) -> dict[str, str] | None:
        return {**self.settings(), "KRAKENB_REDIS_PASSWORD": "wrong-secret"}

    def tls_settings(self) -> dict[str, str] | None:
        return {**self.settings(), "KRAKENB_REDIS_TLS": "1"}

    def effect(self, number: int) -> tuple[str, dict[str, Any]]:
        return "rpush", {"key": "arrived", "values": [str(number)]}

    def bad_effect(self) -> tuple[str, dict[str, Any]]:
        return "hset", {"key": "arrived", "mapping": {"a": "b"}}

    def arrived(self) -> list[int]:
        return [int(value) for value in self.client.lrange("arrived", 0, -1)] if self._client else []


class LiveRedis(LivePeer, RedisPeer):
    prefix = "KRAKENB_REDIS_"

    def connect(self, section: Section) -> None:
        assert isinstance(section, RedisSettings)
        self._client = client(section.address, 5.0, 5.0)
        self._client.delete("arrived")

    def disconnect(self) -> None:
        self.client.close()
