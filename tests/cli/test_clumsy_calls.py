"""Commands called clumsily: they say in a line or two what is wrong, never with a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rig import PATIENCE

from kraken_hooks.outbox.sqlite import SqliteOutbox


def kraken(*arguments, before=(), **how) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **how.pop("environment", {})}
    command = [*before, sys.executable, "-m", "kraken_hooks", *map(str, arguments)]
    how = {"stdout": subprocess.PIPE, "stdin": subprocess.DEVNULL} | how
    return subprocess.run(
        command, env=environment, stderr=subprocess.PIPE, text=True, timeout=2 * PATIENCE, check=False, **how
    )


def told(done: subprocess.CompletedProcess[str], status: int, words: str) -> None:
    assert "Traceback" not in done.stderr
    assert (done.returncode, words in done.stderr) == (status, True), done.stderr


@pytest.fixture
def state(tmp_path):
    SqliteOutbox(tmp_path / "kraken.db").close()
    return tmp_path


@pytest.fixture
def locked(tmp_path):
    """A hook file that cannot be read, in a directory that can be."""
    (tmp_path / "alarm.py").write_text("")
    (tmp_path / "alarm.py").chmod(0)
    yield tmp_path
    tmp_path.chmod(0o700)


def unprivileged(unreadable: Path) -> tuple[str, ...]:
    """Put before a command, it takes root's privilege to read everything."""
    before = (
        ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    )
    if subprocess.run([*before, "test", "-r", unreadable], check=False).returncode != 1:
        pytest.skip("root cannot give up its privilege to read everything here")
    return before


@pytest.mark.parametrize("moment", ["99999999999d", "9999-12-31T23:59:59", "1960-01-01", "0.000000001s"])
@pytest.mark.parametrize("option", ["--since", "--until"])
def test_any_time_may_be_asked_for(state, option, moment):
    done = kraken("dead", "list", "--state-dir", state, option, moment)
    assert (done.returncode, done.stdout) == (0, "no dead letters\n"), done.stderr


@pytest.mark.parametrize("command", [("replay",), ("purge", "--yes")])
def test_an_id_that_no_letter_has_is_named(state, command):
    told(kraken("dead", *command, "no-such-id", "--state-dir", state), 1, "there is no dead letter no-such-id")


@pytest.mark.machine
@pytest.mark.parametrize("command", ["list", "replay", "purge"])
def test_a_state_directory_of_somebody_else(state, command):
    state.chmod(0)
    done = kraken("dead", command, "--kind", "run", "--state-dir", state, before=unprivileged(state))
    state.chmod(0o700)
    told(done, 1, f"no permission to use {state}; try it with sudo")


@pytest.mark.machine
def test_a_hook_file_that_may_not_be_read(locked):
    done = kraken("check", locked, before=unprivileged(locked / "alarm.py"))
    assert (done.returncode, done.stderr) == (1, "")
    assert "alarm.py: error: " in done.stdout


@pytest.mark.machine
def test_a_directory_that_may_not_be_entered(locked):
    locked.chmod(0)
    told(
        kraken("check", locked / "alarm.py", before=unprivileged(locked)),
        1,
        f"{locked / 'alarm.py'}: Permission denied",
    )


def test_a_name_that_is_too_long(tmp_path):
    told(kraken("check", "x" * 5000), 1, "File name too long")
    told(kraken("dead", "list", "--state-dir", tmp_path / ("x" * 5000)), 1, "File name too long")


def test_output_that_cannot_be_written(tmp_path):
    with open("/dev/full", "w") as full:
        told(kraken("check", tmp_path, stdout=full), 1, "No space left on device")


def test_a_terminal_that_lacks_letters(tmp_path):
    hook = tmp_path / "hook.py"
    hook.write_text("x = ─\n")
    done = kraken("check", hook, environment={"PYTHONIOENCODING": "latin-1"})
    assert (done.returncode, done.stderr) == (1, "")
    assert "x = \\u2500" in done.stdout


@pytest.mark.parametrize("option", ["--collector", "--host", "--data"])
def test_an_argument_that_is_no_text(option):
    told(kraken("send", option, "\udcff"), 2, "not UTF-8")


@pytest.mark.parametrize("host", ["", "127.0.0.1"])
def test_an_address_without_a_port(host):
    told(kraken("send", "--host", host), 2, "address:port")


def test_an_address_that_is_none():
    told(kraken("send", "--host", "http://127.0.0.1:50051"), 1, "Nothing answers at http://127.0.0.1:50051")


def test_a_file_without_an_end():
    told(kraken("send", "--host", "127.0.0.1:1", "--file", "/dev/zero"), 2, "at most 16 MiB")


def test_metadata_that_nests_without_end():
    told(kraken("send", "--host", "127.0.0.1:1", "--metadata", "[" * 50_000), 2, "--metadata is not JSON")


def test_many_messages_as_json(start):
    broker = start({})
    done = kraken("send", "--host", f"127.0.0.1:{broker.port}", "--data", "x", "--count", "3", "--json")
    shown = json.loads(done.stdout)
    assert (shown["sent"], shown["answers"]) == (3, {"ack": 3})
    assert shown["per_second"] > 0
