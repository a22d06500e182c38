"""A hook that misbehaves, next to a healthy one under load: the healthy one answers every message."""

from __future__ import annotations

import threading

import pytest
from rig import Client, wait_until

HEALTHY = """
from kraken_hooks import on, state

@on(collector="healthy")
def healthy(msg):
    return str(state.incr("count"))
"""


def swallowing(indent: str, layers: int = 6) -> str:
    """A loop without end that swallows the time limit. On a busy machine the limit may strike again where one layer is about
    to go on, so there are a few; the assignment is there because Python 3.11 looks for the handler of what is raised at a
    jump in front of its target.
    """
    if not layers:
        return f"{indent}while True:\n{indent}    pass"
    inner = swallowing(indent + " " * 8, layers - 1)
    return (
        f"{indent}while True:\n{indent}    try:\n{indent}        layer = {layers}\n{inner}\n"
        f"{indent}    finally:\n{indent}        continue"
    )


BAD = {
    "loops for ever": "while True:\n        pass",
    "loops for ever and swallows the time limit": swallowing("    ").lstrip(),
    "computes for ever inside one operation": "return str(3 ** (3 ** 17) % 7)",
    "uses up all memory": "hoard = []\n    while True:\n        hoard.append('x' * 1_000_000 + str(len(hoard)))",
    "asks for more memory than there is": "return 'x' * 10**12",
    "recurses": "return bad(msg)",
    "floods the log": "while True:\n        print('x' * 1000)",
    "floods the effects": "while True:\n        store.write('flood', {'x': 1})",
    "sleeps": "import time\n    time.sleep(100)",
    "waits for a regular expression": "import re\n    re.match(r'(a+)+$', 'a' * 60 + 'b')",
}


def bad_hook(body: str) -> str:
    return f'from kraken_hooks import on, store\n\n@on(collector="bad")\ndef bad(msg):\n    {body}\n'


@pytest.mark.parametrize("name", BAD)
def test_the_healthy_neighbour_answers_every_message(start, name):
    broker = start(
        {"bad.py": bad_hook(BAD[name]), "healthy.py": HEALTHY},
        KRAKENB_HOOK_TIMEOUT="0.5", KRAKENB_WORKERS="1", KRAKENB_REPLY_WAIT="20",
    )  # fmt: skip
    answers: list[str] = []
    stop = threading.Event()

    def keep_asking() -> None:
        client = Client(broker.port)
        while not stop.is_set():
            answers.append(client.send(collector="healthy").text)
        client.close()

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        for _ in range(2):
            assert broker.client.send(collector="bad").kind in ("ack", "accepted")
        wait_until(lambda: broker.count("dead") == 2, "both bad runs to be given up")
        after = len(answers)
        wait_until(lambda: len(answers) > after + 20, "the healthy hook to go on")
    finally:
        stop.set()
        asking.join()
    assert answers == [str(number) for number in range(1, len(answers) + 1)], "none lost, none run twice"
    assert [row[0] for row in broker.query("SELECT DISTINCT hook FROM dead")] == ["bad.py:bad"]
    assert broker.count("points") == 0, "a run that failed has written nothing"


#: What a generator does when it is collected, the time limit, and whom the end of the worker may be blamed on; empty: it lives.
LEFT_BEHIND = {
    "loops for ever": ("while True:\n            pass", "60", set()),
    "loops for ever and swallows the time limit": (
        swallowing(" " * 8).lstrip(),
        "1",
        {"bad.py"},
    ),
    "computes for ever inside one operation": ("sum(range(10**12))", "1", {"", "bad.py"}),
}


@pytest.mark.parametrize("name", LEFT_BEHIND)
def test_what_a_file_leaves_behind_costs_its_neighbour_no_run(start, name):
    """Python ends it when it collects garbage, which is in the neighbour's run."""
    body, limit, guilty = LEFT_BEHIND[name]
    leaves = f"""
from kraken_hooks import on

def numbers(cycle):
    try:
        yield 1
    finally:
        {body}

@on(collector="bad")
def bad(msg):
    cycle = []
    cycle.append(numbers(cycle))
    next(cycle[0])
"""
    collects = HEALTHY.replace("return", "many = [[n] for n in range(3_000)]\n    return")
    broker = start(
        {"bad.py": leaves, "healthy.py": collects},
        KRAKENB_HOOK_TIMEOUT=limit, KRAKENB_WORKERS="1", KRAKENB_REPLY_WAIT="20",
    )  # fmt: skip
    broker.client.send(collector="bad")
    assert [broker.client.send(collector="healthy").text for _ in range(20)] == [str(n) for n in range(1, 21)]
    assert broker.count("dead") == 0
    died = {line["hook"] for line in broker.lines("worker.died")}
    assert died <= guilty
    assert bool(died) is bool(guilty)


def test_the_soft_limit_shows_at_the_hooks_own_line(start):
    broker = start({"bad.py": bad_hook(BAD["loops for ever"])}, KRAKENB_HOOK_TIMEOUT="0.2")
    broker.client.send(collector="bad")
    line = broker.wait_for("hook.timeout")
    assert line["line"] in (5, 6)
    assert "took longer than 0.2 s" in line["error"]


def test_a_log_flood_is_cut_off_with_one_line(start):
    source = bad_hook("for _ in range(5_000):\n        print('again')")
    broker = start({"bad.py": source})
    broker.client.send(collector="bad")
    broker.wait_for("hook.log", level="warning", text="cut off: more than 1000 log lines in one run")
    broker.client.send(collector="nobody")
    assert len(broker.lines("hook.log")) == 1001


def test_a_hook_killed_three_times_in_a_row_is_in_quarantine_until_its_file_changes(start):
    broker = start({"bad.py": bad_hook(BAD["loops for ever and swallows the time limit"])}, KRAKENB_HOOK_TIMEOUT="0.5")
    for _ in range(3):
        broker.client.send(collector="bad")
    broker.wait_for("hook.quarantined", hook="bad.py:bad")
    broker.client.send(collector="bad")
    wait_until(lambda: broker.count("dead") == 4, "the fourth message to be a dead letter too")
    assert "killed 3 times" in broker.lines("hook.failed")[-1]["error"]
    broker.write("bad.py", bad_hook("return 'well again'"))
    broker.wait_for("hook.loaded", file="bad.py", change="changed")
    assert broker.client.send(collector="bad").text == "well again"


def test_slow_is_not_dead_a_long_run_within_the_limit_ends_well(start):
    source = bad_hook("import time\n    time.sleep(0.6)\n    return 'at last'")
    broker = start({"bad.py": source, "healthy.py": HEALTHY}, KRAKENB_REPLY_WAIT="5", KRAKENB_WORKERS="1")
    call = broker.client.send_soon(collector="bad")
    for number in range(1, 20):
        assert broker.client.send(collector="healthy").text == str(number)
    assert b"at last" in call.result(30)
    assert broker.count("dead") == 0


def test_a_worker_that_had_nothing_to_do_for_long_is_not_taken_for_one_that_hangs(start):
    """As long as it takes, without sleeping in the test: another hook's runs are the clock."""
    sources = {
        "rare.py": bad_hook("import time\n    time.sleep(0.2)\n    return 'rare'"),
        "clock.py": HEALTHY.replace("return", "import time\n    time.sleep(0.09)\n    return"),
    }
    broker = start(sources, KRAKENB_HOOK_TIMEOUT="1", KRAKENB_WORKERS="per-file")
    assert broker.client.send(collector="bad").text == "rare"
    for _ in range(35):  # more than twice the hard limit of 1.5 s
        broker.client.send(collector="healthy")
    assert broker.client.send(collector="bad").text == "rare"
    assert broker.lines("worker.died") == []


def test_a_worker_has_nothing_but_its_pipe(start):
    """Walls 3: no descriptor, no environment, no secret in memory; limits on files and processes."""
    from pathlib import Path

    secret = "https://hooks.example/services/very-hidden-part"
    broker = start({"healthy.py": HEALTHY}, KRAKENB_SLACK_URL=secret)
    broker.client.send(collector="healthy")
    (forks,) = Path(f"/proc/{broker.pid}/task/{broker.pid}/children").read_text().split()
    workers = Path(f"/proc/{forks}/task/{forks}/children").read_text().split()
    assert workers
    for pid in (forks, *workers):
        assert b"KRAKENB" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert secret.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert not memory_holds(int(pid), b"very-hidden-part")
    for pid in workers:
        assert [entry.name for entry in Path(f"/proc/{pid}/fd").iterdir()] == ["0"]
        limits = Path(f"/proc/{pid}/limits").read_text()
        for name, most in (
            ("Max open files", "0"),
            ("Max processes", "0"),
            ("Max file size", "0"),
            ("Max core file size", "0"),
        ):
            line = next(line for line in limits.splitlines() if line.startswith(name))
            assert line.removeprefix(name).split()[:2] == [most, most]
        line = next(line for line in limits.splitlines() if line.startswith("Max address space"))
        assert line.split()[3].isdigit()


def memory_holds(pid: int, needle: bytes) -> bool:
    from pathlib import Path

    with open(f"/proc/{pid}/mem", "rb") as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            where, rights = line.split()[:2]
            if "r" not in rights or line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            begin, end = (int(part, 16) for part in where.split("-"))
            try:
                memory.seek(begin)
                if needle in memory.read(end - begin):
                    return True
            except (OSError, ValueError, OverflowError):
                continue
    return False
