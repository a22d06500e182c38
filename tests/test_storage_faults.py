"""The state directory fails: a clear error, calls answered UNAVAILABLE, and the broker goes on once there is room."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
from pathlib import Path

import grpc
import pytest
from rig import Broker, Client, wait_until

from kraken_hooks.outbox.base import Point, Transaction
from kraken_hooks.outbox.pages import Log, Pages
from kraken_hooks.outbox.sqlite import SqliteOutbox

STORE = """
from kraken_hooks import on, state, store

@on(collector="load")
def keep(msg):
    number = state.incr("count")
    store.write("load", {"size": len(msg.payload)})
    state.set("last", msg.text[:20])
    return str(number)

@on(collector="big")
def big(msg):
    state.set(f"big{state.incr('bigs')}", msg.text)
    return "kept"
"""


@pytest.fixture
def small_disk(tmp_path, request):
    """A file system of 4 MB, or of as many as the test says."""
    size = getattr(request, "param", 4)
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs may be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def code_of(call) -> grpc.StatusCode | None:
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return None


def fill(ballast: Path) -> None:
    """Fill the disk to the last byte."""
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        while os.write(descriptor, b"x" * 4096):
            pass
    except OSError:
        pass  # it is full
    finally:
        os.close(descriptor)


@pytest.mark.machine
def test_a_full_disk_refuses_calls_and_recovers_without_a_restart(start, small_disk):
    broker = start({"keep.py": STORE}, KRAKENB_STATE_DIR=str(small_disk))
    broker.state = small_disk
    assert broker.client.send(collector="load").text == "1"
    ballast = small_disk / "ballast"
    fill(ballast)
    payload = "y" * 100_000
    codes = {code_of(lambda: broker.client.send(payload, collector="big")) for _ in range(5)}
    assert grpc.StatusCode.UNAVAILABLE in codes
    assert codes <= {grpc.StatusCode.UNAVAILABLE, None}
    line = broker.wait_for("storage.failed")
    assert "full" in line["reason"]
    assert "has room" in line["remedy"]
    assert broker.client.send(collector="nobody").kind == "ack", "messages that ask for nothing need no disk"
    ballast.unlink()
    answered = wait_until(lambda: code_of(lambda: broker.client.send(collector="load")) is None, "recovery")
    assert answered
    broker.wait_for("storage.recovered")
    last = wait_until(lambda: broker.client.send(collector="load").text, "an answer that is not put off")
    assert broker.query("SELECT count(*) FROM points") == [(int(last),)], "state and points are of the same messages"
    assert broker.stop() == 0


@pytest.mark.machine
def test_under_load_a_full_disk_loses_no_answered_message(start, small_disk):
    broker = start({"keep.py": STORE}, KRAKENB_STATE_DIR=str(small_disk))
    broker.state = small_disk
    answered, refused = [], []
    stop = threading.Event()

    def load() -> None:
        client = Client(broker.port)
        while not stop.is_set():
            try:
                answered.append(client.send("z" * 2000, collector="load").text)
            except grpc.RpcError as error:
                refused.append(error.code())
        client.close()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(answered) > 50, "answers")
        ballast = small_disk / "ballast"
        fill(ballast)
        wait_until(lambda: len(refused) >= 20 or fill(ballast), "refused calls")
        ballast.unlink()
        before = len(answered)
        wait_until(lambda: len(answered) > before + 50, "answers again")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(refused) == {grpc.StatusCode.UNAVAILABLE}
    counts = [text for text in answered if text]  # the others were acknowledged and ran later
    assert len(set(counts)) == len(counts), "a count was handed out twice: state went back under an answered call"
    wait_until(lambda: broker.count("inbox") == 0, "acknowledged messages to end")
    stored = broker.query("SELECT count(*) FROM points")[0][0]
    assert stored == len(answered), "each answered message is stored, each refused one is not"


@pytest.mark.machine
@pytest.mark.parametrize("small_disk", [12], indirect=True)
def test_a_disk_that_is_full_when_the_log_is_emptied_into_the_database_loses_nothing(start, small_disk):
    """Room for the write-ahead log (4 MB until it is emptied) and not for what it brings into the database."""
    keep = 'from kraken_hooks import on, store\n@on(collector="load")\ndef keep(msg):\n    store.write("x", {"n": msg.text})\n'
    broker = start({"keep.py": keep}, KRAKENB_STATE_DIR=str(small_disk))
    broker.state = small_disk
    ballast = small_disk / "ballast"
    room = os.statvfs(small_disk).f_bavail * 4096
    ballast.write_bytes(b"x" * (room - 5 * 2**20))
    answered = 0
    while code_of(lambda: broker.client.send("z" * 20_000, collector="load")) is None:
        answered += 1
        assert answered < 2_000, "the disk never became full"
    log = small_disk / "kraken.db-wal"
    assert log.stat().st_size > 4_000_000, "the log had to be emptied, and could not be"
    broker.wait_for("storage.failed")
    ballast.unlink()
    wait_until(lambda: code_of(lambda: broker.client.send("z", collector="load")) is None, "recovery")
    wait_until(lambda: broker.count("inbox") == 0, "what was only acknowledged to end")
    stored = broker.query("SELECT count(*) FROM points")[0][0]
    assert stored == answered + 1
    assert broker.stop() == 0
    broker.start()
    assert broker.query("SELECT count(*) FROM points") == [(stored,)]


def launch_and_wait(broker: Broker) -> int:
    broker.launch()
    assert broker.process is not None
    return broker.process.wait(30)


@pytest.mark.parametrize("kind", ["a file in its place", "a file above it"])
def test_a_state_directory_that_cannot_be_made_is_a_clear_error(tmp_path, kind):
    blocked = tmp_path / "state"
    blocked.write_text("")
    place = blocked if kind == "a file in its place" else blocked / "below"
    broker = Broker(tmp_path / "b", KRAKENB_STATE_DIR=str(place))
    assert launch_and_wait(broker) == 78
    assert f"KRAKENB_STATE_DIR: {place} cannot be used" in broker.log.read_text()


@pytest.mark.machine
def test_a_read_only_state_directory_is_a_clear_error(tmp_path, small_disk):
    remounted = subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], capture_output=True, check=False)
    if remounted.returncode:
        pytest.skip("no remount allowed here")
    broker = Broker(tmp_path / "b", KRAKENB_STATE_DIR=str(small_disk))
    assert launch_and_wait(broker) == 78
    assert "cannot be used" in broker.log.read_text()


def test_a_state_directory_without_permission_is_a_clear_error(tmp_path):
    if os.geteuid() != 0:
        place = tmp_path / "closed"
        place.mkdir(mode=0o500)
    else:
        place = Path("/proc/kraken-hooks-state")  # where even root makes no directory
    broker = Broker(tmp_path / "b", KRAKENB_STATE_DIR=str(place))
    assert launch_and_wait(broker) == 78
    assert f"KRAKENB_STATE_DIR: {place} cannot be used" in broker.log.read_text()


@pytest.mark.parametrize("what", ["directory", "database", "log", "replaced"])
def test_a_database_that_is_deleted_or_replaced_ends_the_broker_with_a_clear_error(tmp_path, what):
    """What SQLite would still write into the file without a name is gone when the broker stops."""
    broker = Broker(tmp_path, {"store.py": STORE}).start()
    assert broker.client.send("x", "load").text == "1"
    state = tmp_path / "state"
    match what:
        case "directory":
            shutil.rmtree(state)
        case "database":
            (state / "kraken.db").unlink()
        case "log":
            (state / "kraken.db-wal").unlink()
        case _:
            shutil.copy(state / "kraken.db", state / "copy")
            (state / "copy").replace(state / "kraken.db")
    assert ended(broker) == 1
    failed = broker.lines("broker.failed")[0]
    assert failed["reason"] == f"{state / 'kraken.db'} was deleted or replaced while it was open"
    assert failed["remedy"].startswith("Start the broker again")
    broker.stop()
    with broker:
        assert broker.client.send("x", "load").text in ("1", "2")
        assert bool(broker.lines("storage.salvaged")) is (what == "database"), (
            "its log is there yet, and holds something"
        )


QUERY = """
from kraken_hooks import on, store

@on(collector="ask")
def ask(msg):
    return str(store.last("old", "n"))
"""


def with_points(state: Path) -> None:
    """A database with more points than a page takes, closed in order."""
    state.mkdir(parents=True)
    outbox = SqliteOutbox(state / "kraken.db")
    outbox.commit([Transaction(points=[Point("old", "n", {}, n, n, f"p{n}", n, 0) for n in range(1, 10_001)])])
    outbox.close()


def spoil_newest_points(state: Path) -> None:
    """Write rubbish over the page that the newest points are on."""
    path = state / "kraken.db"
    with Pages(path, path, Log()) as read:
        newest = [n for n in range(1, read.count + 1) if any(row.values[:2] == [1, 10_000] for row in read.rows_of(n))]
    assert len(newest) == 1
    with path.open("r+b") as file:
        file.seek((newest[0] - 1) * 4096)
        file.write(b"\xee" * 4096)


def ended(broker: Broker) -> int:
    assert broker.process is not None
    return broker.process.wait(30)


@pytest.mark.parametrize("found_by", ["a commit", "a query"])
def test_damage_that_is_found_later_ends_the_broker_and_the_next_start_saves_the_rest(tmp_path, found_by):
    hooks = {"keep.py": STORE.replace('"load", {"size"', '"old", {"n"'), "query.py": QUERY}
    broker = Broker(tmp_path / "b", hooks)
    with_points(broker.state)
    with broker:
        spoil_newest_points(broker.state)
        code = code_of(lambda: broker.client.send(collector="load" if found_by == "a commit" else "ask"))
        if found_by == "a commit":
            assert code is grpc.StatusCode.UNAVAILABLE, "a call is answered, not left hanging"
        assert ended(broker) == 1, "systemd starts it again"
    line = broker.lines("broker.failed")[0]
    assert "malformed" in line["reason"]
    assert "Start the broker again" in line["remedy"]
    with broker:
        saved = broker.wait_for("storage.salvaged")
        assert 9_500 < saved["saved"]["points"] < 10_000
        assert all((broker.state / name).exists() for name in saved["kept"])
        assert broker.client.send(collector="load").text == "1"
    assert broker.lines("broker.stopped")


def test_a_damaged_database_is_kept_and_the_broker_starts_with_what_can_be_read(tmp_path):
    broker = Broker(tmp_path / "b", {"query.py": QUERY})
    with_points(broker.state)
    with (broker.state / "kraken.db").open("r+b") as file:
        file.write(bytes(4096))
    with broker:
        assert "does not begin like a database" in broker.lines("storage.damaged")[0]["reason"]
        assert broker.client.send(collector="ask").text == "10000"


@pytest.mark.machine
def test_a_disk_that_is_full_at_the_start_is_a_clear_error_and_loses_nothing(tmp_path, small_disk):
    broker = Broker(tmp_path / "b", {"query.py": QUERY}, KRAKENB_STATE_DIR=str(small_disk / "state"))
    broker.state = small_disk / "state"
    with_points(broker.state)
    with (broker.state / "kraken.db").open("r+b") as file:
        file.write(bytes(4096))
    ballast = small_disk / "ballast"
    fill(ballast)
    assert launch_and_wait(broker) == 1, "systemd tries again"
    reason = broker.lines("broker.failed")[0]["reason"]
    assert "full" in reason or "No space left" in reason
    ballast.unlink()
    with broker:
        assert broker.client.send(collector="ask").text == "10000"


def test_another_programs_database_is_a_clear_error(tmp_path):
    broker = Broker(tmp_path / "b")
    broker.state.mkdir(parents=True)
    with sqlite3.connect(broker.state / "kraken.db") as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    assert launch_and_wait(broker) == 78
    assert "another program" in broker.lines("broker.failed")[0]["reason"]
    assert [file.name for file in broker.state.iterdir()] == ["kraken.db"]


def test_a_full_outbox_drops_the_oldest_effects_where_it_may(start):
    source = 'from kraken_hooks import on, slack\n\n@on()\ndef tell(msg):\n    slack.send(msg.text + "x" * 30_000)\n'
    broker = start(
        {"tell.py": source},
        KRAKENB_SLACK_URL="http://127.0.0.1:9/x",
        KRAKENB_OUTBOX_MAX_MB="1",
        KRAKENB_OUTBOX_FULL="drop-oldest",
        KRAKENB_OUTBOX_DROP="websocket, slack",
    )
    for number in range(60):
        broker.client.send(f"{number:03}")
    line = broker.wait_for("outbox.dropped", sink="slack")
    assert line["count"] >= 1
    assert len(broker.lines("outbox.dropped")) == 1, "one line for a burst"
    wait_until(lambda: broker.count("inbox") == 0, "all to have run")
    wait_until(lambda: 28 < broker.count("outbox") < 36, "about 1 MB of them to be left")
    left = [row[0] for row in broker.query("SELECT seq FROM outbox ORDER BY seq")]
    assert b"059x" in broker.query("SELECT effect FROM outbox WHERE seq = ?", left[-1])[0][0], "the newest are kept"


def test_values_and_dead_letters_leave_within_their_limits(tmp_path):
    broker = Broker(tmp_path / "b", {"query.py": QUERY}, KRAKENB_STORE_MAX_MB="1", KRAKENB_DEAD_MAX_MB="1")
    broker.state.mkdir(parents=True)
    outbox = SqliteOutbox(broker.state / "kraken.db")
    for start_at in range(1, 100_001, 10_000):
        numbers = range(start_at, start_at + 10_000)
        outbox.commit([Transaction(points=[Point("old", "n", {}, n * 10**9, n, f"p{n}", n, 0) for n in numbers])])
    outbox.close()
    before = (broker.state / "kraken.db").stat().st_size
    with broker:
        line = broker.wait_for("store.trimmed")
        assert 40_000 < line["count"] < 100_000
        assert line["until"].startswith("1970-01-0")
        assert broker.client.send(collector="ask").text == "100000", "the newest is kept"
    assert before > 3 << 20


def test_the_queue_at_its_bound_refuses_with_a_retry_hint(start):
    source = 'from kraken_hooks import on, slack\n\n@on()\ndef tell(msg):\n    slack.send("x" * 60_000)\n'
    broker = start({"tell.py": source}, KRAKENB_SLACK_URL="http://127.0.0.1:9/x", KRAKENB_OUTBOX_MAX_MB="1")
    with pytest.raises(grpc.RpcError) as refused:
        for _ in range(100):
            broker.client.send()
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert ("grpc-retry-pushback-ms", "1000") in [tuple(entry) for entry in refused.value.trailing_metadata()]
    assert broker.count("outbox") >= 1_000_000 // 61_000, "nothing already accepted was dropped"
    assert broker.client.send_legacy() == 0
