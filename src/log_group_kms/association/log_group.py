"""One log group: observe, decide, act, confirm.

The log group itself carries the claim, in two tags. A Create writes it before it acts, looks before every retry
whether it still stands, and reads it back at the end; a Delete takes it away before it reads the key that it decides
on. So whichever of two events comes second sees the first, in whatever order they arrive and wherever one of them
dies.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, assert_never

from log_group_kms.association.decision import Apply, Desired, Skip, decide
from log_group_kms.model.association import OnDelete, OnMissingLogGroup
from log_group_kms.model.errors import (
    AccessDenied,
    AlreadyExists,
    ApiError,
    ClaimLost,
    InvalidParameter,
    KeyNotFound,
    NotFound,
    NotStabilized,
    ProviderError,
    RoleDenied,
    TakenOver,
)
from log_group_kms.model.ownership import Claim
from log_group_kms.model.physical_id import PERHAPS_ASSOCIATED
from log_group_kms.model.results import Observed, Outcome
from log_group_kms.retry.policies import restoring
from log_group_kms.retry.rate_limits import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_group_kms.association.context import Context
    from log_group_kms.association.requests import Ensure, Remove
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.targets import LogGroup

logger = logging.getLogger(__name__)

_TAKEN_OVER: Final = "The log group was taken over, or given back, meanwhile; it was left as it is"


class _OvertakenError(Exception):
    """The log group is no longer what was decided on: look and decide again."""


@dataclass(frozen=True, slots=True)
class OneLogGroup:
    """The rules for one log group."""

    context: Context
    log_group: LogGroup

    # --- Create and Update --------------------------------------------------------------------------------------------

    def ensure(self, event: Ensure) -> Outcome:
        """Make what *event* desires so.

        Raises:
            ProviderError: it could not be done; see `errors`.
        """
        if event.creating:
            # An earlier delivery of this event may have claimed it.
            self.context.if_this_fails(PERHAPS_ASSOCIATED)
        observed = self._look()
        self._tell_what_a_failure_means(event, observed)
        key = self.context.resolve(event.association.key)
        if observed is None:
            if event.association.on_missing_log_group is OnMissingLogGroup.FAIL:
                raise self._missing()
            if self._create(event, key):
                return self._held(
                    event, key, Apply(Claim(event.owner, None), write=False, associate=True), created=True
                )
            observed = self._read()
            self._tell_what_a_failure_means(event, observed)
        while True:
            try:
                return self._ensure(event, observed, key)
            except _OvertakenError:
                observed = self._read()
                self._tell_what_a_failure_means(event, observed)

    def enlist(self, event: Ensure, desired: Desired, seen: Claim | None) -> Apply | Skip:
        """Do for a fleet what *wish* calls for, and tell what that was; the fleet itself sees to the read-back.

        *seen* is the claim that was read before: a key belongs to the claim on either side of it.

        Raises:
            ProviderError: it could not be done; NotFound where the log group vanished.
        """
        while True:
            observed = self._read()
            if observed.claim != seen:
                # The key may have been read before a Delete put back what was there, and the claim after it.
                seen = observed.claim
                continue
            decision = decide(observed, desired)
            if isinstance(decision, Skip):
                return decision
            if observed == Observed(desired.key, None):
                # It was under the key before the fleet: unclaimed, it stays so.
                return replace(decision, write=False)
            try:
                self._claim_for(event, observed, decision)
            except _OvertakenError:
                continue
            with self._undone_when_lost(event, desired.key, decision):
                if decision.associate:
                    self._associate(event.owner, desired.key)
                if not decision.done:
                    self.check_claim(event.owner)
            return decision

    def confirm(self, owner: Owner, key: KeyArn) -> None:
        """Read *key* and *owner*'s claim back, where the listing does not show the key yet.

        Raises:
            ProviderError: they are not both there; NotFound where the log group vanished.
        """
        self._confirm(owner, key, created=False)

    def _ensure(self, event: Ensure, observed: Observed, key: KeyArn) -> Outcome:
        decision = decide(observed, self._desired(event, observed, key))
        match decision:
            case Skip():
                says = event.association.on_existing_key
                note = f"The log group keeps the key that it has, as OnExistingKey says: {says}"
                return Outcome(self.log_group, observed.key, previous=observed.key, skipped=1, note=note)
            case Apply(done=True):
                previous = decision.claim.previous
                return Outcome(self.log_group, key, previous=previous, compliant=1, settling=event.changes_key)
            case Apply():
                self._claim_for(event, observed, decision)
                return self._held(event, key, decision)
            case unreachable:
                assert_never(unreachable)

    def check_claim(self, owner: Owner) -> None:
        """See whether *owner*'s claim still stands.

        Raises:
            ClaimLost: it does not.
        """
        claim = self._claim()
        if claim is None or (claim.owner == owner and claim.deleting):
            raise ClaimLost(
                f"This resource's claim on {self.log_group.arn} went away meanwhile: a Delete of it passed by, "
                "or someone took its tags off"
            )
        if claim.owner != owner:
            raise TakenOver(f"{claim.owner.text} took {self.log_group.arn} over meanwhile; the last writer wins")

    def _tell_what_a_failure_means(self, event: Ensure, observed: Observed | None) -> None:
        if event.new_target:
            ours = observed and observed.claim and observed.claim.owner == event.owner
            self.context.if_this_fails(self.log_group.arn if ours else event.id_without_claim)

    def _desired(self, event: Ensure, observed: Observed, key: KeyArn) -> Desired:
        former_key = None
        former = event.former
        if former and former.target == self.log_group and observed.key and not observed.claim:
            former_key = self.context.known(former.key)
        return event.desired(key, former_key)

    def _create(self, event: Ensure, key: KeyArn) -> bool:
        """Create the log group, encrypted and claimed; False where someone else was quicker."""
        claim = Claim(event.owner, None)
        try:
            self.context.first_change(event, lambda: self.context.log_groups.create(self.log_group, key, claim))
        except AlreadyExists:
            return False
        return True

    def _claim_for(self, event: Ensure, observed: Observed, decision: Apply) -> None:
        """Claim, as *decision* says.

        Raises:
            _OvertakenError: before a retry, the log group is no longer what was decided on.
        """

        def check_observed() -> None:
            now = self._read()
            if now not in (observed, Observed(observed.key, decision.claim)):
                raise _OvertakenError

        if decision.write:
            self.context.first_change(
                event,
                lambda: self.context.log_groups.write_claim(self.log_group, decision.claim),
                before_retry=check_observed,
            )

    def _held(self, event: Ensure, key: KeyArn, decision: Apply, *, created: bool = False) -> Outcome:
        """Act and confirm, as *decision* says."""
        with self._undone_when_lost(event, key, decision):
            if decision.associate and not created:
                self._associate(event.owner, key)
            self._confirm(event.owner, key, created=created)
        return self._outcome(key, decision)

    def _outcome(self, key: KeyArn, decision: Apply) -> Outcome:
        return Outcome(
            self.log_group,
            key,
            previous=decision.claim.previous,
            associated=int(decision.associate),
            compliant=int(not decision.associate),
            settling=decision.associate,
        )

    def _associate(self, owner: Owner, key: KeyArn) -> None:
        self.context.retrier.attempt(
            lambda: self.context.change(lambda: self.context.log_groups.associate(self.log_group, key)),
            before_retry=lambda: self.check_claim(owner),
        )

    def _confirm(self, owner: Owner, key: KeyArn, *, created: bool) -> None:
        """Read key and claim back.

        Of two resources that claimed at once, the later claim stands, but the other one's key may have come last. So
        where another key stays in force under our claim, ours is associated once more.
        """
        try:
            self._read_back(key, created=created)
        except NotStabilized:
            self.check_claim(owner)
            self._associate(owner, key)
            self._read_back(key, created=created)
        self.check_claim(owner)

    def _read_back(self, key: KeyArn, *, created: bool) -> None:
        def other_key() -> str:
            try:
                seen = self._key()
            except NotFound:
                if not created:
                    raise
                return f"AWS created {self.log_group.arn}, but DescribeLogGroups does not show it yet: deploy again"
            if seen == key:
                return ""
            shown = seen.text if seen else "no key"
            return (
                f"AWS accepted {key.text} for {self.log_group.arn}, but DescribeLogGroups still shows {shown}: deploy "
                "again, or see with CloudTrail who else changes it"
            )

        self.context.retrier.until(other_key)

    @contextmanager
    def _undone_when_lost(self, event: Ensure, key: KeyArn, decision: Apply) -> Iterator[None]:
        """Where a Delete took the claim away meanwhile, put back what was there before this event claimed."""
        try:
            yield
        except ClaimLost:
            if event.may_undo:
                observed = self._look()
                if observed and observed.key == key and _left_by(event.owner, observed.claim):
                    # At once, out of turn: whoever comes next would take the key for one that was there before.
                    at_once = OneLogGroup(replace(self.context, turns=UNLIMITED), self.log_group)
                    at_once._put_back(decision.claim.previous)
                if not (observed and observed.claim and observed.claim.stands_for(event.owner)):
                    self.context.if_this_fails(event.id_without_claim)
            raise

    # --- Delete -------------------------------------------------------------------------------------------------------

    def remove(self, event: Remove) -> Outcome:
        """End the association of *event*, where it is the event's own to end.

        Raises:
            Refused: AWS refused for good, and not because it is gone already.
        """
        try:
            return self._remove(
                event, self.context.retrier.attempt(lambda: self.context.log_groups.claim_on(self.log_group))
            )
        except ClaimLost as lost:
            return self._left(str(lost))
        except NotFound:
            return self._left("The log group is gone; there was nothing to do")

    def _remove(self, event: Remove, claim: Claim | None) -> Outcome:
        if claim is None or (claim.deleted and claim.owner != event.owner):
            return self._remove_unclaimed(event)
        if claim.owner != event.owner:
            return self._left(f"The log group belongs to {claim.owner.text}; it was left as it is")
        if claim.deleted:
            return self._left("An earlier delivery of this Delete gave the log group back, under the key of before")
        if event.former.on_delete is OnDelete.RETAIN:
            self._release(claim)
            return self._left("The log group keeps its key, as OnDelete says: Retain")
        return self._give_back(event, claim)

    def _give_back(self, event: Remove, claim: Claim) -> Outcome:
        leaving = replace(claim, deleting=True)
        if not claim.deleting:
            self._write(leaving, over=claim)
        wanted = claim.previous if event.former.on_delete is OnDelete.RESTORE_PREVIOUS else None
        before = self._key()
        self._check_leaving(leaving)
        note = ""
        if before != wanted:
            with self._claimed_again_when_refused(claim, leaving):
                note = self._put_back(wanted, before_retry=lambda: self._check_leaving(leaving))
        in_force = None if note else wanted
        if in_force and not event.owner.is_fleet and in_force == self.context.known(event.former.key):
            # See `Claim.deleted`. A fleet's Delete leaves alone what has no tags, however often it comes.
            self._write(replace(claim, deleting=False, deleted=True), over=leaving)
        else:
            self._release(leaving)
        return Outcome(self.log_group, in_force, previous=before, associated=int(before != in_force), note=note)

    def _check_leaving(self, leaving: Claim) -> None:
        """Look, just before the change, whether nobody else came.

        Raises:
            ClaimLost: someone took over, or another delivery of this Delete is through.
        """
        self._check_among(leaving)

    @contextmanager
    def _claimed_again_when_refused(self, claim: Claim, leaving: Claim) -> Iterator[None]:
        """A Delete that AWS refused for good has changed nothing: the claim stands as before, for the next Delete."""
        try:
            yield
        except NotFound:
            raise
        except ApiError:
            with suppress(ProviderError):
                self._check_leaving(leaving)
                self._write(replace(claim, deleting=False), over=leaving)
            raise

    def _remove_unclaimed(self, event: Remove) -> Outcome:
        """Without tags only one thing is certain enough to undo: our key, under an id that a success of ours has."""
        untouched = "Nobody claims the log group, and its key is not known to be this resource's; it was left as it is"
        if not event.minted or event.former.on_delete is OnDelete.RETAIN:
            return self._left(untouched)
        in_force = self._key()
        if in_force is None or in_force != self.context.known(event.former.key):
            return self._left(untouched)
        self._put_back(None, before_retry=self._check_unclaimed)
        note = "The tags were gone, so nobody knows which key was there before: the log group is without a key now"
        return Outcome(self.log_group, None, previous=in_force, associated=1, note=note)

    def _check_unclaimed(self) -> None:
        if self._claim() is not None:
            raise ClaimLost("The log group was taken over meanwhile; it was left as it is")

    def _put_back(self, previous: KeyArn | None, before_retry: Callable[[], None] = lambda: None) -> str:
        """Put the *previous* key back; where there was none, or it is no longer usable, leave none.

        Returns:
            What the user should know; empty where it went as asked.
        """
        note = ""
        if previous:
            try:
                self.context.retrier.attempt(
                    lambda: self.context.change(lambda: self.context.log_groups.associate(self.log_group, previous)),
                    policies=restoring(
                        self.context.retrier.policies, unrestorable=previous in self.context.unrestorable
                    ),
                    before_retry=before_retry,
                )
            except (AccessDenied, InvalidParameter, KeyNotFound) as refusal:
                if isinstance(refusal, RoleDenied) and not refusal.about_key:
                    raise
                self.context.unrestorable.add(previous)
                note = (
                    f"The previous key {previous.text} could not be put back, so the log group is without a key now "
                    f"({refusal})"
                )
                logger.warning(note)
            else:
                return note
        self.context.retrier.attempt(
            lambda: self.context.change(lambda: self.context.log_groups.disassociate(self.log_group)),
            before_retry=before_retry,
        )
        return note

    # --- reading, and the tags ----------------------------------------------------------------------------------------

    def _look(self) -> Observed | None:
        """Key and claim; None where there is no such log group."""
        try:
            return self._read()
        except NotFound:
            return None

    def _read(self) -> Observed:
        return Observed(key=self._key(), claim=self._claim())

    def _key(self) -> KeyArn | None:
        return self.context.retrier.attempt(lambda: self.context.log_groups.key_of(self.log_group))

    def _claim(self) -> Claim | None:
        claim = self.context.retrier.attempt(lambda: self.context.log_groups.claim_on(self.log_group))
        return None if claim and claim.deleted else claim

    def _write(self, claim: Claim, over: Claim) -> None:
        """Write *claim* over the one that was read; before a retry it must be that still."""
        self.context.retrier.attempt(
            lambda: self.context.log_groups.write_claim(self.log_group, claim),
            before_retry=lambda: self._check_among(over, claim),
        )

    def _release(self, claim: Claim) -> None:
        """Remove *claim*, the one that was read; before a retry it must be that still."""
        self.context.retrier.attempt(
            lambda: self.context.log_groups.remove_claim(self.log_group),
            before_retry=lambda: self._check_among(claim),
        )

    def _check_among(self, *claims: Claim) -> None:
        now = self.context.retrier.attempt(lambda: self.context.log_groups.claim_on(self.log_group))
        if now not in claims:
            raise ClaimLost(_TAKEN_OVER)

    def _left(self, note: str) -> Outcome:
        return Outcome(self.log_group, None, skipped=1, note=note)

    def _missing(self) -> NotFound:
        return NotFound(
            "DescribeLogGroups",
            "ResourceNotFoundException",
            "The specified log group does not exist.",
            self.log_group.arn,
        )


def _left_by(owner: Owner, claim: Claim | None) -> bool:
    """Whether nobody but *owner*, who is leaving, has a claim."""
    return claim is None or (claim.owner == owner and claim.deleting)
