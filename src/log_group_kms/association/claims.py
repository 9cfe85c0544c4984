"""The guards: does the claim that was read still stand?"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from log_group_kms.association.decision import check_is_last
from log_group_kms.model.errors import ClaimGone, ClaimLost, NotStabilized, TakenOver
from log_group_kms.retry.policies import OTHERS_DELETE
from log_group_kms.retry.retrier import no_guard

if TYPE_CHECKING:
    from log_group_kms.association.gateway import Gateway, Guard
    from log_group_kms.model.ownership import Claim, Owner
    from log_group_kms.model.targets import LogGroup

#: Seconds for which a look at the tags, or a claim just written, vouches for them: longer than the three calls that
#: follow take at their usual pace, and much shorter than others wait for a Delete (`policies.OTHERS_DELETE`).
FRESH: Final = 0.5

_TAKEN_OVER: Final = "The log group was taken over, or given back, meanwhile; it was left as it is"


def check_claim(logs: Gateway, log_group: LogGroup, owner: Owner, sent_at: float | None = None) -> None:
    """See that *owner*'s claim still stands, and that no event wrote it which came after the one *sent_at*.

    Raises:
        ClaimLost: a Delete of it has begun; ClaimGone where nobody has one, TakenOver where another owner has.
        StaleEvent: CloudFormation has sent a later event, which was here meanwhile.
    """
    claim = logs.claim_on(log_group)
    gone = (
        f"This resource's claim on {log_group.arn} went away meanwhile: a Delete of it passed by, "
        "or someone took its tags off"
    )
    if claim is None:
        raise ClaimGone(gone)
    if claim.owner != owner:
        raise TakenOver(
            f"{claim.owner.text} took {log_group.arn} over meanwhile; the last writer wins",
            by_fleet=claim.owner.is_fleet,
        )
    if claim.deleting or claim.cancelled:
        raise ClaimLost(gone)
    check_is_last(claim, sent_at)


def check_tags(logs: Gateway, log_group: LogGroup, *claims: Claim) -> None:
    """See that the tags say one of these *claims*.

    Raises:
        ClaimLost: they do not.
    """
    if logs.tags_of(log_group) not in claims:
        raise ClaimLost(_TAKEN_OVER)


class Watch:
    """A watch on the tags of one log group: what they said when they were read last, or written, and when that was.

    Args:
        logs: CloudWatch Logs.
        log_group: the log group.

    Attributes:
        claim: what they said; None before the first look, and where nobody has a claim.
    """

    def __init__(self, logs: Gateway, log_group: LogGroup) -> None:
        self.logs = logs
        self.log_group = log_group
        self.claim: Claim | None = None
        self._seen_at = self._now

    @property
    def is_fresh(self) -> bool:
        """Whether nobody else can have come since."""
        return self._now - self._seen_at <= FRESH

    def look(self, owner: Owner, *, patient: bool = True) -> Claim | None:
        """Return the claim, for *owner*'s decision; see `settled_claim`.

        Raises:
            NotStabilized: somebody else's Delete is at work, and this is no *patient* look.
        """
        self.renew()
        # What AWS throttles shows the tags as they are at the try that works.
        self.claim = settled_claim(self.logs, self.log_group, owner, patient=patient, looking=self.renew)
        return self.claim

    def renew(self) -> None:
        """Note that the tags are read, or were written, just now."""
        self._seen_at = self._now

    def check(self, *claims: Claim) -> None:
        """See that the tags say one of these *claims*, unless they were seen just now.

        Raises:
            ClaimLost: they do not.
        """
        if not self.is_fresh:
            self.renew()
            check_tags(self.logs, self.log_group, *claims)

    @property
    def _now(self) -> float:
        return self.logs.retrier.clock.now()


def settled_claim(
    logs: Gateway, log_group: LogGroup, owner: Owner, *, patient: bool = True, looking: Guard = no_guard
) -> Claim | None:
    """Return the claim; where somebody else's Delete is at work, once it is through.

    After a while that Delete counts as dead. *looking* is called before each further look.

    Raises:
        NotStabilized: it is at work, and this is no *patient* look.
    """
    claim = logs.claim_on(log_group, looking)

    def at_work() -> str:
        if claim is None or not claim.deleting or claim.owner == owner:
            return ""
        return f"A Delete of {claim.owner.text} is at work on {log_group.arn}"

    def still_at_work() -> str:
        nonlocal claim
        looking()
        claim = logs.claim_on(log_group, looking)
        return at_work()

    if seen := at_work():
        if not patient:
            raise NotStabilized(seen)
        with suppress(NotStabilized):
            logs.retrier.until(still_at_work, OTHERS_DELETE)
    return claim


def check_unclaimed(logs: Gateway, log_group: LogGroup) -> None:
    """See that nobody owns the log group.

    Raises:
        ClaimLost: somebody does.
    """
    if logs.claim_on(log_group) is not None:
        raise ClaimLost("The log group was taken over meanwhile; it was left as it is")
