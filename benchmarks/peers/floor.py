"""The floor: boto3, one client, the calls that the contract asks for and nothing around them, and the PUT."""

import json
from typing import Any

import boto3
import urllib3

OWNER, PREVIOUS = "log-group-kms-association:owner", "log-group-kms-association:previous-key"

logs = boto3.client("logs")
http = urllib3.PoolManager()


def look(name: str, arn: str) -> None:
    """Key and tags."""
    logs.describe_log_groups(logGroupNamePrefix=name)
    logs.list_tags_for_resource(resourceArn=arn)


def create(name: str, arn: str, key: str) -> None:
    """Look, claim, act, look."""
    look(name, arn)
    logs.tag_resource(resourceArn=arn, tags={OWNER: "one:floor", PREVIOUS: "none"})
    logs.associate_kms_key(logGroupName=name, kmsKeyId=key)
    look(name, arn)


def update(name: str, arn: str, key: str) -> None:
    """Look, act, look."""
    look(name, arn)
    logs.associate_kms_key(logGroupName=name, kmsKeyId=key)
    look(name, arn)


def delete(name: str, arn: str, _key: str) -> None:
    """Look who owns it, take the claim away, look, act, and remove the tags."""
    logs.list_tags_for_resource(resourceArn=arn)
    logs.tag_resource(resourceArn=arn, tags={OWNER: "deleting:one:floor", PREVIOUS: "none"})
    look(name, arn)
    logs.disassociate_kms_key(logGroupName=name)
    logs.untag_resource(resourceArn=arn, tagKeys=[OWNER, PREVIOUS])


def handler(event: Any, _context: Any) -> None:
    """Every call is taken to succeed."""
    properties = event["ResourceProperties"]
    name = properties["LogGroupName"]
    _, _, _, region, account, *_ = event["ServiceToken"].split(":")
    arn = f"arn:aws:logs:{region}:{account}:log-group:{name}"
    {"Create": create, "Update": update, "Delete": delete}[event["RequestType"]](name, arn, properties["KmsKeyId"])
    body = {
        "Status": "SUCCESS",
        "PhysicalResourceId": arn,
        **{field: event[field] for field in ("StackId", "RequestId", "LogicalResourceId")},
    }
    http.request("PUT", event["ResponseURL"], body=json.dumps(body), headers={"Content-Type": ""})
