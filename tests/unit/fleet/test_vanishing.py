"""A log group of a fleet that vanishes before any call of an event, whichever that is: the others are done as ever."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import log_group
from unit.fleet.terminals import ALL, ASKED, BEFORE, ME, NEW, OURS, SIBLING, Terminal, enrolling, held

from log_group_kms.association.requests import Asker, Ensure, Remove
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.model.association import OnExistingKey
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.targets import Exclusions

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.fleet.terminals import State

COMMAND_LINE = Owner.of_command_line(ALL)
#: It is neither the first nor the last of a page.
GOING = "/b"
OTHERS = ("/a", "/c")
FAIL = replace(ASKED, on_existing_key=OnExistingKey.FAIL)
NARROWER = replace(ASKED, exclude=Exclusions((GOING,)))


@dataclass(frozen=True)
class Case:
    """Three log groups in one state, an event, and the state in which it leaves those that are there."""

    key: object
    claim: Claim | None
    event: Callable[[Terminal], object]
    left: State


def release(terminal: Terminal) -> object:
    """End what the command line holds."""
    return FleetRules(terminal.context(), ALL).remove(Remove(COMMAND_LINE, ALL))


def give_back_one(terminal: Terminal) -> object:
    """End what enrolment brought in for a fleet that went meanwhile."""
    return FleetRules(terminal.context(), ALL).give_back(Remove.of(ME, ASKED), log_group(GOING))


def enrol_one(terminal: Terminal) -> object:
    """Bring in a log group that has just been made."""
    return FleetRules(terminal.context(), ALL).enrol(enrolling(), log_group(GOING))


CASES = {
    "a Create": Case(BEFORE, None, lambda terminal: terminal.create(), held(BEFORE)),
    "a Create that looks first": Case(OURS, Claim(SIBLING, None), lambda terminal: terminal.create(FAIL), held()),
    "one that re-keys": Case(NEW, Claim(SIBLING, BEFORE), lambda terminal: terminal.create(FAIL), held(BEFORE)),
    "a Create after apply": Case(OURS, Claim(COMMAND_LINE, None), lambda terminal: terminal.create(), held()),
    "an Update": Case(NEW, Claim(ME, BEFORE), lambda terminal: terminal.update(ASKED), held(BEFORE)),
    "an Update that excludes it": Case(
        OURS, Claim(ME, BEFORE), lambda terminal: terminal.update(NARROWER), held(BEFORE)
    ),
    "a Delete": Case(OURS, Claim(ME, BEFORE), lambda terminal: terminal.delete(), (BEFORE, None)),
    "a release": Case(OURS, Claim(COMMAND_LINE, BEFORE), release, (BEFORE, None)),
    "a reconciliation": Case(
        BEFORE, None, lambda terminal: FleetRules(terminal.context(), ALL).ensure(enrolling()), held(BEFORE)
    ),
    "its enrolment": Case(
        None,
        None,
        lambda terminal: FleetRules(terminal.context(), ALL).enrol(enrolling(), log_group(GOING)),
        (None, None),
    ),
    "the end of its enrolment": Case(OURS, Claim(ME, None), give_back_one, held()),
    "an apply": Case(
        None,
        None,
        lambda terminal: FleetRules(terminal.context(), ALL).ensure(
            Ensure(COMMAND_LINE, ASKED, asker=Asker.COMMAND_LINE)
        ),
        held(me=COMMAND_LINE),
    ),
}


@pytest.mark.parametrize("knows_tags", [True, False], ids=["by a listing with tags", "by the listing"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_vanishes_before_any_call(case: Case, *, knows_tags: bool) -> None:
    """The event succeeds, and leaves the others as it always does."""
    for call in count(1):
        terminal = Terminal()
        terminal.aws.knows_tags = knows_tags
        terminal.having("/a", GOING, "/c", key=case.key, claim=case.claim)  # type: ignore[arg-type] # a key or None
        calls = 0

        def vanish(_: str, *, at: int = call, terminal: Terminal = terminal) -> None:
            nonlocal calls
            calls += 1
            if calls == at:
                del terminal.aws.log_groups[log_group(GOING)]

        terminal.aws.before = vanish
        case.event(terminal)
        terminal.aws.before = lambda _: None

        assert {name: terminal.state(name) for name in OTHERS} == dict.fromkeys(OTHERS, case.left), call
        if calls < call:
            break
    assert call > 3
