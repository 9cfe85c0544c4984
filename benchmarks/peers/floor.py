"""The floor: boto3, one client, the calls that the contract asks for and nothing around them, and the PUT."""

import json
import time
from typing import Any

import boto3
import urllib3

OWNER, PREVIOUS, WRITTEN = (f"log-group-kms-association:{tag}" for tag in ("owner", "previous-key", "written"))

logs = boto3.client("logs")
http = urllib3.PoolManager()


def look(name: str, arn: str) -> None:
    """Key and tags."""
    logs.describe_log_groups(logGroupNamePrefix=name)
    logs.list_tags_for_resource(resourceArn=arn)


def claim(arn: str, owner: str) -> None:
    """Write the tags, with the date of this event."""
    written = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    logs.tag_resource(resourceArn=arn, tags={OWNER: owner, PREVIOUS: "none", WRITTEN: written})


def create(name: str, arn: str, key: str) -> None:
    """Look, claim, act, look."""
    look(name, arn)
    claim(arn, "one:floor")
    logs.associate_kms_key(logGroupName=name, kmsKeyId=key)
    look(name, arn)


def update(name: str, arn: str, key: str) -> None:
    """Look, date the claim anew, act, look."""
    look(name, arn)
    claim(arn, "one:floor")
    logs.associate_kms_key(logGroupName=name, kmsKeyId=key)
    look(name, arn)


def delete(name: str, arn: str, _key: str) -> None:
    """Look who owns it, take the claim away, look at the key, act, and remove the tags."""
    logs.list_tags_for_resource(resourceArn=arn)
    claim(arn, "deleting:one:floor")
    logs.describe_log_groups(logGroupNamePrefix=name)
    logs.disassociate_kms_key(logGroupName=name)
    logs.untag_resource(resourceArn=arn, tagKeys=[OWNER, PREVIOUS, WRITTEN])


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
