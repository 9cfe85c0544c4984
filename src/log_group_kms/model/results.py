"""Results: the state that CloudWatch Logs shows, and the outcome of an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Claim
    from log_group_kms.model.targets import Target


@dataclass(frozen=True, slots=True)
class Observed:
    """A log group as it was read just now.

    Attributes:
        key: the key in force; None where there is none.
        claim: the claim on it; None where nobody owns it.
    """

    key: KeyArn | None
    claim: Claim | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A log group as a listing shows it.

    Attributes:
        name: its name, also one that is reserved for AWS.
        key: the key in force; None where there is none.
    """

    name: str
    key: KeyArn | None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing; *next_token* leads to the next one, and is empty at the end."""

    log_groups: tuple[Listed, ...]
    next_token: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an event that ended well.

    Attributes:
        target: what is associated; its ARN is the physical id.
        key: the key in force.
        previous: the key that was there before this resource.
        associated: how many keys this event changed.
        compliant: how many had the wanted key already.
        skipped: how many were left as they were.
        refused: how many AWS refused for their own sake.
        note: what the user should know; empty where all is as asked.
        settling: whether the key may not yet reach the data plane, so that PropagationWaitSeconds applies.
    """

    target: Target
    key: KeyArn | None
    previous: KeyArn | None = None
    associated: int = 0
    compliant: int = 0
    skipped: int = 0
    refused: int = 0
    note: str = ""
    settling: bool = False
