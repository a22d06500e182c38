"""Every hook file of the corpus, loaded into a real broker: what is ordinary works as in CPython, what attacks gets nowhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from rig import Broker, wait_until

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
    broker = Broker(tmp_path_factory.mktemp("attacked"), {"healthy.py": HEALTHY}, KRAKENB_HOOK_TIMEOUT="0.4")
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
    reply = attacked.client.send("{}", collector=path.stem)
    assert b"PWNED" not in reply.payload
    if expect == "# expect: blocked":
        assert stopped(attacked, path, reply), f"{path.name} was neither refused at load nor did it fail"
    assert attacked.client.send(collector="healthy").text == "well"
    if reply.kind == "accepted":
        wait_until(lambda: attacked.count("inbox") == 0, "the accepted message to end")
        assert attacked.client.send(collector="healthy").text == "well"


def stopped(broker: Broker, path: Path, reply) -> bool:
    if any(line["file"] == path.name for line in broker.lines("hook.load_failed")):
        return True
    if reply.kind == "accepted":
        broker.wait_for("dead.added", message_id=reply.metadata["message_id"])
    else:
        assert reply.metadata["failed"] == [f"{path.name}:handle"]
    return True
