"""A Create of one log group between whose calls, or within one of them, another resource's whole event runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import FakeClock, fleet
from unit.association.account import ASKED, BEFORE, FLEET, ME, ORDERS, OURS, STRANGE, STRANGER, Account
from unit.association.intruders import everywhere

from log_group_kms.association.requests import Asker, Ensure, Remove
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.model.association import Association, OnDelete, OnExistingKey
from log_group_kms.model.errors import ClaimGone, ProviderError, TakenOver
from log_group_kms.model.ownership import Claim
from log_group_kms.model.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.association.intruders import Event

    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner

AWS = fleet("/aws/")
THEIRS = replace(ASKED, key=STRANGE)
THE_FLEETS = Association(AWS, STRANGE, on_existing_key=OnExistingKey.OVERRIDE)


def delete_of_another(account: Account) -> object:
    """Another stack deletes its resource for the log group."""
    return account.delete(THEIRS, STRANGER)


def delete_of_another_that_leaves_no_key(account: Account) -> object:
    """So it does, and OnDelete is Disassociate."""
    return account.delete(replace(THEIRS, on_delete=OnDelete.DISASSOCIATE), STRANGER)


def create_of_another(account: Account) -> object:
    """Another stack makes its resource for the log group."""
    return account.create(THEIRS, STRANGER)


def delete_of_a_fleet(account: Account) -> object:
    """A fleet that the log group belongs to is deleted."""
    return FleetRules(account.context(), AWS).remove(Remove.of(FLEET, THE_FLEETS, minted=True))


def create_of_a_fleet(account: Account) -> object:
    """A fleet that the log group belongs to is made."""
    return FleetRules(account.context(), AWS).ensure(Ensure(FLEET, THE_FLEETS, sent_at=account.clock.now()))


def reconciliation_of_a_fleet(account: Account) -> object:
    """A fleet that the log group belongs to is reconciled."""
    return FleetRules(account.context(), AWS).ensure(Ensure(FLEET, THE_FLEETS, asker=Asker.ENROLMENT))


#: Who gives the log group back, and who had it.
DELETES = pytest.mark.parametrize(
    ("event", "theirs"),
    [
        pytest.param(delete_of_another, STRANGER, id="another's Delete"),
        pytest.param(delete_of_another_that_leaves_no_key, STRANGER, id="another's Delete, to no key"),
        pytest.param(delete_of_a_fleet, FLEET, id="a fleet's Delete"),
    ],
)
FLEETS = pytest.mark.parametrize(
    ("event", "claim"),
    [
        pytest.param(create_of_a_fleet, None, id="a fleet's Create"),
        pytest.param(reconciliation_of_a_fleet, None, id="a fleet's reconciliation"),
        pytest.param(reconciliation_of_a_fleet, Claim(FLEET, None), id="a fleet's reconciliation, of its own"),
    ],
)
#: Seconds that the other one takes: none, and more than a look vouches for.
PACE = pytest.mark.parametrize("seconds", [0.0, 2.0], ids=["in no time", "in two seconds"])
BEFORE_IT = pytest.mark.parametrize("before", [None, BEFORE, OURS], ids=["no key before", "a key", "our key"])


@dataclass(frozen=True, slots=True)
class Ending:
    """What was left when the other one had come in at this *place*."""

    place: str
    answer: Outcome | ProviderError
    theirs: object
    key: KeyArn | None
    claim: Claim | None


def endings(begin: Callable[[], Account], event: Event, seconds: float) -> list[Ending]:
    """Create our resource with *event* at every place in turn."""
    found = []
    for account, intruder in everywhere(begin, event, seconds):
        answer: Outcome | ProviderError
        try:
            answer = account.create()
        except ProviderError as failure:
            answer = failure
        if intruder.place:
            found.append(Ending(intruder.place, answer, intruder.answer, *account.state))
    assert len(found) >= 10
    return found


@PACE
@BEFORE_IT
@DELETES
def test_a_create_beside_a_delete_always_succeeds(
    event: Event, theirs: Owner, before: KeyArn | None, seconds: float
) -> None:
    """It ends with its key in force and its claim, wherever the other one gives the log group back meanwhile."""
    found = endings(lambda: Account().having(STRANGE, Claim(theirs, before)), event, seconds)

    wrong = [each for each in found if (each.key, each.claim and each.claim.owner) != (OURS, ME)]
    assert [each for each in found if isinstance(each.answer, ProviderError)] == wrong == []


def in_time(place: str) -> bool:
    """Whether the other one is through before the last look at the claim, or begins after our claim is written."""
    return place not in ("after ListTagsForResource, call 3", "before TagResource, call 4")


def remembered_wrongly(found: list[Ending]) -> list[str]:
    """Return the places at which the key of an owner that has given the log group back is to be put back one day."""
    return [
        each.place
        for each in found
        if isinstance(each.theirs, Outcome)
        and each.theirs.associated
        and each.claim is not None
        and each.claim.previous == STRANGE
    ]


@PACE
@BEFORE_IT
@DELETES
def test_the_key_of_an_owner_that_is_gone_is_not_remembered(
    event: Event, theirs: Owner, before: KeyArn | None, seconds: float
) -> None:
    """A key belongs to the claims that were read on both sides of it."""
    found = endings(lambda: Account().having(STRANGE, Claim(theirs, before)), event, seconds)

    assert [place for place in remembered_wrongly(found) if in_time(place)] == []


@PACE
@DELETES
def test_nor_where_it_goes_within_the_call_that_claims(event: Event, theirs: Owner, seconds: float) -> None:
    """Also not where the whole Delete fits between the last look and the claim."""
    found = endings(lambda: Account().having(STRANGE, Claim(theirs, BEFORE)), event, seconds)

    assert remembered_wrongly(found) == []


@PACE
@BEFORE_IT
@FLEETS
def test_what_is_named_explicitly_wins_over_a_fleet(
    event: Event, claim: Claim | None, before: KeyArn | None, seconds: float
) -> None:
    """It ends with its key in force and its claim, wherever a fleet brings the log group in meanwhile."""
    found = endings(lambda: Account().having(before, claim), event, seconds)

    wrong = [each for each in found if (each.key, each.claim and each.claim.owner) != (OURS, ME)]
    assert [each for each in found if isinstance(each.answer, ProviderError)] == wrong == []


def of_the_last_writer(found: list[Ending]) -> list[str]:
    """Return the places at which the key in force is not that of the owner, or the owner was told of a failure."""
    keys = {ME: OURS, STRANGER: STRANGE}
    return [
        each.place
        for each in found
        if each.claim is None
        or each.key != keys[each.claim.owner]
        or (
            isinstance(each.answer, ProviderError)
            and (each.claim.owner == ME or not isinstance(each.answer, TakenOver))
        )
    ]


@PACE
@pytest.mark.parametrize("claim", [None, Claim(STRANGER, BEFORE)], ids=["nobody's", "the other's already"])
def test_of_two_creates_the_last_writer_wins(claim: Claim | None, seconds: float) -> None:
    """The log group has claim and key of the same one, and the other one that came too late knows it.

    A call that is under way while the whole other event runs cannot be taken back: of that, see the limits.
    """
    found = endings(lambda: Account().having(BEFORE, claim), create_of_another, seconds)

    under_way = [place for place in of_the_last_writer(found) if place.startswith("before AssociateKmsKey")]
    answered_late = [place for place in of_the_last_writer(found) if place.startswith("after TagResource")]
    assert [*of_the_last_writer(found)] == [*under_way, *answered_late]
    assert len(under_way) <= 1


def test_of_two_creates_the_last_writer_wins_though_aws_answers_late() -> None:
    """A claim that took two seconds to be answered is looked at before the key is associated."""
    found = endings(lambda: Account().having(BEFORE), create_of_another, 2.0)

    assert [place for place in of_the_last_writer(found) if place.startswith("after TagResource")] == []


# --- a Delete that is at work -----------------------------------------------------------------------------------------


@dataclass
class Later(FakeClock):
    """Something *happens* once this *moment* is past."""

    moment: float = float("inf")
    happens: Callable[[], object] = field(default=list)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.time >= self.moment:
            self.moment = float("inf")
            self.happens()


@pytest.mark.parametrize("theirs", [STRANGER, FLEET], ids=["another's", "a fleet's"])
@pytest.mark.parametrize("seconds", [0.1, 3.0, 14.0])
@pytest.mark.parametrize("before", [None, BEFORE, OURS], ids=["no key before", "a key", "our key"])
def test_a_create_waits_for_a_delete_that_is_at_work(theirs: Owner, before: KeyArn | None, seconds: float) -> None:
    """It begins when the other one is through, and remembers what that one has put back."""
    clock = Later()
    account = Account(clock=clock).having(STRANGE, Claim(theirs, before, deleting=True))
    clock.moment, clock.happens = clock.now() + seconds, lambda: account.having(before)

    account.create()

    assert account.state == (OURS, Claim(ME, before))
    assert seconds <= sum(clock.slept) <= seconds + 4


@pytest.mark.parametrize("theirs", [STRANGER, FLEET], ids=["another's", "a fleet's"])
def test_a_delete_that_has_died_is_not_waited_for_for_ever(account: Account, theirs: Owner) -> None:
    """After a quarter of a minute the log group is taken over, with what that Delete would have put back."""
    account.having(STRANGE, Claim(theirs, BEFORE, deleting=True))

    account.create()

    assert account.state == (OURS, Claim(ME, BEFORE))
    assert 13 <= sum(account.clock.slept) <= 18


def test_who_is_not_leaving_is_not_waited_for(account: Account) -> None:
    """A claim that stands is taken over at once."""
    account.having(STRANGE, Claim(STRANGER, BEFORE))

    account.create()

    assert account.state == (OURS, Claim(ME, STRANGE))
    assert sum(account.clock.slept) < 2


# --- a claim that is lost before it is confirmed ----------------------------------------------------------------------


def after_the_key(account: Account, change: Callable[[], object], times: int = 1) -> None:
    """Let *change* happen after our key is associated, so many times."""
    left = times

    def happen(operation: str) -> None:
        nonlocal left
        if operation == "AssociateKmsKey" and left:
            left -= 1
            change()

    account.aws.after = happen


def tags_say(account: Account, claim: Claim | None, key: KeyArn | None = OURS) -> Callable[[], object]:
    """Return what writes these tags, and this key."""
    return lambda: account.having(key, claim)


@pytest.mark.parametrize(
    ("key", "previous"), [(OURS, BEFORE), (STRANGE, STRANGE), (None, None)], ids=["our key", "its key", "no key"]
)
def test_a_create_claims_again_what_a_fleet_took_meanwhile(
    account: Account, key: KeyArn | None, previous: KeyArn | None
) -> None:
    """The fleet had looked before the claim was there; what it has put in force meanwhile is remembered."""
    account.having(BEFORE)
    after_the_key(account, tags_say(account, Claim(FLEET, BEFORE), key))

    outcome = account.create()

    assert account.state == (OURS, Claim(ME, previous))
    assert (outcome.key, account.failure_id) == (OURS, ORDERS.arn)


def test_a_fleet_that_takes_it_each_time_is_given_way_to(account: Account) -> None:
    """Three times are enough: then something else is wrong, and the user is told."""
    account.having(BEFORE)

    def write_over(operation: str) -> None:
        if operation == "TagResource":
            account.aws.log_groups[ORDERS].claim = Claim(FLEET, None)

    account.aws.after = write_over

    with pytest.raises(TakenOver, match="last writer wins"):
        account.create()
    assert account.aws.calls.count("TagResource") == 3


def test_a_create_claims_again_what_the_end_of_the_former_owner_took_along(account: Account) -> None:
    """That one's Delete had read its own claim before ours was there, and took ours away for its own."""
    account.having(STRANGE, Claim(STRANGER, BEFORE))
    after_the_key(account, tags_say(account, None, BEFORE))

    account.create()

    assert account.state == (OURS, Claim(ME, BEFORE))


def test_it_remembers_what_was_before_where_only_the_tags_went_along(account: Account) -> None:
    """That Delete had put the key of before back already when ours came."""
    account.having(STRANGE, Claim(STRANGER, BEFORE))
    after_the_key(account, tags_say(account, None, OURS))

    account.create()

    assert account.state == (OURS, Claim(ME, BEFORE))


@pytest.mark.parametrize("before", [None, Claim(ME, BEFORE)], ids=["nobody's before", "its own before"])
def test_a_claim_that_nobody_else_can_have_taken_along_is_lost(account: Account, before: Claim | None) -> None:
    """Its own Delete has passed by, so it does not claim again."""
    account.having(BEFORE, before)
    after_the_key(account, tags_say(account, None, OURS), times=1)

    with pytest.raises(ClaimGone):
        account.create()
    assert account.state == (BEFORE, None)
