"""`kraken-hooks check`: load hook files the way the broker does, and say what is wrong with them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kraken_hooks.cli.options import existing, settings
from kraken_hooks.terminal import harmless

if TYPE_CHECKING:
    from kraken_hooks.outcome import Problem


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--json", "as_json", is_flag=True, help="A list of problems as JSON.")
def check(paths: tuple[str, ...], as_json: bool) -> None:
    """Check hook files, or all in a directory; without a PATH those in KRAKENB_HOOKS_DIR.

    Exit status 1 where a file would not load.
    """
    chosen = settings()
    files, found = _files([existing(path) for path in paths] or [chosen.hooks_dir])
    from kraken_hooks.rehearsal import check as load

    found |= load(files, chosen)
    if as_json:
        click.echo(json.dumps(_as_objects(found), ensure_ascii=False, indent=2))
    else:
        for path, problems in found.items():
            show_problems(path, problems)
        _show_summary(found)
    sys.exit(any(problem.severity == "error" for problems in found.values() for problem in problems))


def _files(paths: list[Path]) -> tuple[list[Path], dict[Path, list[Problem]]]:
    """The files that are meant, and those that the broker would not even read."""
    from kraken_hooks.outcome import Problem
    from kraken_hooks.reload.scan import scan

    files: list[Path] = []
    refused: dict[Path, list[Problem]] = {}
    for path in paths:
        if path.is_file():
            files.append(path)
            continue
        found = scan(path)
        if found.missing:
            raise click.ClickException(f"the hooks directory cannot be read: {found.reason}")
        files += [path / name for name in found.files]
        refused |= {path / name: [Problem(0, 0, reason)] for name, reason in found.refused.items()}
    return files, refused


def _as_objects(found: dict[Path, list[Problem]]) -> list[dict[str, object]]:
    return [
        {
            "file": str(path),
            "line": problem.line,
            "column": problem.column,
            "severity": problem.severity,
            "message": problem.message,
            "hint": problem.hint,
        }
        for path, problems in found.items()
        for problem in problems
    ]


def show_problems(path: Path, problems: list[Problem]) -> None:
    """`file:line:column: severity: message`, the line, a caret, the hint."""
    try:
        lines = path.read_text(errors="replace").splitlines() if problems and path.is_file() else []
    except OSError:
        lines = []  # the problem says so already
    for problem in problems:
        place = f"{path}:{problem.line}:{problem.column}" if problem.line else str(path)
        colour = "red" if problem.severity == "error" else "yellow"
        click.echo(f"{place}: {click.style(problem.severity, fg=colour)}: {harmless(problem.message)}")
        if 0 < problem.line <= len(lines):
            line = lines[problem.line - 1]
            click.echo(f"    {harmless(line)}")
            if problem.column:
                indent = "".join(char if char == "\t" else " " for char in line[: problem.column - 1])
                click.echo(f"    {indent}^")
        if problem.hint:
            click.echo(f"    hint: {problem.hint}")


def _show_summary(found: dict[Path, list[Problem]]) -> None:
    errors = sum(any(problem.severity == "error" for problem in problems) for problems in found.values())
    files = "1 hook file" if len(found) == 1 else f"{len(found)} hook files"
    click.echo(f"{files} checked, {errors} with errors" if errors else f"{files} checked, all load")
