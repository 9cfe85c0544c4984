"""ListLogGroups: by tags, names and classes, and in pages of up to a thousand."""

from typing import Any

import pytest
from emulator.accounts import log_group, log_group_arn, names_on, refusal

from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import make_log_groups


@pytest.fixture
def tagged(aws: EmbeddedAws) -> EmbeddedAws:
    """An account with five log groups, four of them with tags."""
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/a", tags={"owner": "Team/One", "stage": "prod"})
    logs.create_log_group(logGroupName="/b", tags={"owner": "team/two", "stage": "test"})
    logs.create_log_group(logGroupName="/c", tags={"owner": "other", "stage": "prod"}, logGroupClass="DELIVERY")
    logs.create_log_group(logGroupName="/d.e", tags={"owner": ""})
    logs.create_log_group(logGroupName="/dfe")
    return aws


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        pytest.param([{"key": "owner"}], ["/a", "/b", "/c", "/d.e"], id="the key, whatever the value"),
        pytest.param([{"key": "owner", "values": []}], ["/a", "/b", "/c", "/d.e"], id="no values"),
        pytest.param([{"key": "Owner"}], [], id="keys in their own case"),
        pytest.param([{"key": "owner", "values": ["other"]}], ["/c"], id="the very value"),
        pytest.param([{"key": "owner", "values": ["OTHER"]}], [], id="the very value in its own case"),
        pytest.param([{"key": "owner", "values": ["team/*"]}], ["/a", "/b"], id="a wildcard, in any case"),
        pytest.param([{"key": "owner", "values": ["*o*"]}], ["/a", "/b", "/c"], id="wildcards on both sides"),
        pytest.param([{"key": "owner", "values": ["other", "team/two"]}], ["/b", "/c"], id="any of the values"),
        pytest.param([{"key": "owner", "values": ["!other"]}], ["/a", "/b", "/d.e"], id="any other value"),
        pytest.param([{"key": "owner", "values": ["!team/*"]}], ["/c", "/d.e"], id="not the wildcard's"),
        pytest.param(
            [{"key": "owner", "values": ["team*"]}, {"key": "stage", "values": ["prod"]}],
            ["/a"],
            id="all of the filters",
        ),
    ],
)
def test_log_groups_are_found_by_their_tags(tagged: EmbeddedAws, filters: Any, names: list[str]) -> None:
    """As the documentation of the filter says."""
    found = tagged.client("logs").list_log_groups(logGroupTags=filters)

    assert names_on(found) == names


@pytest.mark.parametrize(
    ("given", "names"),
    [
        pytest.param({}, ["/a", "/b", "/c", "/d.e", "/dfe"], id="all"),
        pytest.param({"logGroupNamePattern": "d.e"}, ["/d.e"], id="a part of the name, its dot a dot"),
        pytest.param({"logGroupNamePattern": "^/d.e|^/df|^d.e"}, ["/d.e", "/dfe"], id="beginnings"),
        pytest.param({"logGroupClass": "DELIVERY"}, ["/c"], id="a class"),
        pytest.param({"logGroupClass": "STANDARD", "logGroupTags": [{"key": "stage"}]}, ["/a", "/b"], id="both"),
    ],
)
def test_log_groups_are_found_by_name_and_class(tagged: EmbeddedAws, given: dict[str, Any], names: list[str]) -> None:
    """A log group must satisfy all that is given."""
    found = tagged.client("logs").list_log_groups(**given)

    assert names_on(found) == names


def test_a_log_group_is_listed_without_its_key(tagged: EmbeddedAws) -> None:
    """With name, ARN and class alone: whoever wants the key has to ask DescribeLogGroups."""
    [found] = tagged.client("logs").list_log_groups(logGroupTags=[{"key": "owner", "values": ["other"]}])["logGroups"]

    assert found == {
        "logGroupName": "/c",
        "logGroupArn": log_group_arn(tagged, "/c"),
        "logGroupClass": "DELIVERY",
    }


def test_a_page_has_up_to_a_thousand(aws: EmbeddedAws) -> None:
    """50 unless more are asked for; the token leads on, also where its log group has vanished."""
    make_log_groups(aws, [f"/app/{number:04d}" for number in range(1100)])
    logs = aws.client("logs")

    first = logs.list_log_groups()
    thousand = logs.list_log_groups(limit=1000)
    logs.delete_log_group(logGroupName=names_on(thousand)[-1])
    rest = logs.list_log_groups(limit=1000, nextToken=thousand["nextToken"])

    assert [len(page["logGroups"]) for page in (first, thousand, rest)] == [50, 1000, 100]
    assert names_on(rest)[0] == "/app/1000"
    assert "nextToken" not in rest


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"limit": 1001}, id="a longer page"),
        pytest.param({"nextToken": "none"}, id="a token that was not given"),
        pytest.param({"logGroupNamePattern": "a b c"}, id="a pattern with spaces"),
        pytest.param({"logGroupNamePattern": "|".join(["abc"] * 6)}, id="six patterns"),
        pytest.param({"logGroupTags": [{"key": f"k{number}"} for number in range(6)]}, id="six filters"),
        pytest.param({"logGroupTags": [{"key": "k", "values": list("abcdef")}]}, id="six values"),
    ],
)
def test_what_the_model_does_not_allow_is_refused(aws: EmbeddedAws, given: dict[str, Any]) -> None:
    """As an invalid parameter."""
    code, _, status = refusal(lambda: aws.client("logs").list_log_groups(**given))

    assert (code, status) == ("InvalidParameterException", 400)


def test_a_token_grows_old(aws: EmbeddedAws) -> None:
    """After a day it is none any more."""
    for number in range(3):
        log_group(aws, f"/app/{number}")
    logs = aws.client("logs")
    token = logs.list_log_groups(limit=1)["nextToken"]

    aws.direction.expire_tokens()

    assert refusal(lambda: logs.list_log_groups(nextToken=token))[0] == "InvalidParameterException"
