"""`@on(...)`: which messages a function wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Final, TypeVar

from kraken_hooks.api.msg import Msg
from kraken_hooks.api.plain import number, plain, text
from kraken_hooks.errors import HookUsageError
from kraken_hooks.outcome import HookSpec

_Hook = TypeVar("_Hook", bound=Callable[[Any], object])

Patterns = str | list[str] | tuple[str, ...] | None
Pattern = str | int | float | bool | None
Fields = dict[str, Pattern | list[Pattern] | tuple[Pattern, ...]] | None

#: Most hooks of one file, most patterns of one hook, and longest text of a pattern or path, characters.
MAX_HOOKS: Final = 1_000
MAX_PATTERNS: Final = 1_000
MAX_PATTERN: Final = 1_000

_VARARGS: Final = 0x04  # inspect.CO_VARARGS
_GENERATOR: Final = 0x20  # inspect.CO_GENERATOR


@dataclass(slots=True)
class Registered:
    """A hook of a file that is being loaded."""

    spec: HookSpec
    function: Callable[[Msg], object]
    when: Callable[[Msg], object] | None


@dataclass(slots=True)
class Registry:
    """The hooks of one hook file, in the order in which they stand there."""

    hooks: list[Registered] = field(default_factory=list)


_loading: Registry | None = None


def loading(registry: Registry | None) -> None:
    """From now on `@on` registers here; None: nowhere, as in an author's own tests."""
    global _loading
    _loading = registry


def on(
    *unnamed: object,
    collector: Patterns = None,
    content_type: Patterns = None,
    metadata: Fields = None,
    payload: Fields = None,
    when: Callable[[Msg], object] | None = None,
    order: float = 0,
    **unknown: object,
) -> Callable[[_Hook], _Hook]:
    """Run the function below for every message that fits all that is given; without arguments, for every message.

    Args:
        collector: name of the collector, exact or with `*`, `?`, `[…]`; a list means any of them.
        content_type: the same for the content type.
        metadata: `{"dotted.path": pattern}` into the message's metadata; text patterns as above, other values are equal.
        payload: the same into the payload where it is JSON; a payload that is not JSON does not match.
        when: a function of the message; the hook runs where it returns something true.
        order: hooks are asked for a reply from the lowest to the highest, then by file name, then by place in the file.

    Raises:
        HookUsageError: an argument is not of that form. Shown when the file is loaded.
    """
    if unnamed:
        raise HookUsageError(
            "write @on() with parentheses"
            if callable(unnamed[0])
            else 'write what it is, such as @on(collector="mqtt")'
        )
    if unknown:
        raise HookUsageError(
            f"on() got an unexpected keyword argument {next(iter(unknown))!r}; "
            "it knows collector=, content_type=, metadata=, payload=, when=, order="
        )
    if when is not None and not callable(when):
        raise HookUsageError(f"when= must be a function of the message, not {type(when).__name__}")
    if isinstance(when, FunctionType) and not _takes_one(when):
        raise HookUsageError("when= must be a function of the message: when=lambda msg: …")
    collectors = _patterns("collector", collector)
    content_types = _patterns("content_type", content_type)
    in_metadata = _fields("metadata", metadata)
    in_payload = _fields("payload", payload)
    place = float(number(order, "order="))
    _check_amount(collectors, content_types, in_metadata, in_payload)

    def register(function: _Hook) -> _Hook:
        if not isinstance(function, FunctionType):
            raise HookUsageError("@on(...) stands above a function: def name(msg):")
        _check_signature(function)
        if _loading is not None:
            name = function.__name__
            if len(_loading.hooks) == MAX_HOOKS:
                raise HookUsageError(f"a hook file has at most {MAX_HOOKS} hooks")
            if any(known.spec.name == name for known in _loading.hooks):
                raise HookUsageError(f"two hooks of this file are called {name}; give one another name")
            spec = HookSpec(
                name=name,
                line=function.__code__.co_firstlineno,
                collector=collectors,
                content_type=content_types,
                metadata=in_metadata,
                payload=in_payload,
                has_when=when is not None,
                order=place,
            )
            _loading.hooks.append(Registered(spec, function, when))
        return function

    return register


def _check_signature(function: FunctionType) -> None:
    if not _takes_one(function):
        raise HookUsageError(f"a hook takes the message and nothing else: def {function.__name__}(msg):")
    if function.__code__.co_flags & _GENERATOR:
        raise HookUsageError(f"{function.__name__} contains yield; a hook returns its reply")


def _takes_one(function: FunctionType) -> bool:
    """Whether it can be called with one argument."""
    code = function.__code__
    required = code.co_argcount - len(function.__defaults__ or ())
    takes_one = code.co_argcount >= 1 or bool(code.co_flags & _VARARGS)
    needs_keywords = code.co_kwonlyargcount > len(function.__kwdefaults__ or {})
    return takes_one and required <= 1 and not needs_keywords


def _patterns(name: str, given: Patterns) -> list[str] | None:
    if given is None:
        return None
    many = [given] if isinstance(given, str) else given
    if not isinstance(many, list | tuple) or not many:  # type: ignore[redundant-expr]  # what an author writes is not checked
        raise HookUsageError(f"{name}= takes a text or a list of texts, not {given!r:.80}")
    return [text(one, f"{name}=") for one in many]


def _check_amount(
    collectors: list[str] | None, content_types: list[str] | None, *fields: dict[str, list[object]]
) -> None:
    patterns: list[object] = [*(collectors or ()), *(content_types or ())]
    for wanted in fields:
        patterns += wanted
        for values in wanted.values():
            patterns += values
    if len(patterns) > MAX_PATTERNS:
        raise HookUsageError(f"a hook has at most {MAX_PATTERNS} patterns; say the rest with when=")
    for pattern in patterns:
        if isinstance(pattern, str) and len(pattern) > MAX_PATTERN:
            raise HookUsageError(f"a pattern has at most {MAX_PATTERN} characters")


def _fields(name: str, given: Fields) -> dict[str, list[object]]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise HookUsageError(f'{name}= takes {{"dotted.path": pattern}}, not {given!r:.80}')
    return {text(path, f"a path in {name}="): _field(f"{name}=", value) for path, value in given.items()}


def _field(name: str, given: object) -> list[object]:
    many = list(given) if isinstance(given, list | tuple) else [given]
    if not many:
        raise HookUsageError(f"{name}: an empty list matches nothing")
    for one in many:
        if not (one is None or isinstance(one, str | int | float | bool)):
            raise HookUsageError(f"{name}: a pattern is text, a number, True, False or None, not {one!r:.80}")
    return [plain(one, name) for one in many]
