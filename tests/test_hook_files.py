"""Hook files change while the broker runs: the new version takes over, or the last good one stays, and nobody notices."""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from rig import PATIENCE, Broker, Client, wait_until


def hook(text: str, collector: str = "ask") -> str:
    return f'from kraken_hooks import on\n\n@on(collector="{collector}")\ndef answer(msg):\n    return "{text}"\n'


def answers(broker: Broker, text: str, collector: str = "ask") -> None:
    wait_until(lambda: broker.client.send(collector=collector).text == text, f"the answer {text!r}")


@pytest.fixture
def broker(start):
    return start({"a.py": hook("one")})


class TestReload:
    def test_renamed_over(self, broker):
        broker.write("a.py", hook("two"))
        answers(broker, "two")

    def test_written_in_place(self, broker):
        (broker.hooks / "a.py").write_text(hook("two"))
        answers(broker, "two")

    def test_written_in_place_piece_by_piece(self, broker):
        source = hook("two")
        with (broker.hooks / "a.py").open("w") as file:
            for part in (source[:20], source[20:50], source[50:]):
                file.write(part)
                file.flush()
                os.fsync(file.fileno())
        answers(broker, "two")

    def test_as_vim_does_it(self, broker):
        (broker.hooks / "4913").touch()
        (broker.hooks / "4913").unlink()
        (broker.hooks / "a.py").rename(broker.hooks / "a.py~")
        (broker.hooks / "a.py").write_text(hook("two"))
        (broker.hooks / "a.py~").unlink()
        answers(broker, "two")

    def test_changed_while_the_broker_starts(self, tmp_path):
        """All files have been read, and one of them is still being loaded."""
        slow = "import time\ntime.sleep(1)\n" + hook("slow", "other")
        broker = Broker(tmp_path, {"a.py": hook("one"), "b.py": slow}).launch()
        try:
            broker.wait_for("hook.loaded", file="a.py")
            broker.write("a.py", hook("two"))
            broker.port = broker.wait_for("broker.ready")["port"]
            answers(broker, "two")
        finally:
            broker.stop()

    def test_new_file(self, broker):
        broker.write("b.py", hook("new", "other"))
        answers(broker, "new", "other")

    def test_deleted_file(self, broker):
        (broker.hooks / "a.py").unlink()
        answers(broker, "")
        broker.wait_for("hook.removed", file="a.py")
        broker.write("a.py", hook("back"))
        answers(broker, "back")

    def test_moved_to_another_name(self, broker):
        (broker.hooks / "a.py").rename(broker.hooks / "z.py")
        broker.wait_for("hook.removed", file="a.py")
        answers(broker, "one")
        assert broker.client.send(collector="ask").metadata["source_broker"] == "z.py:answer"

    def test_by_signal(self, broker):
        os.kill(broker.pid, signal.SIGHUP)
        broker.wait_for("broker.rescan")
        answers(broker, "one")

    def test_temporary_files_of_editors_are_no_hook_files(self, broker):
        for name in (".a.py.swp", "#a.py#", ".#a.py", "a.py~", "a.pyc", "notes.txt", "__init__.py", ".hidden.py"):
            (broker.hooks / name).write_text("this is no Python (")
        broker.write("b.py", hook("new", "other"))
        answers(broker, "new", "other")
        assert not broker.lines("hook.load_failed")

    def test_a_directory_that_is_a_link_and_is_switched(self, tmp_path):
        for name in ("v1", "v2"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "a.py").write_text(hook(name))
        link = tmp_path / "current"
        link.symlink_to("v1")
        with Broker(tmp_path / "b", KRAKENB_HOOKS_DIR=str(link)) as broker:
            answers(broker, "v1")
            fresh = tmp_path / "fresh"
            fresh.symlink_to("v2")
            fresh.rename(link)
            answers(broker, "v2")
            (tmp_path / "v2" / "a.py").write_text(hook("v3"))
            answers(broker, "v3")

    def test_the_layout_of_a_mounted_config_map(self, tmp_path):
        """`..data` is a link to a dated directory; files are links through it."""
        hooks = tmp_path / "hooks"
        hooks.mkdir()
        for name in ("..v1", "..v2"):
            (hooks / name).mkdir()
            (hooks / name / "a.py").write_text(hook(name[2:]))
        (hooks / "..data").symlink_to("..v1")
        (hooks / "a.py").symlink_to("..data/a.py")
        with Broker(tmp_path / "b", KRAKENB_HOOKS_DIR=str(hooks)) as broker:
            answers(broker, "v1")
            (hooks / "..fresh").symlink_to("..v2")
            (hooks / "..fresh").rename(hooks / "..data")
            answers(broker, "v2")


SLOW = """
import time
from kraken_hooks import on, state, store

VERSION = 0

@on(collector="slow")
def slow(msg):
    while store.last("gate", "open") is None:
        time.sleep(0.02)
    state.incr("ended")
    return f"version {VERSION}"
"""
GATE = """
from kraken_hooks import on, store

@on(collector="gate")
def gate(msg):
    store.write("gate", {"open": 1})
"""


class TestWhileARunGoesOn:
    """Jobs that were made before end with the version that they were made for."""

    def begun(self, start) -> tuple[Broker, Any]:
        """A run that goes on until the gate is opened."""
        broker = start({"a.py": SLOW, "gate.py": GATE}, KRAKENB_HOOK_TIMEOUT="50", KRAKENB_REPLY_WAIT="50")
        call = broker.client.send_soon(collector="slow")
        broker.wait_for("worker.isolated", file="a.py")
        return broker, call

    def ended(self, broker: Broker, call: Any) -> None:
        assert not broker.lines("message.handled")
        broker.client.send(collector="gate")
        assert b"version 0" in call.result(PATIENCE)
        assert broker.count("state") == 1

    def test_a_file_that_changes_twice(self, start):
        broker, call = self.begun(start)
        for version in (1, 2):
            broker.write("a.py", SLOW.replace("VERSION = 0", f"VERSION = {version}"))
            broker.wait_for("hook.loaded", count=1 + version, file="a.py")
        self.ended(broker, call)

    def test_a_file_that_changes_and_is_removed(self, start):
        broker, call = self.begun(start)
        broker.write("a.py", SLOW.replace("VERSION = 0", "VERSION = 1"))
        broker.wait_for("hook.loaded", count=2, file="a.py")
        (broker.hooks / "a.py").unlink()
        broker.wait_for("hook.removed", file="a.py")
        self.ended(broker, call)


class TestUnderLoad:
    def test_no_message_is_lost_doubled_or_refused_by_reloads(self, start):
        source = """
from kraken_hooks import on, state

VERSION = 0

@on(collector="count")
def count(msg):
    return f"{state.incr('n')} {VERSION}"
"""
        broker = start({"a.py": source})
        found: list[str] = []
        stop = threading.Event()

        def ask() -> None:
            client = Client(broker.port)
            while not stop.is_set():
                found.append(client.send(collector="count").text)
            client.close()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for version in range(1, 9):
                broker.write("a.py", source.replace("VERSION = 0", f"VERSION = {version}"))
                wait_until(
                    lambda version=version: any(text.endswith(f" {version}") for text in found[-50:]),
                    f"version {version}",
                )
                broker.write("a.py", "this does not load (")
                wait_until(lambda version=version: len(broker.lines("hook.load_failed")) == version, "the refusal")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        counted = sorted(int(text.split()[0]) for text in found)
        assert counted == list(range(1, len(found) + 1))
        assert broker.count("dead") == 0


BROKEN = {
    "a syntax error": (b"def (", "invalid syntax"),
    "invalid UTF-8": (b"# \xff\xfe\nx = 1\n", "not UTF-8"),
    "another encoding": (b"# -*- coding: latin-1 -*-\nx = 1\n", "says it is latin-1"),
    "a zero byte": (b"x = 1\0\n", "zero byte"),
    "a forbidden import": (b"import os\n", "the module os cannot be imported"),
    "an unknown argument": (b"from kraken_hooks import on\n@on(colector='x')\ndef f(msg): pass\n", "unexpected keyword argument 'colector'"),
    "an exception at the top level": (b"x = 1 / 0\n", "ZeroDivisionError"),
    "an endless top level": (b"while True: pass\n", "loading took longer than"),
    "nothing": (b"  \n", "the file is empty"),
}  # fmt: skip


def test_a_changed_file_is_loaded_although_the_fork_server_dies_over_it(broker):
    def pages() -> int:
        """Descriptors of progress pages: one for each worker, two while it is asked for."""
        found = 0
        for place in Path(f"/proc/{broker.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                found += "kraken-progress" in str(place.readlink())
        return found

    fork_server, before = broker.fork_server, pages()
    os.kill(fork_server, signal.SIGSTOP)
    broker.write("a.py", hook("two"))
    wait_until(lambda: pages() == before + 2, "the new version to be given a worker")
    os.kill(fork_server, signal.SIGKILL)
    answers(broker, "two")
    assert broker.lines("broker.task_failed") == []


class TestLastGood:
    @pytest.mark.parametrize("name", BROKEN)
    def test_a_version_that_does_not_load_leaves_the_last_good_one_running(self, start, name):
        broker = start({"a.py": hook("one")}, KRAKENB_HOOK_TIMEOUT="0.2")
        source, reason = BROKEN[name]
        broker.write("a.py", source)
        line = broker.wait_for("hook.load_failed", file="a.py")
        assert reason in line["problems"][0]
        assert line["running"] == "the last good version"
        assert broker.client.send(collector="ask").text == "one"
        broker.write("a.py", hook("mended"))
        answers(broker, "mended")

    def test_it_runs_after_a_restart_too(self, start):
        broker = start({"a.py": hook("one")})
        answers(broker, "one")
        wait_until(lambda: broker.count("last_good") == 1, "the last good source")
        broker.write("a.py", "broken (")
        broker.wait_for("hook.load_failed")
        broker.stop()
        broker.start()
        assert broker.client.send(collector="ask").text == "one"

    def test_what_was_removed_does_not_come_back_with_a_file_that_does_not_load(self, start):
        broker = start({"a.py": hook("one")})
        wait_until(lambda: broker.count("last_good") == 1, "the last good source")
        broker.stop()
        broker.start()
        (broker.hooks / "a.py").unlink()
        broker.wait_for("hook.removed", file="a.py")
        broker.write("a.py", "broken (")
        assert broker.wait_for("hook.load_failed", file="a.py")["running"] == "nothing"
        assert broker.client.send(collector="ask").text == ""

    def test_a_file_that_never_loaded_says_that_nothing_runs(self, broker):
        broker.write("b.py", "broken (")
        line = broker.wait_for("hook.load_failed", file="b.py")
        assert line["running"] == "nothing"
        assert line["problems"] == ["b.py:1:8: invalid syntax: '(' was never closed"]
        answers(broker, "one")


class TestRefused:
    def refused(self, broker, name: str) -> str:
        return broker.wait_for("hook.refused", file=name)["reason"]

    def test_8_mb(self, broker):
        broker.write("big.py", b"#" * 8_000_000)
        assert "8000000 bytes" in self.refused(broker, "big.py")

    def test_world_writable(self, broker):
        broker.write("open.py", hook("open", "open"), mode=0o666)
        assert "chmod o-w open.py" in self.refused(broker, "open.py")
        assert broker.client.send(collector="open").text == ""
        (broker.hooks / "open.py").chmod(0o644)
        answers(broker, "open", "open")

    def test_a_link_that_leaves_the_directory(self, broker, tmp_path):
        outside = tmp_path / "outside.py"
        outside.write_text(hook("outside", "outside"))
        (broker.hooks / "link.py").symlink_to(outside)
        assert "leaves the hooks directory" in self.refused(broker, "link.py")

    def test_a_link_that_leads_nowhere(self, broker):
        (broker.hooks / "gone.py").symlink_to("nowhere.py")
        assert "leads nowhere" in self.refused(broker, "gone.py")

    @pytest.mark.parametrize("target", ["nowhere.py", "link.py"])
    def test_a_link_to_nowhere_or_to_itself_keeps_no_other_file_from_being_reloaded(self, start, tmp_path, target):
        hooks = tmp_path / "linked"
        hooks.mkdir()
        (hooks / "link.py").symlink_to(target)
        (hooks / "a.py").write_text(hook("one"))
        broker = start(KRAKENB_HOOKS_DIR=str(hooks))
        answers(broker, "one")
        assert self.refused(broker, "link.py")
        (hooks / "a.py").write_text(hook("two"))
        answers(broker, "two")
        (hooks / "link.py").unlink()
        (hooks / "link.py").write_text(hook("mended", "other"))
        answers(broker, "mended", "other")

    def test_a_pipe_does_not_block_the_others(self, broker):
        os.mkfifo(broker.hooks / "pipe.py", 0o600)
        assert "no regular file" in self.refused(broker, "pipe.py")
        broker.write("b.py", hook("new", "other"))
        answers(broker, "new", "other")

    def test_a_directory(self, broker):
        (broker.hooks / "dir.py").mkdir()
        self.refused(broker, "dir.py")
        answers(broker, "one")

    def test_unreadable(self, start, tmp_path):
        if os.geteuid() == 0:
            place = Path("/proc/self/mem")  # root reads everything else
            broker = start({"a.py": hook("one")})
            (broker.hooks / "unreadable.py").symlink_to(place)
            assert self.refused(broker, "unreadable.py")
        else:
            broker = start({"a.py": hook("one")})
            broker.write("unreadable.py", hook("x"), mode=0o000)
            assert "cannot be read" in self.refused(broker, "unreadable.py")
        answers(broker, "one")


class TestDirectory:
    def test_missing_at_start_and_made_later(self, tmp_path):
        hooks = tmp_path / "later"
        with Broker(tmp_path / "b", KRAKENB_HOOKS_DIR=str(hooks)) as broker:
            assert broker.client.send(collector="ask").kind == "ack"
            assert str(hooks) in broker.wait_for("hooks.missing")["reason"]
            hooks.mkdir()
            (hooks / "a.py").write_text(hook("one"))
            answers(broker, "one")

    def test_gone_for_a_while_changes_nothing(self, broker):
        broker.hooks.rename(broker.folder / "away")
        broker.wait_for("hooks.missing")
        assert broker.client.send(collector="ask").text == "one"
        (broker.folder / "away").rename(broker.hooks)
        broker.write("a.py", hook("two"))
        answers(broker, "two")


def test_where_the_system_tells_of_no_changes_the_directory_is_looked_at(tmp_path):
    class NoInotify(Broker):
        without = str(Path(__file__).parent / "walls" / "without.py")
        numbers = {"x86_64": "253,294", "aarch64": "26"}[platform.machine()]
        program = (sys.executable, without, numbers, *Broker.program)

    with NoInotify(tmp_path, {"a.py": hook("one")}) as broker:
        assert broker.wait_for("reload.polling")["level"] == "warning"
        broker.write("a.py", hook("two"))
        answers(broker, "two")
