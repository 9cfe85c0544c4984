"""Enlistment: one log group is claimed for the fleet and put under the key, unless it is another's."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from log_group_kms.association.claimed import confirm, enlist
from log_group_kms.association.decision import Skip
from log_group_kms.association.removal import Removal
from log_group_kms.association.requests import Remove
from log_group_kms.fleet.checkpoint import CLAIMED, Fate
from log_group_kms.model.errors import ClaimGone, NotFound, NotStabilized, ReservedLogGroup, TakenOver

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.association.claims import Watch
    from log_group_kms.association.context import Context
    from log_group_kms.association.decision import Apply, Desired
    from log_group_kms.association.requests import Ensure
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.targets import LogGroup

logger = logging.getLogger(__name__)

#: A log group whose tags someone takes off is tried so often.
_TRIES: Final = 2


def log_fate(name: str, fate: Fate, why: str) -> None:
    """Log what became of the log group of this *name*, and why."""
    logger.info("%s: %s%s", name, fate, f" ({why})" if why else "")


class Enlistment:
    """Claims log groups for a fleet; workers share it.

    Args:
        saw: receives name, fate and reason of each log group that is changed, skipped or refused.
    """

    def __init__(self, saw: Callable[[str, Fate, str], None]) -> None:
        self._saw = saw
        self._lock = threading.Lock()
        self._claimed: set[str] = set()

    def met(self, name: str, fate: Fate, why: str = "") -> Fate:
        """Report the *fate* of the log group of this *name*, and return it."""
        self._saw(name, fate, why)
        if fate in CLAIMED:
            with self._lock:
                self._claimed.add(name)
        return fate

    def has_claimed(self, name: str) -> bool:
        """Return whether this invocation has claimed the log group of this *name*."""
        with self._lock:
            return name in self._claimed

    def skipped(self, name: str, decision: Skip) -> Fate:
        """Report a log group that is left as it is, and return its fate."""
        if decision.to is None:
            return self.met(name, Fate.KEPT)
        return self.met(name, Fate.UNCOVERED if decision.uncovered else Fate.OWNED, decision.to.text)

    def enlist(  # noqa: PLR0913 - all that a decision takes
        self,
        context: Context,
        watch: Watch,
        event: Ensure,
        desired: Desired,
        *,
        patient: bool,
        alone: bool = False,
    ) -> Fate:
        """Bring the log group on *watch* under the key, unless it is another's; read it back, if it comes *alone*.

        Raises:
            ProviderError: it could not be done; ClaimLost where the fleet's Delete has begun.
        """
        name = watch.log_group.name.text
        try:
            decision = self._enlisted(watch, event, desired, patient=patient, alone=alone)
        except NotFound:
            return self.met(name, Fate.PASSED, "it vanished meanwhile")
        except TakenOver as taken:
            return self.met(name, Fate.OWNED, str(taken))
        except ReservedLogGroup:
            Removal(context.logs, context.keys, watch.log_group).remove(Remove.of(event.owner, event.association))
            return self.met(name, Fate.RESERVED)
        if isinstance(decision, Skip):
            return self.skipped(name, decision)
        return self._fate_of(name, desired, decision) if decision.write or decision.associate else Fate.COMPLIANT

    def _enlisted(self, watch: Watch, event: Ensure, desired: Desired, *, patient: bool, alone: bool) -> Apply | Skip:
        for _ in range(_TRIES):
            try:
                return enlist(watch, event, desired, patient=patient, alone=alone)
            except ClaimGone:
                watch.look(event.owner, patient=patient)
        raise NotStabilized(f"Someone keeps taking this resource's tags off {watch.log_group.arn}")

    def _fate_of(self, name: str, desired: Desired, decision: Apply) -> Fate:
        taken_from = decision.claim.taken_from
        if not decision.associate:
            inherited = taken_from not in (None, desired.owner) and not taken_from.is_command_line
            return self.met(
                name, Fate.INHERITED if inherited else Fate.TAKEN_OVER, taken_from.text if taken_from else ""
            )
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
