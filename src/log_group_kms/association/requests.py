"""What an event asks for: an association is to be ensured, or removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from log_group_kms.association.decision import Desired
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED

if TYPE_CHECKING:
    from log_group_kms.model.association import Association
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner


@dataclass(frozen=True, slots=True)
class Ensure:
    """Create and Update are both this: the *association* is to be so.

    Attributes:
        owner: the resource.
        association: what its template says.
        former: what its template said before; None on Create, and where that cannot be understood.
        physical_resource_id: the event's own; None on Create.
        former_owner: who the resource was before: another owner where the kind or the scope of its target was another.
        enrolling: whether this is no event of CloudFormation, but enrolment or reconciliation for a fleet.
    """

    owner: Owner
    association: Association
    former: Association | None = None
    physical_resource_id: str | None = None
    former_owner: Owner | None = None
    enrolling: bool = False

    @property
    def creating(self) -> bool:
        """Whether this is a Create."""
        return self.physical_resource_id is None

    @property
    def new_target(self) -> bool:
        """Whether this is a Create, or an Update to another target, which is a replacement."""
        return self.physical_resource_id != self.association.target.arn

    def desired(self, key: KeyArn, former_key: KeyArn | None = None) -> Desired:
        """What it wants of a log group; see `Desired`."""
        return Desired(
            self.owner,
            key,
            self.association.on_existing_key,
            former_key,
            creating=self.creating,
            enrolling=self.enrolling,
            former_owner=self.former_owner,
        )

    @property
    def may_undo(self) -> bool:
        """Whether to put back what was there before where a Delete took the claim away meanwhile.

        Not on an Update: the tags may be gone for another reason, and the key was this resource's before.
        """
        return self.new_target or self.enrolling

    @property
    def changes_key(self) -> bool:
        """Whether the template names another key, or another target, than before."""
        return self.new_target or self.former is None or self.former.key != self.association.key

    @property
    def id_without_claim(self) -> str:
        """The physical id of a failure that left nothing behind."""
        return self.physical_resource_id or NOTHING_ASSOCIATED


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete is this.

    Attributes:
        owner: the resource.
        former: the association that is to end.
        minted: whether the event's physical id is one that a success of ours answers with.
    """

    owner: Owner
    former: Association
    minted: bool
