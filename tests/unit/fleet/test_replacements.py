"""A fleet that follows another resource: renamed, with another prefix, or of another kind before or after."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import log_group, owner
from unit.fleet.terminals import (
    ALL,
    ASKED,
    BEFORE,
    LAMBDA,
    ME,
    OURS,
    SIBLING,
    Terminal,
    busy_until,
    held,
    keys,
    many,
    numbers,
)

from log_group_kms.association.requests import Ensure, Remove, Update
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association

if TYPE_CHECKING:
    from log_group_kms.model.targets import Fleet


def test_a_renamed_fleet_takes_over_with_what_was_remembered() -> None:
    """The Delete of the old logical id then finds nothing of its own, and no log group loses its key."""
    terminal = Terminal().having("/a", key=BEFORE).having(*many(60))
    terminal.create()

    outcome = terminal.create(me=SIBLING)
    terminal.delete()

    assert numbers(outcome) == (0, 61, 0)
    assert terminal.states() == {"/a": held(BEFORE, me=SIBLING), **{name: held(me=SIBLING) for name in many(60)}}


@pytest.mark.parametrize(("old", "new"), [(ALL, LAMBDA), (LAMBDA, ALL)], ids=["narrower", "wider"])
def test_another_prefix_keeps_what_both_match(old: Fleet, new: Fleet) -> None:
    """The Delete of the old id in the clean-up gives back what only that one matched."""
    terminal = Terminal().having("/aws/lambda/a", key=BEFORE).having("/other")
    before, after = owner("Fleet", target=old), owner("Fleet", target=new)
    terminal.create(replace(ASKED, target=old), before)

    outcome = terminal.update(replace(ASKED, target=new), replace(ASKED, target=old), me=after)
    terminal.delete(replace(ASKED, target=old), before)

    assert outcome.target == new
    assert terminal.failure_id == new.arn
    assert terminal.state("/aws/lambda/a") == held(BEFORE, me=after)
    assert terminal.state("/other") == (held(me=after) if new == ALL else (None, None))


def test_the_rollback_of_another_prefix_gives_back_what_was_abandoned() -> None:
    """An Update that died had claimed for a fleet of which CloudFormation never heard; the Update back releases it."""
    terminal = Terminal().having("/aws/lambda/a").having("/other", key=BEFORE)
    narrow, wide = owner("Fleet", target=LAMBDA), owner("Fleet", target=ALL)
    terminal.create(replace(ASKED, target=LAMBDA), narrow)
    terminal.update(ASKED, replace(ASKED, target=LAMBDA), me=wide)

    busy_until(terminal, "/other", terminal.clock.now() + 90)

    terminal.update(replace(ASKED, target=LAMBDA), ASKED, me=narrow, physical_id=LAMBDA.arn)

    assert terminal.states() == {"/aws/lambda/a": held(me=narrow), "/other": (BEFORE, None)}


# --- from or to one log group -----------------------------------------------------------------------------------------


def test_from_one_log_group_to_a_fleet_and_the_clean_up_leaves_it_encrypted() -> None:
    """The same resource: the fleet takes over what it held by name, and the old id's Delete finds nothing."""
    one = Association(log_group("/a"), OURS)
    me = owner("Fleet")
    terminal = Terminal().having("/a", "/b")
    lifecycle.ensure(terminal.context(), Ensure(me, one))

    terminal.through(Ensure(ME, ASKED, Update(log_group("/a").arn, one, me)))
    lifecycle.remove(terminal.context(), Remove.of(me, one, minted=True))

    assert keys(terminal) == {OURS}


def test_from_a_fleet_to_one_log_group_what_was_before_stays_remembered() -> None:
    """The same resource: its last Delete puts back what was there before its first Create."""
    one = Association(log_group("/a"), OURS)
    me = owner("Fleet")
    terminal = Terminal().having("/a", key=BEFORE).having("/b")
    terminal.create()

    lifecycle.ensure(terminal.context(), Ensure(me, one, Update(ALL.arn, ASKED, ME)))
    terminal.delete()
    lifecycle.remove(terminal.context(), Remove.of(me, one, minted=True))

    assert terminal.states() == {"/a": (BEFORE, None), "/b": (None, None)}


def test_a_fleet_gives_back_what_an_update_to_one_log_group_had_claimed_before_it_died() -> None:
    """CloudFormation sends the Update back to the fleet: the log group is the fleet's again, or nobody's."""
    one = Association(log_group("/a"), OURS)
    me = owner("Fleet")
    terminal = Terminal().having("/a", "/b")
    terminal.create()
    lifecycle.ensure(terminal.context(), Ensure(me, one, Update(ALL.arn, ASKED, ME)))  # and then it died, unanswered

    terminal.through(Ensure(ME, ASKED, Update(ALL.arn, one, me)))
    terminal.delete()

    assert set(terminal.states().values()) == {(None, None)}


def test_one_log_group_gives_back_all_that_an_update_to_a_fleet_had_claimed_before_it_died() -> None:
    """Also more than fits into a minute: nobody else will ever come for it."""
    one = Association(log_group("/a"), OURS)
    me = owner("Fleet")
    terminal = Terminal().having("/a", *many(500))
    lifecycle.ensure(terminal.context(), Ensure(me, one))
    terminal.through(Ensure(ME, ASKED, Update(log_group("/a").arn, one, me)))  # and then it died, unanswered

    terminal.invocations = 0
    outcome = terminal.through(Ensure(me, one, Update(log_group("/a").arn, ASKED, ME)), seconds=45)

    assert outcome.target == one.target
    assert terminal.invocations > 2
    assert [name for name, (_, claim) in terminal.states().items() if claim and claim.owner == ME] == []
