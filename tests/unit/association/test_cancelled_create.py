"""A Create of one log group that CloudFormation gave up, and its Delete, whose id CloudFormation made up."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import concurrent_change
from unit.association.account import ASKED, BEFORE, FLEET, ME, NEW, ORDERS, OURS, STRANGE, STRANGER, Account
from unit.association.intruders import everywhere

from log_group_kms.model.association import OnDelete, OnMissingLogGroup
from log_group_kms.model.errors import ClaimLost, ProviderError
from log_group_kms.model.ownership import Claim, Marks
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.results import Outcome

#: When CloudFormation sent the Create, in seconds since the epoch: to the second, as it dates events.
SENT = 1_800_000_000.0

STATES = pytest.mark.parametrize(
    ("key", "claim"),
    [
        pytest.param(None, None, id="no key"),
        pytest.param(BEFORE, None, id="another key"),
        pytest.param(OURS, None, id="our key already"),
        pytest.param(STRANGE, Claim(STRANGER, BEFORE), id="another stack's"),
        pytest.param(STRANGE, Claim(FLEET, None), id="a fleet's"),
    ],
)


def cancel(account: Account) -> Outcome:
    """CloudFormation gives the Create up."""
    return account.cancel()


def has_a_claim(account: Account) -> bool:
    """Whether anything on the log group is ours, but for the mark of a Delete that is through."""
    claim = account.state[1]
    return claim is not None and claim.owner == ME and not claim.deleted


@pytest.mark.parametrize("seconds", [0.0, 2.0, 300.0], ids=["in no time", "in two seconds", "in five minutes"])
@STATES
def test_a_create_that_is_given_up_leaves_nothing_behind(
    key: KeyArn | None, claim: Claim | None, seconds: float
) -> None:
    """Whichever of its calls the Delete comes at: the key is the one of before, and nothing is claimed for it."""
    for account, intruder in everywhere(lambda: Account().having(key, claim), cancel, seconds):
        failure = None
        try:
            account.create(sent_at=SENT)
        except ClaimLost as lost:
            failure = lost
        if not intruder.place:
            continue
        # After the last look there is nothing that a Create could see: then it is the Delete that gives back.
        assert (failure is None) <= intruder.place.startswith("after"), intruder.place
        assert (account.state[0], has_a_claim(account)) == (key, False), intruder.place
        assert failure is None or account.failure_id == NOTHING_ASSOCIATED, intruder.place


@STATES
def test_it_is_undone_whatever_is_refused_meanwhile(key: KeyArn | None, claim: Claim | None) -> None:
    """A Create that waits for TagResource or AssociateKmsKey, as it is throttled, finds the Delete when it goes on."""
    for operation in ("TagResource", "AssociateKmsKey"):

        def busy(operation: str = operation) -> Account:
            account = Account().having(key, claim)
            account.aws.refuse(operation, concurrent_change(operation))
            return account

        for account, intruder in everywhere(busy, cancel, 2.0):
            account.aws.forgive() if intruder.place else None
            with suppress(ClaimLost):
                account.create(sent_at=SENT)
            if intruder.place:
                assert (account.state[0], has_a_claim(account)) == (key, False), (operation, intruder.place)


@pytest.mark.parametrize("on_delete", list(OnDelete))
def test_it_is_undone_whatever_on_delete_says(account: Account, on_delete: OnDelete) -> None:
    """OnDelete is for an association that came to be."""
    account.having(BEFORE)
    asked = replace(ASKED, on_delete=on_delete)
    account.cancel(asked)

    with pytest.raises(ClaimLost):
        account.create(asked, sent_at=SENT)
    assert account.state == (BEFORE, None)


def test_a_create_that_finds_its_claim_cancelled_does_not_begin(account: Account) -> None:
    """An earlier delivery had claimed; a Delete has marked the log group, and is not through yet."""
    account.having(BEFORE, Claim(ME, BEFORE, written_at=SENT))
    account.aws.write_marks(ORDERS, ME, Marks(cancelled_at=SENT + 5))
    account.aws.calls.clear()

    with pytest.raises(ClaimLost, match="under way"):
        account.create(sent_at=SENT)
    assert set(account.aws.calls) == {"ListTagsForResource", "DescribeLogGroups"}


@pytest.mark.parametrize("cancelled_at", [SENT - 1, SENT, SENT + 1], ids=["before", "in the same second", "later"])
def test_what_a_delete_cancels(account: Account, cancelled_at: float) -> None:
    """All that was sent before it, or in the same second; a Create that was sent later is another resource's."""
    account.having(BEFORE)
    account.cancel(sent_at=cancelled_at)

    if cancelled_at < SENT:
        account.create(sent_at=SENT)
        assert account.state == (OURS, Claim(ME, BEFORE))
    else:
        with pytest.raises(ClaimLost):
            account.create(sent_at=SENT)
        assert account.state == (BEFORE, None)


def test_a_log_group_that_it_created_is_left_without_a_key() -> None:
    """From its creation on there is something to mark: then no key and no claim stay; the log group itself does.

    A Delete that comes before finds nothing that it could mark: of that, see the limits.
    """
    asked = replace(ASKED, on_missing_log_group=OnMissingLogGroup.CREATE)
    met = 0
    for account, intruder in everywhere(Account, cancel, 2.0):
        with suppress(ClaimLost):
            account.create(asked, sent_at=SENT)
        if intruder.place and "gone" not in str(intruder.answer):
            met += 1
            assert account.state == (None, None), intruder.place

    assert met == 5


def test_only_an_id_that_is_made_up_cancels(account: Account) -> None:
    """Where a Create has answered, nothing of it is at work any more: its Delete leaves no mark."""
    account.having(BEFORE)
    account.create(sent_at=SENT)

    account.delete()

    assert account.state == (BEFORE, None)
    assert account.aws.log_groups[ORDERS].marks == {}


def test_the_mark_is_its_owners_alone(account: Account) -> None:
    """Another resource's Create is none of this Delete's business."""
    account.having(BEFORE)
    account.cancel()

    account.create(replace(ASKED, key=STRANGE), STRANGER, sent_at=SENT)

    assert account.state == (STRANGE, Claim(STRANGER, BEFORE))


@pytest.mark.parametrize("times", [1, 2])
def test_a_later_resource_of_the_same_name_is_not_cancelled(account: Account, times: int) -> None:
    """The stack is deployed once more: the mark of the Delete before is older than its Create, and its Update."""
    account.having(BEFORE)
    account.cancel(sent_at=SENT + 5)

    for _ in range(times):
        account.create(sent_at=SENT + 60)
    account.update(replace(ASKED, key=NEW), sent_at=SENT + 120)

    assert account.state == (NEW, Claim(ME, BEFORE))


def test_a_delete_without_a_date_still_gives_back(account: Account) -> None:
    """A Create that was through is undone; of one that is at work it cannot tell."""
    account.having(BEFORE)
    account.create()

    account.delete(minted=False)

    assert account.state == (BEFORE, None)


def test_a_delete_of_a_log_group_that_is_gone_says_so() -> None:
    """There is nothing that could be marked."""
    assert Account().cancel().note == "The log group is gone; there was nothing to do"


def test_what_another_took_over_meanwhile_stays_its_own(account: Account) -> None:
    """A Create that is given up, and has lost the log group besides, undoes nothing."""
    account.having(BEFORE)

    def take_over_and_cancel(operation: str) -> None:
        if operation == "AssociateKmsKey":
            account.aws.after = lambda _: None
            account.having(STRANGE, Claim(STRANGER, BEFORE))
            account.cancel()

    account.aws.after = take_over_and_cancel

    with pytest.raises(ProviderError):
        account.create(sent_at=SENT)
    assert account.state == (STRANGE, Claim(STRANGER, BEFORE))


def test_a_log_group_that_vanishes_before_it_is_given_back_is_nothing_to_give_back() -> None:
    """The Create has just read that it was given up."""
    account = Account().having()

    def vanish(operation: str) -> None:
        if operation == "ListTagsForResource":
            account.aws.after = lambda _: None
            del account.aws.log_groups[ORDERS]

    def give_up(operation: str) -> None:
        if operation == "AssociateKmsKey":
            account.aws.after = lambda _: None
            cancel(account)
            account.aws.after = vanish

    account.aws.after = give_up

    with pytest.raises(ClaimLost):
        account.create(sent_at=SENT)
    assert account.failure_id == NOTHING_ASSOCIATED


def test_an_update_beside_a_delete_leaves_the_key_to_it() -> None:
    """Its own key was there before: what is to come back, the Delete alone knows."""
    account = Account().having(BEFORE)
    account.create(sent_at=SENT)
    leaving = Claim(ME, BEFORE, deleting=True)

    def begin(operation: str) -> None:
        if operation == "AssociateKmsKey":
            account.aws.after = lambda _: None
            account.having(NEW, leaving)

    account.aws.after = begin

    with pytest.raises(ClaimLost):
        account.update(replace(ASKED, key=NEW), sent_at=SENT + 60)
    assert account.state == (NEW, leaving)
