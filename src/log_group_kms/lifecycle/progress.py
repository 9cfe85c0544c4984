"""Progress: what one invocation leaves to the next; and the answer of an event that ended well."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from log_group_kms.lifecycle.return_values import are_return_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.association.requests import Ensure
    from log_group_kms.fleet.checkpoint import Checkpoint
    from log_group_kms.model.keys import KeyArn

logger = logging.getLogger(__name__)

#: Where a further invocation finds what the one before left; CloudFormation sends no such key.
PROGRESS: Final = "LogGroupKmsAssociationProgress"
#: Of the form in which `Propagating` goes to a further invocation. Another one's is left, and the event begins anew.
_VERSION: Final = 1
#: Characters; CloudFormation's own limit for a whole response is 4,096 bytes.
_LONGEST_REASON: Final = 4096


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
        return {"version": _VERSION, **asdict(self)}

    @classmethod
    def of_json(cls, value: object) -> Propagating | None:
        """Return what `as_json` wrote; None where *value* is something else."""
        match value:
            case {
                "version": version,
                "until": float() | int() as until,
                "done": {
                    "physical_resource_id": str() as physical_id,
                    "data": dict() as data,
                    "reason": str() as reason,
                },
            } if version == _VERSION and len(reason) <= _LONGEST_REASON and set(map(type, data.values())) <= {str}:
                return cls(until, Done(physical_id, data, reason))
            case _:
                return None

    def is_of(self, event: Ensure, key: KeyArn | None, now: float) -> bool:
        """Return whether *event* may have left it: one that wants the *key*, and may wait from *now* on.

        Who forges it can answer neither for another resource, nor with what no answer of this event has, nor for a
        longer wait.
        """
        target = event.association.target
        return (
            key is not None
            and self.until <= now + event.association.propagation_wait
            and self.done.physical_resource_id == target.arn
            and are_return_values(self.done.data, target, key)
        )


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
