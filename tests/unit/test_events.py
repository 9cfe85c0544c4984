import json
from pathlib import Path
from typing import Any, Final

import pytest

from log_group_kms.envelope import Envelope
from log_group_kms.physical_id import NOTHING_ASSOCIATED

EVENTS: Final = Path(__file__).parents[2] / "events"

WELL_FORMED: Final = {
    "create",
    "create-alias",
    "create-missing-log-group",
    "create-prefix",
    "create-query-results",
    "create-stale",
    "delete",
    "delete-after-failed-create",
    "delete-made-up-id",
    "delete-query-results",
    "delete-stale",
    "update-key",
    "update-options",
    "update-target",
}
#: Whose properties are at fault: the event around them is CloudFormation's.
ODD_PROPERTIES: Final = {
    "malformed-no-target",
    "malformed-three-mistakes",
    "malformed-two-targets",
    "malformed-unknown-property",
    "malformed-wrong-region",
}
NOT_CLOUDFORMATIONS: Final = {
    "malformed-http-response-url",
    "malformed-missing-response-url",
    "malformed-not-an-event",
    "malformed-unknown-request-type",
}
FIELDS: Final = {
    "RequestType",
    "ServiceToken",
    "ResponseURL",
    "StackId",
    "RequestId",
    "LogicalResourceId",
    "ResourceType",
    "ResourceProperties",
}
FURTHER_FIELDS: Final = {
    "Create": set(),
    "Update": {"PhysicalResourceId", "OldResourceProperties"},
    "Delete": {"PhysicalResourceId"},
}


def load(name: str) -> dict[str, Any]:
    """The event of that file."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def leaves(value: Any) -> list[Any]:
    """Every value in *value* that is no object and no list."""
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def test_there_is_one_file_for_each_situation() -> None:
    """The folder holds the events that the README names, and no other."""
    assert {path.stem for path in EVENTS.glob("*.json")} == WELL_FORMED | ODD_PROPERTIES | NOT_CLOUDFORMATIONS


@pytest.mark.parametrize("name", sorted(WELL_FORMED | ODD_PROPERTIES))
def test_it_is_what_cloudformation_sends(name: str) -> None:
    """An event has CloudFormation's fields, with every scalar a string, and can be answered."""
    event = load(name)
    envelope = Envelope.of(event)

    assert event.keys() == FIELDS | FURTHER_FIELDS[event["RequestType"]]
    assert event["ResourceProperties"]["ServiceToken"] == event["ServiceToken"]
    assert [leaf for leaf in leaves(event) if not isinstance(leaf, str)] == []
    assert envelope.resource_type == "Custom::LogGroupKmsAssociation"


@pytest.mark.parametrize("name", sorted(WELL_FORMED | ODD_PROPERTIES))
def test_it_is_stale_only_where_that_is_the_point(name: str) -> None:
    """An event without the time of its signature is never too old, so that it can be sent by hand at any time."""
    assert (Envelope.of(load(name)).sent_at is not None) is name.endswith("-stale")


def test_the_delete_after_a_failed_create_carries_the_marker() -> None:
    """A Create that did nothing gave the marker for an id; its Delete brings it back."""
    assert load("delete-after-failed-create")["PhysicalResourceId"] == NOTHING_ASSOCIATED


def test_requests_are_told_apart() -> None:
    """No two of the events share a request id with different contents."""
    requests = [load(name)["RequestId"] for name in sorted(WELL_FORMED | ODD_PROPERTIES)]

    assert len(set(requests)) == len(requests)
