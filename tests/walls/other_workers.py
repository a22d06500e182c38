"""`kraken-hooks` with workers that are not what they should be: `other_workers.py CHANGE [ARGUMENT]...`.

CHANGE is a Python file that runs in the fork server when it has imported its own modules, before anything is forked. There is no
way to ask an installed kraken-hooks for this: the text that the fork server runs is put together here.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kraken_hooks.cli import main
from kraken_hooks.workers import spawner


def start_of(change: str) -> str:
    """The fork server's program with the change before its last step."""
    begin = spawner._START.removesuffix("main()")
    assert begin != spawner._START
    return f"{begin}exec({change!r}, {{}}); main()"


if __name__ == "__main__":
    spawner._START = start_of(Path(sys.argv.pop(1)).read_text())
    main()
