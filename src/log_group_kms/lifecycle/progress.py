"""Progress: what one invocation leaves to the next; and the answer of an event that ended well."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.fleet.checkpoint import Checkpoint

logger = logging.getLogger(__name__)

#: Where a further invocation finds what the one before left; CloudFormation sends no such key.
PROGRESS: Final = "LogGroupKmsAssociationProgress"


@dataclass(frozen=True, slots=True)
class Done:
    """The event ended well.

    Attributes:
        physical_resource_id: what CloudFormation is to know the resource by.
        data: the return values for Fn::GetAtt.
        reason: what the user should know.
    """

    physical_resource_id: str
    data: Mapping[str, str]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Propagating:
    """Associated and read back; the answer waits for PropagationWaitSeconds.

    Attributes:
        until: when to answer, in seconds since the epoch.
        done: the answer.
    """

    until: float
    done: Done

    def as_json(self) -> dict[str, object]:
        """Return it for the event of a further invocation."""
        return asdict(self)

    @classmethod
    def of_json(cls, value: object) -> Propagating | None:
        """Return what `as_json` wrote; None where *value* is something else."""
        match value:
            case {
                "until": float() | int() as until,
                "done": {
                    "physical_resource_id": str() as physical_id,
                    "data": dict() as data,
                    "reason": str() as reason,
                },
            }:
                return cls(until, Done(physical_id, data, reason))
            case _:
                return None


#: What an invocation leaves to the next.
Progress: TypeAlias = "Propagating | Checkpoint"


def parse_progress(value: object) -> Progress | None:
    """Return what the invocation before left; None where there was none, or it is none that this function writes.

    Then the event begins anew, as one that is delivered again does: what is done already shows in the account.
    """
    if value is None:
        return None
    from log_group_kms.fleet.checkpoint import Checkpoint  # noqa: PLC0415 - see `kinds`

    progress = Propagating.of_json(value) or Checkpoint.of_json(value)
    if progress is None:
        logger.warning("%s is none that this version writes: the event begins anew", PROGRESS)
    return progress
