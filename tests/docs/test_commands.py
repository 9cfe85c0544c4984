"""What the pages tell people to type exists."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Final

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import StructureShape
from samtranslator.yaml_helper import yaml_parse
from support.pages import PROJECT, all_pages, code_in, commands, files, page

from log_group_kms.cli.doctor.checks import CHECKS
from tools.release.contents import TEMPLATES

if TYPE_CHECKING:
    from pathlib import Path

    from support.pages import Page

PAGES: Final = [path for path in all_pages() if path.parts[0] != "benchmarks"]
EACH: Final = pytest.mark.parametrize("path", [pytest.param(path, id=path.as_posix()) for path in PAGES])

#: Options of the AWS CLI itself.
GLOBAL: Final = {"region", "profile", "output", "query", "cli-read-timeout", "cli-binary-format"}
OURS: Final = re.compile(r"^(?:log-group-kms|python -m log_group_kms) ([a-z]+)\b(.*)")
#: Prints the options of each command of the SAM CLI. A process of its own: importing it warns of this and that.
SAM: Final = """
import json
from samcli.commands.build.command import cli as build
from samcli.commands.delete.command import cli as delete
from samcli.commands.deploy.command import cli as deploy
from samcli.commands.local.invoke.cli import cli as invoke
from samcli.commands.logs.command import cli as logs
from samcli.commands.validate.validate import cli as validate

commands = {
    "build": build, "delete": delete, "deploy": deploy, "local invoke": invoke, "logs": logs, "validate": validate
}
print(json.dumps({
    name: [option for one in command.params for option in (*one.opts, *one.secondary_opts)]
    for name, command in commands.items()
}))
"""


def shown(beginning: str) -> list[str]:
    """Each command with this *beginning* that a page shows."""
    found = {command for path in PAGES for command in commands(page(path)) if command.startswith(beginning)}
    return sorted(found)


def options_in(command: str) -> set[str]:
    """The options of a *command*, with their hyphens."""
    return set(re.findall(r"(?<!\S)--?[a-z][a-z0-9-]*", command))


@EACH
def test_each_make_target_exists(path: Path) -> None:
    """What a page tells to make has a rule in the Makefile."""
    named = set(re.findall(r"\bmake (?:-s )?([a-z-]+)", "\n".join(commands(page(path)))))
    rules = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))

    assert named - rules == set()


def paths_in(text: Page) -> set[str]:
    """What looks like a file or a folder of the project, between backticks or in commands."""
    words = {word for command in commands(text) for word in command.split()}
    looks = re.compile(r"(?:events|examples|local|src|tests|\.ci)/[\w./-]*|[\w/-]+\.(?:md|py|toml|yaml|yml|txt|json)")
    return {word for word in words if looks.fullmatch(word)}


@EACH
def test_each_path_exists(path: Path) -> None:
    """A file or folder that a page names is there; a bare name may be anywhere in the repository, or in a release."""
    names = {file.name for file in files()} | TEMPLATES
    places = (PROJECT, PROJECT / "src" / "log_group_kms", page(path).path.parent)
    missing = {
        word
        for word in paths_in(page(path))
        if word not in names and not any((place / word).exists() for place in places)
    }

    assert missing == set()


# --- the AWS CLI ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [command for command in shown("aws ") if len(command.split()) > 2 and command.split()[1] != "s3"]
)
def test_each_command_of_the_aws_cli_exists(command: str) -> None:
    """The operation exists and takes these options."""
    _, service, operation = command.split()[:3]
    model = botocore.session.get_session().get_service_model(service.removesuffix("api"))  # s3api
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    taken = model.operation_model(operations[operation]).input_shape
    members = set(taken.members) if isinstance(taken, StructureShape) else set()
    options = {option.removeprefix("--").removeprefix("no-") for option in options_in(command)}

    assert options - GLOBAL - {xform_name(member, "-") for member in members} == set()


# --- the SAM CLI ------------------------------------------------------------------------------------------------------


@cache
def sam_options() -> dict[str, set[str]]:
    """The options of each command of the SAM CLI."""
    environment = os.environ | {"SAM_CLI_TELEMETRY": "0"}
    program = [sys.executable, "-c", SAM]
    ran = subprocess.run(program, capture_output=True, text=True, check=True, env=environment)  # noqa: S603 - our own
    found: dict[str, list[str]] = json.loads(ran.stdout.splitlines()[-1])
    return {name: {*options, "--help"} for name, options in found.items()}


@pytest.mark.parametrize("command", shown("sam "))
def test_each_command_of_the_sam_cli_exists(command: str) -> None:
    """The SAM CLI has the command, and it takes these options."""
    name = next(name for name in sam_options() if f"{command} ".startswith(f"sam {name} "))

    assert options_in(command) - sam_options()[name] == set()


# --- the command line -------------------------------------------------------------------------------------------------

REFERENCE: Final = page("docs/reference/command-line.md")
COMMANDS: Final = ["plan", "apply", "release", "report", "doctor"]


@cache
def help_of(*command: str) -> str:
    """What `--help` prints."""
    ran = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", "log_group_kms", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT / "src",
        env=os.environ | {"COLUMNS": "300", "PYTHONIOENCODING": "utf-8"},
    )
    return ran.stdout


def taken(command: str) -> set[str]:
    """The options that a *command* of ours takes."""
    listed = help_of(command).partition("\noptions:\n")[2].partition("\nexit codes")[0]
    return set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", listed, re.MULTILINE))


@pytest.mark.parametrize("command", [*shown("log-group-kms "), *shown("python -m log_group_kms")])
def test_each_command_of_ours_exists(command: str) -> None:
    """The command line has the command, and it takes these options."""
    found = OURS.match(command)
    if found is None:  # `python -m log_group_kms` by itself, `log-group-kms COMMAND`, or an option of no command
        last = command.rsplit(maxsplit=1)[-1]
        assert last in {"COMMAND", "log_group_kms"} or f"[{last}]" in help_of().partition("\n")[0]
        return

    assert found[1] in COMMANDS
    assert options_in(found[2]) - taken(found[1]) == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_reference_lists_the_options_of_each_command(command: str) -> None:
    """Each option is in the table of commands, or among those that every command takes; and no other."""
    (row,) = [row for row in REFERENCE.section("Commands and options").rows if row[0] == f"`{command}`"]

    assert options_in(row[2].replace("`", " ").replace(",", " ")) == taken(command) - {
        *("--help", "--region", "--profile", "--json")
    }


def test_the_reference_explains_each_option() -> None:
    """Each option of any command has a row, and no other."""
    first = [row[0] for row in REFERENCE.section("Commands and options").rows if row[0].startswith("`--")]
    explained = {option for cell in first for option in options_in(cell.replace("`", " "))}

    assert explained == set.union(*(taken(command) for command in COMMANDS)) - {"--help"}


def test_the_exit_codes_are_those_of_the_help() -> None:
    """The reference has each exit code, and no other."""
    told = re.findall(r"^  (\d+) ", help_of().partition("exit codes:")[2], re.MULTILINE)

    assert [row[0] for row in REFERENCE.section("Exit codes").rows] == told


def test_the_json_fields_are_those_of_the_help() -> None:
    """The reference has each field and each action of `--json`, and no other."""
    told = help_of().partition("--json prints one object:")[2]
    words = set(re.findall(r"[a-z_]{3,}", re.sub(r"\([^)]*\)", "", told.replace("The actions:", ""))))

    assert set(REFERENCE.section("JSON").code) - {"--json", "--on-existing-key", "--exclude", "Keep", "Fail"} == words


def test_the_checks_of_doctor_are_those_of_the_code() -> None:
    """The reference has each check with its question, in their order."""
    rows = REFERENCE.section("Checks of `doctor`").rows

    assert [(code_in(row[0])[0], row[1]) for row in rows] == [(check.name, check.question) for check in CHECKS]


def test_the_permissions_of_doctor_are_those_of_the_code() -> None:
    """The page lists each that a check needs; the policy to copy adds those of the other commands that only read."""
    section = page("docs/reference/permissions.md").section("The command line")
    named = {code_in(row[0])[0]: set(code_in(row[1])) for row in section.rows}
    needed = {permission for check in CHECKS for permission in check.needs}
    (policy,) = section.blocks("yaml")

    assert named["report"] | (named["doctor"] - {"report"}) == needed | {"sts:GetCallerIdentity"}
    assert set(yaml_parse(policy)["Action"]) == needed | {"logs:ListTagsForResource"}
