"""Visits: what is done with one log group of a fleet, whatever the others do.

Each log group that has to change is read just before, claimed, associated, and its claim is read again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from log_group_kms.association.decision import Skip, decide, may_take
from log_group_kms.association.log_group import confirm
from log_group_kms.association.removal import Removal
from log_group_kms.association.requests import Remove
from log_group_kms.association.trail import FleetTrail
from log_group_kms.fleet.checkpoint import CHANGED, Fate
from log_group_kms.model.errors import (
    ApiError,
    ClaimLost,
    NotFound,
    NotStabilized,
    ResourceConflict,
)
from log_group_kms.model.results import Observed
from log_group_kms.retry.rate_limits import ReservedPermit

if TYPE_CHECKING:
    from threading import Event

    from log_group_kms.association.context import Context
    from log_group_kms.association.decision import Desired
    from log_group_kms.association.requests import Ensure
    from log_group_kms.fleet.checkpoint import Job
    from log_group_kms.fleet.enlistment import Enlistment, Fates
    from log_group_kms.fleet.reader import FleetReader
    from log_group_kms.fleet.triage import Triage
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.results import Listed
    from log_group_kms.model.targets import LogGroup
    from log_group_kms.retry.rate_limits import AdaptiveRateLimiter


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits log groups of one fleet; workers share it, and it has no state of its own.

    Attributes:
        context: the event's way to AWS.
        reader: reads the log groups.
        changes: admits AssociateKmsKey and DisassociateKmsKey.
        enlistment: claims log groups.
        triage: judges what an error means for the others.
        stopped: is set where nothing more is to be begun.
    """

    context: Context
    reader: FleetReader
    changes: AdaptiveRateLimiter
    enlistment: Enlistment
    triage: Triage
    stopped: Event

    # --- what becomes of a listed log group: known at once, or a job --------------------------------------------------

    def look(self, event: Ensure, desired: Desired, listed: Listed) -> Fate | Job:
        """See that nothing is in the way, before anything is changed."""
        group = self.reader.fleet.log_group(listed.name)
        if group is None or listed.key in (None, desired.key) or event.association.exclude.cover(listed.name):
            return Fate.PASSED
        if self.context.protected.cover(listed.name):
            return Fate.PASSED
        return partial(self._look, group, desired, listed)

    def change(self, event: Ensure, desired: Desired, listed: Listed, *, patient: bool) -> Fate | Job:
        """Bring it under the key; a *patient* visit waits for whoever is at work on it."""
        group = self.reader.fleet.log_group(listed.name)
        if event.association.exclude.cover(listed.name):
            newly = group and not patient and _newly_excluded(event, listed)
            return partial(self._release_excluded, group, event) if group and newly else Fate.PASSED
        if self.context.protected.cover(listed.name):
            return self.fates.met(listed.name, Fate.PROTECTED)
        if group is None:
            return self.fates.met(listed.name, Fate.RESERVED)
        if listed.key != desired.key:
            return partial(self._change, group, listed.key, event, desired, patient=patient)
        if patient or not _was_given_up(event, listed):
            self.triage.went_well()
            return Fate.COMPLIANT
        return partial(self._take_over, group, event, desired)

    def release(self, event: Remove, listed: Listed, *, patient: bool) -> Fate | Job:
        """Give it back, where it is owned."""
        group = self.reader.fleet.log_group(listed.name)
        return partial(self.give_back, group, event, patient=patient) if group else Fate.PASSED

    # --- one log group for itself -------------------------------------------------------------------------------------

    def enrol(self, group: LogGroup, event: Ensure, desired: Desired) -> Fate:
        """Bring one log group in, and read it back.

        Raises:
            ProviderError: it could not be done; see `errors`.
        """
        fate = self._change(group, None, event, desired, patient=True)
        self.triage.raise_first()
        if fate in CHANGED:
            with suppress(NotFound):
                confirm(self._context(self.changes, patient=True).logs, group, event.owner, desired.key)
        return fate

    def give_back(self, group: LogGroup, event: Remove, *, patient: bool) -> Fate:
        """Give one log group back, where the owner of *event* owns it."""
        if self.context.protected.cover(group.name.text):
            return Fate.PASSED
        try:
            claim = self.reader.claim_on(group)
        except NotFound:
            return Fate.PASSED
        if claim is None or claim.owner != event.owner:
            return Fate.PASSED
        return self._give_back(group, event, patient=patient)

    def confirm(self, group: LogGroup, owner: Owner, key: KeyArn) -> Fate:
        """Read key and claim of one log group back; see `Enlistment`."""
        return self.enlistment.confirm(self._context(self.changes, patient=True), group, owner, key)

    # --- the jobs -----------------------------------------------------------------------------------------------------

    def _look(self, group: LogGroup, desired: Desired, listed: Listed) -> Fate:
        try:
            decide(Observed(listed.key, self.reader.claim_on(group)), desired)
        except NotFound:
            pass
        except ResourceConflict as conflict:
            raise ResourceConflict(f"{group.arn}: {conflict}") from None
        return Fate.PASSED

    def _change(self, group: LogGroup, key: KeyArn | None, event: Ensure, desired: Desired, *, patient: bool) -> Fate:
        """See whether it is to be changed at all, then wait for a permit; what it is changed by is read after that."""
        try:
            claim = self.reader.claim_on(group)
            decision = decide(Observed(key, claim), desired)
            if isinstance(decision, Skip):
                return self.fates.skipped(group.name.text, decision)
            context = self._context(ReservedPermit(self.changes), patient=patient)
            fate = self.enlistment.enlist(context, group, event, desired, claim)
        except NotFound:
            return Fate.PASSED
        except (ApiError, NotStabilized) as error:
            return self._put_aside(group, error, patient=patient)
        except ClaimLost:
            raise
        except ResourceConflict as conflict:
            raise ResourceConflict(f"{group.arn}: {conflict}") from None
        self.triage.went_well()
        return fate

    def _take_over(self, group: LogGroup, event: Ensure, desired: Desired) -> Fate:
        """Claim anew what a fleet that this one follows has claimed; it is under the wanted key already."""
        try:
            claim = self.reader.claim_on(group)
        except NotFound:
            return Fate.PASSED
        if claim is None or claim.stands_for(desired.owner) or not may_take(claim, desired):
            return Fate.COMPLIANT
        return self.enlistment.enlist(self._context(self.changes, patient=True), group, event, desired, claim)

    def _release_excluded(self, group: LogGroup, event: Ensure) -> Fate:
        return self.give_back(group, Remove.of(event.owner, event.association), patient=True)

    def _give_back(self, group: LogGroup, event: Remove, *, patient: bool) -> Fate:
        name = group.name.text
        limiter = self.changes if event.retains else ReservedPermit(self.changes)
        # What is given back has been taken: the role is able to.
        self.triage.prove()
        context = self._context(limiter, patient=patient)
        try:
            outcome = Removal(context.logs, context.keys, group).remove(event)
        except ApiError as error:
            return self._put_aside(group, error, patient=patient)
        self.triage.went_well()
        if event.retains:
            return self.fates.met(name, Fate.RELEASED, outcome.note)
        if outcome.skipped:
            return self.fates.met(name, Fate.PASSED, outcome.note)
        return self.fates.met(name, Fate.UNRESTORED if outcome.note else Fate.RELEASED, outcome.note)

    # --- what they share ----------------------------------------------------------------------------------------------

    @property
    def fates(self) -> Fates:
        """The report of what becomes of log groups."""
        return self.enlistment.fates

    def _context(self, limiter: AdaptiveRateLimiter | ReservedPermit, *, patient: bool) -> Context:
        policies = self.triage.policies(patient=patient)
        retrier = self.context.retrier.under(policies, stopped=self.stopped.is_set)
        return self.context.under(retrier, limiter=limiter, trail=FleetTrail(self.context.trail))

    def _put_aside(self, group: LogGroup, error: ApiError | NotStabilized, *, patient: bool) -> Fate:
        self.triage.put_aside(group.name.text, error, patient=patient)
        return self.fates.met(group.name.text, Fate.BUSY, str(error))


def _was_given_up(event: Ensure, listed: Listed) -> bool:
    """Return whether a log group under the wanted key may carry another claim that has to become this fleet's.

    It does where the fleet follows another target of its resource, or had excluded the log group before.
    """
    if event.enrolling:
        return False
    former = event.former
    return (
        event.new_target
        or former is None
        or former.target != event.association.target
        or former.exclude.cover(listed.name)
    )


def _newly_excluded(event: Ensure, listed: Listed) -> bool:
    """Return whether this Update excludes what the template before did not, as far as that is known."""
    if event.new_target or event.enrolling:
        return False
    return event.former is None or not event.former.exclude.cover(listed.name)
