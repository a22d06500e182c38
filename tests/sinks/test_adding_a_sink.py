"""docs/adding-a-sink.md, done as written: its files in a copy of the package, and the suite of all sinks run on them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

SUITE = """
import pytest
from peer_lines import LinesPeer
from test_conformance import *

@pytest.fixture
def peer(tmp_path):
    made = LinesPeer(tmp_path)
    made.start()
    yield made
    made.stop()
"""


def insert(path: Path, *pairs: tuple[str, str]) -> None:
    """Put a new line or word behind what is there."""
    source = path.read_text()
    for there, new in pairs:
        assert source.count(there) == 1, there
        source = source.replace(there, there + new)
    path.write_text(source)


def test_the_sink_of_the_page_passes_the_suite(tmp_path):
    shutil.copytree(ROOT / "kraken_hooks", tmp_path / "kraken_hooks", ignore=shutil.ignore_patterns("__pycache__"))
    page = (ROOT / "docs" / "adding-a-sink.md").read_text()
    files = re.findall(r"```python\n# (\S+)\n(.*?)```", page, re.DOTALL)
    assert len(files) == 3
    for name, source in files:
        target = tmp_path / (Path(name).name if name.startswith("tests/") else name)
        assert not target.exists(), "the page's sink is no part of the package"
        target.write_text(source)
    insert(
        tmp_path / "kraken_hooks" / "sinks" / "registry.py",
        ("from kraken_hooks.sinks import ", "lines, "),
        ("SINKS: Final[tuple[SinkType, ...]] = (\n", "    lines.LINES,\n"),
    )
    insert(
        tmp_path / "kraken_hooks" / "__init__.py",
        ("from kraken_hooks.api.store import store\n", "from kraken_hooks.api.lines import lines\n"),
        ("__all__ = [", '"lines", '),
    )
    (tmp_path / "test_lines.py").write_text(SUITE)
    path = [str(tmp_path), str(ROOT / "tests"), str(ROOT / "tests" / "sinks")]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-c", os.devnull,
         "--rootdir", str(tmp_path), str(tmp_path / "test_lines.py")],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(re.search(r"(\d+) passed", ran.stdout)[1]) > 8, ran.stdout
