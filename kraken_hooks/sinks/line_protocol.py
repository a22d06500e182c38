r"""InfluxDB's line protocol: one point, one line. Pure.

By InfluxDB's reference of it, and by what its parser does: names and tags know no quotes, only a backslash before comma, equals
sign and space. So three things cannot be written as they are and stand as the nearest that can: a control character as its
escape (`\n`), a backslash before one of the three, a quote or the end as `/`, an empty tag not at all.
"""

from __future__ import annotations

import re
from typing import Final

from kraken_hooks.api.influxdb import WriteArgs

_CONTROLS: Final = {code: repr(chr(code))[1:-1] for code in (*range(0x20), 0x7F)}
#: Measurements know an equals sign; a name of a tag or field, and a tag's value, do not.
_MEASUREMENT: Final = _CONTROLS | {ord(","): "\\,", ord(" "): "\\ "}
_KEY: Final = _MEASUREMENT | {ord("="): "\\="}
#: A backslash that its parser takes for the beginning, or for the end, of an escape.
_MISREAD: Final = re.compile(r'\\(?=[,= "]|\Z)')
_TEXT: Final = {ord('"'): '\\"', ord("\\"): "\\\\"}


def line(point: WriteArgs) -> str:
    """The line, without an end of line; time in nanoseconds. All numbers are floats, so that a field never changes its type."""
    series = _name(point.measurement, _MEASUREMENT)
    for name, value in sorted(point.tags.items()):
        if value:
            series += f",{_name(name, _KEY)}={_name(value, _KEY)}"
    fields = ",".join(f"{_name(name, _KEY)}={_value(value)}" for name, value in point.fields.items())
    return f"{series} {fields} {point.time}"


def _name(text: str, escapes: dict[int, str]) -> str:
    return _MISREAD.sub("/", text).translate(escapes)


def _value(value: float | str | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value.translate(_TEXT)}"'
    return repr(float(value))
