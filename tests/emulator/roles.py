"""Roles, and the statements of their policies."""

import json
from typing import Any

from local.client.embedded_aws import Credentials, EmbeddedAws

ALL_KEY_ACTIONS = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]


def allow(actions: str | list[str], resource: str, **condition: Any) -> dict[str, Any]:
    """A statement of an identity policy."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement


def someone_with(aws: EmbeddedAws, *statements: dict[str, Any], name: str = "someone") -> Credentials:
    """A session of a new role with this policy."""
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": aws.account}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
    return aws.assume(role["Arn"])


def through_logs(aws: EmbeddedAws) -> dict[str, Any]:
    """The condition that keeps a key from direct use."""
    return {"StringEquals": {"kms:ViaService": f"logs.{aws.region}.amazonaws.com"}}


def functions_role(aws: EmbeddedAws, *statements: dict[str, Any]) -> str:
    """The ARN of a new role for a function."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = aws.client("iam").create_role(RoleName="some", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        aws.client("iam").put_role_policy(RoleName="some", PolicyName="all", PolicyDocument=policy)
    return arn
