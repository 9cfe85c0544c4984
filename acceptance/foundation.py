"""The stack under all else: keys, roles, functions, a queue and a bucket.

One stack, so that CloudFormation itself knows all that is to be removed, whenever a run ends. Roles and bucket have no
name of their own; keys are scheduled for deletion with the stack.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from acceptance import PROJECT
from acceptance.account import Account
from acceptance.names import Run

Statement: TypeAlias = dict[str, Any]
Resource: TypeAlias = dict[str, Any]

#: The shortest that KMS takes.
PENDING_DAYS: Final = 7
KEYS: Final = ("Key", "OtherKey", "ClosedKey", "OpenKey", "DisabledKey")

_LOGS: Final = {"Fn::Sub": "logs.${AWS::Region}.${AWS::URLSuffix}"}
_ROOT: Final = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
_USE: Final = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*")
_INLINE: Final = PROJECT / "acceptance" / "inline"


def template(account: Account, run: Run) -> str:
    """Return the template of a run, in JSON."""
    resources = {**_keys(account, run), **_roles(account, run), **_functions(account, run), "Bucket": _bucket()}
    arns = [name for name, each in resources.items() if each["Type"] in ("AWS::KMS::Key", "AWS::IAM::Role")]
    outputs: dict[str, Any] = {name: {"Value": {"Fn::GetAtt": [name, "Arn"]}} for name in arns}
    outputs["Bucket"] = {"Value": {"Ref": "Bucket"}}
    outputs["Queue"] = {"Value": {"Ref": "Queue"}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


# --- keys -------------------------------------------------------------------------------------------------------------


def _keys(account: Account, run: Run) -> dict[str, Resource]:
    def key(*statements: Statement, enabled: bool = True) -> Resource:
        properties = {
            "Description": f"{run.name}: for the acceptance suite of Custom::LogGroupKmsAssociation",
            "Enabled": enabled,
            "PendingWindowInDays": PENDING_DAYS,
            "KeyPolicy": _document(
                {"Effect": "Allow", "Principal": _ROOT, "Action": "kms:*", "Resource": "*"}, *statements
            ),
            "Tags": [{"Key": name, "Value": value} for name, value in run.tags.items()],
        }
        return {"Type": "AWS::KMS::Key", "Properties": properties}

    log_groups = _key_use(
        {"Service": _LOGS}, ArnLike={"kms:EncryptionContext:aws:logs:arn": account.log_group_arn("*")}
    )
    query_results = _key_use(
        {"Service": _LOGS},
        ArnLike={"aws:SourceArn": account.query_results},
        StringEquals={"aws:SourceAccount": account.id},
    )
    callers = _key_use({"AWS": "*"}, StringEquals={"kms:ViaService": _LOGS, "kms:CallerAccount": account.id})
    return {
        "Key": key(log_groups, query_results),
        "OtherKey": key(log_groups, query_results),
        "ClosedKey": key(),
        "OpenKey": key(log_groups, callers),
        "DisabledKey": key(log_groups, enabled=False),
    }


def _key_use(principal: Mapping[str, Any], **condition: Any) -> Statement:
    return {"Effect": "Allow", "Principal": principal, "Action": list(_USE), "Resource": "*", "Condition": condition}


# --- roles ------------------------------------------------------------------------------------------------------------


def _roles(account: Account, run: Run) -> dict[str, Resource]:
    """Return one role for each answer that depends on what the caller may do."""
    associate = ["logs:AssociateKmsKey", "logs:DisassociateKmsKey"]
    own = account.log_group_arn(run.log_group("*"))
    everything = account.log_group_arn("*")
    keys = _allow("kms:*", "*")
    allowed: dict[str, list[Statement]] = {
        "LogsOnly": [_allow("logs:*", "*")],
        "KeysOnly": [keys],
        "WithSuffix": [_allow(associate, account.log_group_arn(f"{run.log_group('suffix')}:*")), keys],
        "WithoutSuffix": [_allow(associate, account.log_group_arn(run.log_group("suffix"))), keys],
        "QueryResults": [_allow(associate, account.query_results), keys],
        "DescribesOwn": [_allow("logs:DescribeLogGroups", own)],
        "DescribesAll": [_allow("logs:DescribeLogGroups", everything)],
        "DoesNotTag": [_allow("logs:CreateLogGroup", everything)],
    }
    return {name: _role(_ROOT, statements) for name, statements in allowed.items()}


def _role(principal: Mapping[str, Any], statements: list[Statement]) -> Resource:
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    policy = {"PolicyName": "probe", "PolicyDocument": _document(*statements)}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": _document(trust), "Policies": [policy]},
    }


def _allow(actions: str | list[str], resource: Any) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _document(*statements: Statement) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


# --- functions --------------------------------------------------------------------------------------------------------


def _functions(account: Account, run: Run) -> dict[str, Resource]:
    role = _role(
        {"Service": "lambda.amazonaws.com"},
        [
            _allow(["logs:CreateLogStream", "logs:PutLogEvents"], account.log_group_arn(run.log_group("functions/*"))),
            _allow("lambda:InvokeFunction", account.arn("lambda", f"function:{run.stack('chain')}")),
            _allow("sqs:SendMessage", {"Fn::GetAtt": ["Queue", "Arn"]}),
        ],
    )
    resources: dict[str, Resource] = {"FunctionsRole": role, "Queue": {"Type": "AWS::SQS::Queue", "Properties": {}}}
    for name, level in (("chain", "INFO"), ("busy", "INFO"), ("quiet", "WARN")):
        resources |= _function(run, name, level)
    resources["ChainEvents"] = _events("Chain")
    resources["BusyEvents"] = _events(
        "Busy",
        MaximumEventAgeInSeconds=account.waits.event_age,
        DestinationConfig={"OnFailure": {"Destination": {"Fn::GetAtt": ["Queue", "Arn"]}}},
    )
    return resources


def _events(function: str, **settings: Any) -> Resource:
    """Return a function's settings for asynchronous events, which are never tried again."""
    own = {"FunctionName": {"Ref": function}, "Qualifier": "$LATEST", "MaximumRetryAttempts": 0}
    return {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": {**own, **settings}}


def _function(run: Run, name: str, level: str) -> dict[str, Resource]:
    log = f"{name.capitalize()}Log"
    return {
        name.capitalize(): {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": run.stack(name),
                "Description": f"{run.name}: a probe of the acceptance suite",
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Code": {"ZipFile": (_INLINE / f"{name}.py").read_text()},
                "Role": {"Fn::GetAtt": ["FunctionsRole", "Arn"]},
                "Timeout": 600,
                "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": level, "LogGroup": {"Ref": log}},
            },
        },
        log: {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": run.log_group(f"functions/{name}"), "RetentionInDays": 1},
        },
    }


def _bucket() -> Resource:
    closed = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
    return {"Type": "AWS::S3::Bucket", "Properties": {"PublicAccessBlockConfiguration": closed}}
