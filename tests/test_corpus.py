"""Every hook file of the corpus, loaded into a real broker: what is ordinary works as in CPython, what attacks gets nowhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from rig import Broker, Reply, done

from kraken_hooks.server.kraken_pb2 import KrakenResponse

CORPUS = Path(__file__).parent / "corpus"
BENIGN = sorted((CORPUS / "benign").glob("*.py"))
ATTACKS = sorted((CORPUS / "attacks").glob("*.py"))

HEALTHY = """
from kraken_hooks import on

@on(collector="healthy")
def healthy(msg):
    return "well"
"""


def for_collector(path: Path) -> bytes:
    """The file's source, its hook asking for a collector that is called like the file."""
    return re.sub(rb"@on\(\)", f'@on(collector="{path.stem}")'.encode(), path.read_bytes())


@pytest.fixture(scope="module")
def benign(tmp_path_factory):
    broker = Broker(tmp_path_factory.mktemp("benign"))
    for path in BENIGN:
        broker.write(path.name, for_collector(path))
    with broker:
        yield broker


@pytest.mark.parametrize("path", BENIGN, ids=lambda path: path.stem)
def test_ordinary_python_works_as_in_cpython(benign, path):
    case = json.loads(path.with_suffix(".json").read_text())
    reply = benign.client.send(case["data"], collector=path.stem)
    assert reply.text == case["reply"], benign.lines("hook.load_failed") + benign.lines("hook.failed")


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    broker = Broker(
        tmp_path_factory.mktemp("attacked"),
        {"healthy.py": HEALTHY},
        KRAKENB_HOOK_TIMEOUT="0.4",
        KRAKENB_REPLY_WAIT="20",
    )
    for path in ATTACKS:
        broker.write(path.name, for_collector(path))
    with broker:
        yield broker
        assert broker.process is not None
        assert broker.process.poll() is None


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.stem)
def test_an_attack_reaches_nothing_and_hurts_nobody(attacked, path):
    expect = path.read_bytes().split(b"\n", 1)[0].decode()
    assert expect in ("# expect: blocked", "# expect: limit")
    call = attacked.client.send_soon("{}", collector=path.stem)
    assert attacked.client.send(collector="healthy").text == "well"
    reply = Reply(KrakenResponse.FromString(done(call)))
    assert b"PWNED" not in reply.payload
    if expect == "# expect: blocked" and path.name not in {line["file"] for line in attacked.lines("hook.load_failed")}:
        assert reply.metadata["failed"] == [f"{path.name}:handle"], "neither refused at load nor failed"
    assert attacked.client.send(collector="healthy").text == "well"
