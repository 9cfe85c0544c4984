"""Messages that AWS's own services put into SQS queues."""

import json
from collections.abc import Mapping
from typing import Any, Final

from ministack.core.arn import parse_arn
from ministack.core.responses import get_account_id, request_scope

from local.emulator import operations, policies
from local.emulator.operations import OperationRefusedError

_NO_ATTRIBUTES: Final[Mapping[str, str]] = {}


def put(queue_arn: str, body: Any, attributes: Mapping[str, str] = _NO_ATTRIBUTES) -> bool:
    """Put *body*, as JSON, into a queue; return whether there is such a queue."""
    typed = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    try:
        _ask(queue_arn, "SendMessage", MessageBody=json.dumps(body), MessageAttributes=typed)
    except OperationRefusedError:
        return False
    return True


def is_there(queue_arn: str) -> bool:
    """Return whether there is such a queue."""
    try:
        _ask(queue_arn, "GetQueueAttributes", AttributeNames=["QueueArn"])
    except OperationRefusedError:
        return False
    return True


def lets_in(queue_arn: str, service: str, source_arn: str) -> bool:
    """Return whether the queue's policy lets an AWS service send messages for a resource of this account."""
    if not policies.are_enforced():
        return True
    try:
        policy = _ask(queue_arn, "GetQueueAttributes", AttributeNames=["Policy"])["Attributes"].get("Policy")
    except OperationRefusedError:
        return False
    context = {"aws:sourcearn": source_arn, "aws:sourceaccount": get_account_id()}
    return bool(policy) and policies.let_service(
        policy,
        service=service,
        action="sqs:SendMessage",
        resource=queue_arn,
        # A service is no principal of the account: what is granted to the account is not granted to it.
        account="",
        context=context,
    )


def _ask(queue_arn: str, operation: str, **payload: Any) -> dict[str, Any]:
    """Return the answer to an operation on a queue, called by the account that owns it."""
    queue = parse_arn(queue_arn)
    with request_scope(queue.account_id, queue.region):
        url = operations.call("sqs", "AmazonSQS.GetQueueUrl", QueueName=queue.resource)["QueueUrl"]
        return operations.call("sqs", f"AmazonSQS.{operation}", QueueUrl=url, **payload)
