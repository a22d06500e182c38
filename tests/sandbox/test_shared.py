"""Hook files of one worker share the standard library; what one leaves in its caches is never seen by another, nor run there."""

from __future__ import annotations

import gc
import json
import re
import subprocess
import sys

import pytest
from differential import HOOK

from kraken_hooks import testing
from kraken_hooks.api import run as current_run
from kraken_hooks.sandbox import loader

#: A text or number that passes for another key where it is compared: `same` is that key.
LIAR = """
seen = []
class Liar({base}):
    def __eq__(self, other):
        seen.append(other)
        return True
    def __hash__(self):
        return hash({same})
"""

#: What the first file does with such a key, and what the second does, which has to give what it always gives.
KEYS = {
    "struct": ("str", "'<H'", "import struct\nstruct.pack(Liar('>I'), 1)", "import struct\nresult = struct.pack('<H', 1)"),
    "struct of bytes": ("bytes", "b'<b'", "import struct\nstruct.calcsize(Liar(b'>I'))", "import struct\nresult = struct.calcsize(b'<b')"),
    "pattern": ("str", "'a'", "import re\nre.compile(Liar('b'))", "import re\nresult = re.findall('a', 'ab')"),
    "flags": ("int", "0", "import re\nre.compile('q', Liar(2))", "import re\nresult = re.findall('q', 'qQ')"),
    "replacement": ("str", "r'\\\\1x'", "import re\nre.sub('(a)', Liar(r'\\\\1y'), 'a')", "import re\nresult = re.sub('(a)', r'\\\\1x', 'a')"),
    "replacement of a compiled pattern": ("str", "r'\\\\1z'", "import re\nre.compile('(a)').sub(Liar(r'\\\\1y'), 'a')", "import re\nresult = re.compile('(a)').sub(r'\\\\1z', 'a')"),
    "combined flags": ("int", "320", "import re\nre.RegexFlag(Liar(72))", "import re\nresult = re.X | re.A"),
    "time": ("str", "'%Y-%d'", "from datetime import datetime\ndatetime.strptime('2026-02', Liar('%Y-%m'))", "from datetime import datetime\nresult = datetime.strptime('2026-02', '%Y-%d')"),
    "time of time": ("str", "'%d %Y'", "import time\ntime.strptime('2 2026', Liar('%m %Y'))", "import time\nresult = time.strptime('2 2026', '%d %Y')"),
    "url": ("str", "'http://a/b'", "from urllib.parse import urlsplit\nurlsplit(Liar('http://x/y'))", "from urllib.parse import urlsplit, urlparse\nresult = urlsplit('http://a/b'), urlparse('http://a/b')"),
    "quoting": ("bytes", "b'='", "from urllib.parse import quote\nclass T(str):\n    def encode(self, *a): return Liar(b'%')\nquote('=', safe=T('%'))", "from urllib.parse import quote\nresult = quote('=%', safe='=')"),
    "typing": ("int", "int", "import typing\nclass T(Liar):\n    def __call__(self): pass\n    __hash__ = Liar.__hash__\ntyping.List[T(1)]", "import typing\nresult = typing.List[int]"),
    "typing's literal": ("int", "5", "import typing\ntyping.Literal[Liar(7)]", "import typing\nresult = typing.Literal[5]"),
    "zone": ("str", "'Europe/Paris'", "from zoneinfo import ZoneInfo\nZoneInfo(Liar('Asia/Tokyo'))", "from zoneinfo import ZoneInfo\nresult = ZoneInfo('Europe/Paris')"),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def prepared():
    loader.preload()


@pytest.fixture(scope="module")
def elsewhere():
    """What an interpreter of its own gives."""
    program = "import json, sys\nfor name, source in json.load(sys.stdin).items():\n    exec(source)\n    print(json.dumps([name, repr(result)]))"
    given = json.dumps({name: second for name, (_, _, _, second) in KEYS.items()})
    told = subprocess.run(
        [sys.executable, "-c", program], input=given, capture_output=True, text=True, check=True
    ).stdout
    return dict(map(json.loads, told.splitlines()))


def answer(source: str) -> str:
    loaded = loader.load(f"{source}\n{HOOK}".encode(), "case.py")
    outcome = testing.run(loaded.hooks[0].function, testing.message())
    assert outcome.error is None, outcome.error
    return outcome.reply.payload.decode()


#: In an interpreter that is as fresh as that which workers are forked from: Python keeps what it finds at the first use.
PREPARED = """
import json, sys
sys.path += sys.argv[1:]
from kraken_hooks.sandbox import forkserver, loader
loader.preload()
from kraken_hooks import testing
for name, (first, second) in json.load(sys.stdin).items():
    seen = loader.load(first.encode(), "liar.py").hooks[0].function.__globals__["seen"]
    outcome = testing.run(loader.load(second.encode(), "case.py").hooks[0].function, testing.message())
    print(json.dumps([name, [seen, outcome.reply.payload.decode()]]))
"""


@pytest.fixture(scope="module")
def together():
    """What the first file's key has seen, and what the second file gives."""
    sources = {
        name: (f"{LIAR.format(base=base, same=same)}\n{first}\ndel seen[:]\nresult = 0\n{HOOK}", f"{second}\n{HOOK}")
        for name, (base, same, first, second) in KEYS.items()
    }
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PREPARED, *filter(None, sys.path)],
        input=json.dumps(sources), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return dict(map(json.loads, told.splitlines()))


@pytest.mark.parametrize("name", KEYS)
def test_a_key_of_a_hooks_own_class_is_never_kept(name, together, elsewhere):
    seen, told = together[name]
    assert seen == [], "code of the first file ran in the second"
    assert told == elsewhere[name]


def test_flags_that_do_not_exist_fill_no_table():
    with pytest.raises(ValueError, match="not a valid RegexFlag"):
        re.RegexFlag(1 << 40)
    assert answer("import re\nresult = re.I | re.M") == "re.IGNORECASE|re.MULTILINE"


def test_what_a_file_does_to_decimal_ends_with_it():
    answer("import decimal\ndecimal.getcontext().prec = 3\nresult = 1")
    assert answer("from decimal import Decimal\nresult = Decimal(1) / 3") == "Decimal('0.3333333333333333333333333333')"


LEFT_BEHIND = """
from kraken_hooks import on, state
stolen = []
def left():
    try:
        yield
    finally:
        try:
            stolen.append(state.get("secret"))
        except Exception as error:
            stolen.append(str(error))
@on()
def hook(msg):
    cycle = [left()]
    next(cycle[0])
    cycle.append(cycle)
"""


def test_what_a_file_leaves_behind_cannot_use_another_files_run():
    thief = loader.load(LEFT_BEHIND.encode(), "thief.py")
    victim = loader.load(
        b"from kraken_hooks import on, state\n@on()\ndef hook(msg): return state.get('secret')", "victim.py"
    )
    thief.hooks[0].function(testing.message())
    run = current_run.Run({"secret": "s3"}, {}, lambda *_: None, 0)
    current_run.begin(run, victim.mark)
    try:
        gc.collect()  # as Python does by itself, at any time
        assert victim.hooks[0].function(testing.message()) == "s3"
    finally:
        current_run.end()
    assert thief.hooks[0].function.__globals__["stolen"] == ["the run that is going on is another hook file's"]
