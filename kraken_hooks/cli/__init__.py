"""The command line: a thin door that parses, calls and prints. One file per command.

Exit status: 0 well, 1 what was asked for failed, 2 usage, 78 configuration.
"""

from __future__ import annotations

import io
import os
import sys

import click

from kraken_hooks import __version__
from kraken_hooks.cli.check import check
from kraken_hooks.cli.dead import dead
from kraken_hooks.cli.doctor import doctor
from kraken_hooks.cli.rehearse import rehearse
from kraken_hooks.cli.run import run
from kraken_hooks.cli.send import send
from kraken_hooks.cli.status import sink, status
from kraken_hooks.errors import KrakenError, SettingsError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kraken-hooks")
def commands() -> None:
    """Small Python rules for sensor data: sandboxed, durable, reloaded as you save."""


for _command in (run, check, rehearse, send, status, sink, dead, doctor):
    commands.add_command(_command)


def main() -> None:
    """The program `kraken-hooks`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter is no reason to fail
    try:
        for argument in sys.argv[1:]:
            argument.encode()
        commands()
    except UnicodeEncodeError as error:
        click.echo(f"Error: not UTF-8: {error.object}", err=True)
        sys.exit(2)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"Error: {place}{error.strerror or error}", err=True)
        os._exit(1)  # output that could not be written would be tried once more, with a traceback
    except SettingsError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        sys.exit(error.exit_code)
    except KrakenError as error:
        click.echo(f"{error}\n{error.remedy}", err=True)
        sys.exit(error.exit_code)
