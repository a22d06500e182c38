"""What is in the memory of a worker, and of the process that forks them: nothing of the broker's, nothing of other hook files.

Read as root through /proc, byte by byte.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from rig import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root reads the memory of other processes")

#: Put together here, so that the hook file's source is the only place that has it in one piece.
SECRET = "very-" + "hidden-part"

KEEPER = """
from kraken_hooks import on, state

# the source of {name}: source-of-{name}-{name}

@on(collector="{name}")
def keep(msg):
    state.set("kept", "state-of-" + msg.text + "-" + msg.text)
    return state.get("kept")
"""


def memory(pid: int) -> bytes:
    """All that the process can read of itself."""
    parts = []
    with open(f"/proc/{pid}/mem", "rb") as file:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            where, rights = line.split()[:2]
            if "r" not in rights or line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            begin, end = (int(part, 16) for part in where.split("-"))
            try:
                file.seek(begin)
                parts.append(file.read(end - begin))
            except (OSError, ValueError, OverflowError):
                continue  # a page that its own process could not read either
    return b"\0".join(parts)


def living_in(broker, marker: str) -> list[int]:
    """The workers whose memory holds the text. One that ends meanwhile (it has tried a new version) holds nothing."""
    found = []
    for pid in broker.workers:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if marker.encode() in memory(pid):
                found.append(pid)
    return found


def test_nothing_of_the_broker_is_in_a_worker(start):
    broker = start(
        {"a.py": KEEPER.format(name="a")},
        KRAKENB_SLACK_URL=f"https://hooks.example/services/{SECRET}",
        KRAKENB_WORKERS="2",
        OTHER_TOKEN=f"other-{SECRET}",
    )
    assert broker.client.send("a", collector="a").text == "state-of-a-a"
    assert living_in(broker, "source-of-a-a"), "the scan finds what is there"
    for pid in (broker.fork_server, *broker.workers):
        held = memory(pid) + Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
        for what in (SECRET, "hooks.example", "OTHER_TOKEN", str(broker.folder)):
            assert what.encode() not in held, what
        assert b"KRAKENB" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")


def test_with_a_worker_for_each_file_none_holds_source_or_state_of_another(start):
    names = ["anna", "berta", "clara"]
    broker = start({f"{name}.py": KEEPER.format(name=name) for name in names}, KRAKENB_WORKERS="per-file")

    def check() -> None:
        homes = []
        for name in names:
            (home,) = living_in(broker, f"source-of-{name}-{name}")
            assert living_in(broker, f"state-of-{name}-{name}") == [home]
            homes.append(home)
        assert len(set(homes)) == 3
        assert b"source-of-" not in memory(broker.fork_server)

    for name in names:
        assert broker.client.send(name, collector=name).text == f"state-of-{name}-{name}"
    check()
    broker.stop()
    broker.start()  # state comes from the disk now
    wait_until(lambda: len(broker.workers) == 3, "a worker for each file")
    wait_until(lambda: all(living_in(broker, f"state-of-{name}-{name}") for name in names), "the state to be there")
    check()
    broker.write("berta.py", KEEPER.format(name="berta") + "\n# changed\n")
    broker.wait_for("hook.loaded", file="berta.py", change="changed")
    check()


def test_a_slow_file_that_keeps_a_worker_for_itself_keeps_nothing_of_its_neighbours(start):
    slow = """
import time
from kraken_hooks import on

@on(collector="slow")
def slow(msg):
    time.sleep(0.3)
    return "at last " + "from-the-slow-one"
"""
    broker = start(
        {"slow.py": slow, "anna.py": KEEPER.format(name="anna")}, KRAKENB_WORKERS="1", KRAKENB_REPLY_WAIT="10"
    )
    assert broker.client.send("anna", collector="anna").text == "state-of-anna-anna"
    assert broker.client.send(collector="slow").text == "at last from-the-slow-one"
    broker.wait_for("worker.isolated", file="slow.py", moved=1)
    assert broker.client.send("anna", collector="anna").text == "state-of-anna-anna"
    wait_until(lambda: len(living_in(broker, "from-the-slow-one")) == 1, "the slow file's fresh worker")
    (home,) = living_in(broker, "source-of-anna-anna")
    assert living_in(broker, "from-the-slow-one") != [home]
    assert living_in(broker, "state-of-anna-anna") == [home]
    assert broker.client.send(collector="slow").text == "at last from-the-slow-one"
    assert broker.client.send("anna", collector="anna").text == "state-of-anna-anna"
    assert broker.count("dead") == 0
