"""Enlistment: one log group is claimed for the fleet and put under the key, unless it is another's."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from log_group_kms.association.claims import settled_claim
from log_group_kms.association.decision import Skip
from log_group_kms.association.log_group import confirm, enlist, take_over
from log_group_kms.association.removal import Removal
from log_group_kms.association.requests import Remove
from log_group_kms.fleet.checkpoint import Fate
from log_group_kms.model.errors import ClaimGone, NotFound, NotStabilized, ReservedLogGroup, TakenOver

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.association.context import Context
    from log_group_kms.association.decision import Apply, Desired
    from log_group_kms.association.requests import Ensure
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Claim, Owner
    from log_group_kms.model.targets import LogGroup

logger = logging.getLogger(__name__)

#: A log group whose tags someone takes off is tried so often.
_TRIES: Final = 2


def log_fate(name: str, fate: Fate, why: str) -> None:
    """Log what became of the log group of this *name*, and why."""
    logger.info("%s: %s%s", name, fate, f" ({why})" if why else "")


@dataclass(frozen=True, slots=True)
class Enlistment:
    """Claims log groups for a fleet.

    Attributes:
        saw: receives name, fate and reason of each log group that is changed, skipped or refused.
    """

    saw: Callable[[str, Fate, str], None]

    def met(self, name: str, fate: Fate, why: str = "") -> Fate:
        """Report the *fate* of the log group of this *name*, and return it."""
        self.saw(name, fate, why)
        return fate

    def skipped(self, name: str, decision: Skip) -> Fate:
        """Report a log group that is left as it is, and return its fate."""
        return self.met(name, Fate.OWNED, decision.to.text) if decision.to else self.met(name, Fate.KEPT)

    def enlist(  # noqa: PLR0913 - all that a decision takes
        self,
        context: Context,
        group: LogGroup,
        event: Ensure,
        desired: Desired,
        claim: Claim | None,
        *,
        patient: bool,
    ) -> Fate:
        """Bring one log group under the key, unless it is another's; *claim* was read just now.

        Raises:
            ProviderError: it could not be done; ClaimLost where the fleet's Delete has begun.
        """
        name = group.name.text
        try:
            decision = self._enlisted(context, group, event, desired, claim, patient=patient)
        except NotFound:
            return self.met(name, Fate.PASSED, "it vanished meanwhile")
        except TakenOver as taken:
            return self.met(name, Fate.OWNED, str(taken))
        except ReservedLogGroup:
            Removal(context.logs, context.keys, group).remove(Remove.of(event.owner, event.association))
            return self.met(name, Fate.RESERVED)
        if isinstance(decision, Skip):
            return self.skipped(name, decision)
        return self._claimed(name, desired, decision) if decision.write or decision.associate else Fate.COMPLIANT

    def take_over(self, context: Context, group: LogGroup, event: Ensure, desired: Desired, claim: Claim) -> Fate:
        """Claim one log group that is under the wanted key; *claim*, read just now, is for the fleet to take.

        Raises:
            ProviderError: it could not be done; ClaimLost where the fleet's Delete has begun.
        """
        try:
            take_over(context.logs, group, event, desired, claim)
        except NotFound:
            return self.met(group.name.text, Fate.PASSED, "it vanished meanwhile")
        return self.met(group.name.text, Fate.TAKEN_OVER, claim.owner.text)

    def _enlisted(  # noqa: PLR0913 - see `enlist`
        self,
        context: Context,
        group: LogGroup,
        event: Ensure,
        desired: Desired,
        claim: Claim | None,
        *,
        patient: bool,
    ) -> Apply | Skip:
        for _ in range(_TRIES):
            try:
                return enlist(context.logs, group, event, desired, claim, patient=patient)
            except ClaimGone:
                claim = settled_claim(context.logs, group, event.owner)
        raise NotStabilized(f"Someone keeps taking this resource's tags off {group.arn}")

    def _claimed(self, name: str, desired: Desired, decision: Apply) -> Fate:
        if not decision.associate:
            return self.met(name, Fate.TAKEN_OVER)
        if desired.enrolling and not decision.write:
            return self.met(name, Fate.MENDED)
        previous = decision.claim.previous
        return self.met(name, Fate.ASSOCIATED, f"before: {previous.text}" if previous else "")

    def confirm(self, context: Context, group: LogGroup, owner: Owner, key: KeyArn) -> Fate:
        """Read key and claim of one log group back that its page does not show under the key yet.

        Raises:
            ProviderError: they are not both there; ClaimLost where the fleet's Delete has begun.
        """
        try:
            confirm(context.logs, group, owner, key)
        except NotFound:
            return Fate.PASSED
        except TakenOver as taken:
            return self.met(group.name.text, Fate.OWNED, str(taken))
        except ClaimGone:
            return Fate.BUSY
        return Fate.ASSOCIATED
