"""KMS keys with the policies that the documentation of CloudWatch Logs asks for."""

import json
from typing import Any, TypeAlias

from local.client.embedded_aws import EmbeddedAws

Statement: TypeAlias = dict[str, Any]

_SERVICE_ACTIONS = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]


def account_statement(aws: EmbeddedAws) -> Statement:
    """Return KMS's default statement: the account's IAM policies decide, and no service may use the key."""
    principal = {"AWS": f"arn:aws:iam::{aws.account}:root"}
    return {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"}


def log_groups_statement(aws: EmbeddedAws, names: str = "*") -> Statement:
    """Return the statement that lets CloudWatch Logs use the key for log groups whose names match *names*."""
    arn = f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{names}"
    return _service_statement(aws, {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arn}})


def query_results_statement(aws: EmbeddedAws) -> Statement:
    """Return the statement for the results of queries, which no statement for log groups covers."""
    arn = f"arn:aws:logs:{aws.region}:{aws.account}:query-result:*"
    return _service_statement(
        aws, {"ArnLike": {"aws:SourceArn": arn}, "StringEquals": {"aws:SourceAccount": aws.account}}
    )


def callers_statement(aws: EmbeddedAws, *roles: str) -> Statement:
    """Return the statement for whoever calls CloudWatch Logs: the account's principals, or only these roles' ARNs."""
    condition: dict[str, Any] = {
        "StringEquals": {"kms:ViaService": f"logs.{aws.region}.amazonaws.com", "kms:CallerAccount": aws.account}
    }
    if roles:
        condition["ArnLike"] = {"aws:PrincipalArn": list(roles)}
    return {**_service_statement(aws, condition), "Principal": {"AWS": "*"}}


def _service_statement(aws: EmbeddedAws, condition: dict[str, Any]) -> Statement:
    return {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{aws.region}.amazonaws.com"},
        "Action": _SERVICE_ACTIONS,
        "Resource": "*",
        "Condition": condition,
    }


def policy(*statements: Statement) -> str:
    """Return the statements as a key policy, in JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def policy_for_all(aws: EmbeddedAws) -> str:
    """Return a policy for every log group and for query results, and for whoever writes and reads them."""
    return policy(
        account_statement(aws), log_groups_statement(aws), query_results_statement(aws), callers_statement(aws)
    )


def create(aws: EmbeddedAws, alias: str | None = None, **options: Any) -> str:
    """Make a key and return its ARN.

    Args:
        aws: whose default account and Region the key is of.
        alias: a name for it, with `alias/` at its beginning.
        options: what CreateKey takes; without a `Policy`, the key is for every log group and for query results.
    """
    request: dict[str, Any] = {"Policy": policy_for_all(aws), **options}
    arn = aws.client("kms").create_key(**request)["KeyMetadata"]["Arn"]
    if alias:
        aws.client("kms").create_alias(AliasName=alias, TargetKeyId=arn)
    return arn
