"""Functions with code of their own, and what they have got and written."""

import io
import json
import zipfile
from typing import Any

from emulator.waiting import until

from local.client.embedded_aws import EmbeddedAws

SOME_ROLE = "arn:aws:iam::111122223333:role/some"

#: Makes the log group that it is told, in its own time.
SLOW = """
import time

import boto3


def handler(event, context):
    time.sleep(0.3)
    boto3.client("logs").create_log_group(logGroupName=event)
"""

#: Says where and as whom it runs.
WHERE = """
import json
import os

import boto3


def handler(event, context):
    identity = boto3.client("sts").get_caller_identity()
    boto3.client("logs").describe_log_groups()
    print(json.dumps({"event": event, "account": identity["Account"], "region": os.environ["AWS_REGION"]}))
"""

FAILS = """
def handler(event, context):
    raise ValueError("never " + event["detail"]["requestParameters"]["logGroupName"])
"""


def zipped(code: str) -> bytes:
    """A deployment package of one module."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", code)
    return package.getvalue()


def make_function(aws: EmbeddedAws, name: str, code: str, role: str = SOME_ROLE) -> str:
    """A new function; its ARN."""
    return aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": zipped(code)},
        Role=role,
        Timeout=10,
    )["FunctionArn"]


def may_invoke(aws: EmbeddedAws, function_arn: str, rule_name: str = "rule") -> None:
    """Let EventBridge invoke the function for this rule."""
    aws.client("lambda").add_permission(
        FunctionName=function_arn,
        StatementId=rule_name,
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=f"arn:aws:events:{aws.region}:{aws.account}:rule/{rule_name}",
    )


def received(aws: EmbeddedAws, name: str, count: int) -> list[dict[str, Any]]:
    """Each delivery to a function, once its log has so many; the log comes after the response."""

    def seen() -> list[dict[str, Any]]:
        return [json.loads(message) for message in log_of(aws, name) if message.startswith('{"')]

    until(lambda: len(seen()) >= count)
    return seen()


def log_of(aws: EmbeddedAws, name: str) -> list[str]:
    """The lines that a function has written."""
    logs = aws.client("logs")
    try:
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in found]
