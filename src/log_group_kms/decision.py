"""What to do with one log group, from what was read just now: the contract's table, without a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from log_group_kms.errors import ClaimLost, ResourceConflict
from log_group_kms.model import Claim, KeyArn, OnExistingKey

if TYPE_CHECKING:
    from log_group_kms.model import Observed, Owner


@dataclass(frozen=True, slots=True)
class Wish:
    """What a resource wants of one log group.

    Attributes:
        owner: the resource.
        key: the key that it wants.
        on_existing_key: what to do with another key that is not its own.
        former_key: the key that it wanted before this Update; None on Create and for a new target.
        creating: whether this is a Create.
    """

    owner: Owner
    key: KeyArn
    on_existing_key: OnExistingKey
    former_key: KeyArn | None = None
    creating: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """Change nothing and claim nothing: the key in force is kept."""


@dataclass(frozen=True, slots=True)
class Hold:
    """See to it that *claim* stands and, with *associate*, that the wanted key is in force.

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
        """Whether all is so already."""
        return not (self.write or self.associate)


Decision = Leave | Hold


def decide(observed: Observed, wish: Wish) -> Decision:
    """What *wish* calls for, given what was *observed*.

    Raises:
        ClaimLost: a Create finds that its own Delete has begun.
        ResourceConflict: OnExistingKey is Fail, and another key that is not this resource's own is in force.
    """
    claim = observed.claim
    if wish.creating and claim and claim.deleting and claim.owner == wish.owner:
        raise ClaimLost(
            "A Delete of this very resource is under way on the log group, or did not finish; "
            "nothing was changed. Deploy again once it is done"
        )
    ours = _is_ours(observed, wish)
    if observed.key not in (None, wish.key) and not ours:
        if wish.on_existing_key is OnExistingKey.KEEP:
            return Leave()
        if wish.on_existing_key is OnExistingKey.FAIL:
            raise ResourceConflict(_conflict(observed))
    wanted = Claim(wish.owner, _previous(observed, ours=ours))
    return Hold(wanted, write=claim != wanted, associate=observed.key != wish.key)


def _is_ours(observed: Observed, wish: Wish) -> bool:
    """Whether the key in force is this resource's own, or that of a sibling which was renamed to it."""
    if observed.claim:
        return observed.claim.owner.is_sibling_of(wish.owner)
    return observed.key is not None and observed.key == wish.former_key


def _previous(observed: Observed, *, ours: bool) -> KeyArn | None:
    """What a Delete will put back: what a claim of ours, or one on its way out, remembers; else what is there now.

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
