"""A model of CloudFormation drives fleets and explicit resources at random, over the same log groups of the fake.

What is modelled: two stacks that create, update, replace, rename and delete fleets and resources for one log group,
turn the one into the other, and roll back; enrolment and reconciliation beside them, late ones too; log groups that
come and go, a tool that changes keys and strips tags, and `log-group-kms apply` and `release`, also in the middle of an
event; invocations so short that an event needs many, with stale tokens between them; events that die, are refused, or
are delivered again around any call; a Delete that overtakes a fleet's Create, its enrolment or its reconciliation; a
fleet's event and an explicit Create at the same time, call by call. After each step the account is what the contract
says, log group by log group.

Left out, since the page of limits names it: a Create delivered again after its own Delete, and two fleets of one stack
that overlap for longer than a replacement. `make test` tries some hundred examples; `make chaos` many more.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from support.chaos import Killed, Mishap, Strikes
from support.fake_aws import FakeLogGroup
from unit.fleet.chaos_contract import held, hold_by_fleet
from unit.fleet.chaos_meetings import Meetings
from unit.fleet.chaos_values import (
    CALM,
    LOG_GROUPS,
    LOGICAL_IDS,
    LONG,
    OTHERS,
    OUTSIDE,
    SERVICE_TIMEOUT,
    SHORT,
    SLOW,
    STACKS,
    Resource,
    Turmoil,
    Wanted,
    calls_of,
    fleets,
    note,
    turmoil_of,
    wanted_of,
)

from log_group_kms.association.requests import Ensure
from log_group_kms.cloudformation.response import Response as Answer
from log_group_kms.model.errors import ClaimLost

if TYPE_CHECKING:
    from log_group_kms.lifecycle.progress import Progress
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.targets import LogGroup


class Fleets(Meetings):
    """Two stacks, six log groups, three keys, upkeep, and the world outside."""

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
            self.meddled |= self.touched - self.fixed
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
        dies=st.booleans(),
        turmoil=turmoil_of,
    )
    def delete_overtakes_create(
        self, stack: str, name: str, wanted: Wanted, call: int, turmoil: Turmoil, *, made_up: bool, dies: bool
    ) -> None:
        """CloudFormation cancels a fleet's Create and deletes it, under an id that it made up; the Create may die.

        Under another id the Create has claimed: it was delivered twice, say.
        """
        if (stack, name) in self.resources or self.overlaps(stack, wanted):
            return
        before = self.begin_step()
        new = Resource(stack, name, wanted, f"made-up_{name}_A1B2C3D4" if made_up else wanted.target.arn)
        delete = self.event("Delete", new, new.physical_id)
        calls, overtaken = 0, False

        def overtake(_: str) -> None:
            nonlocal calls, overtaken
            if overtaken or not (made_up or self.owns_any(new.owner)):
                return
            calls += 1
            if calls == call + 1:
                overtaken = True
                self.aws.after = lambda _: None
                # On the same clock: the Delete waits for a Create that is still at work.
                assert self.deliver(delete, replace(turmoil, incidents=())).status == "SUCCESS"
                if dies:
                    raise Killed

        event = self.event("Create", new)
        progress: Answer | Progress | None = None
        with suppress(Killed):
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
            # One that the command line has put under the key is read, and claimed, as none of a listing is.
            after = hold_by_fleet(
                before[group], resource.owner, resource.wanted, follows=True, upkeep=True, now=self.clock.now()
            )
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
        expected = held(before, resource.owner, resource.wanted, resource, upkeep=True, now=self.clock.now())

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


class FleetsInThreads(Fleets):
    """Four log groups at once: nobody can tell whose call comes first, so nothing strikes but refusals."""

    rate_limits = replace(SLOW, workers=4)

    def fit(self, turmoil: Turmoil, wanted: Wanted) -> Turmoil:  # noqa: ARG002 - whatever is wanted
        return self.alone_with(turmoil)

    def alone_with(self, turmoil: Turmoil) -> Turmoil:
        return turmoil.without(*OTHERS, "killed", "again")


EXAMPLES: Final = int(os.environ.get("CHAOS_EXAMPLES", "250"))
Fleets.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=15)
TestFleetsAtRandom = Fleets.TestCase
FleetsInThreads.TestCase.settings = settings(max_examples=max(1, EXAMPLES // 10), stateful_step_count=10)
TestFleetsInThreads = FleetsInThreads.TestCase
