"""EventBridge's deliveries to functions, by rules and by schedules."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from emulator.accounts import log_group
from emulator.functions import FAILS, WHERE, log_of, make_function, may_invoke, received
from emulator.queues import CREATED, CREATED_NEW, messages, open_queue, queue, rule
from emulator.roles import functions_role
from emulator.waiting import until

from local.client.direction import NotFiredError
from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import fire


@pytest.fixture
def scheduled(aws: EmbeddedAws) -> EmbeddedAws:
    """An account with a rule for once a day, `rule`, and a function for it, `where`."""
    events = aws.client("events")
    events.put_rule(Name="rule", ScheduleExpression="rate(1 day)")
    target = {"Id": "target", "Arn": make_function(aws, "where", WHERE), "Input": '{"Reconcile": true}'}
    events.put_targets(Rule="rule", Targets=[target])
    return aws


def test_what_reaches_no_function_reaches_the_dead_letter_queue(aws: EmbeddedAws) -> None:
    """The target's own queue gets the event, and why it could not be delivered."""
    gone = f"arn:aws:lambda:{aws.region}:{aws.account}:function:gone"
    rule(aws, CREATED_NEW, gone, DeadLetterConfig={"Arn": queue(aws)})

    log_group(aws, "/new")
    [message] = messages(aws, 1)

    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert json.loads(message["Body"])["detail"]["requestParameters"] == {"logGroupName": "/new"}
    assert attributes == {
        "RULE_ARN": "arn:aws:events:eu-west-1:111122223333:rule/rule",
        "TARGET_ARN": gone,
        "ERROR_CODE": "NO_RESOURCE",
        "ERROR_MESSAGE": f"There is no function {gone}.",
        "RETRY_ATTEMPTS": "0",
    }


@pytest.mark.parametrize("open_queue", [True, False], ids=["queue policy", "no queue policy"])
def test_a_function_has_to_let_eventbridge_in(aws_with_auth: EmbeddedAws, *, open_queue: bool) -> None:
    """Without a permission nothing reaches the function; the dead-letter queue needs a policy of its own."""
    aws = aws_with_auth
    closed, letters = make_function(aws, "closed", FAILS, functions_role(aws)), queue(aws)
    if open_queue:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": letters,
            "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:events:eu-west-1:111122223333:rule/rule"}},
        }
        by_tls = {
            **statement,
            "Effect": "Deny",
            "Principal": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement, by_tls]})
        aws.client("sqs").set_queue_attributes(QueueUrl="queue", Attributes={"Policy": policy})
    rule(aws, CREATED_NEW, closed, DeadLetterConfig={"Arn": letters})

    log_group(aws, "/new/first")
    kept = [message["MessageAttributes"]["ERROR_CODE"]["StringValue"] for message in messages(aws, int(open_queue))]
    may_invoke(aws, closed)
    log_group(aws, "/new/second")
    until(lambda: log_of(aws, "closed") != [])

    assert kept == ["NO_PERMISSIONS"] * open_queue
    assert "/new/first" not in str(log_of(aws, "closed"))


@pytest.mark.parametrize("is_open", [True, False], ids=["queue policy", "no queue policy"])
def test_a_queue_has_to_let_eventbridge_in(aws_with_auth: EmbeddedAws, *, is_open: bool) -> None:
    """A queue takes a rule's events by its policy alone; what it does not take is in the dead-letter queue."""
    aws = aws_with_auth
    target, letters = open_queue(aws, "target", "rule" if is_open else "another"), open_queue(aws)
    rule(aws, CREATED_NEW, target, DeadLetterConfig={"Arn": letters})

    log_group(aws, "/new")

    kept = [message["MessageAttributes"]["ERROR_CODE"]["StringValue"] for message in messages(aws, int(not is_open))]
    taken = [json.loads(one["Body"])["detail"]["eventName"] for one in messages(aws, int(is_open), "target")]
    assert (kept, taken) == (([], ["CreateLogGroup"]) if is_open else (["NO_PERMISSIONS"], []))


def test_a_queue_that_is_gone_is_told(aws: EmbeddedAws) -> None:
    """The event is in the dead-letter queue, with the reason."""
    gone = f"arn:aws:sqs:{aws.region}:{aws.account}:gone"
    rule(aws, CREATED_NEW, gone, DeadLetterConfig={"Arn": queue(aws)})

    log_group(aws, "/new")

    [message] = messages(aws, 1)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"


def test_a_schedule_can_be_fired_at_once(scheduled: EmbeddedAws) -> None:
    """The rule's function is invoked with the target's Input, as if the day were over."""
    fire(scheduled, "rule")

    [seen] = received(scheduled, "where", 1)
    assert seen == {"event": {"Reconcile": True}, "account": "111122223333", "region": "eu-west-1"}


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(lambda events: events.disable_rule(Name="rule"), "rule is disabled", id="disabled"),
        pytest.param(
            lambda events: events.remove_targets(Rule="rule", Ids=["target"]), "rule has no target", id="no target"
        ),
        pytest.param(
            lambda events: events.put_rule(Name="rule", EventPattern=json.dumps(CREATED)),
            "rule is no scheduled rule of 111122223333 in eu-west-1",
            id="no schedule",
        ),
    ],
)
def test_what_would_not_fire_is_not_fired(scheduled: EmbeddedAws, spoil: Callable[[Any], object], why: str) -> None:
    """A test that fires nothing is told so."""
    spoil(scheduled.client("events"))

    with pytest.raises(NotFiredError, match=why):
        fire(scheduled, "rule")
