"""The embedded AWS that `make local` leaves running has what the events in `events/` speak of."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.client.embedded_aws import EmbeddedAws
from local.client.server import PROJECT
from local.demo.seed import seed

#: Whose log group need not be there, or is not one.
WITHOUT_LOG_GROUP = {
    "create-missing-log-group.json",
    "create-fleet.json",
    "update-fleet-exclusions.json",
    "delete-fleet.json",
}
EVENTS = [
    path
    for path in sorted((PROJECT / "events").glob("*.json"))
    if not path.name.startswith(("malformed-", "enrolment-", "reconcile")) and path.name not in WITHOUT_LOG_GROUP
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda path: path.stem)
def test_what_an_event_asks_for_can_be_done(aws: EmbeddedAws, event: Path) -> None:
    """The event's key exists under its fixed id, and CloudWatch Logs may use it for the event's target."""
    properties: dict[str, Any] = json.loads(event.read_text())["ResourceProperties"]
    seed(aws)
    key = aws.client("kms").describe_key(KeyId=properties["KmsKeyId"])["KeyMetadata"]["Arn"]
    target = {
        "resourceIdentifier": properties.get("ResourceIdentifier"),
        "logGroupName": properties.get("LogGroupName"),
    }

    answer = aws.client("logs").associate_kms_key(
        kmsKeyId=key, **{name: value for name, value in target.items() if value}
    )

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
