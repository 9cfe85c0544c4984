"""A model of CloudFormation drives fleets and explicit resources at random, over the same log groups of the fake.

What is modelled: two stacks that create, update, replace, rename and delete fleets and resources for one log group,
turn the one into the other, and roll back; enrolment and reconciliation beside them, late ones too; log groups that
come and go, and a tool that changes keys and strips tags, also in the middle of an event; invocations so short that an
event needs many, with stale tokens between them; events that die, are refused, or are delivered again around any call;
a Delete that overtakes a fleet's Create, its enrolment or its reconciliation. After each step the account is what the
contract says, log group by log group.

Left out, since the page of limits names it: a Create delivered again after its own Delete, a Delete before the first
claim, and two fleets of one stack that overlap for longer than a replacement. `make test` tries some hundred examples;
`make chaos` many more.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar, Final

from hypothesis import event as count_in_statistics
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.chaos import (
    Killed,
    Mishap,
    State,
    Strikes,
    event_of,
    expected_hold,
    expected_release,
    given_back,
    owned,
)
from support.fake_aws import (
    OTHER_STACK_ID,
    PLACE,
    STACK_ID,
    FakeAws,
    FakeClock,
    FakeLogGroup,
    fleet,
    key_arn,
    log_group,
    role_denied,
)
from support.trails import TellingTrail

from log_group_kms.association.context import Context
from log_group_kms.association.requests import Asker, Ensure
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.cloudformation.response import Response as Answer
from log_group_kms.fleet.checkpoint import Checkpoint, Fate
from log_group_kms.fleet.plan import Action, Planned
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.fleet.upkeep import Enrol, Reconcile, Upkeep
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import respond
from log_group_kms.lifecycle.progress import PROGRESS, Done, Progress
from log_group_kms.model.association import Association, OnDelete, OnExistingKey
from log_group_kms.model.errors import ClaimLost, NotFound, OutOfTime, ProviderError, ResourceConflict
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.model.results import Outcome
from log_group_kms.model.targets import Exclusions, Fleet, LogGroup
from log_group_kms.request.upkeep import parse_upkeep
from log_group_kms.retry.rate_limits import RateLimits
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_group_kms.model.keys import KeyArn

STACKS: Final = (STACK_ID, OTHER_STACK_ID)
LOGICAL_IDS: Final = ("First", "Second")
LOG_GROUPS: Final = tuple(log_group(name) for name in ("/a/1", "/a/x/1", "/a/x/2", "/ab", "/b/1", "c"))
FLEETS: Final = tuple(fleet(prefix) for prefix in ("", "/a", "/a/x", "/b"))
EXCLUSIONS: Final = ((), ("/a/x/*",), ("*1",), ("/b/1", "c"))
RESERVED: Final = "aws/spans"
KEYS: Final = tuple(key_arn(number) for number in (1, 2, 3))
#: What the outside world uses: also a key of the stacks'.
OUTSIDE: Final = (None, key_arn(8), key_arn(9), KEYS[0])
SERVICE_TIMEOUT: Final = 3600
#: Seconds of an invocation: all at once, and two or three log groups at a time.
LONG, SHORT = 800.0, 75.0
#: Slow, so that an invocation is short of time at a few log groups; its reserve outlasts the longest pause even so.
TEMPO: Final = RateLimits(changes=0.15, reads=2.0, pages=0.5, workers=1)

Accounts = dict[LogGroup, State]


class SmallPages(FakeAws):
    """Six log groups are three pages; several threads may call at once."""

    page_size: ClassVar[int] = 2
    lock: ClassVar[threading.RLock] = threading.RLock()

    def _begin(self, operation: str) -> None:
        with self.lock:
            super()._begin(operation)


@dataclass(frozen=True)
class Wanted:
    """What a template says of one resource."""

    target: LogGroup | Fleet
    key: KeyArn
    on_delete: OnDelete = OnDelete.RESTORE_PREVIOUS
    on_existing_key: OnExistingKey = OnExistingKey.OVERRIDE
    exclude: tuple[str, ...] = ()

    @property
    def properties(self) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "ServiceTimeout": str(SERVICE_TIMEOUT),
            "KmsKeyId": self.key.text,
            "OnDelete": self.on_delete,
            "OnExistingKey": self.on_existing_key,
        }
        if isinstance(self.target, LogGroup):
            return properties | {"LogGroupName": self.target.name.text}
        return properties | {
            "LogGroupNamePrefix": self.target.prefix or "*",
            "ExcludeLogGroupNames": list(self.exclude),
        }

    @property
    def association(self) -> Association:
        return Association(
            self.target, self.key, self.on_delete, self.on_existing_key, exclude=Exclusions(self.exclude)
        )

    @property
    def forgiving(self) -> bool:
        """Whether a rollback leaves all as it was, however far it had come."""
        return self.on_delete is OnDelete.RESTORE_PREVIOUS and self.on_existing_key is OnExistingKey.OVERRIDE

    def reaches(self, group: LogGroup) -> bool:
        if isinstance(self.target, LogGroup):
            return self.target == group
        return group.name.text.startswith(self.target.prefix)

    def excludes(self, group: LogGroup) -> bool:
        return any(fnmatchcase(group.name.text, pattern) for pattern in self.exclude)

    def matches(self, group: LogGroup) -> bool:
        return self.reaches(group) and not self.excludes(group)


@dataclass(frozen=True)
class Resource:
    """A resource that CloudFormation believes to be there."""

    stack: str
    logical_id: str
    wanted: Wanted
    physical_id: str

    @property
    def owner(self) -> Owner:
        return Owner.of_resource(self.stack, self.logical_id, self.wanted.target)


@dataclass(frozen=True)
class Incident(Mishap):
    """A mishap; what others do they do to this log group, with this key."""

    group: LogGroup
    key: KeyArn | None


@dataclass(frozen=True)
class Turmoil:
    """All that makes the life of an event hard.

    Attributes:
        incidents: around its calls.
        seconds: how long its invocations last.
        stale: which tokens are too old when a further invocation begins.
        echo: whether each invocation that hands on is delivered twice.
        twice: whether it is delivered again when all is over.
    """

    incidents: tuple[Incident, ...] = ()
    seconds: float = LONG
    stale: frozenset[int] = frozenset()
    echo: bool = False
    twice: bool = False

    def without(self, *kinds: str) -> Turmoil:
        return replace(self, incidents=tuple(one for one in self.incidents if one.what not in kinds))

    @property
    def counts_once(self) -> bool:
        """Whether the answer can tell what all its invocations have done."""
        return not self.echo and all(one.what == "refused" for one in self.incidents)


CALM: Final = Turmoil()
#: What others do in the middle of an event.
OTHERS: Final = ("vanishes", "appears", "key changed", "tags stripped", "explicit comes")

ones = st.builds(
    Wanted,
    st.sampled_from(LOG_GROUPS[:3]),
    st.sampled_from(KEYS),
    st.sampled_from([OnDelete.RESTORE_PREVIOUS] * 4 + [OnDelete.DISASSOCIATE, OnDelete.RETAIN]),
    st.sampled_from([OnExistingKey.OVERRIDE] * 4 + [OnExistingKey.KEEP, OnExistingKey.FAIL]),
)
fleets = st.builds(
    Wanted,
    st.sampled_from(FLEETS),
    st.sampled_from(KEYS),
    st.sampled_from([OnDelete.RESTORE_PREVIOUS] * 4 + [OnDelete.DISASSOCIATE, OnDelete.RETAIN]),
    st.sampled_from([OnExistingKey.OVERRIDE] * 4 + [OnExistingKey.KEEP, OnExistingKey.FAIL]),
    st.sampled_from(EXCLUSIONS),
)
wanted_of = st.one_of(fleets, fleets, ones)
#: An event for one log group makes some six calls, one for a fleet some forty.
calls_of = st.integers(0, 8) | st.integers(0, 40)
incidents_of = st.builds(
    Incident,
    calls_of,
    st.sampled_from(["killed", "killed", "refused", "refused", "again", *OTHERS]),
    st.booleans(),
    st.sampled_from(LOG_GROUPS),
    st.sampled_from(OUTSIDE),
)
turmoil_of = st.builds(
    Turmoil,
    st.lists(incidents_of, max_size=4, unique_by=lambda one: one.call).map(tuple),
    st.sampled_from([LONG, SHORT]),
    st.frozensets(st.integers(0, 4), max_size=2),
    st.booleans(),
    st.booleans(),
)


def note(what: str) -> None:
    """For Hypothesis's statistics, which know the main thread alone."""
    if threading.current_thread() is threading.main_thread():
        count_in_statistics(what)


def hold_by_fleet(
    before: State,
    me: Owner,
    wanted: Wanted,
    former: Owner | None = None,
    *,
    follows: bool = False,
    upkeep: bool = False,
) -> State | None:
    """The contract's row for a fleet and one log group that it matches; None where it has to fail.

    *follows* is a Create or a replacement, after which another fleet of the stack goes; *upkeep* is enrolment or
    reconciliation.
    """
    claim = before.claim
    mine = claim is not None and claim.owner == me
    if claim and not mine and (upkeep or not (claim.owner.is_sibling_of(me) or claim.owner == former)):
        return before
    if before.key == wanted.key:
        return State(wanted.key, Claim(me, claim.previous)) if claim and follows else before
    if claim is None and before.key is not None:
        if wanted.on_existing_key is OnExistingKey.KEEP:
            return before
        if wanted.on_existing_key is OnExistingKey.FAIL:
            return None
    return State(wanted.key, Claim(me, claim.previous if claim else before.key))


def held(
    before: Accounts, me: Owner, wanted: Wanted, former: Resource | None = None, *, upkeep: bool = False
) -> Accounts | None:
    """What a Create, an Update or a reconciliation has to leave; None where it has to fail."""
    same = former is not None and former.wanted.target == wanted.target
    before_me = former.owner if former else None
    after = dict(before)
    for group, state in before.items():
        expected: State | None = state
        if isinstance(wanted.target, LogGroup):
            if wanted.target == group:
                itself = former is not None and state.claim is not None and state.claim.owner == former.owner
                # A resource that was a fleet before takes over what it holds with what that remembers.
                as_mine = replace(state, claim=Claim(me, state.claim.previous)) if itself and state.claim else state
                expected = expected_hold(as_mine, me, wanted, former.wanted if former and same else None)
        elif wanted.matches(group):
            follows = not same and not upkeep
            expected = hold_by_fleet(state, me, wanted, before_me, follows=follows, upkeep=upkeep)
        elif wanted.reaches(group) and former and same and not former.wanted.excludes(group) and not upkeep:
            expected = given_back(state, me, wanted.on_delete)
        if expected is None:
            return None
        after[group] = expected
    if isinstance(wanted.target, LogGroup) and wanted.target not in before:
        return None
    return after


def released(before: Accounts, resource: Resource) -> Accounts:
    """What the Delete of *resource* has to leave."""
    wanted, me = resource.wanted, resource.owner
    if isinstance(wanted.target, LogGroup):
        return {
            group: expected_release(state, me, wanted) if group == wanted.target else state
            for group, state in before.items()
        }
    return {
        group: given_back(state, me, wanted.on_delete) if wanted.reaches(group) else state
        for group, state in before.items()
    }


class Fleets(RuleBasedStateMachine):
    """Two stacks, six log groups, three keys, upkeep, and the world outside."""

    rate_limits: ClassVar[RateLimits] = TEMPO

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.aws = SmallPages.holding(*KEYS, *(key for key in OUTSIDE if key))
        self.aws.reserved.append(RESERVED)
        self.resources: dict[tuple[str, str], Resource] = {}
        #: Log groups whose key or tags something outside changed since their owner last looked.
        self.meddled: set[LogGroup] = set()
        #: Log groups that others changed in the middle of this step: nobody can foretell them ...
        self.touched: set[LogGroup] = set()
        #: ... but what they would be if there were only the others; and those that stay so.
        self.alone: Accounts = {}
        self.fixed: set[LogGroup] = set()
        self.stripped: set[LogGroup] = set()
        #: Events that CloudFormation no longer waits for.
        self.past: list[dict[str, Any]] = []
        #: In whose name the step acts.
        self.acting: set[Owner] = set()

    @initialize(
        keys=st.tuples(*[st.sampled_from(OUTSIDE)] * len(LOG_GROUPS)),
        there=st.integers(3, len(LOG_GROUPS)),
        wanted=fleets,
    )
    def begin(self, keys: tuple[KeyArn | None, ...], there: int, wanted: Wanted) -> None:
        """Some log groups, and a first fleet."""
        for group, key in list(zip(LOG_GROUPS, keys, strict=True))[:there]:
            self.aws.log_groups[group] = FakeLogGroup(key)
        self.create(STACKS[0], LOGICAL_IDS[0], wanted, CALM)

    # --- what CloudFormation does ---

    @rule(stack=st.sampled_from(STACKS), name=st.sampled_from(LOGICAL_IDS), wanted=wanted_of, turmoil=turmoil_of)
    def create(self, stack: str, name: str, wanted: Wanted, turmoil: Turmoil) -> None:
        """A new resource; where it fails, the rollback's Delete."""
        if (stack, name) in self.resources or self.overlaps(stack, wanted):
            return
        before = self.begin_step()
        new = Resource(stack, name, wanted, wanted.target.arn)
        self.acting = {new.owner}
        planned = self.planned(wanted, Ensure(new.owner, wanted.association))

        answer = self.send(self.event("Create", new), self.fit(turmoil, wanted))
        expected = held(before, new.owner, wanted)

        if answer.status == "FAILED":
            assert expected is None or self.touched, answer.reason
            self.check_plan(planned, before, conflicts=True)
            self.roll_back_create(new, answer, before)
            return
        assert expected is not None or self.touched
        assert answer.physical_resource_id == wanted.target.arn
        self.settle(new, expected or before, before)
        self.check_counts(answer, wanted, before, turmoil)
        self.check_plan(planned, before)
        self.again(self.event("Create", new), new, turmoil)
        note(f"created {type(wanted.target).__name__}")

    @precondition(lambda self: self.resources)
    @rule(
        data=st.data(),
        change=st.sampled_from(["key", "options", "exclude", "target", "target"]),
        turmoil=turmoil_of,
        then=st.sampled_from(["goes on", "goes on", "rolls back", "rolls back without the old"]),
    )
    def update(self, data: st.DataObject, change: str, turmoil: Turmoil, then: str) -> None:
        """Another key, other options or exclusions, or another target, and then the Delete of the old one."""
        changed = self.changed(data, change)
        if changed is None:
            return
        old, wanted = changed
        before = self.begin_step()
        new = replace(old, wanted=wanted, physical_id=wanted.target.arn)
        self.acting = {old.owner, new.owner}
        event = self.update_event(old, wanted)

        answer = self.send(event, self.fit(turmoil, wanted))
        expected = held(before, new.owner, wanted, old)

        if answer.status == "FAILED":
            assert expected is None or self.touched, answer.reason
            if expected is None and not self.touched:
                assert answer.physical_resource_id == old.physical_id
                self.expect(before)
            self.roll_back_update(old, wanted, answer, before)
            return
        assert expected is not None or self.touched
        assert answer.physical_resource_id == wanted.target.arn
        if new.physical_id == old.physical_id:
            self.settle(new, expected or before, before)
            self.check_counts(answer, wanted, before, turmoil)
            self.again(event, new, turmoil)
            note("updated")
            return
        self.expect(expected or before, before)
        if then == "goes on":
            self.settled(new)
            self.release(old, turmoil)
            note("replaced")
        else:
            self.roll_back_replacement(old, new, asks_for_the_old_first=then == "rolls back")

    @precondition(lambda self: self.resources)
    @rule(data=st.data(), turmoil=turmoil_of)
    def delete(self, data: st.DataObject, turmoil: Turmoil) -> None:
        """The end of a resource."""
        self.begin_step()
        self.release(self.some(data), turmoil)
        note("deleted")

    @precondition(lambda self: self.resources)
    @rule(data=st.data(), turmoil=turmoil_of, rolls_back=st.booleans())
    def rename(self, data: st.DataObject, turmoil: Turmoil, *, rolls_back: bool) -> None:
        """The same properties under a new logical id: a Create, and then the Delete of the old one, or of the new."""
        old = self.some(data)
        name = next(name for name in LOGICAL_IDS if name != old.logical_id)
        if (old.stack, name) in self.resources:
            return
        before = self.begin_step()
        new = replace(old, logical_id=name, physical_id=old.wanted.target.arn)
        self.acting = {old.owner, new.owner}
        turmoil = self.fit(turmoil, old.wanted).without("tags stripped")

        answer = self.send(self.event("Create", new), turmoil)
        expected = held(before, new.owner, new.wanted)

        if answer.status == "FAILED":
            assert expected is None or self.touched
            self.send(self.event("Delete", new, answer.physical_resource_id), CALM)
            return
        self.expect(expected or before, before)
        self.resources[new.stack, new.logical_id] = new
        self.release(new if rolls_back else old, turmoil)
        note("rename rolled back" if rolls_back else "renamed")

    @rule(
        stack=st.sampled_from(STACKS),
        name=st.sampled_from(LOGICAL_IDS),
        wanted=wanted_of,
        call=st.integers(1, 6),
        turmoil=turmoil_of,
    )
    def create_that_fails(self, stack: str, name: str, wanted: Wanted, call: int, turmoil: Turmoil) -> None:
        """A Create that AWS refuses for good at some log group; the rollback's Delete leaves what was before it."""
        if (stack, name) in self.resources or self.overlaps(stack, wanted):
            return
        before = self.begin_step()
        new = Resource(stack, name, wanted, wanted.target.arn)
        with self.refusing(call):
            answer = self.send(self.event("Create", new), self.alone_with(turmoil))
        if answer.status == "SUCCESS":
            expected = held(before, new.owner, wanted)
            assert expected
            self.settle(new, expected, before)
            return
        self.roll_back_create(new, answer, before, self.alone_with(turmoil))
        note("create failed")

    @precondition(lambda self: self.resources)
    @rule(data=st.data(), change=st.sampled_from(["key", "target"]), call=st.integers(1, 6), turmoil=turmoil_of)
    def update_that_fails(self, data: st.DataObject, change: str, call: int, turmoil: Turmoil) -> None:
        """An Update that AWS refuses for good at some log group, and the Update back to the old properties."""
        changed = self.changed(data, change)
        if changed is None:
            return
        old, wanted = changed
        before = self.begin_step()
        with self.refusing(call):
            answer = self.send(self.update_event(old, wanted), self.alone_with(turmoil))
        if answer.status == "SUCCESS" and answer.physical_resource_id != old.physical_id:
            # Not so many calls were needed: then the stack fails elsewhere.
            new = replace(old, wanted=wanted, physical_id=answer.physical_resource_id)
            self.roll_back_replacement(old, new, asks_for_the_old_first=True)
            return
        self.roll_back_update(old, wanted, answer, before)
        note(f"update {answer.status}, and back")

    @precondition(lambda self: self.resources)
    @rule(data=st.data(), change=st.sampled_from(["key", "target", "target"]), call=calls_of)
    def update_that_dies(self, data: st.DataObject, change: str, call: int) -> None:
        """The function dies, and the responder answers FAILED for it; then comes the Update back."""
        changed = self.changed(data, change)
        if changed is None:
            return
        old, wanted = changed
        before = self.begin_step()
        event = self.update_event(old, wanted)
        strikes = Strikes(self.aws, [Mishap(call, "killed", after=True)], lambda _, __: None)
        try:
            with self.struck(strikes):
                self.invoke(event, LONG)
        except Killed:
            note("update died")
        self.roll_back_update(old, wanted, Answer.failed("It died.", old.physical_id), before)

    @rule(
        stack=st.sampled_from(STACKS),
        name=st.sampled_from(LOGICAL_IDS),
        wanted=fleets,
        call=calls_of,
        made_up=st.booleans(),
        turmoil=turmoil_of,
    )
    def delete_overtakes_create(
        self, stack: str, name: str, wanted: Wanted, call: int, turmoil: Turmoil, *, made_up: bool
    ) -> None:
        """CloudFormation cancels a fleet's Create that has claimed and deletes it, under an id that it made up."""
        if (stack, name) in self.resources or self.overlaps(stack, wanted):
            return
        before = self.begin_step()
        new = Resource(stack, name, wanted, f"made-up_{name}_A1B2C3D4" if made_up else wanted.target.arn)
        delete = self.event("Delete", new, new.physical_id)
        calls, overtaken = 0, False

        def overtake(_: str) -> None:
            nonlocal calls, overtaken
            if overtaken or not self.owns_any(new.owner):
                return
            calls += 1
            if calls == call + 1:
                overtaken = True
                self.aws.after = lambda _: None
                with self.beside():
                    assert self.deliver(delete, replace(turmoil, incidents=())).status == "SUCCESS"

        event = self.event("Create", new)
        self.aws.after = overtake
        progress = self.invoke(event, turmoil.seconds)
        while not isinstance(progress, Answer):
            self.aws.after = overtake
            progress = self.invoke(self.going_on(event, progress), turmoil.seconds)
        self.aws.after = lambda _: None
        if not overtaken:
            self.deliver(delete, CALM)
        self.check_given_back(new, before)
        note("overtaken" if overtaken else "not overtaken")

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def deliver_a_stale_event(self, data: st.DataObject) -> None:
        """What CloudFormation gave up long ago changes nothing and fails."""
        event = data.draw(st.sampled_from(self.past))
        before = self.begin_step()
        self.clock.time += SERVICE_TIMEOUT + 1

        assert self.deliver(event, CALM).status == "FAILED"
        self.expect(before)

    # --- enrolment and reconciliation ---

    @precondition(lambda self: self.live_fleets)
    @rule(data=st.data(), group=st.sampled_from(LOG_GROUPS), key=st.sampled_from(OUTSIDE), turmoil=turmoil_of)
    def enrol(self, data: st.DataObject, group: LogGroup, key: KeyArn | None, turmoil: Turmoil) -> None:
        """A log group is created, and CloudTrail tells of it."""
        resource = data.draw(st.sampled_from(self.live_fleets))
        if group not in self.aws.log_groups:
            self.aws.log_groups[group] = FakeLogGroup(key)
            self.meddled.discard(group)
        before = self.begin_step()
        expected = dict(before)
        if resource.wanted.matches(group):
            after = hold_by_fleet(before[group], resource.owner, resource.wanted, upkeep=True)
            expected[group] = after or before[group]

        turmoil = self.fit(turmoil, resource.wanted)
        for _ in range(1 + turmoil.twice):
            self.keep_up(resource, group, turmoil, lambda: True)
            self.expect(expected, before)
        self.meddled |= self.touched - self.fixed
        note("enrolled")

    @precondition(lambda self: self.live_fleets)
    @rule(data=st.data(), dry_run=st.booleans(), turmoil=turmoil_of)
    def reconcile(self, data: st.DataObject, turmoil: Turmoil, *, dry_run: bool) -> None:
        """The schedule comes round."""
        resource = data.draw(st.sampled_from(self.live_fleets))
        before = self.begin_step()
        event = self.upkeep_of(resource).event
        planned = self.planned(resource.wanted, event) if dry_run else None
        expected = held(before, resource.owner, resource.wanted, resource, upkeep=True)

        failed = self.keep_up(resource, None, self.fit(turmoil, resource.wanted), lambda: True)

        assert (failed is not None) == (expected is None) or self.touched, failed
        if self.stripped and isinstance(failed, ClaimLost):
            # It took that for a Delete, and gave all back: the next one brings it in again.
            self.meddled |= set(before)
            return
        self.expect(expected or before, before)
        self.check_plan(planned, before, conflicts=expected is None)
        if failed is None:
            self.looked_at(resource)
        note("reconciled")

    @precondition(lambda self: self.live_fleets)
    @rule(
        data=st.data(),
        group=st.none() | st.sampled_from(LOG_GROUPS),
        call=calls_of,
        seconds=st.sampled_from([LONG, SHORT]),
        late=st.booleans(),
    )
    def delete_overtakes_upkeep(
        self, data: st.DataObject, group: LogGroup | None, call: int, seconds: float, *, late: bool
    ) -> None:
        """The fleet is deleted while it is reconciled or enrols a log group, or just before."""
        resource = data.draw(st.sampled_from(self.live_fleets))
        if group and group not in self.aws.log_groups:
            self.aws.log_groups[group] = FakeLogGroup()
        before = self.begin_step()
        calls, alive = 0, True

        def delete() -> None:
            nonlocal alive
            alive = False
            with self.beside():
                answer = self.deliver(self.event("Delete", resource, resource.physical_id), CALM)
            assert answer.status == "SUCCESS"
            del self.resources[resource.stack, resource.logical_id]

        def overtake(_: str) -> None:
            nonlocal calls
            calls += 1
            if alive and calls == call + 1:
                self.aws.after = lambda _: None
                delete()

        if late:
            delete()
        self.aws.after = overtake
        self.keep_up(resource, group, replace(CALM, seconds=seconds), lambda: alive, hooks=False)
        self.aws.after = lambda _: None
        if alive:
            delete()
        self.check_given_back(resource, before)
        note("upkeep overtaken")

    # --- what the world does ---

    @rule(group=st.sampled_from(LOG_GROUPS), key=st.sampled_from(OUTSIDE))
    def a_log_group_appears(self, group: LogGroup, key: KeyArn | None) -> None:
        if group not in self.aws.log_groups:
            self.aws.log_groups[group] = FakeLogGroup(key)

    @rule(group=st.sampled_from(LOG_GROUPS))
    def a_log_group_vanishes(self, group: LogGroup) -> None:
        if group in self.aws.log_groups and len(self.aws.log_groups) > 1:
            del self.aws.log_groups[group]
            self.meddled.discard(group)

    @rule(group=st.sampled_from(LOG_GROUPS), key=st.sampled_from(OUTSIDE))
    def another_tool_changes_the_key(self, group: LogGroup, key: KeyArn | None) -> None:
        if group in self.aws.log_groups:
            self.aws.log_groups[group].key = key
            self.meddled.add(group)

    @rule(group=st.sampled_from(LOG_GROUPS))
    def another_tool_removes_the_tags(self, group: LogGroup) -> None:
        if group in self.aws.log_groups:
            self.aws.log_groups[group].claim = None

    # --- what always holds ---

    @invariant()
    def what_a_live_resource_owns_has_its_key(self) -> None:
        owners = {resource.owner: resource.wanted for resource in self.resources.values()}
        for group, state in self.states().items():
            if state.claim and state.claim.owner in owners and group not in self.meddled:
                assert state.key == owners[state.claim.owner].key, group

    @invariant()
    def nothing_belongs_to_who_is_gone(self) -> None:
        owners = {resource.owner for resource in self.resources.values()}
        for group, state in self.states().items():
            assert state.claim is None or state.claim.owner in owners, group

    @invariant()
    def no_delete_is_left_half_done(self) -> None:
        assert not any(state.claim and state.claim.deleting for state in self.states().values())

    # --- how a step goes ---

    def begin_step(self) -> Accounts:
        self.touched.clear()
        self.fixed.clear()
        self.stripped.clear()
        self.alone = self.states()
        return self.states()

    def states(self) -> Accounts:
        return {group: State(found.key, owned(found.claim)) for group, found in self.aws.log_groups.items()}

    def expect(self, expected: Accounts, before: Accounts | None = None) -> None:
        """All is as *expected*, but for what others touched in the middle; and of that, what is none of the event's."""
        now = self.states()
        for group in now.keys() | expected.keys():
            if group in self.fixed:
                assert now.get(group) == self.alone.get(group), group
            elif group not in self.touched:
                assert now.get(group) == expected.get(group), group
            elif before and group in before and expected.get(group) == before[group]:
                self.expect_alone(group, before[group], now)

    def expect_alone(self, group: LogGroup, before: State, now: Accounts) -> None:
        """What belonged to somebody else all the time is as that one and the others left it."""
        foreign = before.claim is not None and before.claim.owner not in self.acting
        if foreign and group not in self.stripped and group in now:
            assert now[group] == self.alone[group], group

    def settle(self, new: Resource, expected: Accounts, before: Accounts) -> None:
        """CloudFormation knows *new*, and all is as *expected*."""
        self.expect(expected, before)
        self.settled(new)

    def settled(self, resource: Resource) -> None:
        self.resources[resource.stack, resource.logical_id] = resource
        self.looked_at(resource)

    def looked_at(self, resource: Resource) -> None:
        """What *resource* owns was put right, but for what was touched meanwhile."""
        for group, state in self.states().items():
            if state.claim and state.claim.owner == resource.owner:
                self.meddled.discard(group)
        self.meddled |= self.touched - self.fixed

    def again(self, event: dict[str, Any], resource: Resource, turmoil: Turmoil) -> None:
        """A second delivery changes nothing."""
        if not turmoil.twice or self.touched:
            return
        before = self.states()
        answer = self.deliver(event, CALM)
        assert answer.status == "SUCCESS"
        assert answer.data["AssociatedCount"] == "0"
        assert self.states() == before
        note(f"again, {type(resource.wanted.target).__name__}")

    def release(self, resource: Resource, turmoil: Turmoil) -> None:
        """The Delete of *resource*, and what it must leave."""
        self.meddled |= self.touched - self.fixed
        before = self.begin_step()
        event = self.event("Delete", resource, resource.physical_id)
        self.acting = {resource.owner}

        answer = self.send(event, self.fit(turmoil, resource.wanted))

        assert (answer.status, answer.physical_resource_id) == ("SUCCESS", resource.physical_id), answer.reason
        self.expect(released(before, resource), before)
        self.meddled |= self.touched - self.fixed
        if turmoil.twice and not self.touched and isinstance(resource.wanted.target, Fleet):
            after = self.states()
            assert self.deliver(event, CALM).status == "SUCCESS"
            assert self.states() == after
        del_key = (resource.stack, resource.logical_id)
        if self.resources.get(del_key) == resource:
            del self.resources[del_key]

    def roll_back_create(self, new: Resource, answer: Answer, before: Accounts, turmoil: Turmoil = CALM) -> None:
        """The Delete after a Create that failed."""
        if answer.physical_resource_id == NOTHING_ASSOCIATED:
            assert not self.owns_any(new.owner)
        else:
            assert answer.physical_resource_id in (PERHAPS_ASSOCIATED, new.physical_id)
        assert self.send(self.event("Delete", new, answer.physical_resource_id), turmoil).status == "SUCCESS"
        self.check_given_back(new, before)
        note(f"create rolled back, {type(new.wanted.target).__name__}")

    def check_given_back(self, new: Resource, before: Accounts) -> None:
        """Of a *new* resource that came to nothing, or not to its end, nothing is left."""
        assert not self.owns_any(new.owner)
        now = self.states()
        hold = held(before, new.owner, new.wanted) or before
        for group in before.keys() & now.keys() - self.touched:
            allowed = {
                given_back(state, new.owner, on_delete)
                for state in (before[group], hold[group], replace(hold[group], key=before[group].key))
                for on_delete in (new.wanted.on_delete, OnDelete.RESTORE_PREVIOUS)
            }
            if group in self.meddled:
                # Key and claim are two reads: where a Delete came between them, the key put in by hand looks like one
                # that was there before.
                allowed.add(State(before[group].key, None))
            assert now[group] in allowed, group

    def roll_back_update(self, old: Resource, wanted: Wanted, answer: Answer, before: Accounts) -> None:
        """The Update back to *old*, and the Delete of what the failed one may have made."""
        failed = replace(old, wanted=wanted, physical_id=answer.physical_resource_id)
        assert answer.physical_resource_id in (old.physical_id, wanted.target.arn)
        self.go_back(old, self.update_event(failed, old.wanted))
        if answer.physical_resource_id != old.physical_id:
            delete = self.event("Delete", failed, answer.physical_resource_id)
            assert self.deliver(delete, CALM).status == "SUCCESS"
        self.check_rolled_back(old, wanted, before)
        note(f"update rolled back, {answer.status}")

    def go_back(self, old: Resource, event: dict[str, Any]) -> None:
        """The Update back to *old*; where others are in its way, someone clears it and continues the rollback."""
        back = self.deliver(event, CALM)
        if back.status == "SUCCESS":
            self.looked_at(old)
            return
        self.meddled |= set(self.states())
        if isinstance(old.wanted.target, LogGroup) and old.wanted.target not in self.aws.log_groups:
            return
        assert old.wanted.on_existing_key is OnExistingKey.FAIL, back.reason
        for group in self.aws.log_groups:
            if old.wanted.matches(group):
                self.aws.log_groups[group].key = None
        assert self.deliver(event, CALM).status == "SUCCESS"

    def check_rolled_back(self, old: Resource, wanted: Wanted, before: Accounts) -> None:
        me = replace(old, wanted=wanted).owner
        if me != old.owner:
            assert not self.owns_any(me)
        expected = held(before, old.owner, old.wanted, old)
        if not (old.wanted.forgiving and wanted.forgiving and old.wanted.exclude == wanted.exclude and expected):
            self.meddled |= set(before)
            return
        now = self.states()
        for group in before.keys() & now.keys() - self.touched:
            # What had the key before is perhaps claimed now, with that key to put back.
            allowed = {expected[group], State(old.wanted.key, Claim(old.owner, before[group].key))}
            claim = before[group].claim
            if wanted.target == group and claim and claim.owner != me and claim.owner.is_sibling_of(me):
                continue  # like the rollback of a rename
            if old.wanted.target == group and claim is None and wanted.matches(group):
                # Its tags were gone, so the fleet took it: what is found there then is the fleet's key.
                allowed.add(State(old.wanted.key, Claim(old.owner, wanted.key)))
            if wanted.target == group:
                # Whosever it was, an explicit resource gives back the key that it found, and no claim.
                allowed |= {
                    State(before[group].key, None),
                    hold_by_fleet(State(before[group].key, None), old.owner, old.wanted) or before[group],
                }
            assert now[group] in allowed, group

    def roll_back_replacement(self, old: Resource, new: Resource, *, asks_for_the_old_first: bool) -> None:
        """The stack fails elsewhere once *new* stands: it is deleted, perhaps after an Update to the old one."""
        self.resources[old.stack, old.logical_id] = old
        alone = released(self.states(), new)
        if asks_for_the_old_first:
            self.go_back(old, self.update_event(new, old.wanted, old.physical_id))
        back = self.states()
        assert self.deliver(self.event("Delete", new, new.physical_id), CALM).status == "SUCCESS"
        again = released(back, new)
        for group, state in self.states().items():
            # What only the new one had is as it was; what both match, the old one may have back.
            assert state in ({back[group], again[group]} if old.wanted.reaches(group) else {alone[group]}), group
        assert new.owner == old.owner or not self.owns_any(new.owner)
        self.meddled |= self.touched
        note("replacement rolled back")

    # --- resources ---

    def overlaps(self, stack: str, wanted: Wanted, but: str = "") -> bool:
        """Whether another fleet of the stack matches what *wanted* does: a limit of the contract."""
        if not isinstance(wanted.target, Fleet):
            return False
        prefixes = [
            resource.wanted.target.prefix
            for resource in self.resources.values()
            if resource.stack == stack and resource.logical_id != but and isinstance(resource.wanted.target, Fleet)
        ]
        mine = wanted.target.prefix
        return any(prefix.startswith(mine) or mine.startswith(prefix) for prefix in prefixes)

    @property
    def live_fleets(self) -> list[Resource]:
        return [resource for resource in self.resources.values() if isinstance(resource.wanted.target, Fleet)]

    def some(self, data: st.DataObject) -> Resource:
        return data.draw(st.sampled_from(list(self.resources.values())))

    def changed(self, data: st.DataObject, change: str) -> tuple[Resource, Wanted] | None:
        """A resource and what its template says now; None where that leads to what the contract leaves out."""
        old = self.some(data)
        other: Wanted = data.draw(wanted_of)
        wanted = old.wanted
        match change:
            case "key":
                wanted = replace(wanted, key=other.key)
            case "options":
                wanted = replace(wanted, on_delete=other.on_delete, on_existing_key=other.on_existing_key)
            case "exclude":
                wanted = replace(wanted, exclude=other.exclude) if isinstance(wanted.target, Fleet) else wanted
            case _:
                wanted = replace(wanted, target=other.target, key=other.key, exclude=other.exclude)
        if isinstance(wanted.target, LogGroup) and wanted.target not in self.aws.log_groups:
            return None
        if isinstance(old.wanted.target, LogGroup) and old.wanted.target not in self.aws.log_groups:
            return None
        return None if self.overlaps(old.stack, wanted, old.logical_id) else (old, wanted)

    def owns_any(self, me: Owner) -> bool:
        return any(state.claim and state.claim.owner == me for state in self.states().values())

    def fit(self, turmoil: Turmoil, wanted: Wanted) -> Turmoil:
        """Without what others do where that decides whether the event has to fail, and for one log group."""
        if isinstance(wanted.target, LogGroup) or wanted.on_existing_key is OnExistingKey.FAIL:
            return self.alone_with(turmoil)
        if wanted.on_existing_key is OnExistingKey.KEEP:
            return turmoil.without("tags stripped", "key changed", "appears")
        return turmoil

    def alone_with(self, turmoil: Turmoil) -> Turmoil:
        return turmoil.without(*OTHERS)

    # --- plans and counts ---

    def planned(self, wanted: Wanted, event: Ensure) -> list[Planned] | None:
        """What a dry run tells; it changes nothing."""
        if not isinstance(wanted.target, Fleet):
            return None
        before = self.states()
        retrier = Retrier(self.clock, self.clock.now() + LONG, jitter=lambda _, most: most)
        work = Context.of(self.aws, self.aws, retrier, rate_limits=self.rate_limits)
        planned = list(FleetRules(work, wanted.target).plan(event))
        assert self.states() == before
        return planned

    def check_plan(self, planned: list[Planned] | None, before: Accounts, *, conflicts: bool = False) -> None:
        """What was planned to change has changed, and nothing else; a conflict was told, too."""
        if planned is None or self.touched:
            return
        assert any(one.action is Action.CONFLICT for one in planned) == conflicts
        if conflicts:
            return
        now = self.states()
        assert {one.name for one in planned if one.changes} == {
            group.name.text for group, state in now.items() if state != before[group]
        }

    def check_counts(self, answer: Answer, wanted: Wanted, before: Accounts, turmoil: Turmoil) -> None:
        """The return values tell what has happened, over however many invocations."""
        if self.touched or not turmoil.counts_once or not isinstance(wanted.target, Fleet):
            return
        now = self.states()
        matched = [group for group in now if wanted.matches(group)]
        associated = sum(now[group].key != before[group].key for group in matched)
        compliant = sum(before[group].key == wanted.key for group in matched)
        everything = len(matched) + RESERVED.startswith(wanted.target.prefix)
        told = {name: int(answer.data[name]) for name in answer.data if name.endswith("Count")}
        assert told == {
            "MatchedCount": everything,
            "AssociatedCount": associated,
            "CompliantCount": compliant,
            "SkippedCount": everything - associated - compliant,
        }
        note("counted")

    # --- how events are delivered ---

    def event(self, request_type: str, resource: Resource, physical_id: str | None = None) -> dict[str, Any]:
        event = event_of(
            request_type,
            resource.stack,
            resource.logical_id,
            resource.wanted.properties,
            sent_at=self.clock.now(),
            number=len(self.past),
        )
        return event if physical_id is None else event | {"PhysicalResourceId": physical_id}

    def update_event(self, old: Resource, wanted: Wanted, physical_id: str | None = None) -> dict[str, Any]:
        event = self.event("Update", replace(old, wanted=wanted), physical_id or old.physical_id)
        return event | {"OldResourceProperties": old.wanted.properties}

    def send(self, event: dict[str, Any], turmoil: Turmoil) -> Answer:
        """Deliver *event* until it is answered, with *turmoil* on the way."""
        strikes = Strikes(self.aws, turmoil.incidents, lambda one, at: self.happen(one, at, event))
        answer = self.deliver(event, turmoil, strikes)
        self.aws.forgive()
        self.past.append(event)
        return answer

    def deliver(self, event: dict[str, Any], turmoil: Turmoil, strikes: Strikes | None = None) -> Answer:
        """All the invocations of one delivery; one that is killed is delivered again."""
        progress: Progress | None = None
        for hop in range(200):
            with self.struck(strikes):
                try:
                    if turmoil.echo and progress:
                        self.invoke(self.going_on(event, progress), turmoil.seconds)
                    outcome = self.invoke(self.going_on(event, progress), turmoil.seconds)
                except Killed:
                    note("killed")
                    continue
            if isinstance(outcome, Answer):
                note("several invocations" if progress else "one invocation")
                return outcome
            progress = outcome
            if hop in turmoil.stale and isinstance(progress, Checkpoint) and progress.token:
                self.aws.stale_tokens.add(progress.token)
        raise AssertionError("It does not end")

    def going_on(self, event: dict[str, Any], progress: Progress | None) -> dict[str, Any]:
        """The event of the next invocation, as Lambda hands it over."""
        if progress is None:
            return event
        handed_over: dict[str, Any] = json.loads(json.dumps(event | {PROGRESS: progress.as_json()}))
        return handed_over

    def invoke(self, event: dict[str, Any], seconds: float) -> Answer | Progress:
        """One invocation: the answer that the handler would give, held against the protocol, or the progress."""
        envelope = Envelope.of(event)
        failure_id = envelope.physical_resource_id or (PERHAPS_ASSOCIATED if PROGRESS in event else NOTHING_ASSOCIATED)

        def tell(physical_id: str) -> None:
            nonlocal failure_id
            failure_id = physical_id

        try:
            deadlines = Deadlines.of(envelope, event, self.clock.now(), seconds)
            retrier = Retrier(self.clock, deadlines.earliest, jitter=lambda _, most: most)
            work = Context.of(self.aws, self.aws, retrier, TellingTrail(tell), self.rate_limits)
            outcome = respond(envelope, event, PLACE, work, deadlines)
            if not isinstance(outcome, Done):
                return outcome
            answer = Answer("SUCCESS", outcome.physical_resource_id, outcome.reason, outcome.data)
        except ProviderError as error:
            answer = Answer.failed(str(error), failure_id)
        fitted = answer.fitted(envelope)
        assert fitted.physical_resource_id
        if event["RequestType"] == "Delete":
            assert fitted.physical_resource_id == event["PhysicalResourceId"]
        return fitted

    @contextmanager
    def struck(self, strikes: Strikes | None) -> Iterator[None]:
        if strikes is None:
            yield
            return
        self.aws.before, self.aws.after = strikes.before, strikes.after
        try:
            yield
        finally:
            self.aws.before = self.aws.after = lambda _: None

    @contextmanager
    def refusing(self, call: int) -> Iterator[None]:
        """From its call with this number on, AssociateKmsKey is refused for good."""
        associate, calls = self.aws.associate, 0

        def refused(target: Any, key: KeyArn) -> None:
            nonlocal calls
            calls += 1
            if calls >= call:
                raise role_denied("logs:AssociateKmsKey")
            associate(target, key)

        self.aws.associate = refused  # type: ignore[method-assign]
        try:
            yield
        finally:
            del self.aws.associate

    @contextmanager
    def beside(self) -> Iterator[None]:
        """In a process of its own, whose time is none of the one's that is in the middle of an event."""
        clock, self.clock = self.clock, FakeClock(self.clock.time)
        yield
        self.clock = clock

    def happen(self, one: Mishap, operation: str, event: dict[str, Any] | None) -> None:
        """What others do in the middle of an event."""
        assert isinstance(one, Incident)
        group, there = one.group, one.group in self.aws.log_groups
        match one.what:
            case "again" if event:
                with self.beside():
                    self.deliver(event, CALM)
                return
            case "vanishes" if there and len(self.aws.log_groups) > 1:
                del self.aws.log_groups[group]
                self.alone.pop(group, None)
            case "appears" if not there:
                self.aws.log_groups[group] = FakeLogGroup(one.key)
                self.alone[group] = State(one.key, None)
            case "key changed" if there:
                self.aws.log_groups[group].key = one.key
                self.alone[group] = replace(self.alone[group], key=one.key)
            case "tags stripped" if there:
                self.aws.log_groups[group].claim = None
                self.alone[group] = replace(self.alone[group], claim=None)
                self.stripped.add(group)
            case "explicit comes" if there and operation == "DescribeLogGroups" and not one.after:
                self.come(group, one.key or KEYS[1])
                return
            case _:
                return
        note(one.what)
        self.touched.add(group)
        self.fixed.discard(group)

    def come(self, group: LogGroup, key: KeyArn) -> None:
        """A third resource associates the log group in the midst; from then on it is that one's."""
        for stack in STACKS:
            if (stack, "Third") not in self.resources:
                break
        else:
            return
        new = Resource(stack, "Third", Wanted(group, key), group.arn)
        before = self.states()[group]
        if before.claim and before.claim.owner.is_sibling_of(new.owner):
            return
        with self.beside():
            assert self.deliver(self.event("Create", new), CALM).status == "SUCCESS"
        self.resources[stack, "Third"] = new
        self.alone[group] = self.states()[group]
        previous = before.claim.previous if before.claim and before.claim.deleting else before.key
        assert self.alone[group] == State(key, Claim(new.owner, previous))
        self.touched.add(group)
        self.fixed.add(group)
        self.meddled.discard(group)
        note("explicit came")

    def upkeep_of(
        self, resource: Resource, seconds: float = LONG, is_alive: Callable[[], bool] = lambda: True
    ) -> Upkeep:
        target = resource.wanted.target
        assert isinstance(target, Fleet)
        desired = resource.wanted.association
        event = Ensure(resource.owner, desired, asker=Asker.ENROLMENT)
        retrier = Retrier(self.clock, self.clock.now() + seconds * 0.6, jitter=lambda _, most: most)
        work = Context.of(self.aws, self.aws, retrier, rate_limits=self.rate_limits)
        return Upkeep(work, target, event, is_alive, lambda _, __, ___: None)

    def keep_up(
        self,
        resource: Resource,
        group: LogGroup | None,
        turmoil: Turmoil,
        is_alive: Callable[[], bool],
        *,
        hooks: bool = True,
    ) -> ProviderError | None:
        """Enrol *group*, or reconcile; what it failed with. Lambda delivers again what dies or is out of time."""
        self.acting = {resource.owner}
        event: dict[str, object] = {"Reconcile": True}
        if group:
            event = {"detail": {"eventName": "CreateLogGroup", "requestParameters": {"logGroupName": group.name.text}}}
        strikes = Strikes(self.aws, turmoil.incidents, lambda one, at: self.happen(one, at, None)) if hooks else None
        for hop in range(200):
            upkeep = self.upkeep_of(resource, turmoil.seconds, is_alive)
            asked = parse_upkeep(json.loads(json.dumps(event)), PLACE)
            try:
                with self.struck(strikes):
                    if isinstance(asked, Enrol):
                        assert upkeep.enrol(asked.log_group) in set(Fate)
                        return None
                    assert isinstance(asked, Reconcile)
                    outcome = upkeep.reconcile(asked.checkpoint)
            except (Killed, OutOfTime):
                continue
            except (ResourceConflict, NotFound) as error:
                self.aws.forgive()
                return error
            if isinstance(outcome, Outcome):
                self.aws.forgive()
                return None
            if hop in turmoil.stale and outcome.token:
                self.aws.stale_tokens.add(outcome.token)
            event = asked.further(outcome)
        raise AssertionError("It does not end")


class FleetsInThreads(Fleets):
    """Four log groups at once: nobody can tell whose call comes first, so nothing strikes but refusals."""

    rate_limits: ClassVar[RateLimits] = replace(TEMPO, workers=4)

    def fit(self, turmoil: Turmoil, wanted: Wanted) -> Turmoil:  # noqa: ARG002 - whatever is wanted
        return self.alone_with(turmoil)

    def alone_with(self, turmoil: Turmoil) -> Turmoil:
        return turmoil.without(*OTHERS, "killed", "again")


EXAMPLES: Final = int(os.environ.get("CHAOS_EXAMPLES", "400"))
Fleets.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=15)
TestFleetsAtRandom = Fleets.TestCase
FleetsInThreads.TestCase.settings = settings(max_examples=max(1, EXAMPLES // 10), stateful_step_count=10)
TestFleetsInThreads = FleetsInThreads.TestCase
