"""What the documents say is true: their hooks load, their commands, variables, names and files are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kraken_hooks
from kraken_hooks.cli import commands
from kraken_hooks.sandbox.loader import load, preload

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
TEXTS = {path.name: path.read_text() for path in DOCUMENTS}


def hooks_shown() -> list[tuple[str, str]]:
    blocks = []
    for name, text in TEXTS.items():
        blocks += [(name, block) for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "@on(" in block]
    return blocks


@pytest.mark.parametrize(("document", "source"), hooks_shown())
def test_every_hook_shown_loads_without_a_warning(document, source):
    preload()
    loaded = load(source.encode(), "shown.py")
    assert loaded.hooks
    assert loaded.problems == []


def test_every_name_of_the_api_is_explained():
    for name in kraken_hooks.__all__:
        assert re.search(rf"`{name}\b", TEXTS["hooks.md"]), name


def test_every_module_that_may_be_imported_is_named():
    from kraken_hooks.sandbox.modules import ALLOWED

    for module in set(ALLOWED) - {"kraken_hooks", "collections.abc"}:
        assert re.search(rf"[`\s]{re.escape(module)}[`\s.]", TEXTS["hooks.md"]), module


def test_every_command_is_described():
    for name, command in commands.commands.items():
        assert f"## {name}" in TEXTS["cli.md"], name
        for option in (one for parameter in command.params for one in parameter.opts if one.startswith("--")):
            assert option in TEXTS["cli.md"] or option == "--timeout", f"{name} {option}"


def test_every_setting_is_in_the_annotated_environment_file_and_the_documents():
    environment = (ROOT / "systemd" / "kraken-hooks.env").read_text()
    for name in variables():
        assert name in environment, name
        assert any(name in text for text in TEXTS.values()), name


def variables() -> list[str]:
    sources = [*(ROOT / "kraken_hooks").glob("*.py"), *(ROOT / "kraken_hooks" / "sinks").glob("*.py")]
    found = [name for path in sources for name in re.findall(r'variable\(\s*"(KRAKENB_[A-Z_]+)"', path.read_text())]
    assert "KRAKENB_SLACK_URL" in found
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (path.parent / target).exists(), target


def test_make_targets_that_are_named_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for text in TEXTS.values() for name in re.findall(r"`?\bmake ([a-z-]+)`", text)}
    assert named <= targets, named - targets


def test_every_system_call_that_workers_may_make_is_listed_with_its_reason():
    from kraken_hooks.sandbox.seccomp import SYSCALLS

    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", TEXTS["security.md"].split("| system call |")[1], re.MULTILINE)
    assert rows == [(call.name, call.why) for call in SYSCALLS]
