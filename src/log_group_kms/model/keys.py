"""KMS keys: as a template names them, as CloudWatch Logs shows them, and what KMS says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

KEY_ARN: Final = re.compile(r"arn:(?P<partition>[\w-]+):kms:(?P<region>[\w-]+):(?P<account>\d{12}):(?:key|alias)/.+")


@dataclass(frozen=True, slots=True)
class KeyArn:
    """The ARN of a KMS key: the form in which CloudWatch Logs shows the key in force."""

    text: str

    def __post_init__(self) -> None:
        if not KEY_ARN.fullmatch(self.text):
            raise ValueError(f"{self.text!r} is not the ARN of a KMS key")


@dataclass(frozen=True, slots=True)
class KeyName:
    """An alias, an alias ARN or a key id: `kms:DescribeKey` knows the key ARN behind it."""

    text: str


@dataclass(frozen=True, slots=True)
class OddKey(KeyArn):
    """A key in force that CloudWatch Logs shows by something else than the ARN of a key: no tag could remember it."""

    def __post_init__(self) -> None:
        """Take any text."""


KeyReference = KeyArn | KeyName


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """The description of a key by `kms:DescribeKey`.

    Attributes:
        arn: the key's ARN.
        state: KMS's KeyState: Enabled, Disabled, PendingDeletion, …
        spec: KMS's KeySpec; CloudWatch Logs takes SYMMETRIC_DEFAULT only.
        usage: KMS's KeyUsage; ENCRYPT_DECRYPT for a key that encrypts.
        aws_managed: whether it is a key such as aws/s3, whose policy nobody can change.
    """

    arn: KeyArn
    state: str = "Enabled"
    spec: str = "SYMMETRIC_DEFAULT"
    usage: str = "ENCRYPT_DECRYPT"
    aws_managed: bool = False

    @property
    def defect(self) -> str:
        """Why the key cannot encrypt log groups, and what to do; empty where it can."""
        if self.spec != "SYMMETRIC_DEFAULT" or self.usage != "ENCRYPT_DECRYPT":
            return (
                f"is no symmetric encryption key (KeySpec {self.spec}, KeyUsage {self.usage}); "
                "CloudWatch Logs takes KeySpec SYMMETRIC_DEFAULT only: use another key"
            )
        if self.state == "PendingDeletion":
            return (
                "is pending deletion: cancel the deletion with kms:CancelKeyDeletion and enable it, or use another key"
            )
        if self.state == "Disabled":
            return "is disabled: enable it with kms:EnableKey, or use another key"
        if self.state != "Enabled":
            return f"is not usable now, its KeyState is {self.state}: bring it to Enabled, or use another key"
        if self.aws_managed:
            return (
                "is an AWS managed key, whose policy cannot be changed for CloudWatch Logs: use a customer managed key"
            )
        return ""
