"""The process wall's limits, in ordinary hook files: time that nothing swallows, sizes, floods, and files that are bombs.

A canary in another file answers during and after each.
"""

from __future__ import annotations

import pytest
from rig import Broker, Client, wait_until

from kraken_hooks.api.run import MAX_EFFECTS
from kraken_hooks.engine.log_rate import BURST
from kraken_hooks.message import MAX_REPLY_BYTES
from kraken_hooks.sandbox.loader import MAX_SOURCE

CANARY = """
from kraken_hooks import on, state

@on(collector="canary")
def canary(msg):
    return str(state.incr("songs"))
"""

HEAD = """
import collections, decimal, functools, itertools, math, re, statistics, time
from kraken_hooks import log, on, reply, state, store

@on(collector="{name}")
def bad(msg):
"""

#: Each would go on for ever, or for hours, or takes its worker with it. Indented as the body of a hook.
ENDLESS = {
    "except": """
    while True:
        try:
            while True:
                pass
        except:
            pass
""",
    "except Exception": """
    while True:
        try:
            while True:
                pass
        except Exception:
            pass
""",
    "except a tuple": """
    errors = (Exception, ValueError)
    while True:
        try:
            while True:
                pass
        except errors:
            pass
""",
    "finally loops": """
    try:
        while True:
            pass
    finally:
        while True:
            pass
""",
    "finally continues": """
    while True:
        try:
            while True:
                pass
        finally:
            continue
""",
    "finally returns and calls itself": """
    def again():
        try:
            while True:
                pass
        finally:
            return again()
    again()
""",
    "a context manager swallows": """
    class Swallow:
        def __enter__(self):
            return self
        def __exit__(self, kind, error, trace):
            return True
    while True:
        with Swallow():
            while True:
                pass
""",
    "a generator swallows": """
    def numbers():
        while True:
            try:
                yield 1
                while True:
                    pass
            except Exception:
                pass
    for _ in numbers():
        pass
""",
    "a generator that closes for ever": """
    def numbers():
        try:
            yield 1
        finally:
            while True:
                pass
    for _ in numbers():
        break
    while True:
        pass
""",
    "its own garbage closes for ever": """
    def numbers(cycle):
        try:
            yield 1
        finally:
            while True:
                try:
                    while True:
                        pass
                finally:
                    continue
    for _ in range(3):
        cycle = []
        cycle.append(numbers(cycle))
        next(cycle[0])
    many = [[number] for number in range(30_000)]
""",
    "the error's own text": """
    class Odd(Exception):
        def __str__(self):
            while True:
                pass
    raise Odd()
""",
    "the reply's own dict": """
    class Endless(dict):
        def items(self):
            while True:
                pass
    return Endless(a=1)
""",
    "a text made of it": """
    class Endless:
        def __str__(self):
            while True:
                pass
    log.info(Endless())
""",
    "a key function": """
    def key(value):
        while True:
            pass
    sorted([3, 2, 1], key=key)
""",
    "a comparison": """
    class Same:
        def __eq__(self, other):
            while True:
                pass
        def __hash__(self):
            return 1
    {Same(): 1, Same(): 2}
""",
    "a property": """
    class Endless:
        @property
        def value(self):
            while True:
                pass
    Endless().value
""",
    "sleep": """
    while True:
        try:
            time.sleep(1000)
        except Exception:
            pass
""",
    "recursion in turn": """
    def deep(n):
        try:
            return deep(n + 1)
        except RecursionError:
            return deep(n)
    while True:
        deep(0)
""",
    "a huge power": "    return str(3 ** (3 ** 17) % 7)\n",
    "a sum of a range": "    return str(sum(range(10**12)))\n",
    "a catastrophic expression": "    re.match(r'(a+)+$', 'a' * 60 + 'b')\n",
    "a big Decimal": "    decimal.getcontext().prec = 10**8\n    decimal.Decimal(7) / 3 ** decimal.Decimal(9)\n    return str(decimal.Decimal(2) ** decimal.Decimal('0.5'))\n",
    "a search in a giant": "    text = 'ab' * 10**7\n    while True:\n        'aa' * 1000 in text\n",
    "an endless iterator": "    collections.deque(itertools.count(), maxlen=0)\n",
    "a hash deeper than the stack": "    deep = ()\n    for _ in range(500_000):\n        deep = (deep,)\n    return str(hash(deep))\n",
    "a huge factorial": "    math.factorial(10**7)\n",
    "a huge combination": "    math.comb(10**7, 5 * 10**6)\n",
    "a number as text": "    (1 << 10**8) // 3\n    return format(1 << 2**28, 'x') * 3 + str(pow(7, 10**8))\n",
    "permutations": "    max(itertools.permutations(range(100)))\n",
}

#: Whole files that do not load, and may take time, memory or stack before they are given up.
BOMBS = {
    "a power at the top level": "x = 10**10**8\n",
    "a power of powers": "x = 2**2**2**2**2**2\n",
    "a long text": 'x = "a" * 10**10\n',
    "a long list": "x = [0] * 10**10\n",
    "a shift": "x = 1 << 10**12\n",
    "nested parentheses": "x = " + "(" * 100_000 + ")" * 100_000 + "\n",
    "nested lists": "x = " + "[" * 90 + "]" * 90 + "\ny = " + "[" * 5_000 + "]" * 5_000 + "\n",
    "nested signs": "x = " + "-" * 200_000 + "1\n",
    "nested not": "x = " + "not " * 50_000 + "1\n",
    "a long sum": "x = " + "+".join(["1"] * 100_000) + "\n",
    "a long chain of attributes": "x = 'a'" + ".upper()" * 25_000 + "\n",
    "a long chain of conditions": "x = " + "1 if 0 else " * 20_000 + "1\n",
    "nested functions": "".join(" " * depth + f"def f{depth}():\n" for depth in range(200)) + " " * 200 + "pass\n",
    "nested lambdas": "x = " + "lambda: " * 20_000 + "1\n",
    "nested format texts": 'x = f"' + "{f'" * 1_000 + "'}" * 1_000 + '"\n',
    "nested format specs": "x = f'" + "{1:" * 500 + "}" * 500 + "'\n",
    "a format that fills memory": 'x = f"{1:>10000000000}"\n',
    "a percent that fills memory": "x = '%10000000000d' % 1\n",
    "a number with too many digits": "x = " + "9" * 200_000 + "\n",
    "a long elif": "if 0:\n    pass\n" + "elif 0:\n    pass\n" * 10_000,
    "a loop": "while True:\n    pass\n",
    "a loop that swallows": "while True:\n    try:\n        while True:\n            pass\n    finally:\n        continue\n",
    "a sum": "x = sum(range(10**12))\n",
    "memory": "x = []\nwhile True:\n    x.append('a' * 10_000_000 + str(len(x)))\n",
    "a file over the limit": "#" * (MAX_SOURCE + 1),
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    files = {"canary.py": CANARY} | {
        f"h{place}.py": HEAD.format(name=f"h{place}") + body for place, body in enumerate(ENDLESS.values())
    }
    with Broker(
        tmp_path_factory.mktemp("limits"),
        files,
        KRAKENB_HOOK_TIMEOUT="0.2",
        KRAKENB_REPLY_WAIT="20",
        KRAKENB_WORKERS="2",
        KRAKENB_HOOK_MEMORY_MB="64",
    ) as started:
        yield started


@pytest.fixture
def canary(broker):
    client = Client(broker.port)
    pid, before = broker.pid, int(client.send(collector="canary").text)
    yield client
    assert int(client.send(collector="canary").text) > before
    assert broker.pid == pid
    client.close()


@pytest.mark.parametrize("name", ENDLESS)
def test_nothing_swallows_the_time_limit(broker, canary, name):
    collector = f"h{list(ENDLESS).index(name)}"
    assert not [line for line in broker.lines("hook.load_failed") if line["file"] == f"{collector}.py"]
    call = broker.client.send_soon(collector=collector)
    assert canary.send(collector="canary").kind == "canary"
    call.result(30)
    failed = [row[0] for row in broker.query("SELECT hook FROM dead WHERE hook LIKE ?", f"{collector}.py:%")]
    assert failed == [f"{collector}.py:bad"]


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_is_a_bomb_does_not_load_and_says_so(broker, canary, name):
    failed = len(broker.lines("hook.load_failed")) + len(broker.lines("hook.refused"))
    broker.write("bomb.py", "from kraken_hooks import on\n" + BOMBS[name])

    def told():
        lines = broker.lines("hook.load_failed") + broker.lines("hook.refused")
        return len(lines) > failed

    wait_until(told, "the file to be refused")
    last = (broker.lines("hook.load_failed") + broker.lines("hook.refused"))[-1]
    assert last["file"] == "bomb.py"


def test_a_hook_that_logs_in_every_run_is_cut_off_with_one_line(start):
    source = HEAD.format(name="loud") + "    for number in range(900):\n        log.info(number)\n"
    quiet = HEAD.format(name="quiet") + "    log.info('heard')\n"
    broker = start({"loud.py": source, "quiet.py": quiet}, KRAKENB_REPLY_WAIT="20")
    for _ in range(6):
        broker.client.send(collector="loud")
    broker.client.send(collector="quiet")
    (line,) = broker.lines("hook.log_cut_off")
    assert (line["hook"], line["level"]) == ("loud.py:bad", "warning")
    lines = [line["hook"] for line in broker.lines("hook.log")]
    assert BURST <= lines.count("loud.py:bad") < 5_000
    assert lines.count("quiet.py:bad") == 1


@pytest.mark.parametrize(
    ("body", "well"),
    [
        (f"    return 'x' * {MAX_REPLY_BYTES}\n", True),
        (f"    return 'x' * {MAX_REPLY_BYTES + 1}\n", False),
        (f"    return 'é' * {MAX_REPLY_BYTES // 2 + 1}\n", False),
        (f"    for n in range({MAX_EFFECTS}):\n        store.write('m', {{'n': n}}, time=n)\n    return 'x'\n", True),
        (
            f"    for n in range({MAX_EFFECTS + 1}):\n        store.write('m', {{'n': n}}, time=n)\n    return 'x'\n",
            False,
        ),
        ("    return reply('x', metadata={'n': 10**30})\n", False),
        ("    return reply('x', metadata={'n': '\\ud800'})\n", False),
        ("    state.set('x', 'y' * 1_100_000)\n    return 'x'\n", False),
    ],
)
def test_sizes_of_what_a_run_leaves(start, body, well):
    broker = start({"a.py": HEAD.format(name="a") + body}, KRAKENB_REPLY_WAIT="20", KRAKENB_HOOK_TIMEOUT="10")
    reply = broker.client.send(collector="a")
    assert (reply.kind == "a") is well, broker.lines("hook.failed")
    assert broker.count("dead") == (0 if well else 1)
    assert broker.lines("worker.died") == []


def test_a_run_that_leaves_more_than_its_memory_can_pack_fails_and_says_so(start):
    source = HEAD.format(name="a") + "    for n in range(15):\n        store.write('m', {'x': 'y' * 6_000_000})\n"
    broker = start({"a.py": source}, KRAKENB_REPLY_WAIT="20")
    broker.client.send(collector="a")
    (line,) = broker.lines("hook.failed")
    assert line["error"].startswith("MemoryError: what the run asks for")


def test_runs_that_leave_more_together_than_goes_into_a_frame_or_their_memory_count_each_for_itself(start):
    hooks = [f"@on()\ndef f{n}(msg):\n    mqtt.publish('t', msg.payload)\n" for n in range(6)]
    broker = start(
        {"a.py": "from kraken_hooks import mqtt, on\n" + "".join(hooks)},
        KRAKENB_REPLY_WAIT="20",
        KRAKENB_MQTT_HOST="127.0.0.1",
        KRAKENB_MQTT_PORT="1",
    )
    answer = broker.client.send(b"x" * (15 << 20), collector="camera")
    assert "failed" not in answer.metadata
    assert broker.count("outbox") == 6
    assert broker.lines("worker.died") == []


def test_a_state_that_does_not_fit_into_the_memory_is_too_large(start):
    source = HEAD.format(name="a") + "    for n in range(10):\n        state.set(str(n), msg.payload)\n"
    broker = start({"a.py": source}, KRAKENB_REPLY_WAIT="20")
    broker.client.send(b"x" * (15 << 20), collector="a")
    (line,) = broker.lines("hook.failed")
    assert line["error"].startswith("HookUsageError: the state changes by")
    assert broker.lines("worker.died") == []


def test_a_hook_file_as_large_as_it_may_be_loads(start):
    source = CANARY + "#" * (MAX_SOURCE - len(CANARY))
    assert start({"a.py": source}).client.send(collector="canary").text == "1"


def test_more_patterns_or_hooks_than_are_sensible_are_refused_when_the_file_is_loaded(start):
    broker = start({
        "patterns.py": "from kraken_hooks import on\n@on(collector=[str(n) for n in range(1_001)])\ndef f(msg): pass\n",
        "long.py": "from kraken_hooks import on\n@on(payload={'a': 'x' * 1_001})\ndef f(msg): pass\n",
        "number.py": "from kraken_hooks import on\n@on(payload={'a': 10**30})\ndef f(msg): pass\n",
        "hooks.py": "from kraken_hooks import on\n" + "".join(f"@on()\ndef f{n}(m): 0\n" for n in range(1_001)),
    })  # fmt: skip
    told = {line["file"]: line["problems"][0] for line in broker.lines("hook.load_failed")}
    assert "at most 1000 patterns" in told["patterns.py"]
    assert "at most 1000 characters" in told["long.py"]
    assert "64 bits" in told["number.py"]
    assert "at most 1000 hooks" in told["hooks.py"]
