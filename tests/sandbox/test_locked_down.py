"""The same ordinary programs as hook files of a real broker: in a worker that opens no file they give what CPython gives, too."""

from __future__ import annotations

import pytest
from differential import in_cpython, snippets
from rig import Broker


@pytest.fixture(scope="module")
def programs():
    """By collector: a program, and what it gives. Programs that end with an error at their top level do not load."""
    found = {}
    for number, (name, source) in enumerate(snippets().items()):
        collector = f"case-{number}"
        module = f"hooks.{collector}"
        wanted = in_cpython(source).replace("hooks.case", module)
        if wanted.startswith(("(", "[", "{", "'", '"')) and "__name__" not in source:
            found[collector] = name, source, wanted
    return found


def test_ordinary_programs_need_no_file(programs, tmp_path):
    broker = Broker(tmp_path, KRAKENB_HOOK_TIMEOUT="10", KRAKENB_REPLY_WAIT="30")
    for collector, (_, source, _) in programs.items():
        hook = f'from kraken_hooks import on\n@on(collector="{collector}")\ndef hook(msg):\n    return repr(result)\n'
        broker.write(f"{collector}.py", f"{source}\n{hook}")
    assert len(programs) > 400
    with broker:
        given = {collector: broker.client.send(collector=collector).text for collector in programs}
    wrong = [name for collector, (name, _, wanted) in programs.items() if given[collector] != wanted]
    assert wrong == []
