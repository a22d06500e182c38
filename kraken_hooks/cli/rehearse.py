"""`kraken-hooks try`: run the hooks of one file with one message, without delivering anything."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kraken_hooks.cli.check import show_problems
from kraken_hooks.cli.options import message_from, message_options, parse_json, payload_fields, settings, shown
from kraken_hooks.terminal import harmless

if TYPE_CHECKING:
    from kraken_hooks.message import Message, Reply, Response
    from kraken_hooks.outcome import Outcome
    from kraken_hooks.rehearsal import Rehearsal


@click.command("try")
@click.argument("hook_file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@message_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def rehearse(hook_file: Path, as_json: bool, **values: Any) -> None:
    """Run the hooks of FILE with one message: a dry run.

    Shows reply, effects, state, log and errors. Nothing is stored, sent or answered; state and store are empty. Effects of
    sinks that are not configured are shown too.
    Exit status 1 where the file does not load or a run fails.
    """
    given = message_from(values)
    from kraken_hooks import clock
    from kraken_hooks.message import Message
    from kraken_hooks.rehearsal import rehearse as perform

    sequence = clock.Sequence()
    seq = sequence.next()
    message = Message(
        seq,
        sequence.message_id(seq),
        given.kind,
        given.collector,
        given.content_type,
        given.metadata,
        given.payload,
        clock.now_ns(),
    )
    result = perform(hook_file, message, settings())
    if as_json:
        click.echo(json.dumps(_as_object(hook_file, message, result), ensure_ascii=False, indent=2, default=_text))
    else:
        _show(hook_file, message, result)
    sys.exit(not result.loaded or not all(outcome.ok for outcome in result.outcomes))


def _text(value: object) -> str:
    """Values that JSON has no form for: bytes, datetimes."""
    return value.hex() if isinstance(value, bytes) else str(value)


# ── for programs ──


def _as_object(hook_file: Path, message: Message, result: Rehearsal) -> dict[str, object]:
    made: dict[str, object] = {
        "file": str(hook_file),
        "message": {
            "id": message.id,
            "kind": message.kind,
            "collector": message.collector,
            "content_type": message.content_type,
            "metadata": parse_json(message.metadata),
            **payload_fields(message.payload),
        },
        "runs": [_run_object(outcome) for outcome in result.outcomes],
        "reply": None if result.reply is None else _response_object(result.reply),
    }
    if result.unconfigured:
        made["not_configured"] = result.unconfigured
    if result.problems:
        made["problems"] = [
            {
                "line": problem.line,
                "column": problem.column,
                "severity": problem.severity,
                "message": problem.message,
                "hint": problem.hint,
            }
            for problem in result.problems
        ]
    return made


def _run_object(outcome: Outcome) -> dict[str, object]:
    error = outcome.error
    return {
        "hook": outcome.hook,
        "outcome": outcome.status.value,
        "reply": None if outcome.reply is None else _reply_object(outcome.reply),
        "effects": [{"sink": effect.sink, "op": effect.op, "args": effect.args} for effect in outcome.effects],
        "state": _named(outcome.state),
        "logs": [{**line.fields, "level": line.level, "event": line.event} for line in outcome.logs],
        "error": None
        if error is None
        else {"type": error.type, "message": error.message, "line": error.line, "traceback": error.traceback},
        "duration_ms": round(outcome.duration * 1000, 3),
    }


def _reply_object(reply: Reply) -> dict[str, object]:
    return {"content_type": reply.content_type, "metadata": reply.metadata, **payload_fields(reply.payload)}


def _response_object(response: Response) -> dict[str, object]:
    return {
        "collector_name": response.collector_name,
        "content_type": response.content_type,
        "metadata": parse_json(response.metadata),
        **payload_fields(response.payload),
    }


def _named(state: dict[str, object]) -> dict[str, object]:
    """State with the keys of `throttle` as the author wrote them."""
    from kraken_hooks.api.state import THROTTLE

    return {
        f"throttle({key.removeprefix(THROTTLE)})" if key.startswith(THROTTLE) else key: value
        for key, value in state.items()
    }


# ── for people ──


def _show(hook_file: Path, message: Message, result: Rehearsal) -> None:
    show_problems(hook_file, result.problems)
    if not result.hooks:
        return  # it does not load, or has none: shown above
    if not result.outcomes:
        wanted = "it wants other payloads (payload=, when=)" if result.matched else "its hooks want other messages"
        click.echo(
            f"No hook of {hook_file} ran: {wanted}.\n"
            f"The message: collector={message.collector} content_type={message.content_type} metadata={message.metadata or '{}'}"
        )
        return
    for outcome in result.outcomes:
        _show_run(outcome)
    if result.reply is not None and result.reply.collector_name:
        click.echo(f"The device gets {result.reply.content_type}: {shown(result.reply.payload)}")
    else:
        click.echo("The device gets no reply.")
    for sink, variable in result.unconfigured.items():
        click.echo(f"In this shell {sink} is not configured: the broker needs {variable}.")


def _show_run(outcome: Outcome) -> None:
    colour = "green" if outcome.ok else "red"
    status = click.style(outcome.status.value, fg=colour)
    click.echo(f"{click.style(outcome.hook, bold=True)}: {status} in {outcome.duration * 1000:.2f} ms")
    for line in outcome.logs:
        fields = "".join(f" {name}={value}" for name, value in line.fields.items())
        click.echo(harmless(f"  {line.level}: {line.event}{fields}"))
    for effect in outcome.effects:
        arguments = ", ".join(f"{name}={value!r}" for name, value in effect.args.items())
        click.echo(f"  effect: {effect.sink}.{effect.op}({arguments})")
    for key, value in _named(outcome.state).items():
        click.echo(f"  state: {key} = {value!r}")
    for key in outcome.state_deleted:
        click.echo(f"  state: {key} deleted")
    if outcome.reply is not None:
        click.echo(f"  reply: {outcome.reply.content_type}: {shown(outcome.reply.payload)}")
    if outcome.error is not None:
        told = harmless(outcome.error.traceback or f"{outcome.error.type}: {outcome.error.message}")
        click.echo("".join(f"  {line}\n" for line in told.splitlines()), nl=False)
