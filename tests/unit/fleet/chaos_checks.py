"""What the model of fleets at random expects after each of its steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant
from support.chaos import State, given_back
from unit.fleet.chaos_contract import held, hold_by_fleet, released
from unit.fleet.chaos_deliveries import Deliveries
from unit.fleet.chaos_values import (
    CALM,
    COMMAND_LINE,
    LONG,
    OTHERS,
    RESERVED,
    Accounts,
    Resource,
    Turmoil,
    Wanted,
    note,
    wanted_of,
)

from log_group_kms.association.context import Context
from log_group_kms.fleet.plan import Action, Planned
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.model.association import OnDelete, OnExistingKey
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.model.targets import Fleet, LogGroup
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from log_group_kms.association.requests import Ensure
    from log_group_kms.cloudformation.response import Response as Answer


class Checks(Deliveries):
    """How a step goes, and what must be true after it."""

    def begin_step(self) -> Accounts:
        self.touched.clear()
        self.fixed.clear()
        self.stripped.clear()
        self.moved = False
        self.alone = self.states()
        return self.states()

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
            if claim and claim.owner == COMMAND_LINE and wanted.matches(group) and before[group].key != wanted.key:
                # A limit of the contract: the key that the command line had put there is not remembered.
                allowed.add(State(claim.previous, None))
            if old.wanted.target == group and claim is None and wanted.matches(group):
                # Its tags were gone, so the fleet took it: what is found there then is the fleet's key.
                allowed.add(State(old.wanted.key, Claim(old.owner, wanted.key)))
                if before[group].key == wanted.key:
                    # It was under the fleet's key before: without tags, that counts as the fleet's own work.
                    allowed.add(State(old.wanted.key, Claim(old.owner, None)))
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
            allowed = {back[group], again[group]} if old.wanted.reaches(group) else {alone[group]}
            if state.claim and state.claim.owner == COMMAND_LINE:
                # The new one took it from the command line, which has it again.
                allowed.add(State(new.wanted.key, Claim(COMMAND_LINE, state.claim.previous)))
            assert state in allowed, group
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
        context = Context.of(self.aws, self.aws, retrier, rate_limits=self.rate_limits)
        planned = list(FleetRules(context, wanted.target).plan(event))
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
        if not isinstance(wanted.target, Fleet) or self.moved:
            return
        now = self.states()
        matched = [group for group in now if wanted.matches(group)]
        everything = len(matched) + RESERVED.startswith(wanted.target.prefix)
        told = {name: int(answer.data[name]) for name in answer.data if name.endswith("Count")}
        if self.touched or not turmoil.counts_once:
            if not turmoil.died:
                assert told.pop("MatchedCount") == everything == sum(told.values())
            return
        associated = sum(now[group].key != before[group].key for group in matched)
        compliant = sum(before[group].key == wanted.key for group in matched)
        assert told == {
            "MatchedCount": everything,
            "AssociatedCount": associated,
            "CompliantCount": compliant,
            "SkippedCount": everything - associated - compliant,
            "RefusedCount": 0,
        }
        note("counted")

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
            assert state.claim is None or state.claim.owner in {*owners, COMMAND_LINE}, group

    @invariant()
    def no_delete_is_left_half_done(self) -> None:
        assert not any(state.claim and state.claim.deleting for state in self.states().values())
