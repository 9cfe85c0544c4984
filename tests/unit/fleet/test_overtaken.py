"""A Delete that overtakes a fleet's Create, around every call: once both have ended, all is as before the Create."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.chaos import Killed
from unit.fleet.overtaking import SLOW, Stage
from unit.fleet.terminals import ALL, BEFORE, EXPLICIT, OURS, SIBLING, STRANGE, held, many

from log_group_kms.fleet.lookouts import FENCE
from log_group_kms.model.errors import ClaimLost, OutOfTime
from log_group_kms.model.ownership import Claim, Owner, Work

if TYPE_CHECKING:
    from log_group_kms.association.requests import Ensure, Remove

#: More than a Create of these makes calls.
CALLS = 60
SECONDS = [800, 40]
COMMAND_LINE = Owner.of_command_line(ALL)


def stage() -> Stage:
    """Five log groups to be claimed, one that has the key, one that another owns, one that the command line holds."""
    found = Stage(rate_limits=SLOW).having("/a", key=BEFORE).having(*many(4))
    found.having("/compliant", key=OURS).having("/owned", key=STRANGE, claim=Claim(EXPLICIT, None))
    return found.having("/applied", key=OURS, claim=Claim(COMMAND_LINE, BEFORE))


def is_lost(terminal: Stage, create: Ensure, seconds: float = 800) -> bool:
    """Whether *create* ends so; else it ends well, or dies."""
    try:
        terminal.do(create, seconds)
    except ClaimLost as lost:
        assert str(lost).startswith("A Delete of this resource has begun"), lost  # noqa: PT017 - see above
        return True
    except (Killed, OutOfTime):
        # It stood still for as long as the Delete took, and that may be longer than its function lives.
        return False
    return False


def overtaken(call: int, seconds: float, *, made_up: bool, dies: bool, second: bool) -> Stage | None:
    """What is there when both have ended; None where the Create came to its end before its call with this number."""
    terminal = stage()
    create = terminal.send_create()
    if second:
        # The first delivery had claimed, and died.
        assert terminal.dies_at(24, create)
        assert terminal.works() == {"/a": Work.CREATING}
    at_work, changes = True, 0

    def overtake() -> None:
        nonlocal at_work, changes
        # It takes its mark off in the end.
        at_work = "UntagResource" not in terminal.aws.calls
        terminal.do(terminal.send_delete(made_up=made_up))
        changes = changes_of(terminal)
        if dies:
            raise Killed

    with terminal.at_call(call, overtake) as struck:
        is_lost(terminal, create, seconds)
    if not (struck and at_work):
        return None
    assert changes_of(terminal) == changes, call
    return terminal


def changes_of(terminal: Stage) -> int:
    """The calls that change a log group's key, or take it away."""
    return terminal.counts["AssociateKmsKey"] + terminal.counts["DisassociateKmsKey"]


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("dies", [False, True], ids=["the Create goes on", "the Create dies there"])
@pytest.mark.parametrize("second", [False, True], ids=["first delivery", "second delivery"])
def test_a_delete_under_an_id_that_was_made_up(seconds: float, *, second: bool, dies: bool) -> None:
    """CloudFormation has cancelled the Create, which it never heard of: it may be at work, at any call."""
    ends = [overtaken(call, seconds, made_up=True, dies=dies, second=second) for call in range(CALLS)]

    before = stage().states()
    assert len([end for end in ends if end]) > 20
    for call, end in enumerate(ends):
        assert end is None or end.states() == before, call


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("dies", [False, True], ids=["the Create goes on", "the Create dies there"])
def test_a_delete_under_the_fleets_own_id_while_the_mark_is_there(seconds: float, *, dies: bool) -> None:
    """The responder has answered for a first delivery that died; a second one is at work."""
    ends = [overtaken(call, seconds, made_up=False, dies=dies, second=True) for call in range(CALLS)]

    before = stage().states()
    assert len([end for end in ends if end]) > 20
    for call, end in enumerate(ends):
        assert end is None or end.states() == before, call


def test_a_create_that_ended_unheard_is_undone_too() -> None:
    """CloudFormation had cancelled it already, and makes an id up: what the command line had done is there again."""
    terminal = stage()
    terminal.do(terminal.send_create())

    terminal.do(terminal.send_delete(made_up=True))

    assert terminal.states() == stage().states()


def test_a_delete_under_the_fleets_own_id_without_a_mark_waits_for_nobody() -> None:
    """Its Create has come to its end. What it had claimed is given back at once, and what it had taken over, too."""
    terminal = stage()
    terminal.do(terminal.send_create())
    assert terminal.works() == {}

    terminal.do(terminal.send_delete(made_up=False))

    assert terminal.states() == stage().states() | {"/applied": (BEFORE, None)}
    assert FENCE not in terminal.clock.slept


@pytest.mark.parametrize("made_up", [True, False])
def test_a_create_that_a_delete_has_stopped_undoes_nothing_and_claims_nothing_more(*, made_up: bool) -> None:
    """All its calls after that are looks."""
    terminal = Stage().having(*many(5))
    create = terminal.send_create()
    if not made_up:
        assert terminal.dies_at(12, create)
    after: list[int] = []

    def overtake() -> None:
        terminal.do(terminal.send_delete(made_up=made_up))
        after.append(len(terminal.aws.calls))

    with terminal.at_call(14, overtake), pytest.raises(ClaimLost, match=r"nothing more of .* is associated"):
        terminal.do(create)

    assert set(terminal.aws.calls[after[0] :]) <= {"ListTagsForResource", "DescribeLogGroups"}
    assert set(terminal.states().values()) == {(None, None)}


@pytest.mark.parametrize("second", [False, True], ids=["first delivery", "second delivery"])
def test_a_renamed_fleets_create_that_a_delete_overtakes_leaves_the_old_ones_claims(*, second: bool) -> None:
    """It had taken them over: they are handed back, with what was remembered."""
    struck_at = 0
    for call in range(CALLS):
        terminal = Stage().having("/a", key=BEFORE).having(*many(6))
        terminal.do(terminal.send_create())
        terminal.clock.time += 60
        terminal.aws.calls.clear()
        create = terminal.send_create(me=SIBLING)
        if second:
            assert terminal.dies_at(16, create)
            assert terminal.works(SIBLING) == {"/a": Work.CREATING}

        def overtake(terminal: Stage = terminal) -> None:
            nonlocal struck_at
            if "UntagResource" not in terminal.aws.calls:
                struck_at += 1
            terminal.do(terminal.send_delete(me=SIBLING, made_up=True))

        struck_before = struck_at
        with terminal.at_call(call, overtake):
            is_lost(terminal, create)
        if struck_at > struck_before:
            assert terminal.states() == {"/a": held(BEFORE), **{name: held() for name in many(6)}}, call
    assert struck_at > 10


# --- a Delete that dies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made_up", [True, False])
@pytest.mark.parametrize("dies", [False, True], ids=["the Create goes on", "the Create dies"])
def test_a_delete_that_dies_at_any_call_is_delivered_again(*, made_up: bool, dies: bool) -> None:
    """In the fence, or between: the Create stops at the marks that there are; the second delivery gives all back."""
    before = stage().states()
    died = 0
    for call in range(CALLS):
        terminal = stage()
        create = terminal.send_create()
        sent: list[Remove] = []

        def overtake(terminal: Stage = terminal, call: int = call, sent: list[Remove] = sent) -> None:
            nonlocal died
            sent.append(terminal.send_delete(made_up=made_up))
            died += terminal.dies_at(call, sent[0])
            if dies:
                raise Killed

        with terminal.at_call(26, overtake):
            lost = is_lost(terminal, create)
        # Where the Delete dies before it has marked anything, the Create comes to its end; one that cancels it undoes
        # it all the same.
        ended = {} if lost or dies or made_up else {"/applied": (BEFORE, None)}
        [delete] = sent
        terminal.do(delete)
        assert terminal.states() == before | ended, call
    assert died > 20


class InTheFence(BaseException):
    """The function's time is over in the middle of its sleep."""


def test_a_delete_that_dies_while_it_waits_waits_anew() -> None:
    """Its second delivery may begin while the Create is still at work."""
    terminal = Stage().having(*many(5))
    create = terminal.send_create()
    real = terminal.clock.sleep

    def overtake() -> None:
        delete = terminal.send_delete(made_up=True)

        def end(seconds: float) -> None:
            if seconds >= FENCE:
                raise InTheFence
            real(seconds)

        terminal.clock.sleep = end  # type: ignore[method-assign] # until it is put back
        with pytest.raises(InTheFence):
            terminal.do(delete)
        terminal.clock.sleep = real  # type: ignore[method-assign] # as it was
        terminal.do(delete)

    with terminal.at_call(24, overtake), pytest.raises(ClaimLost):
        terminal.do(create)

    assert terminal.clock.slept.count(FENCE) == 1
    assert set(terminal.states().values()) == {(None, None)}


def test_a_delete_without_time_to_wait_goes_on_in_the_next_invocation() -> None:
    """Nothing is given back before it has waited."""
    terminal = Stage().having(*many(5))
    assert terminal.dies_at(24, terminal.send_create())
    claimed = {name: state for name, state in terminal.states().items() if state[1]}
    assert claimed
    terminal.invocations = 0

    outcome = terminal.do(terminal.send_delete(made_up=True), seconds=FENCE + 4)

    assert terminal.invocations > 1
    assert outcome.associated == len(claimed)
    assert set(terminal.states().values()) == {(None, None)}
