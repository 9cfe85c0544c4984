"""What a stranger makes up: events that look like CloudFormation's, for the deployed provider."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from local.client import keys

if TYPE_CHECKING:
    from local.client.embedded_aws import EmbeddedAws

PROVIDER: Final = "log-group-kms-association"
ENROLMENT: Final = "log-group-kms-association-enrolment"
AUDIT: Final = "/audit/trail"
#: Of a stack that nobody has.
STRANGER: Final = "arn:aws:cloudformation:eu-west-1:111122223333:stack/stranger/2f1a0c10-9c1e-11ef-8a2b-0a58a9feac02"


def hand_made(aws: EmbeddedAws, request_type: str, **changes: Any) -> dict[str, Any]:
    """An event that a stranger makes up, with all that CloudFormation would put into one."""
    stack_id = changes.get("StackId", STRANGER)
    key = quote(f"{stack_id}|LogEncryption|made-up", safe="/")
    return {
        "RequestType": request_type,
        "ServiceToken": f"arn:aws:lambda:{aws.region}:{aws.account}:function:{PROVIDER}",
        "ResponseURL": f"{aws.endpoint}/{key}?X-Amz-Signature=5ec2e75ec2e7",
        "StackId": stack_id,
        "RequestId": "made-up",
        "LogicalResourceId": "LogEncryption",
        "PhysicalResourceId": f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{AUDIT}",
        "ResourceType": "Custom::LogGroupKmsAssociation",
        "ResourceProperties": {"LogGroupName": AUDIT, "KmsKeyId": keys.create(aws)},
    } | changes


def invoke(aws: EmbeddedAws, function: str, event: object) -> dict[str, Any]:
    """Invoke as whoever may: the account's root; return the error, or nothing."""
    answer = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    return json.loads(answer["Payload"].read() or b"null") or {}
