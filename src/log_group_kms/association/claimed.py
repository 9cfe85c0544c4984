"""A claimed log group: it is changed and read back, and given back where the claim is lost.

Read `log_group` first, which says why the claim goes before the key.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from log_group_kms.association.claims import FRESH, Watch, check_claim, settled_claim
from log_group_kms.association.decision import Skip, decide
from log_group_kms.association.removal import put_back
from log_group_kms.association.trail import Footprint
from log_group_kms.model.errors import (
    ApiError,
    ClaimGone,
    ClaimLost,
    NotFound,
    NotStabilized,
    ProviderError,
    TakenOver,
    Throttled,
)
from log_group_kms.model.results import Observed
from log_group_kms.retry.retrier import no_guard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_group_kms.association.decision import Apply, Desired
    from log_group_kms.association.gateway import Gateway
    from log_group_kms.association.requests import Ensure
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Claim, Owner
    from log_group_kms.model.targets import LogGroup

#: A claim that others take away is written so often.
_TRIES: Final = 3
#: Seconds after which whoever read the tags before a claim reads them again, and a call that is under way is answered.
_OUTLASTING: Final = FRESH + 0.2


class OvertakenError(Exception):
    """The log group is no longer what was decided on: look and decide again."""


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
        self._acted = False

    def claim(self) -> None:
        """Claim, as the decision says, what was observed.

        Raises:
            OvertakenError: before a late try, the log group is no longer what was decided on.
        """

        def check_observed() -> None:
            claim = self._logs.claim_on(self._log_group)
            now = Observed(self._logs.key_of(self._log_group), claim)
            if now not in (self._observed, Observed(self._observed.key, self._decision.claim)):
                raise OvertakenError

        if self._decision.write:
            # It may take a while to be let through.
            self._logs.fence()
            if not self._watch.is_fresh:
                check_observed()
            # An answer that comes late says nothing of the time since.
            self._watch.renew()
            self._logs.claim(self._log_group, self._decision.claim, check_observed)
            self._remember_what_is_there_now()

    def _remember_what_is_there_now(self) -> None:
        """Where this takes over from somebody who goes just now, remember the key that this one put back."""
        before, event = self._observed.claim, self._event
        if before is None or before.deleting or event.owner.is_fleet or before.owner.is_sibling_of(event.owner):
            return
        key = self._logs.key_of(self._log_group)
        if key not in (self._observed.key, self._key):
            self._decision = replace(self._decision, claim=replace(self._decision.claim, previous=key), associate=True)
            self._logs.rewrite_claim(self._log_group, self._decision.claim, no_guard)

    def act(self) -> None:
        """Associate the key, as the decision says."""
        self._acted = True
        if self._decision.associate:
            self._logs.fence()
            if not self._watch.is_fresh:
                self._check_claim()
            self._logs.associate(self._log_group, self._key, guard=self._check_claim)

    def hold(self, *, created: bool = False) -> None:
        """Act, and read key and claim back; claim and act again where others came between who are not to go first.

        These are a fleet, and the end of whoever owned the log group before: its Delete may have taken this claim for
        its own.

        Raises:
            ProviderError: they are not both there; NotFound where the log group vanished.
        """
        before = self._observed.claim
        for _ in range(_TRIES - 1):
            try:
                return self._hold(created=created)
            except ClaimGone:
                if before is None or before.owner == self._event.owner:
                    raise
            except TakenOver as taken:
                claim = settled_claim(self._logs, self._log_group, self._event.owner)
                leaving = before is not None and (claim is None or (claim.deleting and claim.owner == before.owner))
                if not (taken.by_fleet or leaving):
                    raise
            self._claim_again()
        return self._hold(created=created)

    def _hold(self, *, created: bool) -> None:
        if not self._acted and not created:
            self.act()
        if self._decision.write:
            # Until nobody acts any more on a look that is older than this claim.
            self._logs.retrier.clock.sleep(_OUTLASTING)
        confirm(self._logs, self._log_group, self._event.owner, self._key, self._event.sent_at, created=created)

    def _claim_again(self) -> None:
        in_force = self._logs.key_of(self._log_group)
        previous = in_force
        if in_force == self._key:
            before = self._observed.claim
            previous = before.previous if before else self._decision.claim.previous
        claim = replace(self._decision.claim, previous=previous)
        self._logs.rewrite_claim(self._log_group, claim, no_guard)
        self._acted = True
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
        check_claim(self._logs, self._log_group, self._event.owner, self._event.sent_at)


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
        except OvertakenError:
            watch.look(event.owner)
            continue
        try:
            claimed.act()
            if alone and not decision.done:
                with claimed.undone_when_lost():
                    confirm(logs, log_group, event.owner, desired.key, event.sent_at)
        except ApiError as error:
            if patient and not (observed.claim or error.uncertain or isinstance(error, Throttled)):
                with suppress(ProviderError):
                    check_claim(logs, log_group, event.owner)
                    logs.remove_claim(log_group, no_guard)
            raise
        return decision


def confirm(  # noqa: PLR0913 - one fact a parameter
    logs: Gateway,
    log_group: LogGroup,
    owner: Owner,
    key: KeyArn,
    sent_at: float | None = None,
    *,
    created: bool = False,
) -> None:
    """Read *key* and *owner*'s claim back, which no event wrote that came after the one *sent_at*.

    Of two resources that claimed at once, the later claim stands, but the other one's key may have come last. So
    where another key stays in force under our claim, ours is associated once more.

    Raises:
        ProviderError: they are not both there; NotFound where the log group vanished.
    """

    def check() -> None:
        check_claim(logs, log_group, owner, sent_at)

    try:
        logs.wait_for_key(log_group, key, created=created)
    except NotStabilized:
        check()
        logs.associate(log_group, key, guard=check)
        logs.wait_for_key(log_group, key, created=created)
    check()


def _left_by(owner: Owner, claim: Claim | None) -> bool:
    """Return whether nobody but *owner*, who is leaving, has a claim."""
    return claim is None or (claim.owner == owner and claim.deleting)
