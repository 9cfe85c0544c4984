"""Two events at work at the same time in the model of fleets at random, call by call, on one clock."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from support.fake_aws import FakeClock
from support.shared_clock import SharedClock, Together
from unit.fleet.chaos_command_line import CommandLine
from unit.fleet.chaos_contract import held, released
from unit.fleet.chaos_values import CALM, KEYS, LOGICAL_IDS, STACKS, Resource, SmallPages, Wanted, fleets, note

from log_group_kms.model.association import OnExistingKey
from log_group_kms.retry.rate_limits import RateLimits

if TYPE_CHECKING:
    from collections.abc import Callable

#: At AWS's own quotas: between two calls of a fleet there is room for two or three of the other event.
AT_THE_QUOTAS: Final = RateLimits(workers=1)
#: Seconds from the beginning of a fleet's event to that of the other one.
starts = st.integers(-12, 80).map(lambda number: number / 40)


class Meetings(CommandLine):
    """A log group is named explicitly while a fleet is at work on it: what is named wins, and neither event fails."""

    @rule(stack=st.sampled_from(STACKS), name=st.sampled_from(LOGICAL_IDS), wanted=fleets, data=st.data())
    def create_meets_an_explicit_one(self, stack: str, name: str, wanted: Wanted, data: st.DataObject) -> None:
        """A new fleet matches the log group."""
        if (stack, name) in self.resources or self.overlaps(stack, wanted):
            return
        if wanted.on_existing_key is OnExistingKey.FAIL:
            return
        before = self.begin_step()
        new = Resource(stack, name, wanted, wanted.target.arn)
        self.acting = {new.owner}
        event = self.event("Create", new)
        if self.meet(data, new, lambda: self.deliver(event, CALM).status):
            self.settle(new, held(before, new.owner, wanted) or before, before)

    @precondition(lambda self: self.live_fleets)
    @rule(data=st.data())
    def reconciliation_meets_an_explicit_one(self, data: st.DataObject) -> None:
        """A fleet that matches the log group is reconciled."""
        fleet = data.draw(st.sampled_from(self.live_fleets))
        before = self.begin_step()
        expected = held(before, fleet.owner, fleet.wanted, fleet, upkeep=True, now=self.clock.now())
        if expected and self.meet(data, fleet, lambda: self.reconciled(fleet)):
            self.expect(expected, before)
            self.looked_at(fleet)

    @precondition(lambda self: self.live_fleets)
    @rule(data=st.data())
    def delete_meets_an_explicit_one(self, data: st.DataObject) -> None:
        """The fleet that has the log group goes."""
        fleet = data.draw(st.sampled_from(self.live_fleets))
        before = self.begin_step()
        self.acting = {fleet.owner}
        event = self.event("Delete", fleet, fleet.physical_id)
        if self.meet(data, fleet, lambda: self.deliver(event, CALM).status):
            self.expect(released(before, fleet), before)
            del self.resources[fleet.stack, fleet.logical_id]

    def reconciled(self, fleet: Resource) -> str:
        failed = self.keep_up(fleet, None, CALM, lambda: True, hooks=False)
        return "FAILED" if failed else "SUCCESS"

    def meet(self, data: st.DataObject, fleet: Resource, event: Callable[[], str]) -> bool:
        """Run the *event* of a fleet beside the Create of a third resource; False where there is no place for one."""
        groups = [group for group in self.aws.log_groups if fleet.wanted.matches(group)]
        if not groups:
            return False
        group, key = data.draw(st.sampled_from(groups)), data.draw(st.sampled_from(KEYS))
        explicit = self.third(group, key)
        if explicit is None:
            return False
        create = self.event("Create", explicit)
        start, seed = data.draw(starts), data.draw(st.integers(0, 9_999))

        clock = SharedClock(self.clock.time)
        self.clock, self.rate_limits, self.aws.lock = clock, AT_THE_QUOTAS, nullcontext()
        answers = Together(self.aws, clock, seed).run(
            (max(0.0, -start), event), (max(0.0, start), lambda: self.deliver(create, CALM).status)
        )
        self.clock, self.rate_limits, self.aws.lock = FakeClock(clock.time), type(self).rate_limits, SmallPages.lock

        assert answers == ["SUCCESS", "SUCCESS"]
        self.has_come(explicit)
        now = self.alone[group]
        assert (now.key, now.claim and now.claim.owner) == (key, explicit.owner)
        note("met an explicit one")
        return True
