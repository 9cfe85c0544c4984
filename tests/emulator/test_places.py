"""Two accounts in two Regions, side by side."""

import json
from collections.abc import Iterator
from functools import partial

import pytest
from emulator.accounts import associate, key_of, log_group, refusal
from emulator.functions import WHERE, received
from emulator.queues import CREATED_NEW
from emulator.roles import allow
from emulator.things import function

from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import Stacks, elsewhere

PLACES = [(account, region) for account in ("111122223333", "444455556666") for region in ("eu-west-1", "us-east-1")]

#: A stack with all that is shared by accounts or Regions if it is not kept apart.
EVERYWHERE = {
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                },
                "Policies": [
                    {
                        "PolicyName": "calls",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [allow(["logs:*", "kms:*"], "*")],
                        },
                    }
                ],
            },
        },
        "Function": function("where", WHERE),
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Name": "rule",
                "EventPattern": CREATED_NEW,
                "Targets": [{"Id": "target", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}}],
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "Function"},
                "Principal": "events.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
            },
        },
        "Parameter": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "/where", "Type": "String", "Value": {"Fn::GetAtt": ["Function", "Arn"]}},
        },
        "Bucket": {"Type": "AWS::S3::Bucket"},
    },
    "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Function", "Arn"]}, "Export": {"Name": "Where-Arn"}}},
}


@pytest.fixture
def places(aws_with_auth: EmbeddedAws) -> Iterator[list[EmbeddedAws]]:
    """Two accounts in two Regions each, with the same stack under the same name in all four."""
    seen = [elsewhere(aws_with_auth, account=account, region=region) for account, region in PLACES]
    for place in seen:
        status = Stacks(place).deploy("everywhere", json.dumps(EVERYWHERE))
        assert status == "CREATE_COMPLETE", Stacks(place).failures("everywhere")
    yield seen
    for place in seen:
        place.close()


def test_a_stack_of_one_name_can_be_everywhere(places: list[EmbeddedAws]) -> None:
    """Generated names differ from stack to stack; exports, parameters and functions are each place's own."""
    expected = [f"arn:aws:lambda:{region}:{account}:function:where" for account, region in PLACES]
    roles = {(place.account, Stacks(place).physical_id("everywhere", "Role")) for place in places}
    buckets = {Stacks(place).physical_id("everywhere", "Bucket") for place in places}
    exports = [place.client("cloudformation").list_exports()["Exports"] for place in places]
    parameters = [place.client("ssm").get_parameter(Name="/where")["Parameter"]["Value"] for place in places]

    assert (len(roles), len(buckets)) == (4, 4)
    assert [[export["Value"] for export in found] for found in exports] == [[arn] for arn in expected]
    assert parameters == expected


def test_an_event_runs_a_function_as_of_its_own_place(places: list[EmbeddedAws]) -> None:
    """With the role's credentials in its account, in its Region; the call log says so."""
    for place in places:
        place.client("logs").create_log_group(logGroupName="/new")
    seen = [received(place, "where", 1)[0] for place in places]
    calls = [call for call in places[0].direction.calls() if call.by_function]

    assert [(each["account"], each["region"]) for each in seen] == PLACES
    assert [each["event"]["detail"]["awsRegion"] for each in seen] == [region for _, region in PLACES]
    assert {(call.account, call.region, call.caller) for call in calls} == {
        (
            place.account,
            place.region,
            f"arn:aws:sts::{place.account}:assumed-role/{Stacks(place).physical_id('everywhere', 'Role')}/where",
        )
        for place in places
    }


def test_an_update_and_a_delete_stay_in_their_place(places: list[EmbeddedAws]) -> None:
    """The stack keeps its generated names over an update, and its Delete takes nothing of the others."""
    first, *others = places
    stacks = Stacks(first)
    before = stacks.physical_id("everywhere", "Role")
    changed = json.loads(json.dumps(EVERYWHERE))
    changed["Resources"]["Role"]["Properties"]["Description"] = "changed"

    updated = stacks.deploy("everywhere", json.dumps(changed))
    after = stacks.physical_id("everywhere", "Role")
    deleted = stacks.delete("everywhere")

    assert (updated, after, deleted) == ("UPDATE_COMPLETE", before, "")
    for place in others:
        role = Stacks(place).physical_id("everywhere", "Role")
        assert place.client("iam").get_role(RoleName=role)["Role"]["RoleName"] == role
    assert [role["RoleName"] for role in first.client("iam").list_roles()["Roles"]] == [
        Stacks(others[0]).physical_id("everywhere", "Role")
    ]


def test_keys_and_log_groups_are_of_their_place(aws: EmbeddedAws) -> None:
    """A key's policy counts in its own account and Region, and an association is seen there alone."""
    seen = [elsewhere(aws, account=account, region=region) for account, region in PLACES]
    used = [keys.create(place) for place in seen]
    for place in seen:
        log_group(place)

    associate(seen[3], used[3])
    foreign = [refusal(partial(associate, seen[3], used[number]))[0] for number in range(3)]
    found = [key_of(place) for place in seen]
    for place in seen:
        place.close()

    assert found == [None, None, None, used[3]]
    assert foreign == ["InvalidParameterException", "AccessDeniedException", "InvalidParameterException"]
