"""The decision of a resource for one log group: the contract's table, whole rows; and the rules for all decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_aws import OTHER_STACK_ID, fleet, owner
from unit.association.decisions import (
    BEFORE,
    COMMAND_LINES,
    EVERYONE,
    FLEET,
    ONE,
    OTHER,
    OTHER_FLEETS,
    WANTED,
    Conflict,
    Decided,
    Event,
    Lost,
    decided,
    desired,
    every_choice,
    every_event_of_cloudformation,
    of_all,
    with_each_key,
)

from log_group_kms.association.decision import Apply, Desired, Skip, decide, may_take
from log_group_kms.model.association import OnExistingKey
from log_group_kms.model.errors import ResourceConflict
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.results import Observed

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn


@with_each_key(
    dict.fromkeys(OnExistingKey, Apply(Claim(ONE, None), write=True, associate=True)),
    dict.fromkeys(OnExistingKey, Apply(Claim(ONE, WANTED), write=True, associate=False)),
    {
        OnExistingKey.OVERRIDE: Apply(Claim(ONE, OTHER), write=True, associate=True),
        OnExistingKey.KEEP: Skip(),
        OnExistingKey.FAIL: Conflict(),
    },
)
@every_choice
@every_event_of_cloudformation
@of_all(
    {
        "fleet, same stack": FLEET,
        "fleet, same stack and logical id": owner("Orders", target=fleet("/aws/")),
        "another stack's explicit": owner("Orders", OTHER_STACK_ID),
        **OTHER_FLEETS,
        **COMMAND_LINES,
    }
)
def test_an_explicit_resource_wins(
    theirs: Owner,
    event: Event,
    choice: OnExistingKey,
    key: KeyArn | None,
    expected: dict[OnExistingKey, Decided],
) -> None:
    """It wins over fleets, the command line and other stacks, and remembers the key found, not what they remember."""
    observed = Observed(key, Claim(theirs, BEFORE))

    assert decided(observed, desired(ONE, choice, event)) == expected[choice]


@with_each_key(
    Apply(Claim(ONE, BEFORE), write=True, associate=True),
    Apply(Claim(ONE, BEFORE), write=True, associate=False),
    Apply(Claim(ONE, BEFORE), write=True, associate=True),
)
@every_choice
@every_event_of_cloudformation
def test_an_explicit_resource_takes_over_from_its_sibling(
    event: Event, choice: OnExistingKey, key: KeyArn | None, expected: Apply
) -> None:
    """A renamed logical id inherits what was remembered; a fleet of the same stack is no sibling of it."""
    observed = Observed(key, Claim(owner("Renamed"), BEFORE))

    assert decided(observed, desired(ONE, choice, event)) == expected


@pytest.mark.parametrize(
    ("key", "former_key", "expected"),
    [
        pytest.param(OTHER, OTHER, Apply(Claim(ONE, None), write=True, associate=True), id="its former key"),
        pytest.param(WANTED, WANTED, Apply(Claim(ONE, None), write=True, associate=False), id="the same key as before"),
        pytest.param(WANTED, OTHER, Apply(Claim(ONE, WANTED), write=True, associate=False), id="the wanted one"),
        pytest.param(BEFORE, OTHER, Skip(), id="neither"),
        pytest.param(None, OTHER, Apply(Claim(ONE, None), write=True, associate=True), id="none"),
    ],
)
def test_an_update_whose_tags_are_gone(key: KeyArn | None, former_key: KeyArn, expected: Decided) -> None:
    """Its former key is known for its own, whatever OnExistingKey says; what was there before nobody knows any more."""
    wanted = replace(desired(ONE, OnExistingKey.KEEP), former_key=former_key)

    assert decided(Observed(key, None), wanted) == expected


@pytest.mark.parametrize("key", [None, WANTED, OTHER], ids=["no key", "wanted key", "other key"])
@of_all({**OTHER_FLEETS, **COMMAND_LINES, "fleet, same stack": FLEET})
def test_an_explicit_resource_takes_what_a_fleet_is_leaving(theirs: Owner, key: KeyArn | None) -> None:
    """A fleet on its way out hands on what it remembers: its own key is not to be put back."""
    observed = Observed(key, Claim(theirs, BEFORE, deleting=True))

    assert decide(observed, desired(ONE)) == Apply(Claim(ONE, BEFORE), write=True, associate=key != WANTED)


owners = st.sampled_from([ONE, *EVERYONE.values()])
keys = st.sampled_from([None, WANTED, OTHER, BEFORE])
claims = st.none() | st.builds(Claim, owners, keys, st.booleans())
observations = st.builds(Observed, keys, claims)
every_desired = st.builds(desired, owners, st.sampled_from(OnExistingKey), st.sampled_from(Event)).filter(
    lambda wanted: wanted.owner.is_fleet or not wanted.enrolling
)


@given(observed=observations, wanted=every_desired)
def test_what_is_done_needs_nothing_more(observed: Observed, wanted: Desired) -> None:
    """The same resource finds nothing to do once its decision is carried out, and remembers the same key."""
    applied = decided(observed, wanted)

    if isinstance(applied, Apply):
        after = Observed(wanted.key, applied.claim)
        assert decide(after, wanted) == Apply(applied.claim, write=False, associate=False)
        assert applied.claim.stands_for(wanted.owner)


@given(observed=observations, wanted=every_desired)
def test_only_what_may_be_taken_is_claimed(observed: Observed, wanted: Desired) -> None:
    """A log group is claimed only by who may take it, and a `Skip` names the owner or nobody."""
    match decided(observed, wanted):
        case Apply():
            assert observed.claim is None or may_take(observed.claim, wanted)
        case Skip(None):
            assert wanted.on_existing_key is OnExistingKey.KEEP
            assert observed.key not in (None, wanted.key)
        case Skip(theirs):
            assert observed.claim is not None
            assert (observed.claim.owner, wanted.owner.is_fleet) == (theirs, True)


@given(observed=observations, wanted=every_desired)
def test_one_log_group_is_never_left_to_its_owner(observed: Observed, wanted: Desired) -> None:
    """The last writer wins: an explicit resource leaves a log group only for OnExistingKey."""
    explicit = replace(wanted, owner=ONE, enrolling=False)

    assert decided(observed, explicit) in (Skip(), Lost(), Conflict()) or isinstance(decided(observed, explicit), Apply)


def test_a_conflict_says_which_key_and_whose() -> None:
    """The error names the key in force, and the owner where there is one, so that the user can mend it."""
    owned = Observed(OTHER, Claim(FLEET, BEFORE))

    with pytest.raises(ResourceConflict) as of_someone:
        decide(owned, desired(ONE, OnExistingKey.FAIL))
    with pytest.raises(ResourceConflict) as of_nobody:
        decide(Observed(OTHER, None), desired(FLEET, OnExistingKey.FAIL))

    advice = "Take that key away, or use OnExistingKey Override or Keep"
    begin = f"OnExistingKey is Fail and the log group has another key: {OTHER.text}"
    assert str(of_someone.value) == f"{begin}; it belongs to {FLEET.text}. {advice}"
    assert str(of_nobody.value) == f"{begin}. {advice}"
