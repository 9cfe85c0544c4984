"""Owners and claims: what a log group's tags mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import OTHER_STACK_ID, PLACE, STACK_ID, fleet, key_arn, log_group, owner

from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG
from log_group_kms.model.targets import Fleet, LogGroup, QueryResults

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn

#: CloudWatch Logs API reference, TagResource.
TAG_VALUE = re.compile(r"[\w\s_.:/=+@-]{0,256}", re.ASCII)
#: The longest name that CloudFormation gives a stack.
LONG_STACK_ID = STACK_ID.replace("stack/orders/", f"stack/{'s' * 128}/")


@pytest.mark.parametrize(
    ("mine", "text", "scope"),
    [
        pytest.param(owner(), "one:orders/2f1a0c10-0000-0000-0000-000000000001/Encryption", "", id="one log group"),
        pytest.param(
            owner(target=QueryResults(PLACE)),
            "one:orders/2f1a0c10-0000-0000-0000-000000000001/Encryption",
            "",
            id="query results",
        ),
        pytest.param(
            owner(target=fleet("/aws/")),
            "fleet:orders/2f1a0c10-0000-0000-0000-000000000001/Encryption",
            "prefix=/aws/",
            id="a fleet",
        ),
        pytest.param(Owner.of_command_line(fleet("/")), "fleet:-/command-line", "prefix=/", id="the command line"),
    ],
)
def test_the_name_of_an_owner(mine: Owner, text: str, scope: str) -> None:
    """Part of the contract: it outlives versions."""
    assert mine == Owner(text, scope)
    assert mine.is_fleet == bool(scope)


@pytest.mark.parametrize("target", [log_group(), fleet("/aws/")], ids=["one log group", "fleet"])
@pytest.mark.parametrize("logical_id", ["A", "L" * 70, "L" * 80, "L" * 255])
@pytest.mark.parametrize("stack_id", [STACK_ID, LONG_STACK_ID, "no-stack-id"], ids=["stack", "long", "unknown form"])
def test_every_owner_fits_into_a_tag(stack_id: str, logical_id: str, target: LogGroup | Fleet) -> None:
    """An owner fits also with `deleting:` before it, and is read back with its scope."""
    mine = Owner.of_resource(stack_id, logical_id, target)
    leaving = Claim(mine, None, deleting=True)

    assert TAG_VALUE.fullmatch(leaving.owner_tag)
    assert Claim.of_tags(leaving.as_tags()) == leaving


@pytest.mark.parametrize(
    ("one", "other", "siblings"),
    [
        pytest.param(owner(), owner("Renamed"), True, id="another logical id"),
        pytest.param(owner(), owner(stack_id=OTHER_STACK_ID), False, id="another stack"),
        pytest.param(owner(), owner(target=fleet("/")), False, id="another kind"),
        pytest.param(owner(target=fleet("/")), owner(target=fleet("/a")), True, id="another prefix"),
        pytest.param(owner(target=fleet("/")), owner("Renamed", target=fleet("/a")), True, id="both"),
        pytest.param(owner(), owner("L" * 255), True, id="one that is hashed"),
        pytest.param(Owner.of_command_line(fleet("/")), owner(target=fleet("/")), False, id="the command line"),
        pytest.param(
            Owner.of_command_line(fleet("/")), Owner.of_command_line(fleet("")), True, id="the command line, twice"
        ),
    ],
)
def test_who_is_whose_sibling(one: Owner, other: Owner, *, siblings: bool) -> None:
    """Resources of one stack and one kind, whatever they are called; it is mutual."""
    assert (one.is_sibling_of(other), other.is_sibling_of(one)) == (siblings, siblings)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (Owner.of_command_line(fleet("/")), True),
        (Owner.of_command_line(fleet("")), True),
        (owner(target=fleet("/")), False),
        (owner("command-line"), False),
    ],
)
def test_who_is_the_command_line(who: Owner, *, expected: bool) -> None:
    """It has a name of its own, whatever its prefix."""
    assert who.is_command_line == expected


KEY = key_arn(1)
FLEET = owner("Fleet", target=fleet("/aws/"))


@pytest.mark.parametrize("state", ["stands", "deleting", "deleted"])
@pytest.mark.parametrize("previous", [None, KEY], ids=["no key before", "a key before"])
@pytest.mark.parametrize("who", [owner(), FLEET], ids=["one log group", "fleet"])
def test_a_claim_is_what_its_tags_say(who: Owner, previous: KeyArn | None, state: str) -> None:
    """Written and read, it is the same."""
    claim = Claim(who, previous, deleting=state == "deleting", deleted=state == "deleted")

    assert Claim.of_tags(claim.as_tags()) == claim


@pytest.mark.parametrize("begin", ["", "deleting:", "deleted:"])
def test_a_scope_that_was_left_behind(begin: str) -> None:
    """Beside the owner of one log group it says nothing."""
    claim = Claim.of_tags({OWNER_TAG: f"{begin}{owner().text}", PREVIOUS_KEY_TAG: "none", SCOPE_TAG: "prefix=/"})

    assert claim
    assert claim.owner == owner()


@pytest.mark.parametrize(
    ("claim", "stands"),
    [
        pytest.param(Claim(FLEET, None), True, id="its own"),
        pytest.param(Claim(FLEET, None, deleting=True), False, id="its own, deleting"),
        pytest.param(Claim(FLEET, None, deleted=True), False, id="its own, deleted"),
        pytest.param(Claim(owner("Fleet", target=fleet("/")), None), False, id="that of another prefix"),
        pytest.param(Claim(Owner(FLEET.text), None), False, id="that of no prefix"),
        pytest.param(Claim(owner("Fleet"), None), False, id="that of another kind"),
    ],
)
def test_whose_claim_stands(claim: Claim, *, stands: bool) -> None:
    """Kind, stack, logical id and prefix are the owner; a claim that is being given up stands for nobody."""
    assert claim.stands_for(FLEET) == stands
