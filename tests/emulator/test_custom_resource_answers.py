"""Answers of custom resources: which ones CloudFormation takes, and how they have to arrive."""

import json
from typing import Any

import pytest
from emulator.things import ALWAYS_OK, OK, create, put, settled, template, things_events

from local.client.embedded_aws import EmbeddedAws
from local.emulator.script import Fault


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param({**OK, "PhysicalResourceId": ""}, "Invalid PhysicalResourceId", id="empty id"),
        pytest.param({**OK, "PhysicalResourceId": "leave out"}, "Invalid PhysicalResourceId", id="no id"),
        pytest.param({**OK, "PhysicalResourceId": "x" * 1025}, "Invalid PhysicalResourceId", id="id over 1 KB"),
        pytest.param({**OK, "Data": {"Key": "x" * 4096}}, "Response object is too long.", id="over 4,096 bytes"),
        pytest.param({**OK, "Reason": None}, "CloudFormation did not receive a response", id="null Reason"),
        pytest.param({**OK, "RequestId": "other"}, "CloudFormation did not receive a response", id="another request"),
        pytest.param({**OK, "Status": "OK"}, "CloudFormation did not receive a response", id="unknown status"),
    ],
)
def test_an_answer_that_cloudformation_would_not_take(aws: EmbeddedAws, answer: dict[str, Any], reason: str) -> None:
    """What breaks the protocol fails the resource, at once or as if no answer had come."""
    status = create(aws, template({"Create": answer, "Delete": OK}, ServiceTimeout=3))

    assert status == "ROLLBACK_COMPLETE"
    assert things_events(aws)[1][2].startswith(reason)


def test_a_content_type_breaks_the_signature(aws: EmbeddedAws) -> None:
    """A PUT with a Content-Type gets 403, as from S3; the function's crash then reaches the responder."""
    status = create(aws, template({"Create": OK, "Delete": OK}, ContentType="application/json"))

    first = aws.direction.answers()[0]
    assert status == "ROLLBACK_COMPLETE"
    assert (first.http_status, first.verdict) == (403, "signature does not match")


def test_the_storage_of_answers_can_fail(aws: EmbeddedAws) -> None:
    """A scripted fault refuses the PUT, and the second delivery of the event answers."""
    aws.direction.answer_with(Fault("cloudformation:Answer", "SlowDown", "", status=503))

    status = create(aws, template(ALWAYS_OK, retries=1))

    assert status == "CREATE_COMPLETE"
    assert [(answer.http_status, answer.verdict) for answer in aws.direction.answers()] == [
        (503, "refused by script"),
        (200, "used"),
    ]


def test_the_response_url_looks_presigned(aws: EmbeddedAws) -> None:
    """The ResponseURL has the date and the other parameters of a presigned URL, and a quoted name."""
    create(aws, template(ALWAYS_OK))

    url = aws.direction.events()[0]["ResponseURL"]
    path, _, query = url.partition("?")
    assert {part.partition("=")[0] for part in query.split("&")} == {
        "X-Amz-Algorithm", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires", "X-Amz-Credential", "X-Amz-Signature",
    }  # fmt: skip
    assert "arn%3Aaws%3Acloudformation" in path


def test_a_late_answer_changes_nothing(aws: EmbeddedAws) -> None:
    """A second answer to an event is taken by the storage and ignored by CloudFormation."""
    create(aws, template(ALWAYS_OK))
    event = aws.direction.events()[0]
    names = ("StackId", "RequestId", "LogicalResourceId")
    body = {name: event[name] for name in names} | {"Status": "FAILED", "Reason": "late", "PhysicalResourceId": "x"}

    accepted = put(event["ResponseURL"], json.dumps(body).encode())

    assert (accepted, settled(aws)) == (200, "CREATE_COMPLETE")
    assert [answer.verdict for answer in aws.direction.answers()] == ["used", "late"]


def test_an_altered_response_url_is_denied(aws: EmbeddedAws) -> None:
    """A URL that was quoted again no longer fits its signature."""
    create(aws, template(ALWAYS_OK))
    url = aws.direction.events()[0]["ResponseURL"].replace("%", "%25")

    assert put(url, b"{}") == 403
