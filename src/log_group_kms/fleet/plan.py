"""The plan of a fleet: what it would do with each log group, for people to read before it is done."""

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
    """The action that a fleet would take on a log group."""

    ASSOCIATE = "associate"
    REKEY = "re-key"
    TAKE_OVER = "take over"
    COMPLIANT = "compliant"
    KEEP = "keep"
    CONFLICT = "conflict"
    LEAVE = "leave to its owner"
    RESERVED = "reserved for AWS"
    PROTECTED = "protected"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan for one log group.

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
        """True where anything would be changed."""
        return self.action in (Action.ASSOCIATE, Action.REKEY, Action.TAKE_OVER)


def action_for(observed: Observed, desired: Desired) -> Action:
    """Return what brings the *observed* log group to the *desired* state; a conflict is an action, too."""
    try:
        decision = decide(observed, desired)
    except ResourceConflict:
        return Action.CONFLICT
    if isinstance(decision, Skip):
        return Action.LEAVE if decision.to else Action.KEEP
    if decision.associate:
        return Action.REKEY if observed.key else Action.ASSOCIATE
    return Action.TAKE_OVER if decision.write and observed.claim else Action.COMPLIANT
