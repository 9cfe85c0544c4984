"""How far the work has come: counts that go from invocation to invocation, and tokens that are too old."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from support.fake_aws import log_group
from unit.fleet.terminals import ASKED, ME, OURS, STRANGE, Terminal, enrolling, fleet_event, invoke, many, numbers

from log_group_kms.association.requests import Ensure
from log_group_kms.fleet.checkpoint import Checkpoint, Counts, Phase
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import OnExistingKey
from log_group_kms.model.errors import InvalidParameter, OutOfTime
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
    """The pass for the busy ones counts all anew but what was changed, and so does its second beginning."""
    terminal = Terminal().having(*many(60), key=OURS).having("/busy").having("/kept", "/too", key=STRANGE)
    terminal.aws.stale_tokens.add("/app/00049")
    # Of the first page, fifty are under the key: forty that the pass before had counted, and ten of the twenty.
    counts = Counts(associated=40, compliant=-40 + 50)
    checkpoint = Checkpoint(Phase.CHANGE_BUSY, OURS.text, "/app/00049", counts)
    keeping = replace(ASKED, on_existing_key=OnExistingKey.KEEP)

    outcome = lifecycle.ensure(terminal.context(), Ensure(ME, keeping), checkpoint)

    assert not isinstance(outcome, Checkpoint)
    assert numbers(outcome) == (41, 20, 2)


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


def test_a_token_that_is_too_old_when_time_ends_is_forgotten() -> None:
    """The invocation that follows begins with the first page."""
    terminal = Terminal().having(*many(120))
    terminal.aws.stale_tokens.add("/app/00049")

    def end(operation: str) -> None:
        if operation == "DescribeLogGroups":
            terminal.clock.time += 1_000

    terminal.aws.before = end
    checkpoint = Checkpoint(Phase.CHANGE, OURS.text, "/app/00049", Counts(associated=50))

    outcome = lifecycle.ensure(terminal.context(), Ensure(ME, ASKED), checkpoint)

    assert isinstance(outcome, Checkpoint)
    assert (outcome.token, outcome.counts.associated) == ("", 50)


def test_a_token_that_is_too_old_makes_nobody_forget_what_was_done() -> None:
    """What was mended, and what was given back, shows on no page any more."""
    terminal = Terminal().having(*many(120), key=OURS)
    terminal.aws.stale_tokens.add("/app/00049")
    counts = Counts(associated=1, mended=2, compliant=40, kept=4, owned=3, released=5, unrestored=6)
    checkpoint = Checkpoint(Phase.CHANGE, OURS.text, "/app/00049", counts)

    outcome = lifecycle.ensure(terminal.context(), enrolling(), checkpoint)

    assert not isinstance(outcome, Checkpoint)
    assert numbers(outcome) == (3, 117, 0)
    assert outcome.note == (
        "Of its log groups: 1 associated, 2 mended, as its key had been changed or taken away, 117 had the key "
        "already, 5 given back, 6 left without a key, as the previous one could not be put back."
    )


def test_a_token_that_is_refused_at_once_is_a_failure() -> None:
    """AWS gave it out a moment ago: beginning anew would meet the same again."""
    terminal = Terminal().having(*many(120))
    terminal.aws.stale_tokens.add("/app/00049")

    with pytest.raises(InvalidParameter):
        terminal.create()
