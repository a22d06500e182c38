"""A test of this folder driven by coverage: `python tests/fuzz/guided.py FILE:TEST SECONDS`. Needs the extra `fuzz` (atheris)."""

from __future__ import annotations

import importlib
import sys

import atheris


def main() -> None:
    where, seconds = sys.argv[1:]
    file, _, name = where.partition(":")
    with atheris.instrument_imports(include=["kraken_hooks"]):
        test = getattr(importlib.import_module(file), name)
        loader = importlib.import_module("kraken_hooks.sandbox.loader")
    loader.preload()
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}"], test.hypothesis.fuzz_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
