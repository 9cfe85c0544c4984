"""A log group whose key AWS shows by something that is no key's ARN, so that no tag could remember it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.association.account import ASKED, BEFORE, FLEET, ME, OURS, SIBLING, STRANGER, Account

from log_group_kms.model.association import OnExistingKey
from log_group_kms.model.errors import OddKeyInForce, ResourceConflict
from log_group_kms.model.keys import OddKey
from log_group_kms.model.ownership import Claim

ODD = OddKey("alias/by-hand")


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(None, id="nobody's"),
        pytest.param(Claim(STRANGER, BEFORE), id="another stack's"),
        pytest.param(Claim(FLEET, BEFORE), id="a fleet's"),
    ],
)
def test_it_is_not_overridden(claim: Claim | None) -> None:
    """No Delete could put it back: nothing is changed, and the Reason says what helps."""
    account = Account().having(ODD, claim)

    with pytest.raises(OddKeyInForce, match=r"shows the key 'alias/by-hand', which is no key's ARN"):
        account.create()
    assert account.state == (ODD, claim)


def test_it_is_kept() -> None:
    """As OnExistingKey says."""
    account = Account().having(ODD)

    outcome = account.create(replace(ASKED, on_existing_key=OnExistingKey.KEEP))

    assert (account.state, outcome.key, outcome.skipped) == ((ODD, None), ODD, 1)


def test_it_is_a_conflict() -> None:
    """As OnExistingKey says; the sentence names it."""
    account = Account().having(ODD)

    with pytest.raises(ResourceConflict, match=r"another key: alias/by-hand\."):
        account.create(replace(ASKED, on_existing_key=OnExistingKey.FAIL))
    assert account.state == (ODD, None)


@pytest.mark.parametrize("claim", [Claim(ME, BEFORE), Claim(SIBLING, BEFORE)], ids=["its own", "renamed"])
def test_what_someone_put_over_our_key_is_mended(claim: Claim) -> None:
    """The key of before is remembered already."""
    account = Account().having(ODD, claim)

    account.create()

    assert account.state == (OURS, Claim(ME, BEFORE))


def test_it_goes_with_the_resource() -> None:
    """A Delete puts back what was there before, whatever is in force now."""
    account = Account().having(ODD, Claim(ME, BEFORE))

    account.delete()

    assert account.state == (BEFORE, None)
