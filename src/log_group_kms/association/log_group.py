"""One log group: observe, decide, act, confirm.

The log group itself carries the claim, in its tags. A Create writes it before it acts, looks before every retry
whether it still stands, and reads it back at the end; a Delete takes it away before it reads the key that it decides
on (`removal`). So the second of two events sees the first, in whatever order they arrive and wherever one of them dies.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from log_group_kms.association.claims import check_claim
from log_group_kms.association.decision import Apply, Desired, Skip, decide
from log_group_kms.association.removal import Removal, put_back
from log_group_kms.association.trail import Footprint
from log_group_kms.model.association import OnMissingLogGroup
from log_group_kms.model.errors import AlreadyExists, ClaimLost, NotFound, NotStabilized
from log_group_kms.model.ownership import Claim
from log_group_kms.model.results import Observed, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_group_kms.association.context import Context
    from log_group_kms.association.gateway import Gateway
    from log_group_kms.association.requests import Ensure, Remove
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.targets import LogGroup


class _OvertakenError(Exception):
    """The log group is no longer what was decided on: look and decide again."""


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
        observed = self._seen(event, self._logs.find(self.log_group))
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
            except _OvertakenError:
                observed = self._observe(event)

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
                claimed = ClaimedLogGroup(self._logs, self.log_group, event, key, decision)
                claimed.claim(observed)
                with claimed.undone_when_lost():
                    claimed.act()
                    confirm(self._logs, self.log_group, event.owner, key)
                return self._outcome(key, decision)
            case unreachable:
                assert_never(unreachable)

    def _create(self, event: Ensure, key: KeyArn) -> Outcome:
        """Create the log group, encrypted and claimed.

        Raises:
            AlreadyExists: someone else was quicker.
        """
        decision = Apply(Claim(event.owner, None), write=False, associate=True)
        self._logs.create(self.log_group, key, decision.claim)
        with ClaimedLogGroup(self._logs, self.log_group, event, key, decision).undone_when_lost():
            confirm(self._logs, self.log_group, event.owner, key, created=True)
        return self._outcome(key, decision)

    def _observe(self, event: Ensure) -> Observed:
        observed = self._logs.observe(self.log_group)
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
        return event.desired(key, former_key)

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


@dataclass(frozen=True, slots=True)
class ClaimedLogGroup:
    """One log group on which something is decided: it is claimed, changed, and given back where the claim is lost.

    Attributes:
        logs: CloudWatch Logs.
        log_group: the log group.
        event: who wants it so.
        key: the wanted key.
        decision: what is to be done.
    """

    logs: Gateway
    log_group: LogGroup
    event: Ensure
    key: KeyArn
    decision: Apply

    def claim(self, observed: Observed) -> None:
        """Claim, as the decision says, what was *observed*.

        Raises:
            _OvertakenError: before a retry, the log group is no longer what was decided on.
        """

        def check_observed() -> None:
            now = self.logs.observe(self.log_group)
            if now not in (observed, Observed(observed.key, self.decision.claim)):
                raise _OvertakenError

        if self.decision.write:
            self.logs.claim(self.log_group, self.decision.claim, check_observed)

    def act(self) -> None:
        """Associate the key, as the decision says."""
        if self.decision.associate:
            associate(self.logs, self.log_group, self.event.owner, self.key)

    @contextmanager
    def undone_when_lost(self) -> Iterator[None]:
        """Put back what was there before this event claimed, where a Delete took the claim away meanwhile."""
        try:
            yield
        except ClaimLost:
            if self.event.may_undo:
                observed = self.logs.find(self.log_group)
                if observed and observed.key == self.key and _left_by(self.event.owner, observed.claim):
                    # Without waiting for a permit: whoever comes next would take the key for one that was there before.
                    put_back(self.logs.at_once(), self.log_group, self.decision.claim.previous)
                if not (observed and observed.claim and observed.claim.stands_for(self.event.owner)):
                    self.logs.trail.leave(Footprint.NOTHING)
            raise


def enlist(logs: Gateway, log_group: LogGroup, event: Ensure, desired: Desired, seen: Claim | None) -> Apply | Skip:
    """Do for a fleet what is *desired*, and return what that was; the fleet itself reads the key back.

    *seen* is the claim that was read before: a key belongs to the claim on either side of it.

    Raises:
        ProviderError: it could not be done; NotFound where the log group vanished.
    """
    while True:
        observed = logs.observe(log_group)
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
        claimed = ClaimedLogGroup(logs, log_group, event, desired.key, decision)
        try:
            claimed.claim(observed)
        except _OvertakenError:
            continue
        with claimed.undone_when_lost():
            claimed.act()
            if not decision.done:
                check_claim(logs, log_group, event.owner)
        return decision


def confirm(logs: Gateway, log_group: LogGroup, owner: Owner, key: KeyArn, *, created: bool = False) -> None:
    """Read *key* and *owner*'s claim back.

    Of two resources that claimed at once, the later claim stands, but the other one's key may have come last. So
    where another key stays in force under our claim, ours is associated once more.

    Raises:
        ProviderError: they are not both there; NotFound where the log group vanished.
    """
    try:
        logs.wait_for_key(log_group, key, created=created)
    except NotStabilized:
        check_claim(logs, log_group, owner)
        associate(logs, log_group, owner, key)
        logs.wait_for_key(log_group, key, created=created)
    check_claim(logs, log_group, owner)


def associate(logs: Gateway, log_group: LogGroup, owner: Owner, key: KeyArn) -> None:
    """Associate *key*, for as long as *owner*'s claim stands."""
    logs.associate(log_group, key, guard=lambda: check_claim(logs, log_group, owner))


def _left_by(owner: Owner, claim: Claim | None) -> bool:
    """Return whether nobody but *owner*, who is leaving, has a claim."""
    return claim is None or (claim.owner == owner and claim.deleting)
