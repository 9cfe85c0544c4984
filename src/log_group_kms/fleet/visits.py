"""Visits: what is done with one log group of a fleet, whatever the others do.

Each log group that has to change is read just before, claimed, and associated: one call of each kind, on its turn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from log_group_kms.association.claims import Watch
from log_group_kms.association.decision import LONGEST_EVENT, Skip, decide, may_take
from log_group_kms.association.removal import Removal
from log_group_kms.association.requests import Remove
from log_group_kms.association.trail import FleetTrail
from log_group_kms.fleet.checkpoint import Fate
from log_group_kms.model.errors import ApiError, ClaimLost, NotFound, NotStabilized, OddKeyInForce, ResourceConflict
from log_group_kms.model.results import Observed
from log_group_kms.retry.rate_limits import Slot

if TYPE_CHECKING:
    from threading import Event

    from log_group_kms.association.context import Context
    from log_group_kms.association.decision import Desired
    from log_group_kms.association.requests import Ensure
    from log_group_kms.fleet.checkpoint import Job
    from log_group_kms.fleet.enlistment import Enlistment
    from log_group_kms.fleet.lookouts import Lease
    from log_group_kms.fleet.triage import Triage
    from log_group_kms.model.errors import ProviderError
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Claim, Owner
    from log_group_kms.model.results import Listed, Outcome
    from log_group_kms.model.targets import Fleet, LogGroup
    from log_group_kms.retry.rate_limits import RateLimiter

#: Seconds that a visit takes at its usual pace.
_VISIT: Final = 1.0
#: What becomes of one log group, and not of all.
_OF_ONE = (ApiError, NotStabilized, OddKeyInForce)


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits log groups of one fleet; workers share it, and it has no state of its own.

    Attributes:
        context: the event's way to AWS.
        fleet: which log groups.
        turns: admits one log group after the other.
        lease: the right to change log groups; None for a Delete, which needs none.
        enlistment: claims log groups.
        triage: judges what an error means for the others.
        stopped: is set where nothing more is to be begun.
    """

    context: Context
    fleet: Fleet
    turns: RateLimiter
    lease: Lease | None
    enlistment: Enlistment
    triage: Triage
    stopped: Event

    # --- what becomes of a listed log group: known at once, or a job --------------------------------------------------

    def look(self, event: Ensure, desired: Desired, listed: Listed) -> Fate | Job:
        """See that nothing is in the way, before anything is changed."""
        group = self.fleet.log_group(listed.name)
        if group is None or listed.key in (None, desired.key) or event.association.exclude.cover(listed.name):
            return Fate.PASSED
        if self.context.protected.cover(listed.name):
            return Fate.PASSED
        return partial(self._look, group, desired, listed)

    def change(self, event: Ensure, desired: Desired, listed: Listed, *, patient: bool) -> Fate | Job:
        """Bring it under the key; a *patient* visit waits for whoever is at work on it."""
        group = self.fleet.log_group(listed.name)
        if event.association.exclude.cover(listed.name):
            newly = group and not patient and _newly_excluded(event, listed)
            return partial(self._release_excluded, group, event) if group and newly else Fate.EXCLUDED
        if self.context.protected.cover(listed.name):
            return self.enlistment.met(listed.name, Fate.PROTECTED)
        if group is None:
            return self.enlistment.met(listed.name, Fate.RESERVED)
        if listed.key != desired.key:
            return partial(self._change, group, listed.key, event, desired, patient=patient)
        self.triage.went_well()
        return Fate.COMPLIANT

    def take_over(
        self, event: Ensure, desired: Desired, listed: Listed, *, claimed: frozenset[str] | None = None
    ) -> Fate | Job:
        """Claim anew what a fleet that this one follows has claimed; it is under the wanted key already.

        Where it is known, only those *claimed* come in question.
        """
        if self.enlistment.has_claimed(listed.name) or (claimed is not None and listed.name not in claimed):
            return Fate.PASSED
        group = self.fleet.log_group(listed.name)
        if group is None or listed.key != desired.key or event.association.exclude.cover(listed.name):
            return Fate.PASSED
        if self.context.protected.cover(listed.name):
            return Fate.PASSED
        return partial(self._take_over, group, event, desired) if _was_given_up(event, listed) else Fate.PASSED

    def release_claimed(
        self, event: Remove, listed: Listed, *, claimed: frozenset[str], key: KeyArn | None, undoing: bool = False
    ) -> Fate | Job:
        """Give it back, if it is one of those *claimed*; what is under the resource's *key* may be its own, too."""
        if listed.name in claimed:
            return self.release(event, listed, patient=False, undoing=undoing)
        return Fate.UNREAD if key and listed.key == key else Fate.PASSED

    def release_rest(self, event: Remove, listed: Listed, *, key: KeyArn | None, undoing: bool = False) -> Fate | Job:
        """Give it back, if it is under the resource's *key* still, and its own."""
        return self.release(event, listed, patient=False, undoing=undoing) if listed.key == key else Fate.PASSED

    def release(
        self, event: Remove, listed: Listed, *, patient: bool, undoing: bool = False, begin: str = ""
    ) -> Fate | Job:
        """Give it back, where it is owned; *undoing* a Create that failed, to whom it was taken from.

        Before *begin*, all was given back.
        """
        group = self.fleet.log_group(listed.name) if listed.name >= begin else None
        return partial(self.give_back, group, event, patient=patient, undoing=undoing) if group else Fate.PASSED

    # --- one log group for itself -------------------------------------------------------------------------------------

    def enrol(self, group: LogGroup, event: Ensure, desired: Desired) -> Fate:
        """Bring one log group in, and read it back.

        Raises:
            ProviderError: it could not be done; see `errors`.
        """
        context = self._context(patient=True)
        watch = Watch(context.logs, group)
        try:
            watch.look(event.owner)
            return self.enlistment.enlist(context, watch, event, desired, patient=True, alone=True)
        except NotFound:
            return Fate.PASSED
        except ClaimLost:
            raise
        except ResourceConflict as conflict:
            raise ResourceConflict(f"{group.arn}: {conflict}") from None

    def give_back(self, group: LogGroup, event: Remove, *, patient: bool, undoing: bool = False) -> Fate:
        """Give one log group back, where the owner of *event* owns it.

        *Undoing* a Create that failed, all is as it was before, whatever OnDelete says.
        """
        if self.context.protected.cover(group.name.text):
            return Fate.PASSED
        context = self._context(patient=patient)
        watch = Watch(context.logs, group)
        try:
            claim = context.logs.claim_on(group)
        except NotFound:
            return Fate.PASSED
        except ApiError as error:
            # Whose tags cannot be read is not known to be this fleet's, and holds nobody up.
            self.triage.put_aside(group.name.text, error, patient=False)
            return Fate.PASSED if patient else self.enlistment.met(group.name.text, Fate.REFUSED, str(error))
        if claim is None or claim.owner != event.owner:
            return Fate.PASSED
        removal = Removal(context.logs, context.keys, group, watch)
        undoing = undoing and _may_be_undone(claim, event, context.retrier.clock.now())
        event = event.restoring() if undoing else event
        return self._give_back(removal, event, claim, patient=patient, undoing=undoing)

    def confirm(self, group: LogGroup, owner: Owner, key: KeyArn) -> Fate:
        """Read key and claim of one log group back; see `Enlistment`."""
        return self.enlistment.confirm(self._context(patient=True), group, owner, key)

    # --- the jobs -----------------------------------------------------------------------------------------------------

    def _look(self, group: LogGroup, desired: Desired, listed: Listed) -> Fate:
        try:
            decide(Observed(listed.key, self._context(patient=True).logs.claim_on(group)), desired)
        except NotFound:
            pass
        except (ApiError, OddKeyInForce) as error:
            self.triage.put_aside(group.name.text, error, patient=False)
        except ResourceConflict as conflict:
            raise ResourceConflict(f"{group.arn}: {conflict}") from None
        return Fate.PASSED

    def _change(self, group: LogGroup, key: KeyArn | None, event: Ensure, desired: Desired, *, patient: bool) -> Fate:
        """See by the listed *key* whether it is to be changed at all; what it is changed by is read after that."""
        try:
            self._renew_lease()
            context = self._context(patient=patient)
            watch = Watch(context.logs, group)
            claim = watch.look(event.owner, patient=patient)
            decision = decide(Observed(key, claim), desired)
            if isinstance(decision, Skip):
                if not self._is_left_behind(decision, event):
                    return self.enlistment.skipped(group.name.text, decision)
                desired = replace(desired, gone=decision.to)
            fate = self.enlistment.enlist(context, watch, event, desired, patient=patient)
        except NotFound:
            return Fate.PASSED
        except _OF_ONE as error:
            return self._put_aside(group, error, patient=patient)
        except ClaimLost as lost:
            return self._put_aside_unless_deleting(group, lost, patient=patient)
        except ResourceConflict as conflict:
            raise ResourceConflict(f"{group.arn}: {conflict}") from None
        self.triage.went_well()
        return fate

    def _is_left_behind(self, skip: Skip, event: Ensure) -> bool:
        """Return whether nobody is at work any more on a log group without a key: its owner's stack is gone."""
        return event.enrolling and skip.uncovered and skip.to is not None and self.context.stacks.is_gone(skip.to)

    def _take_over(self, group: LogGroup, event: Ensure, desired: Desired) -> Fate:
        try:
            self._renew_lease()
            context = self._context(patient=True)
            watch = Watch(context.logs, group)
            claim = watch.look(event.owner)
            if claim is None or claim.stands_for(desired.owner) or not may_take(claim, desired):
                return Fate.PASSED
            return self.enlistment.enlist(context, watch, event, desired, patient=True)
        except NotFound:
            return Fate.PASSED
        except _OF_ONE as error:
            return self._put_aside(group, error, patient=True)
        except ClaimLost as lost:
            return self._put_aside_unless_deleting(group, lost, patient=True)

    def _release_excluded(self, group: LogGroup, event: Ensure) -> Fate:
        return self.give_back(group, Remove.of(event.owner, event.association), patient=True)

    def _give_back(self, removal: Removal, event: Remove, claim: Claim, *, patient: bool, undoing: bool) -> Fate:
        group = removal.log_group
        name = group.name.text
        # What is given back has been taken: the role is able to.
        self.triage.prove()
        try:
            if (undoing or event.hands_back) and claim.taken_from and not claim.deleting:
                outcome: Outcome = removal.hand_back(claim, claim.taken_from)
                return self.enlistment.met(name, Fate.PASSED if outcome.skipped else Fate.RELEASED, outcome.note)
            outcome = removal.remove_claimed(event, claim)
        except NotFound:
            return Fate.PASSED
        except ApiError as error:
            return self._put_aside(group, error, patient=patient)
        self.triage.went_well()
        if event.retains:
            return self.enlistment.met(name, Fate.RELEASED, outcome.note)
        if outcome.skipped:
            return self.enlistment.met(name, Fate.PASSED, outcome.note)
        return self.enlistment.met(name, Fate.UNRESTORED if outcome.note else Fate.RELEASED, outcome.note)

    # --- what they share ----------------------------------------------------------------------------------------------

    def _context(self, *, patient: bool) -> Context:
        policies = self.triage.policies(patient=patient)
        retrier = self.context.retrier.under(policies, stopped=self.stopped.is_set)
        context = self.context.under(retrier, pace=Slot(self.turns), trail=FleetTrail(self.context.trail))
        return replace(context, logs=replace(context.logs, fence=self.lease.check)) if self.lease else context

    def _renew_lease(self) -> None:
        """Look at the lookout before the look at the log group, so that nothing comes between that and the change."""
        if self.lease and self.lease.begun:
            self.lease.check(ahead=_VISIT)

    def _put_aside_unless_deleting(self, group: LogGroup, lost: ClaimLost, *, patient: bool) -> Fate:
        """Put it aside where no Delete is at work: anybody may have written such a tag, and it holds up no other one.

        Raises:
            ClaimLost: one may be.
        """
        if self.lease is None or not self.lease.shows_no_delete():
            raise lost
        return self._put_aside(group, NotStabilized(f"{group.arn}: {lost}"), patient=patient)

    def _put_aside(self, group: LogGroup, error: ProviderError, *, patient: bool) -> Fate:
        self.triage.put_aside(group.name.text, error, patient=patient)
        return self.enlistment.met(group.name.text, Fate.REFUSED if patient else Fate.BUSY, str(error))


def _may_be_undone(claim: Claim, event: Remove, now: float) -> bool:
    """Return whether a Create that has just failed may have written *claim*.

    What is older is a fleet's that came to be, whatever its marks say: anybody may have written those.
    """
    asked_at = now if event.sent_at is None else event.sent_at
    return claim.written_at is None or asked_at - claim.written_at < LONGEST_EVENT


def follows(event: Ensure) -> bool:
    """Return whether log groups under the wanted key may carry other claims that have to become this fleet's.

    They do where the fleet follows another one, or another target of its resource, or excluded fewer before.
    """
    if event.enrolling:
        return False
    former = event.former
    return (
        event.new_target
        or former is None
        or former.target != event.association.target
        or former.exclude != event.association.exclude
    )


def _was_given_up(event: Ensure, listed: Listed) -> bool:
    """Return whether this log group may carry such a claim."""
    former = event.former
    if event.new_target or former is None or former.target != event.association.target:
        return True
    return former.exclude.cover(listed.name)


def _newly_excluded(event: Ensure, listed: Listed) -> bool:
    """Return whether this Update excludes what the template before did not, as far as that is known."""
    if event.new_target or event.enrolling:
        return False
    return event.former is None or not event.former.exclude.cover(listed.name)
