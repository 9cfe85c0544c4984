"""Decisions of a fleet, its enrolment and the command line about one log group: the contract's table, whole rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.association.decisions import (
    BEFORE,
    COMMAND_LINE,
    COMMAND_LINES,
    EVERYONE,
    EXPLICIT,
    FLEET,
    OTHER,
    OTHER_FLEETS,
    SIBLINGS,
    WANTED,
    Conflict,
    Decided,
    Event,
    Lost,
    decided,
    desired,
    every_choice,
    every_event,
    every_event_of_cloudformation,
    of_all,
    with_each_key,
)

from log_group_kms.association.decision import Apply, Skip, decide
from log_group_kms.model.association import OnExistingKey
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.results import Observed

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn


@every_event
@with_each_key(
    {
        OnExistingKey.OVERRIDE: Apply(Claim(FLEET, None), write=True, associate=True),
        OnExistingKey.KEEP: Apply(Claim(FLEET, None), write=True, associate=True),
        OnExistingKey.FAIL: Apply(Claim(FLEET, None), write=True, associate=True),
    },
    {
        OnExistingKey.OVERRIDE: Apply(Claim(FLEET, WANTED), write=True, associate=False),
        OnExistingKey.KEEP: Apply(Claim(FLEET, WANTED), write=True, associate=False),
        OnExistingKey.FAIL: Apply(Claim(FLEET, WANTED), write=True, associate=False),
    },
    {
        OnExistingKey.OVERRIDE: Apply(Claim(FLEET, OTHER), write=True, associate=True),
        OnExistingKey.KEEP: Skip(),
        OnExistingKey.FAIL: Conflict(),
    },
)
@every_choice
def test_a_fleet_finds_nobodys_log_group(
    key: KeyArn | None, expected: dict[OnExistingKey, Decided], choice: OnExistingKey, event: Event
) -> None:
    """It claims it and remembers the key found; OnExistingKey is about another key only."""
    assert decided(Observed(key, None), desired(on_existing_key=choice, event=event)) == expected[choice]


@every_event
@every_choice
@with_each_key(
    Apply(Claim(FLEET, BEFORE), write=False, associate=True),
    Apply(Claim(FLEET, BEFORE), write=False, associate=False),
    Apply(Claim(FLEET, BEFORE), write=False, associate=True),
)
def test_a_fleet_finds_its_own(key: KeyArn | None, expected: Apply, choice: OnExistingKey, event: Event) -> None:
    """It puts a key right that someone changed by hand, whatever OnExistingKey says; what it remembers stays."""
    observed = Observed(key, Claim(FLEET, BEFORE))

    assert decided(observed, desired(on_existing_key=choice, event=event)) == expected


@pytest.mark.parametrize("key", [None, WANTED, OTHER], ids=["no key", "wanted key", "other key"])
@every_choice
@every_event
@of_all({**EXPLICIT, **OTHER_FLEETS})
def test_a_fleet_takes_nothing_from_others(
    theirs: Owner, event: Event, choice: OnExistingKey, key: KeyArn | None
) -> None:
    """It leaves alone what an explicit resource or another stack's fleet owns, says whose it is, and never fails."""
    assert decided(Observed(key, Claim(theirs, BEFORE)), desired(on_existing_key=choice, event=event)) == Skip(theirs)


@with_each_key(
    Apply(Claim(FLEET, BEFORE), write=True, associate=True),
    Apply(Claim(FLEET, BEFORE), write=True, associate=False),
    Apply(Claim(FLEET, BEFORE), write=True, associate=True),
)
@every_choice
@every_event_of_cloudformation
@of_all(SIBLINGS)
def test_a_fleet_takes_over_from_its_siblings(
    theirs: Owner, event: Event, choice: OnExistingKey, key: KeyArn | None, expected: Apply
) -> None:
    """A fleet of its stack is itself under a former name or prefix: what that one remembers is inherited."""
    assert decided(Observed(key, Claim(theirs, BEFORE)), desired(on_existing_key=choice, event=event)) == expected


@pytest.mark.parametrize("key", [None, WANTED, OTHER], ids=["no key", "wanted key", "other key"])
@every_choice
@of_all(SIBLINGS)
def test_enrolment_takes_nothing_from_siblings(theirs: Owner, choice: OnExistingKey, key: KeyArn | None) -> None:
    """It leaves them alone: CloudFormation alone knows which of two fleets of a stack comes after the other."""
    observed = Observed(key, Claim(theirs, BEFORE))

    assert decided(observed, desired(on_existing_key=choice, event=Event.ENROLMENT)) == Skip(theirs)


@with_each_key(
    Apply(Claim(FLEET, BEFORE), write=True, associate=True),
    Apply(Claim(FLEET, BEFORE), write=True, associate=False),
    Apply(Claim(FLEET, BEFORE), write=True, associate=True),
)
@every_choice
@every_event
@of_all(COMMAND_LINES)
def test_a_fleet_takes_over_from_the_command_line(
    theirs: Owner, event: Event, choice: OnExistingKey, key: KeyArn | None, expected: Apply
) -> None:
    """The command line holds log groups only until a fleet comes for them, which inherits what it remembers."""
    assert decided(Observed(key, Claim(theirs, BEFORE)), desired(on_existing_key=choice, event=event)) == expected


@every_event
@pytest.mark.parametrize("previous", [None, BEFORE, OTHER, WANTED], ids=["none", "before", "other", "wanted"])
@of_all({"command line": COMMAND_LINE})
def test_what_is_remembered_is_inherited_as_it_is(theirs: Owner, previous: KeyArn | None, event: Event) -> None:
    """The memory that there was no key is inherited too, and so is a key that is in force already."""
    observed = Observed(OTHER, Claim(theirs, previous))

    assert decide(observed, desired(event=event)) == Apply(Claim(FLEET, previous), write=True, associate=True)


@with_each_key(
    dict.fromkeys(OnExistingKey, Apply(Claim(FLEET, BEFORE), write=True, associate=True)),
    dict.fromkeys(OnExistingKey, Apply(Claim(FLEET, BEFORE), write=True, associate=False)),
    {
        OnExistingKey.OVERRIDE: Apply(Claim(FLEET, BEFORE), write=True, associate=True),
        OnExistingKey.KEEP: Skip(),
        OnExistingKey.FAIL: Conflict(),
    },
)
@every_choice
@every_event
@of_all({**EXPLICIT, **OTHER_FLEETS})
def test_a_fleet_takes_what_others_are_leaving(
    theirs: Owner,
    event: Event,
    choice: OnExistingKey,
    key: KeyArn | None,
    expected: dict[OnExistingKey, Decided],
) -> None:
    """A log group is free once their Delete has begun, with what they remember; another key is still another's."""
    observed = Observed(key, Claim(theirs, BEFORE, deleting=True))

    assert decided(observed, desired(on_existing_key=choice, event=event)) == expected[choice]


@with_each_key(
    Apply(Claim(FLEET, BEFORE), write=True, associate=True),
    Apply(Claim(FLEET, BEFORE), write=True, associate=False),
    Apply(Claim(FLEET, BEFORE), write=True, associate=True),
)
@every_choice
@every_event
@of_all({**SIBLINGS, **COMMAND_LINES})
def test_a_fleet_takes_what_its_like_is_leaving(
    theirs: Owner, event: Event, choice: OnExistingKey, key: KeyArn | None, expected: Apply
) -> None:
    """A sibling's Delete has begun: nobody doubts any more which of the two comes after, enrolment neither."""
    observed = Observed(key, Claim(theirs, BEFORE, deleting=True))

    assert decided(observed, desired(on_existing_key=choice, event=event)) == expected


@pytest.mark.parametrize("key", [None, WANTED, OTHER], ids=["no key", "wanted key", "other key"])
@every_choice
def test_a_create_that_its_own_delete_overtakes(choice: OnExistingKey, key: KeyArn | None) -> None:
    """It changes nothing and fails: the Delete goes on."""
    observed = Observed(key, Claim(FLEET, BEFORE, deleting=True))

    assert decided(observed, desired(on_existing_key=choice, event=Event.CREATE)) == Lost()


@pytest.mark.parametrize("key", [None, WANTED, OTHER], ids=["no key", "wanted key", "other key"])
@every_choice
def test_enrolment_while_its_fleet_is_being_deleted(choice: OnExistingKey, key: KeyArn | None) -> None:
    """It takes nothing back: the Delete would leave that alone, and nobody would ever give it back."""
    observed = Observed(key, Claim(FLEET, BEFORE, deleting=True))

    assert decided(observed, desired(on_existing_key=choice, event=Event.ENROLMENT)) in (Lost(), Skip(FLEET))


@with_each_key(
    Apply(Claim(FLEET, BEFORE), write=True, associate=True),
    Apply(Claim(FLEET, BEFORE), write=True, associate=False),
    Apply(Claim(FLEET, BEFORE), write=True, associate=True),
)
@every_choice
def test_an_update_after_a_delete_that_failed(choice: OnExistingKey, key: KeyArn | None, expected: Apply) -> None:
    """CloudFormation sends no Update while a Delete is under way: the claim stands again, with what it remembers."""
    observed = Observed(key, Claim(FLEET, BEFORE, deleting=True))

    assert decided(observed, desired(on_existing_key=choice)) == expected


@of_all({name: theirs for name, theirs in EVERYONE.items() if not theirs.is_command_line})
def test_the_command_line_takes_nothing_from_a_resource(theirs: Owner) -> None:
    """A log group that a stack owns stays that stack's."""
    assert decide(Observed(OTHER, Claim(theirs, BEFORE)), desired(COMMAND_LINE)) == Skip(theirs)


@of_all(COMMAND_LINES)
def test_the_command_line_goes_on_with_its_own(theirs: Owner) -> None:
    """Under another prefix too; what it remembers stays."""
    decision = decide(Observed(OTHER, Claim(theirs, BEFORE)), desired(COMMAND_LINE))

    assert decision == Apply(Claim(COMMAND_LINE, BEFORE), write=theirs != COMMAND_LINE, associate=True)
