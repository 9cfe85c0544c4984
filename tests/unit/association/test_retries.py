"""A refused call is made again, and what others did meanwhile is respected."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from support.fake_aws import concurrent_change, key_policy_denied, role_denied, throttled, unavailable
from unit.association.account import ASKED, BEFORE, ME, OURS, STRANGE, STRANGER, TAKING_OVER, Account

from log_group_kms.model.association import OnDelete, OnExistingKey
from log_group_kms.model.errors import ConcurrentChange, OutOfTime, ResourceConflict
from log_group_kms.model.ownership import Claim


def test_no_time_left_means_no_call(account: Account) -> None:
    """Past the deadline nothing is called and nothing changes."""
    account.seconds = 0

    with pytest.raises(OutOfTime):
        account.create()
    assert account.aws.calls == []


def test_what_heals_is_waited_for(account: Account) -> None:
    """Refusals that time heals are outlasted, all kinds in one event."""
    account.aws.refuse("TagResource", throttled(), unavailable(), role_denied("logs:TagResource"))
    account.aws.refuse(
        "AssociateKmsKey", concurrent_change(), key_policy_denied(), throttled(), role_denied("kms:Encrypt")
    )

    account.create()

    assert account.state == (OURS, Claim(ME, None))


THEIRS: Final = (STRANGE, Claim(STRANGER, BEFORE))


def taken_over_at(account: Account, operation: str, call: int = 1) -> None:
    """Refuse the so-maniest call of *operation* for now, and let another stack take the log group over meanwhile."""
    calls = 0

    def take_over(called: str) -> None:
        nonlocal calls
        calls += called == operation
        if called == operation and calls == call:
            account.aws.refuse(operation, throttled(operation))
            account.having(*THEIRS)

    account.aws.before = take_over


@pytest.mark.parametrize(
    ("operation", "on_delete"),
    [
        ("TagResource", OnDelete.RESTORE_PREVIOUS),
        ("TagResource", OnDelete.DISASSOCIATE),
        ("UntagResource", OnDelete.RESTORE_PREVIOUS),
        ("UntagResource", OnDelete.DISASSOCIATE),
        ("UntagResource", OnDelete.RETAIN),
    ],
)
def test_a_delete_whose_tag_call_waits_leaves_what_is_taken_over(operation: str, on_delete: OnDelete) -> None:
    """A retry of a tag call never writes over, or removes, the tags of who came meanwhile."""
    account = Account().having(OURS, Claim(ME, BEFORE))
    taken_over_at(account, operation)

    account.delete(replace(ASKED, on_delete=on_delete))

    assert account.state == THEIRS


def test_a_delete_whose_last_mark_waits_leaves_what_is_taken_over(account: Account) -> None:
    """A retry of the last mark, which leaves our own key in force, never writes over another's tags either."""
    account.having(OURS, Claim(ME, OURS))
    taken_over_at(account, "TagResource", call=2)

    account.delete()

    assert account.state == THEIRS


@pytest.mark.parametrize("choice", list(OnExistingKey))
def test_a_create_whose_claim_waits_decides_anew(choice: OnExistingKey) -> None:
    """A retry of the claim decides anew about the key of an owner that came meanwhile, and remembers that key."""
    account = Account().having(None)
    taken_over_at(account, "TagResource")

    if choice is OnExistingKey.FAIL:
        with pytest.raises(ResourceConflict):
            account.create(replace(TAKING_OVER, on_existing_key=choice))
    else:
        account.create(replace(TAKING_OVER, on_existing_key=choice))

    expected = (OURS, Claim(ME, STRANGE)) if choice is OnExistingKey.OVERRIDE else THEIRS
    assert account.state == expected


def test_a_claim_that_was_written_although_it_failed_stands(account: Account) -> None:
    """A claim whose answer was lost is found before the retry, and kept."""
    account.having(BEFORE)
    lost = False

    def lose_the_answer(operation: str) -> None:
        nonlocal lost
        if operation == "TagResource" and not lost:
            lost = True
            raise unavailable("TagResource")

    account.aws.after = lose_the_answer

    account.create()

    assert account.state == (OURS, Claim(ME, BEFORE))


@pytest.mark.parametrize("operation", ["TagResource", "UntagResource"])
def test_a_delete_whose_tag_call_worked_although_it_failed(account: Account, operation: str) -> None:
    """A tag call of a Delete whose answer was lost is found done before the retry."""
    account.having(OURS, Claim(ME, BEFORE))
    lost = False

    def lose_the_answer(called: str) -> None:
        nonlocal lost
        if called == operation and not lost:
            lost = True
            raise unavailable(operation)

    account.aws.after = lose_the_answer

    account.delete()

    assert account.state == (BEFORE, None)


def test_no_change_is_made_after_a_look_that_took_the_time(account: Account) -> None:
    """A look at the claim that hangs until the deadline ends the attempt: the refusal before it is reported."""
    account.aws.refuse("AssociateKmsKey", concurrent_change())
    looks = 0

    def hang(operation: str) -> None:
        nonlocal looks
        looks += operation == "ListTagsForResource"
        if operation == "ListTagsForResource" and looks == 2:
            account.clock.time += 1000

    account.aws.before = hang

    with pytest.raises(ConcurrentChange):
        account.create()
    assert account.state == (None, Claim(ME, None))


@pytest.mark.parametrize("refusals", [0, 1, 5])
def test_a_look_that_is_throttled_is_as_old_as_the_try_that_works(account: Account, refusals: int) -> None:
    """Where 500 resources share the quota of 5 a second, a third look each would be 100 seconds more for all."""
    account.aws.refuse("ListTagsForResource", *[throttled() for _ in range(refusals)])

    account.create()

    assert account.aws.calls.count("ListTagsForResource") == refusals + 2
    assert account.state == (OURS, Claim(ME, None))
