"""`kraken-hooks status` and `kraken-hooks sink`: what a running broker is doing, and which of its sinks rest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from kraken_hooks.cli.options import settings, state_dir_option
from kraken_hooks.errors import NotRunning
from kraken_hooks.terminal import harmless

if TYPE_CHECKING:
    from kraken_hooks.broker import FileStatus, SinkStatus, Status
    from kraken_hooks.control.protocol import Answer, Request

_COLOURS: Final = {"loaded": "green", "up": "green", "last good": "yellow", "paused": "yellow", "removed": "yellow"}


def _ask(state_dir: str | None, request: Request) -> Answer:
    """Raises:
    NotRunning: no broker runs with this state directory.
    click.ClickException: it says no.
    """
    import msgspec

    from kraken_hooks.control.protocol import ask

    directory = settings(state_dir=state_dir).state_dir
    try:
        answer = ask(directory, request)
    except PermissionError:
        raise click.ClickException(f"no permission to use {directory}; try it with sudo") from None
    except TimeoutError:
        raise click.ClickException(f"the broker with the state directory {directory} does not answer") from None
    except OSError:
        raise NotRunning(f"no broker is running with the state directory {directory}") from None
    except msgspec.DecodeError as error:
        raise click.ClickException(
            f"the broker has another version, and its answer is not understood: {error}"
        ) from None
    if answer.error:
        raise click.ClickException(answer.error)
    return answer


@click.command()
@state_dir_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(state_dir: str | None, as_json: bool) -> None:
    """Show what a running broker is doing: hook files, sinks, queues, workers.

    Exit status 1 where no broker runs.
    """
    import msgspec

    from kraken_hooks.control.protocol import Request

    shown = _ask(state_dir, Request("status")).status
    assert shown is not None
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(shown)))
    else:
        _show(shown)


def _show(shown: Status) -> None:
    seconds = int((datetime.now(UTC) - datetime.fromtimestamp(shown.started / 1e9, UTC)).total_seconds())
    click.echo(f"kraken-hooks {shown.version}, process {shown.pid}, running for {_span(seconds)}")
    click.echo(f"messages {shown.messages}, failed runs {shown.failed_runs}, dead letters {shown.dead_letters}")
    held, bound = shown.queued_bytes / 2**20, shown.queued_bound // 2**20
    click.echo(f"inbox and outbox hold {held:.1f} of {bound} MB")
    click.echo(f"\nhook files in {shown.hooks_dir}" + ("" if shown.files else ": none"))
    if shown.hooks_missing:
        click.echo(f"  {click.style('it cannot be read', fg='red')}, what ran goes on: {harmless(shown.hooks_missing)}")
    for file in shown.files:
        _show_file(file)
    click.echo("\nsinks" + ("" if shown.sinks else ": none configured besides the store"))
    for sink in shown.sinks:
        _show_sink(sink)
    click.echo("\nworkers")
    for worker in shown.workers:
        alone = " (for itself)" if worker.alone else ""
        click.echo(f"  {worker.pid}{alone}: {', '.join(worker.files) or '-'}")


def _show_file(file: FileStatus) -> None:
    waiting = f", {file.waiting + file.inbox} waiting" if file.waiting + file.inbox else ""
    click.echo(f"  {file.file}: {_coloured(file.state)}, hooks: {', '.join(file.hooks) or '-'}{waiting}")
    for problem in file.problems:
        click.echo(f"    {harmless(problem)}")
    for hook in file.quarantined:
        click.echo(f"    {click.style('in quarantine', fg='red')}: {hook} (killed again and again; change the file)")


def _show_sink(sink: SinkStatus) -> None:
    since = f" since {datetime.fromtimestamp(sink.since / 1e9).astimezone():%Y-%m-%d %H:%M:%S}" if sink.since else ""
    counts = f"{sink.waiting} waiting, {sink.delivered} delivered, {sink.refused} refused"
    click.echo(f"  {sink.name}: {_coloured(sink.state)}{since}, {counts}")
    if sink.reason:
        again = "" if sink.retry_in is None else f"; next try in {sink.retry_in:g} s"
        click.echo(f"    {harmless(sink.reason)}{again}")


def _coloured(state: str) -> str:
    return click.style(state, fg=_COLOURS.get(state, "red"))


def _span(seconds: int) -> str:
    """Such as `3 d 4 h`, `12 min`, `40 s`."""
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


@click.group()
def sink() -> None:
    """Let a sink rest, or go on."""


@sink.command()
@click.argument("name")
@state_dir_option
def pause(name: str, state_dir: str | None) -> None:
    """Deliver nothing more to the sink NAME; its effects wait in the outbox, through restarts too, until `resume`."""
    _change(name, state_dir, paused=True)


@sink.command()
@click.argument("name")
@state_dir_option
def resume(name: str, state_dir: str | None) -> None:
    """Deliver to the sink NAME again; at once, also where it is down and would be tried later."""
    _change(name, state_dir, paused=False)


def _change(name: str, state_dir: str | None, *, paused: bool) -> None:
    from kraken_hooks.control.protocol import Request

    _ask(state_dir, Request("pause" if paused else "resume", name))
    click.echo(f"{name} is paused; its effects wait" if paused else f"{name} goes on")
