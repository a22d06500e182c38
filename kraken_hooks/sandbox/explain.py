"""What a hook raised, told with lines of the hook file alone. Runs in the worker, under the hook's time limit."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Final

from kraken_hooks.api.run import HOOK_MARK
from kraken_hooks.outcome import RunError, well_formed

#: Longest message of an error, characters.
_MESSAGE: Final = 2_000
#: The message of a MemoryError.
_MEMORY: Final = "more memory than the hooks of a worker may use (KRAKENB_HOOK_MEMORY_MB)"
#: Longest line of the hook file that is shown, and longest name, characters.
_LINE: Final = 200
_NAME: Final = 100
#: Most frames shown: the first ones and the last ones.
_FIRST, _LAST = 5, 15
#: Most causes shown of an error that was raised because of others.
_CAUSES: Final = 3


def explain(error: BaseException) -> RunError:
    """Type, message, line in the hook file and a traceback without the broker's own frames."""
    frames = _frames(error.__traceback__)
    return RunError(type(error).__name__[:_NAME], _message(error), frames[-1][1] if frames else 0, _told(error, frames))


#: (file, line, function, source of the line)
_Frame = tuple[str, int, str, str]


def _frames(trace: TracebackType | None) -> list[_Frame]:
    found = []
    for frame, line in traceback.walk_tb(trace):
        source = frame.f_globals.get(HOOK_MARK)
        if isinstance(source, list):
            text = source[line - 1].strip()[:_LINE] if 0 < line <= len(source) else ""
            found.append((frame.f_code.co_filename, line, frame.f_code.co_name[:_NAME], text))
    return found


def _told(error: BaseException, frames: list[_Frame]) -> str:
    parts: list[str] = []
    cause: BaseException | None = error
    for _ in range(_CAUSES):
        if cause is None:
            break
        parts.append(_one(cause, _frames(cause.__traceback__) if parts else frames))
        because = cause.__cause__
        cause = because if because is not None else None if cause.__suppress_context__ else cause.__context__
    return "\n\nwhich came while handling, or from:\n\n".join(parts)


def _one(error: BaseException, frames: list[_Frame]) -> str:
    lines = ["Traceback (most recent call last):"] if frames else []
    cut = len(frames) - _FIRST - _LAST
    for place, (file, line, function, text) in enumerate(frames):
        if cut > 0 and _FIRST <= place < _FIRST + cut:
            if place == _FIRST:
                lines.append(f"  … {cut} more calls …")
            continue
        lines.append(f'  File "{file}", line {line}, in {function}')
        if text:
            lines.append(f"    {text}")
    return "\n".join([*lines, f"{type(error).__name__[:_NAME]}: {_message(error)}"])


def _message(error: BaseException) -> str:
    try:
        text = str.__str__(str(error))  # the author's own text may be of the author's own class
    except Exception as own:  # the author's own __str__ may do anything
        text = f"(its text cannot be made: {type(own).__name__})"
    if not text and type(error) is MemoryError:
        return _MEMORY  # Python says nothing
    if len(text) > _MESSAGE:
        text = text[:_MESSAGE] + "…"
    return well_formed(text)
