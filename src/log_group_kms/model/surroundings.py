"""The surroundings of log groups and keys in an account, as `log-group-kms doctor` reads them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """The provider of an account and Region.

    Attributes:
        role: the ARN of its role.
        stack: the stack that it is part of; empty where none exports it.
        version: as its stack's outputs say; empty where they say none.
        protected: names of log groups that it never touches, with wildcards.
    """

    role: str
    stack: str = ""
    version: str = ""
    protected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail of CloudTrail that covers the Region.

    Attributes:
        name: its name.
        logging: True while it logs.
        management_writes: True where it logs management events that change something.
    """

    name: str
    logging: bool
    management_writes: bool


@dataclass(frozen=True, slots=True)
class CentralizationRule:
    """A rule that copies log groups of an organisation into one account.

    Attributes:
        name: its name.
        regions: from which Regions.
        skips_encrypted: True where it leaves out log groups under a customer managed key.
    """

    name: str
    regions: tuple[str, ...]
    skips_encrypted: bool
