"""What a resource does with one log group, for every claim that it may find there: the contract's table, whole rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_aws import OTHER_STACK_ID, fleet, key_arn, owner

from log_group_kms.association.decision import Apply, Decision, Desired, Skip, decide, may_take
from log_group_kms.model.association import OnExistingKey
from log_group_kms.model.errors import ClaimLost, ResourceConflict
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.results import Observed

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn

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


Answer = Apply | Skip | Conflict | Lost


def answer_to(observed: Observed, desired: Desired) -> Answer:
    """The decision, or how it failed, as a value."""
    try:
        decision: Decision = decide(observed, desired)
    except ClaimLost:
        return Lost()
    except ResourceConflict:
        return Conflict()
    return decision


class Event(Enum):
    """On which occasion a resource wants something."""

    CREATE = "Create"
    UPDATE = "Update"
    ENROLMENT = "enrolment"


def desired(
    me: Owner = FLEET, on_existing_key: OnExistingKey = OnExistingKey.OVERRIDE, event: Event = Event.UPDATE
) -> Desired:
    """What a resource wants of a log group."""
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


# --- a fleet ----------------------------------------------------------------------------------------------------------


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
    key: KeyArn | None, expected: dict[OnExistingKey, Answer], choice: OnExistingKey, event: Event
) -> None:
    """It claims it and remembers the key found; OnExistingKey is about another key only."""
    assert answer_to(Observed(key, None), desired(on_existing_key=choice, event=event)) == expected[choice]


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

    assert answer_to(observed, desired(on_existing_key=choice, event=event)) == expected


@pytest.mark.parametrize("key", [None, WANTED, OTHER], ids=["no key", "wanted key", "other key"])
@every_choice
@every_event
@of_all({**EXPLICIT, **OTHER_FLEETS})
def test_a_fleet_takes_nothing_from_others(
    theirs: Owner, event: Event, choice: OnExistingKey, key: KeyArn | None
) -> None:
    """What an explicit resource or another stack's fleet owns it leaves to them, and says to whom; it never fails."""
    assert answer_to(Observed(key, Claim(theirs, BEFORE)), desired(on_existing_key=choice, event=event)) == Skip(theirs)


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
    assert answer_to(Observed(key, Claim(theirs, BEFORE)), desired(on_existing_key=choice, event=event)) == expected


@pytest.mark.parametrize("key", [None, WANTED, OTHER], ids=["no key", "wanted key", "other key"])
@every_choice
@of_all(SIBLINGS)
def test_enrolment_takes_nothing_from_siblings(theirs: Owner, choice: OnExistingKey, key: KeyArn | None) -> None:
    """Only CloudFormation knows which of two fleets of a stack comes after the other."""
    observed = Observed(key, Claim(theirs, BEFORE))

    assert answer_to(observed, desired(on_existing_key=choice, event=Event.ENROLMENT)) == Skip(theirs)


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
    assert answer_to(Observed(key, Claim(theirs, BEFORE)), desired(on_existing_key=choice, event=event)) == expected


@every_event
@pytest.mark.parametrize("previous", [None, BEFORE, OTHER, WANTED], ids=["none", "before", "other", "wanted"])
@of_all({"command line": COMMAND_LINE})
def test_what_is_remembered_is_inherited_as_it_is(theirs: Owner, previous: KeyArn | None, event: Event) -> None:
    """Also that there was no key, and also where it is the very key in force."""
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
    expected: dict[OnExistingKey, Answer],
) -> None:
    """Once a Delete of theirs has begun it is free, with what they remember; another key is still another's."""
    observed = Observed(key, Claim(theirs, BEFORE, deleting=True))

    assert answer_to(observed, desired(on_existing_key=choice, event=event)) == expected[choice]


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

    assert answer_to(observed, desired(on_existing_key=choice, event=event)) == expected


@pytest.mark.parametrize("key", [None, WANTED, OTHER], ids=["no key", "wanted key", "other key"])
@every_choice
def test_a_create_that_its_own_delete_overtakes(choice: OnExistingKey, key: KeyArn | None) -> None:
    """It changes nothing and fails: the Delete goes on."""
    observed = Observed(key, Claim(FLEET, BEFORE, deleting=True))

    assert answer_to(observed, desired(on_existing_key=choice, event=Event.CREATE)) == Lost()


@pytest.mark.parametrize("key", [None, WANTED, OTHER], ids=["no key", "wanted key", "other key"])
@every_choice
def test_enrolment_while_its_fleet_is_being_deleted(choice: OnExistingKey, key: KeyArn | None) -> None:
    """It takes nothing back: the Delete would leave that alone, and nobody would ever give it back."""
    observed = Observed(key, Claim(FLEET, BEFORE, deleting=True))

    assert answer_to(observed, desired(on_existing_key=choice, event=Event.ENROLMENT)) in (Lost(), Skip(FLEET))


@with_each_key(
    Apply(Claim(FLEET, BEFORE), write=True, associate=True),
    Apply(Claim(FLEET, BEFORE), write=True, associate=False),
    Apply(Claim(FLEET, BEFORE), write=True, associate=True),
)
@every_choice
def test_an_update_after_a_delete_that_failed(choice: OnExistingKey, key: KeyArn | None, expected: Apply) -> None:
    """CloudFormation sends no Update while a Delete is under way: the claim stands again, with what it remembers."""
    observed = Observed(key, Claim(FLEET, BEFORE, deleting=True))

    assert answer_to(observed, desired(on_existing_key=choice)) == expected


# --- the command line -------------------------------------------------------------------------------------------------


@of_all({name: theirs for name, theirs in EVERYONE.items() if not theirs.is_command_line})
def test_the_command_line_takes_nothing_from_a_resource(theirs: Owner) -> None:
    """Whatever a stack owns is its own."""
    assert decide(Observed(OTHER, Claim(theirs, BEFORE)), desired(COMMAND_LINE)) == Skip(theirs)


@of_all(COMMAND_LINES)
def test_the_command_line_goes_on_with_its_own(theirs: Owner) -> None:
    """Under another prefix too; what it remembers stays."""
    decision = decide(Observed(OTHER, Claim(theirs, BEFORE)), desired(COMMAND_LINE))

    assert decision == Apply(Claim(COMMAND_LINE, BEFORE), write=theirs != COMMAND_LINE, associate=True)


# --- one log group ----------------------------------------------------------------------------------------------------


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
    expected: dict[OnExistingKey, Answer],
) -> None:
    """Over fleets, the command line and other stacks, and it remembers the key found, not what they remember."""
    observed = Observed(key, Claim(theirs, BEFORE))

    assert answer_to(observed, desired(ONE, choice, event)) == expected[choice]


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

    assert answer_to(observed, desired(ONE, choice, event)) == expected


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
def test_an_update_whose_tags_are_gone(key: KeyArn | None, former_key: KeyArn, expected: Answer) -> None:
    """Its former key is known for its own, whatever OnExistingKey says; what was there before nobody knows any more."""
    wanted = replace(desired(ONE, OnExistingKey.KEEP), former_key=former_key)

    assert answer_to(Observed(key, None), wanted) == expected


@pytest.mark.parametrize("key", [None, WANTED, OTHER], ids=["no key", "wanted key", "other key"])
@of_all({**OTHER_FLEETS, **COMMAND_LINES, "fleet, same stack": FLEET})
def test_an_explicit_resource_takes_what_a_fleet_is_leaving(theirs: Owner, key: KeyArn | None) -> None:
    """What is on its way out hands on what it remembers: its own key is not to be put back."""
    observed = Observed(key, Claim(theirs, BEFORE, deleting=True))

    assert decide(observed, desired(ONE)) == Apply(Claim(ONE, BEFORE), write=True, associate=key != WANTED)


# --- what holds for all -----------------------------------------------------------------------------------------------

owners = st.sampled_from([ONE, *EVERYONE.values()])
keys = st.sampled_from([None, WANTED, OTHER, BEFORE])
claims = st.none() | st.builds(Claim, owners, keys, st.booleans())
observations = st.builds(Observed, keys, claims)
wishes = st.builds(desired, owners, st.sampled_from(OnExistingKey), st.sampled_from(Event)).filter(
    lambda wanted: wanted.owner.is_fleet or not wanted.enrolling
)


@given(observed=observations, wanted=wishes)
def test_what_is_done_needs_nothing_more(observed: Observed, wanted: Desired) -> None:
    """Once a decision to hold is carried out, the same resource finds nothing to do, and remembers the same key."""
    held = answer_to(observed, wanted)

    if isinstance(held, Apply):
        after = Observed(wanted.key, held.claim)
        assert decide(after, wanted) == Apply(held.claim, write=False, associate=False)
        assert held.claim.stands_for(wanted.owner)


@given(observed=observations, wanted=wishes)
def test_only_what_may_be_taken_is_claimed(observed: Observed, wanted: Desired) -> None:
    """Whoever ends up with a log group was allowed to take it, and a `Skip` names the owner or nobody."""
    match answer_to(observed, wanted):
        case Apply():
            assert observed.claim is None or may_take(observed.claim, wanted)
        case Skip(None):
            assert wanted.on_existing_key is OnExistingKey.KEEP
            assert observed.key not in (None, wanted.key)
        case Skip(theirs):
            assert observed.claim is not None
            assert (observed.claim.owner, wanted.owner.is_fleet) == (theirs, True)


@given(observed=observations, wanted=wishes)
def test_one_log_group_is_never_left_to_its_owner(observed: Observed, wanted: Desired) -> None:
    """The last writer wins: an explicit resource leaves a log group only for OnExistingKey."""
    explicit = replace(wanted, owner=ONE, enrolling=False)

    assert answer_to(observed, explicit) in (Skip(), Lost(), Conflict()) or isinstance(
        answer_to(observed, explicit), Apply
    )


def test_a_conflict_says_which_key_and_whose() -> None:
    """So that the user can mend it, for a log group that someone owns and for one that nobody does."""
    owned = Observed(OTHER, Claim(FLEET, BEFORE))

    with pytest.raises(ResourceConflict) as of_someone:
        decide(owned, desired(ONE, OnExistingKey.FAIL))
    with pytest.raises(ResourceConflict) as of_nobody:
        decide(Observed(OTHER, None), desired(FLEET, OnExistingKey.FAIL))

    advice = "Take that key away, or use OnExistingKey Override or Keep"
    begin = f"OnExistingKey is Fail and the log group has another key: {OTHER.text}"
    assert str(of_someone.value) == f"{begin}; it belongs to {FLEET.text}. {advice}"
    assert str(of_nobody.value) == f"{begin}. {advice}"
