"""Whole events: what CloudFormation wants, and whom for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.fake_aws import PLACE, STACK_ID, fleet, owner
from support.template_properties import KEY, ORDERS, of_fleet, properties

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.association.trail import Footprint
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.model.association import Association, OnDelete
from log_group_kms.model.errors import InvalidRequest
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.model.targets import Exclusions, QueryResults
from log_group_kms.request.parse import (
    Ignore,
    parse_event,
)

if TYPE_CHECKING:
    from log_group_kms.model.ownership import Owner


def event(request_type: str, **changes: object) -> tuple[Envelope, dict[str, Any]]:
    """An event with *changes*, and its envelope."""
    whole: dict[str, Any] = {
        "RequestType": request_type,
        "RequestId": "11111111-2222-3333-4444-555555555555",
        "ResponseURL": "https://cloudformation-custom-resource-response.example/answer",
        "StackId": STACK_ID,
        "LogicalResourceId": "Encryption",
        "ResourceType": "Custom::LogGroupKmsAssociation",
        "ResourceProperties": properties(),
        **changes,
    }
    return Envelope.of(whole), whole


def test_create() -> None:
    """A Create desires what its properties say, and has no id yet, whatever the event holds."""
    parsed = parse_event(*event("Create", PhysicalResourceId="strange"), PLACE)

    assert parsed == Ensure(owner(), Association(ORDERS, KeyArn(KEY)))
    assert isinstance(parsed, Ensure)
    assert (parsed.creating, parsed.new_target, parsed.failure_id(Footprint.NOTHING)) == (
        True,
        True,
        NOTHING_ASSOCIATED,
    )


@pytest.mark.parametrize(
    ("old", "changes_key"),
    [
        pytest.param(properties(), False, id="options"),
        pytest.param(properties(KmsKeyId="alias/old"), True, id="key"),
        pytest.param({"Key": "of another version"}, True, id="not understood"),
    ],
)
def test_update(old: object, *, changes_key: bool) -> None:
    """An Update knows whether the template names another key; old properties that are not understood are no error."""
    parsed = parse_event(*event("Update", PhysicalResourceId=ORDERS.arn, OldResourceProperties=old), PLACE)

    assert isinstance(parsed, Ensure)
    assert (parsed.new_target, parsed.changes_key) == (False, changes_key)


def test_update_to_a_new_target() -> None:
    """Another target is a replacement."""
    parsed = parse_event(*event("Update", PhysicalResourceId=QueryResults(PLACE).arn), PLACE)

    assert isinstance(parsed, Ensure)
    assert (parsed.creating, parsed.new_target, parsed.failure_id(Footprint.NOTHING)) == (
        False,
        True,
        QueryResults(PLACE).arn,
    )


AWS, EVERYTHING = fleet("/aws/"), fleet("")


def test_create_of_a_fleet() -> None:
    """Its owner is a fleet, told by its prefix from any other of the same resource."""
    parsed = parse_event(*event("Create", ResourceProperties=of_fleet()), PLACE)

    assert parsed == Ensure(owner(target=AWS), Association(AWS, KeyArn(KEY)))
    assert isinstance(parsed, Ensure)
    assert parsed.owner.text == "fleet:orders/2f1a0c10-0000-0000-0000-000000000001/Encryption"
    assert parsed.owner.scope == "prefix=/aws/"


@pytest.mark.parametrize(
    ("old", "new", "physical_id", "former_owner", "new_owner", "replacement"),
    [
        pytest.param(properties(), properties(), ORDERS.arn, owner(), owner(), False, id="one log group"),
        pytest.param(of_fleet(), of_fleet(), AWS.arn, owner(target=AWS), owner(target=AWS), False, id="the same fleet"),
        pytest.param(
            of_fleet(),
            of_fleet(ExcludeLogGroupNames=["/a"]),
            AWS.arn,
            owner(target=AWS),
            owner(target=AWS),
            False,
            id="other exclusions",
        ),
        pytest.param(
            of_fleet(),
            of_fleet("*"),
            AWS.arn,
            owner(target=AWS),
            owner(target=EVERYTHING),
            True,
            id="another prefix",
        ),
        pytest.param(
            properties(), of_fleet(), ORDERS.arn, owner(), owner(target=AWS), True, id="from one log group to a fleet"
        ),
        pytest.param(
            of_fleet(), properties(), AWS.arn, owner(target=AWS), owner(), True, id="from a fleet to one log group"
        ),
        pytest.param(
            {"Key": "of another version"}, of_fleet(), AWS.arn, None, owner(target=AWS), False, id="not understood"
        ),
    ],
)
def test_the_owners_of_an_update(
    old: object,
    new: object,
    physical_id: str,
    former_owner: Owner | None,
    new_owner: Owner,
    *,
    replacement: bool,
) -> None:
    """An Update knows who it is and who it was: another owner where the kind of the target, or the prefix, changes."""
    changes = {"PhysicalResourceId": physical_id, "ResourceProperties": new, "OldResourceProperties": old}

    parsed = parse_event(*event("Update", **changes), PLACE)

    assert isinstance(parsed, Ensure)
    assert (parsed.former_owner, parsed.owner, parsed.new_target) == (former_owner, new_owner, replacement)
    assert not parsed.enrolling


def test_an_update_knows_the_former_exclusions() -> None:
    """So that it can give back what was not excluded before."""
    changes = {"PhysicalResourceId": AWS.arn, "OldResourceProperties": of_fleet(ExcludeLogGroupNames=["/aws/a*"])}

    parsed = parse_event(*event("Update", ResourceProperties=of_fleet(), **changes), PLACE)

    assert isinstance(parsed, Ensure)
    assert parsed.former == Association(AWS, KeyArn(KEY), exclude=Exclusions(("/aws/a*",)))
    assert not parsed.changes_key


def test_update_without_a_physical_id() -> None:
    """An Update that does not say of what cannot be done."""
    with pytest.raises(InvalidRequest, match=r"\APhysicalResourceId is missing from the Update event\Z"):
        parse_event(*event("Update"), PLACE)


@pytest.mark.parametrize(
    ("physical_id", "given", "expected"),
    [
        pytest.param(
            ORDERS.arn, properties(), Remove.of(owner(), Association(ORDERS, KeyArn(KEY)), minted=True), id="ours"
        ),
        pytest.param(
            ORDERS.arn,
            properties(LogGroupName="/other"),
            Remove.of(owner(), Association(ORDERS, KeyArn(KEY)), minted=True),
            id="the id says what",
        ),
        pytest.param(
            "orders_Encryption_A1B2C3D4",
            properties(),
            replace(Remove.of(owner(), Association(ORDERS, KeyArn(KEY)), minted=False), cancels=True),
            id="made up: the properties say what",
        ),
        pytest.param(
            AWS.arn,
            of_fleet(OnDelete="Retain"),
            Remove.of(owner(target=AWS), Association(AWS, KeyArn(KEY), OnDelete.RETAIN), minted=True),
            id="a fleet's",
        ),
        pytest.param(
            EVERYTHING.arn,
            of_fleet("*"),
            Remove.of(owner(target=EVERYTHING), Association(EVERYTHING, KeyArn(KEY)), minted=True),
            id="every log group's",
        ),
        pytest.param(
            AWS.arn,
            of_fleet("*", ExcludeLogGroupNames=["/b"]),
            Remove.of(owner(target=AWS), Association(AWS, KeyArn(KEY), exclude=Exclusions(("/b",))), minted=True),
            id="a fleet's: the id says which",
        ),
        pytest.param(
            AWS.arn,
            properties(),
            Remove.of(owner(target=AWS), Association(AWS, KeyArn(KEY)), minted=True),
            id="a fleet's, beside the properties of one log group",
        ),
        pytest.param(
            ORDERS.arn,
            of_fleet(),
            Remove.of(owner(), Association(ORDERS, KeyArn(KEY)), minted=True),
            id="one log group's, beside the properties of a fleet",
        ),
        pytest.param(
            "orders_Encryption_A1B2C3D4",
            of_fleet(),
            replace(Remove.of(owner(target=AWS), Association(AWS, KeyArn(KEY)), minted=False), cancels=True),
            id="made up, a fleet's",
        ),
        pytest.param(
            PERHAPS_ASSOCIATED,
            properties(),
            Remove.of(owner(), Association(ORDERS, KeyArn(KEY)), minted=False),
            id="of a Create that has answered: nothing is at work any more",
        ),
    ],
)
def test_delete(physical_id: str, given: object, expected: Remove) -> None:
    """A Delete goes by the id that we minted, else by the properties; one that CloudFormation made up cancels."""
    assert parse_event(*event("Delete", PhysicalResourceId=physical_id, ResourceProperties=given), PLACE) == expected


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
@pytest.mark.parametrize(
    ("date", "sent_at"), [("20260105T101500Z", 1767608100.0), ("", None)], ids=["dated", "without a date"]
)
def test_an_event_knows_when_it_was_sent(request_type: str, date: str, sent_at: float | None) -> None:
    """CloudFormation dates it by the signature of its ResponseURL; without one, the event has no date."""
    url = f"https://cloudformation-custom-resource-response.example/answer?X-Amz-Date={date}"

    parsed = parse_event(*event(request_type, PhysicalResourceId=ORDERS.arn, ResponseURL=url), PLACE)

    assert isinstance(parsed, Ensure | Remove)
    assert parsed.sent_at == sent_at


@pytest.mark.parametrize(
    ("physical_id", "given"),
    [
        pytest.param(NOTHING_ASSOCIATED, properties(), id="marker"),
        pytest.param(ORDERS.arn, properties(Future="property"), id="a newer version's property"),
        pytest.param(ORDERS.arn, properties(KmsKeyId=None), id="an older version's lack"),
        pytest.param(ORDERS.arn, None, id="no properties"),
        pytest.param(AWS.arn, of_fleet("/aws/*"), id="a prefix that this version refuses"),
        pytest.param(AWS.arn, of_fleet(ExcludeLogGroupNames="/a"), id="exclusions of another form"),
    ],
)
def test_a_delete_never_fails_for_its_properties(physical_id: str, given: object) -> None:
    """The marker and properties that cannot be understood: there is nothing to undo, and it says why."""
    parsed = parse_event(*event("Delete", PhysicalResourceId=physical_id, ResourceProperties=given), PLACE)

    assert isinstance(parsed, Ignore)
    assert parsed.why
