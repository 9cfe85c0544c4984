"""How far the work has come: counts that go from invocation to invocation, and tokens that are too old."""

from __future__ import annotations

import re

import pytest
from support.fake_aws import log_group
from unit.fleet.terminals import ASKED, ME, OURS, Terminal, fleet_event, invoke, many, numbers

from log_group_kms.association.requests import Ensure
from log_group_kms.fleet.checkpoint import Checkpoint, Counts, Phase
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.errors import OutOfTime
from log_group_kms.model.results import Outcome


def test_a_token_that_is_too_old_begins_the_listing_anew() -> None:
    """Nothing is done twice, and nothing counted twice."""
    terminal = Terminal().having(*many(120))
    event = Ensure(ME, ASKED)
    checkpoint = lifecycle.ensure(terminal.context(30), event)
    assert isinstance(checkpoint, Checkpoint)
    assert checkpoint.token
    terminal.aws.stale_tokens.add(checkpoint.token)

    outcome = lifecycle.ensure(terminal.context(), event, checkpoint)

    assert isinstance(outcome, Outcome)
    assert numbers(outcome) == (120, 0, 0)
    assert terminal.counts["AssociateKmsKey"] == 120


def test_a_token_that_is_too_old_in_the_last_pass_spoils_no_count() -> None:
    """The pass for the busy ones counts these alone: there is nothing to count anew."""
    terminal = Terminal().having(*many(60), key=OURS).having("/busy")
    terminal.aws.stale_tokens.add("/app/00049")
    checkpoint = Checkpoint(
        Phase.CHANGE_BUSY, OURS.text, "/app/00049", Counts(associated=40, compliant=20, kept=5, busy=1)
    )

    outcome = lifecycle.ensure(terminal.context(), Ensure(ME, ASKED), checkpoint)

    assert not isinstance(outcome, Checkpoint)
    assert numbers(outcome) == (41, 20, 5)


def test_the_reason_of_a_fleet_that_ran_out_of_time_has_no_negative_counts() -> None:
    """A page that was cut counts what it has changed, and nothing below none."""
    terminal = Terminal().having(*many(300))

    with pytest.raises(OutOfTime) as failed:
        invoke(terminal, fleet_event(terminal, ServiceTimeout="60"))

    assert not re.search(r" -\d", str(failed.value)), failed.value


def test_what_vanishes_between_two_invocations_is_not_counted_below_none() -> None:
    """Every return value is a number of log groups."""
    terminal = Terminal().having(*many(120))
    event = Ensure(ME, ASKED)
    checkpoint = lifecycle.ensure(terminal.context(32), event)
    assert isinstance(checkpoint, Checkpoint)
    cut = [name for name, (key, _) in terminal.states().items() if key][50:]
    assert cut
    for name in cut:
        del terminal.aws.log_groups[log_group(name)]

    outcome = lifecycle.ensure(terminal.context(), event, checkpoint)

    assert not isinstance(outcome, Checkpoint)
    assert min(numbers(outcome)) >= 0, numbers(outcome)
