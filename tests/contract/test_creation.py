"""`ports.LogGroups`, promise by promise: a log group is created, encrypted and claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.accounts import log_group_in
from contract.backends import leaving_out
from contract.log_groups import FOREIGN, LONG, ME, ORDERS, OWNER_TAG, PREVIOUS_KEY_TAG, UNUSABLE_KEYS, of_fleet
from contract.refusals import refusal_of, seen_in

from local.emulator import answers
from log_group_kms.model.errors import AlreadyExists, ApiError, NotFound, Unavailable
from log_group_kms.model.ownership import Claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.accounts import Account, ScriptedAccount

    from log_group_kms.model.keys import KeyArn


def test_a_log_group_is_created_encrypted_and_claimed(account: Account) -> None:
    """It has its key and both tags, and no other."""
    key, orders = account.make_key(), log_group_in(account, ORDERS)

    account.log_groups.create(orders, key, Claim(LONG, None))

    assert account.key_on(orders) == key.text
    assert account.tags_on(orders) == {OWNER_TAG: LONG.text, PREVIOUS_KEY_TAG: "none"}


def test_a_log_group_is_created_for_a_fleet(account: Account) -> None:
    """A claim with a scope is written with it."""
    key, orders = account.make_key(), log_group_in(account, ORDERS)

    account.log_groups.create(orders, key, Claim(of_fleet("/aws/"), None))

    assert account.log_groups.claim_on(orders) == Claim(of_fleet("/aws/"), None)


def test_a_log_group_is_created_in_one_call(scripted: ScriptedAccount) -> None:
    """No other operation has a part in it, so nothing half-made is ever seen."""
    key, orders = scripted.make_key(), log_group_in(scripted, ORDERS)
    for operation in ("AssociateKmsKey", "TagResource"):
        scripted.refuse_once(operation, answers.UNAVAILABLE, Unavailable)

    scripted.log_groups.create(orders, key, Claim(ME, None))

    assert scripted.key_on(orders) == key.text
    assert scripted.log_groups.claim_on(orders) == Claim(ME, None)


def test_a_log_group_that_is_there_already(account: Account) -> None:
    """A log group that is there already keeps its key and its tags."""
    theirs, key = account.make_key(), account.make_key()
    orders = account.make_log_group(ORDERS, theirs, FOREIGN)

    refusal = refusal_of(lambda: account.log_groups.create(orders, key, Claim(ME, None)))

    assert seen_in(refusal) == (
        AlreadyExists,
        "CreateLogGroup",
        "ResourceAlreadyExistsException",
        orders.arn,
        key.text,
    )
    assert refusal.message == answers.LOG_GROUP_EXISTS.message
    assert (account.key_on(orders), account.tags_on(orders)) == (theirs.text, FOREIGN)


@leaving_out(moto="its CreateLogGroup takes any text for a key")
@pytest.mark.parametrize(("unusable", "kind", "code"), UNUSABLE_KEYS)
def test_no_log_group_is_created_under_a_key_that_cannot_encrypt_it(
    account: Account, unusable: Callable[[Account], KeyArn], kind: type[ApiError], code: str
) -> None:
    """Each is refused with its kind, and no log group without a key is left."""
    key, orders = unusable(account), log_group_in(account, ORDERS)

    refusal = refusal_of(lambda: account.log_groups.create(orders, key, Claim(ME, None)))

    assert seen_in(refusal) == (kind, "CreateLogGroup", code, orders.arn, key.text)
    assert isinstance(refusal_of(lambda: account.log_groups.key_of(orders)), NotFound)
