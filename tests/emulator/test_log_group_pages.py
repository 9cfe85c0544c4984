"""DescribeLogGroups: pages, tokens, patterns, and log groups that no call has made."""

from typing import Any

import pytest
from emulator.accounts import associate, log_group, log_group_arn, log_groups_key, names_on, refusal

from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import make_log_groups


def test_a_listing_by_pattern_shows_no_key(aws: EmbeddedAws) -> None:
    """`logGroupNamePattern` leaves the key out."""
    associate(aws, log_groups_key(aws), log_group(aws))

    [found] = aws.client("logs").describe_log_groups(logGroupNamePattern="orders")["logGroups"]

    assert "kmsKeyId" not in found


def test_log_groups_come_in_pages_in_ascii_order(aws: EmbeddedAws) -> None:
    """50 on a page, capitals before small letters, and the token is the name shown last."""
    names = [f"/{letter}/{number:03d}" for letter in "aB_" for number in range(40)]
    make_log_groups(aws, names)
    logs = aws.client("logs")

    first = logs.describe_log_groups()
    pages = [names_on(page) for page in logs.get_paginator("describe_log_groups").paginate()]

    assert [len(page) for page in pages] == [50, 50, 20]
    assert [name for page in pages for name in page] == sorted(names, key=str.encode)
    assert first["nextToken"] == pages[0][-1]


def test_a_log_group_that_vanishes_hides_no_other_one(aws: EmbeddedAws) -> None:
    """The next page goes on after the last name shown, also where that one is gone by then."""
    make_log_groups(aws, [f"/{number}" for number in range(6)])
    logs = aws.client("logs")

    first = logs.describe_log_groups(limit=3)
    for name in names_on(first):
        logs.delete_log_group(logGroupName=name)
    second = logs.describe_log_groups(limit=3, nextToken=first["nextToken"])

    assert (names_on(first), names_on(second)) == (["/0", "/1", "/2"], ["/3", "/4", "/5"])
    assert "nextToken" not in second


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"nextToken": "/never/given"}, id="never given"),
        pytest.param({"nextToken": "/0", "logGroupNamePrefix": "/"}, id="given for another prefix"),
        pytest.param({"nextToken": "/1"}, id="a day old"),
    ],
)
def test_a_token_that_is_none_is_refused(aws: EmbeddedAws, asked: dict[str, Any]) -> None:
    """A token goes with the call that it was given for, and not for longer than a day."""
    make_log_groups(aws, [f"/{number}" for number in range(4)])
    logs = aws.client("logs")
    old = logs.describe_log_groups(limit=2)["nextToken"]
    aws.direction.expire_tokens()
    logs.describe_log_groups(limit=1)

    answer = refusal(lambda: logs.describe_log_groups(**asked))

    assert old == "/1"
    assert answer == ("InvalidParameterException", "The specified nextToken is invalid.", 400)


def test_a_page_has_no_more_than_fifty(aws: EmbeddedAws) -> None:
    """A longer page cannot be asked for."""
    code, message, _ = refusal(lambda: aws.client("logs").describe_log_groups(limit=51))

    assert code == "InvalidParameterException"
    assert "Value '51' at 'limit' failed to satisfy constraint" in message


def test_log_groups_can_be_there_without_a_call(aws: EmbeddedAws) -> None:
    """Thousands at once, with key and tags, in their account and Region alone, and nothing in the call log."""
    make_log_groups(aws, [f"/made/{number:04d}" for number in range(2000)], "some key", team="a")
    calls = aws.direction.calls()
    logs = aws.client("logs")
    found = [g for page in logs.get_paginator("describe_log_groups").paginate() for g in page["logGroups"]]

    assert (len(found), {group["kmsKeyId"] for group in found}, calls) == (2000, {"some key"}, [])
    assert logs.list_tags_for_resource(resourceArn=log_group_arn(aws, "/made/1999"))["tags"] == {"team": "a"}
    assert aws.client("logs", region="us-east-1").describe_log_groups()["logGroups"] == []


def test_a_reserved_log_group_is_there_and_cannot_be_changed(aws: EmbeddedAws) -> None:
    """AWS's own log groups are listed with all others; nobody else may make them or give them a key."""
    make_log_groups(aws, ["aws/spans"])
    used = log_groups_key(aws)
    logs = aws.client("logs")

    answers = {
        refusal(lambda: associate(aws, used, "aws/spans")),
        refusal(lambda: logs.disassociate_kms_key(logGroupName="aws/spans")),
        refusal(lambda: logs.create_log_group(logGroupName="aws/other")),
    }

    assert answers == {("InvalidParameterException", "Log groups starting with AWS/ are reserved for AWS.", 400)}
    assert names_on(logs.describe_log_groups()) == ["aws/spans"]
