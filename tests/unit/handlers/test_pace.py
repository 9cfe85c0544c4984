"""The pace of the enrolment's function: what its environment says of the quota."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.fake_aws import FakeClock, FakeLogGroup, log_group
from support.lambda_context import LambdaContext
from unit.fleet.accounts import SETTINGS
from unit.handlers.ports import Ports

from log_group_kms.handlers import enrolment, shared
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        pytest.param({"ASSOCIATIONS_PER_SECOND": "0.5"}, 157, id="an account whose quota others need"),
        pytest.param({"ASSOCIATIONS_PER_SECOND": "5"}, 8.5, id="the quota"),
        pytest.param({}, 8.5, id="nothing said"),
    ],
)
def test_a_reconciliation_goes_as_fast_as_the_environment_says(
    settings: dict[str, str], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty log groups take so many seconds: a turn each, and for each look at the fleet's lookouts another."""
    clock, aws = FakeClock(), Ports()
    for number in range(40):
        aws.log_groups.log_groups[log_group(f"/{number:02}")] = FakeLogGroup()
    monkeypatch.delenv("ASSOCIATIONS_PER_SECOND", raising=False)
    for name, value in (SETTINGS | settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(enrolment, "aws", aws)
    monkeypatch.setattr(enrolment, "clock", clock)
    # With several on a clock that moves when any of them sleeps, how often one looks would be left to chance.
    monkeypatch.setattr(shared, "DEFAULT_RATE_LIMITS", replace(DEFAULT_RATE_LIMITS, workers=1))
    begun = clock.now()

    answer = enrolment.handler({"Reconcile": True}, LambdaContext())  # type: ignore[arg-type] # all that is used of it

    assert answer["AssociatedCount"] == 40
    assert clock.now() - begun == pytest.approx(seconds, rel=0.05)
