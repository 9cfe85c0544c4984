"""The landing zone's defaults are the careful ones: as it comes, nothing of an account is taken away or rolled back."""

from __future__ import annotations

import base64
import hashlib
import json
import re
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
    properties = json.dumps(TEMPLATE["Resources"][name]["Properties"])
    with_key = json.loads(properties.replace('{"Fn::GetAtt": ["LogsKey", "Arn"]}', json.dumps(KEY)))
    return Resolver(names, TEMPLATE["Conditions"])(with_key)


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
    policies = [
        policy["PolicyDocument"]["Statement"] for policy in resolved(role)["Policies"] if "PolicyDocument" in policy
    ]
    statements = [one for statements in policies for one in statements if "Fn::" not in json.dumps(one["Resource"])]
    through_logs = {"kms:ViaService": "logs.cn-north-1.amazonaws.com.cn"}
    call = Call(action, key, ROLE, through_logs)

    assert (decision(call, {"Version": "2012-10-17", "Statement": statements}) == "Allow") is (expected == "Allow")


def test_it_has_no_parameter_that_opens_it_to_more_keys() -> None:
    """Nor one for the key of the fleet and the logs: all are its own."""
    assert {"KmsKeyArns", "FleetKmsKeyId", "LogKmsKeyArn"} & set(TEMPLATE["Parameters"]) == set()
    assert "AnyKeyOfTheAccount" not in TEMPLATE["Conditions"]


@pytest.mark.parametrize(
    ("version", "function"),
    [
        ("ProviderCode", "ProviderFunction"),
        ("ResponderCode", "ResponderFunction"),
        ("EnrolmentCode", "EnrolmentFunction"),
        ("WakerCode", "WakerFunction"),
    ],
)
def test_its_code_is_the_one_that_was_packaged(version: str, function: str) -> None:
    """Lambda publishes a version of no other, and neither fleet nor query results come before that."""
    resources = TEMPLATE["Resources"]
    one = resources[version]

    assert one["Type"] == "AWS::Lambda::Version"
    assert one["Properties"] == {"FunctionName": {"Ref": function}, "CodeSha256": {"Ref": "CodeSha256"}}
    assert version in resources["Fleet"]["DependsOn"]
    assert {"ProviderCode", "ResponderCode"} <= set(resources["QueryResults"]["DependsOn"])


def test_each_function_has_its_code_checked() -> None:
    """A new function needs a version of its own."""
    functions = {name for name, one in TEMPLATE["Resources"].items() if one["Type"] == "AWS::Lambda::Function"}
    versions = [one for one in TEMPLATE["Resources"].values() if one["Type"] == "AWS::Lambda::Version"]

    assert {one["Properties"]["FunctionName"]["Ref"] for one in versions} == functions


def test_the_hash_is_asked_for_as_lambda_tells_it() -> None:
    """In Base64, and without a default: nobody deploys without it."""
    parameter = TEMPLATE["Parameters"]["CodeSha256"]
    digest = hashlib.sha256(b"code")

    assert "Default" not in parameter
    assert re.fullmatch(parameter["AllowedPattern"], base64.b64encode(digest.digest()).decode())
    assert not re.fullmatch(parameter["AllowedPattern"], digest.hexdigest())
