"""How fast a fleet goes: its changes are drawn apart by the quota, and nothing else takes a turn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.fake_aws import throttled
from unit.fleet.terminals import ALL, ASKED, ME, OURS, STRANGE, WRITING, Terminal, many

from log_group_kms.association.claims import FRESH
from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.fleet.checkpoint import Checkpoint
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import OnDelete, OnExistingKey
from log_group_kms.retry.rate_limits import RateLimits

#: So many log groups may carry the fleet's marks.
LOOKOUTS_TRIED = 8


def test_associations_are_drawn_apart_by_the_quota() -> None:
    """Never more than five in a second, and no slower than that by more than a fifteenth, with all looks."""
    terminal = Terminal().having(*many(200))
    times: list[float] = []
    terminal.aws.after = lambda operation: (
        times.append(terminal.clock.now()) if operation == "AssociateKmsKey" else None
    )

    terminal.create()

    assert min(later - earlier for earlier, later in zip(times, times[5:], strict=False)) >= 1.0
    assert times[-1] - times[0] <= 200 / 5 * 1.07


def test_log_groups_that_need_no_change_take_no_turn() -> None:
    """Four hundred that have the key do not take the eighty seconds of four hundred associations."""
    terminal = Terminal(rate_limits=RateLimits(pages=1000, workers=1)).having(*many(400), key=OURS)
    begun = terminal.clock.now()

    terminal.update(ASKED)

    assert terminal.clock.now() - begun < 5


def test_what_keeps_another_key_costs_a_look_at_its_tags() -> None:
    """It may be the fleet's own: that shows in the tags alone, at the pace that their quota allows."""
    terminal = Terminal(rate_limits=RateLimits(pages=1000, workers=1)).having(*many(400), key=STRANGE)
    begun = terminal.clock.now()

    terminal.create(replace(ASKED, on_existing_key=OnExistingKey.KEEP))

    assert terminal.clock.now() - begun == pytest.approx(400 / 5, rel=0.05)
    assert 400 <= terminal.counts["ListTagsForResource"] <= 400 + LOOKOUTS_TRIED
    assert not WRITING & set(terminal.counts)


def test_giving_back_is_drawn_apart_by_the_quota_too() -> None:
    """The quota of DisassociateKmsKey is documented nowhere: a Delete goes as fast as a Create."""
    terminal = Terminal().having(*many(100))
    terminal.create()
    times: list[float] = []
    terminal.aws.after = lambda operation: (
        times.append(terminal.clock.now()) if operation == "DisassociateKmsKey" else None
    )

    terminal.delete()

    assert len(times) == 100
    assert min(later - earlier for earlier, later in zip(times, times[5:], strict=False)) >= 1.0


def test_what_keeps_its_key_is_let_go_by_two_calls() -> None:
    """OnDelete is Retain: whose it is is read, and its tags go, on one turn."""
    desired = replace(ASKED, on_delete=OnDelete.RETAIN)
    terminal = Terminal(rate_limits=RateLimits(pages=1000, workers=1)).having(*many(400))
    terminal.create(desired)
    terminal.aws.calls.clear()
    begun = terminal.clock.now()

    terminal.delete(desired)

    assert terminal.clock.now() - begun < 400 / 5 * 1.07
    assert terminal.counts["UntagResource"] == 400
    # The lookouts are read before and after.
    assert terminal.counts["ListTagsForResource"] <= 400 + 2 * LOOKOUTS_TRIED
    assert not {"TagResource", "AssociateKmsKey", "DisassociateKmsKey"} & set(terminal.counts)


@pytest.mark.parametrize("operation", ["AssociateKmsKey", "DisassociateKmsKey"])
def test_each_change_that_is_throttled_is_told(operation: str) -> None:
    """Others are at work: all changes slow down, and whoever watches the fleet is told."""
    terminal = Terminal().having(*many(20))
    if operation == "DisassociateKmsKey":
        terminal.create()
    terminal.aws.refuse(operation, throttled(operation), throttled(operation))
    refusals: list[str] = []
    rules = FleetRules(terminal.context(), ALL, throttled=lambda: refusals.append("throttled"))

    if operation == "DisassociateKmsKey":
        rules.remove(Remove.of(ME, ASKED))
    else:
        rules.ensure(Ensure(ME, ASKED))

    assert refusals == ["throttled"] * 2


@pytest.mark.parametrize("operation", ["AssociateKmsKey", "DisassociateKmsKey"])
def test_between_the_last_look_and_the_change_hardly_any_time_passes(operation: str) -> None:
    """The turn is taken before: whoever comes while it is waited for is seen. The first change marks a lookout, too."""
    terminal = Terminal().having(*many(20))
    if operation == "DisassociateKmsKey":
        terminal.create()
    looked = terminal.clock.now()
    waited: list[float] = []

    def watch(called: str) -> None:
        nonlocal looked
        if called == "ListTagsForResource":
            looked = terminal.clock.now()
        if called == operation:
            waited.append(terminal.clock.now() - looked)

    terminal.aws.before = watch
    if operation == "DisassociateKmsKey":
        terminal.delete()
    else:
        terminal.create()

    assert waited[1:] == [0.0] * 19
    assert waited[0] <= FRESH


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(RateLimits(log_groups=0.02, workers=1), id="log groups"),
        pytest.param(RateLimits(pages=0.02, workers=1), id="pages"),
    ],
)
def test_no_turn_outlasts_an_invocation(limits: RateLimits) -> None:
    """What would come too late is left to the next one."""
    terminal = Terminal(rate_limits=limits).having(*many(60))
    begun = terminal.clock.now()

    outcome = lifecycle.ensure(terminal.context(60), Ensure(ME, ASKED))

    assert isinstance(outcome, Checkpoint)
    assert terminal.clock.now() - begun < 60
