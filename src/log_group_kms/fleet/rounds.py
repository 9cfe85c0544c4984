"""Rounds: how often a log group was put back under the key that someone else keeps changing.

Two tools that both mend what the other one does go on for ever, a few seconds a round. So each round is counted in a
tag of the log group before it is made, which no restart forgets, and after so many within an hour the other one has
its way. A reconciliation does not count: it comes on its own schedule.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from log_group_kms.fleet.plan import Action, action_for
from log_group_kms.model.errors import NotFound
from log_group_kms.model.ownership import Marks
from log_group_kms.model.results import Observed
from log_group_kms.retry.policies import FLEET

if TYPE_CHECKING:
    from log_group_kms.association.context import Context
    from log_group_kms.association.requests import Ensure
    from log_group_kms.model.targets import LogGroup

#: Rounds an hour where nobody says: one for a mistake, one for the same mistake again, one to be sure.
MOST_ROUNDS: Final = 3
#: Seconds from the first round on in which the others count.
HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Rounds:
    """Counts the rounds over log groups of one fleet.

    Attributes:
        context: the ports.
        event: what the fleet wants.
        most: how many rounds are made within an hour.
    """

    context: Context
    event: Ensure
    most: int

    def begin(self, log_group: LogGroup) -> bool:
        """Count a round that begins, where one is needed; return False where there have been enough.

        Raises:
            ProviderError: AWS refused; then no round is made either.
        """
        with suppress(NotFound):
            if self._is_needed(log_group):
                return self._count(log_group)
        return True

    def _is_needed(self, log_group: LogGroup) -> bool:
        """Return whether the fleet would change the key."""
        logs = self._context.logs
        desired = self.event.desired(self._context.keys.resolve(self.event.association.key), self._now)
        key = logs.key_of(log_group)
        if key == desired.key:
            return False
        return action_for(Observed(key, logs.claim_on(log_group)), desired) in (Action.ASSOCIATE, Action.REKEY)

    def _count(self, log_group: LogGroup) -> bool:
        logs, owner = self._context.logs, self.event.owner
        before = logs.marks_on(log_group, owner)
        began, rounds = before.mended_at, before.mended
        if began is None or not 0 <= self._now - began < HOUR:
            began, rounds = self._now, 0
        if rounds >= self.most:
            return False
        logs.write_marks(log_group, owner, Marks(mended_at=began, mended=rounds + 1))
        return True

    @property
    def _now(self) -> float:
        return self.context.retrier.clock.now()

    @property
    def _context(self) -> Context:
        return self.context.under(self.context.retrier.under(FLEET))
