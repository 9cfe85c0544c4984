"""The read-back: a page shows the key of what was changed; where it does not, key and claim are read one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.fake_aws import concurrent_change, log_group, throttled
from unit.fleet.terminals import (
    ALL,
    ASKED,
    BEFORE,
    EXPLICIT,
    ME,
    OURS,
    STRANGE,
    Terminal,
    enrolling,
    held,
    numbers,
)

from log_group_kms.association.requests import Ensure
from log_group_kms.fleet.checkpoint import Fate
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.fleet.upkeep import Upkeep
from log_group_kms.model.ownership import Claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.fleet.terminals import State


def once_associated(terminal: Terminal, name: str, happens: Callable[[], object]) -> None:
    """Something *happens* when the log group of this *name* is under our key, before anybody has read it back."""

    def before(operation: str) -> None:
        if operation == "DescribeLogGroups" and terminal.state(name)[0] == OURS:
            terminal.aws.before = lambda _: None
            happens()

    terminal.aws.before = before


def rekey(terminal: Terminal, name: str) -> Callable[[], None]:
    """Another one's key comes last, under our claim; it had claimed before us."""

    def come() -> None:
        terminal.aws.log_groups[log_group(name)].key = STRANGE

    return come


def test_another_ones_key_that_comes_last_is_replaced_once_more() -> None:
    """The later claim stands, and it is ours: of two resources that claimed at once one has to win."""
    terminal = Terminal().having("/a", "/b", "/c")
    once_associated(terminal, "/b", rekey(terminal, "/b"))

    outcome = terminal.create()

    assert numbers(outcome) == (3, 0, 0)
    assert set(terminal.states().values()) == {held()}
    assert terminal.counts["AssociateKmsKey"] == 4


def test_the_association_once_more_waits_for_whoever_is_at_work() -> None:
    """It is the last one on this log group: nobody comes back for it."""
    terminal = Terminal().having("/a", "/b", "/c")

    def come() -> None:
        rekey(terminal, "/b")()
        until = terminal.clock.now() + 90
        terminal.aws.before = lambda operation: (
            terminal.aws.refuse(operation, concurrent_change())
            if operation == "AssociateKmsKey" and terminal.clock.now() < until
            else None
        )

    once_associated(terminal, "/b", come)

    assert numbers(terminal.create()) == (3, 0, 0)
    assert set(terminal.states().values()) == {held()}


@pytest.mark.parametrize("enrols", [False, True], ids=["fleet", "enrolment"])
def test_the_association_once_more_takes_its_turn(*, enrols: bool) -> None:
    """Where AWS throttles it, all other changes slow down with it; whoever watches the fleet is told."""
    terminal = Terminal().having("/a")
    refusals: list[str] = []

    def come() -> None:
        rekey(terminal, "/a")()
        terminal.aws.refuse("AssociateKmsKey", throttled())

    once_associated(terminal, "/a", come)
    rules = FleetRules(terminal.context(), ALL, throttled=lambda: refusals.append("throttled"))
    if enrols:
        assert rules.enrol(enrolling(), log_group("/a")) is Fate.ASSOCIATED
    else:
        rules.ensure(Ensure(ME, ASKED))

    assert refusals == ["throttled"]
    assert terminal.state("/a") == held()


def test_a_log_group_that_another_takes_before_it_is_read_back_is_left_to_it() -> None:
    """It is told and counted as that one's."""
    terminal = Terminal().having("/a", "/b")

    def take() -> None:
        terminal.having("/b", key=STRANGE, claim=Claim(EXPLICIT, OURS))

    once_associated(terminal, "/b", take)

    assert terminal.told(Ensure(ME, ASKED)) == [
        ("/a", Fate.ASSOCIATED, ""),
        ("/b", Fate.ASSOCIATED, ""),
        ("/b", Fate.OWNED, f"{EXPLICIT.text} took {log_group('/b').arn} over meanwhile; the last writer wins"),
    ]
    assert terminal.state("/b") == (STRANGE, Claim(EXPLICIT, OURS))


def test_what_is_taken_before_it_is_read_back_counts_as_skipped() -> None:
    """It was counted as associated for a moment."""
    terminal = Terminal().having("/a", "/b").having("/c", claim=Claim(EXPLICIT, None))
    once_associated(terminal, "/b", lambda: terminal.having("/b", key=STRANGE, claim=Claim(EXPLICIT, OURS)))

    assert numbers(terminal.create()) == (1, 0, 2)


def test_what_vanishes_before_it_is_read_back_is_not_counted() -> None:
    """There is nothing to encrypt any more, and nothing to wait for."""
    terminal = Terminal().having("/a", "/b")
    once_associated(terminal, "/b", lambda: terminal.aws.log_groups.__delitem__(log_group("/b")))
    begun = terminal.clock.now()

    assert numbers(terminal.create()) == (1, 0, 0)
    assert terminal.clock.now() - begun < 5


# --- of one that is enrolled ------------------------------------------------------------------------------------------


def test_a_log_group_that_vanishes_once_enrolled_is_no_failure() -> None:
    """Whoever created it has deleted it again, a moment after its association."""
    terminal = Terminal().having("/a", key=BEFORE)
    once_associated(terminal, "/a", lambda: terminal.aws.log_groups.__delitem__(log_group("/a")))

    assert FleetRules(terminal.context(), ALL).enrol(enrolling(), log_group("/a")) is Fate.PASSED


def test_another_ones_key_on_an_enrolled_log_group_is_replaced_once_more() -> None:
    """However long someone else is at work on it: nobody comes back for it."""
    terminal = Terminal().having("/a")

    def come() -> None:
        rekey(terminal, "/a")()
        terminal.aws.refuse("AssociateKmsKey", *[concurrent_change()] * 9)

    once_associated(terminal, "/a", come)

    assert FleetRules(terminal.context(), ALL).enrol(enrolling(), log_group("/a")) is Fate.ASSOCIATED
    assert terminal.state("/a") == held()


@pytest.mark.parametrize(
    ("fate", "again", "state"),
    [
        pytest.param(Fate.ASSOCIATED, Fate.COMPLIANT, held(BEFORE), id="someone took them off"),
        pytest.param(Fate.RELEASED, Fate.PASSED, (BEFORE, None), id="the fleet's Delete has passed by"),
    ],
)
def test_tags_that_are_gone_when_an_enrolled_log_group_is_read_back(fate: Fate, again: Fate, state: State) -> None:
    """What was associated is undone, and done once more, so that the key of before is remembered; or given back."""
    terminal, is_alive = Terminal().having("/a", key=BEFORE), True

    def take_off() -> None:
        nonlocal is_alive
        is_alive = fate is Fate.ASSOCIATED
        terminal.having("/a", key=OURS if is_alive else BEFORE)

    once_associated(terminal, "/a", take_off)
    upkeep = Upkeep(terminal.context(), ALL, enrolling(), lambda: is_alive, lambda *_: None)

    assert upkeep.enrol(log_group("/a")) is fate
    assert terminal.state("/a") == state
    assert upkeep.enrol(log_group("/a")) is again
    assert terminal.state("/a") == state
