"""Log lines: form, priority, order, and the catalogue of events."""

from __future__ import annotations

import inspect
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from kraken_hooks import logs
from kraken_hooks.engine.reporting import report_line
from kraken_hooks.outcome import LogLine

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lines():
    out = io.StringIO()
    logs.configure(debug=False, environment={}, stream=out)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    logs.configure(debug=False, environment={})


def test_one_object_a_line_time_level_and_event_first(lines):
    logs.get().info("hook.loaded", file="a.py", hooks=["f"], nothing=None)
    (line,) = lines()
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert (line["level"], line["event"], line["file"], line["hooks"]) == ("info", "hook.loaded", "a.py", ["f"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"])
    assert "nothing" not in line


@pytest.mark.parametrize("value", [b"\xff", object(), {1, 2}, "line\nbreak", "\ud800", float("nan"), Path("/x")])
def test_any_value_stays_on_its_line(lines, value):
    logs.get().info("hook.log", value=value)
    assert len(lines()) == 1


DEEP: list[object] = []
for _ in range(4):
    DEEP = [DEEP] * 15


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "é" * 30_000},
        {"text": "\x00" * 9_000},
        {f"field{number}": "x" * 8_000 for number in range(32)},
        {"hooks": [f"file{number}.py:hook" for number in range(10_000)]},
        {"n" * 50_000: 1},
        {"deep": DEEP},
        {f"field{number}": DEEP[0] for number in range(200)},
    ],
    ids=["text", "escapes", "fields", "list", "name", "deep", "much"],
)
def test_no_line_is_longer_than_the_journal_takes_in_one_piece(fields):
    out = io.StringIO()
    logs.configure(debug=False, environment={}, stream=out)
    logs.get().info("hook.log", **fields)
    logs.configure(debug=False, environment={})
    assert len(out.getvalue().encode()) < 48 * 1024
    (line,) = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (line["event"], line["level"]) == ("hook.log", "info")


def test_what_is_cut_shows(lines):
    logs.get().info("hook.log", text="x" * 60_000, hook="a.py:f")
    logs.get().info("hook.log", names=["y"] * 20_000)
    first, second = lines()
    assert (first["text"], first["hook"]) == ("x" * 8_000 + "…", "a.py:f")
    assert second["names"] == [*["y"] * 8_000, "…"]


STRUCTLOG_PARAMETERS = {
    name
    for function in (structlog.BoundLoggerBase._proxy_to_logger, structlog.make_filtering_bound_logger(0).info)
    for name in inspect.signature(function).parameters
}


@pytest.mark.parametrize("name", sorted(STRUCTLOG_PARAMETERS | {"self", "exc_info", "level", "text", "hook"}))
def test_a_field_of_a_hook_may_be_called_anything_and_replaces_nothing_of_ours(lines, name):
    report_line(LogLine("info", "said", {name: "theirs"}), hook="a.py:a")
    (line,) = lines()
    assert (line["event"], line["level"], line["text"], line["hook"]) == ("hook.log", "info", "said", "a.py:a")


def test_debug_lines_only_where_asked_for(lines):
    logs.get().debug("message.handled")
    assert lines() == []
    assert not logs.debugging()


def test_lines_of_libraries_go_the_same_way(lines):
    import logging

    logging.getLogger("some.library").warning("it %s", "happened")
    (line,) = lines()
    assert (line["event"], line["library"], line["text"]) == ("library", "some.library", "it happened")


def test_an_error_of_a_library_comes_with_its_traceback(lines):
    import logging

    try:
        raise ValueError("what was wrong")
    except ValueError:
        logging.getLogger("asyncio").exception("a callback failed")
    (line,) = lines()
    assert "test_logs.py" in line["exception"]
    assert "ValueError: what was wrong" in line["exception"]


def test_under_systemd_each_line_begins_with_its_priority(tmp_path):
    code = (
        "import os\nfrom kraken_hooks import logs\nlogs.configure(debug=True, environment=os.environ)\nlog = logs.get()\n"
        + "".join(f"log.{level}('hook.log')\n" for level in ("debug", "info", "warning", "error"))
    )
    with (tmp_path / "out").open("wb") as out:
        status = os.fstat(out.fileno())
        environment = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        subprocess.run([sys.executable, "-c", code], env=environment, stdout=out, check=True)
    found = (tmp_path / "out").read_text().splitlines()
    assert [line[:3] for line in found] == ["<7>", "<6>", "<4>", "<3>"]
    assert all(json.loads(line[3:]) for line in found)


def test_other_peoples_text_does_not_steer_a_terminal():
    ours, theirs = os.openpty()
    with open(ours, "rb") as screen, open(theirs, "w", buffering=1) as terminal:
        logs.configure(debug=False, environment={}, stream=terminal)
        logs.get().info("hook.log", text="\x1b]0;title\x07\u202e")
        shown = screen.readline()
    assert rb"\x1b]0;title\x07\u202e" in shown


def test_a_reader_that_has_gone_is_no_reason_to_stop():
    code = "import os\nfrom kraken_hooks import logs\nlogs.configure(debug=False, environment={})\nfor _ in range(9): logs.get().info('hook.log')\nos._exit(7)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(30) == 7


def used_events() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "kraken_hooks").rglob("*.py"):
        text = path.read_text()
        found |= set(
            re.findall(r"^\s+log\.(?:debug|info|warning|error|exception)\(\s*\"([a-z_.]+)\"", text, re.MULTILINE)
        )
        found |= set(re.findall(r"\.(?:FAILED|TIMEOUT|KILLED): \"([a-z_.]+)\"", text))
        found |= set(re.findall(r"getattr\(bound, line\.level\)\(\"([a-z_.]+)\"", text))
    return found


def test_the_catalogue_names_every_event_that_the_code_logs_and_no_other():
    assert used_events() | {"library", "log.dropped"} == set(logs.EVENTS)


def test_the_page_of_logs_names_every_event():
    page = (ROOT / "docs" / "logs.md").read_text()
    assert [event for event in logs.EVENTS if f"`{event}`" not in page] == []


GARBAGE = """
import gc, io, json
from kraken_hooks import logs

class Heard:
    def __del__(self):
        logs.get().info("library", text="from the garbage")

class Collecting(io.StringIO):
    def write(self, text):
        gc.collect()
        return super().write(text)

out = Collecting()
logs.configure(debug=False, environment={}, stream=out)
garbage = Heard()
garbage.itself = garbage
del garbage
logs.get().info("hook.log", text="a line")
print(*(json.loads(line)["text"] for line in out.getvalue().splitlines()), sep=", ")
"""


def test_garbage_that_logs_while_a_line_is_written_holds_nobody_up():
    """The collector runs where it likes, and what it ends may have something to say: a task whose failure nobody asked for."""
    done = subprocess.run([sys.executable, "-c", GARBAGE], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "a line, from the garbage\n"
