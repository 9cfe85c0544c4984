"""The decision on one log group, from what was read just now: the contract's table, without a call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from log_group_kms.model.association import OnExistingKey, OnExistingOwner
from log_group_kms.model.errors import ClaimLost, OddKeyInForce, OwnedByAnotherStack, ResourceConflict, StaleEvent
from log_group_kms.model.keys import OddKey
from log_group_kms.model.ownership import Claim

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.results import Observed

#: Seconds. CloudFormation waits an hour for an event at most, and Lambda works a quarter of an hour longer at most.
LONGEST_EVENT: Final = 4500.0


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
        asked_at: when CloudFormation sent the event, or upkeep began, in seconds since the epoch; None where that is
            not known.
        changes_key: whether the event names another key, or another target, than the one before.
        on_existing_owner: what an explicit resource does with a log group that one of another stack owns.
        gone: an owner whose stack no longer exists; None where none was asked for.
    """

    owner: Owner
    key: KeyArn
    on_existing_key: OnExistingKey
    former_key: KeyArn | None = None
    creating: bool = False
    enrolling: bool = False
    former_owner: Owner | None = None
    asked_at: float | None = None
    changes_key: bool = False
    on_existing_owner: OnExistingOwner = OnExistingOwner.TAKE_OVER
    gone: Owner | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """Change nothing and claim nothing: the key in force is kept.

    Attributes:
        to: whom the log group belongs to, where it is for that; None where OnExistingKey says so.
        uncovered: whether it is without a key.
        note: what the user should know.
    """

    to: Owner | None = None
    uncovered: bool = field(default=False, compare=False)
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
        StaleEvent: an event that CloudFormation sent later has claimed the log group.
        OwnedByAnotherStack: OnExistingOwner is Fail, and that is so.
        ResourceConflict: OnExistingKey is Fail, and another key that is not this resource's own is in force.
        OddKeyInForce: no Delete could put the key in force back.
    """
    claim = observed.claim
    _check_order(claim, desired)
    if claim and not may_take(claim, desired) and not _is_left_behind(observed, desired):
        return Skip(claim.owner, uncovered=observed.key is None)
    ours = _is_ours(observed, desired)
    anothers_key = observed.key not in (None, desired.key) and not ours
    if anothers_key and desired.on_existing_key is OnExistingKey.KEEP:
        kept = desired.on_existing_key
        return Skip(note=f"The log group keeps the key that it has, as OnExistingKey says: {kept}")
    if claim and desired.on_existing_owner is OnExistingOwner.FAIL and _is_anothers(claim, desired):
        raise OwnedByAnotherStack(claim.owner)
    if anothers_key and desired.on_existing_key is OnExistingKey.FAIL:
        raise ResourceConflict(_conflict(observed))
    if isinstance(observed.key, OddKey) and not ours:
        raise OddKeyInForce(
            f"DescribeLogGroups shows the key {observed.key.text!r}, which is no key's ARN, so no Delete could put it "
            "back. Associate the log group with that key's ARN, or take the key away"
        )
    associate = observed.key != desired.key
    wanted = Claim(
        desired.owner,
        _previous(observed, ours=ours),
        written_at=desired.asked_at,
        by_upkeep=desired.enrolling,
        taken_from=_taken_from(observed, desired),
    )
    dated = (associate or desired.changes_key) and _is_later(desired, claim)
    return Apply(wanted, write=claim != wanted or dated, associate=associate)


def _is_anothers(claim: Claim, desired: Desired) -> bool:
    """Return whether an explicit resource of another stack has it, and keeps it."""
    if desired.owner.is_fleet or claim.owner.is_fleet or claim.deleting:
        return False
    return claim.owner != desired.former_owner and not claim.owner.is_sibling_of(desired.owner)


def _check_order(claim: Claim | None, desired: Desired) -> None:
    """See that no event of this resource that CloudFormation sent later has been here.

    Raises:
        ClaimLost: its Delete was, or is at work.
        StaleEvent: an Update was.
    """
    if claim is None or claim.owner != desired.owner or desired.enrolling:
        return
    if desired.creating and (claim.deleting or claim.cancelled):
        raise ClaimLost(
            "A Delete of this very resource is under way on the log group, or did not finish; "
            "nothing was changed. Deploy again once it is done"
        )
    check_is_last(claim, desired.asked_at)


def check_is_last(claim: Claim, sent_at: float | None) -> None:
    """See that no event which CloudFormation sent after *sent_at* wrote the *claim*, in seconds since the epoch.

    Raises:
        StaleEvent: one did.
    """
    if claim.event_at is not None and sent_at is not None and claim.event_at > sent_at:
        raise StaleEvent(
            "CloudFormation has sent a later event of this resource, which was here already: "
            "this one comes a second time, and changes nothing"
        )


def _is_later(desired: Desired, claim: Claim | None) -> bool:
    """Return whether the claim, which says the same otherwise, is to be dated anew."""
    if claim is None or desired.enrolling or desired.asked_at is None:
        return False
    return claim.event_at is None or claim.event_at < desired.asked_at


def _is_left_behind(observed: Observed, desired: Desired) -> bool:
    """Return whether another's claim without a key exempts nothing any more: whoever wrote it is gone, or long done.

    Reconciliation and enrolment alone see to that; a Create leaves it to them.
    """
    if not desired.enrolling or observed.key is not None or observed.claim is None or desired.asked_at is None:
        return False
    if observed.claim.owner == desired.gone:
        return True
    written_at = observed.claim.written_at
    return written_at is None or not 0 <= desired.asked_at - written_at < LONGEST_EVENT


def _taken_from(observed: Observed, desired: Desired) -> Owner | None:
    """Return who gets the log group back where the Create of a fleet that takes it over fails."""
    claim = observed.claim
    if claim is None or not desired.owner.is_fleet:
        return None
    if claim.deleting or observed.key != desired.key:
        # Nobody; but what the tag says would stay.
        return desired.owner if claim.taken_from else None
    return claim.taken_from if claim.owner == desired.owner else claim.owner


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
