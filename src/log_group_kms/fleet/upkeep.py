"""Upkeep: enrolment and reconciliation keep a fleet whole between two events of CloudFormation.

Enrolment brings in a log group when it is created; reconciliation finds what that missed, and what was changed by hand.
Both act for the fleet, by the same rules and in its name, so that the fleet's Delete gives back what they associate.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.fleet.checkpoint import CLAIMED, Checkpoint, Fate
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.model.errors import ClaimLost, OutOfTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from log_group_kms.association.context import Context
    from log_group_kms.fleet.plan import Planned
    from log_group_kms.model.results import Outcome
    from log_group_kms.model.targets import Fleet, LogGroup

#: Lambda ends a chain of some 16 invocations. What is left then waits for the next schedule; nothing is lost.
MOST_HOPS: Final = 12


@dataclass(frozen=True, slots=True)
class Enrol:
    """A log group was created."""

    log_group: LogGroup


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Look through the whole fleet.

    Attributes:
        dry_run: whether to report only what would be done.
        checkpoint: how far the invocations before came.
        hops: how many these were.
    """

    dry_run: bool = False
    checkpoint: Checkpoint | None = None
    hops: int = 0

    def further(self, checkpoint: Checkpoint) -> dict[str, object]:
        """The event of the next invocation."""
        return {"Reconcile": True, "Progress": checkpoint.as_json(), "Hops": self.hops + 1}


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Acts for one fleet.

    Attributes:
        work: the ports.
        fleet: which log groups.
        event: what the fleet wants.
        is_alive: whether the fleet is still there. Its Delete may have passed by since this event was sent: Lambda
            keeps events for hours.
        saw: see `FleetRules`.
    """

    context: Context
    fleet: Fleet
    event: Ensure
    is_alive: Callable[[], bool]
    saw: Callable[[str, Fate, str], None]

    def enrol(self, log_group: LogGroup) -> Fate:
        """Bring one log group in.

        Raises:
            ProviderError: it could not be done; see `errors`.
        """
        if not self.is_alive():
            # An earlier delivery may have claimed it after the fleet's Delete had passed by.
            return self._rules().give_back(self._undoing, log_group)
        try:
            fate = self._rules().enrol(self.event, log_group)
        except ClaimLost:
            if self.is_alive():
                raise
            fate = Fate.ASSOCIATED
        if fate in CLAIMED and not self.is_alive():
            return self._rules().give_back(self._undoing, log_group)
        return fate

    def reconcile(self, checkpoint: Checkpoint | None) -> Outcome | Checkpoint:
        """Bring all in that is not; `Checkpoint` where a further invocation must go on.

        Raises:
            ProviderError: it could not be done; see `errors`. ClaimLost where the fleet's Delete has begun: that gives
                back what was associated.
        """
        if not self.is_alive():
            more = "more " if checkpoint and checkpoint.claimed else ""
            raise ClaimLost(f"The fleet is being deleted, or is not there yet: nothing {more}was changed")
        return self._rules(checkpoint).ensure(self.event)

    def plan(self) -> Iterator[Planned]:
        """Yield what `reconcile` would do.

        Raises:
            ProviderError: a log group could not be read.
        """
        return self._rules().plan(self.event)

    def _rules(self, progress: Checkpoint | None = None) -> FleetRules:
        return FleetRules(self.context, self.fleet, progress, self.saw, is_alive=self.is_alive)

    @property
    def _undoing(self) -> Remove:
        """The same request as the fleet's own Delete, which may have passed by already."""
        return Remove.of(self.event.owner, self.event.association)


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of a dry run: what a reconciliation would do.

    Attributes:
        counts: how many log groups would meet which action.
        complete: whether there was time for all.
    """

    counts: Mapping[str, int]
    complete: bool

    @classmethod
    def of(cls, planned: Iterator[Planned], saw: Callable[[Planned], None]) -> Summary:
        """Count *planned*, and pass each on to *saw*."""
        counts: Counter[str] = Counter()
        with suppress(OutOfTime):
            for one in planned:
                counts[one.action] += 1
                saw(one)
            return cls(dict(counts), complete=True)
        return cls(dict(counts), complete=False)
