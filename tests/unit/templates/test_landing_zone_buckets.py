"""The buckets with the landing zone's code: versioned, over TLS alone, written by publishers, read by who deploys."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from support.policy_evaluation import Call, decision
from support.template import CHINA, PROJECT, Resolver, load, parameters_of

TEMPLATE: Final = load(PROJECT / "examples" / "landing-zone" / "code-buckets.yaml")
BUCKET: Final = "arn:aws-cn:s3:::example-code-cn-north-1"
PACKAGE: Final = f"{BUCKET}/{'0' * 64}.zip"
ORGANISATION: Final = "o-a1b2c3d4e5"
PUBLISHER: Final = "arn:aws-cn:iam::111122223333:role/landing-zone-deployment"
STACK_SETS: Final = "arn:aws-cn:iam::444455556666:role/stacksets-exec-0a1b2c3d"
ADMIN: Final = "arn:aws-cn:iam::111122223333:role/admin"
OVER_TLS: Final = {"aws:SecureTransport": "true", "aws:PrincipalOrgID": ORGANISATION}
NEW: Final = {"s3:if-none-match": "*", "s3:ObjectCreationOperation": "true"}
OVER_ANOTHER: Final = {"s3:ObjectCreationOperation": "true"}
#: What an administrator's own policies say.
ALL: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def policy() -> Any:
    """The bucket's policy as it is deployed."""
    given = {
        **parameters_of(TEMPLATE),
        "CodeBucketPrefix": "example-code",
        "OrganizationId": ORGANISATION,
        "PublisherArns": [PUBLISHER],
        "ReaderArns": ["arn:*:iam::*:role/stacksets-exec-*"],
        "CodeBucket.Arn": BUCKET,
    }
    document = json.dumps(TEMPLATE["Resources"]["CodeBucketPolicy"]["Properties"]["PolicyDocument"])
    with_arn = document.replace('{"Fn::GetAtt": ["CodeBucket", "Arn"]}', json.dumps(BUCKET))
    return Resolver({**CHINA, **given}, {})(json.loads(with_arn))


@pytest.mark.parametrize(
    ("action", "role", "keys", "expected"),
    [
        pytest.param("s3:GetObject", STACK_SETS, OVER_TLS, "Allow", id="who deploys reads"),
        pytest.param("s3:GetObject", STACK_SETS, {**OVER_TLS, "aws:SecureTransport": "false"}, "Deny", id="no TLS"),
        pytest.param(
            "s3:GetObject", STACK_SETS, {**OVER_TLS, "aws:PrincipalOrgID": "o-zzzzzzzzzz"}, "ImplicitDeny", id="others"
        ),
        pytest.param("s3:PutObject", STACK_SETS, OVER_TLS | NEW, "Deny", id="who deploys does not write"),
    ],
)
def test_who_deploys_reads_and_nothing_else(action: str, role: str, keys: dict[str, str], expected: str) -> None:
    """By the bucket's policy, in another account: its own policies do not count alone."""
    assert decision(Call(action, PACKAGE, role, keys), policy()) == expected


@pytest.mark.parametrize(
    ("action", "role", "keys", "expected"),
    [
        pytest.param("s3:PutObject", PUBLISHER, OVER_TLS | NEW, "Allow", id="a publisher writes"),
        pytest.param("s3:PutObject", PUBLISHER, OVER_TLS | OVER_ANOTHER, "Deny", id="not over what is there"),
        pytest.param("s3:GetObject", PUBLISHER, OVER_TLS, "Allow", id="a publisher reads"),
        pytest.param("s3:PutObject", ADMIN, OVER_TLS | NEW, "Deny", id="an administrator does not write"),
        pytest.param("s3:GetObject", ADMIN, OVER_TLS, "Deny", id="an administrator does not read"),
        pytest.param("s3:DeleteObjectVersion", ADMIN, OVER_TLS, "Deny", id="nor delete"),
        pytest.param("s3:PutBucketPolicy", ADMIN, OVER_TLS, "Deny", id="nor change the policy"),
    ],
)
def test_publishers_alone_write_each_name_once(action: str, role: str, keys: dict[str, str], expected: str) -> None:
    """In the bucket's own account, where the caller's own policies allow everything."""
    resource = BUCKET if "Bucket" in action else PACKAGE

    assert decision(Call(action, resource, role, keys), ALL, policy()) == expected


def test_the_buckets_keep_every_version_and_are_not_public() -> None:
    """As long as nobody but a publisher changes them, also when the stack is gone."""
    bucket = TEMPLATE["Resources"]["CodeBucket"]
    properties = bucket["Properties"]

    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_the_bucket_is_where_the_landing_zone_looks() -> None:
    """Both templates put the name together alike."""
    landing_zone = load(PROJECT / "examples" / "landing-zone" / "template.yaml")
    code = landing_zone["Resources"]["ProviderFunction"]["Properties"]["Code"]

    assert TEMPLATE["Resources"]["CodeBucket"]["Properties"]["BucketName"] == code["S3Bucket"]
    pattern = landing_zone["Parameters"]["CodeBucketPrefix"]["AllowedPattern"]
    assert TEMPLATE["Parameters"]["CodeBucketPrefix"]["AllowedPattern"] == pattern
