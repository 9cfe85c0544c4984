"""The quotas of CloudWatch Logs: calls a second for account and Region."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from emulator.accounts import GROUP, log_group, log_group_arn, log_groups_key, refusal

from local.client.embedded_aws import EmbeddedAws
from local.emulator import quotas
from local.emulator.script import Quota

#: So many times AWS's own, that a second's calls are made long before the second is over.
FACTOR = 4.0
#: By operation, a call that succeeds for as long as there is a quota, told how many were made before.
CALLS: dict[str, Callable[[EmbeddedAws, int], Any]] = {
    "DisassociateKmsKey": lambda aws, _: aws.client("logs").disassociate_kms_key(logGroupName=GROUP),
    "ListTagsForResource": lambda aws, _: aws.client("logs").list_tags_for_resource(resourceArn=log_group_arn(aws)),
    "TagResource": lambda aws, _: aws.client("logs").tag_resource(resourceArn=log_group_arn(aws), tags={"a": "b"}),
    "UntagResource": lambda aws, _: aws.client("logs").untag_resource(resourceArn=log_group_arn(aws), tagKeys=["a"]),
    "ListTagsLogGroup": lambda aws, _: aws.client("logs").list_tags_log_group(logGroupName=GROUP),
    "TagLogGroup": lambda aws, _: aws.client("logs").tag_log_group(logGroupName=GROUP, tags={"a": "b"}),
    "UntagLogGroup": lambda aws, _: aws.client("logs").untag_log_group(logGroupName=GROUP, tags=["a"]),
    "DescribeLogGroups": lambda aws, _: aws.client("logs").describe_log_groups(),
    "ListLogGroups": lambda aws, _: aws.client("logs").list_log_groups(),
    "CreateLogGroup": lambda aws, number: aws.client("logs").create_log_group(logGroupName=f"/new/{number}"),
    "StartQuery": lambda aws, _: aws.client("logs").start_query(
        logGroupName=GROUP, startTime=0, endTime=1, queryString="fields @message"
    ),
    "GetQueryResults": lambda aws, _: aws.client("logs").get_query_results(queryId="none"),
}
#: AWS's own, as its page lists them; DisassociateKmsKey and ListLogGroups are assumed.
TEN_A_SECOND = {"DescribeLogGroups", "ListLogGroups", "CreateLogGroup", "StartQuery", "GetQueryResults"}


def admitted(call: Callable[[EmbeddedAws, int], Any], aws: EmbeddedAws, tries: int) -> tuple[int, float]:
    """How many of so many calls at once were not throttled, and how long they took."""
    logs = aws.client("logs")
    passed, begun = 0, time.monotonic()
    for number in range(tries):
        try:
            call(aws, number)
        except logs.exceptions.ClientError as refused:
            if refused.response["Error"]["Code"] == "ThrottlingException":
                continue
        passed += 1
    return passed, time.monotonic() - begun


def test_every_quota_has_a_test() -> None:
    """The calls that are tried here are those of the table."""
    assert {f"logs:{name}" for name in [*CALLS, "AssociateKmsKey"]} == set(quotas.PER_SECOND)


@pytest.mark.parametrize("operation", sorted(CALLS))
def test_every_call_is_held_at_its_quota(aws: EmbeddedAws, operation: str) -> None:
    """A second's worth passes at once, and then as many as the quota allows."""
    log_group(aws)
    aws.direction.scale_quotas(FACTOR)
    quota = (10 if operation in TEN_A_SECOND else 5) * FACTOR

    passed, seconds = admitted(CALLS[operation], aws, int(quota) + 10)

    assert quota <= passed <= quota + quota * seconds + 1


def test_associations_are_held_at_their_quota(aws: EmbeddedAws) -> None:
    """5 calls a second; which key and log group they name makes no difference."""
    log_group(aws)
    used = log_groups_key(aws)
    aws.direction.scale_quotas(FACTOR)

    passed, seconds = admitted(
        lambda aws, _: aws.client("logs").associate_kms_key(logGroupName=GROUP, kmsKeyId=used), aws, 30
    )

    assert 20 <= passed <= 20 + 20 * seconds + 1


@pytest.fixture(scope="module")
def as_it_starts() -> Iterator[EmbeddedAws]:
    """One that nobody has told of any factor."""
    with EmbeddedAws.start() as aws:
        yield aws


def test_the_quotas_are_in_force_by_default(as_it_starts: EmbeddedAws) -> None:
    """AWS's own, from the start and after a reset."""
    aws = as_it_starts
    log_group(aws)

    first, seconds = admitted(CALLS["ListTagsForResource"], aws, 9)
    aws.reset()
    log_group(aws)
    again, _ = admitted(CALLS["ListTagsForResource"], aws, 9)

    assert 5 <= first <= 5 + 5 * seconds + 1
    assert again < 9


def test_a_factor_lasts_until_the_script_is_forgotten(aws: EmbeddedAws) -> None:
    """Then the quotas of the start are there again; 0 means that there are none."""
    log_group(aws)
    aws.direction.scale_quotas(0.2)
    few, _ = admitted(CALLS["TagResource"], aws, 5)
    aws.direction.scale_quotas(quotas.OFF)
    all_of_them, _ = admitted(CALLS["TagResource"], aws, 40)
    aws.direction.scale_quotas(0.2)
    aws.direction.forget_script()
    afterwards, _ = admitted(CALLS["TagResource"], aws, 40)

    assert few < 5
    assert (all_of_them, afterwards) == (40, 40)


def test_a_quota_is_for_each_account_and_region(aws: EmbeddedAws) -> None:
    """More calls a second than the quota get "Rate exceeded"; other Regions, and the next second, do not."""
    log_group(aws)
    aws.direction.limit("logs:DescribeLogGroups", per_second=3)
    logs = aws.client("logs")

    for _ in range(3):
        logs.describe_log_groups()
    answer = refusal(logs.describe_log_groups)
    aws.client("logs", region="us-east-1").describe_log_groups()
    aws.client("logs", account="444455556666").describe_log_groups()
    time.sleep(0.5)
    logs.describe_log_groups()

    assert answer == ("ThrottlingException", "Rate exceeded", 400)


def test_a_quota_of_no_service_is_an_error(aws: EmbeddedAws) -> None:
    """It would limit nothing, and a test would believe that it does."""
    with pytest.raises(ValueError, match="AssociateKmsKey names no service: logs:AssociateKmsKey"):
        aws.direction.limit("AssociateKmsKey", 5)
    with pytest.raises(ValueError, match="names no service"):
        Quota("DescribeLogGroups", 5)


@pytest.mark.parametrize(
    ("text", "factor"), [pytest.param("off", 0.0), pytest.param("0", 0.0), pytest.param("2.5", 2.5)]
)
def test_a_factor_is_a_number_or_off(text: str, factor: float) -> None:
    """As the environment gives it to the server."""
    assert quotas.factor_in(text) == factor


@pytest.mark.parametrize("text", ["", "-1", "inf", "nan", "ten"])
def test_anything_else_is_no_factor(text: str) -> None:
    """A server with a factor that nobody meant does not start."""
    with pytest.raises(ValueError, match=r"factor|could not convert"):
        quotas.factor_in(text)


def test_refused_calls_count_for_nothing(aws: EmbeddedAws) -> None:
    """A call over the quota is not carried out, and is logged as throttled."""
    arn = log_group_arn(aws, log_group(aws))
    aws.direction.limit("logs:TagResource", 1)
    aws.direction.forget_calls()
    logs = aws.client("logs")

    logs.tag_resource(resourceArn=arn, tags={"first": "a"})
    refusal(lambda: logs.tag_resource(resourceArn=arn, tags={"second": "b"}))

    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"first": "a"}
    assert aws.direction.counts()["logs:TagResource"] == 2
    assert aws.direction.refused() == {"logs:TagResource": 1}
