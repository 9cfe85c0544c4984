"""The tags of log groups."""

import pytest
from emulator.accounts import GROUP, log_group, log_group_arn, refusal

from local.client.embedded_aws import EmbeddedAws


def test_tags_of_a_missing_log_group(aws: EmbeddedAws) -> None:
    """The tag operations say of a missing log group what all others say."""
    logs, arn = aws.client("logs"), log_group_arn(aws)

    answers = {
        refusal(lambda: logs.list_tags_for_resource(resourceArn=arn)),
        refusal(lambda: logs.tag_resource(resourceArn=arn, tags={"a": "b"})),
        refusal(lambda: logs.untag_resource(resourceArn=arn, tagKeys=["a"])),
    }

    assert answers == {("ResourceNotFoundException", "The specified log group does not exist.", 400)}


def test_tags_are_written_read_and_removed(aws: EmbeddedAws) -> None:
    """Tags go by the ARN without `:*`."""
    log_group(aws)
    logs, arn = aws.client("logs"), log_group_arn(aws)

    logs.tag_resource(resourceArn=arn, tags={"team": "a", "their-tool:owner": "one:s/1/L"})
    logs.untag_resource(resourceArn=arn, tagKeys=["team", "never there"])

    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"their-tool:owner": "one:s/1/L"}


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        pytest.param({"owner": "a" * 257}, "InvalidParameterException", id="value too long"),
        pytest.param({"o" * 129: "a"}, "InvalidParameterException", id="key too long"),
        pytest.param({"owner": "a*b"}, "InvalidParameterException", id="a character that is not allowed"),
        pytest.param({"aws:owner": "a"}, "InvalidParameterException", id="AWS's own prefix"),
        pytest.param({f"t{n}": "a" for n in range(50)}, "TooManyTagsException", id="51 with the one that is there"),
    ],
)
def test_tags_have_limits(aws: EmbeddedAws, tags: dict[str, str], code: str) -> None:
    """Tags that AWS would refuse are refused, and nothing is written."""
    logs, arn = aws.client("logs"), log_group_arn(aws, log_group(aws))
    logs.tag_resource(resourceArn=arn, tags={"there": "before"})

    answer = refusal(lambda: logs.tag_resource(resourceArn=arn, tags=tags))

    assert answer[0] == code
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"there": "before"}


@pytest.mark.parametrize(
    "name",
    [pytest.param("/odd/#1", id="a name with #, as we believe"), pytest.param("/even:*", id="an ARN with :*")],
)
def test_the_calls_that_take_an_arn_refuse_some(aws: EmbeddedAws, name: str) -> None:
    """TagResource, UntagResource and ListTagsForResource: the model's pattern for the ARN has neither `#` nor `*`."""
    log_group(aws, name.removesuffix(":*"))
    logs, arn = aws.client("logs"), log_group_arn(aws, name)

    answers = {
        refusal(lambda: logs.list_tags_for_resource(resourceArn=arn)),
        refusal(lambda: logs.tag_resource(resourceArn=arn, tags={"a": "b"})),
        refusal(lambda: logs.untag_resource(resourceArn=arn, tagKeys=["a"])),
    }

    assert answers == {("ValidationException", "Invalid resourceArn", 400)}


def test_the_calls_that_take_a_name_take_any(aws: EmbeddedAws) -> None:
    """TagLogGroup, UntagLogGroup and ListTagsLogGroup see and change the same tags, of a name with `#` too."""
    logs = aws.client("logs")
    log_group(aws, "/odd/#1")
    log_group(aws)
    logs.tag_resource(resourceArn=log_group_arn(aws), tags={"by": "arn"})

    for name in ("/odd/#1", GROUP):
        logs.tag_log_group(logGroupName=name, tags={"team": "a", "rest": "b"})
        logs.untag_log_group(logGroupName=name, tags=["rest", "never there"])

    assert logs.list_tags_log_group(logGroupName="/odd/#1")["tags"] == {"team": "a"}
    assert logs.list_tags_log_group(logGroupName=GROUP)["tags"] == {"by": "arn", "team": "a"}
    assert logs.list_tags_for_resource(resourceArn=log_group_arn(aws))["tags"] == {"by": "arn", "team": "a"}
    assert refusal(lambda: logs.list_tags_log_group(logGroupName="/nowhere")) == (
        "ResourceNotFoundException", "The specified log group does not exist.", 400
    )  # fmt: skip


def test_a_full_log_group_takes_no_further_tag(aws: EmbeddedAws) -> None:
    """TagResource has a code of its own for it, TagLogGroup only the general one; a tag that is there may change."""
    logs, arn = aws.client("logs"), log_group_arn(aws, log_group(aws))
    logs.tag_resource(resourceArn=arn, tags={f"t{number}": "a" for number in range(50)})

    answers = [
        refusal(lambda: logs.tag_resource(resourceArn=arn, tags={"one": "more"}))[0],
        refusal(lambda: logs.tag_log_group(logGroupName=GROUP, tags={"one": "more"}))[0],
    ]
    logs.tag_resource(resourceArn=arn, tags={"t0": "changed"})

    assert answers == ["TooManyTagsException", "InvalidParameterException"]
    tags = logs.list_tags_for_resource(resourceArn=arn)["tags"]
    assert (len(tags), tags["t0"]) == (50, "changed")


def test_no_call_takes_more_than_50_tags(aws: EmbeddedAws) -> None:
    """By the model's limit on the request, before the log group is looked at; nothing is created or tagged."""
    logs, tags = aws.client("logs"), {f"t{number}": "a" for number in range(51)}
    arn = log_group_arn(aws, log_group(aws))

    answers = {
        refusal(lambda: logs.create_log_group(logGroupName="/new", tags=tags))[0],
        refusal(lambda: logs.tag_resource(resourceArn=arn, tags=tags))[0],
        refusal(lambda: logs.tag_log_group(logGroupName=GROUP, tags=tags))[0],
    }

    assert answers == {"InvalidParameterException"}
    assert [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]] == [GROUP]
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {}
