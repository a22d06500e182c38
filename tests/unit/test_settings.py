"""Settings: where values come from, and every problem at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kraken_hooks import settings
from kraken_hooks.app import settings_from
from kraken_hooks.errors import SettingsError
from kraken_hooks.sinks.registry import SINKS

SECTIONS = {kind.name: kind.section for kind in SINKS if kind.section is not None}


def problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings_from(environment, {})
    return caught.value.problems


def test_defaults():
    made = settings_from({"HOME": "/nowhere"}, {})
    assert (made.grpc_host, made.hooks_dir, made.debug) == ("[::]:50051", Path("/etc/kraken/hooks"), False)
    assert (made.reply_wait, made.hook_timeout, made.hook_memory_mb, made.outbox_max_mb) == (0.25, 2.0, 128, 1024)
    assert made.state_dir == Path.home() / ".local/state/kraken"
    assert 1 <= made.workers <= 4


def test_the_environment_and_options_in_front_of_it():
    environment = {"KRAKENB_HOOKS_DIR": "/a", "KRAKENB_WORKERS": "3", "KRAKENB_DEBUG": "yes"}
    made = settings_from(environment, {"KRAKENB_HOOKS_DIR": "/b"})
    assert (made.hooks_dir, made.workers, made.debug) == (Path("/b"), 3, True)


def test_a_worker_for_each_hook_file():
    assert settings_from({"KRAKENB_WORKERS": "per-file"}, {}).workers is None
    assert problems({"KRAKENB_WORKERS": "per-hook"}) == ["KRAKENB_WORKERS: must be a whole number, or per-file"]


def test_every_problem_at_once_one_line_each():
    found = problems({"KRAKENB_GRPC_HOST": "x:99999", "KRAKENB_WORKERS": "many", "KRAKENB_REPLY_WAIT": "-1",
                      "KRAKENB_SLACK_URL": "secret-that-is-no-url", "KRAKENB_HOOK_MEMORY_MB": "1"})  # fmt: skip
    assert [line.partition(":")[0] for line in found] == [
        "KRAKENB_GRPC_HOST", "KRAKENB_HOOK_MEMORY_MB", "KRAKENB_REPLY_WAIT", "KRAKENB_SLACK_URL", "KRAKENB_WORKERS",
    ]  # fmt: skip
    assert "secret-that-is-no-url" not in "\n".join(found)
    assert not any("\n" in line for line in found)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("KRAKENB_DEBUG", "maybe", "must be true or false"),
        ("KRAKENB_GRPC_HOST", "::1", "write it as address:port, such as 0.0.0.0:50051 or [::]:50051"),
        ("KRAKENB_GRPC_HOST", "box:²", "write it as address:port, such as 0.0.0.0:50051 or [::]:50051"),
        ("KRAKENB_GRPC_HOST", "box:" + "9" * 5000, "write it as address:port, such as 0.0.0.0:50051 or [::]:50051"),
        ("KRAKENB_REPLY_WAIT", "soon", "must be a number"),
        ("KRAKENB_REPLY_WAIT", "nan", "must lie between 0.01 and 60"),
        ("KRAKENB_HOOK_MEMORY_MB", "9" * 5000, "must be a whole number"),
        ("KRAKENB_OUTBOX_MAX_MB", "0", "must lie between 1 and 1048576"),
        ("KRAKENB_OUTBOX_FULL", "Refuse", "must be 'refuse' or 'drop-oldest'"),
        (
            "KRAKENB_OUTBOX_DROP",
            "slack, influx",
            "there is no sink 'influx'; there are http, influxdb, mongodb, mqtt, redis, slack, websocket",
        ),
        *(
            ("KRAKENB_SLACK_URL", url, "must be a URL that begins with https://")
            for url in (
                "slack.example",
                "https://",
                "https://[",
                "https://slack.example:x/",
                "https://slack.example/a b",
                "https://x\n",
            )
        ),
        (
            "KRAKENB_INFLUXDB_HOST",
            "influx local",
            "write it as a URL such as http://influx.local:8086, or as host:port",
        ),
        ("KRAKENB_REDIS_DB", "-1", "must be 0 or more"),
    ],
)
def test_what_a_value_should_be(name, text, reason):
    assert problems({name: text}) == [f"{name}: {reason}"]


def test_old_files_misspell_the_name_of_the_redis_user():
    assert settings_from({"KRAKENB_REIDS_USER": "u"}, {}).sections["redis"].user == "u"
    both = settings_from({"KRAKENB_REIDS_USER": "u", "KRAKENB_REDIS_USER": "v"}, {})
    assert both.sections["redis"].user == "v"


def test_no_secret_shows_where_settings_are_shown():
    made = settings_from({"KRAKENB_REDIS_PASSWORD": "hidden-word", "KRAKENB_REDIS_HOST": "hidden-host"}, {})
    assert "hidden" not in f"{made} {made!r} {made.sections['redis'].password}"


def test_a_value_from_a_file(tmp_path):
    file = tmp_path / "url"
    file.write_text("https://slack.example/x\n")
    made = settings_from({"KRAKENB_SLACK_URL_FILE": str(file)}, {})
    assert made.sections["slack"].url.get_secret_value() == "https://slack.example/x"
    assert "slack.example" not in repr(made)


def test_a_file_that_is_not_there_names_variable_and_path():
    assert problems({"KRAKENB_SLACK_URL_FILE": "/no/such"}) == [
        "KRAKENB_SLACK_URL_FILE: /no/such cannot be read: No such file or directory"
    ]


def test_a_file_without_end_is_no_value():
    assert problems({"KRAKENB_SLACK_URL_FILE": "/dev/zero"}) == [
        "KRAKENB_SLACK_URL_FILE: /dev/zero has more than 1 MiB"
    ]


def test_a_variable_and_its_file_contradict_each_other(tmp_path):
    (tmp_path / "x").write_text("3")
    assert problems({"KRAKENB_WORKERS": "2", "KRAKENB_WORKERS_FILE": str(tmp_path / "x")}) == [
        "KRAKENB_WORKERS: set, and KRAKENB_WORKERS_FILE too; keep one of them"
    ]


@pytest.mark.parametrize("name", ["KRAKENB_SLACK_URL", "krakenb_slack_url"])
def test_a_systemd_credential(tmp_path, name):
    (tmp_path / name).write_text("https://slack.example/y")
    made = settings_from({"CREDENTIALS_DIRECTORY": str(tmp_path)}, {})
    assert made.sections["slack"].url.get_secret_value() == "https://slack.example/y"


def test_systemds_state_directory():
    assert settings_from({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, {}).state_dir == Path("/var/lib/a")


def test_an_empty_value_counts_as_not_set():
    assert settings_from({"KRAKENB_WORKERS": "", "KRAKENB_SLACK_URL": ""}, {}).sections["slack"].url is None


def test_a_misspelt_variable_is_named_with_what_may_be_meant():
    made = settings_from({"KRAKENB_HOOK_DIR": "/x", "KRAKENB_QQQ": "1"}, {})
    assert made.unknown == ("KRAKENB_HOOK_DIR (did you mean KRAKENB_HOOKS_DIR?)", "KRAKENB_QQQ")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("[::1]", "[::1]:50051"),
        ("box", "box:50051"),
        (":6000", "[::]:6000"),
        ("a:65535", "a:65535"),
    ],
)
def test_hosts(given, expected):
    assert settings_from({"KRAKENB_GRPC_HOST": given}, {}).grpc_host == expected


def test_the_page_of_settings_names_every_variable():
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    environment = (Path(__file__).parents[2] / "systemd" / "kraken-hooks.env").read_text()
    for variable in settings.variables(SECTIONS):
        assert f"`{variable.name}`" in page, f"{variable.name} is not in docs/settings.md"
        assert variable.name in environment, f"{variable.name} is not in systemd/kraken-hooks.env"
        assert variable.help
