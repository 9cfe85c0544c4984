"""The decision on one log group, from what was read just now: the contract's table, without a call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from log_group_kms.model.association import OnExistingKey
from log_group_kms.model.errors import ClaimLost, ResourceConflict
from log_group_kms.model.ownership import Claim

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.results import Observed


@dataclass(frozen=True, slots=True)
class Desired:
    """The state of one log group that a resource wants.

    Attributes:
        owner: the resource.
        key: the key that it wants.
        on_existing_key: what to do with another key that is not its own.
        former_key: the key that it wanted before this Update; None on Create, for a new target, and for a fleet, which
            leaves unclaimed what it finds under its key: there, that key may have been before it.
        creating: whether this is a Create.
        enrolling: whether this is no event of CloudFormation, but enrolment or reconciliation for a fleet.
        former_owner: who the resource was before this Update: another owner, where its target was of another kind.
    """

    owner: Owner
    key: KeyArn
    on_existing_key: OnExistingKey
    former_key: KeyArn | None = None
    creating: bool = False
    enrolling: bool = False
    former_owner: Owner | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """Change nothing and claim nothing: the key in force is kept.

    Attributes:
        to: whom the log group belongs to, where it is for that; None where OnExistingKey says so.
        note: what the user should know.
    """

    to: Owner | None = None
    note: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """Let *claim* stand and, with *associate*, let the wanted key be in force.

    Attributes:
        claim: what the tags are to say.
        write: whether the tags do not say so yet.
        associate: whether another key, or none, is in force.
    """

    claim: Claim
    write: bool
    associate: bool

    @property
    def done(self) -> bool:
        """True where all is so already."""
        return not (self.write or self.associate)


Decision = Skip | Apply


def decide(observed: Observed, desired: Desired) -> Decision:
    """Return what brings the *observed* log group to the *desired* state.

    Raises:
        ClaimLost: a Create finds that its own Delete has begun.
        ResourceConflict: OnExistingKey is Fail, and another key that is not this resource's own is in force.
    """
    claim = observed.claim
    if desired.creating and claim and claim.deleting and claim.owner == desired.owner:
        raise ClaimLost(
            "A Delete of this very resource is under way on the log group, or did not finish; "
            "nothing was changed. Deploy again once it is done"
        )
    if claim and not may_take(claim, desired):
        return Skip(claim.owner)
    ours = _is_ours(observed, desired)
    if observed.key not in (None, desired.key) and not ours:
        if desired.on_existing_key is OnExistingKey.KEEP:
            kept = desired.on_existing_key
            return Skip(note=f"The log group keeps the key that it has, as OnExistingKey says: {kept}")
        if desired.on_existing_key is OnExistingKey.FAIL:
            raise ResourceConflict(_conflict(observed))
    wanted = Claim(desired.owner, _previous(observed, ours=ours))
    return Apply(wanted, write=claim != wanted, associate=observed.key != desired.key)


def may_take(claim: Claim, desired: Desired) -> bool:
    """Return whether the claimed log group is for the *desired* owner to take.

    A resource for one log group may take all: the last writer wins.

    A fleet leaves what an explicit resource or another stack's fleet owns, unless that one is on its way out. A fleet
    of its own stack is itself under another name or prefix; but only CloudFormation knows which of the two comes after.
    """
    if not desired.owner.is_fleet:
        return True
    if desired.enrolling and claim.owner == desired.owner:
        # The fleet's own Delete is at work, or that of an exclusion. The command line may go on after its own release.
        return not claim.deleting or desired.owner.is_command_line
    if claim.deleting or claim.owner in (desired.owner, desired.former_owner):
        return True
    return claim.owner.is_command_line or (claim.owner.is_sibling_of(desired.owner) and not desired.enrolling)


def _is_ours(observed: Observed, desired: Desired) -> bool:
    """Return whether the key in force is this resource's own, or that of one that it takes over as its own."""
    if observed.claim:
        owner = observed.claim.owner
        itself = owner == desired.former_owner or owner.is_sibling_of(desired.owner)
        return itself or (desired.owner.is_fleet and owner.is_command_line)
    return observed.key is not None and observed.key == desired.former_key


def _previous(observed: Observed, *, ours: bool) -> KeyArn | None:
    """Return the key that a Delete will put back: the one that a claim remembers, else the one that is there now.

    The claim is one of ours, or one on its way out.

    Where the tags are gone and our own former key is in force, nobody knows what was there before: then nothing.
    """
    if observed.claim and (ours or observed.claim.deleting):
        return observed.claim.previous
    return None if ours else observed.key


def _conflict(observed: Observed) -> str:
    whose = f"; it belongs to {observed.claim.owner.text}" if observed.claim else ""
    return (
        f"OnExistingKey is Fail and the log group has another key: {observed.key and observed.key.text}{whose}. "
        "Take that key away, or use OnExistingKey Override or Keep"
    )
