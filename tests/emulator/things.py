"""A stack of one custom resource, `Thing`, whose function answers as the resource's properties say."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

from emulator.roles import allow

from local.client.embedded_aws import EmbeddedAws

#: Answers as its property `Answers` says for each request type; without an entry it crashes.
PROVIDER = """
import json
import os
import urllib.request

import boto3


def handler(event, context):
    print(json.dumps(event))
    properties = event["ResourceProperties"]
    boto3.client("logs").describe_log_groups()
    if event.get("Again"):
        boto3.client("logs").create_log_group(logGroupName="/again")
        return
    if properties.get("InvokesItself"):
        boto3.client("lambda").invoke(
            FunctionName=context.invoked_function_arn, InvocationType="Event", Payload=json.dumps({**event, "Again": 1})
        )
    answer = json.loads(properties["Answers"])[event["RequestType"]]
    if answer is None:
        return
    body = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")} | answer
    body = {name: value for name, value in body.items() if value != "leave out"}
    request = urllib.request.Request(
        event["ResponseURL"], data=json.dumps(body).encode(), method="PUT",
        headers={"Content-Type": properties.get("ContentType", "")},
    )
    urllib.request.urlopen(request)
"""

#: The destination of what the provider could not answer.
RESPONDER = """
import json
import urllib.request


def handler(record, context):
    print(json.dumps(record))
    event = record["requestPayload"]
    body = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")} | {
        "Status": "SUCCESS" if event["RequestType"] == "Delete" else "FAILED",
        "Reason": "the provider said " + record["responsePayload"]["errorMessage"],
        "PhysicalResourceId": event.get("PhysicalResourceId", "from the responder"),
    }
    urllib.request.urlopen(urllib.request.Request(
        event["ResponseURL"], data=json.dumps(body).encode(), method="PUT", headers={"Content-Type": ""}
    ))
"""

OK = {"Status": "SUCCESS", "PhysicalResourceId": "id-1", "Data": {"Key": "value"}}

ALWAYS_OK = {"Create": OK, "Update": OK, "Delete": OK}


def function(name: str, code: str) -> dict[str, Any]:
    """A Lambda function as a template's resource."""
    properties = {
        "FunctionName": name,
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Timeout": 10,
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": code},
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def template(answers: dict[str, Any], *, retries: int = 0, **properties: Any) -> str:
    """A stack of one custom resource and its provider."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    resource = {
        "ServiceToken": {"Fn::GetAtt": ["Provider", "Arn"]},
        "ServiceTimeout": 20,
        "Answers": json.dumps(answers),
        **properties,
    }
    policy = {
        "PolicyName": "calls",
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [allow(["logs:*", "lambda:InvokeFunction"], "*")],
        },
    }
    resources = {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": "provider",
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                "Policies": [policy],
            },
        },
        "Provider": function("provider", PROVIDER),
        "Responder": function("responder", RESPONDER),
        "Invocations": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": {"Ref": "Provider"},
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": retries,
                "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Responder", "Arn"]}}},
            },
        },
        "Thing": {"Type": "Custom::Thing", "DependsOn": "Invocations", "Properties": resource},
    }
    outputs = {"Key": {"Value": {"Fn::GetAtt": ["Thing", "Key"]}}}
    return json.dumps({"Resources": resources, **({"Outputs": outputs} if "Data" in str(answers) else {})})


def settled(aws: EmbeddedAws) -> str:
    """The stack's status once nothing is in progress."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = aws.client("cloudformation").describe_stacks(StackName="stack")["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(0.05)
    raise TimeoutError(status)


def create(aws: EmbeddedAws, body: str) -> str:
    """Create the stack; the status that it ends in."""
    aws.client("cloudformation").create_stack(
        StackName="stack", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    return settled(aws)


def update(aws: EmbeddedAws, body: str) -> str:
    """Update the stack; the status that it ends in."""
    aws.client("cloudformation").update_stack(
        StackName="stack", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    return settled(aws)


def things_events(aws: EmbeddedAws) -> list[tuple[str, str, str]]:
    """Status, physical id and reason of the custom resource's stack events, oldest first."""
    events = aws.client("cloudformation").describe_stack_events(StackName="stack")["StackEvents"]
    return [
        (event["ResourceStatus"], event.get("PhysicalResourceId", ""), event.get("ResourceStatusReason", ""))
        for event in reversed(events)
        if event["LogicalResourceId"] == "Thing"
    ]


def put(url: str, body: bytes) -> int:
    """The HTTP status of an answer to CloudFormation."""
    request = urllib.request.Request(  # noqa: S310 - a ResponseURL of the embedded AWS
        url, data=body, method="PUT", headers={"Content-Type": ""}
    )
    try:
        # No proxy stands before the loopback address.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
