"""Time that is short: what does not fit into one invocation goes on in the next, and is no failure."""

from __future__ import annotations

import pytest
from support.fake_aws import FakeClock, key_policy_denied, log_group, throttled, unavailable
from unit.fleet.terminals import ASKED, ME, OURS, Terminal, held, many, numbers

from log_group_kms.association.requests import Ensure
from log_group_kms.fleet.checkpoint import Checkpoint, Counts, Phase
from log_group_kms.fleet.cutoff import Cutoff
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.ownership import Claim, Marks, Work
from log_group_kms.model.results import Outcome
from log_group_kms.retry.retrier import Retrier


def test_what_does_not_fit_into_one_invocation_goes_on_in_the_next() -> None:
    """Every log group is changed once, and the counts are those of all invocations."""
    terminal = Terminal().having(*many(300)).having("/zz", key=OURS)

    outcome = terminal.create(seconds=40)

    assert terminal.invocations > 2
    assert numbers(outcome) == (300, 1, 0)
    assert terminal.counts["AssociateKmsKey"] == 300
    assert {terminal.state(name) for name in many(300)} == {held()}


def test_a_delete_goes_on_in_the_next_invocation_too() -> None:
    """Until all is given back."""
    terminal = Terminal().having(*many(200))
    terminal.create()
    terminal.invocations = 0

    outcome = terminal.delete(seconds=40)

    assert terminal.invocations > 1
    assert "200 given back" in outcome.note
    assert set(terminal.states().values()) == {(None, None)}


def test_a_refusal_that_the_end_of_the_invocation_cuts_short_is_no_failure() -> None:
    """The next invocation asks again."""
    terminal = Terminal().having(*many(10))
    until = terminal.clock.now() + 100
    terminal.aws.before = lambda operation: (
        terminal.aws.refuse(operation, throttled())
        if operation == "AssociateKmsKey" and terminal.clock.now() < until
        else None
    )

    outcome = terminal.create(seconds=60)

    assert terminal.invocations > 1
    assert numbers(outcome) == (10, 0, 0)


def test_refusals_that_pass_are_waited_out() -> None:
    """Throttling and failures in transit cost time, and nothing else."""
    terminal = Terminal().having(*many(20))
    terminal.aws.refuse("AssociateKmsKey", throttled(), throttled(), unavailable(), key_policy_denied())
    terminal.aws.refuse("DescribeLogGroups", throttled("DescribeLogGroups"))
    terminal.aws.refuse("ListTagsForResource", throttled("ListTagsForResource"))

    assert numbers(terminal.create()) == (20, 0, 0)
    assert set(terminal.states().values()) == {held()}


@pytest.mark.parametrize("phase", [Phase.CHANGE, Phase.TAKE_OVER])
def test_a_throttled_look_at_the_lookout_goes_on_in_the_next_invocation(phase: Phase) -> None:
    """What the end of the invocation cuts short is no failure; the next one knows which log group is marked."""
    terminal = Terminal().having("/a", key=OURS, claim=Claim(ME, None)).having("/b")
    terminal.aws.log_groups[log_group("/a")].marks[ME.digest] = Marks(Work.CREATING)
    until = terminal.clock.now() + 60

    def before(operation: str) -> None:
        if operation == "ListTagsForResource" and terminal.clock.now() < until:
            terminal.aws.refuse(operation, throttled(operation))

    terminal.aws.before = before
    checkpoint = Checkpoint(phase, OURS.text, counts=Counts(associated=1), lookout="/a", claimed=True)

    outcome = lifecycle.ensure(terminal.context(40), Ensure(ME, ASKED), checkpoint)

    assert isinstance(outcome, Checkpoint)
    assert (outcome.phase, outcome.lookout) == (phase, "/a")
    assert isinstance(lifecycle.ensure(terminal.context(), Ensure(ME, ASKED), outcome), Outcome)
    assert terminal.state("/b") == (held() if phase is Phase.CHANGE else (None, None))


@pytest.mark.parametrize(
    ("seconds", "begins"),
    [
        pytest.param(800, 785, id="fifteen seconds before the end"),
        pytest.param(37.5, 22.5, id="as long as that is no more than two fifths"),
        pytest.param(20, 12, id="of a short time two fifths"),
    ],
)
def test_when_a_fleet_begins_nothing_more(seconds: float, begins: float) -> None:
    """What is refused for now outlasts no invocation; and of a short one something is left to work in."""
    clock = FakeClock(1_000.0)
    cutoff = Cutoff(Retrier(clock, 1_000 + seconds))

    assert cutoff.deadline.at == pytest.approx(1_000 + begins)
    clock.sleep(begins - 0.001)
    assert not cutoff.passed
    clock.sleep(0.002)
    assert cutoff.passed
