"""What a fleet would do with a log group: for people, before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from log_group_kms.association.decision import Skip, decide
from log_group_kms.model.errors import ResourceConflict

if TYPE_CHECKING:
    from log_group_kms.association.decision import Desired
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.results import Observed


class Action(StrEnum):
    """What a fleet would do with a log group."""

    ASSOCIATE = "associate"
    REKEY = "re-key"
    TAKE_OVER = "take over"
    COMPLIANT = "compliant"
    KEEP = "keep"
    CONFLICT = "conflict"
    LEAVE = "leave to its owner"
    RESERVED = "reserved for AWS"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Planned:
    """What would happen to a log group.

    Attributes:
        name: its name.
        action: what would be done.
        key: the key in force.
        owner: who owns it; None where nobody does, or where nobody had to be asked.
    """

    name: str
    action: Action
    key: KeyArn | None
    owner: Owner | None = None

    @property
    def changes(self) -> bool:
        """Whether anything would be changed."""
        return self.action in (Action.ASSOCIATE, Action.REKEY, Action.TAKE_OVER)


def action_for(observed: Observed, desired: Desired) -> Action:
    """What *wish* calls for, given what was *observed*; a conflict is told, not raised."""
    try:
        decision = decide(observed, desired)
    except ResourceConflict:
        return Action.CONFLICT
    if isinstance(decision, Skip):
        return Action.LEAVE if decision.to else Action.KEEP
    if decision.associate:
        return Action.REKEY if observed.key else Action.ASSOCIATE
    return Action.TAKE_OVER if decision.write and observed.claim else Action.COMPLIANT
