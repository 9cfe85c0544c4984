"""A claim that a Delete or another resource takes away while a Create is at work."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import concurrent_change
from unit.association.account import BEFORE, ME, ORDERS, OURS, STRANGE, STRANGER, Account

from log_group_kms.association.claims import check_claim, check_tags, check_unclaimed
from log_group_kms.model.errors import ClaimGone, ClaimLost, NotStabilized, TakenOver
from log_group_kms.model.ownership import Claim
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn


def delete_passes_by(account: Account, when: str, *, unfinished: bool = False, times: int = 1) -> None:
    """Let a Delete of the same resource, with a made-up id, run before the operation *when*."""
    left = times

    def run(operation: str) -> None:
        nonlocal left
        if operation != when:
            return
        left -= 1
        if left:
            return
        account.aws.before = lambda _: None
        if unfinished:
            _, claim = account.state
            assert claim
            account.aws.log_groups[ORDERS].claim = replace(claim, deleting=True)
        else:
            account.delete(minted=False)

    account.aws.before = run


@pytest.mark.parametrize("unfinished", [False, True], ids=["through", "under way"])
@pytest.mark.parametrize("before", [None, BEFORE, OURS], ids=["no key", "another key", "our key"])
def test_a_create_that_its_delete_overtakes_undoes_itself(before: KeyArn | None, *, unfinished: bool) -> None:
    """A Create that finds its claim gone leaves the log group as it was before, and fails with nothing to undo."""
    account = Account().having(before)
    account.aws.refuse("AssociateKmsKey", concurrent_change(), concurrent_change())
    delete_passes_by(
        account, "AssociateKmsKey" if before != OURS else "DescribeLogGroups", times=2, unfinished=unfinished
    )

    with pytest.raises(ClaimLost):
        account.create()
    if unfinished:
        account.delete(minted=False)
    assert account.state == (before, Claim(ME, OURS, deleted=True) if before == OURS else None)
    assert account.failure_id == NOTHING_ASSOCIATED


@pytest.mark.parametrize(
    ("claim", "key"),
    [
        pytest.param(None, BEFORE, id="its Delete is through"),
        pytest.param(Claim(ME, BEFORE, deleting=True), BEFORE, id="its Delete is under way"),
        pytest.param(Claim(STRANGER, OURS), OURS, id="another took over"),
        pytest.param(Claim(STRANGER, OURS, deleting=True), OURS, id="another took over, and is leaving"),
    ],
)
def test_a_create_that_loses_its_claim_after_the_key_undoes_its_own_work_only(
    account: Account, claim: Claim | None, key: KeyArn
) -> None:
    """It puts the key back if its own Delete passed by before the read-back, and leaves what another took over."""
    account.having(BEFORE)

    def tags_only(operation: str) -> None:
        # A Delete reads the old key, so it has nothing to put back; then the Create's AssociateKmsKey arrives.
        if operation == "AssociateKmsKey":
            account.aws.after = lambda _: None
            account.aws.log_groups[ORDERS].claim = claim

    account.aws.after = tags_only

    with pytest.raises(ClaimLost):
        account.create()
    assert (account.state, account.failure_id) == ((key, claim), NOTHING_ASSOCIATED)


def test_an_undo_that_cannot_put_the_previous_key_back_logs_it(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """The Create has failed for another reason by then, so that only the log can tell."""
    account.having(BEFORE)
    account.aws.closed_to_logs.add(BEFORE)

    def tags_only(operation: str) -> None:
        if operation == "AssociateKmsKey":
            account.aws.log_groups[ORDERS].claim = None

    account.aws.after = tags_only

    with pytest.raises(ClaimLost):
        account.create()
    assert account.state == (None, None)
    assert [record.getMessage() for record in caplog.records if BEFORE.text in record.getMessage()]


def test_a_create_looks_before_it_asks_again(account: Account) -> None:
    """A Create that was refused for now, and taken over while it waited, does not put its key over the other's."""
    account.aws.refuse("AssociateKmsKey", concurrent_change())

    def take_over(operation: str) -> None:
        if operation == "AssociateKmsKey":
            account.having(STRANGE, Claim(STRANGER, None))

    account.aws.before = take_over

    with pytest.raises(ClaimLost, match="the last writer wins"):
        account.create()
    assert account.state == (STRANGE, Claim(STRANGER, None))


def test_a_create_fails_where_its_own_delete_is_under_way(account: Account) -> None:
    """A Create that finds its Delete's mark changes nothing; the Delete that follows finishes the work."""
    account.having(OURS, Claim(ME, BEFORE, deleting=True))

    with pytest.raises(ClaimLost, match="under way"):
        account.create()
    assert account.state == (OURS, Claim(ME, BEFORE, deleting=True))
    assert account.failure_id == ORDERS.arn


def test_of_two_creators_the_later_claim_wins(account: Account) -> None:
    """A Create that another stack's takes over meanwhile fails and leaves the other's key and claim."""

    def take_over(operation: str) -> None:
        if operation == "AssociateKmsKey":
            account.having(STRANGE, Claim(STRANGER, None))

    account.aws.after = take_over

    with pytest.raises((ClaimLost, NotStabilized)):
        account.create()
    assert account.state == (STRANGE, Claim(STRANGER, None))
    assert account.failure_id == NOTHING_ASSOCIATED


def test_a_key_that_came_last_under_an_older_claim_is_overridden(account: Account) -> None:
    """Our key is associated once more if our claim stands but another's key came last."""
    overridden = False

    def override_once(operation: str) -> None:
        nonlocal overridden
        if operation == "AssociateKmsKey" and not overridden:
            overridden = True
            account.aws.log_groups[ORDERS].key = STRANGE

    account.aws.after = override_once

    account.create()

    assert account.state == (OURS, Claim(ME, None))


@pytest.mark.parametrize("taken_over", [False, True], ids=["still ours", "taken over"])
def test_a_create_looks_before_it_asks_again_once_more(account: Account, *, taken_over: bool) -> None:
    """The second association of our key is retried for as long as our claim stands."""
    overridden = False

    def override_once(operation: str) -> None:
        nonlocal overridden
        if operation == "AssociateKmsKey" and not overridden:
            overridden = True
            account.aws.log_groups[ORDERS].key = STRANGE
            account.aws.refuse("AssociateKmsKey", concurrent_change())

    def take_over(operation: str) -> None:
        if operation == "AssociateKmsKey" and overridden and taken_over:
            account.having(STRANGE, Claim(STRANGER, None))

    account.aws.before, account.aws.after = take_over, override_once

    with pytest.raises(ClaimLost) if taken_over else nullcontext():
        account.create()
    assert account.state == ((STRANGE, Claim(STRANGER, None)) if taken_over else (OURS, Claim(ME, None)))


def test_a_claim_that_is_there_after_all_can_be_undone(account: Account) -> None:
    """A claim that one look misses and the next finds keeps the failure's id, under which it is undone."""
    looks = 0

    def miss(operation: str) -> None:
        nonlocal looks
        looks += operation == "ListTagsForResource"
        if operation == "ListTagsForResource" and looks == 2:
            hidden = account.aws.log_groups[ORDERS].claim
            account.aws.log_groups[ORDERS].claim = None
            account.aws.after = lambda _: setattr(account.aws.log_groups[ORDERS], "claim", hidden)

    account.aws.before = miss

    with pytest.raises(ClaimLost):
        account.create()
    assert (account.failure_id, account.state) == (ORDERS.arn, (OURS, Claim(ME, None)))


# --- the guards -------------------------------------------------------------------------------------------------------


def loss_of(account: Account) -> type[ClaimLost] | None:
    """Return the kind of error for our claim; None if it stands."""
    try:
        check_claim(account.context().logs, ORDERS, ME)
    except ClaimLost as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    ("claim", "lost"),
    [
        pytest.param(Claim(ME, BEFORE), None, id="ours"),
        pytest.param(None, ClaimGone, id="nobody's"),
        pytest.param(Claim(ME, BEFORE, deleting=True), ClaimLost, id="ours, leaving"),
        pytest.param(Claim(ME, OURS, deleted=True), ClaimGone, id="the mark of our Delete"),
        pytest.param(Claim(STRANGER, None), TakenOver, id="another's"),
        pytest.param(Claim(STRANGER, None, deleting=True), TakenOver, id="another's, leaving"),
    ],
)
def test_a_claim_stands_or_is_lost(account: Account, claim: Claim | None, lost: type[ClaimLost] | None) -> None:
    """A claim stands while its owner has it and no Delete of the owner has begun; who lost it to whom is told apart."""
    account.having(OURS, claim)

    assert loss_of(account) is lost


@pytest.mark.parametrize(
    ("tags", "stand"),
    [
        pytest.param(Claim(ME, BEFORE), True, id="the first"),
        pytest.param(Claim(ME, BEFORE, deleting=True), True, id="the second"),
        pytest.param(Claim(ME, OURS, deleted=True), False, id="another state"),
        pytest.param(Claim(ME, None), False, id="another previous key"),
        pytest.param(None, False, id="none"),
    ],
)
def test_tags_are_compared_whole(account: Account, tags: Claim | None, *, stand: bool) -> None:
    """Owner, previous key and state must be those of one of the claims."""
    account.having(OURS, tags)

    with nullcontext() if stand else pytest.raises(ClaimLost, match="taken over, or given back"):
        check_tags(account.context().logs, ORDERS, Claim(ME, BEFORE), Claim(ME, BEFORE, deleting=True))


@pytest.mark.parametrize(
    ("claim", "free"),
    [
        pytest.param(None, True, id="nobody's"),
        pytest.param(Claim(STRANGER, OURS, deleted=True), True, id="the mark of a Delete"),
        pytest.param(Claim(STRANGER, OURS), False, id="another's"),
        pytest.param(Claim(ME, OURS), False, id="ours"),
    ],
)
def test_a_log_group_that_nobody_owns_is_free(account: Account, claim: Claim | None, *, free: bool) -> None:
    """Any claim that stands is in the way."""
    account.having(OURS, claim)

    with nullcontext() if free else pytest.raises(ClaimLost, match="taken over meanwhile"):
        check_unclaimed(account.context().logs, ORDERS)
