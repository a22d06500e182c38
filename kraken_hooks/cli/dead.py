"""`kraken-hooks dead`: what failed for good, and what becomes of it. Works on the database, with or without a running broker."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from kraken_hooks.cli.options import payload_fields, settings, shown, state_dir_option
from kraken_hooks.terminal import harmless

if TYPE_CHECKING:
    from pathlib import Path

    from kraken_hooks.outbox.base import DeadFilter
    from kraken_hooks.outbox.sqlite import SqliteOutbox
    from kraken_hooks.outcome import DeadLetter

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
#: The last time that fits 64 bits, nanoseconds since 1970; rounded so that it survives as a float.
_LATEST: Final = 2**63 - 1024
#: Most letters, and most bytes of them, that are replayed in one transaction.
_PORTION: Final = 500
_PORTION_BYTES: Final = 8 * 1024 * 1024
#: Letters listed where the user does not say how many.
_SHOWN: Final = 100


class _Moment(click.ParamType[int]):
    """A time: ISO 8601, or an age such as 2h or 3d. Nanoseconds since 1970."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        span = _SPAN.fullmatch(value)
        if span:
            return _storable(time.time_ns() - float(span[1]) * _UNITS[span[2]] * 1e9)
        try:
            return _storable(datetime.fromisoformat(value).astimezone().timestamp() * 1e9)
        except (ValueError, OverflowError):
            self.fail(f"{value} is no time; write 2026-01-31T12:00 or 2h, 3d", param, ctx)


def _storable(nanoseconds: float) -> int:
    """The nearest time that the database can hold: no letter is older than 1970 or younger than 2262."""
    return int(min(max(nanoseconds, 0), _LATEST))


@click.group()
def dead() -> None:
    """Failed runs and refused effects: list, show, replay, purge."""


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option("--hook", default="", metavar="GLOB", help="Full name of the hook, such as 'alarm.py:*'."),
        click.option("--sink", default="", help="Name of the sink."),
        click.option("--kind", type=click.Choice(["run", "effect"]), help="Failed runs, or refused effects."),
        click.option("--since", type=_Moment(), help="Not older: ISO 8601, or an age such as 2h."),
        click.option("--until", type=_Moment(), help="Not newer."),
        state_dir_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def _wanted(values: dict[str, Any], ids: tuple[str, ...] = ()) -> DeadFilter:
    from kraken_hooks.outbox.base import DeadFilter
    from kraken_hooks.outcome import DeadKind

    kind = values["kind"]
    return DeadFilter(
        ids, DeadKind(kind) if kind else None, values["hook"], values["sink"], values["since"], values["until"]
    )


def _database(state_dir: str | None) -> Path:
    from kraken_hooks.app import DATABASE

    path = settings(state_dir=state_dir).state_dir / DATABASE
    try:
        there = path.exists()
    except PermissionError:
        raise click.ClickException(f"no permission to use {path.parent}; try it with sudo") from None
    if not there:
        raise click.ClickException(
            f"there is no database at {path}; has the broker ever run with this state directory?"
        )
    return path


@contextmanager
def _opened(state_dir: str | None) -> Iterator[SqliteOutbox]:
    from kraken_hooks.outbox.sqlite import SqliteOutbox

    outbox = SqliteOutbox(_database(state_dir), counted=False)
    try:
        yield outbox
    finally:
        outbox.close()


@dead.command("list")
@_filters
@click.option("--limit", type=click.IntRange(1), default=_SHOWN, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="A list as JSON.")
def list_letters(limit: int, as_json: bool, state_dir: str | None, **values: Any) -> None:
    """List dead letters, oldest first."""
    with _opened(state_dir) as outbox:
        wanted = _wanted(values)
        letters = outbox.dead(wanted, limit)
        total = outbox.count_dead(wanted)
    if as_json:
        click.echo(json.dumps([_as_object(letter) for letter in letters], ensure_ascii=False, indent=2, default=_text))
        return
    if not letters:
        click.echo("no dead letters")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("id", "time", "hook", "sink", "reason", box=None, pad_edge=False)
    for letter in letters:
        table.add_row(
            letter.id,
            _time(letter.at),
            letter.hook,
            letter.sink,
            harmless(f"{letter.error.type}: {letter.error.message}"[:200]),
        )
    console = Console(markup=False, emoji=False, highlight=False)  # a reason is shown as it is, brackets and colons too
    if not console.is_terminal:
        console.width = 10_000  # in a pipe: one line a letter, for grep
    console.print(table)
    if total > len(letters):
        click.echo(f"{len(letters)} of {total}; --limit shows more")


@dead.command()
@click.argument("id")
@state_dir_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(id: str, state_dir: str | None, as_json: bool) -> None:  # as the user calls it
    """Show one dead letter in full."""
    from kraken_hooks.outbox.base import DeadFilter

    with _opened(state_dir) as outbox:
        found = outbox.dead(DeadFilter(ids=(id,)), 1)
    if not found:
        raise click.ClickException(f"there is no dead letter {id}")
    letter = found[0]
    if as_json:
        click.echo(json.dumps(_as_object(letter), ensure_ascii=False, indent=2, default=_text))
        return
    click.echo(f"id:      {letter.id}\ntime:    {_time(letter.at)}\nhook:    {letter.hook}")
    click.echo(harmless(letter.error.traceback or f"{letter.error.type}: {letter.error.message}"))
    if letter.message is not None:
        message = letter.message
        click.echo(
            harmless(
                f"message: collector={message.collector} content_type={message.content_type} metadata={message.metadata or '{}'}"
            )
        )
        click.echo(shown(message.payload))
    if letter.effect is not None:
        effect = letter.effect.effect
        click.echo(f"effect:  {effect.sink}.{effect.op}")
        click.echo(harmless(json.dumps(effect.args, ensure_ascii=False, indent=2, default=_text)))


@dead.command()
@click.argument("ids", nargs=-1)
@_filters
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
def replay(ids: tuple[str, ...], everything: bool, state_dir: str | None, **values: Any) -> None:
    """Put dead letters back: a message to its hook as it is today, an effect to its sink.

    Safe to interrupt. A running broker takes them up within a few seconds.
    """
    wanted = _wanted(values, ids)
    _demand_choice(wanted, everything=everything)
    from rich.console import Console
    from rich.progress import Progress

    with _opened(state_dir) as outbox:
        letters = outbox.dead_sizes(wanted)
        console = Console(stderr=True)
        replayed = 0
        with Progress(console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task("replaying", total=len(letters))
            for portion in _portions(letters):
                replayed += outbox.replay(portion)
                progress.advance(task, len(portion))
    click.echo(f"{replayed} replayed")
    _demand_found(ids, letters)


def _portions(letters: list[tuple[str, int]]) -> Iterator[list[str]]:
    """Ids that are replayed in one transaction: few enough for memory, many enough for a disk that is slow to sync."""
    portion: list[str] = []
    size = 0
    for id, letter_size in letters:
        if portion and (len(portion) >= _PORTION or size + letter_size > _PORTION_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(id)
        size += letter_size
    if portion:
        yield portion


@dead.command()
@click.argument("ids", nargs=-1)
@_filters
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(ids: tuple[str, ...], everything: bool, yes: bool, state_dir: str | None, **values: Any) -> None:
    """Delete dead letters for good."""
    wanted = _wanted(values, ids)
    _demand_choice(wanted, everything=everything)
    with _opened(state_dir) as outbox:
        letters = outbox.dead_sizes(wanted)
        if letters and not yes:
            click.confirm(f"Delete {len(letters)} dead letters for good?", abort=True)
        click.echo(f"{outbox.purge(wanted)} deleted")
    _demand_found(ids, letters)


@dead.command()
@state_dir_option
@click.option("--purge", is_flag=True, help="Delete them for good.")
@click.option("--json", "as_json", is_flag=True, help="A list as JSON.")
def damaged(state_dir: str | None, *, purge: bool, as_json: bool) -> None:
    """List rows of the database that could not be read any more and were set aside, or delete them."""
    from kraken_hooks.outbox import aside

    path = _database(state_dir)
    if purge:
        click.echo(f"{aside.forget_rows(path)} deleted")
        return
    rows = aside.beside(path).rows
    if as_json:
        found = [{"table": row.table, "row": row.row, "found": _time(row.found), "bytes": row.size} for row in rows]
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{_time(row.found)}  {row.table}  {row.row}  {row.size} bytes")
    if not rows:
        click.echo("no damaged rows")


def _demand_choice(wanted: DeadFilter, *, everything: bool) -> None:
    from kraken_hooks.outbox.base import DeadFilter

    if wanted == DeadFilter() and not everything:
        raise click.UsageError("say which: ids, --hook, --sink, --kind, --since, --until, or --all")


def _demand_found(ids: tuple[str, ...], letters: list[tuple[str, int]]) -> None:
    """Say which of the ids that the user named were of no letter; the others have been dealt with."""
    missing = sorted(set(ids) - {id for id, _ in letters})
    if missing:
        raise click.ClickException(f"there is no dead letter {', '.join(missing)}")


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1e9).astimezone().isoformat(" ", "seconds")


def _as_object(letter: DeadLetter) -> dict[str, object]:
    made: dict[str, object] = {
        "id": letter.id,
        "kind": letter.kind.value,
        "time": _time(letter.at),
        "hook": letter.hook,
        "sink": letter.sink,
        "message_id": letter.message_id,
        "error": {
            "type": letter.error.type,
            "message": letter.error.message,
            "line": letter.error.line,
            "traceback": letter.error.traceback,
        },
    }
    if letter.message is not None:
        message = letter.message
        made["message"] = {
            "collector": message.collector,
            "content_type": message.content_type,
            "metadata": json.loads(message.metadata) if message.metadata else {},
            **payload_fields(message.payload),
        }
    if letter.effect is not None:
        made["effect"] = {"op": letter.effect.effect.op, "args": letter.effect.effect.args}
    return made


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
