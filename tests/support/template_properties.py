"""Properties as a template says them."""

from __future__ import annotations

from typing import Any, Final

from log_group_kms.model.targets import LogGroup, LogGroupName
from support.fake_aws import PLACE, key_arn

KEY: Final = key_arn(1).text
ORDERS: Final = LogGroup(PLACE, LogGroupName("/aws/lambda/orders"))
UUID: Final = "12345678-1234-1234-1234-123456789012"


def properties(**changes: object) -> dict[str, Any]:
    """A valid request with *changes*; None takes a property out."""
    valid: dict[str, object] = {
        "ServiceToken": "arn:aws:lambda:eu-west-1:111122223333:function:log-group-kms-association",
        "ServiceTimeout": "900",
        "KmsKeyId": KEY,
        "LogGroupName": "/aws/lambda/orders",
    }
    return {name: value for name, value in (valid | changes).items() if value is not None}


def of_fleet(prefix: object = "/aws/", **changes: object) -> dict[str, Any]:
    """A valid request for a fleet, with *changes*."""
    return properties(LogGroupName=None, LogGroupNamePrefix=prefix, **changes)
