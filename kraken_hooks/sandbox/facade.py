"""Modules as hooks see them: objects that hold the permitted names and nothing else, not the modules themselves.

A module's own imports are the classic way out of a sandbox, so no module object is ever handed to a hook.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn


class Facade:
    """A module's permitted names as attributes. It has no `__name__`, so that `from x import y` never falls back to the
    interpreter's own table of modules.
    """

    def __init__(self, module: str, names: Mapping[str, object]) -> None:
        self.__dict__.update(names)
        self.__dict__["__module_name__"] = module  # no hook can write this name

    def __getattr__(self, name: str) -> NoReturn:
        module = object.__getattribute__(self, "__dict__")["__module_name__"]
        raise AttributeError(f"{module} has no {name} for hooks")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise TypeError("a hook cannot change a module")

    def __delattr__(self, name: str) -> NoReturn:
        raise TypeError("a hook cannot change a module")

    def __repr__(self) -> str:
        return "<module for hooks>"
