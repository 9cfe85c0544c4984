"""The pattern of the enrolment's rule, as the event bus of the embedded AWS matches it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from support.template import TEMPLATE, load

if TYPE_CHECKING:
    from local.client.embedded_aws import EmbeddedAws

EVENTS: Final = Path(__file__).parents[2] / "events"
ACCOUNT: Final = "arn:aws:iam::111122223333"
PROVIDER, ENROLMENT = (
    f"{ACCOUNT}:role/log-group-kms-association-{name}Role-1A2B3C4D5E6F" for name in ("Provider", "Enrolment")
)
#: The most that EventBridge takes, and the longest name that a role has (the quotas in the user guides of both).
LONGEST_PATTERN: Final = 2048
LONGEST_NAME: Final = 64

CHANGES: Final = (
    "AssociateKmsKey",
    "DisassociateKmsKey",
    "TagLogGroup",
    "TagResource",
    "UntagLogGroup",
    "UntagResource",
)
RELEASES: Final = {"UntagLogGroup", "UntagResource"}


def pattern(provider: str = PROVIDER, enrolment: str = ENROLMENT) -> str:
    """The pattern with these roles."""
    found = json.dumps(
        load(TEMPLATE)["Resources"]["EnrolmentRule"]["Properties"]["EventPattern"], separators=(",", ":")
    )
    for name, arn in (("ProviderRole", provider), ("EnrolmentRole", enrolment)):
        found = found.replace(json.dumps({"Fn::GetAtt": [name, "Arn"]}, separators=(",", ":")), json.dumps(arn))
    assert "Fn::" not in found
    return found


def event(operation: str, identity: dict[str, Any] | None, **changes: Any) -> str:
    """CloudTrail's event of a call by someone."""
    found: dict[str, Any] = json.loads((EVENTS / "enrolment-disassociate-kms-key.json").read_text())
    found["detail"] |= {"eventName": operation, "userIdentity": identity, **changes}
    return json.dumps(found)


def role(arn: str) -> dict[str, Any]:
    """A session of a role."""
    return {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"type": "Role", "arn": arn}}}


def matches(aws: EmbeddedAws, event: str) -> bool:
    """Return whether the rule sends the event on."""
    found: bool = aws.client("events").test_event_pattern(EventPattern=pattern(), Event=event)["Result"]
    return found


@pytest.mark.parametrize("operation", CHANGES)
@pytest.mark.parametrize(
    ("who", "identity"),
    [
        ("role", role(f"{ACCOUNT}:role/compliance")),
        ("user", {"type": "IAMUser", "arn": f"{ACCOUNT}:user/eve"}),
        ("root", {"type": "Root", "arn": f"{ACCOUNT}:root", "sessionContext": {"attributes": {}}}),
        ("service", {"type": "AWSService", "invokedBy": "example.amazonaws.com"}),
    ],
)
def test_what_others_change_is_heard_of(
    embedded_aws: EmbeddedAws, operation: str, who: str, identity: dict[str, Any]
) -> None:
    """Whoever it is, and whether CloudTrail has a role for him or not."""
    assert who
    assert matches(embedded_aws, event(operation, identity))


@pytest.mark.parametrize("operation", CHANGES)
def test_the_enrolment_does_not_hear_of_itself(embedded_aws: EmbeddedAws, operation: str) -> None:
    """Else one look would bring about the next."""
    assert not matches(embedded_aws, event(operation, role(ENROLMENT)))


@pytest.mark.parametrize("operation", CHANGES)
def test_of_the_provider_it_hears_what_is_given_back(embedded_aws: EmbeddedAws, operation: str) -> None:
    """A Create of ten thousand log groups takes no tag off: it costs no look at all."""
    assert matches(embedded_aws, event(operation, role(PROVIDER))) is (operation in RELEASES)


def test_of_a_new_log_group_it_hears_whoever_creates_it(embedded_aws: EmbeddedAws) -> None:
    """The provider itself, too: with OnMissingLogGroup."""
    assert matches(embedded_aws, (EVENTS / "enrolment-create-log-group.json").read_text())
    assert matches(embedded_aws, event("CreateLogGroup", role(PROVIDER)))


@pytest.mark.parametrize("name", ["enrolment-disassociate-kms-key", "enrolment-untag-resource"])
def test_the_recorded_events_are_heard_of(embedded_aws: EmbeddedAws, name: str) -> None:
    """What the function's tests send it is what it is sent."""
    assert matches(embedded_aws, (EVENTS / f"{name}.json").read_text())


@pytest.mark.parametrize(
    "odd",
    [
        event("DisassociateKmsKey", role(f"{ACCOUNT}:role/x"), errorCode="AccessDeniedException"),
        event("PutRetentionPolicy", role(f"{ACCOUNT}:role/x")),
        event("TagResource", role(f"{ACCOUNT}:role/x"), eventSource="kms.amazonaws.com"),
    ],
    ids=["refused", "another call", "another service's"],
)
def test_the_rest_is_not_heard_of(embedded_aws: EmbeddedAws, odd: str) -> None:
    """It would cost an invocation each."""
    assert not matches(embedded_aws, odd)


def test_the_pattern_fits() -> None:
    """Also with the longest names of roles, under the longest path that the template takes."""
    path = "/" + (load(TEMPLATE)["Parameters"]["RolePath"]["MaxLength"] - 2) * "p" + "/"
    longest = f"arn:aws-us-gov:iam::111122223333:role{path}{LONGEST_NAME * 'r'}"

    assert len(pattern(longest, longest)) <= LONGEST_PATTERN
