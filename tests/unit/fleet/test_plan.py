"""What a fleet would do: told before it is done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.fake_aws import log_group
from unit.fleet.terminals import (
    ALL,
    ASKED,
    BEFORE,
    EXPLICIT,
    ME,
    OURS,
    SIBLING,
    STRANGE,
    WRITING,
    Terminal,
    enrolling,
    many,
)

from log_group_kms.association.requests import Ensure
from log_group_kms.fleet.plan import Action, Planned
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.model.association import OnExistingKey
from log_group_kms.model.ownership import Claim
from log_group_kms.model.targets import Exclusions


def test_a_plan_tells_what_would_be_done_and_does_nothing() -> None:
    """Each log group with its action, its key and its owner."""
    terminal = Terminal().having("/a").having("/b", key=STRANGE).having("/c", key=OURS)
    terminal.having("/d", key=STRANGE, claim=Claim(EXPLICIT, None)).having("/e").having(
        "/f", key=OURS, claim=Claim(SIBLING, None)
    )
    terminal.aws.reserved.append("aws/spans")
    desired = replace(ASKED, exclude=Exclusions(("/e",)))

    terminal.having("/e", key=STRANGE)
    terminal.aws.key_of_reserved = BEFORE

    planned = list(FleetRules(terminal.context(), ALL).plan(Ensure(ME, desired)))

    assert [(one.name, one.action, one.key, one.owner) for one in planned] == [
        ("/a", Action.ASSOCIATE, None, None),
        ("/b", Action.REKEY, STRANGE, None),
        ("/c", Action.COMPLIANT, OURS, None),
        ("/d", Action.LEAVE, STRANGE, EXPLICIT),
        ("/e", Action.EXCLUDED, STRANGE, None),
        ("/f", Action.TAKE_OVER, OURS, SIBLING),
        ("aws/spans", Action.RESERVED, BEFORE, None),
    ]
    assert not WRITING & set(terminal.aws.calls)


@pytest.mark.parametrize(
    ("on_existing_key", "action"), [(OnExistingKey.KEEP, Action.KEEP), (OnExistingKey.FAIL, Action.CONFLICT)]
)
def test_a_plan_tells_kept_keys_and_conflicts(on_existing_key: OnExistingKey, action: Action) -> None:
    """A conflict does not end the plan."""
    terminal = Terminal().having("/a", key=STRANGE).having("/b")

    planned = list(
        FleetRules(terminal.context(), ALL).plan(Ensure(ME, replace(ASKED, on_existing_key=on_existing_key)))
    )

    assert [one.action for one in planned] == [action, Action.ASSOCIATE]


def test_the_plan_is_what_comes_to_pass() -> None:
    """What is planned to change changes, and nothing else."""
    terminal = (
        Terminal().having(*many(70)).having("/b", key=STRANGE, claim=Claim(EXPLICIT, None)).having("/c", key=OURS)
    )
    planned = {one.name for one in FleetRules(terminal.context(), ALL).plan(Ensure(ME, ASKED)) if one.changes}
    before = terminal.states()

    terminal.create()

    assert {name for name, state in terminal.states().items() if state != before[name]} == planned


def test_a_plan_of_a_fleet_that_is_there_asks_for_no_owner_under_its_key() -> None:
    """A listing shows the key, 50 at a time."""
    terminal = Terminal().having(*many(60), key=OURS)

    planned = list(FleetRules(terminal.context(), ALL).plan(enrolling()))

    assert planned == [Planned(name, Action.COMPLIANT, OURS) for name in many(60)]
    assert terminal.counts == {"DescribeLogGroups": 2}


def test_a_log_group_that_vanishes_while_it_is_planned_is_left_out() -> None:
    """It is told as excluded, with the key that it had."""
    terminal = Terminal().having("/a", key=STRANGE).having("/b")

    def vanish(operation: str) -> None:
        if operation == "ListTagsForResource":
            terminal.aws.before = lambda _: None
            del terminal.aws.log_groups[log_group("/a")]

    terminal.aws.before = vanish

    assert list(FleetRules(terminal.context(), ALL).plan(Ensure(ME, ASKED))) == [
        Planned("/a", Action.EXCLUDED, STRANGE),
        Planned("/b", Action.ASSOCIATE, None),
    ]
