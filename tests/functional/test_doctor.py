"""`doctor` as a process of its own against the embedded AWS, before and after a deployment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from functional.test_command_line import landscape, run
from support.template import statements

from local.client.stacks import Stacks
from log_group_kms.version import VERSION

if TYPE_CHECKING:
    from functional.conftest import Deployment
    from functional.test_command_line import Landscape, Ran

__all__ = ["landscape"]

DOCTOR: Final = ("doctor", "--prefix", "*", "--kms-key-id", "alias/logs", "--json")
HERE: Final = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "111122223333",
    "AWS::URLSuffix": "amazonaws.com",
}
TRUST: Final = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
#: What `doctor` sees of the provider's template, with the policies of the real role.
TEMPLATE: Final = {
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [TRUST]},
                "Policies": [
                    {
                        "PolicyName": "associations",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": list(statements("associations", "ProviderRole", **HERE).values()),
                        },
                    }
                ],
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "log-group-kms-association",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Code": {"ZipFile": "def handler(event, context):\n    pass\n"},
            },
        },
    },
    "Outputs": {
        "ServiceToken": {
            "Value": {"Fn::GetAtt": ["Function", "Arn"]},
            "Export": {"Name": "LogGroupKmsAssociation-ServiceToken"},
        },
        "Version": {"Value": VERSION},
    },
}


def levels(ran: Ran) -> dict[str, str]:
    """The level of each check."""
    return {each["check"]: each["level"] for each in ran.json()["checks"]}


def answer(ran: Ran, check: str) -> str:
    """The answer of one check."""
    (found,) = (each["answer"] for each in ran.json()["checks"] if each["check"] == check)
    return str(found)


def test_before_and_after_a_deployment(landscape: Landscape) -> None:
    """What was a warning before is ok after, and nothing was changed by asking."""
    aws = landscape.aws
    keys = landscape.keys()

    before = landscape.run(*DOCTOR)

    assert (before.code, before.err) == (0, "")
    assert levels(before) == {
        "provider": "warning",
        "key": "ok",
        "key_for_logs": "ok",
        "key_for_writers": "warning",
        "provider_permissions": "ok",
        "caller_permissions": "ok",
        "trail": "warning",
        # The embedded AWS has no rules.
        "centralization": "warning",
        "log_groups": "ok",
        "names": "ok",
    }

    _let_writers_use(landscape)
    _let_a_trail_log(landscape)
    Stacks(aws).deploy("provider", json.dumps(TEMPLATE))
    aws.direction.forget_calls()
    after = landscape.run(*DOCTOR)

    assert {name: level for name, level in levels(after).items() if level != "ok"} == {"centralization": "warning"}
    where = "arn:aws:cloudformation:eu-west-1:111122223333:stack/provider/"
    assert f"version {VERSION}, in {where}" in answer(after, "provider")
    assert answer(after, "trail") == "Yes, all"
    assert after.code == 0
    assert landscape.keys() == keys
    assert set(aws.direction.counts()) <= {"logs:DescribeLogGroups", "kms:DescribeKey", "kms:GetKeyPolicy"}


def test_a_problem(deployment: Deployment) -> None:
    """A key whose policy does not let CloudWatch Logs use it makes the exit code 3, before anything fails."""
    key = deployment.key(for_logs=False)

    ran = run(deployment.aws, "doctor", "--prefix", "*", "--kms-key-id", key)

    assert ran.code == 3
    assert "\nproblem  Does the key's policy let CloudWatch Logs use it? No, not for arn:aws:logs:" in ran.out
    assert '"Principal": {"Service": "logs.eu-west-1.amazonaws.com"}' in ran.out


def _let_writers_use(landscape: Landscape) -> None:
    kms = landscape.aws.client("kms")
    policy = json.loads(kms.get_key_policy(KeyId=landscape.key)["Policy"])
    condition = {"kms:ViaService": "logs.eu-west-1.amazonaws.com", "kms:CallerAccount": "111122223333"}
    policy["Statement"].append(
        {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            "Resource": "*",
            "Condition": {"StringEquals": condition},
        }
    )
    kms.put_key_policy(KeyId=landscape.key, Policy=json.dumps(policy))


def _let_a_trail_log(landscape: Landscape) -> None:
    trails = landscape.aws.client("cloudtrail")
    landscape.aws.client("s3").create_bucket(
        Bucket="trail", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    trails.create_trail(Name="all", S3BucketName="trail", IsMultiRegionTrail=True)
    trails.start_logging(Name="all")
