"""The guards: does the claim that was read still stand?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from log_group_kms.model.errors import ClaimLost, TakenOver

if TYPE_CHECKING:
    from log_group_kms.association.gateway import Gateway
    from log_group_kms.model.ownership import Claim, Owner
    from log_group_kms.model.targets import LogGroup

_TAKEN_OVER: Final = "The log group was taken over, or given back, meanwhile; it was left as it is"


def check_claim(logs: Gateway, log_group: LogGroup, owner: Owner) -> None:
    """See that *owner*'s claim still stands.

    Raises:
        ClaimLost: it does not; TakenOver where another owner has one.
    """
    claim = logs.claim_on(log_group)
    if claim is None or (claim.owner == owner and claim.deleting):
        raise ClaimLost(
            f"This resource's claim on {log_group.arn} went away meanwhile: a Delete of it passed by, "
            "or someone took its tags off"
        )
    if claim.owner != owner:
        raise TakenOver(f"{claim.owner.text} took {log_group.arn} over meanwhile; the last writer wins")


def check_tags(logs: Gateway, log_group: LogGroup, *claims: Claim) -> None:
    """See that the tags say one of these *claims*.

    Raises:
        ClaimLost: they do not.
    """
    if logs.tags_of(log_group) not in claims:
        raise ClaimLost(_TAKEN_OVER)


def check_unclaimed(logs: Gateway, log_group: LogGroup) -> None:
    """See that nobody owns the log group.

    Raises:
        ClaimLost: somebody does.
    """
    if logs.claim_on(log_group) is not None:
        raise ClaimLost("The log group was taken over meanwhile; it was left as it is")
