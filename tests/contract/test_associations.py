"""`ports.LogGroups`, promise by promise: a key is associated, and disassociated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.accounts import Opened, log_group_in, unknown_key_in
from contract.backends import leaving_out
from contract.log_groups import FOREIGN, ORDERS, SIBLINGS, UNUSABLE_KEYS, closed
from contract.refusals import refusal_of, seen_in

from local.emulator import answers
from log_group_kms.model.errors import ApiError, KeyPolicyDenied, NotFound
from log_group_kms.model.targets import QueryResults

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.accounts import Account

    from log_group_kms.model.keys import KeyArn


def test_a_log_group_gets_a_key(account: Account) -> None:
    """The key is in force; tags stay, and so do siblings."""
    key = account.make_key()
    orders, sibling = account.make_log_group(ORDERS, tags=FOREIGN), account.make_log_group(SIBLINGS[0])

    account.log_groups.associate(orders, key)

    assert (account.key_on(orders), account.tags_on(orders)) == (key.text, FOREIGN)
    assert account.key_on(sibling) is None


def test_a_key_takes_the_place_of_another(account: Account) -> None:
    """One call puts a key directly over the former one."""
    former, key = account.make_key(), account.make_key()
    orders = account.make_log_group(ORDERS, former)

    account.log_groups.associate(orders, key)

    assert account.log_groups.key_of(orders) == key


def test_the_key_that_is_there_already(account: Account) -> None:
    """Associating it once more succeeds and changes nothing."""
    key = account.make_key()
    orders = account.make_log_group(ORDERS, key)

    account.log_groups.associate(orders, key)

    assert account.key_on(orders) == key.text


def test_query_results_get_a_key(account: Account) -> None:
    """The key of all query results is a setting beside those of the log groups; the last writer wins."""
    former, key = account.make_key(), account.make_key()
    orders = account.make_log_group(ORDERS)
    results = QueryResults(account.place)

    account.log_groups.associate(results, former)
    account.log_groups.associate(results, key)
    account.log_groups.associate(results, key)

    assert (account.key_on_query_results(), account.key_on(orders)) == (key.text, None)


@pytest.mark.parametrize(("unusable", "kind", "code"), UNUSABLE_KEYS)
def test_a_key_that_cannot_encrypt_a_log_group(
    account: Account, unusable: Callable[[Account], KeyArn], kind: type[ApiError], code: str
) -> None:
    """Each is refused with its kind, and the former key stays in force."""
    former, key = account.make_key(), unusable(account)
    orders = account.make_log_group(ORDERS, former)

    refusal = refusal_of(lambda: account.log_groups.associate(orders, key))

    assert seen_in(refusal) == (kind, "AssociateKmsKey", code, orders.arn, key.text)
    assert account.key_on(orders) == former.text


@pytest.mark.parametrize(("unusable", "kind", "code"), UNUSABLE_KEYS)
def test_a_key_that_cannot_encrypt_query_results(
    account: Account, unusable: Callable[[Account], KeyArn], kind: type[ApiError], code: str
) -> None:
    """Each is refused with its kind, and the former key stays in force."""
    former, key = account.make_key(), unusable(account)
    results = QueryResults(account.place)
    account.log_groups.associate(results, former)

    refusal = refusal_of(lambda: account.log_groups.associate(results, key))

    assert seen_in(refusal) == (kind, "AssociateKmsKey", code, results.arn, key.text)
    assert account.key_on_query_results() == former.text


@pytest.mark.parametrize("unusable", [closed, unknown_key_in], ids=["closed", "no such key"])
def test_a_denied_key_is_not_told_from_a_missing_one(account: Account, unusable: Callable[[Account], KeyArn]) -> None:
    """AWS's words are the same for both, and name the log group."""
    key = unusable(account)
    orders = account.make_log_group(ORDERS)

    refusal = refusal_of(lambda: account.log_groups.associate(orders, key))

    assert refusal.message == answers.key_denied(orders.arn).message


@leaving_out(fake="a key of it is open to log groups and query results, or to neither")
def test_a_statement_for_log_groups_does_not_cover_query_results(account: Account) -> None:
    """Query results need a statement of their own in the key's policy."""
    key = account.make_key(Opened.TO_LOG_GROUPS)
    orders = account.make_log_group(ORDERS)
    results = QueryResults(account.place)

    account.log_groups.associate(orders, key)
    refusal = refusal_of(lambda: account.log_groups.associate(results, key))

    assert seen_in(refusal) == (KeyPolicyDenied, "AssociateKmsKey", "AccessDeniedException", results.arn, key.text)
    assert (account.key_on(orders), account.key_on_query_results()) == (key.text, None)


def test_a_key_for_no_log_group(account: Account) -> None:
    """A log group that is not there is NotFound."""
    key, orders = account.make_key(), log_group_in(account, ORDERS)

    refusal = refusal_of(lambda: account.log_groups.associate(orders, key))

    assert seen_in(refusal) == (NotFound, "AssociateKmsKey", "ResourceNotFoundException", orders.arn, key.text)
    assert refusal.message == answers.NO_SUCH_LOG_GROUP.message


def test_a_log_group_loses_its_key(account: Account) -> None:
    """No key is in force; tags stay, and so do siblings."""
    key = account.make_key()
    orders, sibling = account.make_log_group(ORDERS, key, FOREIGN), account.make_log_group(SIBLINGS[0], key)

    account.log_groups.disassociate(orders)

    assert (account.log_groups.key_of(orders), account.tags_on(orders)) == (None, FOREIGN)
    assert account.key_on(sibling) == key.text


def test_there_is_no_key_to_lose(account: Account) -> None:
    """Disassociating a log group without a key succeeds."""
    orders = account.make_log_group(ORDERS)

    account.log_groups.disassociate(orders)

    assert account.key_on(orders) is None


def test_a_key_that_cannot_encrypt_any_more_can_be_left(account: Account) -> None:
    """Disassociating asks nothing of the key."""
    key = account.make_key()
    orders = account.make_log_group(ORDERS, key)
    account.schedule_deletion(key)

    account.log_groups.disassociate(orders)

    assert account.key_on(orders) is None


def test_query_results_lose_their_key(account: Account) -> None:
    """No key is in force for them, and a second call succeeds; log groups keep theirs."""
    key = account.make_key()
    orders = account.make_log_group(ORDERS, key)
    results = QueryResults(account.place)
    account.log_groups.associate(results, key)

    account.log_groups.disassociate(results)
    account.log_groups.disassociate(results)

    assert (account.key_on_query_results(), account.key_on(orders)) == (None, key.text)


def test_no_log_group_loses_its_key(account: Account) -> None:
    """A log group that is not there is NotFound."""
    orders = log_group_in(account, ORDERS)

    refusal = refusal_of(lambda: account.log_groups.disassociate(orders))

    assert seen_in(refusal) == (NotFound, "DisassociateKmsKey", "ResourceNotFoundException", orders.arn, "")
    assert refusal.message == answers.NO_SUCH_LOG_GROUP.message
