"""Calls about log groups as CloudTrail tells the event bus of them."""

import json
from typing import Any

import pytest
from botocore import xform_name
from emulator.accounts import GROUP, log_group, log_groups_key, refusal
from emulator.functions import WHERE, make_function
from emulator.queues import CREATED, CREATED_OR_NOT, creations, details, messages, open_queue, queue, rule
from emulator.roles import allow, someone_with

from local.client.embedded_aws import EmbeddedAws
from local.emulator.script import Fault


def test_a_created_log_group_is_an_event(aws: EmbeddedAws) -> None:
    """CloudTrail's record of the call comes on the default bus, with who called and what with."""
    rule(aws, CREATED, queue(aws))
    used = log_groups_key(aws)

    aws.client("logs").create_log_group(logGroupName=GROUP, kmsKeyId=used, tags={"a": "b"})
    event = json.loads(messages(aws, 1)[0]["Body"])

    detail = event["detail"]
    assert (event["source"], event["detail-type"]) == ("aws.logs", "AWS API Call via CloudTrail")
    assert (event["account"], event["region"]) == ("111122223333", "eu-west-1")
    assert {name: detail[name] for name in ("eventSource", "eventName", "awsRegion", "recipientAccountId")} == {
        "eventSource": "logs.amazonaws.com",
        "eventName": "CreateLogGroup",
        "awsRegion": "eu-west-1",
        "recipientAccountId": "111122223333",
    }
    assert detail["requestParameters"] == {"logGroupName": GROUP, "kmsKeyId": used, "tags": {"a": "b"}}
    assert detail["responseElements"] is None
    assert detail["userIdentity"] == {
        "type": "Root",
        "arn": "arn:aws:iam::111122223333:root",
        "accountId": "111122223333",
    }
    assert {"eventVersion", "eventTime", "eventID"} < set(detail)
    assert "errorCode" not in detail


@pytest.mark.parametrize(
    ("refuse", "call", "code", "parameters"),
    [
        pytest.param(None, {"logGroupName": "or ders"}, "InvalidParameterException", None, id="not a name"),
        pytest.param(None, {"logGroupName": "aws/spans"}, "InvalidParameterException", None, id="reserved"),
        pytest.param(
            None, {"logGroupName": "/there"}, "ResourceAlreadyExistsException", {"logGroupName": "/there"}, id="there"
        ),
        pytest.param(
            Fault.operation_aborted("logs:CreateLogGroup"),
            {"logGroupName": GROUP},
            "OperationAbortedException",
            {"logGroupName": GROUP},
            id="aborted",
        ),
        pytest.param(
            Fault.throttled("logs:CreateLogGroup"), {"logGroupName": GROUP}, "ThrottlingException", None, id="throttled"
        ),
        pytest.param(
            Fault.late_role_policy("logs:CreateLogGroup"),
            {"logGroupName": GROUP},
            "AccessDeniedException",
            None,
            id="denied",
        ),
    ],
)
def test_a_refused_creation_is_an_event_with_an_error(
    aws: EmbeddedAws,
    refuse: Fault | None,
    call: dict[str, Any],
    code: str,
    parameters: dict[str, str] | None,
) -> None:
    """It carries code and message, at times no parameters, and a rule that asks for no code does not see it."""
    log_group(aws, "/there")
    everything, good = queue(aws), queue(aws, "good")
    rule(aws, CREATED_OR_NOT, everything)
    aws.client("events").put_rule(Name="good", EventPattern=json.dumps(CREATED))
    aws.client("events").put_targets(Rule="good", Targets=[{"Id": "target", "Arn": good}])
    if refuse:
        aws.direction.answer_with(refuse)

    _, message, _ = refusal(lambda: aws.client("logs").create_log_group(**call))
    [detail] = details(aws, 1)

    assert (detail["errorCode"], detail["errorMessage"]) == (code, message)
    assert detail["requestParameters"] == parameters
    assert messages(aws, name="good") == []


def test_a_creation_that_iam_denies_is_an_event(aws_with_auth: EmbeddedAws) -> None:
    """Who was denied stands in it: a session of a role, with the role."""
    aws = aws_with_auth
    rule(aws, CREATED_OR_NOT, open_queue(aws))
    role = someone_with(aws, allow("logs:DescribeLogGroups", "*"))

    refusal(lambda: aws.client("logs", credentials=role).create_log_group(logGroupName=GROUP))
    [detail] = details(aws, 1)

    assert (detail["errorCode"], detail["requestParameters"]) == ("AccessDeniedException", None)
    assert detail["userIdentity"]["type"] == "AssumedRole"
    assert detail["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == "someone"


@pytest.mark.parametrize(
    ("names", "seen"),
    [
        pytest.param([{"prefix": "/app/"}], ["/app/a", "/app/b/logs"], id="prefix"),
        pytest.param([{"wildcard": "/*/logs"}], ["/app/b/logs", "/other/logs"], id="wildcard"),
        pytest.param([{"anything-but": {"prefix": "/app/"}}], ["/other/logs"], id="all but a prefix"),
    ],
)
def test_rules_look_into_the_record(aws: EmbeddedAws, names: list[Any], seen: list[str]) -> None:
    """Patterns on the log group's name choose among the events."""
    detail = {**CREATED["detail"], "requestParameters": {"logGroupName": names}}  # type: ignore[dict-item] # CREATED is inferred
    rule(aws, {**CREATED, "detail": detail}, queue(aws))

    for name in ("/app/a", "/app/b/logs", "/other/logs"):
        log_group(aws, name)

    assert creations(aws, len(seen)) == seen


def test_events_stay_in_their_account_and_region(aws: EmbeddedAws) -> None:
    """A bus gets what happens in its own account and Region."""
    rule(aws, CREATED, queue(aws))

    aws.client("logs", region="us-east-1").create_log_group(logGroupName="/elsewhere")
    aws.client("logs", account="444455556666").create_log_group(logGroupName="/of-others")
    log_group(aws)

    assert creations(aws, 1) == [GROUP]


def test_the_first_log_of_a_function_is_an_event(aws: EmbeddedAws) -> None:
    """Lambda makes a function's log group in the name of its role, once."""
    rule(aws, CREATED, queue(aws))
    make_function(aws, "where", WHERE)

    for _ in range(2):
        aws.client("lambda").invoke(FunctionName="where", Payload=b"{}")
    [detail] = details(aws, 1)

    assert detail["requestParameters"] == {"logGroupName": "/aws/lambda/where"}
    assert detail["userIdentity"]["arn"] == "arn:aws:sts::111122223333:assumed-role/some/where"


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        pytest.param("AssociateKmsKey", {"logGroupName": GROUP, "kmsKeyId": "KEY"}, id="a key"),
        pytest.param("DisassociateKmsKey", {"logGroupName": GROUP}, id="no key"),
        pytest.param("TagResource", {"resourceArn": "ARN", "tags": {"a": "b"}}, id="a tag"),
        pytest.param("UntagResource", {"resourceArn": "ARN", "tagKeys": ["a"]}, id="no tag"),
        pytest.param("TagLogGroup", {"logGroupName": GROUP, "tags": {"a": "b"}}, id="a tag, the old way"),
        pytest.param("UntagLogGroup", {"logGroupName": GROUP, "tags": ["a"]}, id="no tag, the old way"),
    ],
)
def test_what_changes_a_log_group_is_an_event(aws: EmbeddedAws, operation: str, call: dict[str, Any]) -> None:
    """With the parameters of the call."""
    stands_for = {"KEY": log_groups_key(aws), "ARN": f"arn:aws:logs:eu-west-1:111122223333:log-group:{GROUP}"}
    parameters = {name: stands_for.get(str(value), value) for name, value in call.items()}
    log_group(aws)
    rule(aws, {"source": ["aws.logs"], "detail": {"eventName": [operation]}}, queue(aws))

    getattr(aws.client("logs"), xform_name(operation))(**parameters)
    [detail] = details(aws, 1)

    assert (detail["eventName"], detail["requestParameters"]) == (operation, parameters)
    assert "errorCode" not in detail
