"""What limits.md says that the provider does not do: it does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest
from functional.fleets import having
from support.template import TEMPLATE, load

if TYPE_CHECKING:
    from functional.conftest import Deployment

PREFIXES: Final = ("/aws/lambda/payments-", "/aws/lambda/orders-")


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSOCIATIONS_PER_SECOND", "1000")


def test_one_resource_a_prefix_has_its_own_key_and_no_enrolment(deployment: Deployment) -> None:
    """Several keys are several fleets; a log group that comes later waits for the next Update."""
    keys = {prefix: deployment.key() for prefix in PREFIXES}
    having(deployment, *(f"{prefix}now" for prefix in PREFIXES))

    for prefix, key in keys.items():
        properties = {"KmsKeyId": key, "LogGroupNamePrefix": prefix}
        answer = deployment.send(deployment.cloudformation.event("Create", properties=properties))
        assert answer.status == "SUCCESS"
    having(deployment, *(f"{prefix}later" for prefix in PREFIXES))

    assert {prefix: deployment.key_of(f"{prefix}now") for prefix in PREFIXES} == keys
    assert {deployment.key_of(f"{prefix}later") for prefix in PREFIXES} == {None}


def test_enrolment_has_one_key() -> None:
    """The parameter is one key and no list, and there is one fleet."""
    template = load(TEMPLATE)
    fleets = [one for one in template["Resources"].values() if one["Type"] == "Custom::LogGroupKmsAssociation"]

    assert template["Parameters"]["FleetKmsKeyId"]["Type"] == "String"
    assert len(fleets) == 1


def test_a_log_group_that_it_makes_keeps_its_events_for_ever(deployment: Deployment) -> None:
    """No retention is set on Create, and none on a later Update."""
    key = deployment.key()
    properties = {"KmsKeyId": key, "LogGroupName": "/made", "OnMissingLogGroup": "Create"}

    created = deployment.send(deployment.cloudformation.event("Create", properties=properties))

    (made,) = deployment.aws.client("logs").describe_log_groups(logGroupNamePrefix="/made")["logGroups"]
    assert (created.status, made["kmsKeyId"]) == ("SUCCESS", key)
    assert "retentionInDays" not in made


def test_no_role_may_set_a_retention() -> None:
    """Nor could a template ask for one: the action is in no policy."""
    roles = [one for one in load(TEMPLATE)["Resources"].values() if one["Type"] == "AWS::IAM::Role"]

    assert roles
    assert "RetentionPolicy" not in json.dumps(roles)
