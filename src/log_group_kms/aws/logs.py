"""The port `LogGroups` on CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from log_group_kms.aws.error_codes import translated_errors
from log_group_kms.model.errors import NotFound
from log_group_kms.model.keys import KEY_ARN, KeyArn, OddKey
from log_group_kms.model.ownership import Claim, Marks
from log_group_kms.model.results import Listed, Page
from log_group_kms.model.tags import CLAIM_TAGS, OWNER_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import DescribeLogGroupsRequestTypeDef

    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.targets import Fleet, LogGroup, QueryResults


class CloudWatchLogs:
    """The port `LogGroups` on CloudWatch Logs."""

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client

    def key_of(self, log_group: LogGroup) -> KeyArn | None:
        """See `ports.LogGroups`.

        A prefix also finds siblings, on several pages, so the exact name is looked for. Authorised on an empty
        log-group name: a policy that is scoped to a name denies it.
        """
        with translated_errors("DescribeLogGroups", log_group):
            pages = self._client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=log_group.name.text)
            for page in pages:
                for found in page["logGroups"]:
                    if found["logGroupName"] == log_group.name.text:
                        return _key(found.get("kmsKeyId"))
        raise NotFound(
            "DescribeLogGroups", "ResourceNotFoundException", "The specified log group does not exist.", log_group.arn
        )

    def page(self, fleet: Fleet, token: str) -> Page:
        """See `ports.LogGroups`. 50 log groups are the most that AWS shows at once."""
        wanted: DescribeLogGroupsRequestTypeDef = {"limit": 50}
        if fleet.prefix:
            wanted["logGroupNamePrefix"] = fleet.prefix
        if token:
            wanted["nextToken"] = token
        with translated_errors("DescribeLogGroups", fleet):
            found = self._client.describe_log_groups(**wanted)
        listed = (Listed(group["logGroupName"], _key(group.get("kmsKeyId"))) for group in found["logGroups"])
        return Page(tuple(listed), found.get("nextToken", ""))

    def claimed(self, owners: Sequence[str], token: str) -> tuple[Sequence[str], str] | None:
        """See `ports.LogGroups`. 1,000 log groups are the most that AWS shows at once."""
        shape = self._client.meta.service_model.operation_model("ListLogGroups").input_shape
        if shape is None or "logGroupTags" not in shape.members:
            return None
        wanted: dict[str, Any] = {"limit": 1000, "logGroupTags": [{"key": OWNER_TAG, "values": list(owners)}]}
        if token:
            wanted["nextToken"] = token
        with translated_errors("ListLogGroups", None):
            found = self._client.list_log_groups(**wanted)
        return [group["logGroupName"] for group in found["logGroups"]], found.get("nextToken", "")

    def claim_on(self, log_group: LogGroup) -> Claim | None:
        """See `ports.LogGroups`."""
        return Claim.of_tags(self._tags_of(log_group))

    def write_claim(self, log_group: LogGroup, claim: Claim) -> None:
        """See `ports.LogGroups`."""
        self._tag(log_group, claim.as_tags())

    def remove_claim(self, log_group: LogGroup) -> None:
        """See `ports.LogGroups`."""
        self._untag(log_group, CLAIM_TAGS)

    def marks_on(self, log_group: LogGroup, owner: Owner) -> Marks:
        """See `ports.LogGroups`."""
        return Marks.of_tags(self._tags_of(log_group), owner)

    def write_marks(self, log_group: LogGroup, owner: Owner, marks: Marks) -> None:
        """See `ports.LogGroups`."""
        self._tag(log_group, marks.as_tags(owner))

    def remove_marks(self, log_group: LogGroup, owner: Owner, marks: Marks) -> None:
        """See `ports.LogGroups`."""
        self._untag(log_group, tuple(marks.as_tags(owner)))

    def _tags_of(self, log_group: LogGroup) -> Mapping[str, str]:
        if _taggable_by_arn(log_group):
            with translated_errors("ListTagsForResource", log_group):
                return self._client.list_tags_for_resource(resourceArn=log_group.arn)["tags"]
        with translated_errors("ListTagsLogGroup", log_group):
            return self._client.list_tags_log_group(logGroupName=log_group.name.text)["tags"]

    def _tag(self, log_group: LogGroup, tags: Mapping[str, str]) -> None:
        if _taggable_by_arn(log_group):
            with translated_errors("TagResource", log_group):
                self._client.tag_resource(resourceArn=log_group.arn, tags=tags)
            return
        with translated_errors("TagLogGroup", log_group):
            self._client.tag_log_group(logGroupName=log_group.name.text, tags=tags)

    def _untag(self, log_group: LogGroup, names: Sequence[str]) -> None:
        if _taggable_by_arn(log_group):
            with translated_errors("UntagResource", log_group):
                self._client.untag_resource(resourceArn=log_group.arn, tagKeys=names)
            return
        with translated_errors("UntagLogGroup", log_group):
            self._client.untag_log_group(logGroupName=log_group.name.text, tags=names)

    def create(self, log_group: LogGroup, key: KeyArn, claim: Claim) -> None:
        """See `ports.LogGroups`. With tags it needs logs:TagResource too."""
        with translated_errors("CreateLogGroup", log_group, key):
            self._client.create_log_group(logGroupName=log_group.name.text, kmsKeyId=key.text, tags=claim.as_tags())

    def associate(self, target: LogGroup | QueryResults, key: KeyArn) -> None:
        """See `ports.LogGroups`. Authorised on the ARN with `:*`, unlike the calls on tags."""
        with translated_errors("AssociateKmsKey", target, key):
            self._client.associate_kms_key(kmsKeyId=key.text, **_one_of(target))

    def disassociate(self, target: LogGroup | QueryResults) -> None:
        """See `ports.LogGroups`."""
        with translated_errors("DisassociateKmsKey", target):
            self._client.disassociate_kms_key(**_one_of(target))


def _key(text: str | None) -> KeyArn | None:
    if not text:
        return None
    return KeyArn(text) if KEY_ARN.fullmatch(text) else OddKey(text)


def _taggable_by_arn(log_group: LogGroup) -> bool:
    """Return whether the calls that take an ARN take this one: by the model they know no `#`.

    The older calls, which take a name, do; AWS calls them deprecated, and keeps them.
    """
    return "#" not in log_group.name.text


def _one_of(target: LogGroup | QueryResults) -> _Target:
    """Return the one parameter of the two that AWS wants."""
    return {"logGroupName": target.log_group_name} if target.log_group_name else {"resourceIdentifier": target.arn}


class _Target(TypedDict, total=False):
    logGroupName: str
    resourceIdentifier: str
