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
from log_group_kms.model.targets import Fleet, LogGroup, LogGroupName, Place, QueryResults
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
    (text,) = page("docs/how-to/fleet.md").section("With a resource of your own").blocks("yaml")
    (fleet,) = resolved(yaml_parse(text)).values()

    assert str(parse_association(fleet["Properties"], PLACE).key) != ""


def test_the_fleet_beside_a_resource_of_its_stack_depends_on_it() -> None:
    """Whoever copies them gets a resource that comes before the fleet, and goes after it."""
    heading = "A fleet and a resource that names one of its log groups, in one stack"
    (text,) = page("docs/how-to/fleet.md").section(heading).blocks("yaml")
    resources = resolved(yaml_parse(text))

    assert yaml_parse(text)["FleetEncryption"]["DependsOn"] == "Orders"
    assert all(parse_association(one["Properties"], PLACE) for one in resources.values())


def test_the_fleets_with_several_keys_pass_the_providers_own_validation() -> None:
    """Whoever copies them gets fleets whose prefixes do not overlap, each with its key."""
    (text,) = page("docs/how-to/fleet.md").section("Several keys").blocks("yaml")
    fleets = [parse_association(one["Properties"], PLACE) for one in resolved(yaml_parse(text)).values()]
    prefixes = [one.target.prefix for one in fleets if isinstance(one.target, Fleet)]

    assert len(prefixes) == len(fleets) == len({one.key for one in fleets}) == 2
    assert not prefixes[0].startswith(prefixes[1])
    assert not prefixes[1].startswith(prefixes[0])


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


CALLERS: Final = "Key policy for who writes and reads"


def statement_under(heading: str) -> Any:
    """The one statement that a section of the page of permissions gives to copy."""
    (statement,) = PERMISSIONS.section(heading).blocks("yaml")
    return yaml_parse(statement)


@pytest.mark.parametrize(
    ("headings", "target", "in_policy"),
    [
        pytest.param(
            ["Key policy for log groups", CALLERS],
            LOG_GROUP.arn,
            PLACE.logs_arn("log-group:*"),
            id="log groups: all of them, and who writes and reads",
        ),
        pytest.param(
            ["Key policy for query results"], QueryResults(PLACE).arn, QueryResults(PLACE).arn, id="query results"
        ),
    ],
)
def test_the_key_policies_are_those_that_the_reason_shows(headings: list[str], target: str, in_policy: str) -> None:
    """The statements to copy are those that a refusal asks for."""
    refusal = KeyPolicyDenied("AssociateKmsKey", "AccessDeniedException", "", target, KEY.text)
    told = Diagnosis(Keys(), PLACE, f"logs.{PLACE.region}.amazonaws.com").reason(refusal)
    shown = told[told.index('{"Effect"') : told.rindex("}") + 1].replace(target, in_policy)

    assert [resolved(statement_under(heading)) for heading in headings] == json.loads(f"[{shown}]")


def test_the_template_to_copy_has_the_key_policies_for_a_log_group() -> None:
    """The statements are the same in the template and on the page of permissions."""
    policy = template_to_copy()["Resources"]["LogsKey"]["Properties"]["KeyPolicy"]

    assert policy["Statement"][1:] == [statement_under("Key policy for log groups"), statement_under(CALLERS)]


def test_the_policy_for_certain_roles_is_that_for_all_with_a_further_condition() -> None:
    """Whoever narrows the statement changes nothing else."""
    condition = dict(statement_under("Key policy for certain roles")["Condition"])
    roles = condition.pop("ArnLike")

    assert condition == statement_under(CALLERS)["Condition"]
    assert roles.keys() == {"aws:PrincipalArn"}
