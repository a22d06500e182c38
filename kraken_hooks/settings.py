"""All settings, read once from the environment at start; nothing reads the environment after that.

Every variable `NAME` may come as `NAME_FILE` (a path to a file that holds the value) or as a systemd credential called
like the variable. All problems are collected and raised together, each naming the variable that the user typed.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from kraken_hooks.errors import SettingsError

_PREFIX: Final = "KRAKENB_"
_DEFAULT_PORT: Final = 50051
#: Of a file that holds a value, characters: a list of all authorities fits.
_LONGEST_FILE: Final = 2**20
#: In place of a number of workers: each hook file has one of its own.
PER_FILE: Final = "per-file"

_Value = TypeVar("_Value")
_Default = TypeVar("_Default")
_Choice = TypeVar("_Choice", bound=str)


# ── what a section is made of ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SecretStr:
    """A text that is never shown."""

    _text: str = field(repr=False)

    def get_secret_value(self) -> str:
        return self._text


@dataclass(frozen=True, slots=True)
class Section:
    """Settings of one part, a sink say: a frozen dataclass whose fields are made by `variable`."""

    def problems(self) -> list[str]:
        """What no field shows alone, one line each, naming a variable."""
        return []


@dataclass(frozen=True, slots=True)
class _Variable:
    names: tuple[str, ...]
    parse: Callable[[str], object]
    default: object
    help: str


def variable(
    name: str,
    parse: Callable[[str], _Value],
    *,
    default: _Default,
    help: str,  # noqa: A002  # as in click
    aliases: tuple[str, ...] = (),
) -> _Value | _Default:
    """A field that is read from the environment variable `name`. `aliases`: other names that old files use.

    `parse` makes the value of the text; it raises ValueError with the reason where it cannot, which shows no secret.
    """
    made: Any = field(default=default, metadata={"variable": _Variable((name, *aliases), parse, default, help)})
    return made  # type: ignore[no-any-return]  # what a dataclass makes of it


def flag(text: str) -> bool:
    word = text.lower()
    if word in ("1", "true", "t", "yes", "y", "on"):
        return True
    if word in ("0", "false", "f", "no", "n", "off"):
        return False
    raise ValueError("must be true or false")


def whole(low: int, high: float = math.inf) -> Callable[[str], int]:
    """A whole number in this range."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError("must be a whole number") from None
        _check_range(value, low, high)
        return value

    return parse


def number(low: float, high: float) -> Callable[[str], float]:
    """A number in this range."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError("must be a number") from None
        _check_range(value, low, high)
        return value

    return parse


def _check_range(value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # true for nan too
        raise ValueError(f"must be {low} or more" if high == math.inf else f"must lie between {low} and {high}")


def one_of(*choices: _Choice) -> Callable[[str], _Choice]:
    """One of these words."""

    def parse(text: str) -> _Choice:
        for choice in choices:
            if text == choice:
                return choice
        raise ValueError("must be " + " or ".join(map(repr, choices)))

    return parse


# ── the broker's own ───────────────────────────────────────────────────────────────────────────────────────────────


def _listening(host: str) -> str:
    """With a port."""
    address, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        return f"{host}:{_DEFAULT_PORT}"
    bare = ":" in address and not (address.startswith("[") and address.endswith("]"))
    if bare or not port.isdecimal() or len(port) > 5 or int(port) > 65_535:
        raise ValueError("write it as address:port, such as 0.0.0.0:50051 or [::]:50051")
    return f"{address or '[::]'}:{port}"


def _workers(text: str) -> int | None:
    if text == PER_FILE:
        return None
    try:
        int(text)
    except ValueError:
        raise ValueError(f"must be a whole number, or {PER_FILE}") from None
    return whole(0, 64)(text)


@dataclass(frozen=True, slots=True)
class Core(Section):
    """The broker's own settings."""

    grpc_host: str = variable(
        "KRAKENB_GRPC_HOST", _listening, default="[::]:50051", help="address and port to listen on"
    )
    debug: bool = variable("KRAKENB_DEBUG", flag, default=False, help="log debug lines too, one for each message")
    hooks_dir: Path = variable(
        "KRAKENB_HOOKS_DIR", Path, default=Path("/etc/kraken/hooks"), help="directory of hook files"
    )
    state_dir: Path | None = variable(
        "KRAKENB_STATE_DIR", Path, default=None, help="directory for all that must survive a restart"
    )
    workers: int | None = variable(
        "KRAKENB_WORKERS",
        _workers,
        default=0,
        help="worker processes that hook files share; 0: by cores; per-file: one for each hook file",
    )
    reply_wait: float = variable(
        "KRAKENB_REPLY_WAIT", number(0.01, 60), default=0.25, help="seconds until a slow message is acknowledged"
    )
    hook_timeout: float = variable(
        "KRAKENB_HOOK_TIMEOUT", number(0.05, 300), default=2.0, help="seconds that one run of a hook may take"
    )
    hook_memory_mb: int = variable(
        "KRAKENB_HOOK_MEMORY_MB", whole(16, 16_384), default=128, help="memory that hooks of a worker may use, MB"
    )
    require_lockdown: bool = variable(
        "KRAKENB_REQUIRE_LOCKDOWN",
        flag,
        default=False,
        help="do not start where the kernel cannot lock workers down in full",
    )
    query_timeout: float = variable(
        "KRAKENB_QUERY_TIMEOUT", number(0.05, 300), default=1.0, help="seconds that one query of a hook may take"
    )
    outbox_max_mb: int = variable(
        "KRAKENB_OUTBOX_MAX_MB", whole(1, 1_048_576), default=1024, help="bound of inbox and outbox on disk, MB"
    )
    outbox_full: Literal["refuse", "drop-oldest"] = variable(
        "KRAKENB_OUTBOX_FULL",
        one_of("refuse", "drop-oldest"),
        default="refuse",
        help="what happens at the bound: refuse calls, or drop the oldest effects",
    )
    outbox_drop: str = variable(
        "KRAKENB_OUTBOX_DROP",
        str,
        default="influxdb,websocket",
        help="sinks whose effects drop-oldest may drop, with commas",
    )
    store_max_days: float = variable(
        "KRAKENB_STORE_MAX_DAYS",
        number(0, 36_500),
        default=400,
        help="days that values of the store are kept; 0: no limit",
    )
    store_max_mb: int = variable(
        "KRAKENB_STORE_MAX_MB", whole(0, 1_048_576), default=2048, help="size of the store on disk, MB; 0: no limit"
    )
    dead_max_days: float = variable(
        "KRAKENB_DEAD_MAX_DAYS", number(0, 36_500), default=90, help="days that dead letters are kept; 0: no limit"
    )
    dead_max_mb: int = variable(
        "KRAKENB_DEAD_MAX_MB", whole(0, 1_048_576), default=256, help="size of all dead letters, MB; 0: no limit"
    )
    durability: Literal["safe", "relaxed"] = variable(
        "KRAKENB_DURABILITY",
        one_of("safe", "relaxed"),
        default="safe",
        help="safe: on disk before the answer; relaxed: within half a minute",
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """What the broker runs with. Times in seconds. `sections`: settings of the sinks, by name.

    `workers` of None: each hook file has a worker of its own.
    """

    grpc_host: str
    debug: bool
    hooks_dir: Path
    state_dir: Path
    workers: int | None
    reply_wait: float
    hook_timeout: float
    query_timeout: float
    hook_memory_mb: int
    require_lockdown: bool
    outbox_max_mb: int
    outbox_full: Literal["refuse", "drop-oldest"] = "refuse"
    outbox_drop: frozenset[str] = frozenset()
    store_max_days: float = 0
    store_max_mb: int = 0
    dead_max_days: float = 0
    dead_max_mb: int = 0
    durability: Literal["safe", "relaxed"] = "safe"
    sections: dict[str, Section] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VariableInfo:
    """One variable, for the documentation."""

    name: str
    default: str
    help: str


def read(
    environment: Mapping[str, str], sections: Mapping[str, type[Section]], overrides: Mapping[str, str] | None = None
) -> Settings:
    """All settings. `overrides` (by variable's name) win over the environment.

    Raises:
        SettingsError: with every problem, one line each.
    """
    problems: list[str] = []
    names = _names((Core, *sections.values()))
    values = _collect(names, environment, overrides or {}, problems)
    core = _make(Core, values, problems)
    made = {key: _make(kind, values, problems) for key, kind in sections.items()}
    assert isinstance(core, Core)
    droppable = frozenset(name.strip() for name in core.outbox_drop.split(",") if name.strip())
    if "KRAKENB_OUTBOX_DROP" in values:
        problems += [
            f"KRAKENB_OUTBOX_DROP: there is no sink {name!r}; there are {', '.join(sorted(sections))}"
            for name in droppable - sections.keys()
        ]
    if problems:
        raise SettingsError(sorted(problems))
    return Settings(
        grpc_host=core.grpc_host,
        debug=core.debug,
        hooks_dir=core.hooks_dir,
        state_dir=core.state_dir or _default_state_dir(environment),
        workers=min(4, os.cpu_count() or 1) if core.workers == 0 else core.workers,
        reply_wait=core.reply_wait,
        hook_timeout=core.hook_timeout,
        query_timeout=core.query_timeout,
        hook_memory_mb=core.hook_memory_mb,
        require_lockdown=core.require_lockdown,
        outbox_max_mb=core.outbox_max_mb,
        outbox_full=core.outbox_full,
        outbox_drop=droppable,
        store_max_days=core.store_max_days,
        store_max_mb=core.store_max_mb,
        dead_max_days=core.dead_max_days,
        dead_max_mb=core.dead_max_mb,
        durability=core.durability,
        sections=made,
        unknown=_unknown(environment, names),
    )


def variables(sections: Mapping[str, type[Section]]) -> list[VariableInfo]:
    """Every variable there is."""
    kinds: list[type[Section]] = [Core, *sections.values()]
    return [
        VariableInfo(known.names[0], str(known.default), known.help)
        for kind in kinds
        for known in _variables(kind).values()
    ]


# ── where values come from ─────────────────────────────────────────────────────────────────────────────────────────


def _collect(
    names: list[str], environment: Mapping[str, str], overrides: Mapping[str, str], problems: list[str]
) -> dict[str, str]:
    """The text of every variable that is set. An empty value counts as not set."""
    credentials = environment.get("CREDENTIALS_DIRECTORY", "")
    found = {}
    for name in names:
        path = environment.get(f"{name}_FILE", "")
        if name in overrides:
            found[name] = overrides[name]
        elif environment.get(name) and path:
            problems.append(f"{name}: set, and {name}_FILE too; keep one of them")
        elif environment.get(name):
            found[name] = environment[name]
        elif path:
            _read_file(name, Path(path), found, problems)
        elif credentials:
            for candidate in (Path(credentials, name), Path(credentials, name.lower())):
                if os.path.isfile(candidate):  # noqa: PTH113  # false too for a path that the system cannot take
                    _read_file(name, candidate, found, problems)
                    break
    return found


def _read_file(name: str, path: Path, found: dict[str, str], problems: list[str]) -> None:
    shown = str(path) if str(path).isprintable() else repr(str(path))  # a problem is one line
    try:
        with path.open() as file:
            text = file.read(_LONGEST_FILE + 1)
    except OSError as error:
        problems.append(f"{name}_FILE: {shown} cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        problems.append(f"{name}_FILE: {shown} is not text")
    else:
        if len(text) > _LONGEST_FILE:
            problems.append(f"{name}_FILE: {shown} has more than {_LONGEST_FILE >> 20} MiB")
        elif value := text.rstrip("\r\n"):
            found[name] = value


def _make(kind: type[Section], values: Mapping[str, str], problems: list[str]) -> Section:
    """The section; a field whose value is a problem has its default."""
    made: dict[str, object] = {}
    for name, known in _variables(kind).items():
        given = next((name for name in known.names if name in values), None)
        if given is None:
            continue
        try:
            made[name] = known.parse(values[given])
        except ValueError as error:
            problems.append(f"{given}: {error}")
    section = kind(**made)
    problems += section.problems()
    return section


# ── names ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _variables(kind: type[Section]) -> dict[str, _Variable]:
    """By field."""
    return {field.name: field.metadata["variable"] for field in dataclasses.fields(kind)}


def _names(kinds: Iterable[type[Section]]) -> list[str]:
    return [name for kind in kinds for known in _variables(kind).values() for name in known.names]


def _unknown(environment: Mapping[str, str], names: list[str]) -> tuple[str, ...]:
    """KRAKENB_ variables that nobody reads, each with the name that may be meant."""
    known = {*names, *(f"{name}_FILE" for name in names)}
    endings = [name.removeprefix(_PREFIX) for name in names]
    found = []
    for name in sorted(set(environment) - known):
        if name.startswith(_PREFIX):
            meant = difflib.get_close_matches(name.removeprefix(_PREFIX), endings, n=1)
            found.append(f"{name} (did you mean {_PREFIX}{meant[0]}?)" if meant else name)
    return tuple(found)


def _default_state_dir(environment: Mapping[str, str]) -> Path:
    """systemd's StateDirectory, else the user's."""
    given = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    try:
        return Path.home() / ".local" / "state" / "kraken"
    except RuntimeError:
        raise SettingsError(["KRAKENB_STATE_DIR: set it; this user has no home directory"]) from None
