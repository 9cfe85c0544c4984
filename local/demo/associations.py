"""Stacks of Custom::LogGroupKmsAssociation, and what they leave on log groups."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import Stacks

#: Part of the provider's contract.
OWNER_TAG: Final = "log-group-kms-association:owner"
PREVIOUS_KEY_TAG: Final = "log-group-kms-association:previous-key"

#: The provider's return values, for Fn::GetAtt.
RETURN_VALUES: Final = (
    "KmsKeyArn",
    "PreviousKmsKeyArn",
    "LogGroupName",
    "LogGroupArn",
    "MatchedCount",
    "AssociatedCount",
    "CompliantCount",
    "SkippedCount",
    "RefusedCount",
)


@dataclass(frozen=True, slots=True)
class Encryption:
    """A log group: its key, and the two tags that the provider claims it with; None where there is none."""

    key: str | None = None
    owner: str | None = None
    previous_key: str | None = None


def owner_of(stacks: Stacks, name: str, logical_id: str) -> str:
    """Return the value of the owner tag that a resource of the stack *name* writes."""
    return f"one:{stacks.stack_id(name).partition(':stack/')[2]}/{logical_id}"


def encryption_of(aws: EmbeddedAws, log_group: str) -> Encryption | None:
    """Return the key and the tags that are on a log group; None where there is no such log group."""
    logs = aws.client("logs")
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=log_group)
    for found in (group for page in pages for group in page["logGroups"]):
        if found["logGroupName"] == log_group:
            tags = logs.list_tags_for_resource(resourceArn=found["logGroupArn"])["tags"]
            return Encryption(found.get("kmsKeyId"), tags.get(OWNER_TAG), tags.get(PREVIOUS_KEY_TAG))
    return None


def template(**associations: Mapping[str, Any]) -> str:
    """Return a template with these associations, by logical id, one after the other, with all that they return.

    The output `LogicalIdRef` is a resource's Ref, `LogicalIdKmsKeyArn` one of its return values.
    """
    resources: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    for logical_id, properties in associations.items():
        resources[logical_id] = {
            "Type": "Custom::LogGroupKmsAssociation",
            "DependsOn": list(resources)[-1:],
            "Properties": {
                "ServiceToken": {"Fn::ImportValue": "LogGroupKmsAssociation-ServiceToken"},
                "ServiceTimeout": 60,
                **properties,
            },
        }
        outputs[f"{logical_id}Ref"] = {"Value": {"Ref": logical_id}}
        for name in RETURN_VALUES:
            outputs[f"{logical_id}{name}"] = {"Value": {"Fn::GetAtt": [logical_id, name]}}
    return json.dumps({"Resources": resources, "Outputs": outputs})
