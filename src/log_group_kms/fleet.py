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

from log_group_kms.decision import Leave, Wish, decide, may_take
from log_group_kms.errors import (
    AccessDenied,
    ClaimLost,
    ConcurrentChange,
    InvalidParameter,
    KeyPolicyDenied,
    LimitExceeded,
    NotFound,
    NotStabilized,
    PartlyRefused,
    ProviderError,
    Refused,
    ReservedLogGroup,
    ResourceConflict,
    RoleDenied,
    TakenOver,
)
from log_group_kms.model import (
    Fleet,
    KeyArn,
    LogGroup,
    LogGroupName,
    Observed,
    OnDelete,
    OnExistingKey,
    Outcome,
)
from log_group_kms.one_log_group import OneLogGroup
from log_group_kms.pacing import Pacer, TakenTurn
from log_group_kms.physical_id import PERHAPS_ASSOCIATED
from log_group_kms.plan import Action, Planned, action_for
from log_group_kms.sweep import CHANGED, MOST_WITNESSES, Ending, Fate, Passes, Phase, Sweep
from log_group_kms.waiting import FLEET, FLEET_IN_PASSING
from log_group_kms.work import Remove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from log_group_kms.decision import Hold
    from log_group_kms.model import Claim, Listed, Owner, Page
    from log_group_kms.sweep import Job, Visit
    from log_group_kms.work import Ensure, Work

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

    work: Work
    fleet: Fleet
    saw: Callable[[str, Fate, str], None] = _log
    throttled: Callable[[], None] = lambda: None
    is_alive: Callable[[], bool] | None = None

    def ensure(self, event: Ensure, progress: Sweep | None = None) -> Outcome | Sweep:
        """Make what *event* desires so, from where *progress* stands; `Sweep` where a further invocation must go on.

        Raises:
            ProviderError: it could not be done; see `errors`. A note tells the counts.
        """
        if event.creating:
            # An earlier delivery of this event may have claimed.
            self.work.if_this_fails(PERHAPS_ASSOCIATED)
        sweep = progress or self._begin(event)
        if event.new_target and sweep.claimed:
            self.work.if_this_fails(self.fleet.arn)
        run = _Run(self, event.owner, event)
        while sweep.phase is not Phase.DONE:
            sweep, ending = self._pass(run, event, sweep)
            if ending is Ending.UNFINISHED:
                return sweep
            sweep = sweep.then(_next(sweep, ending, event))
        counts = sweep.counts
        return Outcome(
            self.fleet,
            KeyArn(sweep.key),
            associated=counts.changed,
            # What was counted as changed on a page and is gone when the page is seen again leaves less than none.
            compliant=max(0, counts.compliant),
            skipped=counts.skipped,
            note=sweep.told if counts.skipped or counts.unrestored else "",
            settling=bool(counts.changed),
            witnesses=sweep.witnesses,
        )

    def remove(self, event: Remove, progress: Sweep | None = None) -> Outcome | Sweep:
        """Give back what the owner of *event* owns, and nothing else; `Sweep` where a further invocation must go on.

        Raises:
            ProviderError: AWS refused for good. A note tells the counts.
        """
        sweep = progress or Sweep(Phase.RELEASE)
        # What has no tags is none of a fleet's.
        event = replace(event, minted=False)
        run = _Run(self, event.owner)
        while sweep.phase is not Phase.DONE:
            patient = sweep.phase is Phase.RELEASE_BUSY
            sweep, ending = run.make_pass(sweep, partial(run.visit_to_release, event, patient=patient))
            if ending is Ending.UNFINISHED:
                return sweep
            sweep = sweep.then(Phase.RELEASE_BUSY if sweep.counts.busy and not patient else Phase.DONE)
        counts = sweep.counts
        given_back = counts.released + counts.unrestored
        return Outcome(self.fleet, None, associated=given_back, note=sweep.told)

    def enrol(self, event: Ensure, log_group: LogGroup) -> Fate:
        """Bring in one log group, if it belongs to the fleet.

        Raises:
            ProviderError: it could not be done; see `errors`.
        """
        name = log_group.name.text
        if not name.startswith(self.fleet.prefix) or event.desired.exclude.cover(name):
            return Fate.PASSED
        run = _Run(self, event.owner, event)
        return run.enrol(log_group, event, event.wish(self.work.resolve(event.desired.key)))

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
        wish = event.wish(self.work.resolve(event.desired.key))
        run = _Run(self, event.owner)
        token: str | None = ""
        while token is not None:
            page = run.page(token)
            for listed in page.log_groups:
                yield self._planned(run, event, wish, listed)
            token = page.next_token or None

    def check_claim(self, event: Ensure, witnesses: tuple[str, ...]) -> None:
        """See whether the claims of *event* on its *witnesses* still stand.

        Raises:
            ClaimLost: a Delete passed by.
        """
        run = _Run(self, event.owner, event)
        run.check_witnesses(Sweep(Phase.DONE, witnesses=witnesses))

    def log_group(self, name: str) -> LogGroup | None:
        """The log group of this *name*; None where it is reserved for AWS."""
        try:
            return LogGroup(self.fleet.place, LogGroupName(name))
        except ValueError:
            return None

    def _begin(self, event: Ensure) -> Sweep:
        first = Phase.LOOK if event.desired.on_existing_key is OnExistingKey.FAIL else Phase.CHANGE
        return Sweep(first, self.work.resolve(event.desired.key).text)

    def _pass(self, run: _Run, event: Ensure, sweep: Sweep) -> tuple[Sweep, Ending]:
        wish = event.wish(KeyArn(sweep.key))
        match sweep.phase:
            case Phase.LOOK:
                return run.make_pass(sweep, partial(run.visit_to_look, event, wish))
            case Phase.CONFIRM:
                return sweep, run.ask_witnesses(sweep)
            case Phase.UNDO:
                # As the Delete that passed by did; a Create that failed leaves what was there before.
                on_delete = event.desired.on_delete if event.enrolling else OnDelete.RESTORE_PREVIOUS
                undoing = replace(event.desired, on_delete=on_delete)
                remove = Remove(event.owner, undoing, minted=False)
                return run.make_pass(sweep, partial(run.visit_to_release, remove, patient=True))
            case Phase.RELEASE_ABANDONED if abandoned := abandoned_fleet(event):
                fleet, remove = abandoned
                former = _Run(replace(self, fleet=fleet), remove.owner)
                return former.make_pass(sweep, partial(former.visit_to_release, remove, patient=True))
            case phase:
                patient = phase is Phase.CHANGE_BUSY
                return run.make_pass(sweep, partial(run.visit_to_change, event, wish, patient=patient))

    def _planned(self, run: _Run, event: Ensure, wish: Wish, listed: Listed) -> Planned:
        group = self.log_group(listed.name)
        if event.desired.exclude.cover(listed.name):
            return Planned(listed.name, Action.EXCLUDED, listed.key)
        if group is None:
            return Planned(listed.name, Action.RESERVED, listed.key)
        if listed.key == wish.key and not event.new_target:
            return Planned(listed.name, Action.COMPLIANT, listed.key)
        try:
            claim = run.claim_on(group)
        except NotFound:
            return Planned(listed.name, Action.EXCLUDED, listed.key)
        return Planned(
            listed.name, action_for(Observed(listed.key, claim), wish), listed.key, claim.owner if claim else None
        )


class _Run:
    """One invocation's work on a fleet."""

    def __init__(self, rules: WholeFleet, owner: Owner, event: Ensure | None = None) -> None:
        self._rules = rules
        self._owner = owner
        self._may_undo = event is not None and event.may_undo
        self._enrolling = event is not None and event.enrolling
        self._retains = event is not None and event.desired.on_delete is OnDelete.RETAIN
        work = rules.work
        self._passes = Passes(
            work.patience,
            work.tempo.workers,
            page=self.page,
            before_changes=self.check_witnesses,
            confirm=self._confirm,
        )
        clock, until = work.patience.clock, self._passes.cutoff
        self._changes = Pacer(clock, work.tempo.changes, until, on_refusal=rules.throttled)
        self._reads = Pacer(clock, work.tempo.reads, until)
        self._pages = Pacer(clock, work.tempo.pages, until)
        self._key: KeyArn | None = None
        #: Names of the log groups that were claimed first, in this invocation and before.
        self._witnesses: list[str] = []
        #: Log groups that AWS refused for their own sake, and why the first one.
        self._refused: list[str] = []
        self._refusal: Refused | NotStabilized | None = None
        self._in_a_row = 0
        #: Whether a refusal may be a log group's own fault.
        self._tolerant = True
        self._work = replace(work, patience=work.patience.under(FLEET), if_this_fails=self._if_this_fails)

    def make_pass(self, sweep: Sweep, visit: Visit) -> tuple[Sweep, Ending]:
        """See `Passes.make`; what was refused for its own sake is told when all others are done.

        Raises:
            ProviderError: with a note of the counts so far.
        """
        self._key = KeyArn(sweep.key) if sweep.key else None
        self._witnesses = list(sweep.witnesses)
        self._refused = list(sweep.refused)
        self._in_a_row = 0
        # What there is under the key shows that it can be.
        self._tolerant = self._enrolling or sweep.claimed or sweep.counts.compliant > 0
        sweep, ending = self._passes.make(sweep, visit)
        sweep = replace(sweep, refused=tuple(self._refused[:_NAMED]))
        if sweep.refused and ending is Ending.COMPLETE:
            named = ", ".join(sweep.refused)
            failure = self._refusal or PartlyRefused(
                f"AWS refused log groups of {self._rules.fleet.arn} for their own sake"
            )
            failure.add_note(f"Refused: {named}; the log has them all. {sweep.told}")
            raise failure
        return sweep, ending

    def enrol(self, group: LogGroup, event: Ensure, wish: Wish) -> Fate:
        """Bring one log group in, and read it back."""
        fate = self._change(group, None, event, wish, patient=True)
        self.raise_refusal()
        if fate in CHANGED:
            with suppress(NotFound):
                OneLogGroup(self._work_of(self._changes, patient=True), group).confirm(event.owner, wish.key)
        return fate

    def raise_refusal(self) -> None:
        """Tell what was put aside.

        Raises:
            Refused: the first refusal.
        """
        if self._refusal:
            raise self._refusal

    def ask_witnesses(self, sweep: Sweep) -> Ending:
        """How a pass has ended that came to all pages."""
        try:
            self.check_witnesses(sweep)
        except ClaimLost:
            return Ending.LOST
        except ProviderError as failure:
            if not self._passes.cut_short(failure):
                raise
            return Ending.UNFINISHED
        return Ending.COMPLETE

    def page(self, token: str) -> Page:
        """A page of the fleet."""
        self._pages.take()
        return self._work.patience.attempt(lambda: self._work.log_groups.page(self._rules.fleet, token))

    def claim_on(self, group: LogGroup) -> Claim | None:
        """The claim on *group*, read at the pace of reads."""
        self._reads.take()
        claim = self._work.patience.attempt(lambda: self._work.log_groups.claim_on(group))
        return None if claim and claim.deleted else claim

    def check_witnesses(self, sweep: Sweep) -> None:
        """See whether a Delete passed by.

        Raises:
            ClaimLost: it did.
        """
        stand = self._claims_stand(sweep.witnesses)
        if stand is False or (stand is None and sweep.claimed and self._rules.is_alive and self._may_be_gone()):
            raise _lost(self._rules.fleet.arn)

    def _may_be_gone(self) -> bool:
        """Whether claims that went away went with a Delete: an Update has none beside it, enrolment can ask."""
        return self._may_undo and (self._rules.is_alive is None or not self._rules.is_alive())

    def _claims_stand(self, witnesses: Iterable[str]) -> bool | None:
        """Whether this fleet's claims still do: the first witness that can tell does; None where none can."""
        for group in filter(None, map(self._rules.log_group, witnesses)):
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
        return self._work.patience.attempt(lambda: self._work.log_groups.key_of(group)) == self._key

    # --- what a pass does with a log group ---------------------------------------------------------------------------

    def visit_to_look(self, event: Ensure, wish: Wish, listed: Listed) -> Fate | Job:
        """With OnExistingKey: Fail, before anything is changed."""
        group = self._rules.log_group(listed.name)
        if group is None or listed.key in (None, wish.key) or event.desired.exclude.cover(listed.name):
            return Fate.PASSED
        return partial(self._look, group, wish, listed)

    def visit_to_change(self, event: Ensure, wish: Wish, listed: Listed, *, patient: bool) -> Fate | Job:
        """Bring it under the key."""
        group = self._rules.log_group(listed.name)
        if event.desired.exclude.cover(listed.name):
            newly = group and not patient and _newly_excluded(event, listed)
            return partial(self._release_excluded, group, event) if group and newly else Fate.PASSED
        if group is None:
            return self._told(listed.name, Fate.RESERVED)
        if listed.key != wish.key:
            return partial(self._change, group, listed.key, event, wish, patient=patient)
        if patient or not _was_given_up(event, listed):
            self._in_a_row = 0
            return Fate.COMPLIANT
        return partial(self._take_over, group, event, wish)

    def visit_to_release(self, event: Remove, listed: Listed, *, patient: bool) -> Fate | Job:
        """Give it back, where it is owned."""
        group = self._rules.log_group(listed.name)
        return partial(self.release, group, event, patient=patient) if group else Fate.PASSED

    def _look(self, group: LogGroup, wish: Wish, listed: Listed) -> Fate:
        try:
            decide(Observed(listed.key, self.claim_on(group)), wish)
        except NotFound:
            pass
        except ResourceConflict as conflict:
            raise ResourceConflict(f"{group.arn}: {conflict}") from None
        return Fate.PASSED

    def _change(self, group: LogGroup, key: KeyArn | None, event: Ensure, wish: Wish, *, patient: bool) -> Fate:
        """Look whether it is to be changed at all, then take a turn; what it is changed by is read after that."""
        try:
            claim = self.claim_on(group)
            decision = decide(Observed(key, claim), wish)
            if isinstance(decision, Leave):
                return self._left(group.name.text, decision)
            rules = OneLogGroup(self._work_of(TakenTurn(self._changes), patient=patient), group)
            fate = self._enlist(rules, event, wish, claim)
        except NotFound:
            return Fate.PASSED
        except (Refused, NotStabilized) as refusal:
            return self._aside(group, refusal, patient=patient)
        except ResourceConflict as conflict:
            if isinstance(conflict, ClaimLost):
                raise
            raise ResourceConflict(f"{group.arn}: {conflict}") from None
        self._in_a_row = 0
        return fate

    def _is_the_keys(self, refusal: Refused | NotStabilized) -> bool:
        """Whether the key is at fault, and not the log group: AWS's words do not always tell."""
        if isinstance(refusal, KeyPolicyDenied) or (isinstance(refusal, RoleDenied) and refusal.about_key):
            return True
        if not isinstance(refusal, InvalidParameter) or self._key is None or refusal.key != self._key.text:
            return False
        try:
            return self._work.keys.describe(self._key).defect != ""
        except Refused:
            return not self._passes.proved

    def _left(self, name: str, decision: Leave) -> Fate:
        return self._told(name, Fate.OWNED, decision.to.text) if decision.to else self._told(name, Fate.KEPT)

    def _aside(self, group: LogGroup, refusal: Refused | NotStabilized, *, patient: bool) -> Fate:
        """Put one log group aside for the last pass, and there, for the end of it; not where the fault is the key's.

        Raises:
            Refused: no other log group will fare better.
        """
        if self._passes.cut_short(refusal) or not _may_be_its_own(refusal):
            raise refusal
        if self._is_the_keys(refusal) and not (self._enrolling and self._passes.proved):
            raise refusal
        if not isinstance(refusal, _CERTAINLY_ITS_OWN):
            self._in_a_row += 1
            if self._in_a_row > _MOST_IN_A_ROW or not (self._passes.proved or self._tolerant):
                raise refusal
        if patient:
            self._refused.append(group.name.text)
            self._refusal = self._refusal or refusal
        return self._told(group.name.text, Fate.BUSY, str(refusal))

    def _enlist(self, rules: OneLogGroup, event: Ensure, wish: Wish, claim: Claim | None) -> Fate:
        name = rules.log_group.name.text
        try:
            decision = self._held(rules, event, wish, claim)
        except NotFound:
            return self._told(name, Fate.PASSED, "it vanished meanwhile")
        except TakenOver as taken:
            return self._told(name, Fate.OWNED, str(taken))
        except ReservedLogGroup:
            rules.remove(Remove(event.owner, event.desired, minted=False))
            return self._told(name, Fate.RESERVED)
        if isinstance(decision, Leave):
            return self._left(name, decision)
        return self._claimed(name, wish, decision) if decision.write or decision.associate else Fate.COMPLIANT

    def _held(self, rules: OneLogGroup, event: Ensure, wish: Wish, claim: Claim | None) -> Hold | Leave:
        for _ in range(_TRIES):
            try:
                return rules.enlist(event, wish, claim)
            except TakenOver:
                raise
            except ClaimLost:
                if not self._claims_stand(list(self._witnesses)) and self._may_be_gone():
                    raise
        # Its tags alone went away, no Delete passed by.
        raise NotStabilized(f"Someone keeps taking this resource's tags off {rules.log_group.arn}")

    def _claimed(self, name: str, wish: Wish, decision: Hold) -> Fate:
        if not self._witnesses and self._rules.is_alive and self._may_be_gone():
            # A Delete that begins after the first claim meets it: from here on the claims tell.
            raise _lost(self._rules.fleet.arn)
        if len(self._witnesses) < MOST_WITNESSES:
            self._witnesses.append(name)
        if not decision.associate:
            return self._told(name, Fate.TAKEN_OVER)
        if wish.enrolling and not decision.write:
            return self._told(name, Fate.MENDED)
        previous = decision.claim.previous
        return self._told(name, Fate.ASSOCIATED, f"before: {previous.text}" if previous else "")

    def _take_over(self, group: LogGroup, event: Ensure, wish: Wish) -> Fate:
        """Under the wanted key already: only what a fleet that this one follows has claimed is claimed anew."""
        try:
            claim = self.claim_on(group)
        except NotFound:
            return Fate.PASSED
        if claim is None or claim.stands_for(wish.owner) or not may_take(claim, wish):
            return Fate.COMPLIANT
        return self._enlist(OneLogGroup(self._work_of(self._changes, patient=True), group), event, wish, claim)

    def _release_excluded(self, group: LogGroup, event: Ensure) -> Fate:
        return self.release(group, Remove(event.owner, event.desired, minted=False), patient=True)

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
        turns = self._changes if event.former.on_delete is OnDelete.RETAIN else TakenTurn(self._changes)
        # What is given back has been taken: the role is able to.
        self._passes.proved = True
        try:
            outcome = OneLogGroup(self._work_of(turns, patient=patient), group).remove(event)
        except Refused as refusal:
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
            OneLogGroup(self._work_of(self._changes, patient=True), group).confirm(self._owner, self._key)
        except NotFound:
            return Fate.PASSED
        except TakenOver as taken:
            return self._told(group.name.text, Fate.OWNED, str(taken))
        except ClaimLost:
            if not self._claims_stand(list(self._witnesses)) and self._may_be_gone():
                raise
            return Fate.BUSY
        return Fate.ASSOCIATED

    def _work_of(self, turns: Pacer | TakenTurn, *, patient: bool) -> Work:
        policies = FLEET if patient else FLEET_IN_PASSING
        if self._passes.proved or self._tolerant:
            # The role is able to: what it may not do to one log group, it may not later either.
            policies = tuple(policy for policy in policies if policy.on is not RoleDenied)
        if self._passes.proved and self._enrolling:
            # So does the key's policy allow it, but for some log groups.
            policies = tuple(policy for policy in policies if policy.on is not KeyPolicyDenied)
        patience = self._work.patience.under(policies, stopped=self._passes.stopped.is_set)
        return replace(self._work, patience=patience, turns=turns)

    def _told(self, name: str, fate: Fate, why: str = "") -> Fate:
        self._rules.saw(name, fate, why)
        return fate

    def _if_this_fails(self, physical_resource_id: str) -> None:
        """Once one log group is claimed, the fleet's id stands; what is known of another one changes nothing."""
        if physical_resource_id == self._rules.fleet.arn:
            self._rules.work.if_this_fails(physical_resource_id)


def _may_be_its_own(refusal: Refused | NotStabilized) -> bool:
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
        event.new_target or former is None or former.target != event.desired.target or former.exclude.cover(listed.name)
    )


def _newly_excluded(event: Ensure, listed: Listed) -> bool:
    """Whether this Update excludes what the template before did not, as far as that is known."""
    if event.new_target or event.enrolling:
        return False
    return event.former is None or not event.former.exclude.cover(listed.name)


def _next(sweep: Sweep, ending: Ending, event: Ensure) -> Phase:
    """The pass that follows.

    Raises:
        ClaimLost: what was to be undone is.
    """
    if ending is Ending.LOST and not event.may_undo:
        raise ClaimLost(f"Someone keeps taking this resource's claims off log groups of {event.desired.target.arn}")
    if ending is Ending.LOST and sweep.phase is not Phase.UNDO:
        return Phase.UNDO
    match sweep.phase:
        case Phase.LOOK:
            return Phase.CHANGE
        case Phase.CHANGE if sweep.counts.busy:
            return Phase.CHANGE_BUSY
        case Phase.CHANGE | Phase.CHANGE_BUSY:
            return Phase.CONFIRM
        case Phase.CONFIRM if abandoned_fleet(event):
            return Phase.RELEASE_ABANDONED
        case Phase.UNDO:
            lost = _lost(event.desired.target.arn)
            lost.add_note(f"(what it had associated was given back). {sweep.told}")
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
    if former.target.arn in (event.desired.target.arn, event.physical_resource_id):
        return None
    return former.target, Remove(owner, former, minted=False)


def _lost(arn: str) -> ClaimLost:
    return ClaimLost(
        f"This resource's claims on {arn} went away meanwhile: a Delete of it passed by, or someone took its tags off"
    )
