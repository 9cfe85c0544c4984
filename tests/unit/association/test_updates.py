"""An Update of one log group: the contract's table, row by row, and what an Update before left behind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.fake_aws import FakeLogGroup, role_denied
from unit.association.account import ASKED, BEFORE, BILLING, ME, NEW, ORDERS, OURS, STRANGE, STRANGER, Account

from log_group_kms.model.association import Association, OnDelete, OnExistingKey
from log_group_kms.model.keys import KeyArn, KeyName
from log_group_kms.model.ownership import Claim
from log_group_kms.model.results import Outcome


def test_a_new_key_is_associated_directly(account: Account) -> None:
    """An Update of the key never disassociates first, and keeps what was there before the resource."""
    account.having(OURS, Claim(ME, BEFORE))

    outcome = account.update(Association(ORDERS, NEW))

    assert account.state == (NEW, Claim(ME, BEFORE))
    assert (outcome.target.arn, outcome.previous) == (ORDERS.arn, BEFORE)
    assert "DisassociateKmsKey" not in account.aws.calls


def test_options_only_need_no_change(account: Account) -> None:
    """An Update of options reads and changes nothing."""
    account.having(OURS, Claim(ME, BEFORE))

    outcome = account.update(replace(ASKED, on_delete=OnDelete.RETAIN))

    assert (account.state, outcome.compliant) == ((OURS, Claim(ME, BEFORE)), 1)
    assert set(account.aws.calls) == {"DescribeLogGroups", "ListTagsForResource"}


@pytest.mark.parametrize(
    ("key", "desired", "outcome"),
    [
        pytest.param(
            OURS, Association(ORDERS, NEW), Outcome(ORDERS, NEW, BEFORE, associated=1, settling=True), id="new key"
        ),
        pytest.param(
            NEW, Association(ORDERS, NEW), Outcome(ORDERS, NEW, BEFORE, compliant=1, settling=True), id="redelivered"
        ),
        pytest.param(
            OURS, replace(ASKED, on_delete=OnDelete.RETAIN), Outcome(ORDERS, OURS, BEFORE, compliant=1), id="options"
        ),
        pytest.param(STRANGE, ASKED, Outcome(ORDERS, OURS, BEFORE, associated=1, settling=True), id="drift"),
    ],
)
def test_what_an_update_answers(key: KeyArn, desired: Association, outcome: Outcome) -> None:
    """An Update counts what it changed; only a key that was just changed must settle."""
    assert Account().having(key, Claim(ME, BEFORE)).update(desired) == outcome


@pytest.mark.parametrize("drifted", [None, STRANGE], ids=["key gone", "key changed"])
def test_drift_is_mended(drifted: KeyArn | None) -> None:
    """A key that someone changed by hand under our claim is mended."""
    account = Account().having(drifted, Claim(ME, BEFORE))

    account.update(replace(ASKED, on_existing_key=OnExistingKey.FAIL))

    assert account.state == (OURS, Claim(ME, BEFORE))


@pytest.mark.parametrize(
    ("key", "state"),
    [
        pytest.param(OURS, (NEW, Claim(ME, None)), id="our old key: nobody knows what was before"),
        pytest.param(NEW, (NEW, Claim(ME, NEW)), id="the new key already: it was there before us"),
        pytest.param(STRANGE, (NEW, Claim(ME, STRANGE)), id="another key"),
        pytest.param(None, (NEW, Claim(ME, None)), id="no key"),
    ],
)
@pytest.mark.parametrize("former_key", [OURS, KeyName("alias/former")], ids=["arn", "alias"])
def test_an_update_without_tags_claims_again(
    key: KeyArn | None, state: tuple[KeyArn, Claim], former_key: KeyArn | KeyName
) -> None:
    """An Update claims again if the tags are gone."""
    account = Account().having(key)
    account.aws.aliases["alias/former"] = OURS

    account.update(Association(ORDERS, NEW), Association(ORDERS, former_key))

    assert account.state == state


def test_the_former_key_of_another_log_group_is_not_ours_here(account: Account) -> None:
    """A rollback to the old log group takes no key for its own that the resource had wanted elsewhere."""
    account.having(NEW)
    keeping = replace(ASKED, on_existing_key=OnExistingKey.KEEP)

    account.update(keeping, Association(BILLING, NEW))

    assert account.state == (NEW, None)


def test_a_former_alias_that_is_gone_does_not_fail_an_update(account: Account) -> None:
    """An old key that nobody can resolve any more is no reason to fail: what is in force counts as another's."""
    account.having(STRANGE)

    account.update(Association(ORDERS, NEW), Association(ORDERS, KeyName("alias/gone")))

    assert account.state == (NEW, Claim(ME, STRANGE))


def test_a_new_target_leaves_the_old_one_for_its_delete(account: Account) -> None:
    """An Update to another log group associates that one and answers with its id; the old one waits for its Delete."""
    account.having(OURS, Claim(ME, BEFORE))
    account.aws.log_groups[BILLING] = FakeLogGroup(STRANGE)

    outcome = account.update(Association(BILLING, OURS))

    assert outcome.target.arn == BILLING.arn
    assert account.state == (OURS, Claim(ME, BEFORE))
    assert account.aws.log_groups[BILLING] == FakeLogGroup(OURS, Claim(ME, STRANGE))


def test_an_update_takes_a_claim_back_that_a_dead_delete_left(account: Account) -> None:
    """A target that returns after its Delete died half-way keeps what was there before."""
    account.having(OURS, Claim(ME, BEFORE, deleting=True))

    account.update(ASKED, Association(BILLING, OURS))

    assert account.state == (OURS, Claim(ME, BEFORE))


def test_an_update_gives_back_what_one_before_it_left_behind(account: Account) -> None:
    """An Update to another log group that died leaves a claim there, of which only the Update back can know."""
    account.having(OURS, Claim(ME, BEFORE))
    account.aws.log_groups[BILLING] = FakeLogGroup(OURS, Claim(ME, STRANGE))

    account.update(ASKED, Association(BILLING, OURS))

    assert account.state == (OURS, Claim(ME, BEFORE))
    assert account.aws.log_groups[BILLING] == FakeLogGroup(STRANGE)


@pytest.mark.parametrize("claim", [None, Claim(STRANGER, None)], ids=["nobody's", "another stack's"])
def test_an_update_gives_nothing_back_that_it_does_not_own(account: Account, claim: Claim | None) -> None:
    """A former target that carries no claim of this resource is left alone, also under the wanted key."""
    account.having(OURS, Claim(ME, BEFORE))
    account.aws.log_groups[BILLING] = FakeLogGroup(OURS, claim)

    account.update(ASKED, Association(BILLING, OURS))

    assert account.aws.log_groups[BILLING] == FakeLogGroup(OURS, claim)


def test_an_update_succeeds_where_it_cannot_look_for_what_was_left_behind(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """The wanted log group is what counts; what may be left behind stands in the log."""
    account.having(OURS, Claim(ME, BEFORE))
    denied = role_denied("logs:ListTagsForResource", "ListTagsForResource")
    looks = 0

    def deny_the_second_look(operation: str) -> None:
        nonlocal looks
        if operation == "ListTagsForResource":
            looks += 1
            if looks == 2:
                account.aws.refuse("ListTagsForResource", *[denied] * 99)

    account.aws.before = deny_the_second_look

    outcome = account.update(ASKED, Association(BILLING, OURS))

    assert (outcome.compliant, caplog.messages) == (1, [f"{BILLING.arn} may still be claimed: {denied}"])
