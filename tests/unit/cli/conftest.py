"""The account in which the command line's tests work."""

from __future__ import annotations

import pytest
from support.desk import BEFORE, KEY, STRANGER, Desk

from log_group_kms.model.ownership import Claim


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An account with log groups of every kind, under an alias."""
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    desk = Desk(capsys)
    desk.aws.aliases["alias/logs"] = KEY
    desk.aws.reserved.append("aws/spans")
    desk.holds("/aws/lambda/orders")
    desk.holds("/aws/lambda/payments", BEFORE)
    desk.holds("/compliant", KEY)
    desk.holds("/debug/a")
    desk.holds("/theirs", BEFORE, Claim(STRANGER, None))
    return desk
