"""CloudTrail's events of keys and tags that somebody changed, as requests to the enrolment."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from support.fake_aws import PLACE, log_group
from unit.fleet.accounts import ORDERS
from unit.test_events import EVENTS

from log_group_kms.fleet.upkeep import Enrol
from log_group_kms.request.parse import Ignore
from log_group_kms.request.upkeep import parse_upkeep

TOOL: Final = "arn:aws:sts::111122223333:assumed-role/compliance/bot"
ARN: Final = f"arn:aws:logs:eu-west-1:111122223333:log-group:{ORDERS}"
OWN_TAG: Final = "log-group-kms-association:owner"


def load(name: str) -> dict[str, Any]:
    """The event of that file."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def changed(operation: str, parameters: object, **changes: object) -> dict[str, Any]:
    """CloudTrail's event of a call by another tool, with *changes* to its detail."""
    event = load("enrolment-disassociate-kms-key")
    event["detail"] |= {"eventName": operation, "requestParameters": parameters, **changes}
    return event


@pytest.mark.parametrize(
    ("event", "by"),
    [
        pytest.param(load("enrolment-disassociate-kms-key"), TOOL, id="a key was taken away"),
        pytest.param(changed("AssociateKmsKey", {"logGroupName": ORDERS}), TOOL, id="changed, by name"),
        pytest.param(changed("AssociateKmsKey", {"resourceIdentifier": ARN}), TOOL, id="changed, by ARN"),
        pytest.param(changed("AssociateKmsKey", {"resourceIdentifier": f"{ARN}:*"}), TOOL, id="by the longer ARN"),
        pytest.param(changed("UntagResource", {"resourceArn": ARN, "tagKeys": [OWN_TAG]}), TOOL, id="tags taken off"),
        pytest.param(changed("TagResource", {"resourceArn": ARN, "tags": {OWN_TAG: "x"}}), TOOL, id="tags put on"),
        pytest.param(changed("TagLogGroup", {"logGroupName": ORDERS, "tags": {OWN_TAG: "x"}}), TOOL, id="the old way"),
        pytest.param(
            changed("UntagLogGroup", {"logGroupName": ORDERS, "tags": [OWN_TAG]}), TOOL, id="off, the old way"
        ),
        pytest.param(changed("TagResource", {"resourceArn": ARN, "tags": "HIDDEN"}), TOOL, id="tags that are hidden"),
        pytest.param(changed("TagResource", {"resourceArn": ARN, "tags": [{"key": "a"}]}), TOOL, id="of another form"),
        pytest.param(load("enrolment-untag-resource"), "", id="an explicit resource gave it back"),
        pytest.param(
            changed("DisassociateKmsKey", {"logGroupName": ORDERS}, userIdentity={"type": "AWSService"}),
            "AWSService",
            id="by a service",
        ),
        pytest.param(
            changed("DisassociateKmsKey", {"logGroupName": ORDERS}, userIdentity=None),
            "somebody whom CloudTrail does not name",
            id="by nobody",
        ),
    ],
)
def test_what_others_changed_is_looked_at(event: object, by: str) -> None:
    """With who it was; what the provider itself gives back is nobody's fight."""
    assert parse_upkeep(event, PLACE) == Enrol(log_group(ORDERS), by)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        pytest.param(
            changed("TagResource", {"resourceArn": ARN, "tags": {"team": "orders"}}),
            "TagResource was about tags of others",
            id="another's tag",
        ),
        pytest.param(
            changed("UntagResource", {"resourceArn": ARN, "tagKeys": ["team"]}),
            "UntagResource was about tags of others",
            id="another's tag, taken off",
        ),
        pytest.param(
            changed("DisassociateKmsKey", {"logGroupName": ORDERS}, errorCode="AccessDenied"),
            "DisassociateKmsKey had failed with AccessDenied",
            id="the call had failed",
        ),
        pytest.param(
            changed("AssociateKmsKey", {"resourceIdentifier": "arn:aws:logs:eu-west-1:111122223333:query-result:*"}),
            "No log group to look at",
            id="query results",
        ),
        pytest.param(
            changed("TagResource", {"resourceArn": "arn:aws:logs:eu-west-1:111122223333:destination:x"}),
            "No log group to look at",
            id="a destination",
        ),
        pytest.param(
            changed("AssociateKmsKey", {"resourceIdentifier": ARN.replace("eu-west-1", "us-east-1")}),
            "No log group of this account and Region",
            id="of another Region",
        ),
        pytest.param(changed("AssociateKmsKey", None), "No log group to look at: ''", id="no parameters"),
        pytest.param(changed("AssociateKmsKey", {"logGroupName": "a b"}), "No log group to look at: 'a b'", id="odd"),
    ],
)
def test_what_others_changed_elsewhere_is_left_alone(event: object, why: str) -> None:
    """It costs no call of AWS's, and does not come back."""
    asked = parse_upkeep(event, PLACE)

    assert isinstance(asked, Ignore)
    assert asked.why.startswith(why)
