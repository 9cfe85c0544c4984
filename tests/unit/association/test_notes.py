"""Notes of a success that is not quite what was asked for, word for word."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import concurrent_change
from unit.association.account import ASKED, BEFORE, ME, ORDERS, OURS, RESULTS, STRANGE, STRANGER, Account

from log_group_kms.model.association import Association, OnDelete, OnExistingKey
from log_group_kms.model.ownership import Claim

if TYPE_CHECKING:
    from collections.abc import Callable

KEEPING = replace(ASKED, on_existing_key=OnExistingKey.KEEP)
RETAINING = replace(ASKED, on_delete=OnDelete.RETAIN)
NOBODYS = "Nobody claims the log group, and its key is not known to be this resource's; it was left as it is"


def with_a_claim_that_comes_between() -> Account:
    """An account where another stack claims the log group after our Delete did, while that takes its time."""
    account = Account().having(OURS, Claim(ME, BEFORE))

    def take_over(operation: str) -> None:
        if operation == "DescribeLogGroups":
            account.clock.time += 2
            account.having(OURS, Claim(STRANGER, OURS))

    account.aws.after = take_over
    return account


def without_tags_and_taken_over() -> Account:
    """An account where another stack claims the log group while our Delete waits to take its key away."""
    account = Account().having(OURS)
    account.aws.refuse("DisassociateKmsKey", concurrent_change("DisassociateKmsKey"))

    def take_over(operation: str) -> None:
        if operation == "DisassociateKmsKey":
            account.having(OURS, Claim(STRANGER, OURS))

    account.aws.before = take_over
    return account


def without_the_previous_key() -> Account:
    """An account whose policy of the previous key, or the key itself, has gone."""
    account = Account().having(OURS, Claim(ME, BEFORE))
    account.aws.closed_to_logs.add(BEFORE)
    return account


@pytest.mark.parametrize(
    ("event", "note"),
    [
        pytest.param(lambda: Account().having().create().note, "", id="Create"),
        pytest.param(lambda: Account().having(OURS, Claim(ME, None)).create().note, "", id="Create, all is so already"),
        pytest.param(
            lambda: Account().having(STRANGE).create(KEEPING).note,
            "The log group keeps the key that it has, as OnExistingKey says: Keep",
            id="kept",
        ),
        pytest.param(lambda: Account().having(OURS, Claim(ME, STRANGE)).delete().note, "", id="Delete, restored"),
        pytest.param(lambda: Account().having(OURS, Claim(ME, None)).delete().note, "", id="Delete, there was no key"),
        pytest.param(
            lambda: Account().having(STRANGE, Claim(ME, STRANGE)).delete().note, "", id="Delete, all is so already"
        ),
        pytest.param(
            lambda: Account().having(OURS, Claim(ME, None)).delete(RETAINING).note,
            "The log group keeps its key, as OnDelete says: Retain",
            id="retained",
        ),
        pytest.param(
            lambda: Account().delete().note, "The log group is gone; there was nothing to do", id="log group gone"
        ),
        pytest.param(
            lambda: Account().having(OURS, Claim(STRANGER, None)).delete().note,
            "The log group belongs to one:audit/2f1a0c10-0000-0000-0000-000000000002/Encryption; it was left as it is",
            id="another's",
        ),
        pytest.param(
            lambda: with_a_claim_that_comes_between().delete().note,
            "The log group was taken over, or given back, meanwhile; it was left as it is",
            id="taken over meanwhile",
        ),
        pytest.param(
            lambda: without_tags_and_taken_over().delete().note,
            "The log group was taken over meanwhile; it was left as it is",
            id="no tags, taken over meanwhile",
        ),
        pytest.param(
            lambda: Account().having(OURS, Claim(ME, OURS, deleted=True)).delete().note,
            "An earlier delivery of this Delete gave the log group back, under the key of before",
            id="second delivery",
        ),
        pytest.param(
            lambda: without_the_previous_key().delete().note,
            f"The previous key {BEFORE.text} could not be put back, so the log group is without a key now (AWS "
            "answered AssociateKmsKey with AccessDeniedException: The specified KMS key does not exist or is not "
            f"allowed to be used with Arn '{ORDERS.arn}')",
            id="previous key gone",
        ),
        pytest.param(
            lambda: Account().having(OURS).delete().note,
            "The tags were gone, so nobody knows which key was there before: the log group is without a key now",
            id="no tags",
        ),
        pytest.param(lambda: Account().having(STRANGE).delete().note, NOBODYS, id="no tags, another key"),
        pytest.param(lambda: Account().having(OURS).delete(minted=False).note, NOBODYS, id="no tags, made-up id"),
        pytest.param(
            lambda: Account().having().create(Association(RESULTS, OURS)).note, "", id="query results, Create"
        ),
        pytest.param(
            lambda: Account().having().delete(Association(RESULTS, OURS)).note, "", id="query results, Delete"
        ),
        pytest.param(
            lambda: Account().having().delete(replace(RETAINING, target=RESULTS)).note,
            "Query results keep their key, as OnDelete says: Retain",
            id="query results, retained",
        ),
    ],
)
def test_notes(event: Callable[[], str], note: str) -> None:
    """A success that is not quite what was asked says so; one that is says nothing."""
    assert event() == note
