"""Owners of a log group, and decisions about it as values: for the tables of the decision's tests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

import pytest
from support.fake_aws import OTHER_STACK_ID, fleet, key_arn, owner

from log_group_kms.association.decision import Apply, Decision, Desired, Skip, decide
from log_group_kms.model.association import OnExistingKey
from log_group_kms.model.errors import ClaimLost, ResourceConflict
from log_group_kms.model.ownership import Owner

if TYPE_CHECKING:
    from log_group_kms.model.results import Observed

#: The key that is wanted, one that is not, and one that was there before either.
WANTED, OTHER, BEFORE = key_arn(1), key_arn(2), key_arn(3)

FLEET: Final = owner("Fleet", target=fleet("/aws/"))
ONE: Final = owner("Orders")
COMMAND_LINE: Final = Owner.of_command_line(fleet("/"))

#: Whom a fleet meets on a log group.
EXPLICIT: Final = {
    "explicit, same stack": ONE,
    "explicit, same stack and logical id": owner("Fleet"),
    "explicit, another stack": owner("Orders", OTHER_STACK_ID),
}
SIBLINGS: Final = {
    "sibling fleet, another logical id": owner("Renamed", target=fleet("/aws/")),
    "sibling fleet, another prefix": owner("Fleet", target=fleet("/")),
    "sibling fleet, every log group": owner("All", target=fleet("")),
}
OTHER_FLEETS: Final = {
    "another stack's fleet": owner("Fleet", OTHER_STACK_ID, fleet("/aws/")),
    "a fleet without a scope": Owner(FLEET.text.replace("orders/", "billing/")),
}
COMMAND_LINES: Final = {
    "command line": COMMAND_LINE,
    "command line, same prefix": Owner.of_command_line(fleet("/aws/")),
}
EVERYONE: Final = {"me": FLEET, **EXPLICIT, **SIBLINGS, **OTHER_FLEETS, **COMMAND_LINES}


@dataclass(frozen=True, slots=True)
class Conflict:
    """In a table: ResourceConflict, and nothing is changed."""


@dataclass(frozen=True, slots=True)
class Lost:
    """In a table: ClaimLost, and nothing is changed."""


Decided = Apply | Skip | Conflict | Lost


def decided(observed: Observed, desired: Desired) -> Decided:
    """The decision, or how it failed, as a value."""
    try:
        decision: Decision = decide(observed, desired)
    except ClaimLost:
        return Lost()
    except ResourceConflict:
        return Conflict()
    return decision


class Event(Enum):
    """The occasion on which a resource wants something."""

    CREATE = "Create"
    UPDATE = "Update"
    ENROLMENT = "enrolment"


def desired(
    me: Owner = FLEET, on_existing_key: OnExistingKey = OnExistingKey.OVERRIDE, event: Event = Event.UPDATE
) -> Desired:
    """Return what a resource desires of a log group, as a value."""
    creating, enrolling = event is Event.CREATE, event is Event.ENROLMENT
    return Desired(me, WANTED, on_existing_key, creating=creating, enrolling=enrolling)


def of_all(owners: dict[str, Owner]) -> pytest.MarkDecorator:
    """Run a test for each of *owners*."""
    return pytest.mark.parametrize("theirs", [pytest.param(each, id=name) for name, each in owners.items()])


def with_each_key(*expected: object) -> pytest.MarkDecorator:
    """Run a test with no key in force, the wanted one and another one; *expected* is for each of them."""
    rows = zip((None, WANTED, OTHER), expected, ("no key", "wanted key", "other key"), strict=True)
    return pytest.mark.parametrize(("key", "expected"), [pytest.param(key, row, id=name) for key, row, name in rows])


every_choice = pytest.mark.parametrize("choice", list(OnExistingKey))
every_event = pytest.mark.parametrize("event", list(Event))
every_event_of_cloudformation = pytest.mark.parametrize("event", [Event.CREATE, Event.UPDATE])
