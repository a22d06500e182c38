"""All settings, read once from the environment at start; nothing reads the environment after that.

Every variable `NAME` may come as `NAME_FILE` (a path to a file that holds the value) or as a systemd credential called
like the variable. All problems are collected and raised together, each naming the variable that the user typed.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from kraken_hooks.errors import SettingsError

_PREFIX: Final = "KRAKENB_"
_DEFAULT_PORT: Final = 50051
#: In place of a number of workers: each hook file has one of its own.
PER_FILE: Final = "per-file"


def variable(name: str, *, default: Any = ..., help: str, aliases: tuple[str, ...] = ()) -> Any:  # noqa: A002  # as in click
    """A field that is read from the environment variable `name`. `aliases`: other names that old files use."""
    return Field(default=default, description=help, validation_alias=AliasChoices(name, *aliases))


class Section(BaseModel):
    """Settings of one part, a sink say. Fields are made by `variable`; a SecretStr is never shown."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Core(Section):
    """The broker's own settings."""

    grpc_host: str = variable("KRAKENB_GRPC_HOST", default="[::]:50051", help="address and port to listen on")
    debug: bool = variable("KRAKENB_DEBUG", default=False, help="log debug lines too, one for each message")
    hooks_dir: Path = variable("KRAKENB_HOOKS_DIR", default=Path("/etc/kraken/hooks"), help="directory of hook files")
    state_dir: Path | None = variable(
        "KRAKENB_STATE_DIR", default=None, help="directory for all that must survive a restart"
    )
    workers: int | None = variable(
        "KRAKENB_WORKERS",
        default=0,
        help="worker processes that hook files share; 0: by cores; per-file: one for each hook file",
    )
    reply_wait: float = variable(
        "KRAKENB_REPLY_WAIT", default=0.25, help="seconds until a slow message is acknowledged"
    )
    hook_timeout: float = variable("KRAKENB_HOOK_TIMEOUT", default=2.0, help="seconds that one run of a hook may take")
    hook_memory_mb: int = variable(
        "KRAKENB_HOOK_MEMORY_MB", default=128, help="memory that hooks of a worker may use, MB"
    )
    require_lockdown: bool = variable(
        "KRAKENB_REQUIRE_LOCKDOWN", default=False, help="do not start where the kernel cannot lock workers down in full"
    )
    query_timeout: float = variable(
        "KRAKENB_QUERY_TIMEOUT", default=1.0, help="seconds that one query of a hook may take"
    )
    outbox_max_mb: int = variable("KRAKENB_OUTBOX_MAX_MB", default=1024, help="bound of inbox and outbox on disk, MB")
    outbox_full: Literal["refuse", "drop-oldest"] = variable(
        "KRAKENB_OUTBOX_FULL",
        default="refuse",
        help="what happens at the bound: refuse calls, or drop the oldest effects",
    )
    outbox_drop: str = variable(
        "KRAKENB_OUTBOX_DROP",
        default="influxdb,websocket",
        help="sinks whose effects drop-oldest may drop, with commas",
    )
    store_max_days: float = variable(
        "KRAKENB_STORE_MAX_DAYS", default=400, help="days that values of the store are kept; 0: no limit"
    )
    store_max_mb: int = variable(
        "KRAKENB_STORE_MAX_MB", default=2048, help="size of the store on disk, MB; 0: no limit"
    )
    dead_max_days: float = variable(
        "KRAKENB_DEAD_MAX_DAYS", default=90, help="days that dead letters are kept; 0: no limit"
    )
    dead_max_mb: int = variable("KRAKENB_DEAD_MAX_MB", default=256, help="size of all dead letters, MB; 0: no limit")
    durability: Literal["safe", "relaxed"] = variable(
        "KRAKENB_DURABILITY", default="safe", help="safe: on disk before the answer; relaxed: a little later"
    )

    @field_validator("grpc_host")
    @classmethod
    def _with_port(cls, host: str) -> str:
        address, colon, port = host.rpartition(":")
        if not colon or host.endswith("]"):
            return f"{host}:{_DEFAULT_PORT}"
        if not port.isdigit() or int(port) > 65_535:
            raise ValueError("write it as address:port, such as 0.0.0.0:50051 or [::]:50051")
        return f"{address or '[::]'}:{port}"

    @field_validator("workers", mode="before")
    @classmethod
    def _number_or_per_file(cls, value: Any) -> int | None:
        if value == PER_FILE:
            return None
        try:
            return int(value)
        except ValueError:
            raise ValueError(f"must be a whole number, or {PER_FILE}") from None

    @field_validator(
        "workers", "reply_wait", "hook_timeout", "query_timeout", "hook_memory_mb", "outbox_max_mb",
        "store_max_days", "store_max_mb", "dead_max_days", "dead_max_mb",
    )  # fmt: skip
    @classmethod
    def _in_range(cls, value: float | None, info: Any) -> float | None:
        low, high = _RANGES[info.field_name]
        if value is not None and not low <= value <= high:
            raise ValueError(f"must lie between {low:g} and {high:g}")
        return value


_RANGES: Final = {
    "workers": (0, 64),
    "reply_wait": (0.01, 60),
    "hook_timeout": (0.05, 300),
    "query_timeout": (0.05, 300),
    "hook_memory_mb": (16, 16_384),
    "outbox_max_mb": (1, 1_048_576),
    "store_max_days": (0, 36_500),
    "store_max_mb": (0, 1_048_576),
    "dead_max_days": (0, 36_500),
    "dead_max_mb": (0, 1_048_576),
}


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
    secret: bool


def read(
    environment: Mapping[str, str], sections: Mapping[str, type[Section]], overrides: Mapping[str, str] | None = None
) -> Settings:
    """All settings. `overrides` (by variable's name) win over the environment.

    Raises:
        SettingsError: with every problem, one line each.
    """
    problems: list[str] = []
    models: dict[str, type[Section]] = {"": Core, **sections}
    names = [name for model in models.values() for name in _names(model)]
    values = _collect(names, environment, overrides or {}, problems)
    made = {key: _make(model, values, problems) for key, model in models.items()}
    if problems:
        raise SettingsError(sorted(problems))
    core = made.pop("")
    assert isinstance(core, Core)
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
        outbox_drop=frozenset(name.strip() for name in core.outbox_drop.split(",") if name.strip()),
        store_max_days=core.store_max_days,
        store_max_mb=core.store_max_mb,
        dead_max_days=core.dead_max_days,
        dead_max_mb=core.dead_max_mb,
        durability=core.durability,
        sections={key: section for key, section in made.items() if section is not None},
        unknown=_unknown(environment, names),
    )


def variables(sections: Mapping[str, type[Section]]) -> list[VariableInfo]:
    """Every variable there is."""
    return [
        VariableInfo(_names_of(info)[0], str(info.default), info.description or "", _is_secret(info))
        for model in _models(sections)
        for info in model.model_fields.values()
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
        text = path.read_text().rstrip("\r\n")
    except OSError as error:
        problems.append(f"{name}_FILE: {shown} cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        problems.append(f"{name}_FILE: {shown} is not text")
    else:
        if text:
            found[name] = text


def _make(model: type[Section], values: Mapping[str, str], problems: list[str]) -> Section | None:
    """The section, through pydantic-settings with `values` as its only source."""
    own = {name: values[name] for name in _names(model) if name in values}

    class Reader(BaseSettings, model):  # type: ignore[misc, valid-type]  # pydantic-settings over a section's fields
        model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)  # type: ignore[assignment]  # its own dialect

        @classmethod
        def settings_customise_sources(  # type: ignore[override]  # the other sources are not asked
            cls,
            settings_cls: type[BaseSettings],
            **_: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (_Given(settings_cls, own),)

    try:
        return Reader()
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            message = problem["msg"].removeprefix("Value error, ")
            problems.append(f"{problem['loc'][0]}: {message[0].lower()}{message[1:]}")
        return None


class _Given(PydanticBaseSettingsSource):
    """Values that were collected before."""

    def __init__(self, settings_cls: type[BaseSettings], values: dict[str, str]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # the base's signature
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        return dict(self._values)


# ── names ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _models(sections: Mapping[str, type[Section]]) -> list[type[Section]]:
    return [Core, *sections.values()]


def _names(model: type[Section]) -> list[str]:
    return [name for info in model.model_fields.values() for name in _names_of(info)]


def _names_of(info: FieldInfo) -> list[str]:
    assert isinstance(info.validation_alias, AliasChoices), "a section's field is made by variable()"
    return [str(choice) for choice in info.validation_alias.choices]


def _is_secret(info: FieldInfo) -> bool:
    return info.annotation is SecretStr or SecretStr in get_args(info.annotation)


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
