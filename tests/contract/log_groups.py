"""The log groups, claims and keys that the contract is held against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.accounts import Opened, unknown_key_in
from support.fake_aws import STACK_ID, fleet, log_group

from log_group_kms.model.errors import InvalidParameter, KeyPolicyDenied
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.ownership import Owner

if TYPE_CHECKING:
    from contract.accounts import Account

ORDERS = "/aws/lambda/orders"
#: More than a page of 50.
SIBLINGS = [f"{ORDERS}-{number}" for number in range(60)]
PREVIOUS = KeyArn("arn:aws:kms:eu-west-1:111122223333:key/0a0a0a0a-1111-2222-3333-444444444444")
ME = Owner.of_resource(STACK_ID, "Encryption", log_group())
#: As long as CloudFormation lets one be: it does not fit into a tag and is hashed.
LONG = Owner.of_resource(STACK_ID, "L" * 255, log_group())
FOREIGN = {"team": "orders", "cost-center": "42 + 1"}

OWNER_TAG = "log-group-kms-association:owner"
PREVIOUS_KEY_TAG = "log-group-kms-association:previous-key"
SCOPE_TAG = "log-group-kms-association:scope"


def of_fleet(prefix: str) -> Owner:
    """A fleet of a stack."""
    return Owner.of_resource(STACK_ID, "Fleet", fleet(prefix))


def closed(account: Account) -> KeyArn:
    """A key whose policy does not name CloudWatch Logs."""
    return account.make_key(Opened.TO_NOTHING)


def disabled(account: Account) -> KeyArn:
    """An open key that was disabled."""
    key = account.make_key()
    account.disable(key)
    return key


def pending_deletion(account: Account) -> KeyArn:
    """An open key that is about to be deleted."""
    key = account.make_key()
    account.schedule_deletion(key)
    return key


def asymmetric(account: Account) -> KeyArn:
    """An open key that signs."""
    return account.make_asymmetric_key()


UNUSABLE_KEYS = [
    pytest.param(closed, KeyPolicyDenied, "AccessDeniedException", id="its policy is closed"),
    pytest.param(unknown_key_in, KeyPolicyDenied, "AccessDeniedException", id="no such key"),
    pytest.param(disabled, InvalidParameter, "InvalidParameterException", id="disabled"),
    pytest.param(pending_deletion, InvalidParameter, "InvalidParameterException", id="pending deletion"),
    pytest.param(asymmetric, InvalidParameter, "InvalidParameterException", id="asymmetric"),
]
