"""One pass over many log groups: page by page, several at once, at the quota."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.chaos import Killed
from support.fake_aws import FakeClock, concurrent_change
from unit.fleet.terminals import ASKED, BEFORE, EXPLICIT, OURS, STRANGE, Terminal, held, many, numbers

from log_group_kms.fleet.checkpoint import Checkpoint, Ending, Fate, Phase
from log_group_kms.fleet.cutoff import Cutoff
from log_group_kms.fleet.pages import PageRunner
from log_group_kms.fleet.triage import Triage
from log_group_kms.model.association import OnExistingKey
from log_group_kms.model.errors import ClaimLost, KeyPolicyDenied, OutOfTime
from log_group_kms.model.ownership import Claim
from log_group_kms.model.results import Listed, Page
from log_group_kms.retry.rate_limits import RateLimits
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_second_run_over_a_compliant_fleet_lists_and_does_nothing_else() -> None:
    """No writing call, and none per log group: one for each page of 50."""
    terminal = Terminal().having(*many(240))
    terminal.create()
    terminal.aws.calls.clear()

    outcome = terminal.update(ASKED)

    assert numbers(outcome) == (0, 240, 0)
    assert terminal.counts == {"DescribeLogGroups": 5}


def test_several_at_once_end_as_one_by_one() -> None:
    """Threads change nothing but the time that it takes."""
    terminal = (
        Terminal(rate_limits=RateLimits(workers=8))
        .having(*many(130))
        .having("/kept", key=STRANGE, claim=Claim(EXPLICIT, None))
    )

    outcome = terminal.create()

    assert numbers(outcome) == (130, 0, 1)
    assert {terminal.state(name) for name in many(130)} == {held()}
    assert terminal.counts["AssociateKmsKey"] == 130


def test_a_failure_tells_the_counts_so_far() -> None:
    """Whoever reads the Reason knows how far it came."""
    terminal = Terminal().having(*many(60))
    terminal.aws.before = lambda _: (
        terminal.aws.closed_to_logs.add(OURS) if terminal.counts["AssociateKmsKey"] == 55 else None
    )

    with pytest.raises(KeyPolicyDenied) as refused:
        terminal.create()

    assert refused.value.__notes__ == ["Of its log groups: 55 associated."]


def test_a_claim_lost_beside_a_job_that_is_out_of_time_is_a_claim_lost() -> None:
    """Else the Create fails without giving back what it has claimed behind the Delete's back."""
    overtaken = threading.Event()

    def slow() -> Fate:
        overtaken.wait(5)
        raise OutOfTime("The turn of this call would come too late")

    def lost() -> Fate:
        try:
            raise ClaimLost("gone")
        finally:
            overtaken.set()

    jobs: dict[str, Callable[[], Fate]] = {"/a": lambda: Fate.ASSOCIATED, "/b": slow, "/c": lost}
    pages = {"": Page((Listed("/a", None), Listed("/b", None)), "2"), "2": Page((Listed("/c", None),))}
    cutoff = Cutoff(Retrier(FakeClock(), FakeClock().now() + 800))
    runner = PageRunner(
        cutoff,
        2,
        stopped=threading.Event(),
        triage=Triage(Terminal().context().keys, cutoff, enrolling=False),
        page=lambda token: pages[token],
        before_changes=lambda _: None,
        confirm=lambda _, __: {},
    )

    try:
        _, ending = runner.run(Checkpoint(Phase.CHANGE, OURS.text), lambda listed: jobs[listed.name])
    except ClaimLost:
        pytest.fail("the claim was lost, and `run` does not say so: nothing is given back")

    assert ending is Ending.LOST


def test_one_busy_log_group_does_not_have_all_others_read_once_more() -> None:
    """A second pass over ten thousand log groups at twenty reads a second is eight minutes of CloudFormation's hour."""
    terminal = Terminal().having(*many(200), key=OURS).having("/b")
    terminal.aws.refuse("AssociateKmsKey", *[concurrent_change()] * 6)

    terminal.create()

    assert terminal.counts["ListTagsForResource"] < 300


# --- pace -------------------------------------------------------------------------------------------------------------


def test_associations_are_drawn_apart_by_the_quota() -> None:
    """Never more than five in a second, and no slower than that by more than a twentieth."""
    terminal = Terminal().having(*many(200))
    times: list[float] = []
    terminal.aws.after = lambda operation: (
        times.append(terminal.clock.now()) if operation == "AssociateKmsKey" else None
    )

    terminal.create()

    assert min(later - earlier for earlier, later in zip(times, times[5:], strict=False)) >= 1.0
    assert times[-1] - times[0] <= 200 / 5 * 1.05


def test_log_groups_that_need_no_change_take_no_turn() -> None:
    """Four hundred kept keys do not take the eighty seconds of four hundred associations."""
    terminal = Terminal(rate_limits=RateLimits(reads=1000, pages=1000, workers=1)).having(*many(400), key=STRANGE)
    begun = terminal.clock.now()

    terminal.create(replace(ASKED, on_existing_key=OnExistingKey.KEEP))

    assert terminal.clock.now() - begun < 5


# --- a crash ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", range(1, 60, 3))
def test_a_crash_costs_no_log_group_a_second_change(call: int) -> None:
    """Delivered again, the event passes over what is done: at most the call that was at work is made twice."""
    terminal = Terminal().having("/a", key=BEFORE).having(*many(9))
    calls = 0

    def die(_: str) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            terminal.aws.after = lambda _: None
            raise Killed

    terminal.aws.after = die
    if len(terminal.aws.calls) < call:
        try:
            terminal.create()
        except Killed:
            terminal.create()

    assert terminal.states() == {"/a": held(BEFORE), **{name: held() for name in many(9)}}
    assert terminal.counts["AssociateKmsKey"] <= 11


# --- ten thousand -----------------------------------------------------------------------------------------------------


def test_ten_thousand_log_groups() -> None:
    """In the hours that the quota asks for, over many invocations, each changed once; then all are given back."""
    terminal = Terminal().having(*many(10_000))

    created = terminal.create(seconds=845)
    assert numbers(created) == (10_000, 0, 0)
    assert terminal.counts["AssociateKmsKey"] == 10_000
    assert terminal.invocations == pytest.approx(10_000 / 5 / 830, abs=1)
    assert numbers(terminal.update(ASKED)) == (0, 10_000, 0)

    assert terminal.delete(seconds=845).associated == 10_000
    assert set(terminal.states().values()) == {(None, None)}
