"""`kraken-hooks doctor`: look at everything that the broker needs, and say what to do about what is wrong.

A check is a generator of findings. Adding one: a function of the settings, a line in `_CHECKS`.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from kraken_hooks.cli.options import settings
from kraken_hooks.errors import KrakenError, SettingsError

if TYPE_CHECKING:
    from kraken_hooks.settings import Settings


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"  # it works, but not as well as it could
    PROBLEM = "problem"  # the broker does not start, or does not do what it should


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `remedy`: what to do; empty where nothing has to be done."""

    check: str
    status: Status
    text: str
    remedy: str = ""


#: Versions of Python that this is tested with.
_OLDEST, _NEWEST = (3, 11), (3, 13)
#: RestrictedPython before it has known holes.
_RESTRICTED_PYTHON: Final = (8, 4)
#: Less room than this in the state directory stops the broker soon, bytes.
_LITTLE_ROOM: Final = 64 * 2**20
#: A clock before this year has not been set since the machine started.
_CLOCK_YEAR: Final = 2024
#: Sinks without one server of their own.
_NAMED_BY_HOOKS: Final = {"http"}
#: How long a broker that runs may take to answer, seconds.
_HEALTH_TIME: Final = 3.0


@click.command()
@click.option("--hooks", metavar="DIR", help="Directory of hook files (KRAKENB_HOOKS_DIR).")
@click.option("--state-dir", metavar="DIR", help="Directory of all that must survive (KRAKENB_STATE_DIR).")
@click.option("--host", metavar="ADDRESS:PORT", help="Where the broker listens (KRAKENB_GRPC_HOST).")
@click.option("--json", "as_json", is_flag=True, help="A list of findings as JSON.")
def doctor(hooks: str | None, state_dir: str | None, host: str | None, as_json: bool) -> None:
    """Check this machine and these settings; explain what is wrong. Exit status 1 where something is."""
    from kraken_hooks import logs

    logs.silence()
    findings = list(_findings(hooks, state_dir, host))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            _show(finding)
    sys.exit(any(finding.status is Status.PROBLEM for finding in findings))


_COLOURS: Final = {Status.OK: "green", Status.WARNING: "yellow", Status.PROBLEM: "red"}


def _show(finding: Finding) -> None:
    status = click.style(f"{finding.status:8}", fg=_COLOURS[finding.status])
    click.echo(f"{status} {finding.check}: {finding.text}" + (f" -> {finding.remedy}" if finding.remedy else ""))


def _findings(hooks: str | None, state_dir: str | None, host: str | None) -> Iterator[Finding]:
    yield from _python()
    yield from _packages()
    yield from _clock(time.gmtime())
    try:
        chosen = settings(hooks=hooks, state_dir=state_dir, host=host)
    except SettingsError as error:
        for problem in error.problems:
            yield Finding("settings", Status.PROBLEM, problem, error.remedy)
        return
    for check in _CHECKS:
        yield from check(chosen)


# ── whatever the settings are ──────────────────────────────────────────────────────────────────────────────────────


def _python() -> Iterator[Finding]:
    version = sys.version.partition(" ")[0]
    if _OLDEST <= sys.version_info[:2] <= _NEWEST:
        yield Finding("python", Status.OK, version)
    else:
        yield Finding("python", Status.WARNING, f"{version} is not tested", "use Python 3.11, 3.12 or 3.13")


def _packages() -> Iterator[Finding]:
    found = []
    for name in ("kraken-hooks", "RestrictedPython", "grpcio", "msgspec", "protobuf", "watchdog"):
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            yield Finding("packages", Status.PROBLEM, f"{name} is not installed", "pip install kraken-hooks")
            return
    yield Finding("packages", Status.OK, ", ".join(found))
    version = metadata.version("RestrictedPython")
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < _RESTRICTED_PYTHON:
        text = f"RestrictedPython {version} has known holes"
        yield Finding("packages", Status.PROBLEM, text, "pip install --upgrade RestrictedPython")


def _clock(now: time.struct_time) -> Iterator[Finding]:
    text = time.strftime("%Y-%m-%d %H:%M:%S UTC", now)
    if now.tm_year >= _CLOCK_YEAR:
        yield Finding("clock", Status.OK, text)
    else:
        yield Finding("clock", Status.WARNING, f"{text} cannot be right", "set the clock: timedatectl set-ntp true")


# ── with valid settings ────────────────────────────────────────────────────────────────────────────────────────────


def _settings(chosen: Settings) -> Iterator[Finding]:
    yield Finding("settings", Status.OK, f"hooks {chosen.hooks_dir}, state {chosen.state_dir}, port {chosen.grpc_host}")
    for name in chosen.unknown:
        yield Finding("settings", Status.WARNING, f"{name} means nothing", "correct the name, or remove it")


def _hooks(chosen: Settings) -> Iterator[Finding]:
    from kraken_hooks.rehearsal import check
    from kraken_hooks.reload.scan import scan

    found = scan(chosen.hooks_dir)
    if found.missing:
        yield Finding("hooks", Status.PROBLEM, found.reason, "create it, or set KRAKENB_HOOKS_DIR")
        return
    if chosen.hooks_dir.stat().st_mode & stat.S_IWOTH:
        remedy = f"chmod o-w {chosen.hooks_dir}"
        yield Finding("hooks", Status.WARNING, f"anybody may put hook files into {chosen.hooks_dir}", remedy)
    for name, reason in found.refused.items():
        yield Finding("hooks", Status.PROBLEM, f"{name}: {reason}", "the broker does not read this file until then")
    if not found.files:
        yield Finding(
            "hooks", Status.WARNING, f"{chosen.hooks_dir} has no hook file", "every message is acknowledged only"
        )
        return
    try:
        loaded = check([chosen.hooks_dir / name for name in found.files], chosen)
    except KrakenError as error:
        yield Finding("hooks", Status.PROBLEM, f"cannot be loaded: {error}", "see the lock-down below")
        return
    broken = [path for path, problems in loaded.items() if any(problem.severity == "error" for problem in problems)]
    for path in broken:
        yield Finding("hooks", Status.PROBLEM, f"{path.name} does not load", f"kraken-hooks check {path}")
    if not broken:
        yield Finding("hooks", Status.OK, f"all {len(loaded)} files load")


def _state(chosen: Settings) -> Iterator[Finding]:
    directory = chosen.state_dir
    there = next(path for path in (directory, *directory.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"kraken")
            file.flush()
    except OSError as error:
        remedy = "give it to the user that runs the broker, or set KRAKENB_STATE_DIR"
        yield Finding("state", Status.PROBLEM, f"{there} cannot be written: {error.strerror}", remedy)
        return
    free = shutil.disk_usage(there).free
    text = f"{directory} can be written, {free // 2**20} MB free"
    if free < _LITTLE_ROOM:
        yield Finding("state", Status.PROBLEM, text, "make room on this disk")
    elif free < chosen.outbox_max_mb * 2**20:
        remedy = "make room, or lower KRAKENB_OUTBOX_MAX_MB: so much may wait here while a sink is down"
        yield Finding("state", Status.WARNING, text, remedy)
    else:
        yield Finding("state", Status.OK, text)


def _storage(chosen: Settings) -> Iterator[Finding]:
    """What is damaged, and a write-ahead log that cannot be emptied."""
    from kraken_hooks.app import DATABASE
    from kraken_hooks.outbox.aside import beside
    from kraken_hooks.outbox.housekeeping import LOG_HELD

    path = chosen.state_dir / DATABASE
    if not path.exists():
        yield Finding("storage", Status.OK, "no database yet; the broker makes one")
        return
    try:
        found = beside(path)
    except KrakenError as error:
        yield Finding("storage", Status.WARNING, str(error), "start the broker: it saves what can be read")
        return
    if found.rows:
        tables = ", ".join(sorted({row.table for row in found.rows}))
        text = f"{len(found.rows)} rows could not be read and were set aside ({tables}); the disk may be failing"
        yield Finding("storage", Status.WARNING, text, "kraken-hooks dead damaged lists them, --purge deletes them")
    if found.kept:
        size = sum(file.stat().st_size for file in found.kept) // 2**20
        text = f"{len(found.kept)} files of a damaged database are kept, {size} MB"
        yield Finding("storage", Status.WARNING, text, f"delete {path}.damaged-* when you need them no more")
    if found.log > LOG_HELD:
        text = f"the write-ahead log has {found.log // 2**20} MB: a program that reads the database for long keeps it"
        yield Finding("storage", Status.WARNING, text, f"see which, and end it: fuser -v {path}")
    if not found.rows and not found.kept and found.log <= LOG_HELD:
        yield Finding("storage", Status.OK, f"{path.name} can be read, nothing of it is set aside")


def _port(chosen: Settings) -> Iterator[Finding]:
    address, _, port = chosen.grpc_host.rpartition(":")
    address = address.strip("[]")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, int(port)))
            listener.listen()
    except OSError as error:
        if _answers(address, port):
            yield Finding("port", Status.OK, f"a broker answers on {chosen.grpc_host}")
        else:
            remedy = f"see who holds it: ss -ltnp | grep {port}; or set KRAKENB_GRPC_HOST"
            yield Finding("port", Status.PROBLEM, f"cannot listen on {chosen.grpc_host}: {error.strerror}", remedy)
    else:
        yield Finding("port", Status.OK, f"{chosen.grpc_host} is free; no broker runs there")


def _answers(address: str, port: str) -> bool:
    """Whether a broker that is well listens there."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    here = {"::": "[::1]", "0.0.0.0": "127.0.0.1"}  # noqa: S104  # every address of this machine includes this one
    target = here.get(address, f"[{address}]" if ":" in address else address)
    with grpc.insecure_channel(f"{target}:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=_HEALTH_TIME)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _lockdown(chosen: Settings) -> Iterator[Finding]:
    """Start a worker and ask it."""
    from kraken_hooks.rehearsal import try_lockdown

    try:
        ready = asyncio.run(try_lockdown(chosen))
    except KrakenError as error:
        yield Finding("lock-down", Status.PROBLEM, str(error), error.remedy)
        return
    if ready.closed:
        yield Finding("lock-down", Status.OK, ", ".join(ready.closed))
    for part in ready.missing:
        status = Status.PROBLEM if chosen.require_lockdown else Status.WARNING
        yield Finding("lock-down", status, part, "use a kernel that has it; until then the other walls hold hooks")


def _sinks(chosen: Settings) -> Iterator[Finding]:
    """Whether the server of each configured sink accepts a connection. Passwords and tokens are not tried."""
    from kraken_hooks.sinks.registry import SINKS

    for kind in SINKS:
        section = chosen.sections.get(kind.name)
        if kind.open is None or section is None or kind.missing(section):
            continue
        if kind.name in _NAMED_BY_HOOKS:
            yield Finding("sinks", Status.OK, f"{kind.name} is configured; hooks name its servers, none is tried")
            continue
        try:
            sink = kind.open(section, "")
            try:
                reachable = sink.reachable()
            finally:
                sink.close()
        except Exception as error:  # whatever a client library makes of its settings is a finding too
            reachable, text = False, f"{kind.name} cannot be opened: {type(error).__name__}"
        else:
            text = f"the server of {kind.name} accepts " + ("connections" if reachable else "no connection")
        if reachable:
            yield Finding("sinks", Status.OK, text)
        else:
            remedy = f"see its address and that it runs, KRAKENB_{kind.name.upper()}_...; until then its effects wait"
            yield Finding("sinks", Status.WARNING, text, remedy)


def _notifications(chosen: Settings) -> Iterator[Finding]:
    """Whether a change in a directory is told."""
    import threading

    from watchdog.events import FileSystemEventHandler
    from watchdog.observers import Observer

    class Heard(FileSystemEventHandler):
        def __init__(self) -> None:
            self.event = threading.Event()

        def on_any_event(self, event: object) -> None:
            self.event.set()

    heard = Heard()
    with tempfile.TemporaryDirectory() as directory:
        try:
            observer = Observer()
            observer.schedule(heard, directory)
            observer.start()
            Path(directory, "new.py").touch()
            told = heard.event.wait(1.0)
            observer.stop()
            observer.join()
            reason = "a change was not told"
        except OSError as error:
            told, reason = False, str(error.strerror)
    if told:
        yield Finding("notifications", Status.OK, "changed hook files are noticed at once")
    else:
        remedy = "raise fs.inotify.max_user_instances and max_user_watches (sysctl)"
        text = f"no inotify ({reason}): changed hook files are noticed within some seconds"
        yield Finding("notifications", Status.WARNING, text, remedy)


_CHECKS: Final[tuple[Callable[[Settings], Iterator[Finding]], ...]] = (
    _settings,
    _hooks,
    _state,
    _storage,
    _port,
    _lockdown,
    _sinks,
    _notifications,
)
