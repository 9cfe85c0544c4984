"""A fleet's Delete: for whom it waits, what its marks leave behind, and what comes too late for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import log_group, throttled
from unit.fleet.overtaking import SmallPages, Stage
from unit.fleet.terminals import ALL, ASKED, BEFORE, ME, OURS, held, many

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.fleet.checkpoint import Checkpoint, Phase
from log_group_kms.fleet.lookouts import FENCE, LOOKOUTS
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import OnDelete
from log_group_kms.model.errors import ClaimLost, Throttled
from log_group_kms.model.ownership import Claim, Marks, Owner, Work
from log_group_kms.model.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = many(LOOKOUTS)


@pytest.fixture(autouse=True)
def _pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """All lookouts stand on one page."""
    monkeypatch.setattr(SmallPages, "page_size", 50)


# --- the Delete -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("work", "made_up", "waits"),
    [
        pytest.param(None, False, False, id="its own id, and nobody at work"),
        pytest.param(Work.FAILED, False, False, id="its own id, and a Create that failed"),
        pytest.param(Work.CREATING, False, True, id="its own id, and a Create at work"),
        pytest.param(Work.MENDING, False, True, id="its own id, and a reconciliation at work"),
        pytest.param(None, True, True, id="an id that was made up"),
    ],
)
def test_a_delete_waits_for_whoever_may_be_at_work(work: Work | None, *, made_up: bool, waits: bool) -> None:
    """It takes the marks of work off in the end, and leaves those that cancel."""
    terminal = Stage().having(*many(9), key=OURS, claim=Claim(ME, None))
    if work:
        terminal.aws.log_groups[log_group(FIRST[2])].marks[ME.digest] = Marks(work)

    terminal.do(terminal.send_delete(made_up=made_up))

    assert (FENCE in terminal.clock.slept) == waits
    assert terminal.works() == {}
    assert [name for name in many(9) if terminal.marks_of(name).cancelled_at is not None] == (FIRST if waits else [])
    assert set(terminal.states().values()) == {(None, None)}


def test_what_the_command_line_releases_waits_for_nobody() -> None:
    """It has no Create."""
    command_line = Owner.of_command_line(ALL)
    terminal = Stage().having(*many(9), key=OURS, claim=Claim(command_line, BEFORE))

    terminal.do(terminal.send_delete(me=command_line, made_up=False))

    assert FENCE not in terminal.clock.slept
    assert set(terminal.states().values()) == {(BEFORE, None)}


def test_marks_that_cannot_be_read_for_want_of_calls_fail_the_delete() -> None:
    """Nobody knows whether a Create is at work: nothing is given back on the word of no look."""
    terminal = Stage().having(*many(9), key=OURS, claim=Claim(ME, None))
    terminal.aws.refuse("ListTagsForResource", *[throttled("ListTagsForResource")] * 99_999)

    with pytest.raises(Throttled):
        lifecycle.remove(terminal.context(6_000), terminal.send_delete(made_up=False))

    assert set(terminal.states().values()) == {held()}


def late(terminal: Stage, create: Ensure) -> None:
    """Its Delete was through before it began."""
    terminal.do(terminal.send_delete(create.association, made_up=True))
    with pytest.raises(ClaimLost):
        terminal.do(create)


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param(lambda terminal, create: terminal.dies_at(20, create), id="a first delivery that died"),
        pytest.param(late, id="a Create that came after its Delete"),
    ],
)
def test_a_mark_that_is_left_behind_does_not_undo_the_fleet(leave: Callable[[Stage, Ensure], object]) -> None:
    """A Create has come to its end since, with another lookout: OnDelete is Retain, so that the keys stay."""
    desired = replace(ASKED, on_delete=OnDelete.RETAIN)
    terminal = Stage().having(*many(9))
    create = terminal.send_create(desired)
    leave(terminal, create)
    assert terminal.works() == {FIRST[0]: Work.CREATING}
    terminal.clock.time += 60
    terminal.having("/aaa")

    terminal.do(terminal.send_create(desired))
    terminal.do(terminal.send_delete(desired, made_up=False))

    assert set(terminal.states().values()) == {(OURS, None)}


# --- after the propagation wait ---------------------------------------------------------------------------------------


def test_a_delete_during_the_propagation_wait_is_seen_at_its_end() -> None:
    """And only that: tags that someone took off are no Delete."""
    terminal = Stage().having(*many(9))
    create = terminal.send_create()
    assert isinstance(terminal.do(create), Outcome)
    rules = FleetRules(terminal.context(), ALL)
    for name in FIRST:
        terminal.aws.log_groups[log_group(name)].claim = None
    rules.check_claim(create)

    terminal.do(terminal.send_delete(made_up=True))

    with pytest.raises(ClaimLost, match="A Delete of this resource has begun"):
        rules.check_claim(create)


# --- the end of time --------------------------------------------------------------------------------------------------


def test_a_delete_whose_time_ends_when_all_is_given_back_is_no_failure() -> None:
    """What is left is to take the marks off: the next invocation does it."""
    terminal = Stage().having("/a", key=OURS, claim=Claim(ME, None))
    terminal.aws.after = lambda operation: terminal.clock.sleep(50) if operation == "UntagResource" else None

    outcome = lifecycle.remove(terminal.context(60), Remove.of(ME, ASKED, minted=True))

    assert isinstance(outcome, Outcome | Checkpoint)
    assert terminal.state("/a") == (None, None)


def test_a_delete_that_has_no_time_for_its_fence_begins_anew() -> None:
    """Its mark stands by then; nothing is given back before it has waited for all of it."""
    terminal = Stage().having("/a", key=OURS, claim=Claim(ME, None))
    delete = terminal.send_delete(made_up=True)

    checkpoint = lifecycle.remove(terminal.context(FENCE), delete)

    assert isinstance(checkpoint, Checkpoint)
    assert checkpoint.phase is Phase.RELEASE
    assert FENCE not in terminal.clock.slept
    assert terminal.state("/a") == held()
