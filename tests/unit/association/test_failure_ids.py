"""The physical id of an event that failed, which decides what the Delete after it does."""

from __future__ import annotations

import pytest
from support.fake_aws import (
    PLACE,
    FakeLogGroup,
    concurrent_change,
    key_policy_denied,
    role_denied,
    throttled,
    unavailable,
)
from unit.association.account import BEFORE, BILLING, ME, NEW, ORDERS, OURS, Account

from log_group_kms.model.association import Association
from log_group_kms.model.errors import ApiError, NotStabilized, ProviderError
from log_group_kms.model.ownership import Claim
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.request.parse import parse_physical_id


def test_a_key_that_never_shows_is_an_error(account: Account) -> None:
    """A key that AWS accepts but never shows is reported with what is shown; the Delete after it can undo it."""

    def never(operation: str) -> None:
        if operation == "AssociateKmsKey":
            account.aws.log_groups[ORDERS].key = None

    account.aws.after = never

    with pytest.raises(NotStabilized, match="still shows no key"):
        account.create()
    assert account.failure_id == ORDERS.arn


@pytest.mark.parametrize(
    ("operation", "refusals", "failure_id"),
    [
        pytest.param(
            "DescribeLogGroups", [role_denied("logs:DescribeLogGroups")], PERHAPS_ASSOCIATED, id="cannot look"
        ),
        pytest.param(
            "ListTagsForResource", [role_denied("logs:ListTagsForResource")], PERHAPS_ASSOCIATED, id="cannot tell"
        ),
        pytest.param("TagResource", [role_denied("logs:TagResource")], NOTHING_ASSOCIATED, id="cannot claim"),
        pytest.param("TagResource", [unavailable()], PERHAPS_ASSOCIATED, id="may have claimed"),
        pytest.param(
            "TagResource", [unavailable(), role_denied("logs:TagResource")], PERHAPS_ASSOCIATED, id="may have, first"
        ),
        pytest.param("AssociateKmsKey", [key_policy_denied()], ORDERS.arn, id="claimed"),
    ],
)
def test_the_id_of_a_failed_create_says_whether_it_claimed(
    account: Account, operation: str, refusals: list[ApiError], failure_id: str
) -> None:
    """The marker where nothing was claimed; the id of a success where it was; one of its own where nobody can tell."""
    account.having(BEFORE)
    account.aws.refuse(operation, *refusals, *[refusals[-1]] * 300)

    with pytest.raises(ApiError):
        account.create()
    assert (account.failure_id, account.state[0]) == (failure_id, BEFORE)


def test_a_create_that_cannot_tell_takes_no_key_away_that_was_there(account: Account) -> None:
    """The Delete after a Create that could never look at the tags leaves the key that was there before."""
    account.having(OURS)
    account.aws.refuse("ListTagsForResource", *[throttled("ListTagsForResource")] * 300)
    with pytest.raises(ApiError):
        account.create()
    account.aws.forgive()

    account.delete(minted=parse_physical_id(account.failure_id, PLACE) is not None)

    assert account.state == (OURS, None)


def test_a_failed_update_keeps_its_id_unless_it_claimed_a_new_target(account: Account) -> None:
    """A failed Update answers with the event's id; with the new target's once that is claimed."""
    account.having(OURS, Claim(ME, None))
    account.aws.log_groups[BILLING] = FakeLogGroup()
    account.aws.refuse("AssociateKmsKey", *[key_policy_denied()] * 300)

    with pytest.raises(ApiError):
        account.update(Association(ORDERS, NEW))
    assert account.failure_id == ORDERS.arn
    with pytest.raises(ApiError):
        account.update(Association(BILLING, NEW))
    assert account.failure_id == BILLING.arn


def test_every_error_says_something(account: Account) -> None:
    """CloudFormation drops an answer without a Reason, so no failure may be silent."""
    account.aws.refuse("AssociateKmsKey", *[concurrent_change()] * 300)

    with pytest.raises(ProviderError) as failure:
        account.create()
    assert str(failure.value)
