"""Functions that are updated or deleted while they are at work."""

import json
from collections.abc import Callable

import pytest
from emulator.functions import make_function, zipped
from emulator.waiting import until

from local.client.embedded_aws import EmbeddedAws

#: Makes one log group at once, and the other in its own time.
SLOW = """
import time

import boto3


def handler(event, context):
    boto3.client("logs").create_log_group(logGroupName=event + "/begun")
    time.sleep(1.5)
    boto3.client("logs").create_log_group(logGroupName=event)
"""

#: Makes its log group under another name, and at once.
LATER = """
import boto3


def handler(event, context):
    boto3.client("logs").create_log_group(logGroupName="/later" + event)
"""


def made(aws: EmbeddedAws) -> set[str]:
    """The log groups that functions have made."""
    calls = aws.direction.calls()
    return {call.log_group or "" for call in calls if call.operation == "logs:CreateLogGroup"}


def update_code(aws: EmbeddedAws) -> None:
    """Other code."""
    aws.client("lambda").update_function_code(FunctionName="slow", ZipFile=zipped(LATER))


def update_configuration(aws: EmbeddedAws) -> None:
    """Another time-out."""
    aws.client("lambda").update_function_configuration(FunctionName="slow", Timeout=11)


def delete(aws: EmbeddedAws) -> None:
    """The function is gone."""
    aws.client("lambda").delete_function(FunctionName="slow")


@pytest.mark.parametrize("change", [update_code, update_configuration, delete])
def test_an_invocation_at_work_comes_to_its_end(aws: EmbeddedAws, change: Callable[[EmbeddedAws], None]) -> None:
    """It finishes in the code that it began with, whatever becomes of the function meanwhile."""
    make_function(aws, "slow", SLOW)
    aws.client("lambda").invoke(FunctionName="slow", InvocationType="Event", Payload=json.dumps("/made").encode())
    until(lambda: made(aws) == {"/made/begun"})

    change(aws)
    before = made(aws)
    until(lambda: "/made" in made(aws))

    assert before == {"/made/begun"}


def test_the_next_invocation_has_the_new_code(aws: EmbeddedAws) -> None:
    """The old environment is not used again."""
    make_function(aws, "slow", SLOW)
    aws.client("lambda").invoke(FunctionName="slow", Payload=json.dumps("/old").encode())

    update_code(aws)
    aws.client("lambda").invoke(FunctionName="slow", Payload=json.dumps("/new").encode())

    assert made(aws) == {"/old/begun", "/old", "/later/new"}
