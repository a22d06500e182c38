"""Whatever the environment holds: settings, or every problem as one line that names its variable and shows no value."""

from __future__ import annotations

from effort import examples
from hypothesis import example, given
from hypothesis import strategies as st

from kraken_hooks import settings
from kraken_hooks.app import settings_from
from kraken_hooks.errors import SettingsError
from kraken_hooks.sinks.registry import SINKS

SECTIONS = {kind.name: kind.section for kind in SINKS if kind.section is not None}
NAMES = sorted({info.name for info in settings.variables(SECTIONS)})
# An environment can hold neither a zero character nor half a surrogate pair other than as bytes that are no UTF-8.
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from("\udc80\udcff"), max_size=30)
_VALUE = st.one_of(
    st.sampled_from(
        [
            "",
            "0",
            "-1",
            "1",
            "1e999",
            "nan",
            "inf",
            "yes",
            "no",
            " 5 ",
            "9" * 5000,
            "٣",
            "per-file",
            "localhost",
            "[::1]:1",
            "::1",
            "[",
            ":",
            "a:b:c",
        ]
    ),
    st.sampled_from(
        [
            "http://",
            "http://[",
            "https://x:99999/",
            "https://u:p@x/?#",
            "mongodb://",
            "mongodb+srv://",
            "redis://x",
            "ws://[::1",
            "wss://x:y",
        ]
    ),
    st.builds("{}://{}".format, st.sampled_from(["http", "https", "ws", "mongodb", "redis", ""]), _TEXT),
    st.integers().map(str),
    st.floats().map(str),
    _TEXT,
)
ENVIRONMENT = st.dictionaries(
    st.sampled_from(NAMES)
    | st.sampled_from(NAMES).map("{}_FILE".format)
    | st.sampled_from(["STATE_DIRECTORY", "HOME", "KRAKENB_X"]),
    _VALUE,
    max_size=8,
)


@given(ENVIRONMENT)
@example({"KRAKENB_SLACK_URL_FILE": "/a\nb"})
@example({"KRAKENB_HTTP_CA": "é"})
@examples(100)
def test_any_environment_gives_settings_or_problems_that_name_variables(environment):
    try:
        made = settings_from(environment, {})
        for kind in SINKS:
            kind.missing(made.sections.get(kind.name))
    except SettingsError as error:
        for problem in error.problems:
            assert problem.split(":")[0].removesuffix("_FILE") in NAMES, problem
            assert "\n" not in problem
