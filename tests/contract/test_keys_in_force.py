"""`ports.LogGroups`, promise by promise: which key is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.accounts import log_group_in
from contract.log_groups import ORDERS, SIBLINGS
from contract.refusals import refusal_of, seen_in

from local.emulator import answers
from log_group_kms.model.errors import NotFound

if TYPE_CHECKING:
    from contract.accounts import Account


def test_a_log_group_without_a_key(account: Account) -> None:
    """No key is in force where none was ever set."""
    orders = account.make_log_group(ORDERS)

    assert account.log_groups.key_of(orders) is None


def test_a_log_group_with_a_key(account: Account) -> None:
    """The key in force is told by its ARN."""
    key = account.make_key()
    orders = account.make_log_group(ORDERS, key)

    assert account.log_groups.key_of(orders) == key


@pytest.mark.parametrize("name", [ORDERS, SIBLINGS[5], SIBLINGS[-1]], ids=["all begin like it", "some do", "none does"])
def test_a_log_group_among_its_siblings(account: Account, name: str) -> None:
    """Names that merely begin like the one asked for say nothing about it, however many they are."""
    theirs, ours = account.make_key(), account.make_key()
    for sibling in {ORDERS, *SIBLINGS} - {name}:
        account.make_log_group(sibling, theirs)
    asked_for = account.make_log_group(name, ours)

    assert account.log_groups.key_of(asked_for) == ours


@pytest.mark.parametrize("there", [[], SIBLINGS], ids=["nothing there", "60 siblings"])
def test_the_key_of_no_log_group(account: Account, there: list[str]) -> None:
    """A log group that is not there is NotFound, also where pages of others begin like it."""
    key = account.make_key()
    for sibling in there:
        account.make_log_group(sibling, key)
    orders = log_group_in(account, ORDERS)

    refusal = refusal_of(lambda: account.log_groups.key_of(orders))

    assert seen_in(refusal) == (NotFound, "DescribeLogGroups", "ResourceNotFoundException", orders.arn, "")
    assert refusal.message == answers.NO_SUCH_LOG_GROUP.message
