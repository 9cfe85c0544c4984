"""One log group: observe, decide, act, confirm.

The log group itself carries the claim, in its tags. A Create writes it before it acts, looks before every retry
whether it still stands, and reads it back at the end; a Delete takes it away before it reads the key that it decides
on (`removal`). So the second of two events sees the first, in whatever order they arrive and wherever one of them dies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from log_group_kms.association.claimed import ClaimedLogGroup, OvertakenError
from log_group_kms.association.claims import Watch, check_claim
from log_group_kms.association.decision import Apply, Desired, Skip, decide
from log_group_kms.association.removal import Removal
from log_group_kms.association.trail import Footprint
from log_group_kms.model.association import OnMissingLogGroup
from log_group_kms.model.errors import AlreadyExists, ClaimLost, NotFound, OwnedByAnotherStack
from log_group_kms.model.ownership import Claim
from log_group_kms.model.results import Observed, Outcome

if TYPE_CHECKING:
    from log_group_kms.association.context import Context
    from log_group_kms.association.gateway import Gateway
    from log_group_kms.association.requests import Ensure, Remove
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.targets import LogGroup


@dataclass(frozen=True, slots=True)
class LogGroupRules:
    """The rules for one log group that a template names."""

    context: Context
    log_group: LogGroup

    def ensure(self, event: Ensure) -> Outcome:
        """Make the association so.

        Raises:
            ProviderError: it could not be done; see `errors`.
        """
        if event.creating:
            # An earlier delivery of this event may have claimed it.
            self._leave(Footprint.PERHAPS)
        observed = self._find(event)
        key = self.context.keys.resolve(event.association.key)
        if observed is None:
            if event.association.on_missing_log_group is OnMissingLogGroup.FAIL:
                raise self._missing()
            try:
                return self._create(event, key)
            except AlreadyExists:
                observed = self._observe(event)
        while True:
            try:
                return self._ensure(event, observed, key)
            except OvertakenError:
                observed = self._observe(event)
            except OwnedByAnotherStack as owned:
                if not self.context.stacks.is_gone(owned.owner):
                    raise
                # Its tags are all that is left of it.
                observed = Observed(observed.key, None)

    def remove(self, event: Remove) -> Outcome:
        """End the association, where it is the event's own to end.

        Raises:
            ApiError: AWS refused for good, and not because it is gone already.
        """
        return Removal(self._logs, self.context.keys, self.log_group).remove(event)

    def check_claim(self, event: Ensure) -> None:
        """See, after a long wait, that the claim still stands.

        Raises:
            ClaimLost: it does not; then nothing is left behind.
        """
        try:
            check_claim(self._logs, self.log_group, event.owner)
        except ClaimLost:
            self._leave(Footprint.NOTHING)
            raise

    def _ensure(self, event: Ensure, observed: Observed, key: KeyArn) -> Outcome:
        decision = decide(observed, self._desired(event, observed, key))
        match decision:
            case Skip():
                return Outcome(self.log_group, observed.key, previous=observed.key, skipped=1, note=decision.note)
            case Apply(done=True):
                previous = decision.claim.previous
                return Outcome(self.log_group, key, previous=previous, compliant=1, settling=event.changes_key)
            case Apply():
                claimed = ClaimedLogGroup(self._logs, self.log_group, event, key, decision, observed=observed)
                claimed.claim()
                with claimed.undone_when_lost():
                    claimed.hold()
                return self._outcome(key, decision)
            case unreachable:
                assert_never(unreachable)

    def _create(self, event: Ensure, key: KeyArn) -> Outcome:
        """Create the log group, encrypted and claimed.

        Raises:
            AlreadyExists: someone else was quicker.
        """
        decision = Apply(Claim(event.owner, None, written_at=event.sent_at), write=False, associate=True)
        self._logs.create(self.log_group, key, decision.claim)
        nothing = Observed(None, None)
        claimed = ClaimedLogGroup(self._logs, self.log_group, event, key, decision, observed=nothing)
        with claimed.undone_when_lost():
            claimed.hold(created=True)
        return self._outcome(key, decision)

    def _find(self, event: Ensure) -> Observed | None:
        """Return what `_observe` does; None where there is no such log group."""
        try:
            return self._observe(event)
        except NotFound:
            return self._seen(event, None)

    def _observe(self, event: Ensure) -> Observed:
        observed = observe(self._logs, self.log_group, event.owner)
        self._seen(event, observed)
        return observed

    def _seen(self, event: Ensure, observed: Observed | None) -> Observed | None:
        """Tell what a failure leaves from here on: the claim of an earlier delivery, or nothing."""
        ours = observed and observed.claim and observed.claim.owner == event.owner
        self._leave(Footprint.CLAIMED if ours else Footprint.NOTHING)
        return observed

    def _desired(self, event: Ensure, observed: Observed, key: KeyArn) -> Desired:
        former_key = None
        former = event.former
        if former and former.target == self.log_group and observed.key and not observed.claim:
            former_key = self.context.keys.known(former.key)
        return event.desired(key, self._logs.retrier.clock.now(), former_key)

    def _outcome(self, key: KeyArn, decision: Apply) -> Outcome:
        return Outcome(
            self.log_group,
            key,
            previous=decision.claim.previous,
            associated=int(decision.associate),
            compliant=int(not decision.associate),
            settling=decision.associate,
        )

    @property
    def _logs(self) -> Gateway:
        return self.context.logs

    def _leave(self, footprint: Footprint) -> None:
        self.context.trail.leave(footprint)

    def _missing(self) -> NotFound:
        return NotFound(
            "DescribeLogGroups",
            "ResourceNotFoundException",
            "The specified log group does not exist.",
            self.log_group.arn,
        )


def observe(logs: Gateway, log_group: LogGroup, owner: Owner) -> Observed:
    """Return claim and key for *owner*'s decision. A key belongs to the claims that were read on either side of it.

    Else whoever takes over what another's Delete gives back just now would remember that one's key. Where no key is in
    force, or the claim says which one was there before, there is nothing to take for another's.

    Raises:
        ApiError: AWS refused; NotFound where there is no such log group.
    """
    watch = Watch(logs, log_group)
    while True:
        claim = watch.look(owner)
        key = logs.key_of(log_group)
        remembered = claim is not None and (claim.deleting or claim.owner.is_sibling_of(owner))
        if watch.is_fresh and (key is None or remembered):
            return Observed(key, claim)
        # They may mean the same and yet be of another event.
        again = logs.claim_on(log_group)
        if again == claim:
            return Observed(key, again)
