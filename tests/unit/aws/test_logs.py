"""The port on CloudWatch Logs: which call, with which parameters; what AWS answers is in `tests/contract`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from support.fake_aws import fleet, key_arn, log_group, owner

from log_group_kms.aws.logs import CloudWatchLogs
from log_group_kms.model.errors import NotFound
from log_group_kms.model.keys import KeyArn, OddKey
from log_group_kms.model.ownership import Claim, Marks, Work
from log_group_kms.model.results import Listed, Page
from log_group_kms.model.tags import CLAIM_TAGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_logs import CloudWatchLogsClient

    from log_group_kms.model.targets import LogGroup

PLAIN, HASHED = log_group("/team/orders"), log_group("/team#1/orders")
ME, KEY = owner(), key_arn(1)
CLAIM = Claim(ME, KEY, written_at=1767608100.0)
MARKS = Marks(Work.FAILED, 1767608100.0)


def a_client() -> CloudWatchLogsClient:
    """A client that is never let near AWS."""
    return boto3.client("logs", region_name="eu-west-1", aws_access_key_id="-", aws_secret_access_key="-")


@pytest.fixture
def aws() -> Iterator[Stubber]:
    """CloudWatch Logs as botocore's stub: it answers what it is told, and knows the parameters of each call."""
    with Stubber(a_client()) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def logs(aws: Stubber) -> CloudWatchLogs:
    """The port on that."""
    client: CloudWatchLogsClient = aws.client  # type: ignore[assignment] # botocore's stub knows no more than its base
    return CloudWatchLogs(client)


#: Calls of the port, each with the two calls that make it: by ARN, and by name.
CHANGES = [
    pytest.param(
        lambda logs, group: logs.write_claim(group, CLAIM),
        ("tag_resource", {"tags": CLAIM.as_tags()}),
        ("tag_log_group", {"tags": CLAIM.as_tags()}),
        id="write_claim",
    ),
    pytest.param(
        lambda logs, group: logs.remove_claim(group),
        ("untag_resource", {"tagKeys": CLAIM_TAGS}),
        ("untag_log_group", {"tags": CLAIM_TAGS}),
        id="remove_claim",
    ),
    pytest.param(
        lambda logs, group: logs.write_marks(group, ME, MARKS),
        ("tag_resource", {"tags": MARKS.as_tags(ME)}),
        ("tag_log_group", {"tags": MARKS.as_tags(ME)}),
        id="write_marks",
    ),
    pytest.param(
        lambda logs, group: logs.remove_marks(group, ME, MARKS),
        ("untag_resource", {"tagKeys": tuple(MARKS.as_tags(ME))}),
        ("untag_log_group", {"tags": tuple(MARKS.as_tags(ME))}),
        id="remove_marks",
    ),
]
READS = [
    pytest.param(lambda logs, group: logs.claim_on(group), CLAIM, id="claim_on"),
    pytest.param(lambda logs, group: logs.marks_on(group, ME), MARKS, id="marks_on"),
]


@pytest.mark.parametrize(("change", "by_arn", "by_name"), CHANGES)
def test_tags_are_changed_by_arn_or_by_name(
    aws: Stubber,
    logs: CloudWatchLogs,
    change: Callable[[CloudWatchLogs, LogGroup], object],
    by_arn: tuple[str, dict[str, Any]],
    by_name: tuple[str, dict[str, Any]],
) -> None:
    """A name with `#` goes by the older calls, which take the name."""
    aws.add_response(by_arn[0], {}, {"resourceArn": PLAIN.arn, **by_arn[1]})
    aws.add_response(by_name[0], {}, {"logGroupName": HASHED.name.text, **by_name[1]})

    change(logs, PLAIN)
    change(logs, HASHED)


@pytest.mark.parametrize(("read", "expected"), READS)
def test_tags_are_read_by_arn_or_by_name(
    aws: Stubber, logs: CloudWatchLogs, read: Callable[[CloudWatchLogs, LogGroup], object], expected: object
) -> None:
    """Both say the same."""
    tags = {"tags": {**CLAIM.as_tags(), **MARKS.as_tags(ME), "team": "orders"}}
    aws.add_response("list_tags_for_resource", tags, {"resourceArn": PLAIN.arn})
    aws.add_response("list_tags_log_group", tags, {"logGroupName": HASHED.name.text})

    assert [read(logs, PLAIN), read(logs, HASHED)] == [expected, expected]


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("ListTagsLogGroup", lambda logs: logs.claim_on(HASHED)),
        ("TagLogGroup", lambda logs: logs.write_claim(HASHED, CLAIM)),
        ("UntagLogGroup", lambda logs: logs.remove_claim(HASHED)),
    ],
)
def test_a_refusal_names_the_call_that_was_made(
    aws: Stubber, logs: CloudWatchLogs, operation: str, call: Callable[[CloudWatchLogs], object]
) -> None:
    """The user looks for it in CloudTrail, and for its permission in the policy."""
    method = re.sub(r"(?<!^)([A-Z])", r"_\1", operation).lower()
    aws.add_client_error(method, "ResourceNotFoundException", "The specified log group does not exist.")

    with pytest.raises(NotFound) as refused:
        call(logs)

    assert (refused.value.operation, refused.value.target) == (operation, HASHED.arn)


@pytest.mark.parametrize(
    ("operation", "parameter", "plain", "hashed"),
    [
        ("ListTagsForResource", "resourceArn", PLAIN.arn, HASHED.arn),
        ("TagResource", "resourceArn", PLAIN.arn, HASHED.arn),
        ("UntagResource", "resourceArn", PLAIN.arn, HASHED.arn),
    ],
)
def test_the_calls_that_take_an_arn_take_no_hash(operation: str, parameter: str, plain: str, hashed: str) -> None:
    """By AWS's own model; once it changes, the older calls are needed no more."""
    assert (fits_model(operation, parameter, plain), fits_model(operation, parameter, hashed)) == (True, False)


@pytest.mark.parametrize("operation", ["ListTagsLogGroup", "TagLogGroup", "UntagLogGroup"])
def test_the_calls_that_take_a_name_take_a_hash(operation: str) -> None:
    """They are deprecated, and there."""
    assert fits_model(operation, "logGroupName", HASHED.name.text)


def fits_model(operation: str, parameter: str, value: str) -> bool:
    """Whether AWS's model of *operation* allows this *value*."""
    given = a_client().meta.service_model.operation_model(operation).input_shape
    assert given
    return re.fullmatch(given.members[parameter].metadata["pattern"], value) is not None


# --- the key in force -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "key"),
    [
        pytest.param(KEY.text, KEY, id="an ARN"),
        pytest.param(None, None, id="none"),
        pytest.param("", None, id="empty"),
        pytest.param("alias/logs", OddKey("alias/logs"), id="an alias"),
        pytest.param(KEY.text.rpartition("/")[2], OddKey(KEY.text.rpartition("/")[2]), id="an id"),
        pytest.param(KEY.text.upper(), OddKey(KEY.text.upper()), id="in capitals"),
    ],
)
def test_the_key_that_is_shown(aws: Stubber, logs: CloudWatchLogs, shown: str | None, key: KeyArn | None) -> None:
    """What is no key's ARN is seen all the same, for one log group and on a page: it must not count as no key."""
    group = {"logGroupName": PLAIN.name.text} | ({} if shown is None else {"kmsKeyId": shown})
    aws.add_response("describe_log_groups", {"logGroups": [group]}, {"logGroupNamePrefix": PLAIN.name.text})
    aws.add_response("describe_log_groups", {"logGroups": [group]}, {"logGroupNamePrefix": "/team/", "limit": 50})

    found = logs.key_of(PLAIN)

    assert (found, type(found)) == (key, type(key))
    assert logs.page(fleet("/team/"), "") == Page((Listed(PLAIN.name.text, key),), "")


def test_an_odd_key_is_never_a_key() -> None:
    """Also where both have the same text: what a template names, it is not."""
    odd: KeyArn = OddKey(KEY.text)

    assert [odd == KEY, odd == KEY] == [False, False]
