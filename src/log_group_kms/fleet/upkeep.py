"""Upkeep: enrolment and reconciliation keep a fleet whole between two events of CloudFormation.

Enrolment brings in a log group when it is created, and back when someone changed its key or its claim; reconciliation
finds what that missed.
Both act for the fleet, by the same rules and in its name, so that the fleet's Delete gives back what they associate.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.fleet.checkpoint import CHANGED, CLAIMED, Checkpoint, Fate
from log_group_kms.fleet.rounds import MOST_ROUNDS, Rounds
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.model.errors import ClaimLost, OutOfTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from log_group_kms.association.context import Context
    from log_group_kms.fleet.checkpoint import Counts
    from log_group_kms.fleet.plan import Planned
    from log_group_kms.model.results import Outcome
    from log_group_kms.model.targets import Fleet, LogGroup

#: Lambda ends a chain of some 16 invocations. What is left then waits for the next schedule; nothing is lost.
MOST_HOPS: Final = 12


@dataclass(frozen=True, slots=True)
class Enrol:
    """A log group was created, or its key or its claim was changed.

    Attributes:
        log_group: which.
        changed_by: who changed it, as CloudTrail names him; empty where it was created, or given back.
    """

    log_group: LogGroup
    changed_by: str = ""


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
        counted: receives the counts of a reconciliation that has looked through the whole fleet.
        throttled: see `FleetRules`.
        most_rounds: see `rounds`.
    """

    context: Context
    fleet: Fleet
    event: Ensure
    is_alive: Callable[[], bool]
    saw: Callable[[str, Fate, str], None]
    counted: Callable[[Counts], None] = lambda _: None
    throttled: Callable[[], None] = lambda: None
    most_rounds: int = MOST_ROUNDS

    def enrol(self, log_group: LogGroup, changed_by: str = "") -> Fate:
        """Bring one log group in, or back after somebody has changed it.

        Raises:
            ProviderError: it could not be done; see `errors`.
        """
        if not self.is_alive():
            # An earlier delivery may have claimed it after the fleet's Delete had passed by.
            return self._rules().give_back(self._undoing, log_group)
        rounds = Rounds(self.context, self.event, self.most_rounds)
        if changed_by and self._covers(log_group) and not rounds.begin(log_group):
            self.saw(log_group.name.text, Fate.TUG_OF_WAR, f"last changed by {changed_by}")
            return Fate.TUG_OF_WAR
        try:
            fate = self._rules(changed_by=changed_by).enrol(self.event, log_group)
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

    def _covers(self, log_group: LogGroup) -> bool:
        name = log_group.name.text
        left_alone = self.event.association.exclude.cover(name) or self.context.protected.cover(name)
        return name.startswith(self.fleet.prefix) and not left_alone

    def _rules(self, progress: Checkpoint | None = None, changed_by: str = "") -> FleetRules:
        def saw(name: str, fate: Fate, why: str) -> None:
            by = f"changed by {changed_by}" if changed_by and fate in CHANGED else ""
            self.saw(name, fate, "; ".join(filter(None, (why, by))))

        return FleetRules(self.context, self.fleet, progress, saw, self.throttled, self.is_alive, self.counted)

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
