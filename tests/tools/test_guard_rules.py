"""The cfn-guard rules for the properties, run by cfn-guard itself."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from support.fake_aws import PLACE
from support.linting import TYPE
from support.project import PROJECT
from support.property_values import properties as at_random
from support.template_properties import of_fleet, properties

from log_group_kms.model.errors import InvalidRequest
from log_group_kms.request.parse import parse_association
from log_group_kms.request.properties import CLOUDFORMATIONS_OWN, PROPERTY_NAMES
from tools.scan import guard
from tools.scan.__main__ import ENVIRONMENT

RULES: Final = PROJECT / "cfn-guard"
RESULTS: Final = PLACE.logs_arn("query-result:*")


@pytest.fixture(scope="module")
def cfn_guard(tmp_path_factory: pytest.TempPathFactory) -> guard.Guard:
    """cfn-guard with our rules alone."""
    unpacked = guard.unpacked(ENVIRONMENT, tmp_path_factory.mktemp("cfn-guard"))
    return guard.Guard(unpacked.program, (RULES,))


def broken(cfn_guard: guard.Guard, given: dict[str, Any]) -> list[tuple[str, str]]:
    """Each rule that a resource breaks, without the words that all share, and what it asks for."""
    template = {"Resources": {"Logs": {"Type": TYPE, "Properties": given}}}
    findings = cfn_guard.scan(template, "template").findings
    return sorted((one.rule.removeprefix("LOG_GROUP_KMS_ASSOCIATION_"), one.asks) for one in findings)


@pytest.mark.parametrize(
    ("given", "rule", "asks"),
    [
        pytest.param(
            properties(RetentionInDays=7),
            "PROPERTIES",
            f"The properties are {', '.join([*CLOUDFORMATIONS_OWN, *PROPERTY_NAMES])}",
            id="unknown",
        ),
        pytest.param(properties(KmsKeyId=None), "KMS_KEY_ID", "KmsKeyId is missing; it is required", id="missing"),
        pytest.param(
            properties(LogGroupName=None),
            "TARGET",
            "exactly one of LogGroupName, ResourceIdentifier, LogGroupNamePrefix is required",
            id="no target",
        ),
        pytest.param(
            properties(ResourceIdentifier={"Fn::ImportValue": "Target"}),
            "TARGET",
            "exactly one of LogGroupName, ResourceIdentifier, LogGroupNamePrefix is required; "
            "LogGroupName and ResourceIdentifier are given",
            id="two targets, one of them unknown",
        ),
        pytest.param(
            properties(OnDelete="Keep"),
            "ON_DELETE",
            "OnDelete: it must be one of RestorePrevious, Disassociate, Retain",
            id="none of the choices",
        ),
        pytest.param(
            properties(PropagationWaitSeconds=901),
            "PROPAGATION_WAIT_SECONDS",
            "PropagationWaitSeconds: it must be a whole number of seconds from 0 to 900",
            id="a number out of its range",
        ),
        pytest.param(
            of_fleet(OnMissingLogGroup={"Ref": "Missing"}),
            "ON_MISSING_LOG_GROUP",
            "OnMissingLogGroup does not apply to LogGroupNamePrefix; it belongs to one log group: leave it out",
            id="not for a fleet",
        ),
        pytest.param(
            properties(LogGroupName=None, ResourceIdentifier=RESULTS, OnExistingKey="Keep"),
            "ON_EXISTING_KEY",
            "OnExistingKey does not apply to query results, which cannot be read: leave it out",
            id="not for query results",
        ),
        pytest.param(
            properties(ServiceTimeout=None),
            "SERVICE_TIMEOUT",
            "ServiceTimeout is missing; CloudFormation waits an hour for an answer that is lost; "
            "set 900, for a fleet 3600",
            id="no time-out",
        ),
    ],
)
def test_a_mistake_breaks_its_rule(cfn_guard: guard.Guard, given: dict[str, Any], rule: str, asks: str) -> None:
    """The rule is named after the property, and says what to do."""
    assert broken(cfn_guard, given) == [(rule, asks)]


def test_functions_and_dynamic_references_pass(cfn_guard: guard.Guard) -> None:
    """cfn-guard resolves nothing; what a condition may leave out may be there twice."""
    one_or_other = {"Fn::If": ["One", "/a", {"Ref": "AWS::NoValue"}]}
    given = properties(
        KmsKeyId="{{resolve:ssm:/keys/logs}}",
        LogGroupName=one_or_other,
        LogGroupNamePrefix=one_or_other,
        ExcludeLogGroupNames=one_or_other,
        OnDelete={"Ref": "OnDelete"},
        ServiceTimeout={"Ref": "Timeout"},
    )

    assert broken(cfn_guard, given) == []


@pytest.mark.parametrize("character", ["\x7f", "\x80", "\x9f", "\ufeff", "\ufffe", "\n", "\x85", "é", "😀"])
def test_what_yaml_cannot_hold_is_judged_too(cfn_guard: guard.Guard, character: str) -> None:
    """A template of JSON may have any character."""
    assert [rule for rule, _ in broken(cfn_guard, properties(LogGroupName=f"/a{character}"))] == ["LOG_GROUP_NAME"]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=at_random())
def test_what_the_rules_pass_the_parser_accepts_and_nothing_else(cfn_guard: guard.Guard, given: dict[str, Any]) -> None:
    """Literal values, of which cfn-guard cannot compare two: the time-out is longer than any wait."""
    given = given | {"ServiceToken": "arn", "ServiceTimeout": "3600"}
    try:
        parse_association(given, PLACE)
    except InvalidRequest:
        accepted = False
    else:
        accepted = True

    assert (broken(cfn_guard, given) == []) is accepted
