"""The Reason of an event that fails without an error of AWS, word for word."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from unit.association.account import ASKED, ME, ORDERS, OURS, STRANGE, STRANGER, Account

from log_group_kms.model.association import Association, OnExistingKey
from log_group_kms.model.errors import (
    ClaimLost,
    NotFound,
    NotStabilized,
    OutOfTime,
    OwnedByAnotherStack,
    ProviderError,
    ResourceConflict,
)
from log_group_kms.model.ownership import Claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.model.keys import KeyArn


def once_associated(key: KeyArn | None, claim: Claim | None) -> Account:
    """An account in which someone changes the log group to this after each AssociateKmsKey."""
    account = Account().having()

    def interfere(operation: str) -> None:
        if operation == "AssociateKmsKey":
            account.having(key, claim)

    account.aws.after = interfere
    return account


FAILING = replace(ASKED, on_existing_key=OnExistingKey.FAIL)
ANOTHER_KEY = f"OnExistingKey is Fail and the log group has another key: {STRANGE.text}"
INSTEAD = "Take that key away, or use OnExistingKey Override or Keep"
ACCEPTED = f"AWS accepted {OURS.text} for {ORDERS.arn}, but DescribeLogGroups still shows"
LOOK = "deploy again, or see with CloudTrail who else changes it"


@pytest.mark.parametrize(
    ("failing", "kind", "told"),
    [
        pytest.param(
            lambda: Account().having(STRANGE).create(FAILING),
            ResourceConflict,
            f"{ANOTHER_KEY}. {INSTEAD}",
            id="another key",
        ),
        pytest.param(
            lambda: Account().having(STRANGE, Claim(STRANGER, None)).create(Association(ORDERS, OURS)),
            OwnedByAnotherStack,
            "The log group belongs to Encryption of stack audit, and OnExistingOwner is Fail, so nothing was changed. "
            "Take the log group out of that stack first, or let this resource take it over with "
            "OnExistingOwner: TakeOver",
            id="another stack's",
        ),
        pytest.param(
            lambda: Account().having(OURS, Claim(ME, None, deleting=True)).create(),
            ClaimLost,
            "A Delete of this very resource is under way on the log group, or did not finish; nothing was changed. "
            "Deploy again once it is done",
            id="its own Delete is under way",
        ),
        pytest.param(
            lambda: once_associated(OURS, None).create(),
            ClaimLost,
            f"This resource's claim on {ORDERS.arn} went away meanwhile: a Delete of it passed by, or someone took its "
            "tags off",
            id="claim gone",
        ),
        pytest.param(
            lambda: once_associated(OURS, Claim(STRANGER, None)).create(),
            ClaimLost,
            f"one:audit/2f1a0c10-0000-0000-0000-000000000002/Encryption took {ORDERS.arn} over meanwhile; the last "
            "writer wins",
            id="taken over",
        ),
        pytest.param(
            lambda: once_associated(None, Claim(ME, None)).create(),
            NotStabilized,
            f"{ACCEPTED} no key: {LOOK}",
            id="never shown",
        ),
        pytest.param(
            lambda: once_associated(STRANGE, Claim(ME, None)).create(),
            NotStabilized,
            f"{ACCEPTED} {STRANGE.text}: {LOOK}",
            id="another key shown",
        ),
        pytest.param(
            lambda: Account(seconds=0).having().create(),
            OutOfTime,
            "Time ran out before this event was done; deploy again, with a longer ServiceTimeout if it is short",
            id="no time",
        ),
        pytest.param(
            lambda: Account().create(),
            NotFound,
            "AWS answered DescribeLogGroups with ResourceNotFoundException: The specified log group does not exist.",
            id="no such log group, before its diagnosis",
        ),
    ],
)
def test_failures(failing: Callable[[], object], kind: type[ProviderError], told: str) -> None:
    """A failure without an error of AWS says why, whose doing it is, and what to do."""
    with pytest.raises(kind) as failure:
        failing()

    assert str(failure.value) == told
