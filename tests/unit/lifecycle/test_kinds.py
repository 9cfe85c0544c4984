"""The kinds of target: each has its rules, and an Update gives back what one before it abandoned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, get_args

import pytest
from support.fake_aws import PLACE, STACK_ID, FakeAws, FakeClock, FakeLogGroup, fleet, key_arn, log_group

from log_group_kms.association.context import Context
from log_group_kms.association.log_group import LogGroupRules
from log_group_kms.association.query_results import QueryResultsRules
from log_group_kms.association.requests import Ensure, Remove, Update
from log_group_kms.association.trail import Footprint
from log_group_kms.fleet.checkpoint import Checkpoint, Phase
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.lifecycle.kinds import ensure, remove, rules_for
from log_group_kms.model.association import Association
from log_group_kms.model.errors import KeyNotFound, KeyPolicyDenied
from log_group_kms.model.keys import KeyName
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.results import Outcome
from log_group_kms.model.targets import QueryResults, Target
from log_group_kms.retry.retrier import Retrier

ORDERS, BILLING, FLEET, RESULTS = log_group("/orders"), log_group("/billing"), fleet("/b"), QueryResults(PLACE)
KEY, BEFORE = key_arn(1), key_arn(2)

#: One target of each kind, and its rules.
KINDS: Final[list[tuple[Target, type[Any]]]] = [
    (ORDERS, LogGroupRules),
    (RESULTS, QueryResultsRules),
    (FLEET, FleetRules),
]
every_kind = pytest.mark.parametrize(("target", "rules"), KINDS, ids=[rules.__name__ for _, rules in KINDS])


@pytest.fixture
def aws() -> FakeAws:
    """An account with two log groups that nobody claims."""
    aws = FakeAws.holding(KEY, BEFORE)
    aws.log_groups[ORDERS], aws.log_groups[BILLING] = FakeLogGroup(), FakeLogGroup()
    return aws


def context_in(aws: FakeAws) -> Context:
    """The context of an event that has ten minutes."""
    clock = FakeClock()
    return Context.of(aws, aws, Retrier(clock, clock.time + 600))


def me(target: Target) -> Owner:
    """The resource, where it has this *target*."""
    return Owner.of_resource(STACK_ID, "Encryption", target)


def sent_back(former: Target, target: Target) -> Ensure:
    """The Update back to *target*, after one to the *former* target died."""
    return Ensure(me(target), Association(target, KEY), Update(target.arn, Association(former, KEY), me(former)))


def test_every_kind_is_tested() -> None:
    """A new kind of target belongs into this file's table."""
    assert {type(target) for target, _ in KINDS} == set(get_args(Target))


@every_kind
def test_every_kind_has_its_rules(aws: FakeAws, target: Target, rules: type[Any]) -> None:
    """The rules are those of the target's kind, for this very target and with the event's context."""
    context = context_in(aws)

    found = rules_for(context, target)

    assert type(found) is rules
    assert found.context is context  # type: ignore[attr-defined] # no part of the Protocol


def test_a_fleet_goes_on_from_its_checkpoint(aws: FakeAws) -> None:
    """The rules of a fleet are given how far the invocations before came."""
    progress = Checkpoint(Phase.DONE)

    rules = rules_for(context_in(aws), FLEET, progress)

    assert isinstance(rules, FleetRules)
    assert rules.progress is progress


@every_kind
def test_a_failure_has_the_id_of_its_event(aws: FakeAws, target: Target, rules: type[Any]) -> None:
    """From the event's begin on, the trail tells the ids that belong to its target."""
    context = context_in(aws)
    event = Ensure(me(target), Association(target, KeyName("alias/gone")))

    with pytest.raises(KeyNotFound):
        ensure(context, event)

    ids = []
    for footprint in Footprint:
        context.trail.leave(footprint)
        ids.append(context.trail.failure_id)
    assert ids == [event.failure_id(footprint) for footprint in Footprint], rules
    assert (ids[0], ids[-1]) == (NOTHING_ASSOCIATED, target.arn)


@every_kind
def test_what_was_made_so_can_be_removed(aws: FakeAws, target: Target, rules: type[Any]) -> None:
    """Each kind answers to the same three calls."""
    before = {group: replace(state) for group, state in aws.log_groups.items()}
    event = Ensure(me(target), Association(target, KEY))

    made = ensure(context_in(aws), event)
    rules_for(context_in(aws), target, None if rules is not FleetRules else Checkpoint(Phase.DONE)).check_claim(event)
    removed = remove(context_in(aws), Remove.of(event.owner, event.association, minted=True))

    assert isinstance(made, Outcome)
    assert isinstance(removed, Outcome)
    assert (made.target, made.key, made.associated) == (target, KEY, 1)
    assert (removed.target, aws.query_results_key) == (target, None)
    assert aws.log_groups == before


@pytest.mark.parametrize("former", [BILLING, FLEET], ids=["one log group", "a fleet"])
def test_an_update_gives_back_what_one_before_it_abandoned(aws: FakeAws, former: Target) -> None:
    """CloudFormation never heard of that target, so no Delete comes for it."""
    aws.log_groups[BILLING] = FakeLogGroup(KEY, Claim(me(former), BEFORE))

    outcome = ensure(context_in(aws), sent_back(former, ORDERS))

    assert outcome == Outcome(ORDERS, KEY, None, associated=1, settling=True)
    assert aws.log_groups[BILLING] == FakeLogGroup(BEFORE)


def test_a_fleet_gives_back_one_log_group_that_was_abandoned(aws: FakeAws) -> None:
    """The log group is given back although it does not belong to the fleet."""
    aws.log_groups[ORDERS] = FakeLogGroup(KEY, Claim(me(ORDERS), BEFORE))

    outcome = ensure(context_in(aws), sent_back(ORDERS, FLEET))

    assert isinstance(outcome, Outcome)
    assert (outcome.target, outcome.associated) == (FLEET, 1)
    assert aws.log_groups[ORDERS] == FakeLogGroup(BEFORE)


@pytest.mark.parametrize("target", [BILLING, FLEET], ids=["one log group", "a fleet"])
def test_a_refused_key_is_about_all_that_is_wanted_under_it(aws: FakeAws, target: Target) -> None:
    """The statement that the Reason asks for is for the target: of a fleet, for its prefix, not the first log group."""
    aws.closed_to_logs.add(KEY)

    with pytest.raises(KeyPolicyDenied) as refused:
        ensure(context_in(aws), Ensure(me(target), Association(target, KEY)))

    assert refused.value.target == target.arn
