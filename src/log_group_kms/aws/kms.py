"""The port `Keys` on KMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_group_kms.aws.error_codes import translated_errors
from log_group_kms.model.keys import KeyArn, KeyDescription

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_kms import KMSClient

    from log_group_kms.model.keys import KeyReference


class Kms:
    """The port `Keys` on KMS; *client* is asked for one when it is first needed: a key ARN needs none."""

    def __init__(self, client: Callable[[], KMSClient]) -> None:
        self._client = client

    def describe(self, key: KeyReference) -> KeyDescription:
        """See `ports.Keys`."""
        with translated_errors("DescribeKey", None, key):
            found = self._client().describe_key(KeyId=key.text)["KeyMetadata"]
        return KeyDescription(
            KeyArn(found["Arn"]),
            state=found["KeyState"],
            spec=found["KeySpec"],
            usage=found["KeyUsage"],
            aws_managed=found["KeyManager"] == "AWS",
        )
