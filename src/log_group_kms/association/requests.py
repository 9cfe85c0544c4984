"""The requests: an association is to be so, or to end. A stack asks, or enrolment, or the command line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from log_group_kms.association.decision import Desired
from log_group_kms.association.trail import Footprint
from log_group_kms.model.association import Association, OnDelete
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn, KeyReference
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.targets import Target


class Asker(Enum):
    """The party that asks."""

    #: CloudFormation, with a Create, an Update or a Delete.
    STACK = "stack"
    #: Enrolment or reconciliation, for a fleet that is there already.
    ENROLMENT = "enrolment"
    #: The command line, for itself or for a fleet that is there already.
    COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class Update:
    """The part of an Update that a Create does not have.

    Attributes:
        physical_resource_id: the event's own.
        former: the association before; None where its properties cannot be understood.
        former_owner: the resource before: another owner where the kind or the scope of its target was another.
    """

    physical_resource_id: str
    former: Association | None = None
    former_owner: Owner | None = None


@dataclass(frozen=True, slots=True)
class Ensure:
    """A Create, an Update or the upkeep of a fleet: the *association* is to be so.

    Attributes:
        owner: the resource.
        association: what its template says.
        update: the part that only an Update has; None on Create, and where no stack asks.
        asker: who asks.
        sent_at: when CloudFormation sent the event, in seconds since the epoch; None where that is not known, or no
            stack asks.
    """

    owner: Owner
    association: Association
    update: Update | None = None
    asker: Asker = Asker.STACK
    sent_at: float | None = None

    @property
    def creating(self) -> bool:
        """True for a Create."""
        return self.asker is Asker.STACK and self.update is None

    @property
    def enrolling(self) -> bool:
        """True where no stack asks: the fleet is there already."""
        return self.asker is not Asker.STACK

    @property
    def new_target(self) -> bool:
        """True for a Create, and for an Update to another target, which is a replacement."""
        if self.update is None:
            return self.creating
        return self.update.physical_resource_id != self.association.target.arn

    @property
    def former(self) -> Association | None:
        """The association before an Update; None where there was none, or it cannot be understood."""
        return self.update.former if self.update else None

    @property
    def former_owner(self) -> Owner | None:
        """The owner before an Update; see `Update`."""
        return self.update.former_owner if self.update else None

    @property
    def retains(self) -> bool:
        """True where a Delete of it leaves the key in force."""
        return self.association.on_delete is OnDelete.RETAIN

    @property
    def abandoned(self) -> Remove | None:
        """The target that an Update before had claimed when it died, and of which CloudFormation never heard.

        It knows no such target, so it sends the Update back, and no Delete.
        """
        former, owner = self.former, self.former_owner
        if self.update is None or former is None or owner is None or not former.target.taggable:
            return None
        if former.target.arn in (self.association.target.arn, self.update.physical_resource_id):
            return None
        return replace(Remove.of(owner, former), hands_back=True)

    @property
    def may_undo(self) -> bool:
        """True where what was there before is put back if a Delete took the claim away meanwhile.

        Not on an Update: the tags may be gone for another reason, and the key was this resource's before.
        """
        return self.new_target or self.enrolling

    @property
    def changes_key(self) -> bool:
        """True where the template names another key, or another target, than before."""
        return self.new_target or self.former is None or self.former.key != self.association.key

    def desired(self, key: KeyArn, now: float, former_key: KeyArn | None = None) -> Desired:
        """Return what it wants of one log group; *now* is in seconds since the epoch. See `Desired`."""
        return Desired(
            self.owner,
            key,
            self.association.on_existing_key,
            former_key,
            creating=self.creating,
            enrolling=self.enrolling,
            former_owner=self.former_owner,
            asked_at=now if self.enrolling else self.sent_at,
            changes_key=self.changes_key,
            on_existing_owner=self.association.on_existing_owner,
        )

    def failure_id(self, footprint: Footprint) -> str:
        """Return the physical id of a failed answer, by what the event has left behind.

        A Delete follows for this id. So a Create that claimed has the id of a success, and one that did nothing an id
        that no success ever has. An Update has its own, unless it claimed another target.
        """
        own = self.update.physical_resource_id if self.update else NOTHING_ASSOCIATED
        if not self.new_target or footprint is Footprint.NOTHING:
            return own
        return self.association.target.arn if footprint is Footprint.CLAIMED else PERHAPS_ASSOCIATED


@dataclass(frozen=True, slots=True)
class Remove:
    """A Delete, or the release of what the command line holds: the association with *target* is to end.

    Attributes:
        owner: the resource.
        target: what was associated.
        on_delete: what becomes of the key.
        former_key: the key that the template named; None where nobody named one.
        minted: True where the event's physical id is one that a success of ours answers with.
        cancels: True where CloudFormation made the physical id up: it cancelled a Create that may still be at work
            (aws-cdk#26139).
        sent_at: see `Ensure`.
        hands_back: True where an Update is sent back: a fleet's log groups go back to whom it took them from.
    """

    owner: Owner
    target: Target
    on_delete: OnDelete = OnDelete.RESTORE_PREVIOUS
    former_key: KeyReference | None = None
    minted: bool = False
    cancels: bool = False
    sent_at: float | None = None
    hands_back: bool = False

    @classmethod
    def of(cls, owner: Owner, former: Association, *, minted: bool = False) -> Remove:
        """Return the request that *owner*'s *former* association end."""
        return cls(owner, former.target, former.on_delete, former.key, minted)

    @property
    def retains(self) -> bool:
        """True where the key is to stay in force."""
        return self.on_delete is OnDelete.RETAIN

    @property
    def restores(self) -> bool:
        """True where the key of before is to be put back."""
        return self.on_delete is OnDelete.RESTORE_PREVIOUS

    def restoring(self) -> Remove:
        """Return the same, so that the key of before is put back."""
        return replace(self, on_delete=OnDelete.RESTORE_PREVIOUS)
