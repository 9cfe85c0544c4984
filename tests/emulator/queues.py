"""Queues, the rules that fill them, and what has arrived."""

import json
from typing import Any

from emulator.waiting import until

from local.client.embedded_aws import EmbeddedAws

#: What the event bus sends on when a log group has been created: the failed calls have an error code.
CREATED = {
    "source": ["aws.logs"],
    "detail-type": ["AWS API Call via CloudTrail"],
    "detail": {
        "eventSource": ["logs.amazonaws.com"],
        "eventName": ["CreateLogGroup"],
        "errorCode": [{"exists": False}],
    },
}

#: The same for some names: a function's own log group is an event as well.
_NEW = {"logGroupName": [{"prefix": "/new"}]}
CREATED_NEW = {**CREATED, "detail": {**CREATED["detail"], "requestParameters": _NEW}}  # type: ignore[dict-item] # inferred

CREATED_OR_NOT = {"source": ["aws.logs"], "detail": {"eventName": ["CreateLogGroup"]}}


def queue(aws: EmbeddedAws, name: str = "queue") -> str:
    """The ARN of a new queue."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn


def open_queue(aws: EmbeddedAws, name: str = "queue", rule_name: str = "rule") -> str:
    """The ARN of a new queue, whose policy lets EventBridge send what a rule matches."""
    arn = queue(aws, name)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:events:{aws.region}:{aws.account}:rule/{rule_name}"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("sqs").set_queue_attributes(QueueUrl=name, Attributes={"Policy": policy})
    return arn


def messages(aws: EmbeddedAws, count: int = 0, name: str = "queue") -> list[Any]:
    """All that is in the queue, once it has *count* messages, in the order of their arrival."""
    sqs = aws.client("sqs")
    found: list[Any] = []

    def take() -> bool:
        got = sqs.receive_message(QueueUrl=name, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        found.extend(got.get("Messages", []))
        return len(found) >= count and not got.get("Messages")

    until(take)
    return found


def rule(aws: EmbeddedAws, pattern: dict[str, Any], target: str, **options: Any) -> None:
    """Send what fits the pattern to the target."""
    events = aws.client("events")
    events.put_rule(Name="rule", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="rule", Targets=[{"Id": "target", "Arn": target, **options}])


def details(aws: EmbeddedAws, count: int = 0) -> list[dict[str, Any]]:
    """CloudTrail's records that the queue got from a rule."""
    return [json.loads(message["Body"])["detail"] for message in messages(aws, count)]


def creations(aws: EmbeddedAws, count: int = 0) -> list[str]:
    """The log groups of these records."""
    return [detail["requestParameters"]["logGroupName"] for detail in details(aws, count)]
