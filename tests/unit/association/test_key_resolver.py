"""The way to KMS: the key that a template names, and the ARN behind it."""

from __future__ import annotations

import pytest
from support.fake_aws import FakeAws, role_denied, throttled, unavailable
from unit.association.account import OURS, Account

from log_group_kms.association.gateway import KeyResolver
from log_group_kms.model.errors import ApiError, KeyUnusable
from log_group_kms.model.keys import KeyDescription, KeyName
from log_group_kms.retry.retrier import Retrier


def retrier(account: Account) -> Retrier:
    """Retries with the longest pauses."""
    return Retrier(account.clock, account.clock.time + account.seconds, jitter=lambda _, most: most)


def test_a_key_arn_is_resolved_without_a_call(account: Account) -> None:
    """KMS is not asked for what is known."""
    keys = KeyResolver(account.aws, retrier(account))

    assert (keys.resolve(OURS), keys.known(OURS), keys.known(None)) == (OURS, OURS, None)
    assert account.aws.calls == []


def test_an_alias_is_resolved_with_retries(account: Account) -> None:
    """A call that AWS throttles is made again."""
    account.aws.aliases["alias/logs"] = OURS
    account.aws.refuse("DescribeKey", throttled("DescribeKey"), unavailable("DescribeKey"))

    assert KeyResolver(account.aws, retrier(account)).resolve(KeyName("alias/logs")) == OURS
    assert account.aws.calls == ["DescribeKey"] * 3


def test_a_key_of_former_days_that_nobody_knows_is_none(account: Account) -> None:
    """No error is raised, and nobody waits, if KMS does not know the key or may not be asked."""
    keys = KeyResolver(account.aws, retrier(account))
    account.aws.aliases["alias/logs"] = OURS
    account.aws.refuse("DescribeKey", role_denied("kms:DescribeKey", "DescribeKey"))

    assert [keys.known(KeyName("alias/logs")), keys.known(KeyName("alias/gone"))] == [None, None]
    assert keys.known(KeyName("alias/logs")) == OURS
    assert account.clock.slept == []


def test_a_disabled_key_of_former_days_is_known() -> None:
    """A former key need not be able to encrypt any more; a wanted key must."""
    account = Account(FakeAws(keys={OURS: KeyDescription(OURS, state="Disabled")}, aliases={"alias/logs": OURS}))
    keys = KeyResolver(account.aws, retrier(account))

    assert keys.known(KeyName("alias/logs")) == OURS
    with pytest.raises(KeyUnusable):
        keys.resolve(KeyName("alias/logs"))


@pytest.mark.parametrize(
    ("state", "defective"), [pytest.param("Enabled", False, id="fine"), pytest.param("Disabled", True, id="disabled")]
)
def test_a_fault_of_a_key_is_asked_for_once(state: str, *, defective: bool) -> None:
    """A refusal of KMS is raised at once: nobody waits for a diagnosis."""
    account = Account(FakeAws(keys={OURS: KeyDescription(OURS, state=state)}))
    keys = KeyResolver(account.aws, retrier(account))

    assert keys.is_defective(OURS) is defective
    account.aws.refuse("DescribeKey", throttled("DescribeKey"))
    with pytest.raises(ApiError):
        keys.is_defective(OURS)
    assert (account.aws.calls, account.clock.slept) == (["DescribeKey"] * 2, [])
