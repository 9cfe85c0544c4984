"""The sentences for a failed enrolment: whose permission is missing, and what its reader can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.fake_aws import FakeClock, FakeLogGroup, log_group, role_denied, unavailable
from support.lambda_context import LambdaContext
from unit.fleet.accounts import OURS, SETTINGS
from unit.handlers.ports import Ports

from log_group_kms.handlers import enrolment

if TYPE_CHECKING:
    from log_group_kms.model.errors import ApiError

ORDERS = log_group()
CREATED = {"detail": {"eventName": "CreateLogGroup", "requestParameters": {"logGroupName": ORDERS.name.text}}}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(
            role_denied("kms:Encrypt", target=ORDERS.arn, key=OURS.text),
            "The enrolment's role lacks the permission kms:Encrypt",
            id="its own role",
        ),
        pytest.param(unavailable(), "wait for the next reconciliation, or start one", id="no deployment to repeat"),
    ],
)
def test_enrolment_speaks_of_itself(error: ApiError, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed enrolment names its own role, and asks nobody to deploy."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    ports = Ports()
    ports.log_groups.log_groups[ORDERS] = FakeLogGroup()
    ports.log_groups.refuse("AssociateKmsKey", *[error] * 100)
    monkeypatch.setattr(enrolment, "aws", ports)
    monkeypatch.setattr(enrolment, "clock", FakeClock())

    with pytest.raises(enrolment.EnrolmentFailed, match=words) as failed:
        enrolment.handler(CREATED, LambdaContext())  # type: ignore[arg-type] # all that is used of the context

    assert "deploy again" not in str(failed.value)
