"""Waits that are put off: the provider's handler, and a real queue."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from functional.enrolments import json_lines, metrics_in

from local.emulator.script import Fault
from log_group_kms.association.claims import FRESH
from log_group_kms.handlers import provider as handler
from log_group_kms.lifecycle.progress import PROGRESS

if TYPE_CHECKING:
    from functional.conftest import Deployment

ORDERS = "/aws/lambda/orders"


@pytest.fixture
def queue(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> str:
    """The queue's URL."""
    url: str = deployment.aws.client("sqs").create_queue(QueueName="waits")["QueueUrl"]
    monkeypatch.setenv("WAIT_QUEUE_URL", url)
    return url


def create(deployment: Deployment, seconds: int = 300, **properties: object) -> dict[str, Any]:
    """The Create of a resource that waits so many *seconds*."""
    deployment.log_group(ORDERS)
    wanted = {"LogGroupName": ORDERS, "KmsKeyId": deployment.key(), "PropagationWaitSeconds": seconds}
    return deployment.cloudformation.event("Create", properties=wanted | properties)


def invoke(deployment: Deployment, event: dict[str, Any]) -> None:
    """One invocation."""
    handler.handler(event, deployment.context)  # type: ignore[arg-type] # all that is used of Lambda's context


def check_slept_out(deployment: Deployment, event: dict[str, Any], seconds: int) -> None:
    """Assert that *event* is answered once a wait of so many *seconds* is over, and not much later.

    The clock goes on by itself as well: what a slow machine takes is not slept.
    """
    begun = deployment.clock.now()

    invoke(deployment, event)

    assert deployment.cloudformation.response_to(event).status == "SUCCESS"
    assert deployment.clock.now() - begun >= seconds
    assert 0 < sum(deployment.clock.slept) < seconds + 2


def number(deployment: Deployment, queue: str, what: str) -> int:
    """The number of a queue's messages of one kind."""
    name: Any = f"ApproximateNumberOfMessages{what}"
    found = deployment.aws.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=[name])
    return int(found["Attributes"][name])


def test_a_wait_is_the_queues(deployment: Deployment, queue: str) -> None:
    """Nothing is slept but what a claim takes to settle, nothing answered; the event is in the queue, not yet seen."""
    event = create(deployment)

    invoke(deployment, event)

    assert deployment.clock.slept == [pytest.approx(FRESH + 0.2)]
    assert deployment.cloudformation.responses_to(event) == []
    assert number(deployment, queue, "Delayed") == 1
    assert deployment.aws.client("sqs").receive_message(QueueUrl=queue).get("Messages", []) == []


def test_it_is_answered_once_when_it_comes_back(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the answer that was known before."""
    sent: list[tuple[str, Any, int, float]] = []
    monkeypatch.setenv("WAIT_QUEUE_URL", "the-queue")
    monkeypatch.setattr(handler.aws, "send_later", lambda *given: sent.append((*given, deployment.clock.now())))
    event = create(deployment)
    begun = deployment.clock.now()
    invoke(deployment, event)
    ((queue, further, seconds, sent_at),) = sent
    deployment.clock.sleep(seconds)
    deployment.clock.slept.clear()

    invoke(deployment, json.loads(json.dumps(further)))

    response = deployment.cloudformation.response_to(event)
    assert (queue, further.keys() - event.keys()) == ("the-queue", {PROGRESS})
    # What has gone by since the association counts, and a queue knows whole seconds.
    assert begun + 299 <= sent_at + seconds <= sent_at + 299
    assert (response.status, response.data["KmsKeyArn"]) == ("SUCCESS", event["ResourceProperties"]["KmsKeyId"])
    assert sum(deployment.clock.slept) < 2


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("sqs:SendMessage", "AccessDenied", "no", 403, 9), id="denied"),
        pytest.param(Fault("sqs:SendMessage", "ServiceUnavailable", "no", 503, 9), id="unavailable"),
        pytest.param(Fault("sqs:SendMessage", "RequestThrottled", "no", 403, 9), id="throttled"),
    ],
)
@pytest.mark.usefixtures("queue")
def test_where_the_queue_does_not_take_it_the_wait_check_slept_out(
    deployment: Deployment, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    """As without a queue: one answer, in time; the log says so, without a secret."""
    event = create(deployment)
    deployment.aws.direction.answer_with(fault)
    caplog.set_level(logging.DEBUG)

    check_slept_out(deployment, event, 300)

    assert "The wait is slept out" in caplog.text
    assert event["ResponseURL"] not in caplog.text


@pytest.mark.parametrize("with_queue", [True, False], ids=["a queue", "no queue"])
def test_what_was_answered_just_before_does_not_go_on(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, *, with_queue: bool
) -> None:
    """The time of the invocation was over: it was answered FAILED, and no further one comes."""
    further: list[Any] = []
    if with_queue:
        monkeypatch.setenv("WAIT_QUEUE_URL", "the-queue")
    monkeypatch.setattr(handler.aws, "send_later", lambda *given: further.append(given))
    monkeypatch.setattr(handler.aws, "invoke_again", lambda *given: further.append(given))
    monkeypatch.setattr(handler, "delay", lambda *_: handler.resource.settled.wait(30) and 300)
    # Of that the backstop leaves a quarter, and takes it for its answer.
    deployment.context.remaining_in_millis = 4_000
    event = create(deployment)

    invoke(deployment, event)

    assert deployment.cloudformation.response_to(event).status == "FAILED"
    assert further == []


def test_a_queue_that_is_gone(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody deleted it: the wait is slept out."""
    monkeypatch.setenv("WAIT_QUEUE_URL", f"{deployment.aws.endpoint}/111122223333/gone")
    event = create(deployment)

    check_slept_out(deployment, event, 300)


@pytest.mark.usefixtures("queue")
def test_a_wait_that_the_queue_does_not_take_and_that_does_not_fit(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on in a further invocation, as without a queue."""
    further: list[Any] = []
    monkeypatch.setattr(handler.aws, "invoke_again", lambda _, event: further.append(event))
    deployment.aws.direction.answer_with(Fault("sqs:SendMessage", "AccessDenied", "no", 403, 9))
    deployment.context.remaining_in_millis = 100_000
    event = create(deployment)

    invoke(deployment, event)

    assert deployment.cloudformation.responses_to(event) == []
    assert [set(each) - set(event) for each in further] == [{PROGRESS}]


@pytest.mark.usefixtures("queue")
def test_a_short_wait_check_slept_out(deployment: Deployment) -> None:
    """It is not worth another start of the function."""
    event = create(deployment, 29)

    check_slept_out(deployment, event, 29)


def test_what_is_done_is_audited_and_counted(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    """Each change has its line, with the request's ids and without the ResponseURL; the answer counts."""
    event = create(deployment, 0)

    invoke(deployment, event)
    deleted = deployment.cloudformation.event(
        "Delete",
        properties=event["ResourceProperties"],
        physical_resource_id=deployment.cloudformation.responses_to(event)[0].physical_resource_id,
    )
    invoke(deployment, deleted)

    said = capsys.readouterr().out
    audit = [line for line in json_lines(said) if "audit" in line]
    key = event["ResourceProperties"]["KmsKeyId"]
    assert [(line["source"], line["action"], line["key_before"], line["key_after"]) for line in audit] == [
        ("create", "associate", "", key),
        ("delete", "disassociate", key, ""),
    ]
    assert [line["request_id"] for line in audit] == [event["RequestId"], deleted["RequestId"]]
    assert {line["function_request_id"] for line in audit} == {deployment.context.aws_request_id}
    assert {(line["stack_id"], line["logical_resource_id"]) for line in audit} == {
        (event["StackId"], event["LogicalResourceId"])
    }
    assert event["ResponseURL"] not in said
    counted = metrics_in(said)
    assert (counted["Succeeded"], counted["Refused"]) == (2, 0)
