"""The account that the tests of the rules for one log group start from."""

from __future__ import annotations

import pytest
from unit.association.account import Account


@pytest.fixture
def account() -> Account:
    """A log group without a key that nobody owns."""
    return Account().having()
