"""secantusdb in place of mongod, with a user and a password: a beta that speaks MongoDB's protocol over WiredTiger."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import pymongo
import pytest
from live import LivePeer
from peers import Peer
from pymongo.errors import PyMongoError
from rig import PATIENCE, wait_until

from kraken_hooks.settings import Section
from kraken_hooks.sinks.mongodb import MongoSettings

PASSWORD = "right-password"
PROGRAM = Path(__file__).parents[2] / ".servers" / "secantusdb" / "bin" / "secantusd-py"


class MongoPeer(Peer):
    sink = "mongodb"
    drips = (1 << 20).to_bytes(4, "little")
    once = True
    statement = 'mongodb.insert("arrived", {"n": n})'
    _made: ClassVar[Path] = Path("/nowhere/yet")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Any = None

    def start(self) -> None:
        if not PROGRAM.exists():
            pytest.skip("secantusdb is not installed (tests/install-servers)")
        data = self.folder / "mongodb"
        if not data.exists():
            self._make(data)
        credentials: dict[str, Any] = {"username": "kraken", "password": PASSWORD}
        options = ["--auth"]
        if self.secured is not None:
            credentials |= {"tls": True, "tlsAllowInvalidCertificates": True}
            options += ["--tls-cert-file", f"{self.secured}/server.pem", "--tls-key-file", f"{self.secured}/server.key"]
        self._launch(data, *options, **credentials)

    def _make(self, data: Path) -> None:
        """A database with a user, made in a run without --auth; once for all tests."""
        if not MongoPeer._made.exists():
            MongoPeer._made = Path(tempfile.mkdtemp()) / "mongodb"
            atexit.register(shutil.rmtree, MongoPeer._made.parent, ignore_errors=True)
            MongoPeer._made.mkdir()
            self._launch(MongoPeer._made)
            roles = [{"role": "readWrite", "db": "greenhouse"}]
            self._client.admin.command("createUser", "kraken", pwd=PASSWORD, roles=roles, mechanisms=["SCRAM-SHA-256"])
            self.stop()
        shutil.copytree(MongoPeer._made, data)

    def _launch(self, data: Path, *options: str, **credentials: Any) -> None:
        command = [PROGRAM, "--port", str(self.port), "--storage-path", data, "--cache-size", "64M"]
        with (self.folder / "mongodb.log").open("ab") as output:
            self._process = subprocess.Popen(
                [*command, "--sync-on-commit", "--standalone", *options], stdout=output, stderr=output
            )
        self._client = pymongo.MongoClient("127.0.0.1", self.port, serverSelectionTimeoutMS=300, **credentials)
        wait_until(self._answers, "secantusdb to take connections")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "mongodb.log").read_text()
        try:
            return bool(self._client.greenhouse.command("ping"))
        except PyMongoError:
            return False

    def stop(self, *, kill: bool = False) -> None:
        if self._process is None:
            return
        self._client.close()
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        self._process.wait(PATIENCE)
        self._process = self._client = None

    @property
    def database(self) -> Any:
        """The operator's own client."""
        return self._client.greenhouse

    def settings(self) -> dict[str, str]:
        return {
            "KRAKENB_MONGODB_HOST": f"127.0.0.1:{self.port}",
            "KRAKENB_MONGODB_USER": "kraken",
            "KRAKENB_MONGODB_PASSWORD": PASSWORD,
            "KRAKENB_MONGODB_DATABASE": "greenhouse",
        }

    def wrong_settings(self) -> dict[str, str] | None:
        return {**self.settings(), "KRAKENB_MONGODB_PASSWORD": "wrong-secret"}

    def tls_settings(self) -> dict[str, str] | None:
        settings = self.settings()
        del settings["KRAKENB_MONGODB_HOST"]
        return {**settings, "KRAKENB_MONGODB_URI": f"mongodb://127.0.0.1:{self.port}/?tls=true"}

    def effect(self, number: int) -> tuple[str, dict[str, Any]]:
        return "insert", {"collection": "arrived", "document": {"n": number}}

    def bad_effect(self) -> tuple[str, dict[str, Any]]:
        args = {
            "collection": "arrived",
            "filter": {},
            "update": {"$nonsense": {"n": 1}},
            "upsert": False,
            "many": False,
        }
        return "update", args

    def arrived(self) -> list[int]:
        return [document["n"] for document in self.database.arrived.find()] if self._client else []


class LiveMongo(LivePeer, MongoPeer):
    prefix = "KRAKENB_MONGODB_"

    def connect(self, section: Section) -> None:
        assert isinstance(section, MongoSettings)
        password = section.password.get_secret_value() if section.password else None
        credentials = {"username": section.user, "password": password} if section.user else {}
        self._client = pymongo.MongoClient(section.where, **credentials)
        self._name = section.name
        self.database.arrived.drop()

    def disconnect(self) -> None:
        self._client.close()

    @property
    def database(self) -> Any:
        return self._client[self._name]
