"""Patterns on text and on fields of JSON documents. Pure; used in the broker and in the workers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from enum import Enum
from functools import lru_cache
from typing import Final

#: Whether a text matches.
Matcher = Callable[[str], bool]

_SPECIAL: Final = re.compile(r"[*?\[]")


class _Missing(Enum):
    MISSING = 1


#: What `lookup` gives where the path leads nowhere; no pattern matches it.
MISSING: Final = _Missing.MISSING


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Matcher:
    """A matcher of the whole text, case and all: exact, or with `*` (anything), `?` (one character), `[abc]`, `[!abc]`.

    An opening bracket that is never closed stands for itself. The work is bounded by length of pattern times length of text.
    """
    if not _SPECIAL.search(pattern):
        return pattern.__eq__
    if pattern.strip("*") == "":
        return lambda _text: True
    body = pattern.rstrip("*")
    if body != pattern and not _SPECIAL.search(body):
        return lambda text: text.startswith(body)
    return _compile_glob(pattern)


def _compile_glob(pattern: str) -> Matcher:
    """Each part between stars is found at its first place after the part before; that is enough, and never backtracks."""
    first, *rest = [_compile_part(part) for part in _split_at_stars(pattern)]
    if not rest:
        return lambda text: first.fullmatch(text) is not None
    *middle, last = rest
    last_length = _length(pattern)

    def matches(text: str) -> bool:
        found = first.match(text)
        if found is None:
            return False
        at = found.end()
        for part in middle:
            found = part.search(text, at)
            if found is None:
                return False
            at = found.end()
        start = len(text) - last_length
        return start >= at and last.match(text, start) is not None

    return matches


def _split_at_stars(pattern: str) -> list[str]:
    """The parts between runs of stars; a star inside brackets is no star."""
    parts = [""]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        end = _bracket_end(pattern, at) if char == "[" else 0
        if char == "*":
            parts.append("")
            while at + 1 < len(pattern) and pattern[at + 1] == "*":
                at += 1
        elif end:
            parts[-1] += pattern[at : end + 1]
            at = end
        else:
            parts[-1] += char
        at += 1
    return parts


def _bracket_end(pattern: str, at: int) -> int:
    """Where the bracket that opens at `at` closes; 0 where it never does."""
    start = at + 1
    if pattern[start : start + 1] == "!":
        start += 1
    return max(pattern.find("]", start + 1), 0)  # a bracket right after the opening is a member


def _compile_part(part: str) -> re.Pattern[str]:
    """A part without stars, as a regular expression of fixed length."""
    made = []
    at = 0
    while at < len(part):
        char = part[at]
        end = _bracket_end(part, at) if char == "[" else 0
        if char == "?":
            made.append(".")
        elif end:
            made.append(_class(part[at + 1 : end]))
            at = end
        else:
            made.append(re.escape(char))
        at += 1
    return re.compile("".join(made), re.DOTALL)


def _class(members: str) -> str:
    """`abc`, `a-z` or `!abc` as a regular expression for one character."""
    negated = members.startswith("!")
    if negated:
        members = members[1:]
    ranges, at = [], 0
    while at < len(members):
        if at + 2 < len(members) and members[at + 1] == "-":
            low, high = members[at], members[at + 2]
            if low <= high:
                ranges.append(f"{re.escape(low)}-{re.escape(high)}")
            at += 3
        else:
            ranges.append(re.escape(members[at]))
            at += 1
    if not ranges:
        return "." if negated else r"(?!)"
    return f"[{'^' if negated else ''}{''.join(ranges)}]"


def _length(pattern: str) -> int:
    """Characters that the last part of a pattern matches."""
    last = _split_at_stars(pattern)[-1]
    length = at = 0
    while at < len(last):
        end = _bracket_end(last, at) if last[at] == "[" else 0
        at = (end or at) + 1
        length += 1
    return length


def compile_any(patterns: Sequence[str]) -> Matcher:
    """A matcher that is true where any of the patterns matches."""
    matchers = [compile_pattern(pattern) for pattern in patterns]
    if len(matchers) == 1:
        return matchers[0]
    return lambda text: any(matcher(text) for matcher in matchers)


def is_exact(pattern: object) -> bool:
    """A text pattern without wildcards."""
    return isinstance(pattern, str) and not _SPECIAL.search(pattern)


def lookup(document: object, path: str) -> object:
    """The value at a dotted path through dicts and lists (`readings.0.temp`), or MISSING.

    A key that holds dots itself is found by the rest of the path.
    """
    while True:
        if isinstance(document, dict):
            if path in document:
                return document[path]
            key, dot, path = path.partition(".")
            document = document.get(key, MISSING)
        elif isinstance(document, list):
            key, dot, path = path.partition(".")
            document = document[int(key)] if key.isdecimal() and int(key) < len(document) else MISSING
        else:
            return MISSING
        if not dot or document is MISSING:
            return document


def field_matches(patterns: Sequence[object], value: object) -> bool:
    """Whether a JSON value matches any of the patterns.

    A text pattern is held against a text, or against a number, true, false or null as JSON writes it; other patterns have
    to be equal (True is not 1).
    """
    if value is MISSING:
        return False
    text = as_text(value)
    for pattern in patterns:
        if isinstance(pattern, str):
            if text is not None and compile_pattern(pattern)(text):
                return True
        elif pattern == value and isinstance(pattern, bool) == isinstance(value, bool):
            return True
    return False


def as_text(value: object) -> str | None:
    """A JSON value as text patterns see it; None for a list or dict."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    return None
