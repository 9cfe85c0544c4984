"""One invocation's work on a fleet: what the rules do it with, from the listing to the triage of errors."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from log_group_kms.fleet.checkpoint import Checkpoint, Ending, Fate, Phase
from log_group_kms.fleet.cutoff import Cutoff
from log_group_kms.fleet.enlistment import Enlistment
from log_group_kms.fleet.lookouts import NO_MARKS, Found, Lease, Lookouts
from log_group_kms.fleet.pages import PageRunner
from log_group_kms.fleet.reader import FleetReader
from log_group_kms.fleet.triage import Triage
from log_group_kms.fleet.visits import Visits
from log_group_kms.retry.policies import FLEET
from log_group_kms.retry.rate_limits import AdaptiveRateLimiter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from log_group_kms.association.requests import Ensure, Remove
    from log_group_kms.fleet.checkpoint import Visit
    from log_group_kms.fleet.rules import FleetRules
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.targets import LogGroup

#: Seconds that a Delete spends at most on reading log groups that ListLogGroups does not show as its own.
_READING: Final = 2000.0


class FleetRun:
    """One invocation's work on a fleet: its parts, each of which owns its own state.

    Args:
        rules: the fleet, and the event's way to AWS.
        owner: whose claims and marks they are.
        event: what asks for an association; None where one is to end, or one log group is enrolled.
    """

    def __init__(self, rules: FleetRules, owner: Owner, event: Ensure | None = None) -> None:
        context = rules.context.under(rules.context.retrier.under(FLEET))
        clock, limits = context.retrier.clock, context.rate_limits
        self._rules = rules
        self._owner = owner
        self._cutoff = Cutoff(context.retrier)
        until = self._cutoff.deadline
        turns = AdaptiveRateLimiter(clock, limits.log_groups, until, on_refusal=rules.throttled)
        self.reader = FleetReader(
            rules.fleet, context.logs, reads=turns, pages=AdaptiveRateLimiter(clock, limits.pages, until)
        )
        self.lookouts = Lookouts(self.reader, owner, context.protected)
        self._lease = Lease(self.lookouts, event, rules.is_alive) if event else None
        self.triage = Triage(context.keys, self._cutoff, enrolling=event is None or event.enrolling)
        self._stopped = threading.Event()
        self._claimed: frozenset[str] | None = None
        self._found: Found | None = None
        self.visits = Visits(
            context, rules.fleet, turns, self._lease, Enlistment(rules.saw), self.triage, self._stopped
        )

    @property
    def lease(self) -> Lease:
        """The right to change log groups, of a run that has an event."""
        return cast("Lease", self._lease)

    def fence(self, event: Remove, progress: Checkpoint | None) -> Checkpoint:
        """Stop a Create of the fleet that may be at work, and return the beginning of its Delete.

        Where the invocation before has done so, *progress* is how far it came; what the marks tell is read again.

        Raises:
            OutOfTime: there is no time for that.
        """
        if progress:
            found = self._found = self.lookouts.read()
            undoing = found.unfinished or event.cancels
            return replace(progress, undoing=undoing, begin=self._begin(event, found))
        self._claimed = self.reader.claimed(event.owner.tag_values)
        phase = Phase.RELEASE_CLAIMED if self._claimed else Phase.RELEASE
        if event.owner.is_command_line:
            return Checkpoint(phase)
        found = self._found = self.lookouts.read()
        if found.at_work or event.cancels:
            self.lookouts.cancel(event)
            phase = Phase.RELEASE
        return Checkpoint(phase, undoing=found.unfinished or event.cancels, begin=self._begin(event, found))

    def clear_marks(self) -> None:
        """Take the marks off that `fence` has found."""
        if self._found and self._found != NO_MARKS:
            self.lookouts.clear()

    def _begin(self, event: Remove, found: Found) -> str:
        """Return the name before which a Delete that had to give up has given all back.

        Anybody may have written that note: where ListLogGroups shows claims before that name, it counts for nothing.
        """
        if not found.begin:
            return ""
        if self._claimed is None:
            self._claimed = self.reader.claimed(event.owner.tag_values)
        return "" if min(self._claimed or (), default=found.begin) < found.begin else found.begin

    def releasing(self, event: Remove, checkpoint: Checkpoint) -> Visit:
        """Return what is done with each log group in this phase of a Delete."""
        if checkpoint.phase in (Phase.RELEASE_CLAIMED, Phase.RELEASE_REST):
            key = self._rules.context.keys.known(event.former_key)
            if checkpoint.phase is Phase.RELEASE_REST:
                return partial(self.visits.release_rest, event, key=key, undoing=checkpoint.undoing)
            if self._claimed is None:
                self._claimed = self.reader.claimed(event.owner.tag_values) or frozenset()
            visit = self.visits.release_claimed
            return partial(visit, event, claimed=self._claimed, key=key, undoing=checkpoint.undoing)
        patient = checkpoint.phase is Phase.RELEASE_BUSY
        return partial(self.visits.release, event, patient=patient, undoing=checkpoint.undoing, begin=checkpoint.begin)

    def next_to_release(self, checkpoint: Checkpoint) -> Phase:
        """Return the phase of a Delete that follows.

        How soon ListLogGroups shows a tag is not known. So what it does not show, but is under the key, is read, too,
        unless that takes far too long.
        """
        most = self._rules.context.rate_limits.log_groups * _READING
        match checkpoint.phase:
            case Phase.RELEASE_CLAIMED if 0 < checkpoint.counts.unread <= most:
                return Phase.RELEASE_REST
            case Phase.RELEASE_CLAIMED | Phase.RELEASE_REST | Phase.RELEASE if checkpoint.counts.busy:
                return Phase.RELEASE_BUSY
            case _:
                return Phase.DONE

    def make_pass(self, checkpoint: Checkpoint, visit: Visit) -> tuple[Checkpoint, Ending]:
        """Go over all pages from the *checkpoint* on.

        Raises:
            ProviderError: with a note of the counts so far.
        """
        self.triage.begin(checkpoint)
        pages = PageRunner(
            self._cutoff,
            self._rules.context.rate_limits.workers,
            stopped=self._stopped,
            triage=self.triage,
            page=self.reader.page,
            late=partial(self._late, checkpoint.wanted_key),
            confirm=partial(self._confirm, checkpoint.wanted_key),
        )
        checkpoint, ending = pages.run(checkpoint, visit)
        return replace(checkpoint, refused=self.triage.refused), ending

    def check_refused(self, event: Ensure, checkpoint: Checkpoint) -> None:
        """See that a template, or the account, can do with what AWS refused.

        Raises:
            ProviderError: OnRefusedLogGroup says Fail, or there is nothing but what AWS refused.
        """
        counts = checkpoint.counts
        if counts.refused and (event.association.fails_on_refused or not (counts.changed or counts.compliant > 0)):
            raise self.triage.failure(self._rules.fleet, checkpoint)

    def check_given_back(self, checkpoint: Checkpoint) -> None:
        """See that all is given back that was this fleet's.

        Raises:
            ProviderError: AWS refused some of it.
        """
        if checkpoint.refused:
            raise self.triage.failure(self._rules.fleet, checkpoint)

    def _late(self, key: KeyArn | None, token: str, names: Iterable[str]) -> list[str]:
        """Return those of these *names* that their page does not show under the *key* yet."""
        shown = {listed.name: listed.key for listed in self.reader.page(token).log_groups}
        return [name for name in names if shown.get(name) != key]

    def _confirm(self, key: KeyArn | None, name: str) -> Fate | None:
        """Read the log group of this *name* back; return its fate, or None where it is as it was left."""
        # Only what was put under a key is read back, and that is no reserved log group.
        group, wanted = cast("LogGroup", self._rules.fleet.log_group(name)), cast("KeyArn", key)
        fate = self.visits.confirm(group, self._owner, wanted)
        return None if fate is Fate.ASSOCIATED else fate
