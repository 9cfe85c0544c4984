"""One log group: observe, decide, act, confirm.

The log group itself carries the claim, in its tags. A Create writes it before it acts, looks before every retry
whether it still stands, and reads it back at the end; a Delete takes it away before it reads the key that it decides
on (`removal`). So the second of two events sees the first, in whatever order they arrive and wherever one of them dies.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, assert_never

from log_group_kms.association.claims import Watch, check_claim
from log_group_kms.association.decision import Apply, Desired, Skip, decide
from log_group_kms.association.removal import Removal, put_back
from log_group_kms.association.trail import Footprint
from log_group_kms.model.association import OnMissingLogGroup
from log_group_kms.model.errors import (
    AlreadyExists,
    ApiError,
    ClaimGone,
    ClaimLost,
    NotFound,
    NotStabilized,
    OwnedByAnotherStack,
    ProviderError,
    TakenOver,
    Throttled,
)
from log_group_kms.model.ownership import Claim
from log_group_kms.model.results import Observed, Outcome
from log_group_kms.retry.retrier import no_guard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_group_kms.association.context import Context
    from log_group_kms.association.gateway import Gateway
    from log_group_kms.association.requests import Ensure, Remove
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.targets import LogGroup

#: A claim that others take away is written so often.
_TRIES: Final = 3


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
            except _OvertakenError:
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
                    claimed.act()
                    claimed.confirm()
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
            claimed.confirm(created=True)
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


class ClaimedLogGroup:
    """One log group on which something is decided: it is claimed, changed, and given back where the claim is lost.

    Args:
        logs: CloudWatch Logs.
        log_group: the log group.
        event: who wants it so.
        key: the wanted key.
        decision: what is to be done.
        observed: what was decided on.
        watch: knows when that was read.
    """

    def __init__(  # noqa: PLR0913 - one fact a parameter
        self,
        logs: Gateway,
        log_group: LogGroup,
        event: Ensure,
        key: KeyArn,
        decision: Apply,
        *,
        observed: Observed,
        watch: Watch | None = None,
    ) -> None:
        self._logs = logs
        self._log_group = log_group
        self._event = event
        self._key = key
        self._decision = decision
        self._observed = observed
        self._watch = watch or Watch(logs, log_group)

    def claim(self) -> None:
        """Claim, as the decision says, what was observed.

        Raises:
            _OvertakenError: before a late try, the log group is no longer what was decided on.
        """

        def check_observed() -> None:
            claim = self._logs.claim_on(self._log_group)
            now = Observed(self._logs.key_of(self._log_group), claim)
            if now not in (self._observed, Observed(self._observed.key, self._decision.claim)):
                raise _OvertakenError

        if self._decision.write:
            # It may take a while to be let through.
            self._logs.fence()
            if not self._watch.is_fresh:
                check_observed()
            # An answer that comes late says nothing of the time since.
            self._watch.renew()
            self._logs.claim(self._log_group, self._decision.claim, check_observed)

    def act(self) -> None:
        """Associate the key, as the decision says."""
        if self._decision.associate:
            self._logs.fence()
            if not self._watch.is_fresh:
                self._check_claim()
            self._logs.associate(self._log_group, self._key, guard=self._check_claim)

    def confirm(self, *, created: bool = False) -> None:
        """Read key and claim back; claim and act again where others came between who are not to go first.

        These are a fleet, and the end of whoever owned the log group before: its Delete may have taken this claim for
        its own.

        Raises:
            ProviderError: they are not both there; NotFound where the log group vanished.
        """
        for _ in range(_TRIES - 1):
            try:
                return confirm(self._logs, self._log_group, self._event.owner, self._key, created=created)
            except ClaimGone:
                before = self._observed.claim
                if before is None or before.owner == self._event.owner:
                    raise
            except TakenOver as taken:
                if not taken.by_fleet:
                    raise
            self._claim_again()
        return confirm(self._logs, self._log_group, self._event.owner, self._key, created=created)

    def _claim_again(self) -> None:
        in_force = self._logs.key_of(self._log_group)
        previous = in_force
        if in_force == self._key:
            before = self._observed.claim
            previous = before.previous if before else self._decision.claim.previous
        claim = replace(self._decision.claim, previous=previous)
        self._logs.rewrite_claim(self._log_group, claim, no_guard)
        if in_force != self._key:
            self._logs.associate(self._log_group, self._key, guard=self._check_claim)

    @contextmanager
    def undone_when_lost(self) -> Iterator[None]:
        """Put back what was there before this event claimed, where a Delete took the claim away meanwhile."""
        try:
            yield
        except ClaimLost:
            if self._event.may_undo:
                self._undo()
            raise

    def _undo(self) -> None:
        owner = self._event.owner
        try:
            claim = self._logs.claim_on(self._log_group)
            key = self._logs.key_of(self._log_group)
        except NotFound:
            self._logs.trail.leave(Footprint.NOTHING)
            return
        cancelled = claim is not None and claim.owner == owner and claim.cancelled
        if key == self._key and (cancelled or _left_by(owner, claim)):
            # Without waiting for its turn: whoever comes next would take the key for one that was there before.
            put_back(self._logs.at_once(), self._log_group, self._decision.claim.previous)
        if cancelled:
            self._logs.remove_claim(self._log_group, no_guard)
        if cancelled or not (claim and claim.stands_for(owner)):
            self._logs.trail.leave(Footprint.NOTHING)

    def _check_claim(self) -> None:
        check_claim(self._logs, self._log_group, self._event.owner)


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
        nothing_to_mistake = watch.is_fresh and (key is None or remembered)
        if nothing_to_mistake or logs.claim_on(log_group) == claim:
            return Observed(key, claim)


def enlist(watch: Watch, event: Ensure, desired: Desired, *, patient: bool = True, alone: bool = False) -> Apply | Skip:
    """Do for a fleet what is *desired* of the log group on *watch*, and return what that was.

    The claim was read just now, as a rule, so that this costs one call of each kind. The fleet itself reads the key
    back, unless the log group comes *alone*. Where AWS refuses the log group in a *patient* visit, nobody comes back to
    it: then a new claim is taken off.

    Raises:
        ProviderError: it could not be done; NotFound where the log group vanished.
    """
    logs, log_group = watch.logs, watch.log_group
    while True:
        observed = Observed(logs.key_of(log_group), watch.claim)
        if not watch.is_fresh and watch.look(event.owner) != observed.claim:
            continue
        decision = decide(observed, desired)
        if isinstance(decision, Skip):
            return decision
        if observed == Observed(desired.key, None):
            # It was under the key before the fleet: unclaimed, it stays so.
            return replace(decision, write=False)
        claimed = ClaimedLogGroup(logs, log_group, event, desired.key, decision, observed=observed, watch=watch)
        try:
            claimed.claim()
        except _OvertakenError:
            watch.look(event.owner)
            continue
        try:
            claimed.act()
            if alone and not decision.done:
                with claimed.undone_when_lost():
                    confirm(logs, log_group, event.owner, desired.key)
        except ApiError as error:
            if patient and not (observed.claim or error.uncertain or isinstance(error, Throttled)):
                with suppress(ProviderError):
                    check_claim(logs, log_group, event.owner)
                    logs.remove_claim(log_group, no_guard)
            raise
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
        logs.associate(log_group, key, guard=lambda: check_claim(logs, log_group, owner))
        logs.wait_for_key(log_group, key, created=created)
    check_claim(logs, log_group, owner)


def _left_by(owner: Owner, claim: Claim | None) -> bool:
    """Return whether nobody but *owner*, who is leaving, has a claim."""
    return claim is None or (claim.owner == owner and claim.deleting)
