"""The service under a real systemd as PID 1, installed with the README's own commands."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from booted import BootedMachine, CannotBoot
from rig import wait_until

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "systemd" / "kraken-hooks.service"
KRAKEN = "/opt/kraken-hooks/bin/kraken-hooks"
DROP_IN = "/etc/systemd/system/kraken-hooks.service.d/test.conf"
ENVIRONMENT = "/etc/kraken/kraken-hooks.env"

ASK = """
from kraken_hooks import on, slack, state

@on(collector="ask")
def ask(msg):
    return {"runs": state.incr("runs"), "slack": slack.configured}

@on(collector="fail")
def fail(msg):
    return msg.json["nothing"]
"""

pytestmark = pytest.mark.machine


def steps(heading: str) -> list[str]:
    """The commands under a heading of the README, as they stand there."""
    section = (ROOT / "README.md").read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^    (.+)$", section, re.MULTILINE)


@pytest.fixture(scope="module")
def machine(tmp_path_factory) -> Iterator[BootedMachine]:
    commands = steps("As a service")
    first = next(place for place, command in enumerate(commands) if command.startswith("systemctl"))
    try:
        with BootedMachine(tmp_path_factory.mktemp("service") / "boot", ROOT) as booted:
            booted.install(commands[:first])
            booted.boot()
            booted.write("/etc/kraken/hooks/ask.py", ASK)
            for command in commands[first:]:
                booted.out(command)
            yield booted
    except CannotBoot as reason:
        pytest.skip(f"no systemd can be booted here: {reason}")


@pytest.fixture
def service(machine) -> Iterator[BootedMachine]:
    """The service running as it was installed, whatever the test before has done."""
    yield machine
    machine.run(f"rm -f {DROP_IN} {ENVIRONMENT}; install -m 600 systemd/kraken-hooks.env {ENVIRONMENT}")
    machine.out("systemctl daemon-reload; systemctl reset-failed; systemctl restart kraken-hooks")


def show(machine: BootedMachine, name: str) -> str:
    return machine.out(f"systemctl show --value --property={name} kraken-hooks")


def changed(machine: BootedMachine, unit: str = "", environment: str = "") -> None:
    """Other settings of the unit, or of the broker; not yet started with them."""
    if unit:
        machine.write(DROP_IN, f"[Service]\n{unit}\n")
    if environment:
        machine.write(ENVIRONMENT, environment, 0o600)
    machine.out("systemctl daemon-reload; systemctl reset-failed")


def ask(machine: BootedMachine) -> dict:
    return json.loads(json.loads(machine.out(f"{KRAKEN} send --collector ask --json"))["payload_text"])


def journal(machine: BootedMachine, options: str = "") -> list[dict]:
    """What the journal gives as `-o cat`, parsed: pure JSON, or this fails."""
    machine.out("journalctl --sync")  # it has taken in what was written before
    lines = machine.out(f"journalctl --unit kraken-hooks --output cat _SYSTEMD_UNIT=kraken-hooks.service {options}")
    return [json.loads(line) for line in lines.splitlines()]


class TestStart:
    def test_returns_when_the_broker_answers_calls(self, service):
        service.out("systemctl restart kraken-hooks")
        assert ask(service)["slack"] is False
        assert show(service, "ActiveState") == "active"

    def test_runs_as_its_own_user_with_its_own_directories(self, service):
        pid = show(service, "MainPID")
        assert service.out(f"stat -c %U /proc/{pid}") == "kraken"
        assert service.out("stat -c '%U %a' /var/lib/kraken") == "kraken 700"
        assert "kraken.db" in service.out("ls /var/lib/kraken").split()

    def test_locks_its_workers_down_in_full_within_the_units_own_restrictions(self, service):
        changed(service, environment="KRAKENB_REQUIRE_LOCKDOWN=1\n")
        service.out("systemctl restart kraken-hooks")
        forks = service.out(f"pgrep -P {show(service, 'MainPID')} kraken-forks").strip()
        worker = service.out(f"pgrep -P {forks} kraken-worker").split()[0]
        status = service.out(f"grep -E '^(NoNewPrivs|Seccomp|Seccomp_filters):' /proc/{worker}/status").split()
        assert status[:4] == ["NoNewPrivs:", "1", "Seccomp:", "2"]
        assert int(status[5]) > int(service.out(f"grep Seccomp_filters /proc/{forks}/status").split()[1])
        assert ask(service)["runs"]

    def test_doctor_finds_nothing_wrong_with_the_rights_and_settings_of_the_service(self, service):
        described = (ROOT / "docs" / "cli.md").read_text().split("\n## doctor\n")[1].split("\n## ")[0]
        command = re.search(r"^    (systemd-run .*\n +.*)$", described, re.MULTILINE)
        assert command is not None
        shown = service.out(command[1])
        assert not re.search("^problem", shown, re.MULTILINE), shown
        assert re.search("^ok +lock-down: no-new-privileges, landlock ABI [0-9]+, seccomp$", shown, re.MULTILINE), shown

    def test_is_started_with_the_machine(self, service):
        assert service.out("systemctl is-enabled kraken-hooks") == "enabled"

    def test_state_is_kept_over_a_restart(self, service):
        before = ask(service)["runs"]
        service.out("systemctl restart kraken-hooks")
        assert ask(service)["runs"] == before + 1

    def test_with_a_dynamic_user(self, service):
        changed(service, "User=kraken-dynamic\nGroup=\nDynamicUser=yes\nStateDirectory=\nStateDirectory=kraken-dynamic")
        service.out("systemctl restart kraken-hooks")
        assert ask(service)["runs"] == 1
        assert service.out("stat -c %U /proc/$(systemctl show --value -p MainPID kraken-hooks)") == "kraken-dynamic"

    def test_a_secret_comes_as_a_credential_and_shows_nowhere(self, service):
        service.write("/etc/kraken/slack-url", "http://127.0.0.1:9/very-hidden-part\n", 0o600)
        changed(service, "LoadCredential=KRAKENB_SLACK_URL:/etc/kraken/slack-url")
        service.out("systemctl restart kraken-hooks")
        assert ask(service)["slack"] is True
        processes = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline"
        assert "very-hidden-part" not in service.out(f"{processes} | tr '\\0' '\\n'; systemctl show kraken-hooks")


class TestStop:
    def test_ends_well_within_5_seconds(self, service):
        ask(service)
        service.out("timeout 5 systemctl stop kraken-hooks")
        assert (show(service, "Result"), show(service, "ExecMainStatus")) == ("success", "0")
        assert journal(service)[-1]["event"] == "broker.stopped"
        assert service.run("pgrep --euid kraken").stdout == "", "no process is left"


class TestReload:
    def test_looks_at_all_hook_files_again(self, service):
        pid = show(service, "MainPID")
        rescans = len([line for line in journal(service) if line["event"] == "broker.rescan"])
        service.out("systemctl reload kraken-hooks")
        wait_until(
            lambda: len([line for line in journal(service) if line["event"] == "broker.rescan"]) > rescans,
            "the rescan in the journal",
        )
        assert show(service, "MainPID") == pid


class TestFailures:
    def test_kill_9_is_followed_by_a_start(self, service):
        pid = show(service, "MainPID")
        service.out("systemctl kill --kill-whom=main --signal=KILL kraken-hooks")
        self.check_restarted(service, pid)

    def test_a_broker_that_hangs_is_ended_and_started_again(self, service):
        changed(service, "WatchdogSec=1")
        service.out("systemctl restart kraken-hooks")
        pid = show(service, "MainPID")
        service.out(f"kill -STOP {pid}")
        wait_until(lambda: show(service, "MainPID") not in ("0", pid), "the watchdog")
        assert int(show(service, "NRestarts")) >= 1
        self.check_restarted(service, pid)

    def check_restarted(self, service, pid: str) -> None:
        wait_until(
            lambda: show(service, "MainPID") not in ("0", pid) and show(service, "ActiveState") == "active",
            "another broker to be ready",
        )
        assert ask(service)["runs"] > 0

    def test_wrong_settings_are_named_all_at_once_and_not_tried_again(self, service):
        service.out("systemctl stop kraken-hooks")
        changed(service, environment="KRAKENB_REPLY_WAIT=soon\nKRAKENB_WORKERS=-1\n")
        assert service.run("systemctl start kraken-hooks").returncode != 0
        assert (show(service, "ExecMainStatus"), show(service, "NRestarts")) == ("78", "0")
        assert show(service, "ActiveState") == "failed"
        told = [line["problem"] for line in journal(service, "--priority err") if line["event"] == "settings.wrong"]
        assert [problem.partition(":")[0] for problem in told[-2:]] == ["KRAKENB_REPLY_WAIT", "KRAKENB_WORKERS"]


class TestJournal:
    def test_shows_a_hook_that_failed_by_priority(self, service):
        service.out(f"{KRAKEN} send --collector fail --data '{{}}'")
        (command,) = [one for one in steps("Where the logs are") if one.endswith("-p warning")]
        service.out("journalctl --sync")
        assert '"hook.failed"' in service.out(command)
        errors = journal(service, "--priority err")
        assert {line["level"] for line in errors} == {"error"}
        assert errors[-1]["hook"] == "ask.py:fail"
        assert errors[-1]["error"] == "KeyError: 'nothing'"
        assert {line["level"] for line in journal(service, "--priority info")} > {"info", "error"}

    def test_dead_letters_are_found_with_the_commands_of_the_readme(self, service):
        service.out(f"{KRAKEN} send --collector fail --data '{{}}'")
        listed, replayed = [one for one in steps("Where the logs are") if " dead " in one]
        assert "ask.py:fail" in service.out(listed)
        assert service.out(replayed) == "0 replayed"


class TestUnit:
    def test_is_verified_without_a_word(self, machine):
        done = machine.run("systemd-analyze verify /etc/systemd/system/kraken-hooks.service")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_holds_the_broker_tight(self, machine):
        command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(UNIT)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-200:]
