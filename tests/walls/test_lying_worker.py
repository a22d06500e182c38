"""A worker that an attacker has written, at the other end of the real pipe: it is ended, and nothing of it is believed."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from rig import Broker, Client, wait_until

HERE = Path(__file__).parent
PROGRAM = HERE / "lying_worker.py"

EVIL = """
from kraken_hooks import on

@on(collector="evil")
def evil(msg):
    return "honest"
"""

CANARY = """
from kraken_hooks import on, state

@on(collector="canary")
def canary(msg):
    return str(state.incr("songs"))
"""


def names(table: str) -> list[str]:
    """The keys of a table in the lying worker's program, which is not imported here."""
    for node in ast.parse(PROGRAM.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == table:
            assert isinstance(node.value, ast.Dict)
            return [ast.literal_eval(key) for key in node.value.keys if key is not None]
    raise AssertionError(table)


class Lied(Broker):
    program = (sys.executable, str(HERE / "other_workers.py"), str(PROGRAM))


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with Lied(
        tmp_path_factory.mktemp("lied"),
        {"evil.py": EVIL, "canary.py": CANARY},
        KRAKENB_WORKERS="per-file",
        KRAKENB_REPLY_WAIT="20",
    ) as started:
        yield started


@pytest.fixture
def canary(broker):
    """Sings before and after, from the same broker, and no song is lost, doubled or forged."""
    client = Client(broker.port)
    pid, before = broker.pid, int(client.send(collector="canary").text)
    yield client
    assert int(client.send(collector="canary").text) == before + 1
    assert broker.pid == pid
    assert broker.query("SELECT count(*) FROM state WHERE file != 'canary.py'")[0][0] == 0
    assert broker.count("points") == broker.count("outbox") == 0
    assert broker.query("SELECT DISTINCT hook FROM dead") in ([], [("evil.py:evil",)])
    client.close()


@pytest.mark.parametrize("lie", names("LIES"))
def test_a_lie_ends_the_worker_and_is_not_believed(broker, canary, lie):
    died, dead = len(broker.lines("worker.died")), broker.count("dead")
    reply = broker.client.send(lie, collector="evil", content_type="text/plain")
    assert (reply.kind, reply.payload) == ("ack", b"")
    wait_until(lambda: len(broker.lines("worker.died")) > died, "the worker to be ended")
    reasons = {line["reason"] for line in broker.lines("worker.died")[died:]}
    ended = lie in ("half a frame", "nothing")
    assert all(("ended by itself" if ended else "broke the protocol") in reason for reason in reasons), reasons
    if lie in BELIEVED_TO_ITS_END:
        return
    wait_until(lambda: broker.count("dead") > dead, "the run to be a dead letter")
    assert reply.metadata["failed"] == ["evil.py:evil"]


#: The run had ended well before the lie came.
BELIEVED_TO_ITS_END = ("the same job for ever", "one hook in two frames")


@pytest.mark.parametrize("lie", names("LOADS"))
def test_a_lie_about_a_load_is_no_load(broker, canary, lie):
    failed = len(broker.lines("hook.load_failed"))
    broker.write("evil.py", f"{EVIL}# load: {lie}\n")
    line = broker.wait_for("hook.load_failed", count=failed + 1, file="evil.py")
    assert line["running"] == "the last good version"
    assert "broke the protocol" in line["problems"][0]
    assert broker.client.send("hello", collector="evil").text == "honest"


def test_the_brokers_memory_is_bounded_whatever_it_was_sent(broker):
    """After all of the above; ran first it shows what a broker needs anyway."""
    status = Path(f"/proc/{broker.pid}/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0])
    assert peak < 400 * 1024, f"{peak} KB"


def test_nothing_that_happened_was_a_bug_of_the_brokers_own(broker):
    assert broker.lines("broker.task_failed") == []
    assert "Traceback" not in broker.log.read_text().replace('"traceback"', "")
