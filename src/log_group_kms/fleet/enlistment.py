"""Enlistment: one log group is claimed for the fleet, and what that means for the whole fleet where it fails."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from log_group_kms.association.decision import Skip
from log_group_kms.association.log_group import confirm, enlist
from log_group_kms.association.removal import Removal
from log_group_kms.association.requests import Remove
from log_group_kms.fleet.checkpoint import Fate
from log_group_kms.model.errors import ClaimLost, NotFound, NotStabilized, ReservedLogGroup, TakenOver

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.association.context import Context
    from log_group_kms.association.decision import Apply, Desired
    from log_group_kms.association.requests import Ensure
    from log_group_kms.fleet.sentinels import Sentinels
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
class Fates:
    """Reports what becomes of log groups.

    Attributes:
        saw: receives name, fate and reason of each log group that is changed or skipped.
    """

    saw: Callable[[str, Fate, str], None]

    def met(self, name: str, fate: Fate, why: str = "") -> Fate:
        """Report the *fate* of the log group of this *name*, and return it."""
        self.saw(name, fate, why)
        return fate

    def skipped(self, name: str, decision: Skip) -> Fate:
        """Report a log group that is left as it is, and return its fate."""
        return self.met(name, Fate.OWNED, decision.to.text) if decision.to else self.met(name, Fate.KEPT)


@dataclass(frozen=True, slots=True)
class Enlistment:
    """Claims log groups for a fleet.

    Attributes:
        sentinels: show whether a claim that went away went with the whole fleet.
        fates: reports what becomes of the log groups.
    """

    sentinels: Sentinels
    fates: Fates

    def enlist(self, context: Context, group: LogGroup, event: Ensure, desired: Desired, claim: Claim | None) -> Fate:
        """Bring one log group under the key, unless it is another's; *claim* was read before.

        Raises:
            ProviderError: it could not be done; ClaimLost where the whole fleet is lost.
        """
        name = group.name.text
        try:
            decision = self._enlisted(context, group, event, desired, claim)
        except NotFound:
            return self.fates.met(name, Fate.PASSED, "it vanished meanwhile")
        except TakenOver as taken:
            return self.fates.met(name, Fate.OWNED, str(taken))
        except ReservedLogGroup:
            Removal(context.logs, context.keys, group).remove(Remove.of(event.owner, event.association))
            return self.fates.met(name, Fate.RESERVED)
        if isinstance(decision, Skip):
            return self.fates.skipped(name, decision)
        return self._claimed(name, desired, decision) if decision.write or decision.associate else Fate.COMPLIANT

    def _enlisted(
        self, context: Context, group: LogGroup, event: Ensure, desired: Desired, claim: Claim | None
    ) -> Apply | Skip:
        for _ in range(_TRIES):
            try:
                return enlist(context.logs, group, event, desired, claim)
            except TakenOver:
                raise
            except ClaimLost:
                if self.sentinels.fleet_is_lost():
                    raise
        # Its tags alone went away, no Delete passed by.
        raise NotStabilized(f"Someone keeps taking this resource's tags off {group.arn}")

    def _claimed(self, name: str, desired: Desired, decision: Apply) -> Fate:
        self.sentinels.post(name)
        if not decision.associate:
            return self.fates.met(name, Fate.TAKEN_OVER)
        if desired.enrolling and not decision.write:
            return self.fates.met(name, Fate.MENDED)
        previous = decision.claim.previous
        return self.fates.met(name, Fate.ASSOCIATED, f"before: {previous.text}" if previous else "")

    def confirm(self, context: Context, group: LogGroup, owner: Owner, key: KeyArn) -> Fate:
        """Read key and claim of one log group back that its page does not show under the key yet.

        Raises:
            ProviderError: they are not both there; ClaimLost where the whole fleet is lost.
        """
        try:
            confirm(context.logs, group, owner, key)
        except NotFound:
            return Fate.PASSED
        except TakenOver as taken:
            return self.fates.met(group.name.text, Fate.OWNED, str(taken))
        except ClaimLost:
            if self.sentinels.fleet_is_lost():
                raise
            return Fate.BUSY
        return Fate.ASSOCIATED
