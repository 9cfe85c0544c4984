"""The tags of log groups."""

import pytest
from emulator.accounts import log_group, log_group_arn, refusal

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
