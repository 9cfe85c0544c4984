"""`ports.Keys`, promise by promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.accounts import UNKNOWN_KEY_ID, key_id_of, unknown_key_in
from contract.backends import leaving_out
from contract.refusals import refusal_of, seen_in

from log_group_kms.model.errors import KeyNotFound
from log_group_kms.model.keys import KeyArn, KeyDescription, KeyName

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.accounts import Account

    from log_group_kms.model.keys import KeyReference

ALIAS = "alias/landing-zone/logs"


def alias_arn(account: Account) -> str:
    """The alias in full."""
    place = account.place
    return f"arn:{place.partition}:kms:{place.region}:{place.account}:{ALIAS}"


#: Every form in which a template may name a key.
FORMS = [
    pytest.param(lambda _, key: key, id="ARN"),
    pytest.param(lambda _, key: KeyName(key_id_of(key)), id="key id"),
    pytest.param(lambda _account, _key: KeyName(ALIAS), id="alias"),
    pytest.param(lambda account, _: KeyName(alias_arn(account)), id="alias ARN"),
    pytest.param(lambda account, _: KeyArn(alias_arn(account)), id="alias ARN, as a log group may show it"),
]


@pytest.mark.parametrize("named", FORMS)
def test_a_key_by_each_of_its_names(account: Account, named: Callable[[Account, KeyArn], KeyReference]) -> None:
    """A key is described with its key ARN, by any of its names and among other keys."""
    account.make_key()
    key = account.make_key()
    account.make_alias(ALIAS, key)
    account.make_key()

    assert account.keys.describe(named(account, key)) == KeyDescription(key)


@pytest.mark.parametrize("by_id", [False, True], ids=["ARN", "mrk- id"])
def test_a_multi_region_key(account: Account, by_id: bool) -> None:  # noqa: FBT001 - a column of the table
    """It is described with this Region's ARN, by its id too."""
    key = account.make_multi_region_key()

    described = account.keys.describe(KeyName(key_id_of(key)) if by_id else key)

    assert key_id_of(key).startswith("mrk-")
    assert described == KeyDescription(key)


def test_a_disabled_key(account: Account) -> None:
    """Its state is told, and the key is not denied."""
    key = account.make_key()
    account.disable(key)

    assert account.keys.describe(key) == KeyDescription(key, state="Disabled")


def test_a_key_that_is_about_to_be_deleted(account: Account) -> None:
    """Its state is told, also by an alias that still names it."""
    key = account.make_key()
    account.make_alias(ALIAS, key)
    account.schedule_deletion(key)

    assert account.keys.describe(KeyName(ALIAS)) == KeyDescription(key, state="PendingDeletion")


def test_an_asymmetric_key(account: Account) -> None:
    """Its spec and usage tell that it cannot encrypt log groups."""
    key = account.make_asymmetric_key()

    assert account.keys.describe(key) == KeyDescription(key, spec="ECC_NIST_P256", usage="SIGN_VERIFY")


@leaving_out(embedded="MiniStack has customer managed keys only")
def test_a_key_that_aws_manages(account: Account) -> None:
    """It is told from a customer's own."""
    key = account.make_aws_managed_key()

    assert account.keys.describe(key) == KeyDescription(key, aws_managed=True)


@pytest.mark.parametrize(
    "unknown",
    [
        pytest.param(unknown_key_in, id="ARN"),
        pytest.param(lambda _: KeyName(UNKNOWN_KEY_ID), id="key id"),
        pytest.param(lambda _: KeyName(f"mrk-{'0' * 32}"), id="mrk- id"),
        pytest.param(lambda _: KeyName(ALIAS), id="alias"),
        pytest.param(lambda account: KeyName(alias_arn(account)), id="alias ARN"),
        pytest.param(
            lambda account: KeyArn(unknown_key_in(account).text.replace(account.place.region, "us-east-1")),
            id="ARN of another Region",
        ),
    ],
)
def test_a_key_that_is_not_there(account: Account, unknown: Callable[[Account], KeyReference]) -> None:
    """It is KeyNotFound, and named as it was asked for."""
    account.make_key()
    name = unknown(account)

    refusal = refusal_of(lambda: account.keys.describe(name))

    assert seen_in(refusal) == (KeyNotFound, "DescribeKey", "NotFoundException", "", name.text)
