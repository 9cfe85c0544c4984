"""A plain template, as one finds many: a custom resource with its function inline, and no more than the calls it needs.

It is what this provider is shown beside. It works until something happens that nobody thought of.
"""

import json
from typing import Any, Final

FUNCTION: Final = "plain-log-group-kms"
HANDLER: Final = "index.handler"
#: Seconds. Where a template sets none, CloudFormation waits an hour. The plain one uses all of it, which is shown.
SERVICE_TIMEOUT: Final = 8
_OUR_SERVICE_TIMEOUT: Final = 60

_CODE: Final = """\
import json
import urllib.request

import boto3

logs = boto3.client("logs")


def handler(event, context):
    properties = event["ResourceProperties"]
    name = properties["LogGroupName"]
    if event["RequestType"] == "Delete":
        logs.disassociate_kms_key(logGroupName=name)
    else:
        logs.associate_kms_key(logGroupName=name, kmsKeyId=properties["KmsKeyId"])
    answer = {"Status": "SUCCESS", "PhysicalResourceId": name, "Data": {}}
    answer |= {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT"))
"""


def provider() -> str:
    """Return the template with the function and its role."""
    statement = {"Effect": "Allow", "Action": ["logs:*", "kms:*"], "Resource": "*"}
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return json.dumps(
        {
            "Resources": {
                "Role": {
                    "Type": "AWS::IAM::Role",
                    "Properties": {
                        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                        "Policies": [
                            {
                                "PolicyName": "plain",
                                "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
                            }
                        ],
                    },
                },
                "Function": {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {
                        "FunctionName": FUNCTION,
                        "Handler": HANDLER,
                        "Runtime": "python3.13",
                        "Timeout": 30,
                        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                        "Code": {"ZipFile": _CODE},
                    },
                },
            },
            "Outputs": {
                "ServiceToken": {
                    "Value": {"Fn::GetAtt": ["Function", "Arn"]},
                    "Export": {"Name": "Plain-ServiceToken"},
                }
            },
        }
    )


def template(logical_id: str, log_group: str, key_arn: str) -> str:
    """Return the template of a stack that puts *log_group* under a key."""
    return _stack(logical_id, "Plain-ServiceToken", SERVICE_TIMEOUT, LogGroupName=log_group, KmsKeyId=key_arn)


def our_template(logical_id: str, log_group: str, key_arn: str) -> str:
    """Return the same for this provider."""
    export = "LogGroupKmsAssociation-ServiceToken"
    return _stack(logical_id, export, _OUR_SERVICE_TIMEOUT, LogGroupName=log_group, KmsKeyId=key_arn)


def _stack(logical_id: str, export: str, timeout: int, **properties: Any) -> str:
    resource = {
        "Type": "Custom::LogGroupKmsAssociation",
        "Properties": {
            "ServiceToken": {"Fn::ImportValue": export},
            "ServiceTimeout": timeout,
            **properties,
        },
    }
    return json.dumps({"Resources": {logical_id: resource}})
