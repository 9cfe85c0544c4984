"""An account's log groups and keys, as the tests of the embedded AWS make and see them."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.client import keys
from local.client.embedded_aws import EmbeddedAws

GROUP = "/aws/lambda/orders"


def log_group_arn(aws: EmbeddedAws, name: str = GROUP) -> str:
    """The ARN that tags and key policies go by."""
    return f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{name}"


def query_results_arn(aws: EmbeddedAws) -> str:
    """All query results of the account and Region."""
    return f"arn:aws:logs:{aws.region}:{aws.account}:query-result:*"


def key(aws: EmbeddedAws, *statements: dict[str, Any], **given: Any) -> str:
    """The ARN of a new key with the owner's statement and these."""
    policy = keys.policy(keys.account_statement(aws), *statements)
    return aws.client("kms").create_key(Policy=policy, **given)["KeyMetadata"]["Arn"]


def log_groups_key(aws: EmbeddedAws) -> str:
    """A key that log groups can use."""
    return key(aws, keys.log_groups_statement(aws))


def log_group(aws: EmbeddedAws, name: str = GROUP) -> str:
    """A new log group; its name."""
    aws.client("logs").create_log_group(logGroupName=name)
    return name


def associate(aws: EmbeddedAws, key_arn: str, name: str = GROUP) -> None:
    """Put the log group under the key."""
    aws.client("logs").associate_kms_key(logGroupName=name, kmsKeyId=key_arn)


def key_of(aws: EmbeddedAws, name: str = GROUP) -> str | None:
    """The key that DescribeLogGroups shows."""
    [found] = aws.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return found.get("kmsKeyId")


def names_on(page: Any) -> list[str]:
    """The log groups that a page shows."""
    return [group["logGroupName"] for group in page["logGroups"]]


def refusal(call: Callable[[], object]) -> tuple[str, str, int]:
    """Code, message and HTTP status of the refusal that *call* gets."""
    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]
