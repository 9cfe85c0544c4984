"""A CloudFormation for each test of the responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.cloudformation import CloudFormation

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def aws_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function's AWS is on this machine, so that CloudFormation may be."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    """Start a CloudFormation that raises, at the test's end, whatever the provider did against the protocol."""
    with CloudFormation.start() as it:
        yield it
