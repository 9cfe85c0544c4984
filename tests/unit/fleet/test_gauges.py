"""Gauges: how far the fleet reaches, by cause."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Self

import pytest
from support.fake_aws import OTHER_STACK_ID, FakeAws, owner
from unit.fleet.accounts import OURS, SETTINGS, STRANGE, Account
from unit.fleet.terminals import denied_by_scp

from log_group_kms.fleet.checkpoint import Counts
from log_group_kms.fleet.gauges import gauges
from log_group_kms.model.ownership import Claim
from log_group_kms.model.targets import Exclusions, LogGroup

if TYPE_CHECKING:
    from log_group_kms.association.context import Context
    from log_group_kms.fleet.upkeep import Upkeep
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.targets import QueryResults

EVERY_ONE: Final = {
    "LogGroups": 11,
    "LogGroupsCovered": 4,
    "LogGroupsUncovered": 7,
    "LogGroupsExcluded": 2,
    "LogGroupsProtected": 1,
    "LogGroupsReserved": 1,
    "LogGroupsRefused": 0,
    "LogGroupsKept": 1,
    "LogGroupsOwned": 1,
    "LogGroupsOwnedWithoutKey": 1,
}


@dataclass
class Measured(Account):
    """An account whose vault nothing may touch; it keeps what reconciliations tell."""

    counts_told: list[Counts] = field(default_factory=list)

    def having(self, *names: str, key: KeyArn | None = None, claim: Claim | None = None) -> Self:
        super().having(*names, key=key, claim=claim)
        return self

    def context(self, seconds: float = 800) -> Context:
        return super().context(seconds).protecting(Exclusions(("/vault",)))

    def upkeep(self, seconds: float = 800) -> Upkeep:
        return replace(super().upkeep(seconds), counted=self.counts_told.append)


class OnePolicy(FakeAws):
    """One with a service control policy on one log group."""

    def associate(self, target: LogGroup | QueryResults, key: KeyArn) -> None:
        if isinstance(target, LogGroup) and target.name.text == "/b":
            raise denied_by_scp(target)
        super().associate(target, key)


def one_of_each() -> Measured:
    """An account with a log group of each kind."""
    guarded = Measured(settings=SETTINGS | {"LOG_GROUP_NAME_PREFIX": "*", "ON_EXISTING_KEY": "Keep"})
    guarded.having("/bare", "/bare-too", "/vault", "/scratch/a", "/scratch/b")
    guarded.having("/ours", "/ours-too", key=OURS).having("/kept", key=STRANGE)
    guarded.having("/owned", key=STRANGE, claim=Claim(owner(stack_id=OTHER_STACK_ID), None))
    now = guarded.clock.now()
    guarded.having("/owned-bare", claim=Claim(owner(stack_id=OTHER_STACK_ID), None, written_at=now))
    guarded.aws.reserved.append("aws/spans")
    return guarded


def test_each_log_group_has_one_cause() -> None:
    """Together they are all that there are."""
    account = one_of_each()

    account.reconcile()

    assert [gauges(counts) for counts in account.counts_told] == [EVERY_ONE]


def test_a_second_look_finds_the_same() -> None:
    """What the first one associated is covered then."""
    account = one_of_each()

    account.reconcile()
    account.reconcile()

    assert [gauges(counts) for counts in account.counts_told] == [EVERY_ONE] * 2


def test_what_aws_refuses_is_not_covered() -> None:
    """Of two, the one that a service control policy keeps."""
    account = Measured(aws=OnePolicy.holding(OURS)).having("/a", "/b")

    account.reconcile()

    (counts,) = account.counts_told
    assert (gauges(counts)["LogGroupsCovered"], gauges(counts)["LogGroupsRefused"]) == (1, 1)


def test_a_look_over_several_invocations_tells_once() -> None:
    """At its end, of all of them."""
    account = Measured().having(*(f"/app/{number:03d}" for number in range(120)))

    account.reconcile(seconds=40)

    (counts,) = account.counts_told
    assert account.invocations > 1
    assert gauges(counts)["LogGroupsCovered"] == gauges(counts)["LogGroups"] == 120


@pytest.mark.parametrize("compliant", [-3, 0])
def test_there_are_never_less_than_none(compliant: int) -> None:
    """A log group that goes while the fleet is looked through may have been counted already."""
    assert gauges(Counts(associated=2, compliant=compliant))["LogGroupsCovered"] == max(0, 2 + compliant)
