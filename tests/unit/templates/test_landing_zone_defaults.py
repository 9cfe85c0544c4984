"""The landing zone's defaults are the careful ones: as it comes, nothing of an account is taken away or rolled back."""

from __future__ import annotations

from typing import Any, Final

import pytest
from support.policy_evaluation import Call, decision
from support.template import CHINA, PROJECT, Resolver, load, parameters_of

from log_group_kms.model.association import Association, OnRefusedLogGroup
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.targets import Fleet, Place

TEMPLATE: Final = load(PROJECT / "examples" / "landing-zone" / "template.yaml")
KEY: Final = "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER: Final = "arn:aws-cn:kms:cn-north-1:111122223333:key/99999999-12ab-34cd-56ef-1234567890ab"
#: The roles that associate keys.
ROLES: Final = ("ProviderRole", "EnrolmentRole")
ROLE: Final = "arn:aws-cn:iam::111122223333:role/provider"


def resolved(name: str) -> Any:
    """The properties of a resource, as it is deployed with the defaults."""
    names = {**CHINA, **parameters_of(TEMPLATE)}
    return Resolver(names, TEMPLATE["Conditions"])(TEMPLATE["Resources"][name]["Properties"])


def with_key(part: Any) -> Any:
    """*part* with the ARN of the landing zone's key for its GetAtt, and what is split into one."""
    match part:
        case {"Fn::GetAtt": ["LogsKey", "Arn"]}:
            return KEY
        case {"Fn::Split": [",", text]}:
            return str(with_key(text)).split(",")
        case dict():
            return {name: with_key(one) for name, one in part.items()}
        case list():
            return [with_key(one) for one in part]
    return part


def test_its_fleet_keeps_other_keys_and_skips_what_aws_refuses() -> None:
    """A team's own key stays, and one odd log group rolls back no account."""
    fleet = resolved("Fleet")
    of_fleet = Association(Fleet(Place("aws", "eu-west-1", "111122223333"), ""), KeyArn(KEY))

    assert fleet["OnExistingKey"] == "Keep"
    assert fleet["OnDelete"] == "RestorePrevious"
    assert fleet.get("OnRefusedLogGroup", of_fleet.on_refused_log_group) == OnRefusedLogGroup.SKIP


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ["kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"])
@pytest.mark.parametrize(("key", "expected"), [(KEY, "Allow"), (OTHER, "Nothing")])
def test_its_provider_may_use_its_own_key_alone(role: str, action: str, key: str, expected: str) -> None:
    """By the roles' own policies; another key has to let them by its own."""
    statements = [
        with_key(statement)
        for policy in resolved(role)["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    through_logs = {"kms:ViaService": "logs.cn-north-1.amazonaws.com.cn"}
    call = Call(action, key, ROLE, through_logs)

    assert (decision(call, {"Version": "2012-10-17", "Statement": statements}) == "Allow") is (expected == "Allow")


def test_it_has_no_parameter_that_opens_it_to_more_keys() -> None:
    """Nor one for the key of the fleet and the logs: all are its own."""
    assert {"KmsKeyArns", "FleetKmsKeyId", "LogKmsKeyArn"} & set(TEMPLATE["Parameters"]) == set()
    assert "AnyKeyOfTheAccount" not in TEMPLATE["Conditions"]
