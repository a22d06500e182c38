"""`str.format` and `str.format_map` for hooks: the same, but attributes are read through the guard."""

from __future__ import annotations

import string
from _string import formatter_field_name_split, formatter_parser  # the parser that str.format itself uses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

_plain_format: Final = str.format
_plain_format_map: Final = str.format_map


class GuardedFormat:
    """The two methods for one `read`, the guarded getattr."""

    def __init__(self, read: Callable[[object, str], object]) -> None:
        def guarded_format(template: str, /, *args: Any, **values: Any) -> str:
            text = _exact(template)
            if _reads_attributes(text):
                return _Formatter(read).vformat(text, args, values)
            return _plain_format(text, *args, **values)

        def guarded_format_map(template: str, mapping: Mapping[str, Any], /) -> str:
            text = _exact(template)
            if _reads_attributes(text):
                return _Formatter(read).vformat(text, (), mapping)
            return _plain_format_map(text, mapping)

        self.format = guarded_format
        self.format_map = guarded_format_map


class _Formatter(string.Formatter):
    """For one template."""

    def __init__(self, read: Callable[[object, str], object]) -> None:
        self._read = read
        self._next = 0
        self._manual = False

    def parse(self, format_string: Any) -> Iterator[Any]:
        """Fields without a number get theirs here: string.Formatter knows `{}`, but not `{.name}` and `{[0]}`."""
        for literal, field, spec, conversion in super().parse(format_string):
            yield literal, field if field is None else self._numbered(field), spec, conversion

    def _numbered(self, field: str) -> str:
        first, _ = formatter_field_name_split(field)
        if first == "":
            if self._manual:
                raise ValueError("cannot switch from manual field specification to automatic field numbering")
            self._next += 1
            return f"{self._next - 1}{field}"
        if isinstance(first, int):
            if self._next:
                raise ValueError("cannot switch from automatic field numbering to manual field specification")
            self._manual = True
        return field

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        first, rest = formatter_field_name_split(field_name)
        value = self.get_value(first, args, kwargs)
        for is_attribute, key in rest:
            value = self._read(value, key) if is_attribute else value[key]
        return value, first


def _exact(template: object) -> str:
    if not isinstance(template, str):
        raise TypeError(f"str.format needs a str, not {type(template).__name__}")
    return str.__str__(template)


def _reads_attributes(template: str) -> bool:
    """Whether any field of the template, those in format specs too, reads an attribute."""
    if "." not in template:
        return False
    for _, field, spec, _ in formatter_parser(template):
        if field and any(is_attribute for is_attribute, _ in formatter_field_name_split(field)[1]):
            return True
        if spec and _reads_attributes(spec):
            return True
    return False
