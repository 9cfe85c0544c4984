"""The fleet: every log group whose name begins so.

The pages are gone over in passes: look, change, come back to what was busy, take over. What has the wanted key already
is passed over: a listing shows that, 50 at a time. Where the fleet's Delete has begun (`lookouts`), nothing more is
changed: that Delete gives back all that carries this fleet's tag.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from log_group_kms.association.requests import Remove
from log_group_kms.association.trail import Footprint
from log_group_kms.fleet.checkpoint import Checkpoint, Ending, Fate, Phase
from log_group_kms.fleet.enlistment import log_fate
from log_group_kms.fleet.lookouts import lost_fleet
from log_group_kms.fleet.plan import Action, Planned, action_for
from log_group_kms.fleet.run import FleetRun
from log_group_kms.fleet.visits import follows
from log_group_kms.model.errors import ClaimLost, NotFound, OutOfTime, ProviderError
from log_group_kms.model.results import Observed, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_group_kms.association.context import Context
    from log_group_kms.association.decision import Desired
    from log_group_kms.association.requests import Ensure
    from log_group_kms.fleet.checkpoint import Counts
    from log_group_kms.fleet.reader import FleetReader
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.results import Listed
    from log_group_kms.model.targets import Fleet, LogGroup

#: More log groups than that are not read one by one where ListLogGroups tells which ones come in question.
_READ_ANYWAY: Final = 500
_NOT_TAKEN_OVER: Final = (
    "There was no time to see what log-group-kms apply holds of them: what it does, log-group-kms release gives back"
)


@dataclass(frozen=True, slots=True)
class FleetRules:
    """The rules for a fleet.

    Attributes:
        context: the event's way to AWS.
        fleet: which log groups.
        progress: how far the invocations before came; None for the first.
        saw: receives name, fate and reason of each log group that is changed, skipped or refused.
        throttled: is called for each call that AWS throttled.
        is_alive: returns whether no Delete of the fleet has begun yet; None where only its marks show it.
        counted: receives the counts of an association that has gone over the whole fleet.
    """

    context: Context
    fleet: Fleet
    progress: Checkpoint | None = None
    saw: Callable[[str, Fate, str], None] = log_fate
    throttled: Callable[[], None] = lambda: None
    is_alive: Callable[[], bool] | None = None
    counted: Callable[[Counts], None] = lambda _: None

    def ensure(self, event: Ensure) -> Outcome | Checkpoint:
        """Make the association so; `Checkpoint` where a further invocation must go on.

        Raises:
            ProviderError: it could not be done; see `errors`. A note holds the counts.
        """
        if event.creating:
            # An earlier delivery of this event may have claimed.
            self.context.trail.leave(Footprint.PERHAPS)
        checkpoint = self._first_checkpoint(event)
        if self.progress and self.progress.key == checkpoint.key:
            # An alias may mean another key by now, and then all begins anew.
            checkpoint = self.progress
        if checkpoint.claimed:
            self.context.trail.leave(Footprint.CLAIMED)
        run = FleetRun(self, event.owner, event)
        run.lease.begin(checkpoint)
        try:
            while checkpoint.phase is not Phase.DONE:
                checkpoint, ending = self._pass(run, event, checkpoint)
                if ending is Ending.UNFINISHED:
                    return replace(checkpoint, lookout=run.lease.lookout)
                checkpoint = checkpoint.then(_next(checkpoint, event))
            self.counted(checkpoint.counts)
            run.check_refused(event, checkpoint)
        except ClaimLost:
            # Its Delete reads the mark.
            raise
        except ProviderError:
            run.lease.end(failed=True)
            raise
        run.lease.end(failed=False)
        return _outcome(self.fleet, checkpoint)

    def remove(self, event: Remove) -> Outcome | Checkpoint:
        """Give back what the owner of *event* owns, no more; `Checkpoint` where a further invocation must go on.

        Raises:
            ProviderError: AWS refused for good. A note holds the counts.
        """
        # What has no tags is none of a fleet's.
        event = replace(event, minted=False)
        run = FleetRun(self, event.owner)
        try:
            checkpoint = run.fence(event, self.progress)
        except OutOfTime:
            return Checkpoint(Phase.RELEASE)
        while checkpoint.phase is not Phase.DONE:
            checkpoint, ending = run.make_pass(checkpoint, run.releasing(event, checkpoint))
            if ending is Ending.UNFINISHED:
                return checkpoint
            checkpoint = checkpoint.then(run.next_to_release(checkpoint))
        run.check_given_back(checkpoint)
        run.clear_marks()
        counts = checkpoint.counts
        given_back = counts.released + counts.unrestored
        return Outcome(self.fleet, None, associated=given_back, refused=counts.refused, note=checkpoint.summary)

    def give_up(self, event: Ensure | Remove, checkpoint: Checkpoint) -> Outcome:
        """End *event* where there is no time to go on from *checkpoint*.

        Raises:
            OutOfTime: it is not as good as done; with what to do.
        """
        if isinstance(event, Remove):
            if checkpoint.phase is Phase.RELEASE and checkpoint.reached:
                FleetRun(self, event.owner).lookouts.note_released(checkpoint.reached)
            raise OutOfTime(
                f"There is no time to give back more. {checkpoint.summary} Delete it again: that goes on from here"
            )
        run = FleetRun(self, event.owner, event)
        run.lease.begin(checkpoint)
        if checkpoint.phase is Phase.TAKE_OVER and not checkpoint.inherits:
            run.lease.end(failed=False)
            outcome = _outcome(self.fleet, checkpoint)
            return replace(outcome, note=f"{outcome.note} {_NOT_TAKEN_OVER}".strip())
        raise OutOfTime(
            f"ServiceTimeout is too near to go on. {checkpoint.summary} "
            "Use a longer ServiceTimeout (3600 at most) or narrower prefixes, or associate most of them beforehand "
            "with log-group-kms apply"
        )

    def check_claim(self, event: Ensure) -> None:
        """See, after a long wait, that no Delete has begun.

        Raises:
            ClaimLost: one has.
        """
        run = FleetRun(self, event.owner, event)
        if event.may_undo and event.sent_at is not None and run.lookouts.cancelled_after(event.sent_at):
            raise lost_fleet(self.fleet.arn)

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
        desired = self._desired(event, self.context.keys.resolve(event.association.key))
        return FleetRun(self, event.owner).visits.enrol(log_group, event, desired)

    def give_back(self, event: Remove, log_group: LogGroup) -> Fate:
        """Give back one log group, if the owner of *event* owns it.

        Raises:
            ProviderError: AWS refused for good.
        """
        run = FleetRun(self, event.owner)
        fate = run.visits.give_back(log_group, event, patient=True)
        run.triage.raise_first()
        return fate

    def plan(self, event: Ensure) -> Iterator[Planned]:
        """Yield what `ensure` would do with each log group, from the listing and the claims; change nothing.

        Raises:
            ProviderError: a log group could not be read.
        """
        desired = self._desired(event, self.context.keys.resolve(event.association.key))
        reader = FleetRun(self, event.owner).reader
        for listed in reader.every_page():
            if self.context.protected.cover(listed.name) and not event.association.exclude.cover(listed.name):
                yield Planned(listed.name, Action.PROTECTED, listed.key)
            else:
                yield _planned(reader, event, desired, listed)

    def _desired(self, event: Ensure, key: KeyArn) -> Desired:
        return event.desired(key, self.context.retrier.clock.now())

    def _first_checkpoint(self, event: Ensure) -> Checkpoint:
        phase = Phase.LOOK if event.association.looks_first else Phase.CHANGE
        return Checkpoint(phase, self.context.keys.resolve(event.association.key).text)

    def _pass(self, run: FleetRun, event: Ensure, checkpoint: Checkpoint) -> tuple[Checkpoint, Ending]:
        visits, desired = run.visits, self._desired(event, checkpoint.resolved_key)
        match checkpoint.phase:
            case Phase.LOOK:
                return run.make_pass(checkpoint, partial(visits.look, event, desired))
            case Phase.TAKE_OVER:
                many = checkpoint.counts.changed + checkpoint.counts.compliant > _READ_ANYWAY
                claimed = run.reader.claimed(event.owner.before_tag_values) if many else None
                return run.make_pass(checkpoint, partial(visits.take_over, event, desired, claimed=claimed))
            case Phase.RELEASE_ABANDONED if abandoned := event.abandoned:
                # `_next` chooses this phase for a fleet alone.
                fleet = cast("Fleet", abandoned.target)
                former = FleetRun(replace(self, fleet=fleet), abandoned.owner)
                return former.make_pass(checkpoint, partial(former.visits.release, abandoned, patient=True))
        patient = checkpoint.phase is Phase.CHANGE_BUSY
        return run.make_pass(checkpoint, partial(visits.change, event, desired, patient=patient))


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


def _outcome(fleet: Fleet, checkpoint: Checkpoint) -> Outcome:
    counts = checkpoint.counts
    return Outcome(
        fleet,
        checkpoint.wanted_key,
        associated=counts.changed,
        # What was counted as changed on a page and is gone when the page is seen again leaves less than none.
        compliant=max(0, counts.compliant),
        skipped=counts.skipped,
        refused=counts.refused,
        note=checkpoint.summary if counts.skipped or counts.unrestored or counts.refused else "",
        settling=bool(counts.changed),
    )


def _next(checkpoint: Checkpoint, event: Ensure) -> Phase:
    """Return the phase that follows."""
    match checkpoint.phase:
        case Phase.LOOK:
            return Phase.CHANGE
        case Phase.CHANGE if checkpoint.counts.busy:
            return Phase.CHANGE_BUSY
        case Phase.CHANGE | Phase.CHANGE_BUSY if checkpoint.counts.compliant > 0 and follows(event):
            return Phase.TAKE_OVER
        case Phase.CHANGE | Phase.CHANGE_BUSY | Phase.TAKE_OVER if event.abandoned and event.abandoned.target.many:
            return Phase.RELEASE_ABANDONED
        case _:
            return Phase.DONE
