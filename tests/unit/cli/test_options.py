"""The options: those of the properties come from the properties' table, and are told again as a template would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.cli.main import COMMANDS
from log_group_kms.cli.options import Options, parsers
from log_group_kms.model.targets import Fleet
from log_group_kms.request.properties import FLEET_TARGET, PROPERTIES

if TYPE_CHECKING:
    from support.desk import Desk

KEY = "alias/logs"


def options(*arguments: str) -> Options:
    """Return what these arguments say."""
    parser, _ = parsers(COMMANDS)
    return Options.of(parser.parse_args(arguments))


DEFAULTS = {"OnExistingKey": "Keep", "OnRefusedLogGroup": "Skip"}


@pytest.mark.parametrize(
    ("arguments", "properties"),
    [
        pytest.param(["report"], {"LogGroupNamePrefix": "*", "ExcludeLogGroupNames": []}, id="report"),
        pytest.param(
            ["plan", "--prefix", "/", "--kms-key-id", KEY],
            {"KmsKeyId": KEY, "LogGroupNamePrefix": "/", "ExcludeLogGroupNames": [], **DEFAULTS},
            id="the defaults of plan",
        ),
        pytest.param(
            ["apply", "--prefix", "/", "--kms-key-id", KEY, "--exclude", "/a", "/b", "--exclude", "/c"],
            {
                "KmsKeyId": KEY,
                "LogGroupNamePrefix": "/",
                "ExcludeLogGroupNames": ["/a", "/b", "/c"],
                **DEFAULTS,
            },
            id="a list",
        ),
        pytest.param(
            ["release", "--prefix", "/"], {"LogGroupNamePrefix": "/", "OnDelete": "RestorePrevious"}, id="release"
        ),
    ],
)
def test_the_properties_that_options_say(arguments: list[str], properties: dict[str, Any]) -> None:
    """A command has the properties of its request, and no others."""
    assert options(*arguments).properties == properties


@pytest.mark.parametrize(("given", "choice"), [("override", "Override"), ("KEEP", "Keep"), ("fAIL", "Fail")])
def test_a_choice_in_any_case(given: str, choice: str) -> None:
    """A template is strict, a terminal is not."""
    asked = options("plan", "--prefix", "/", "--kms-key-id", KEY, "--on-existing-key", given)

    assert asked.properties["OnExistingKey"] == choice
    assert options("release", "--prefix", "/", "--on-delete", "restoreprevious").properties["OnDelete"] == (
        "RestorePrevious"
    )


def test_a_list_begins_anew_each_time() -> None:
    """What one command line excludes, the next does not."""
    first = options("plan", "--prefix", "/", "--kms-key-id", KEY, "--exclude", "/a")
    second = options("plan", "--prefix", "/", "--kms-key-id", KEY, "--exclude", "/b")

    assert (first.properties["ExcludeLogGroupNames"], second.properties["ExcludeLogGroupNames"]) == (["/a"], ["/b"])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_help_names_the_options_of_the_command(desk: Desk, command: Any) -> None:
    """Each with its line from the table, its choices and its default; under the program's own name."""
    shown = (
        [FLEET_TARGET]
        if command.request is None
        else [row for row in PROPERTIES if row.option and command.request in row.option.requests]
    )
    hidden = [row for row in PROPERTIES if row not in shown]

    code = desk.run(command.name, "--help")
    words = " ".join(desk.out.split())

    assert (code, words.startswith(f"usage: log-group-kms {command.name} ")) == (0, True)
    assert [row.name for row in shown if row.option and f"{row.flag} " not in words] == []
    assert [row.name for row in shown if row.option and row.option.help not in words] == []
    assert [row.name for row in shown if row.form.choices and f"(default {row.default_for(Fleet)})" not in words] == []
    # `report` takes the key and the exclusions as its own options: it associates nothing.
    own = {"KmsKeyId", "ExcludeLogGroupNames"} if command.name == "report" else set()
    assert {row.name for row in hidden if f" {row.flag} " in words.partition("exit codes:")[0]} == own
    assert "--json prints one object" in words
    assert [other.name for other in COMMANDS if other.fields not in command.fields and other.fields in desk.out] == []


def test_every_option_of_a_property_is_of_some_command() -> None:
    """Nothing in the table is without a place to be said."""
    requests = {command.request for command in COMMANDS}

    assert requests == {None, Ensure, Remove}
    assert [row.name for row in PROPERTIES if row.option and not requests & {*row.option.requests}] == []
