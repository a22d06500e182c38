"""The routing table: a message's collector, content type and metadata to the hooks that want it. Pure and immutable.

Whatever depends on collector and content type alone is worked out once for each pair that comes along and kept; so a
message costs one look-up, however many hooks there are. Hooks with metadata patterns are indexed by exact value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kraken_hooks.outcome import HookSpec
from kraken_hooks.routing.patterns import Matcher, as_text, compile_any, field_matches, is_exact, lookup

#: Where a hook stands when hooks are asked for a reply: order, file name, place in the file.
Rank = tuple[float, str, int]

#: Pairs of collector and content type that are remembered, and longest pair, characters.
_REMEMBERED: Final = 4096
_LONGEST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Match:
    """The hooks of one file that want a message: function names in the order in which they are asked, and their ranks by
    full name.
    """

    file: str
    hooks: tuple[str, ...]
    ranks: dict[str, Rank]


@dataclass(frozen=True, slots=True)
class _Hook:
    file: str
    name: str
    rank: Rank
    collector: Matcher | None
    content_type: Matcher | None
    metadata: dict[str, list[object]]


@dataclass(frozen=True, slots=True)
class _Route:
    """What is known for one collector and content type. `always`: the match of the hooks that look at no metadata.

    `exact`: path, then value, to the hooks for which that value is asked; `other`: hooks with other metadata patterns.
    """

    hooks: tuple[_Hook, ...]
    always: tuple[Match, ...]
    exact: dict[str, dict[str, list[_Hook]]]
    other: tuple[_Hook, ...]


class RoutingTable:
    """`files`: the hooks of each file, in the order in which they stand there."""

    def __init__(self, files: Mapping[str, Sequence[HookSpec]]) -> None:
        self._files = dict(files)
        self._hooks = [hook for file, specs in self._files.items() for hook in _compile(file, specs)]
        self._routes: dict[tuple[str, str], _Route] = {}

    def with_file(self, file: str, specs: Sequence[HookSpec]) -> RoutingTable:
        return RoutingTable({**self._files, file: specs})

    def without_file(self, file: str) -> RoutingTable:
        return RoutingTable({name: specs for name, specs in self._files.items() if name != file})

    def match(self, collector: str, content_type: str, metadata: str) -> tuple[Match, ...]:
        """The hooks that want a message, grouped by file. `metadata` is a JSON object as text, or empty."""
        route = self._routes.get((collector, content_type))
        if route is None:
            route = self._find(collector, content_type)
        if not route.exact and not route.other:
            return route.always
        document = _read(metadata)
        wanting = [hook for hook in _candidates(route, document) if _metadata_matches(hook, document)]
        if not wanting:
            return route.always
        return _group([*(hook for hook in route.hooks if not hook.metadata), *wanting])

    def _find(self, collector: str, content_type: str) -> _Route:
        """The route of a pair, worked out and remembered."""
        hooks = tuple(
            hook
            for hook in self._hooks
            if (hook.collector is None or hook.collector(collector))
            and (hook.content_type is None or hook.content_type(content_type))
        )
        route = _make_route(hooks)
        if len(collector) + len(content_type) <= _LONGEST:
            if len(self._routes) >= _REMEMBERED:
                self._routes.clear()
            self._routes[collector, content_type] = route
        return route


def _read(metadata: str) -> object:
    if not metadata:
        return {}
    try:
        return json.loads(metadata)
    except RecursionError:  # nested deeper than Python reads; the door's parser goes some levels deeper
        return {}


def _compile(file: str, specs: Sequence[HookSpec]) -> Iterable[_Hook]:
    for place, spec in enumerate(specs):
        yield _Hook(
            file,
            spec.name,
            (spec.order, file, place),
            None if spec.collector is None else compile_any(spec.collector),
            None if spec.content_type is None else compile_any(spec.content_type),
            spec.metadata,
        )


def _make_route(hooks: tuple[_Hook, ...]) -> _Route:
    exact: dict[str, dict[str, list[_Hook]]] = {}
    other = []
    for hook in hooks:
        if not hook.metadata:
            continue
        path = next((path for path, patterns in hook.metadata.items() if all(map(is_exact, patterns))), None)
        if path is None:
            other.append(hook)
            continue
        for value in {str(pattern) for pattern in hook.metadata[path]}:
            exact.setdefault(path, {}).setdefault(value, []).append(hook)
    always = _group([hook for hook in hooks if not hook.metadata])
    return _Route(hooks, always, exact, tuple(other))


def _candidates(route: _Route, document: object) -> Iterable[_Hook]:
    yield from route.other
    for path, by_value in route.exact.items():
        text = as_text(lookup(document, path))
        if text is not None:
            yield from by_value.get(text, ())


def _metadata_matches(hook: _Hook, document: object) -> bool:
    return all(field_matches(patterns, lookup(document, path)) for path, patterns in hook.metadata.items())


def _group(hooks: Sequence[_Hook]) -> tuple[Match, ...]:
    """By file; files in the order in which their first hook is asked."""
    files: dict[str, list[_Hook]] = {}
    for hook in sorted(hooks, key=lambda hook: hook.rank):
        files.setdefault(hook.file, []).append(hook)
    return tuple(
        Match(
            file,
            tuple(hook.name for hook in members),
            {f"{file}:{hook.name}": hook.rank for hook in members},
        )
        for file, members in files.items()
    )
