"""What a newcomer types and copies: in their own shell, with their own permissions, twice."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest
from samtranslator.yaml_helper import yaml_parse
from support.pages import PROJECT, all_pages, commands, page

from log_group_kms.fleet.checkpoint import Fate

if TYPE_CHECKING:
    from pathlib import Path

PERMISSIONS: Final = page("docs/reference/permissions.md")
#: The service prefix of the permissions that a resource type takes.
PREFIXES: Final = {
    "AWS::CloudWatch": "cloudwatch",
    "AWS::Config": "config",
    "AWS::Events": "events",
    "AWS::IAM": "iam",
    "AWS::KMS": "kms",
    "AWS::Lambda": "lambda",
    "AWS::Logs": "logs",
    "AWS::SNS": "sns",
    "AWS::SQS": "sqs",
    "AWS::SSM": "ssm",
    "AWS::Serverless": "lambda",
}


def policy(heading: str) -> list[dict[str, Any]]:
    """The statements of the last policy under a heading."""
    found: Any = yaml_parse(PERMISSIONS.section(heading).blocks("yaml")[-1])
    return found if isinstance(found, list) else [found]


def test_who_deploys_the_provider_has_permissions_for_each_of_its_resources() -> None:
    """No resource type of the template is of a service that the policy leaves out, and no service is named in vain."""
    template: Any = yaml_parse((PROJECT / "template.yaml").read_text())
    types = {each["Type"] for each in template["Resources"].values()} - {"Custom::LogGroupKmsAssociation"}
    needed = {PREFIXES[kind.rpartition("::")[0]] for kind in types}
    [statement] = policy("Policy for who deploys the provider")
    named = {action.partition(":")[0] for action in statement["Action"]}

    # Beside the resources: the stack itself, the package's bucket, and the VPC's parameters, which Lambda checks.
    assert named == needed | {"cloudformation", "s3", "ec2"}


def test_who_applies_has_what_the_table_says() -> None:
    """The policy to copy has the actions that the table names for `apply` beyond those that only look."""
    rows = {
        row[0]: set(re.findall(r"`([a-z]+:[A-Za-z*]+)`", row[1]))
        for row in PERMISSIONS.section("The command line").rows
    }
    copied = {action for statement in policy("Policy for who runs `apply`") for action in statement["Action"]}

    assert copied == rows["`apply`"]


def test_the_query_for_what_a_fleet_left_knows_the_words_of_the_log() -> None:
    """Each fate that leaves a log group as it is, in the log's own words."""
    (query,) = page("docs/how-to/troubleshoot.md").section("Which log groups did the fleet leave?").blocks("text")
    [words] = re.findall(r"/: \((.*)\)/", query)

    assert words.split("|") == [fate.value for fate in (Fate.KEPT, Fate.OWNED, Fate.RESERVED, Fate.REFUSED)]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_list_of_regions_is_several_words(shell: str) -> None:
    """In zsh a bare variable is one word: the commands of the pages are for both shells."""
    program = shutil.which(shell)
    # zsh is on every Mac and on few Linux machines; bash is on both.
    if program is None:
        pytest.skip(f"there is no {shell} here")

    show = 'REGIONS="eu-west-1 eu-central-1"; for region in $(echo $REGIONS); do echo "$region"; done'
    ran = subprocess.run([program, "-c", show], capture_output=True, text=True, check=True)  # noqa: S603 - as above

    assert ran.stdout.split("\n")[:2] == ["eu-west-1", "eu-central-1"]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.as_posix()) for path in all_pages()])
def test_no_command_relies_on_a_variable_being_split(path: Path) -> None:
    """`$REGIONS` stands in quotes or in `$(echo …)`."""
    bare = [command for command in commands(page(path)) if re.search(r"(?<!echo )\$REGIONS", command)]

    assert bare == []


@pytest.mark.parametrize(
    "command",
    sorted(
        {
            command
            for path in all_pages()
            for command in commands(page(path))
            if command.startswith("sam deploy --template-file examples/")
        }
    ),
)
def test_each_deployment_of_an_example_can_be_repeated(command: str) -> None:
    """SAM reads no samconfig.toml beside an example: a second deployment without changes would be an error."""
    assert {"--no-fail-on-empty-changeset", "--region"} <= set(command.split())
