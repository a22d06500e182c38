"""Snippets of ordinary Python, and what they give: in the sandbox, and in plain CPython.

`ordinary/*.py` hold them, one after the other, each under a line `# --- what it shows`. A snippet leaves its value in `result`, or
raises; the type and the text of what it raises then count as its value.
"""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

from kraken_hooks import testing
from kraken_hooks.sandbox.loader import LoadError, load

MODULE = "hooks.case"
#: A hook that answers with the snippet's value.
HOOK = "from kraken_hooks import on\n@on()\ndef hook(msg):\n    return repr(result)\n"
_HEAD = re.compile(r"^# --- (.+)\n", re.MULTILINE)


def snippets() -> dict[str, str]:
    """Source by name, such as `classes: slots`."""
    found = {}
    for path in sorted((Path(__file__).parent / "ordinary").glob("*.py")):
        _, *parts = _HEAD.split(path.read_text())
        for name, source in zip(parts[::2], parts[1::2], strict=True):
            key = f"{path.stem}: {name}"
            assert key not in found, key
            found[key] = source
    return found


def within(source: str) -> str:
    """In the sandbox, at the top level of a hook file and in a hook's run."""
    future = "".join(line for line in source.splitlines(keepends=True) if line.startswith("from __future__"))
    try:
        loaded = load(f"{future}{source.removeprefix(future)}\n{HOOK}".encode(), "case.py")
    except LoadError as error:
        told = [problem for problem in error.problems if problem.severity == "error"]
        return told[0].message if told[0].column == 1 else f"refused: {told}"
    outcome = testing.run(loaded.hooks[0].function, testing.message())
    if outcome.error is not None:
        return f"{outcome.error.type}: {outcome.error.message}"
    return outcome.reply.payload.decode()


def in_cpython(source: str) -> str:
    module = types.ModuleType(MODULE)
    sys.modules[MODULE] = module
    try:
        exec(compile(source, "case.py", "exec", dont_inherit=True), vars(module))  # what it is compared with
        return repr(vars(module)["result"])
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def in_a_function(source: str) -> str | None:
    """The snippet as the body of a function; None where it would not be the same program."""
    if "__future__" in source or re.search(r"^\s*(global|nonlocal) ", source, re.MULTILINE):
        return None
    body = "".join(f"    {line}" for line in source.splitlines(keepends=True))
    return f"def compute():\n{body}    return result\nresult = compute()\n"
