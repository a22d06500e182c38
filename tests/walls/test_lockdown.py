"""Wall 4 in real workers: it is there, it says what is missing, and nothing that a hook may do needs what it forbids."""

from __future__ import annotations

import encodings
import hashlib
import json
import pkgutil
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from rig import PATIENCE, Broker

from kraken_hooks.sandbox.modules import ALLOWED, import_problem

LANDLOCK = "444"
SECCOMP = {"x86_64": "317", "aarch64": "277"}[platform.machine()]

ANSWER = """
from kraken_hooks import on

@on()
def answer(msg):
    return "well"
"""


class OldKernel(Broker):
    """A broker on a kernel without Landlock and without filters of system calls."""

    program = (sys.executable, str(Path(__file__).parent / "without.py"), f"{LANDLOCK},{SECCOMP}", *Broker.program)


def test_every_worker_is_locked_down(start):
    broker = start({"a.py": ANSWER}, KRAKENB_WORKERS="2", KRAKENB_REQUIRE_LOCKDOWN="1")
    assert broker.client.send().text == "well"
    assert len(broker.workers) >= 2
    for pid in broker.workers:
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
        )
        assert (status["NoNewPrivs"], status["Seccomp"], status["Threads"]) == ("1", "2", "1")
    assert broker.lines("worker.lockdown_missing") == []


def test_what_the_kernel_lacks_is_said_once_at_the_start_and_the_broker_works(tmp_path):
    with OldKernel(tmp_path, {"a.py": ANSWER}, KRAKENB_WORKERS="2") as broker:
        assert broker.client.send().text == "well"
        (line,) = broker.lines("worker.lockdown_missing")
        assert line["level"] == "error"
        assert [part.partition(":")[0] for part in line["missing"]] == ["landlock", "seccomp"]


def test_a_broker_that_must_have_the_lockdown_does_not_start_without(tmp_path):
    broker = OldKernel(tmp_path, {"a.py": ANSWER}, KRAKENB_REQUIRE_LOCKDOWN="1").launch()
    assert broker.process is not None
    assert broker.process.wait(PATIENCE) == 78
    line = broker.lines("broker.failed")[0]
    assert "landlock: " in line["reason"]
    assert "seccomp: " in line["reason"]
    assert "KRAKENB_REQUIRE_LOCKDOWN" in line["remedy"]


@pytest.mark.parametrize("command", [("check", "a.py"), ("try", "a.py")])
def test_commands_that_load_hooks_refuse_too(tmp_path, command):
    (tmp_path / "a.py").write_text(ANSWER)
    ended = subprocess.run(
        [*OldKernel.program, *command],
        env={"KRAKENB_REQUIRE_LOCKDOWN": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 78
    assert "landlock: " in ended.stderr


# ── nothing needs a file ──


def plain_and_hooked(start, body: str, *arguments: object) -> tuple[object, object]:
    """What `work(argument)…` gives in this process and as a hook in a locked-down worker. `body` defines it."""
    scope: dict = {}
    exec(body, scope)
    here = json.loads(json.dumps(scope["work"](*arguments)))
    hook = f"{body}\nfrom kraken_hooks import on\n\n@on()\ndef hook(msg):\n    return {{'result': work(*msg.json)}}\n"
    broker = start({"hook.py": hook}, KRAKENB_REQUIRE_LOCKDOWN="1", KRAKENB_REPLY_WAIT="20", KRAKENB_HOOK_TIMEOUT="20")
    reply = broker.client.send(json.dumps(arguments))
    assert reply.kind == "webhook", broker.lines("hook.failed") + broker.lines("hook.load_failed")
    return here, json.loads(reply.text)["result"]


def test_every_name_of_every_module_can_be_imported(start):
    lines = []
    for module in ALLOWED:
        names = [name for name in dir(__import__(module, fromlist=["x"])) if import_problem(module, name) is None]
        lines += [
            f"import {module}",
            *(f"from {module} import {name} as n{len(lines) + place}" for place, name in enumerate(names)),
        ]
    assert len(lines) > 450
    broker = start({"all.py": "\n".join([*lines, ANSWER])}, KRAKENB_REQUIRE_LOCKDOWN="1")
    assert broker.client.send().text == "well"


def test_every_codec_works(start):
    body = """
def work(names):
    found = []
    for name in names:
        for text in ("plain", "é", "日本", "☃ \\N{SNOWMAN}"):
            for errors in ("replace", "backslashreplace", "namereplace", "xmlcharrefreplace", "strict"):
                try:
                    found.append([name, text.encode(name, errors).hex(), text.encode(name, errors).decode(name, errors)])
                except Exception as error:
                    found.append([name, errors, type(error).__name__])
    return found
"""
    names = [module.name for module in pkgutil.iter_modules(encodings.__path__)]
    here, there = plain_and_hooked(start, body, [*names, "no-such-codec", "Latin_1", "UTF8", "ISO 8859 15"])
    assert there == here
    assert len(here) > 2_400


def test_every_digest_works(start):
    body = """
import hashlib
import hmac

def work(names):
    found = []
    for name in names:
        try:
            digest = hashlib.new(name, b"data")
            found.append([name, digest.digest(16).hex() if name.startswith("shake") else digest.hexdigest()])
            found.append(hmac.new(b"key", b"data", name).hexdigest())
        except ValueError:
            found.append([name, "not here"])
    found.append(hashlib.scrypt(b"p", salt=b"s", n=16, r=8, p=1).hex())
    found.append(hashlib.pbkdf2_hmac("sha512", b"p", b"s", 10).hex())
    return found
"""
    here, there = plain_and_hooked(start, body, sorted(hashlib.algorithms_available))
    assert there == here


def test_what_python_imports_and_reads_only_when_it_is_used_is_there_already(start):
    body = """
import datetime
import decimal
import random
import re
import statistics
import string
import textwrap
import time
import urllib.parse
import uuid
import zoneinfo
from dataclasses import asdict, dataclass
from enum import Flag, auto
from fractions import Fraction

@dataclass
class Point:
    x: int
    y: "int" = 2

class Colour(Flag):
    RED = auto()
    BLUE = auto()

def work(moment):
    when = datetime.datetime.fromtimestamp(moment, zoneinfo.ZoneInfo("Asia/Tokyo"))
    return [
        when.isoformat(), when.strftime("%c %x %X %p %A %B %j %Z"), str(when.astimezone()),
        datetime.datetime.strptime("Mon 1 Jan 2024", "%a %d %b %Y").isoformat(),
        time.strftime("%c", time.localtime(moment)), time.mktime(time.localtime(moment)), time.tzname[0],
        len(zoneinfo.available_timezones()) > 300,
        [str(datetime.datetime.fromtimestamp(moment, zoneinfo.ZoneInfo(key))) for key in sorted(zoneinfo.available_timezones())],
        statistics.quantiles([1, 2, 3, 4, 5]), statistics.NormalDist(0, 1).cdf(0.5), statistics.median([3, 1, 2]),
        str(decimal.Decimal(2).sqrt()), format(decimal.Decimal("1234.5"), ",.2f"), format(1234567, "n"), str(Fraction("3/7")),
        random.Random(7).random(), random.Random(7).gauss(0, 1), 0 <= random.random() < 1,
        str(uuid.uuid5(uuid.NAMESPACE_DNS, "example.org")), len(str(uuid.uuid4())),
        string.Template("$a").substitute(a=1), textwrap.fill("word " * 30, 20), re.sub("(?i)É", "e", "é"),
        urllib.parse.urlsplit("http://bücher.example/ä?q=1").netloc, urllib.parse.quote("é"),
        "bücher.example".encode("idna").decode(), "\\N{DEGREE SIGN}",
        asdict(Point(1)), repr(Point(1)), repr(Colour.RED | Colour.BLUE),
        f"{when:%Y}", f"{3.14159:>10.2f}", "%s" % (1,), "{:n}".format(1.5),
    ]
"""
    here, there = plain_and_hooked(start, body, 1_700_000_000)
    assert there == here
