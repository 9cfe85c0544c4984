"""A model of CloudFormation drives stacks at random against the fake, with everything that can go wrong in between.

What is modelled: stacks that create, update, replace, rename and delete resources, and roll back; events delivered
twice, delivered late, delivered again after the function was killed between any two calls; a Delete that overtakes its
Create with an id that CloudFormation made up; function code that does not understand the properties; two stacks and an
outside tool on the same log groups. After each step the account is what the contract says.

`make test` tries 500 examples; `make chaos` many more.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import event as note
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from support.chaos import Mishap, State, expected_hold, expected_release
from support.fake_aws import concurrent_change, role_denied
from unit.lifecycle.stacks import (
    LOG_GROUPS,
    LOGICAL_IDS,
    OUTSIDE,
    SERVICE_TIMEOUT,
    STACKS,
    Resource,
    Stacks,
    Wanted,
    mishaps_of,
    wanted_of,
)

from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.model.association import OnDelete, OnExistingKey
from log_group_kms.model.ownership import Owner
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.targets import LogGroup


class CloudFormation(Stacks):
    """Two stacks, and the world outside."""

    # --- what CloudFormation does ---

    @rule(stack=st.sampled_from(STACKS), name=st.sampled_from(LOGICAL_IDS), wanted=wanted_of, mishaps=mishaps_of)
    def create(self, stack: str, name: str, wanted: Wanted, mishaps: list[Mishap]) -> None:
        """A new resource; where it fails, the rollback's Delete."""
        if (stack, name) in self.resources:
            return
        me, before = Owner.of_resource(stack, name, wanted.log_group), self.state(wanted.log_group)
        if before.claim and before.claim.owner == me:
            # What a Delete left that did not understand its properties: nobody else's, so it is taken up again.
            before = replace(before, claim=replace(before.claim, deleting=False))

        answer = self.send(self.event("Create", stack, name, wanted), mishaps)
        expected = expected_hold(before, me, wanted, None)

        assert (answer.status == "SUCCESS") == (expected is not None), answer.reason
        if expected is None:
            assert answer.physical_resource_id == NOTHING_ASSOCIATED
            self.send(self.event("Delete", stack, name, wanted, answer.physical_resource_id), [])
            self.expect(wanted.log_group, before)
            return
        self.expect(wanted.log_group, expected)
        self.settled(Resource(stack, name, wanted, answer.physical_resource_id))
        note("created")

    @precondition(lambda self: self.resources)
    @rule(data=st.data(), change=st.sampled_from(["key", "options", "target"]), mishaps=mishaps_of)
    def update(self, data: st.DataObject, change: str, mishaps: list[Mishap]) -> None:
        """Another key, other options, or another log group, and then the Delete of the old one."""
        resource, wanted = self.changed(data, change)
        before = self.state(wanted.log_group)
        former = resource.wanted if wanted.log_group == resource.wanted.log_group else None

        answer = self.send(self.update_event(resource, wanted), mishaps)
        expected = expected_hold(before, resource.owner, wanted, former)

        assert (answer.status == "SUCCESS") == (expected is not None), answer.reason
        if expected is None:
            assert answer.physical_resource_id == resource.physical_id
            self.expect(wanted.log_group, before)
            return
        self.expect(wanted.log_group, expected)
        self.settled(replace(resource, wanted=wanted, physical_id=answer.physical_resource_id))
        if answer.physical_resource_id != resource.physical_id:
            self.release(resource, mishaps)
            note("replaced")

    @precondition(lambda self: self.resources)
    @rule(data=st.data(), asks_for_the_old_first=st.booleans(), mishaps=mishaps_of)
    def replace_and_roll_back(
        self, data: st.DataObject, mishaps: list[Mishap], *, asks_for_the_old_first: bool
    ) -> None:
        """An Update to another log group succeeds, the stack fails elsewhere, and the new one is deleted."""
        resource, wanted = self.changed(data, "target")
        if wanted.log_group == resource.wanted.log_group:
            return
        new, old = self.state(wanted.log_group), self.state(resource.wanted.log_group)
        answer = self.send(self.update_event(resource, wanted), mishaps)
        if answer.status == "FAILED":
            return
        replaced = replace(resource, wanted=wanted, physical_id=answer.physical_resource_id)
        if asks_for_the_old_first:
            back = self.update_event(replaced, resource.wanted, physical_id=resource.physical_id)
            back_again = self.send(back, mishaps)
            assert back_again.status == "SUCCESS" or resource.wanted.on_existing_key is OnExistingKey.FAIL
            old_now = expected_hold(old, resource.owner, resource.wanted, None)
            # The old target is this resource's own again, however the tags were meanwhile.
            assert old_now is None or self.state(resource.wanted.log_group).key in (old.key, old_now.key)
            claim = self.state(resource.wanted.log_group).claim
            if claim and claim.owner == resource.owner:
                self.meddled.discard(resource.wanted.log_group)
        held = expected_hold(new, resource.owner, wanted, None)
        assert held is not None
        self.send(self.event("Delete", resource.stack, resource.logical_id, wanted, replaced.physical_id), mishaps)
        self.expect(wanted.log_group, expected_release(held, resource.owner, wanted))
        note("replacement rolled back")

    @precondition(lambda self: self.resources)
    @rule(data=st.data(), mishaps=mishaps_of)
    def update_that_fails(self, data: st.DataObject, mishaps: list[Mishap]) -> None:
        """An Update that AWS refuses for good, and the Update back to the old properties."""
        resource, wanted = self.changed(data, "key")
        before = self.state(wanted.log_group)
        mine = before.claim is not None and before.claim.owner == resource.owner
        self.aws.refuse("AssociateKmsKey", *[role_denied("logs:AssociateKmsKey") for _ in range(60)])

        answer = self.send(self.update_event(resource, wanted), mishaps)
        self.aws.forgive()
        failed = replace(resource, wanted=wanted)
        back = self.send(self.update_event(failed, resource.wanted, physical_id=resource.physical_id), [])

        if mine:
            self.expect(wanted.log_group, State(resource.wanted.key, before.claim))
            self.meddled.discard(wanted.log_group)
        note(f"update {answer.status}, back {back.status}")

    @rule(stack=st.sampled_from(STACKS), name=st.sampled_from(LOGICAL_IDS), wanted=wanted_of, mishaps=mishaps_of)
    def create_that_fails(self, stack: str, name: str, wanted: Wanted, mishaps: list[Mishap]) -> None:
        """A Create that AWS refuses for good; the rollback's Delete leaves what was there before it."""
        before = self.state(wanted.log_group)
        me = Owner.of_resource(stack, name, wanted.log_group)
        if (stack, name) in self.resources or (before.claim and before.claim.owner == me):
            return
        self.aws.refuse("AssociateKmsKey", *[role_denied("logs:AssociateKmsKey") for _ in range(60)])
        answer = self.send(self.event("Create", stack, name, wanted), mishaps)
        self.aws.forgive()
        self.send(self.event("Delete", stack, name, wanted, answer.physical_resource_id), mishaps)
        held = expected_hold(before, me, wanted, None) or before
        allowed = {before, expected_release(replace(held, key=before.key), me, wanted)}
        if answer.status == "SUCCESS":
            allowed |= {expected_release(held, me, wanted)}

        assert self.state(wanted.log_group) in allowed
        note("create failed")

    @precondition(lambda self: self.resources)
    @rule(data=st.data(), mishaps=mishaps_of)
    def delete(self, data: st.DataObject, mishaps: list[Mishap]) -> None:
        """The end of a resource."""
        resource = self.some(data)
        self.release(resource, mishaps)
        del self.resources[resource.stack, resource.logical_id]
        note("deleted")

    @precondition(lambda self: self.resources)
    @rule(data=st.data())
    def delete_by_code_that_does_not_understand(self, data: st.DataObject) -> None:
        """A rollback may bring the function's older code back: it changes nothing and does not fail."""
        resource = self.some(data)
        before = self.state(resource.wanted.log_group)
        event = self.event("Delete", resource.stack, resource.logical_id, resource.wanted, resource.physical_id)
        event["ResourceProperties"]["PropertyOfTheFuture"] = "x"

        assert self.send(event, []).status == "SUCCESS"
        self.expect(resource.wanted.log_group, before)
        del self.resources[resource.stack, resource.logical_id]

    @precondition(lambda self: self.resources)
    @rule(data=st.data(), mishaps=mishaps_of, rolls_back=st.booleans())
    def rename(self, data: st.DataObject, mishaps: list[Mishap], *, rolls_back: bool) -> None:
        """The same properties under a new logical id: a Create, and then the Delete of the old one, or of the new."""
        old = self.some(data)
        name = next(name for name in LOGICAL_IDS if name != old.logical_id)
        if (old.stack, name) in self.resources:
            return
        before = self.state(old.wanted.log_group)
        if before.claim and before.claim.owner == Owner.of_resource(old.stack, name, old.wanted.log_group):
            return
        answer = self.send(self.event("Create", old.stack, name, old.wanted), mishaps)
        if answer.status == "FAILED":
            return
        new = replace(old, logical_id=name, physical_id=answer.physical_resource_id)
        held = expected_hold(before, new.owner, old.wanted, None)
        assert held is not None
        self.expect(old.wanted.log_group, held)
        if rolls_back:
            self.release(new, mishaps)
            return
        self.release(old, mishaps)
        del self.resources[old.stack, old.logical_id]
        self.settled(new)
        if held.claim and held.claim.owner == new.owner:
            self.expect(old.wanted.log_group, held)
            note("renamed")

    @rule(
        stack=st.sampled_from(STACKS),
        name=st.sampled_from(LOGICAL_IDS),
        wanted=wanted_of,
        call=st.integers(0, 6),
        refusals=st.integers(0, 3),
    )
    def delete_overtakes_create(self, stack: str, name: str, wanted: Wanted, call: int, refusals: int) -> None:
        """CloudFormation cancels a Create that has claimed and deletes it, under an id that it made up."""
        before = self.state(wanted.log_group)
        me = Owner.of_resource(stack, name, wanted.log_group)
        held = expected_hold(before, me, wanted, None)
        if (stack, name) in self.resources or (before.claim and before.claim.owner == me) or held in (None, before):
            return
        self.aws.refuse("AssociateKmsKey", *[concurrent_change() for _ in range(refusals)])
        delete = self.event("Delete", stack, name, wanted, f"made-up_{name}_A1B2C3D4")
        calls = 0

        def overtake(_: str) -> None:
            nonlocal calls
            claim = self.aws.log_groups[wanted.log_group].claim
            if claim and claim.owner == me:
                calls += 1
                if calls == call + 1:
                    self.aws.after = lambda _: None
                    assert self.run(delete).status == "SUCCESS"

        self.aws.after = overtake
        self.run(self.event("Create", stack, name, wanted))
        self.aws.after = lambda _: None
        self.aws.forgive()
        if calls <= call:
            # The Create was through before: the Delete comes in the ordinary way.
            self.run(delete)
        assert held
        assert held.claim
        # What it found, or, where it is a renamed sibling's, what that one had found.
        keys = {held.claim.previous}
        if wanted.on_delete is OnDelete.DISASSOCIATE:
            keys.add(None)
        if wanted.on_delete is OnDelete.RETAIN:
            keys |= {wanted.key, before.key}
        assert self.state(wanted.log_group) in {State(key, None) for key in keys}
        self.meddled.add(wanted.log_group)
        note("overtaken")

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def deliver_a_stale_event(self, data: st.DataObject) -> None:
        """An event that CloudFormation gave up long ago changes nothing and fails."""
        event = data.draw(st.sampled_from(self.past))
        self.clock.time += SERVICE_TIMEOUT + 1
        before = [self.state(group) for group in LOG_GROUPS]

        assert self.run(event).status == "FAILED"
        assert [self.state(group) for group in LOG_GROUPS] == before

    @precondition(lambda self: self.resources)
    @rule(data=st.data())
    def deliver_an_earlier_event_again(self, data: st.DataObject) -> None:
        """Lambda delivers an event of a resource again, after a later one, while both are young: nothing changes."""
        resource = self.some(data)
        group = resource.wanted.log_group
        claim = self.state(group).claim
        if group in self.meddled or not claim or claim.owner != resource.owner:
            return
        earlier = [event for event in self.past if self.is_earlier(event, resource)]
        if not earlier:
            return
        before = [self.state(each) for each in LOG_GROUPS]

        self.run(data.draw(st.sampled_from(earlier)))

        assert [self.state(each) for each in LOG_GROUPS] == before
        note("earlier event again")

    def is_earlier(self, event: dict[str, Any], resource: Resource) -> bool:
        """Whether *event* made *resource* what it was before, since it has had its log group."""
        mine = (event["StackId"], event["LogicalResourceId"]) == (resource.stack, resource.logical_id)
        since = [
            each
            for each in self.past
            if (each["StackId"], each["LogicalResourceId"]) == (resource.stack, resource.logical_id)
        ]
        ends = [
            number
            for number, each in enumerate(since)
            if each["RequestType"] == "Delete"
            or each["ResourceProperties"]["LogGroupName"] != resource.wanted.log_group.name.text
        ]
        young = since[max(ends, default=-1) + 1 :]
        sent_at = Envelope.of(event).sent_at or 0.0
        return mine and event in young[:-1] and self.clock.now() < sent_at + SERVICE_TIMEOUT - 60

    # --- what the world does ---

    @rule(group=st.sampled_from(LOG_GROUPS), key=st.sampled_from(OUTSIDE))
    def another_tool_changes_the_key(self, group: LogGroup, key: KeyArn | None) -> None:
        self.aws.log_groups[group].key = key
        self.meddled.add(group)

    @rule(group=st.sampled_from(LOG_GROUPS))
    def another_tool_removes_the_tags(self, group: LogGroup) -> None:
        self.aws.log_groups[group].claim = None

    # --- what always holds ---

    @invariant()
    def what_a_live_resource_owns_has_its_key(self) -> None:
        """The owner that the tags name has its key in force, if it is live."""
        for resource in self.resources.values():
            group = resource.wanted.log_group
            state = self.state(group)
            if state.claim and state.claim.owner == resource.owner and group not in self.meddled:
                assert state.key == resource.wanted.key

    @invariant()
    def no_delete_is_left_half_done(self) -> None:
        """Between events nobody is on the way out."""
        assert not any(state.claim and state.claim.deleting for state in map(self.state, LOG_GROUPS))


CloudFormation.TestCase.settings = settings(
    max_examples=int(os.environ.get("CHAOS_EXAMPLES", "500")), stateful_step_count=20
)
TestStacksAtRandom = CloudFormation.TestCase
