"""The history in a claim: when it was written, by whom and over whom, and what later events make of that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import fleet, key_arn, owner
from unit.association.account import ORDERS, Account
from unit.association.decisions import BEFORE, COMMAND_LINE, FLEET, ONE, OTHER, SIBLINGS, WANTED

from log_group_kms.association.claims import FRESH, Watch, settled_claim
from log_group_kms.association.decision import LONGEST_EVENT, Apply, Desired, Skip, decide
from log_group_kms.model.association import OnExistingKey
from log_group_kms.model.errors import ClaimLost, NotStabilized, StaleEvent
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.results import Observed

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn

#: When CloudFormation sent the event, in seconds since the epoch.
ASKED = 1_800_000_000.0
CREATE = Desired(FLEET, WANTED, OnExistingKey.OVERRIDE, creating=True, asked_at=ASKED, changes_key=True)
UPDATE = replace(CREATE, creating=False)
OPTIONS = replace(UPDATE, changes_key=False)
UPKEEP = replace(CREATE, creating=False, enrolling=True)
SIBLING = SIBLINGS["sibling fleet, another logical id"]


def applied(observed: Observed, desired: Desired) -> Apply:
    """Return the decision, which changes something or finds all as it should be."""
    decision = decide(observed, desired)
    assert isinstance(decision, Apply)
    return decision


@pytest.mark.parametrize(("desired", "by_upkeep"), [(CREATE, False), (UPDATE, False), (UPKEEP, True)])
def test_a_claim_says_when_and_by_whom_it_was_written(desired: Desired, *, by_upkeep: bool) -> None:
    """As CloudFormation dates the event; upkeep has no event, and says so."""
    claim = applied(Observed(None, None), desired).claim

    assert (claim.written_at, claim.by_upkeep, claim.event_at) == (ASKED, by_upkeep, None if by_upkeep else ASKED)


@pytest.mark.parametrize(
    ("key", "claim", "taken_from"),
    [
        pytest.param(WANTED, Claim(SIBLING, BEFORE), SIBLING, id="a sibling's, under the wanted key"),
        pytest.param(WANTED, Claim(COMMAND_LINE, BEFORE), COMMAND_LINE, id="the command line's"),
        pytest.param(WANTED, Claim(FLEET, BEFORE, taken_from=SIBLING), SIBLING, id="its own, taken before"),
        pytest.param(WANTED, Claim(FLEET, BEFORE), None, id="its own"),
        pytest.param(OTHER, Claim(SIBLING, BEFORE), None, id="a sibling's, under another key"),
        pytest.param(WANTED, Claim(SIBLING, BEFORE, deleting=True), None, id="one that is leaving"),
        pytest.param(
            WANTED, Claim(SIBLING, BEFORE, deleting=True, taken_from=COMMAND_LINE), FLEET, id="one that took it itself"
        ),
        pytest.param(OTHER, Claim(FLEET, BEFORE, taken_from=SIBLING), FLEET, id="its own, under another key now"),
        pytest.param(WANTED, None, None, id="nobody's"),
        pytest.param(None, None, None, id="nobody's, without a key"),
    ],
)
def test_whom_a_fleet_took_it_from(key: KeyArn | None, claim: Claim | None, taken_from: Owner | None) -> None:
    """Whoever had it under the same key gets it back where the Create fails; nobody else could.

    A fleet's own name takes the place of one in the tag that would stay there.
    """
    assert applied(Observed(key, claim), CREATE).claim.taken_from == taken_from


def test_an_explicit_resource_takes_from_nobody() -> None:
    """It gives back a key, and no claim."""
    desired = replace(CREATE, owner=ONE)

    assert applied(Observed(WANTED, Claim(owner("Renamed"), BEFORE)), desired).claim.taken_from is None


@pytest.mark.parametrize(
    ("desired", "claim", "write"),
    [
        pytest.param(UPDATE, Claim(FLEET, None, written_at=ASKED - 60), True, id="an Update of the key"),
        pytest.param(UPDATE, Claim(FLEET, None, written_at=ASKED), False, id="delivered again"),
        pytest.param(UPDATE, Claim(FLEET, None), True, id="over one without a date"),
        pytest.param(UPDATE, Claim(FLEET, None, written_at=ASKED + 9, by_upkeep=True), True, id="over upkeep's"),
        pytest.param(replace(UPDATE, asked_at=None), Claim(FLEET, None), False, id="an Update without a date"),
        pytest.param(OPTIONS, Claim(FLEET, None, written_at=ASKED - 60), False, id="an Update of options"),
        pytest.param(UPKEEP, Claim(FLEET, None, written_at=ASKED - 60), False, id="upkeep"),
        pytest.param(UPKEEP, Claim(FLEET, None), False, id="upkeep, over one without a date"),
    ],
)
def test_which_claims_are_dated_anew(desired: Desired, claim: Claim, *, write: bool) -> None:
    """Those that an event with another key finds as it wants them: the one before must not come after it."""
    assert applied(Observed(WANTED, claim), desired) == Apply(claim, write=write, associate=False)


@pytest.mark.parametrize("desired", [OPTIONS, UPDATE])
def test_a_key_that_is_associated_is_dated(desired: Desired) -> None:
    """Whatever the event names."""
    claim = Claim(FLEET, None, written_at=ASKED - 60)

    assert applied(Observed(OTHER, claim), desired) == Apply(claim, write=True, associate=True)


@pytest.mark.parametrize(
    ("claim", "error"),
    [
        pytest.param(Claim(FLEET, None, written_at=ASKED + 1), StaleEvent, id="a later event's"),
        pytest.param(Claim(FLEET, None, written_at=ASKED), None, id="of the same second"),
        pytest.param(Claim(FLEET, None, written_at=ASKED - 1), None, id="an earlier event's"),
        pytest.param(Claim(FLEET, None), None, id="without a date"),
        pytest.param(Claim(FLEET, None, written_at=ASKED + 1, by_upkeep=True), None, id="upkeep's"),
        pytest.param(Claim(SIBLING, None, written_at=ASKED + 1), None, id="a sibling's"),
        pytest.param(Claim(FLEET, None, deleting=True), ClaimLost, id="its Delete is at work"),
        pytest.param(Claim(FLEET, None, written_at=ASKED, cancelled=True), ClaimLost, id="its Delete has cancelled it"),
    ],
)
def test_the_order_of_this_resources_events(claim: Claim, error: type[Exception] | None) -> None:
    """A Create knows whether it comes too late."""
    if error is None:
        assert applied(Observed(WANTED, claim), CREATE).claim.owner == FLEET
        return
    with pytest.raises(error):
        decide(Observed(WANTED, claim), CREATE)


@pytest.mark.parametrize(
    "claim", [Claim(FLEET, None, deleting=True), Claim(FLEET, None, cancelled=True)], ids=["deleting", "cancelled"]
)
def test_an_update_is_not_cancelled(claim: Claim) -> None:
    """A Delete that failed left its mark: the stack goes on with the resource."""
    assert applied(Observed(WANTED, claim), UPDATE).claim == Claim(FLEET, None)


_DATED = replace(Claim(ONE, BEFORE), written_at=ASKED - LONGEST_EVENT)


@pytest.mark.parametrize(
    ("key", "claim", "taken"),
    [
        pytest.param(None, _DATED, True, id="long done"),
        pytest.param(None, replace(_DATED, written_at=None), True, id="nobody knows since when"),
        pytest.param(None, replace(_DATED, written_at=ASKED - LONGEST_EVENT + 1), False, id="perhaps at work"),
        pytest.param(None, replace(_DATED, written_at=ASKED), False, id="just now"),
        pytest.param(None, replace(_DATED, written_at=ASKED + 60), True, id="in the future"),
        pytest.param(OTHER, _DATED, False, id="it has a key"),
        pytest.param(WANTED, _DATED, False, id="it has the wanted key"),
    ],
)
def test_a_claim_without_a_key_exempts_nothing_for_ever(key: KeyArn | None, claim: Claim, *, taken: bool) -> None:
    """Whoever claimed and died left a log group without a key: reconciliation takes it, once no event can be alive."""
    observed = Observed(key, claim)

    assert isinstance(decide(observed, UPKEEP), Apply) == taken
    assert decide(observed, CREATE) == Skip(ONE)


# --- looks at the tags ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "looks"), [(0.0, 0), (FRESH, 0), (FRESH + 0.01, 1)])
def test_a_look_vouches_for_a_second(account: Account, seconds: float, looks: int) -> None:
    """After that the tags are read again, and that look vouches for another second."""
    claim = Claim(ONE, BEFORE)
    account.having(WANTED, claim)
    watch = Watch(account.context().logs, ORDERS)
    account.clock.time += seconds

    for _ in range(3):
        watch.check(claim)

    assert account.aws.calls == ["ListTagsForResource"] * looks


def test_a_look_that_finds_something_else_is_the_end(account: Account) -> None:
    """Once the look before is too old to vouch."""
    account.having(WANTED, Claim(FLEET, None))
    watch = Watch(account.context().logs, ORDERS)
    watch.check(Claim(ONE, None))
    account.clock.time += 2

    with pytest.raises(ClaimLost):
        watch.check(Claim(ONE, None))


@pytest.mark.parametrize("claim", [None, Claim(ONE, None), Claim(FLEET, None, deleting=True)])
def test_a_look_in_passing_is_enough_where_nobody_leaves(account: Account, claim: Claim | None) -> None:
    """Nobody's, one that stands, and its own are taken as they are."""
    account.having(key_arn(1), claim)

    assert settled_claim(account.context().logs, ORDERS, FLEET, patient=False) == claim
    assert account.aws.calls == ["ListTagsForResource"]


@pytest.mark.parametrize("who", [ONE, owner("Fleet", target=fleet("/")), SIBLING])
def test_a_fleet_does_not_wait_in_passing(account: Account, who: Owner) -> None:
    """It comes back to the log group at the end."""
    account.having(WANTED, Claim(who, None, deleting=True))

    with pytest.raises(NotStabilized, match=r"A Delete of .* is at work"):
        settled_claim(account.context().logs, ORDERS, FLEET, patient=False)
    assert account.clock.slept == []
