"""The fleet: every log group whose name begins so.

Each log group that has to change is read just before, claimed, associated, and its claim read again; its page is listed
once more for the keys. What has the wanted key already is passed over: a listing shows that, 50 at a time.

A Delete that passes by takes claims away from the first log group on. So the first ones that an event has claimed are
its witnesses: they are looked at before each page of changes and at the end. Where claim and key are gone, it was a
Delete, unless this is an Update or the fleet is known to be alive; then all that carries this fleet's tag is given
back.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from log_group_kms.association.decision import Desired, Skip, decide, may_take
from log_group_kms.association.log_group import OneLogGroup
from log_group_kms.association.requests import Remove
from log_group_kms.fleet.checkpoint import CHANGED, MOST_SENTINELS, Checkpoint, Fate, Phase
from log_group_kms.fleet.pages import Ending, PageRunner
from log_group_kms.fleet.plan import Action, Planned, action_for
from log_group_kms.model.association import OnDelete, OnExistingKey
from log_group_kms.model.errors import (
    AccessDenied,
    ApiError,
    ClaimLost,
    ConcurrentChange,
    InvalidParameter,
    KeyPolicyDenied,
    LimitExceeded,
    NotFound,
    NotStabilized,
    PartlyRefused,
    ProviderError,
    ReservedLogGroup,
    ResourceConflict,
    RoleDenied,
    TakenOver,
)
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.physical_id import PERHAPS_ASSOCIATED
from log_group_kms.model.results import Observed, Outcome
from log_group_kms.model.targets import Fleet, LogGroup, LogGroupName
from log_group_kms.retry.policies import FLEET, FLEET_IN_PASSING
from log_group_kms.retry.rate_limits import AdaptiveRateLimiter, ReservedPermit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from log_group_kms.association.context import Context
    from log_group_kms.association.decision import Apply
    from log_group_kms.association.requests import Ensure
    from log_group_kms.fleet.pages import Job, Visit
    from log_group_kms.model.ownership import Claim, Owner
    from log_group_kms.model.results import Listed, Page

logger = logging.getLogger(__name__)


#: What may be a single log group's own fault: 50 tags already, someone at work on it, a policy that protects it.
_CERTAINLY_ITS_OWN: Final = (ConcurrentChange, LimitExceeded, NotStabilized)
_PERHAPS_ITS_OWN: Final = ("AccessDeniedException", "InvalidParameterException", "ValidationException")
#: With more than so many refused one after the other, the fault is not theirs.
_MOST_IN_A_ROW: Final = 10
#: A log group whose tags someone takes off is tried so often.
_TRIES: Final = 2
#: So many of those refused are named.
_NAMED: Final = 5


def _log(name: str, fate: Fate, why: str) -> None:
    logger.info("%s: %s%s", name, fate, f" ({why})" if why else "")


@dataclass(frozen=True, slots=True)
class WholeFleet:
    """The rules for a fleet.

    Attributes:
        work: the event's ports.
        fleet: which log groups.
        saw: is told of each log group that is changed or skipped its name, its fate, and why.
        throttled: is told of each change that AWS throttled.
        is_alive: tells whether no Delete of the fleet has begun yet; None where nobody can tell but the claims.
    """

    context: Context
    fleet: Fleet
    saw: Callable[[str, Fate, str], None] = _log
    throttled: Callable[[], None] = lambda: None
    is_alive: Callable[[], bool] | None = None

    def ensure(self, event: Ensure, progress: Checkpoint | None = None) -> Outcome | Checkpoint:
        """Make what *event* desires so, from *progress* on; `Checkpoint` where a further invocation must go on.

        Raises:
            ProviderError: it could not be done; see `errors`. A note tells the counts.
        """
        if event.creating:
            # An earlier delivery of this event may have claimed.
            self.context.if_this_fails(PERHAPS_ASSOCIATED)
        checkpoint = progress or self._begin(event)
        if event.new_target and checkpoint.claimed:
            self.context.if_this_fails(self.fleet.arn)
        run = _Run(self, event.owner, event)
        while checkpoint.phase is not Phase.DONE:
            checkpoint, ending = self._pass(run, event, checkpoint)
            if ending is Ending.UNFINISHED:
                return checkpoint
            checkpoint = checkpoint.then(_next(checkpoint, ending, event))
        counts = checkpoint.counts
        return Outcome(
            self.fleet,
            KeyArn(checkpoint.key),
            associated=counts.changed,
            # What was counted as changed on a page and is gone when the page is seen again leaves less than none.
            compliant=max(0, counts.compliant),
            skipped=counts.skipped,
            note=checkpoint.told if counts.skipped or counts.unrestored else "",
            settling=bool(counts.changed),
            sentinels=checkpoint.sentinels,
        )

    def remove(self, event: Remove, progress: Checkpoint | None = None) -> Outcome | Checkpoint:
        """Give back what the owner of *event* owns, no more; `Checkpoint` where a further invocation must go on.

        Raises:
            ProviderError: AWS refused for good. A note tells the counts.
        """
        checkpoint = progress or Checkpoint(Phase.RELEASE)
        # What has no tags is none of a fleet's.
        event = replace(event, minted=False)
        run = _Run(self, event.owner)
        while checkpoint.phase is not Phase.DONE:
            patient = checkpoint.phase is Phase.RELEASE_BUSY
            checkpoint, ending = run.make_pass(checkpoint, partial(run.visit_to_release, event, patient=patient))
            if ending is Ending.UNFINISHED:
                return checkpoint
            checkpoint = checkpoint.then(Phase.RELEASE_BUSY if checkpoint.counts.busy and not patient else Phase.DONE)
        counts = checkpoint.counts
        given_back = counts.released + counts.unrestored
        return Outcome(self.fleet, None, associated=given_back, note=checkpoint.told)

    def enrol(self, event: Ensure, log_group: LogGroup) -> Fate:
        """Bring in one log group, if it belongs to the fleet.

        Raises:
            ProviderError: it could not be done; see `errors`.
        """
        name = log_group.name.text
        if not name.startswith(self.fleet.prefix) or event.association.exclude.cover(name):
            return Fate.PASSED
        run = _Run(self, event.owner, event)
        return run.enrol(log_group, event, event.desired(self.context.resolve(event.association.key)))

    def give_back(self, event: Remove, log_group: LogGroup) -> Fate:
        """Give back one log group, if the owner of *event* owns it.

        Raises:
            ProviderError: AWS refused for good.
        """
        run = _Run(self, event.owner)
        fate = run.release(log_group, event, patient=True)
        run.raise_refusal()
        return fate

    def plan(self, event: Ensure) -> Iterator[Planned]:
        """What `ensure` would do with each log group, from the listing and the claims; changes nothing.

        Raises:
            ProviderError: it could not be told.
        """
        desired = event.desired(self.context.resolve(event.association.key))
        run = _Run(self, event.owner)
        token: str | None = ""
        while token is not None:
            page = run.page(token)
            for listed in page.log_groups:
                yield self._planned(run, event, desired, listed)
            token = page.next_token or None

    def check_claim(self, event: Ensure, sentinels: tuple[str, ...]) -> None:
        """See whether the claims of *event* on its *witnesses* still stand.

        Raises:
            ClaimLost: a Delete passed by.
        """
        run = _Run(self, event.owner, event)
        run.check_sentinels(Checkpoint(Phase.DONE, sentinels=sentinels))

    def log_group(self, name: str) -> LogGroup | None:
        """The log group of this *name*; None where it is reserved for AWS."""
        try:
            return LogGroup(self.fleet.place, LogGroupName(name))
        except ValueError:
            return None

    def _begin(self, event: Ensure) -> Checkpoint:
        first = Phase.LOOK if event.association.on_existing_key is OnExistingKey.FAIL else Phase.CHANGE
        return Checkpoint(first, self.context.resolve(event.association.key).text)

    def _pass(self, run: _Run, event: Ensure, checkpoint: Checkpoint) -> tuple[Checkpoint, Ending]:
        desired = event.desired(KeyArn(checkpoint.key))
        match checkpoint.phase:
            case Phase.LOOK:
                return run.make_pass(checkpoint, partial(run.visit_to_look, event, desired))
            case Phase.CONFIRM:
                return checkpoint, run.ask_sentinels(checkpoint)
            case Phase.UNDO:
                # As the Delete that passed by did; a Create that failed leaves what was there before.
                on_delete = event.association.on_delete if event.enrolling else OnDelete.RESTORE_PREVIOUS
                undoing = replace(event.association, on_delete=on_delete)
                remove = Remove(event.owner, undoing, minted=False)
                return run.make_pass(checkpoint, partial(run.visit_to_release, remove, patient=True))
            case Phase.RELEASE_ABANDONED if abandoned := abandoned_fleet(event):
                fleet, remove = abandoned
                former = _Run(replace(self, fleet=fleet), remove.owner)
                return former.make_pass(checkpoint, partial(former.visit_to_release, remove, patient=True))
            case phase:
                patient = phase is Phase.CHANGE_BUSY
                return run.make_pass(checkpoint, partial(run.visit_to_change, event, desired, patient=patient))

    def _planned(self, run: _Run, event: Ensure, desired: Desired, listed: Listed) -> Planned:
        group = self.log_group(listed.name)
        if event.association.exclude.cover(listed.name):
            return Planned(listed.name, Action.EXCLUDED, listed.key)
        if group is None:
            return Planned(listed.name, Action.RESERVED, listed.key)
        if listed.key == desired.key and not event.new_target:
            return Planned(listed.name, Action.COMPLIANT, listed.key)
        try:
            claim = run.claim_on(group)
        except NotFound:
            return Planned(listed.name, Action.EXCLUDED, listed.key)
        return Planned(
            listed.name, action_for(Observed(listed.key, claim), desired), listed.key, claim.owner if claim else None
        )


class _Run:
    """One invocation's work on a fleet."""

    def __init__(self, rules: WholeFleet, owner: Owner, event: Ensure | None = None) -> None:
        self._rules = rules
        self._owner = owner
        self._may_undo = event is not None and event.may_undo
        self._enrolling = event is not None and event.enrolling
        self._retains = event is not None and event.association.on_delete is OnDelete.RETAIN
        context = rules.context
        self._pages_run = PageRunner(
            context.retrier,
            context.rate_limits.workers,
            page=self.page,
            before_changes=self.check_sentinels,
            confirm=self._confirm,
        )
        clock, until = context.retrier.clock, self._pages_run.cutoff
        self._changes = AdaptiveRateLimiter(clock, context.rate_limits.changes, until, on_refusal=rules.throttled)
        self._reads = AdaptiveRateLimiter(clock, context.rate_limits.reads, until)
        self._pages = AdaptiveRateLimiter(clock, context.rate_limits.pages, until)
        self._key: KeyArn | None = None
        #: Names of the log groups that were claimed first, in this invocation and before.
        self._sentinels: list[str] = []
        #: Log groups that AWS refused for their own sake, and why the first one.
        self._refused: list[str] = []
        self._refusal: ApiError | NotStabilized | None = None
        self._in_a_row = 0
        #: Whether a refusal may be a log group's own fault.
        self._tolerant = True
        self._context = replace(context, retrier=context.retrier.under(FLEET), if_this_fails=self._if_this_fails)

    def make_pass(self, checkpoint: Checkpoint, visit: Visit) -> tuple[Checkpoint, Ending]:
        """See `PageRunner.make`; what was refused for its own sake is told when all others are done.

        Raises:
            ProviderError: with a note of the counts so far.
        """
        self._key = KeyArn(checkpoint.key) if checkpoint.key else None
        self._sentinels = list(checkpoint.sentinels)
        self._refused = list(checkpoint.refused)
        self._in_a_row = 0
        # What there is under the key shows that it can be.
        self._tolerant = self._enrolling or checkpoint.claimed or checkpoint.counts.compliant > 0
        checkpoint, ending = self._pages_run.make(checkpoint, visit)
        checkpoint = replace(checkpoint, refused=tuple(self._refused[:_NAMED]))
        if checkpoint.refused and ending is Ending.COMPLETE:
            named = ", ".join(checkpoint.refused)
            failure = self._refusal or PartlyRefused(
                f"AWS refused log groups of {self._rules.fleet.arn} for their own sake"
            )
            failure.add_note(f"Refused: {named}; the log has them all. {checkpoint.told}")
            raise failure
        return checkpoint, ending

    def enrol(self, group: LogGroup, event: Ensure, desired: Desired) -> Fate:
        """Bring one log group in, and read it back."""
        fate = self._change(group, None, event, desired, patient=True)
        self.raise_refusal()
        if fate in CHANGED:
            with suppress(NotFound):
                OneLogGroup(self._context_of(self._changes, patient=True), group).confirm(event.owner, desired.key)
        return fate

    def raise_refusal(self) -> None:
        """Tell what was put aside.

        Raises:
            Refused: the first refusal.
        """
        if self._refusal:
            raise self._refusal

    def ask_sentinels(self, checkpoint: Checkpoint) -> Ending:
        """How a pass has ended that came to all pages."""
        try:
            self.check_sentinels(checkpoint)
        except ClaimLost:
            return Ending.LOST
        except ProviderError as failure:
            if not self._pages_run.cut_short(failure):
                raise
            return Ending.UNFINISHED
        return Ending.COMPLETE

    def page(self, token: str) -> Page:
        """A page of the fleet."""
        self._pages.take()
        return self._context.retrier.attempt(lambda: self._context.log_groups.page(self._rules.fleet, token))

    def claim_on(self, group: LogGroup) -> Claim | None:
        """The claim on *group*, read at the pace of reads."""
        self._reads.take()
        claim = self._context.retrier.attempt(lambda: self._context.log_groups.claim_on(group))
        return None if claim and claim.deleted else claim

    def check_sentinels(self, checkpoint: Checkpoint) -> None:
        """See whether a Delete passed by.

        Raises:
            ClaimLost: it did.
        """
        stand = self._claims_stand(checkpoint.sentinels)
        if stand is False or (stand is None and checkpoint.claimed and self._rules.is_alive and self._may_be_gone()):
            raise _lost(self._rules.fleet.arn)

    def _may_be_gone(self) -> bool:
        """Whether claims that went away went with a Delete: an Update has none beside it, enrolment can ask."""
        return self._may_undo and (self._rules.is_alive is None or not self._rules.is_alive())

    def _claims_stand(self, sentinels: Iterable[str]) -> bool | None:
        """Whether this fleet's claims still do: the first witness that can tell does; None where none can."""
        for group in filter(None, map(self._rules.log_group, sentinels)):
            try:
                claim = self.claim_on(group)
                if claim and claim.stands_for(self._owner):
                    return True
                if (claim is None or claim.owner == self._owner) and not self._has_key_still(group, claim):
                    return None if not self._may_be_gone() else False
            except NotFound:
                continue
        return None

    def _has_key_still(self, group: LogGroup, claim: Claim | None) -> bool:
        """Whether someone took the tags alone: the fleet's Delete would have taken the key as well."""
        if claim or self._retains or self._key is None:
            return False
        return self._context.retrier.attempt(lambda: self._context.log_groups.key_of(group)) == self._key

    # --- what a pass does with a log group ---------------------------------------------------------------------------

    def visit_to_look(self, event: Ensure, desired: Desired, listed: Listed) -> Fate | Job:
        """With OnExistingKey: Fail, before anything is changed."""
        group = self._rules.log_group(listed.name)
        if group is None or listed.key in (None, desired.key) or event.association.exclude.cover(listed.name):
            return Fate.PASSED
        return partial(self._look, group, desired, listed)

    def visit_to_change(self, event: Ensure, desired: Desired, listed: Listed, *, patient: bool) -> Fate | Job:
        """Bring it under the key."""
        group = self._rules.log_group(listed.name)
        if event.association.exclude.cover(listed.name):
            newly = group and not patient and _newly_excluded(event, listed)
            return partial(self._release_excluded, group, event) if group and newly else Fate.PASSED
        if group is None:
            return self._told(listed.name, Fate.RESERVED)
        if listed.key != desired.key:
            return partial(self._change, group, listed.key, event, desired, patient=patient)
        if patient or not _was_given_up(event, listed):
            self._in_a_row = 0
            return Fate.COMPLIANT
        return partial(self._take_over, group, event, desired)

    def visit_to_release(self, event: Remove, listed: Listed, *, patient: bool) -> Fate | Job:
        """Give it back, where it is owned."""
        group = self._rules.log_group(listed.name)
        return partial(self.release, group, event, patient=patient) if group else Fate.PASSED

    def _look(self, group: LogGroup, desired: Desired, listed: Listed) -> Fate:
        try:
            decide(Observed(listed.key, self.claim_on(group)), desired)
        except NotFound:
            pass
        except ResourceConflict as conflict:
            raise ResourceConflict(f"{group.arn}: {conflict}") from None
        return Fate.PASSED

    def _change(self, group: LogGroup, key: KeyArn | None, event: Ensure, desired: Desired, *, patient: bool) -> Fate:
        """Look whether it is to be changed at all, then take a turn; what it is changed by is read after that."""
        try:
            claim = self.claim_on(group)
            decision = decide(Observed(key, claim), desired)
            if isinstance(decision, Skip):
                return self._left(group.name.text, decision)
            rules = OneLogGroup(self._context_of(ReservedPermit(self._changes), patient=patient), group)
            fate = self._enlist(rules, event, desired, claim)
        except NotFound:
            return Fate.PASSED
        except (ApiError, NotStabilized) as refusal:
            return self._aside(group, refusal, patient=patient)
        except ResourceConflict as conflict:
            if isinstance(conflict, ClaimLost):
                raise
            raise ResourceConflict(f"{group.arn}: {conflict}") from None
        self._in_a_row = 0
        return fate

    def _is_the_keys(self, refusal: ApiError | NotStabilized) -> bool:
        """Whether the key is at fault, and not the log group: AWS's words do not always tell."""
        if isinstance(refusal, KeyPolicyDenied) or (isinstance(refusal, RoleDenied) and refusal.about_key):
            return True
        if not isinstance(refusal, InvalidParameter) or self._key is None or refusal.key != self._key.text:
            return False
        try:
            return self._context.keys.describe(self._key).defect != ""
        except ApiError:
            return not self._pages_run.proved

    def _left(self, name: str, decision: Skip) -> Fate:
        return self._told(name, Fate.OWNED, decision.to.text) if decision.to else self._told(name, Fate.KEPT)

    def _aside(self, group: LogGroup, refusal: ApiError | NotStabilized, *, patient: bool) -> Fate:
        """Put one log group aside for the last pass, and there, for the end of it; not where the fault is the key's.

        Raises:
            Refused: no other log group will fare better.
        """
        if self._pages_run.cut_short(refusal) or not _may_be_its_own(refusal):
            raise refusal
        if self._is_the_keys(refusal) and not (self._enrolling and self._pages_run.proved):
            raise refusal
        if not isinstance(refusal, _CERTAINLY_ITS_OWN):
            self._in_a_row += 1
            if self._in_a_row > _MOST_IN_A_ROW or not (self._pages_run.proved or self._tolerant):
                raise refusal
        if patient:
            self._refused.append(group.name.text)
            self._refusal = self._refusal or refusal
        return self._told(group.name.text, Fate.BUSY, str(refusal))

    def _enlist(self, rules: OneLogGroup, event: Ensure, desired: Desired, claim: Claim | None) -> Fate:
        name = rules.log_group.name.text
        try:
            decision = self._held(rules, event, desired, claim)
        except NotFound:
            return self._told(name, Fate.PASSED, "it vanished meanwhile")
        except TakenOver as taken:
            return self._told(name, Fate.OWNED, str(taken))
        except ReservedLogGroup:
            rules.remove(Remove(event.owner, event.association, minted=False))
            return self._told(name, Fate.RESERVED)
        if isinstance(decision, Skip):
            return self._left(name, decision)
        return self._claimed(name, desired, decision) if decision.write or decision.associate else Fate.COMPLIANT

    def _held(self, rules: OneLogGroup, event: Ensure, desired: Desired, claim: Claim | None) -> Apply | Skip:
        for _ in range(_TRIES):
            try:
                return rules.enlist(event, desired, claim)
            except TakenOver:
                raise
            except ClaimLost:
                if not self._claims_stand(list(self._sentinels)) and self._may_be_gone():
                    raise
        # Its tags alone went away, no Delete passed by.
        raise NotStabilized(f"Someone keeps taking this resource's tags off {rules.log_group.arn}")

    def _claimed(self, name: str, desired: Desired, decision: Apply) -> Fate:
        if not self._sentinels and self._rules.is_alive and self._may_be_gone():
            # A Delete that begins after the first claim meets it: from here on the claims tell.
            raise _lost(self._rules.fleet.arn)
        if len(self._sentinels) < MOST_SENTINELS:
            self._sentinels.append(name)
        if not decision.associate:
            return self._told(name, Fate.TAKEN_OVER)
        if desired.enrolling and not decision.write:
            return self._told(name, Fate.MENDED)
        previous = decision.claim.previous
        return self._told(name, Fate.ASSOCIATED, f"before: {previous.text}" if previous else "")

    def _take_over(self, group: LogGroup, event: Ensure, desired: Desired) -> Fate:
        """Under the wanted key already: only what a fleet that this one follows has claimed is claimed anew."""
        try:
            claim = self.claim_on(group)
        except NotFound:
            return Fate.PASSED
        if claim is None or claim.stands_for(desired.owner) or not may_take(claim, desired):
            return Fate.COMPLIANT
        return self._enlist(OneLogGroup(self._context_of(self._changes, patient=True), group), event, desired, claim)

    def _release_excluded(self, group: LogGroup, event: Ensure) -> Fate:
        return self.release(group, Remove(event.owner, event.association, minted=False), patient=True)

    def release(self, group: LogGroup, event: Remove, *, patient: bool) -> Fate:
        """Give it back, where the owner of *event* owns it."""
        try:
            claim = self.claim_on(group)
        except NotFound:
            return Fate.PASSED
        if claim is None or claim.owner != event.owner:
            return Fate.PASSED
        return self._release(group, event, patient=patient)

    def _release(self, group: LogGroup, event: Remove, *, patient: bool) -> Fate:
        name = group.name.text
        turns = self._changes if event.former.on_delete is OnDelete.RETAIN else ReservedPermit(self._changes)
        # What is given back has been taken: the role is able to.
        self._pages_run.proved = True
        try:
            outcome = OneLogGroup(self._context_of(turns, patient=patient), group).remove(event)
        except ApiError as refusal:
            return self._aside(group, refusal, patient=patient)
        self._in_a_row = 0
        if event.former.on_delete is OnDelete.RETAIN:
            return self._told(name, Fate.RELEASED, outcome.note)
        if outcome.skipped:
            return self._told(name, Fate.PASSED, outcome.note)
        return self._told(name, Fate.UNRESTORED if outcome.note else Fate.RELEASED, outcome.note)

    def _confirm(self, token: str, names: Iterable[str]) -> dict[str, Fate]:
        """Read back, by the page alone where that shows the key."""
        shown = {listed.name: listed.key for listed in self.page(token).log_groups}
        late = [group for name in names if shown.get(name) != self._key and (group := self._rules.log_group(name))]
        return {group.name.text: fate for group in late if (fate := self._confirmed(group)) is not Fate.ASSOCIATED}

    def _confirmed(self, group: LogGroup) -> Fate:
        if self._key is None:
            return Fate.PASSED
        try:
            OneLogGroup(self._context_of(self._changes, patient=True), group).confirm(self._owner, self._key)
        except NotFound:
            return Fate.PASSED
        except TakenOver as taken:
            return self._told(group.name.text, Fate.OWNED, str(taken))
        except ClaimLost:
            if not self._claims_stand(list(self._sentinels)) and self._may_be_gone():
                raise
            return Fate.BUSY
        return Fate.ASSOCIATED

    def _context_of(self, turns: AdaptiveRateLimiter | ReservedPermit, *, patient: bool) -> Context:
        policies = FLEET if patient else FLEET_IN_PASSING
        if self._pages_run.proved or self._tolerant:
            # The role is able to: what it may not do to one log group, it may not later either.
            policies = tuple(policy for policy in policies if policy.on is not RoleDenied)
        if self._pages_run.proved and self._enrolling:
            # So does the key's policy allow it, but for some log groups.
            policies = tuple(policy for policy in policies if policy.on is not KeyPolicyDenied)
        retrier = self._context.retrier.under(policies, stopped=self._pages_run.stopped.is_set)
        return replace(self._context, retrier=retrier, turns=turns)

    def _told(self, name: str, fate: Fate, why: str = "") -> Fate:
        self._rules.saw(name, fate, why)
        return fate

    def _if_this_fails(self, physical_resource_id: str) -> None:
        """Once one log group is claimed, the fleet's id stands; what is known of another one changes nothing."""
        if physical_resource_id == self._rules.fleet.arn:
            self._rules.context.if_this_fails(physical_resource_id)


def _may_be_its_own(refusal: ApiError | NotStabilized) -> bool:
    """Whether a single log group may be at fault; expired credentials, say, are nobody's."""
    if isinstance(refusal, _CERTAINLY_ITS_OWN):
        return True
    return isinstance(refusal, AccessDenied | InvalidParameter) and refusal.code in _PERHAPS_ITS_OWN


def _was_given_up(event: Ensure, listed: Listed) -> bool:
    """Whether a log group under the wanted key may carry another claim that has to become this fleet's.

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
    """Whether this Update excludes what the template before did not, as far as that is known."""
    if event.new_target or event.enrolling:
        return False
    return event.former is None or not event.former.exclude.cover(listed.name)


def _next(checkpoint: Checkpoint, ending: Ending, event: Ensure) -> Phase:
    """The pass that follows.

    Raises:
        ClaimLost: what was to be undone is.
    """
    if ending is Ending.LOST and not event.may_undo:
        raise ClaimLost(f"Someone keeps taking this resource's claims off log groups of {event.association.target.arn}")
    if ending is Ending.LOST and checkpoint.phase is not Phase.UNDO:
        return Phase.UNDO
    match checkpoint.phase:
        case Phase.LOOK:
            return Phase.CHANGE
        case Phase.CHANGE if checkpoint.counts.busy:
            return Phase.CHANGE_BUSY
        case Phase.CHANGE | Phase.CHANGE_BUSY:
            return Phase.CONFIRM
        case Phase.CONFIRM if abandoned_fleet(event):
            return Phase.RELEASE_ABANDONED
        case Phase.UNDO:
            lost = _lost(event.association.target.arn)
            lost.add_note(f"(what it had associated was given back). {checkpoint.told}")
            raise lost
        case _:
            return Phase.DONE


def abandoned_fleet(event: Ensure) -> tuple[Fleet, Remove] | None:
    """The fleet with which the Update before had begun when it died, and how to give it back.

    CloudFormation never heard of it, so it sends no Delete.
    """
    former, owner = event.former, event.former_owner
    if former is None or owner is None or not isinstance(former.target, Fleet):
        return None
    if former.target.arn in (event.association.target.arn, event.physical_resource_id):
        return None
    return former.target, Remove(owner, former, minted=False)


def _lost(arn: str) -> ClaimLost:
    return ClaimLost(
        f"This resource's claims on {arn} went away meanwhile: a Delete of it passed by, or someone took its tags off"
    )
