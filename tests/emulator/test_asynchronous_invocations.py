"""Lambda's queue: retries, throttling, destinations."""

import json
import time

import pytest
from emulator.accounts import key_of, log_group
from emulator.functions import FAILS, SLOW, SOME_ROLE, log_of, make_function, may_invoke, received, zipped
from emulator.queues import CREATED_NEW, messages, queue, rule
from emulator.roles import allow, functions_role
from emulator.things import ALWAYS_OK, OK, create, template, things_events
from emulator.waiting import until

from local.client.embedded_aws import EmbeddedAws


def test_a_throttled_asynchronous_invocation_is_tried_again(aws: EmbeddedAws) -> None:
    """Events that arrive while the function's concurrency is used up wait in the queue."""
    functions = aws.client("lambda")
    functions.create_function(
        FunctionName="slow",
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": zipped(SLOW)},
        Role=SOME_ROLE,
        Timeout=10,
    )
    functions.put_function_concurrency(FunctionName="slow", ReservedConcurrentExecutions=1)

    for number in range(3):
        functions.invoke(FunctionName="slow", InvocationType="Event", Payload=json.dumps(f"/made/{number}").encode())
    deadline = time.monotonic() + 20
    while aws.direction.counts()["logs:CreateLogGroup"] < 3 and time.monotonic() < deadline:
        time.sleep(0.05)

    made = [call.log_group for call in aws.direction.calls() if call.operation == "logs:CreateLogGroup"]
    assert sorted(made, key=str) == ["/made/0", "/made/1", "/made/2"]


def test_a_crash_reaches_the_destination(aws: EmbeddedAws) -> None:
    """A provider that crashes is invoked again as often as it is configured, then its destination gets the record."""
    status = create(aws, template({"Delete": OK}, retries=1))

    [record] = received(aws, "responder", 1)
    context = record["requestContext"]
    assert status == "ROLLBACK_COMPLETE"
    assert things_events(aws)[1][2].startswith(
        "Received response status [FAILED] from custom resource. Message returned: the provider said "
    )
    assert set(record) == {
        "version", "timestamp", "requestContext", "requestPayload", "responseContext", "responsePayload",
    }  # fmt: skip
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetriesExhausted", 2)
    assert context["functionArn"] == "arn:aws:lambda:eu-west-1:111122223333:function:provider:$LATEST"
    assert [event["RequestType"] for event in received(aws, "provider", 3)] == ["Create", "Create", "Delete"]


def test_a_function_can_invoke_itself(aws_with_auth: EmbeddedAws) -> None:
    """An asynchronous invocation of itself reaches the function, under its role."""
    aws = aws_with_auth

    status = create(aws, template(ALWAYS_OK, InvokesItself="yes"))
    deadline = time.monotonic() + 10
    while aws.direction.counts()["logs:CreateLogGroup"] < 1 and time.monotonic() < deadline:
        time.sleep(0.05)

    callers = {call.caller for call in aws.direction.calls() if call.by_function}
    assert status == "CREATE_COMPLETE"
    assert aws.direction.counts(by_function=True)["lambda:Invoke"] == 1
    assert key_of(aws, "/again") is None
    assert callers == {"arn:aws:sts::111122223333:assumed-role/provider/provider"}


def test_a_function_that_fails_at_an_event_is_tried_again(aws: EmbeddedAws) -> None:
    """Lambda retries as configured, then the queue of its destination gets its record of the failure."""
    function_arn = make_function(aws, "fails", FAILS)
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName="fails",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue(aws)}},
    )
    rule(aws, CREATED_NEW, function_arn)

    log_group(aws, "/new")
    record = json.loads(messages(aws, 1)[0]["Body"])

    context = record["requestContext"]
    assert set(record) == {
        "version", "timestamp", "requestContext", "requestPayload", "responseContext", "responsePayload",
    }  # fmt: skip
    assert set(context) == {"requestId", "functionArn", "condition", "approximateInvokeCount"}
    assert (context["functionArn"], context["condition"], context["approximateInvokeCount"]) == (
        f"{function_arn}:$LATEST",
        "RetriesExhausted",
        2,
    )
    assert record["requestPayload"]["detail"]["requestParameters"] == {"logGroupName": "/new"}
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorMessage"] == "never /new"


@pytest.mark.parametrize("granted", [True, False], ids=["with sqs:SendMessage", "without"])
def test_a_destination_is_used_in_the_name_of_the_role(aws_with_auth: EmbeddedAws, *, granted: bool) -> None:
    """A failure reaches the queue only where the function's role may send to it."""
    aws = aws_with_auth
    destination = queue(aws)
    role = functions_role(aws, *[allow("sqs:SendMessage", destination)] * granted)
    function_arn = make_function(aws, "fails", FAILS, role)
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName="fails", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": destination}}
    )
    rule(aws, CREATED_NEW, function_arn)
    may_invoke(aws, function_arn)

    log_group(aws, "/new")
    until(lambda: log_of(aws, "fails") != [])

    assert len(messages(aws, int(granted))) == int(granted)


def test_a_destination_can_be_a_topic(aws: EmbeddedAws) -> None:
    """The record of a failure is published, and reaches the topic's subscribers."""
    topic = aws.client("sns").create_topic(Name="topic")["TopicArn"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue(aws))
    make_function(aws, "fails", "def handler(event, context):\n    raise ValueError(event)\n")
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName="fails", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": topic}}
    )

    aws.client("lambda").invoke(FunctionName="fails", InvocationType="Event", Payload=b'"something"')
    published = json.loads(json.loads(messages(aws, 1)[0]["Body"])["Message"])

    assert (published["requestPayload"], published["requestContext"]["condition"]) == ("something", "RetriesExhausted")
    assert published["responsePayload"]["errorMessage"] == "something"
