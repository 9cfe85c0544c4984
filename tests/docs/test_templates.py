"""The templates and policies that the pages show are what the provider takes and asks for."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest
from samtranslator.yaml_helper import yaml_parse
from support.pages import PROJECT, page

from log_group_kms.association.diagnosis import Diagnosis
from log_group_kms.model.association import Association, OnMissingLogGroup
from log_group_kms.model.errors import KeyPolicyDenied
from log_group_kms.model.keys import KeyArn, KeyDescription, KeyReference
from log_group_kms.model.targets import LogGroup, LogGroupName, Place, QueryResults
from log_group_kms.request.parse import parse_association

PLACE: Final = Place("aws", "eu-west-1", "111122223333")
KEY: Final = KeyArn("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
LOG_GROUP: Final = LogGroup(PLACE, LogGroupName("/aws/lambda/orders"))
PSEUDO_PARAMETERS: Final = {
    "AWS::Partition": PLACE.partition,
    "AWS::Region": PLACE.region,
    "AWS::AccountId": PLACE.account,
    "AWS::URLSuffix": "amazonaws.com",
}
PERMISSIONS: Final = page("docs/reference/permissions.md")


def resolved(value: Any) -> Any:
    """A template's *value* as CloudFormation would pass it to a custom resource: every scalar a string."""
    match value:
        case {"Fn::Sub": str() as text}:
            return re.sub(r"\$\{([^}]+)}", lambda found: PSEUDO_PARAMETERS[found[1]], text)
        case {"Ref": str() as name}:
            return PSEUDO_PARAMETERS[name]
        case {"Fn::GetAtt": _} | {"Fn::ImportValue": _}:
            return KEY.text  # ServiceToken, which the provider does not read, may be anything
        case dict():
            return {name: resolved(item) for name, item in value.items()}
        case list():
            return [resolved(item) for item in value]
    return str(value)


def template_to_copy() -> Any:
    """The README's template."""
    (text,) = page("README.md").section("One template to copy").blocks("yaml")
    return yaml_parse(text)


def test_the_template_to_copy_passes_the_providers_own_validation() -> None:
    """Whoever copies the template gets a resource that the provider accepts."""
    resources = resolved(template_to_copy()["Resources"])
    (ours,) = [one for one in resources.values() if one["Type"] == "Custom::LogGroupKmsAssociation"]

    assert parse_association(ours["Properties"], PLACE) == Association(
        LOG_GROUP, KEY, on_missing_log_group=OnMissingLogGroup.CREATE
    )


def test_the_fleet_to_copy_passes_the_providers_own_validation() -> None:
    """Whoever copies the fleet gets a resource that the provider accepts."""
    (text,) = page("docs/how-to/fleet.md").blocks("yaml")
    (fleet,) = resolved(yaml_parse(text)).values()

    assert str(parse_association(fleet["Properties"], PLACE).key) != ""


def test_the_tutorial_shows_the_resource_of_its_example() -> None:
    """The tutorial's snippet is the resource of the template that it deploys."""
    (text,) = page("docs/tutorial.md").blocks("yaml")
    example = yaml_parse((PROJECT / "examples" / "tutorial.yaml").read_text())["Resources"]

    assert yaml_parse(text).items() <= example.items()


class Keys:
    """A KMS that describes one key, and finds nothing wrong with it."""

    def describe(self, _: KeyReference) -> KeyDescription:
        """As KMS would."""
        return KeyDescription(KEY)


@pytest.mark.parametrize(
    ("heading", "target", "in_policy"),
    [
        pytest.param(
            "Key policy for log groups", LOG_GROUP.arn, PLACE.logs_arn("log-group:*"), id="log groups: all of them"
        ),
        pytest.param(
            "Key policy for query results", QueryResults(PLACE).arn, QueryResults(PLACE).arn, id="query results"
        ),
    ],
)
def test_the_key_policies_are_those_that_the_reason_shows(heading: str, target: str, in_policy: str) -> None:
    """The statement to copy is the one that a refusal asks for."""
    refusal = KeyPolicyDenied("AssociateKmsKey", "AccessDeniedException", "", target, KEY.text)
    told = Diagnosis(Keys(), PLACE, f"logs.{PLACE.region}.amazonaws.com").reason(refusal)
    asked_for, _ = json.JSONDecoder().raw_decode(told[told.index('{"Effect"') :].replace(target, in_policy))
    (statement,) = PERMISSIONS.section(heading).blocks("yaml")

    assert resolved(yaml_parse(statement)) == asked_for


def test_the_template_to_copy_has_the_key_policy_for_log_groups() -> None:
    """The statement is the same in the template and on the page of permissions."""
    (statement,) = PERMISSIONS.section("Key policy for log groups").blocks("yaml")
    policy = template_to_copy()["Resources"]["LogsKey"]["Properties"]["KeyPolicy"]

    assert yaml_parse(statement) in policy["Statement"]
