"""A process's way to AWS."""

from __future__ import annotations

import pytest

from log_group_kms.aws import clients
from log_group_kms.model.targets import Place


@pytest.mark.parametrize(
    ("place", "principal"),
    [
        pytest.param(Place("aws", "eu-west-1", "1" * 12), "logs.eu-west-1.amazonaws.com", id="aws"),
        pytest.param(Place("aws-cn", "cn-north-1", "1" * 12), "logs.cn-north-1.amazonaws.com.cn", id="China"),
        pytest.param(Place("aws-us-gov", "us-gov-west-1", "1" * 12), "logs.us-gov-west-1.amazonaws.com", id="GovCloud"),
    ],
)
def test_the_service_principal_of_each_partition(place: Place, principal: str) -> None:
    """The statement that a Reason shows names CloudWatch Logs as that partition's key policies do."""
    assert clients.logs_service_principal(place) == principal
