"""The fleet: every log group whose name begins so.

The pages are gone over in passes: look, change, come back to what was busy, confirm. What has the wanted key already
is passed over: a listing shows that, 50 at a time. Where a Delete passed by (`sentinels`), all that carries this
fleet's tag is given back.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

from log_group_kms.association.requests import Remove
from log_group_kms.association.trail import Footprint
from log_group_kms.fleet.checkpoint import Checkpoint, Ending, Fate, Phase
from log_group_kms.fleet.cutoff import Cutoff
from log_group_kms.fleet.enlistment import Enlistment, Fates, log_fate
from log_group_kms.fleet.pages import PageRunner
from log_group_kms.fleet.plan import Action, Planned, action_for
from log_group_kms.fleet.reader import FleetReader
from log_group_kms.fleet.sentinels import Purpose, Sentinels, lost_fleet
from log_group_kms.fleet.triage import Triage
from log_group_kms.fleet.visits import Visits
from log_group_kms.model.errors import ClaimLost, NotFound, ProviderError
from log_group_kms.model.results import Observed, Outcome
from log_group_kms.retry.policies import FLEET
from log_group_kms.retry.rate_limits import AdaptiveRateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from log_group_kms.association.context import Context
    from log_group_kms.association.decision import Desired
    from log_group_kms.association.requests import Ensure
    from log_group_kms.fleet.checkpoint import Visit
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.results import Listed
    from log_group_kms.model.targets import Fleet, LogGroup


@dataclass(frozen=True, slots=True)
class FleetRules:
    """The rules for a fleet.

    Attributes:
        context: the event's way to AWS.
        fleet: which log groups.
        progress: how far the invocations before came; None for the first.
        saw: receives name, fate and reason of each log group that is changed or skipped.
        throttled: is called for each change that AWS throttled.
        is_alive: returns whether no Delete of the fleet has begun yet; None where only the claims show it.
    """

    context: Context
    fleet: Fleet
    progress: Checkpoint | None = None
    saw: Callable[[str, Fate, str], None] = log_fate
    throttled: Callable[[], None] = lambda: None
    is_alive: Callable[[], bool] | None = None

    def ensure(self, event: Ensure) -> Outcome | Checkpoint:
        """Make the association so; `Checkpoint` where a further invocation must go on.

        Raises:
            ProviderError: it could not be done; see `errors`. A note holds the counts.
        """
        if event.creating:
            # An earlier delivery of this event may have claimed.
            self.context.trail.leave(Footprint.PERHAPS)
        checkpoint = self.progress or self._first_checkpoint(event)
        if checkpoint.claimed:
            self.context.trail.leave(Footprint.CLAIMED)
        run = self._run(event)
        while checkpoint.phase is not Phase.DONE:
            checkpoint, ending = self._pass(run, event, checkpoint)
            if ending is Ending.UNFINISHED:
                return checkpoint
            checkpoint = checkpoint.then(_next(checkpoint, ending, event))
        counts = checkpoint.counts
        return Outcome(
            self.fleet,
            checkpoint.wanted_key,
            associated=counts.changed,
            # What was counted as changed on a page and is gone when the page is seen again leaves less than none.
            compliant=max(0, counts.compliant),
            skipped=counts.skipped,
            note=checkpoint.summary if counts.skipped or counts.unrestored else "",
            settling=bool(counts.changed),
            sentinels=checkpoint.sentinels,
        )

    def remove(self, event: Remove) -> Outcome | Checkpoint:
        """Give back what the owner of *event* owns, no more; `Checkpoint` where a further invocation must go on.

        Raises:
            ProviderError: AWS refused for good. A note holds the counts.
        """
        checkpoint = self.progress or Checkpoint(Phase.RELEASE)
        # What has no tags is none of a fleet's.
        event = replace(event, minted=False)
        run = FleetRun(self, Purpose(event.owner))
        while checkpoint.phase is not Phase.DONE:
            patient = checkpoint.phase is Phase.RELEASE_BUSY
            checkpoint, ending = run.make_pass(checkpoint, partial(run.visits.release, event, patient=patient))
            if ending is Ending.UNFINISHED:
                return checkpoint
            checkpoint = checkpoint.then(Phase.RELEASE_BUSY if checkpoint.counts.busy and not patient else Phase.DONE)
        counts = checkpoint.counts
        given_back = counts.released + counts.unrestored
        return Outcome(self.fleet, None, associated=given_back, note=checkpoint.summary)

    def check_claim(self, event: Ensure) -> None:
        """See that the claims on the sentinels of *progress* still stand.

        Others than the sentinels may still be claimed where they do not: their Delete has to come.

        Raises:
            ClaimLost: a Delete passed by.
        """
        self._run(event).sentinels.check(self.progress or Checkpoint(Phase.DONE))

    def enrol(self, event: Ensure, log_group: LogGroup) -> Fate:
        """Bring in one log group, if it belongs to the fleet.

        Raises:
            ProviderError: it could not be done; see `errors`.
        """
        name = log_group.name.text
        if not name.startswith(self.fleet.prefix) or event.association.exclude.cover(name):
            return Fate.PASSED
        if self.context.protected.cover(name):
            self.saw(name, Fate.PROTECTED, "")
            return Fate.PROTECTED
        desired = event.desired(self.context.keys.resolve(event.association.key))
        return self._run(event).visits.enrol(log_group, event, desired)

    def give_back(self, event: Remove, log_group: LogGroup) -> Fate:
        """Give back one log group, if the owner of *event* owns it.

        Raises:
            ProviderError: AWS refused for good.
        """
        run = FleetRun(self, Purpose(event.owner))
        fate = run.visits.give_back(log_group, event, patient=True)
        run.triage.raise_first()
        return fate

    def plan(self, event: Ensure) -> Iterator[Planned]:
        """Yield what `ensure` would do with each log group, from the listing and the claims; change nothing.

        Raises:
            ProviderError: a log group could not be read.
        """
        desired = event.desired(self.context.keys.resolve(event.association.key))
        reader = FleetRun(self, Purpose(event.owner)).reader
        for listed in reader.every_page():
            if self.context.protected.cover(listed.name) and not event.association.exclude.cover(listed.name):
                yield Planned(listed.name, Action.PROTECTED, listed.key)
            else:
                yield _planned(reader, event, desired, listed)

    def _run(self, event: Ensure) -> FleetRun:
        purpose = Purpose(event.owner, may_undo=event.may_undo, enrolling=event.enrolling, retains=event.retains)
        return FleetRun(self, purpose)

    def _first_checkpoint(self, event: Ensure) -> Checkpoint:
        phase = Phase.LOOK if event.association.looks_first else Phase.CHANGE
        return Checkpoint(phase, self.context.keys.resolve(event.association.key).text)

    def _pass(self, run: FleetRun, event: Ensure, checkpoint: Checkpoint) -> tuple[Checkpoint, Ending]:
        visits = run.visits
        match checkpoint.phase:
            case Phase.CONFIRM:
                return checkpoint, run.ask_sentinels(checkpoint)
            case Phase.UNDO:
                return run.make_pass(checkpoint, partial(visits.release, _undoing(event), patient=True))
            case Phase.RELEASE_ABANDONED if abandoned := event.abandoned:
                # `_next` chooses this phase for a fleet alone.
                fleet = cast("Fleet", abandoned.target)
                former = FleetRun(replace(self, fleet=fleet), Purpose(abandoned.owner))
                return former.make_pass(checkpoint, partial(former.visits.release, abandoned, patient=True))
        desired = event.desired(checkpoint.resolved_key)
        if checkpoint.phase is Phase.LOOK:
            return run.make_pass(checkpoint, partial(visits.look, event, desired))
        patient = checkpoint.phase is Phase.CHANGE_BUSY
        return run.make_pass(checkpoint, partial(visits.change, event, desired, patient=patient))


class FleetRun:
    """One invocation's work on a fleet: its parts, each of which owns its own state.

    Args:
        rules: the fleet, and the event's way to AWS.
        purpose: what the run is for.
    """

    def __init__(self, rules: FleetRules, purpose: Purpose) -> None:
        context = rules.context.under(rules.context.retrier.under(FLEET))
        clock, limits = context.retrier.clock, context.rate_limits
        self._rules = rules
        self._purpose = purpose
        self._cutoff = Cutoff(context.retrier)
        until = self._cutoff.deadline
        self.reader = FleetReader(
            rules.fleet,
            context.logs,
            reads=AdaptiveRateLimiter(clock, limits.reads, until),
            pages=AdaptiveRateLimiter(clock, limits.pages, until),
        )
        self.sentinels = Sentinels(self.reader, purpose, rules.is_alive)
        self.triage = Triage(context.keys, self._cutoff, enrolling=purpose.enrolling)
        self._stopped = threading.Event()
        changes = AdaptiveRateLimiter(clock, limits.changes, until, on_refusal=rules.throttled)
        enlistment = Enlistment(self.sentinels, Fates(rules.saw))
        self.visits = Visits(context, self.reader, changes, enlistment, self.triage, self._stopped)

    def make_pass(self, checkpoint: Checkpoint, visit: Visit) -> tuple[Checkpoint, Ending]:
        """Go over all pages from the *checkpoint* on; what AWS refused is raised when all others are done.

        Raises:
            ProviderError: with a note of the counts so far.
        """
        self.sentinels.begin(checkpoint)
        self.triage.begin(checkpoint)
        pages = PageRunner(
            self._cutoff,
            self._rules.context.rate_limits.workers,
            stopped=self._stopped,
            triage=self.triage,
            page=self.reader.page,
            before_changes=self.sentinels.check,
            confirm=partial(self._confirm, checkpoint.wanted_key),
        )
        checkpoint, ending = pages.run(checkpoint, visit)
        checkpoint = replace(checkpoint, refused=self.triage.refused)
        if checkpoint.refused and ending is Ending.COMPLETE:
            raise self.triage.failure(self._rules.fleet, checkpoint)
        return checkpoint, ending

    def ask_sentinels(self, checkpoint: Checkpoint) -> Ending:
        """Return how a pass has ended that came to all pages."""
        try:
            self.sentinels.check(checkpoint)
        except ClaimLost:
            return Ending.LOST
        except ProviderError as failure:
            if not self._cutoff.cut_short(failure):
                raise
            return Ending.UNFINISHED
        return Ending.COMPLETE

    def _confirm(self, key: KeyArn | None, token: str, names: Iterable[str]) -> dict[str, Fate]:
        """Read the log groups of these *names* back, by the page alone where that shows the key.

        Returns:
            The fates of those that are not as they were left.
        """
        shown = {listed.name: listed.key for listed in self.reader.page(token).log_groups}
        late = [name for name in names if shown.get(name) != key]
        groups = filter(None, map(self._rules.fleet.log_group, late))
        if key is None:
            return {group.name.text: Fate.PASSED for group in groups}
        fates = {group.name.text: self.visits.confirm(group, self._purpose.owner, key) for group in groups}
        return {name: fate for name, fate in fates.items() if fate is not Fate.ASSOCIATED}


def _planned(reader: FleetReader, event: Ensure, desired: Desired, listed: Listed) -> Planned:
    group = reader.fleet.log_group(listed.name)
    if event.association.exclude.cover(listed.name):
        return Planned(listed.name, Action.EXCLUDED, listed.key)
    if group is None:
        return Planned(listed.name, Action.RESERVED, listed.key)
    if listed.key == desired.key and not event.new_target:
        return Planned(listed.name, Action.COMPLIANT, listed.key)
    try:
        claim = reader.claim_on(group)
    except NotFound:
        return Planned(listed.name, Action.EXCLUDED, listed.key)
    action = action_for(Observed(listed.key, claim), desired)
    return Planned(listed.name, action, listed.key, claim.owner if claim else None)


def _undoing(event: Ensure) -> Remove:
    """Return what undoes *event*: as the Delete that passed by did; a failed Create leaves what was there before."""
    removing = Remove.of(event.owner, event.association)
    return removing if event.enrolling else removing.restoring()


def _next(checkpoint: Checkpoint, ending: Ending, event: Ensure) -> Phase:
    """Return the phase that follows.

    Raises:
        ClaimLost: what was to be undone is.
    """
    arn = event.association.target.arn
    if ending is Ending.LOST and not event.may_undo:
        raise ClaimLost(f"Someone keeps taking this resource's claims off log groups of {arn}")
    if ending is Ending.LOST and checkpoint.phase is not Phase.UNDO:
        return Phase.UNDO
    match checkpoint.phase:
        case Phase.LOOK:
            return Phase.CHANGE
        case Phase.CHANGE if checkpoint.counts.busy:
            return Phase.CHANGE_BUSY
        case Phase.CHANGE | Phase.CHANGE_BUSY:
            return Phase.CONFIRM
        case Phase.CONFIRM if event.abandoned and event.abandoned.target.many:
            return Phase.RELEASE_ABANDONED
        case Phase.UNDO:
            lost = lost_fleet(arn)
            lost.add_note(f"(what it had associated was given back). {checkpoint.summary}")
            raise lost
        case _:
            return Phase.DONE
