"""An event of one log group that Lambda delivers again after a later one: it changes nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from unit.association.account import ASKED, BEFORE, FLEET, ME, NEW, OURS, STRANGE, STRANGER, Account
from unit.association.intruders import everywhere

from log_group_kms.model.association import Association, OnDelete, OnExistingKey
from log_group_kms.model.errors import StaleEvent
from log_group_kms.model.ownership import Claim

if TYPE_CHECKING:
    from collections.abc import Callable

WRITING = {"TagResource", "UntagResource", "AssociateKmsKey", "DisassociateKmsKey"}
#: When CloudFormation sent the Create, the Update that came after it, and one more.
FIRST, SECOND, THIRD = 1_800_000_000.0, 1_800_000_060.0, 1_800_000_120.0
UPDATED = replace(ASKED, key=NEW)


def updated() -> Account:
    """An account whose resource was made, and has another key now."""
    account = Account().having(BEFORE)
    account.create(sent_at=FIRST)
    account.update(UPDATED, sent_at=SECOND)
    assert account.state == (NEW, Claim(ME, BEFORE))
    account.aws.calls.clear()
    return account


def test_a_create_delivered_again_after_an_update_changes_nothing() -> None:
    """CloudFormation has sent a later event, and that one stands."""
    account = updated()

    with pytest.raises(StaleEvent, match=r"\ACloudFormation has sent a later event of this resource"):
        account.create(sent_at=FIRST)
    assert account.state == (NEW, Claim(ME, BEFORE))
    assert WRITING.isdisjoint(account.aws.calls)


def test_an_update_delivered_again_after_a_later_one_changes_nothing() -> None:
    """So it is with two Updates, a rollback included, which has a date of its own."""
    account = updated()
    account.update(ASKED, former=UPDATED, sent_at=THIRD)

    with pytest.raises(StaleEvent):
        account.update(UPDATED, sent_at=SECOND)
    assert account.state == (OURS, Claim(ME, BEFORE))


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(lambda account: account.update(UPDATED, sent_at=SECOND), id="the same event"),
        pytest.param(lambda account: account.update(ASKED, former=UPDATED, sent_at=SECOND), id="in the same second"),
        pytest.param(lambda account: account.update(ASKED, former=UPDATED, sent_at=THIRD), id="a later one"),
        pytest.param(lambda account: account.update(ASKED, former=UPDATED), id="one without a date"),
    ],
)
def test_what_is_not_older_is_done(again: Callable[[Account], object]) -> None:
    """Only an event that is certainly older than the one before is none any more."""
    account = updated()

    again(account)

    assert account.state[1] == Claim(ME, BEFORE)


def test_options_that_change_do_not_date_a_claim_by_a_call_of_their_own() -> None:
    """The contract's calls are counted; a Create that comes again finds the key that it wants."""
    account = Account().having(BEFORE)
    account.create(sent_at=FIRST)
    account.update(replace(ASKED, on_delete=OnDelete.RETAIN), sent_at=SECOND)

    account.create(sent_at=FIRST)

    assert account.state == (OURS, Claim(ME, BEFORE))
    assert account.aws.calls.count("TagResource") == 1


def test_a_key_that_comes_back_is_dated() -> None:
    """An Update that finds its key in force already, by hand say, stands all the same."""
    account = Account().having(BEFORE)
    account.create(sent_at=FIRST)
    account.aws.associate(ASKED.target, NEW)  # type: ignore[arg-type] # it is a log group
    account.update(UPDATED, sent_at=SECOND)

    with pytest.raises(StaleEvent):
        account.create(sent_at=FIRST)
    assert account.state == (NEW, Claim(ME, BEFORE))


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(Claim(STRANGER, None, written_at=THIRD), id="another stack's, later"),
        pytest.param(Claim(FLEET, None, written_at=THIRD), id="a fleet's, later"),
        pytest.param(Claim(ME, None, written_at=THIRD, by_upkeep=True), id="its own, by upkeep"),
        pytest.param(Claim(ME, None), id="its own, without a date"),
    ],
)
def test_only_this_resources_own_events_make_one_stale(claim: Claim) -> None:
    """The clocks of CloudFormation and of the provider are not compared, nor the events of two stacks."""
    account = Account().having(STRANGE, claim)

    account.create(sent_at=FIRST)

    assert account.state[0] == OURS
    assert account.state[1]
    assert account.state[1].owner == ME


def test_the_delete_of_a_resource_is_never_stale() -> None:
    """What is to be given back is."""
    account = updated()

    account.delete(UPDATED)

    assert account.state == (BEFORE, None)


@pytest.mark.parametrize("seconds", [0.0, 2.0], ids=["in no time", "in two seconds"])
def test_a_create_that_is_still_at_work_gives_way_to_a_later_update(seconds: float) -> None:
    """Whichever of its calls the Update comes at, a redelivered Create leaves the Update's key or fails."""

    def claimed() -> Account:
        account = Account().having(BEFORE)
        account.create(sent_at=FIRST)
        return account

    def update(account: Account) -> object:
        return account.update(UPDATED, sent_at=SECOND)

    for account, intruder in everywhere(claimed, update, seconds):
        with suppress(StaleEvent):
            account.create(sent_at=FIRST)
        if intruder.place:
            assert account.state == (NEW, Claim(ME, BEFORE)), intruder.place


@pytest.mark.parametrize("choice", list(OnExistingKey))
def test_a_stale_event_is_no_question_of_what_else_is_in_force(choice: OnExistingKey) -> None:
    """It is looked at before the key is."""
    account = updated()

    with pytest.raises(StaleEvent):
        account.create(Association(ASKED.target, OURS, on_existing_key=choice), sent_at=FIRST)
    assert account.state == (NEW, Claim(ME, BEFORE))
