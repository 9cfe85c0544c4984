"""The contract of the README for fleets beside resources for one log group: what each event has to leave."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from support.chaos import State, expected_hold, expected_release, given_back

from log_group_kms.association.decision import LONGEST_EVENT
from log_group_kms.model.association import OnExistingKey
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.targets import LogGroup

if TYPE_CHECKING:
    from unit.fleet.chaos_values import Accounts, Resource, Wanted


def hold_by_fleet(
    before: State,
    me: Owner,
    wanted: Wanted,
    former: Owner | None = None,
    *,
    follows: bool = False,
    upkeep: bool = False,
    now: float = 0.0,
) -> State | None:
    """The contract's row for a fleet and one log group that it matches; None where it has to fail.

    *follows* is a Create or a replacement, after which another fleet of the stack goes; *upkeep* is enrolment or
    reconciliation, or the command line, *now*.
    """
    claim = before.claim
    mine = claim is not None and (claim.owner == me or claim.owner.is_command_line)
    if claim and not mine and upkeep and before.key is None and now - (claim.written_at or 0.0) >= LONGEST_EVENT:
        # Nobody can be at work on it any more: a tag alone exempts nothing.
        return State(wanted.key, Claim(me, None))
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
    before: Accounts,
    me: Owner,
    wanted: Wanted,
    former: Resource | None = None,
    *,
    upkeep: bool = False,
    now: float = 0.0,
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
            given_up = former is not None and former.wanted.excludes(group)
            follows = not upkeep and (not same or given_up)
            expected = hold_by_fleet(state, me, wanted, before_me, follows=follows, upkeep=upkeep, now=now)
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
