"""`doctor`: each fault is found, named, and comes with what to do about it."""

from __future__ import annotations

import json
import os
import platform
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rig import PATIENCE

from kraken_hooks.cli.doctor import Status, _clock
from kraken_hooks.outbox.sqlite import SqliteOutbox

GOOD = "from kraken_hooks import on\n\n@on()\ndef good(msg):\n    return 'well'\n"
WITHOUT = Path(__file__).parent.parent / "walls" / "without.py"
CALLS = {
    "x86_64": {"landlock": "444", "seccomp": "317", "inotify": "253,294"},
    "aarch64": {"landlock": "444", "seccomp": "277", "inotify": "26"},
}[platform.machine()]


@pytest.fixture
def doctor(tmp_path):
    """Runs `doctor --json`. Returns exit status and findings by the check's name."""
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "good.py").write_text(GOOD)

    def run(*arguments: str, without: str = "", **environment: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
        command = [sys.executable, "-m", "kraken_hooks", "doctor", "--json", *arguments]
        ended = subprocess.run(
            [sys.executable, str(WITHOUT), without, *command] if without else command,
            env={
                "PATH": os.environ["PATH"],
                "KRAKENB_HOOKS_DIR": str(tmp_path / "hooks"),
                "KRAKENB_STATE_DIR": str(tmp_path / "state"),
                "KRAKENB_GRPC_HOST": "127.0.0.1:0",
                "KRAKENB_OUTBOX_MAX_MB": "1",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ended.stderr == ""
        findings: dict[str, list[dict[str, str]]] = {}
        for finding in json.loads(ended.stdout):
            assert set(finding) == {"check", "status", "text", "remedy"}
            assert (finding["status"] == "ok") == (finding["remedy"] == ""), finding
            findings.setdefault(finding["check"], []).append(finding)
        return ended.returncode, findings

    return run


def test_where_all_is_well_every_check_says_ok(doctor):
    status, findings = doctor()
    assert status == 0
    assert list(findings) == [
        "python",
        "packages",
        "clock",
        "settings",
        "hooks",
        "state",
        "storage",
        "port",
        "lock-down",
        "notifications",
    ]
    assert [found["status"] for each in findings.values() for found in each] == ["ok"] * 10
    assert "RestrictedPython" in findings["packages"][0]["text"]
    assert "seccomp" in findings["lock-down"][0]["text"]
    assert "landlock ABI" in findings["lock-down"][0]["text"]


def test_for_people_it_prints_a_line_each(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "kraken_hooks", "doctor", "--hooks", str(tmp_path / "none"), "--host", "127.0.0.1:0"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 1
    lines = ended.stdout.splitlines()
    assert len(lines) == 10
    assert (
        f"problem  hooks: {tmp_path / 'none'}: No such file or directory -> create it, or set KRAKENB_HOOKS_DIR"
        in lines
    )
    assert any(line.startswith("ok       lock-down: ") for line in lines)


def test_a_directory_that_anybody_may_write_to_is_told(doctor, tmp_path):
    (tmp_path / "hooks").chmod(0o777)
    told, loaded = doctor()[1]["hooks"]
    assert (told["status"], told["remedy"]) == ("warning", f"chmod o-w {tmp_path / 'hooks'}")
    assert loaded["status"] == "ok"


def test_what_is_damaged_or_kept_of_the_database_is_told(doctor, tmp_path):
    (tmp_path / "state").mkdir()
    path = tmp_path / "state" / "kraken.db"
    assert doctor()[1]["storage"][0]["text"] == "no database yet; the broker makes one"
    SqliteOutbox(path).close()
    assert doctor()[1]["storage"][0]["status"] == "ok"
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO damaged VALUES (1, 1000, 'dead', '[\"r\"]', x'0102')")
    database.close()
    (tmp_path / "state" / "kraken.db.damaged-20260101T000000Z").write_bytes(bytes(3 << 20))
    with (tmp_path / "state" / "kraken.db-wal").open("wb") as log:
        log.truncate(70 << 20)
    rows, files, log = doctor()[1]["storage"]
    assert rows["text"].startswith("1 rows could not be read and were set aside (dead)")
    assert "dead damaged" in rows["remedy"]
    assert files["text"] == "1 files of a damaged database are kept, 3 MB"
    assert "70 MB" in log["text"]
    path.write_bytes(b"rubbish" * 1_000)
    (broken,) = doctor()[1]["storage"]
    assert broken["status"] == "warning"
    assert "is damaged" in broken["text"]


def test_every_wrong_setting_is_a_problem(doctor):
    status, findings = doctor(KRAKENB_WORKERS="many", KRAKENB_REPLY_WAIT="-1")
    assert status == 1
    assert [found["status"] for found in findings["settings"]] == ["problem", "problem"]
    assert {found["text"].partition(":")[0] for found in findings["settings"]} == {
        "KRAKENB_WORKERS",
        "KRAKENB_REPLY_WAIT",
    }


def test_a_misspelt_variable_is_a_warning(doctor):
    status, findings = doctor(KRAKENB_REPLY_WEIGHT="1")
    assert status == 0
    assert "KRAKENB_REPLY_WAIT" in findings["settings"][1]["text"]


def test_hook_files_that_do_not_load_or_are_not_read_are_problems(doctor, tmp_path):
    (tmp_path / "hooks" / "broken.py").write_text("import os\n")
    everybody = tmp_path / "hooks" / "everybody.py"
    everybody.write_text(GOOD)
    everybody.chmod(0o666)
    status, findings = doctor()
    assert status == 1
    assert [found["text"] for found in findings["hooks"]] == [
        "everybody.py: anybody may write to it; chmod o-w everybody.py",
        "broken.py does not load",
    ]
    assert findings["hooks"][1]["remedy"] == f"kraken-hooks check {tmp_path / 'hooks' / 'broken.py'}"


def test_a_directory_without_hook_files_is_a_warning(doctor, tmp_path):
    (tmp_path / "hooks" / "good.py").unlink()
    status, findings = doctor()
    assert (status, findings["hooks"][0]["status"]) == (0, "warning")


def test_a_state_directory_that_cannot_be_written_is_a_problem(doctor):
    status, findings = doctor("--state-dir", "/proc/kraken")
    assert (status, findings["state"][0]["status"]) == (1, "problem")
    assert "KRAKENB_STATE_DIR" in findings["state"][0]["remedy"]


def test_less_room_than_may_be_needed_is_a_warning(doctor):
    status, findings = doctor(KRAKENB_OUTBOX_MAX_MB="1048576")
    assert (status, findings["state"][0]["status"]) == (0, "warning")


def test_a_port_that_another_program_holds_is_a_problem(doctor):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, findings = doctor("--host", f"127.0.0.1:{taken.getsockname()[1]}")
    assert (status, findings["port"][0]["status"]) == (1, "problem")
    assert "ss -ltnp" in findings["port"][0]["remedy"]


def test_a_port_where_a_broker_answers_is_well(doctor, start):
    broker = start({"good.py": GOOD})
    status, findings = doctor("--host", f"127.0.0.1:{broker.port}")
    assert (status, findings["port"][0]["status"]) == (0, "ok")
    assert "answers" in findings["port"][0]["text"]


def test_each_configured_sink_is_looked_for_and_one_that_is_not_there_is_a_warning(doctor):
    with socket.create_server(("127.0.0.1", 0)) as there, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen: it refuses
        status, findings = doctor(
            KRAKENB_REDIS_HOST=f"redis://user:pass-word@127.0.0.1:{there.getsockname()[1]}/0",
            KRAKENB_MQTT_HOST="127.0.0.1",
            KRAKENB_MQTT_PORT=str(bound.getsockname()[1]),
            KRAKENB_HTTP_ALLOW="https://box.example/",
        )
    found = {each["text"]: each["status"] for each in findings["sinks"]}
    assert found == {
        "the server of redis accepts connections": "ok",
        "http is configured; hooks name its servers, none is tried": "ok",
        "the server of mqtt accepts no connection": "warning",
    }
    assert status == 0, "the broker starts all the same"
    assert "pass-word" not in json.dumps(findings)


def test_servers_that_the_name_service_does_not_name_are_a_warning(doctor):
    status, findings = doctor(KRAKENB_MONGODB_URI="mongodb+srv://user:pass-word@cluster.nowhere.invalid/greenhouse")
    [found] = findings["sinks"]
    assert (status, found["status"], found["text"]) == (0, "warning", "the server of mongodb accepts no connection")
    assert "pass-word" not in json.dumps(findings)


def test_a_sink_that_cannot_be_opened_is_a_warning(doctor, tmp_path):
    (tmp_path / "redis.py").write_text("raise ImportError('a half-installed client')\n")
    status, findings = doctor(KRAKENB_REDIS_HOST="127.0.0.1", PYTHONPATH=str(tmp_path))
    [found] = findings["sinks"]
    assert (status, found["status"], found["text"]) == (0, "warning", "redis cannot be opened: ImportError")


@pytest.mark.parametrize("part", ["landlock", "seccomp"])
def test_a_part_of_the_lockdown_that_the_kernel_lacks_is_a_warning_and_a_problem_where_it_is_demanded(doctor, part):
    status, findings = doctor(without=CALLS[part])
    held, lacking = findings["lock-down"]
    assert (status, held["status"], lacking["status"]) == (0, "ok", "warning")
    assert part not in held["text"]
    assert lacking["text"].startswith(f"{part}: ")
    status, findings = doctor(without=CALLS[part], KRAKENB_REQUIRE_LOCKDOWN="1")
    assert (status, findings["lock-down"][1]["status"]) == (1, "problem")


def test_a_system_without_notifications_of_changed_files_is_a_warning(doctor):
    status, findings = doctor(without=CALLS["inotify"])
    assert (status, findings["notifications"][0]["status"]) == (0, "warning")
    assert "inotify" in findings["notifications"][0]["text"]


def test_a_clock_that_was_never_set_is_a_warning():
    (finding,) = _clock(time.gmtime(0))
    assert finding.status is Status.WARNING
    assert "1970" in finding.text
