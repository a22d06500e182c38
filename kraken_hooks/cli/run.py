"""`kraken-hooks run`: the broker."""

from __future__ import annotations

import os
import sys

import click

from kraken_hooks import logs
from kraken_hooks.cli.options import settings
from kraken_hooks.errors import SettingsError

log = logs.get()


@click.command()
@click.option("--hooks", metavar="DIR", help="Directory of hook files (KRAKENB_HOOKS_DIR).")
@click.option("--state-dir", metavar="DIR", help="Directory of all that must survive (KRAKENB_STATE_DIR).")
@click.option("--host", metavar="ADDRESS:PORT", help="Where to listen (KRAKENB_GRPC_HOST).")
def run(hooks: str | None, state_dir: str | None, host: str | None) -> None:
    """Run the broker until it is told to stop (SIGTERM, SIGINT)."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its own lines are no JSON, and say nothing that ours do not
    # Sockets are polled by the thread that takes what they bring, not by threads of gRPC's that hand it on: a message costs
    # a quarter to half fewer switches and up to an eighth less processor time. A version that does not know the word ignores it.
    os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_listener")
    from kraken_hooks.app import serve

    try:
        chosen = settings(hooks=hooks, state_dir=state_dir, host=host)
    except SettingsError as error:
        if not logs.in_journal(sys.stdout, os.environ):
            raise
        logs.configure(debug=False, environment=os.environ)
        for problem in error.problems:
            log.error("settings.wrong", problem=problem)
        sys.exit(error.exit_code)
    sys.exit(serve(chosen))
