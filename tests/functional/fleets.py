"""A fleet of log groups, and CloudFormation's events for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from support.cloudformation import SERVICE_TOKEN, STACK_ID

from local.emulator.script import LogGroups
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from functional.conftest import Deployment
    from support.cloudformation import ReceivedResponse

PREFIX: Final = "/app/"
ARN: Final = f"arn:aws:logs:eu-west-1:111122223333:log-group:{PREFIX}*"
FUNCTION: Final = SERVICE_TOKEN.rpartition(":")[2]
OWNER: Final = f"fleet:{STACK_ID.split('/', 1)[1]}/LogEncryption"
#: The tags of an explicit resource of another stack.
EXPLICIT: Final = {OWNER_TAG: "one:orders/5c9f1e20/LogEncryption", PREVIOUS_KEY_TAG: "none"}


def named(count: int) -> list[str]:
    """Return so many names, in order."""
    return [f"{PREFIX}{number:04}" for number in range(count)]


def having(deployment: Deployment, *names: str, key: str | None = None, tags: dict[str, str] | None = None) -> None:
    """Log groups that are there at once."""
    aws = deployment.aws
    aws.direction.make_log_groups(LogGroups(list(names), aws.account, aws.region, key, tags or {}))


def event(deployment: Deployment, request_type: str, key: str, **more: Any) -> dict[str, Any]:
    """CloudFormation's event for a fleet; *more* are properties, or arguments of the double."""
    arguments = {name: more.pop(name) for name in ("old_properties", "service_timeout", "sent_at") if name in more}
    properties = {"KmsKeyId": key, "LogGroupNamePrefix": PREFIX, **more}
    physical_id = None if request_type == "Create" else ARN
    return deployment.cloudformation.event(
        request_type, properties=properties, physical_resource_id=physical_id, **arguments
    )


def date_of(sent: Mapping[str, Any]) -> str:
    """Return when CloudFormation sent this event, as the URL of its answer is dated."""
    url: str = sent["ResponseURL"]
    (date,) = parse_qs(urlsplit(url).query)["X-Amz-Date"]
    return date


def counts(answer: ReceivedResponse) -> dict[str, str]:
    """The counts among the return values."""
    return {name: value for name, value in answer.data.items() if name.endswith("Count")}


def count(matched: int, associated: int, compliant: int, skipped: int, refused: int = 0) -> dict[str, str]:
    """The counts, as CloudFormation gets them."""
    return {
        "MatchedCount": str(matched),
        "AssociatedCount": str(associated),
        "CompliantCount": str(compliant),
        "SkippedCount": str(skipped),
        "RefusedCount": str(refused),
    }


def keys_of(deployment: Deployment, names: Iterable[str]) -> set[str | None]:
    """The keys in force."""
    pages = deployment.aws.client("logs").get_paginator("describe_log_groups").paginate()
    found = {group["logGroupName"]: group.get("kmsKeyId") for page in pages for group in page["logGroups"]}
    return {found[name] for name in names}
