"""Lookouts: the log groups on which a fleet's Create and its Delete find each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import concurrent_change, log_group, role_denied, throttled, unavailable
from unit.fleet.overtaking import SmallPages, Stage
from unit.fleet.terminals import ALL, ASKED, LAMBDA, ME, NEW, OURS, held, limit_exceeded, many, odd

from log_group_kms.association.requests import Asker, Ensure, Update
from log_group_kms.fleet.checkpoint import Checkpoint, Phase
from log_group_kms.fleet.lookouts import LEASE, LOOKOUTS
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.errors import ApiError, ClaimLost
from log_group_kms.model.ownership import Claim, Owner, Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.model.targets import LogGroup

FIRST = many(LOOKOUTS)
#: So many are tried.
TRIED = many(8)


def untaggable(group: LogGroup) -> ApiError:
    """A service control policy protects its tags."""
    return role_denied("logs:TagResource", "TagResource", group.arn)


def unreadable(group: LogGroup) -> ApiError:
    """A service control policy hides its tags."""
    return role_denied("logs:ListTagsForResource", "ListTagsForResource", group.arn)


def of_fleet(asker: Asker) -> Ensure:
    """What is asked for a fleet that is there."""
    return Ensure(ME, ASKED, asker=asker)


@pytest.fixture(autouse=True)
def _pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """All lookouts stand on one page."""
    monkeypatch.setattr(SmallPages, "page_size", 50)


def lose(terminal: Stage, event: Ensure, when: Callable[[str], bool], *, before: Callable[[], object] = list) -> int:
    """A Delete overtakes *event* once a call is as *when* says; how many log groups that had changed till then."""
    changed = 0

    def overtake(operation: str) -> None:
        nonlocal changed
        if when(operation):
            terminal.aws.after = lambda _: None
            before()
            terminal.do(terminal.send_delete(made_up=True))
            changed = terminal.counts["AssociateKmsKey"]

    terminal.aws.after = overtake
    with pytest.raises(ClaimLost, match=r"nothing more of .* is associated"):
        terminal.do(event)
    assert terminal.counts["AssociateKmsKey"] == changed
    assert set(terminal.states().values()) == {(None, None)}
    return changed


def after_associations(terminal: Stage, number: int) -> Callable[[str], bool]:
    """When so many were associated."""
    return lambda operation: operation == "AssociateKmsKey" and terminal.counts[operation] == number


# --- the mark ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "work"),
    [
        pytest.param(Ensure(ME, ASKED), Work.CREATING, id="Create"),
        pytest.param(
            Ensure(ME, ASKED, Update(LAMBDA.arn, replace(ASKED, target=LAMBDA), ME)), Work.CREATING, id="another target"
        ),
        pytest.param(of_fleet(Asker.ENROLMENT), Work.MENDING, id="reconciliation"),
        pytest.param(of_fleet(Asker.COMMAND_LINE), Work.MENDING, id="the command line for a fleet"),
        pytest.param(Ensure(ME, ASKED, Update(ALL.arn, replace(ASKED, key=NEW), ME)), None, id="Update"),
        pytest.param(
            Ensure(Owner.of_command_line(ALL), ASKED, asker=Asker.COMMAND_LINE), None, id="the command line's own"
        ),
    ],
)
def test_the_first_lookout_is_marked_before_the_first_change_and_bare_in_the_end(
    event: Ensure, work: Work | None
) -> None:
    """An Update has no Delete beside it, and the command line's own work has none at all."""
    terminal = Stage().having(*many(9))
    seen: list[dict[str, Work]] = []

    def see(operation: str) -> None:
        begun = operation == "AssociateKmsKey" or terminal.states()[FIRST[0]][1]
        if begun and not terminal.counts["UntagResource"]:
            seen.append(terminal.works())

    terminal.aws.before = see

    terminal.do(event)

    assert len(seen) > 9
    # Until the call that takes it off, after which nothing is changed.
    assert work is None or {"AssociateKmsKey", "TagResource"}.isdisjoint(
        terminal.aws.calls[terminal.aws.calls.index("UntagResource") :]
    )
    assert all(marks == ({FIRST[0]: work} if work else {}) for marks in seen)
    assert terminal.works() == {}
    assert terminal.counts["TagResource"] == 9 + bool(work)


def test_where_nothing_is_to_be_changed_nothing_is_marked() -> None:
    """A reconciliation of a whole fleet lists it, and reads no tag."""
    terminal = Stage().having(*many(9), key=OURS)

    terminal.do(of_fleet(Asker.ENROLMENT))

    assert set(terminal.counts) == {"DescribeLogGroups"}


def test_a_further_invocation_goes_on_under_the_same_mark() -> None:
    """One mark, for however many invocations."""
    terminal = Stage().having(*many(150))

    terminal.do(terminal.send_create(), seconds=40)

    assert terminal.invocations > 1
    assert terminal.counts["TagResource"] == 150 + 1
    assert terminal.works() == {}


def test_a_look_at_the_lookout_costs_one_call_in_five_seconds() -> None:
    """Four percent of the quota of ListTagsForResource."""
    terminal = Stage().having(*many(200), key=NEW)
    begun = terminal.clock.now()

    terminal.do(of_fleet(Asker.ENROLMENT))

    looks = (terminal.clock.now() - begun) / (LEASE - 1)
    assert terminal.counts["ListTagsForResource"] <= 200 + LOOKOUTS + looks + 2


# --- lookouts that come and go ----------------------------------------------------------------------------------------


def test_a_lookout_that_vanishes_is_replaced() -> None:
    """The next one is marked, and the Delete finds that."""
    terminal = Stage().having(*many(60))

    def vanish() -> None:
        assert terminal.works() == {FIRST[1]: Work.CREATING}

    terminal.aws.before = lambda _: (
        terminal.aws.log_groups.__delitem__(log_group(FIRST[0]))
        if terminal.counts["AssociateKmsKey"] == 10 and log_group(FIRST[0]) in terminal.aws.log_groups
        else None
    )
    lose(terminal, terminal.send_create(), after_associations(terminal, 50), before=vanish)


def test_a_lookout_that_is_deleted_and_made_anew_undoes_nothing() -> None:
    """It stands there without a tag: that is no Delete of the fleet. It is marked, and brought in again."""
    terminal = Stage().having(*many(60))

    def renew(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 20:
            terminal.having(FIRST[0])

    terminal.aws.after = renew

    outcome = terminal.do(terminal.send_create())

    assert (outcome.associated, outcome.refused) == (60, 0)
    assert {terminal.state(name) for name in many(60)[1:]} == {held()}
    assert terminal.works() == {}


def test_a_mark_that_someone_strips_is_written_again() -> None:
    """Within one lease."""
    terminal = Stage().having(*many(60))

    def strip(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 10:
            terminal.aws.log_groups[log_group(FIRST[0])].marks.clear()

    def is_there() -> None:
        assert terminal.works() == {FIRST[0]: Work.CREATING}

    terminal.aws.before = strip
    lose(terminal, terminal.send_create(), after_associations(terminal, 10 + 5 * int(LEASE)), before=is_there)


@pytest.mark.parametrize("refusal", [untaggable, limit_exceeded])
@pytest.mark.parametrize("odd_ones", [1, 3])
def test_a_lookout_that_takes_no_tag_is_passed_over(refusal: Callable[[LogGroup], ApiError], odd_ones: int) -> None:
    """The first that takes one is marked; a Delete marks it, too."""
    terminal = Stage().having(*many(40))
    for name in FIRST[:odd_ones]:
        odd(terminal, name, refusal)

    def is_marked() -> None:
        assert terminal.works() == {FIRST[odd_ones]: Work.CREATING}

    lose(terminal, terminal.send_create(), after_associations(terminal, 20), before=is_marked)


def test_a_lookout_whose_tags_cannot_be_read_is_passed_over() -> None:
    """A Delete reads the others."""
    terminal = Stage().having(*many(40))
    odd(terminal, FIRST[0], limit_exceeded)
    odd(terminal, FIRST[0], unreadable)

    lose(terminal, terminal.send_create(), after_associations(terminal, 20))


def test_where_the_first_four_take_no_tag_another_is_the_lookout() -> None:
    """Whoever protects his log groups, whose names come first, does not take the Create's safeguard away."""
    terminal = Stage().having(*many(40))
    for name in FIRST:
        odd(terminal, name, untaggable)

    lose(terminal, terminal.send_create(), after_associations(terminal, 20))


def test_where_no_lookout_takes_a_tag_the_rule_alone_shows_a_delete() -> None:
    """A reconciliation asks for it as often as it would look."""
    terminal = Stage().having(*many(100))
    for name in TRIED:
        odd(terminal, name, untaggable)
    alive = iter([True] * 3)
    rules = FleetRules(terminal.context(), ALL, is_alive=lambda: next(alive, False))

    with pytest.raises(ClaimLost):
        rules.ensure(of_fleet(Asker.ENROLMENT))

    assert terminal.works() == {}
    assert 0 < terminal.counts["AssociateKmsKey"] <= 3 * 5 * LEASE


@pytest.mark.parametrize("refusal", [untaggable, lambda _: concurrent_change("TagResource")], ids=["late", "busy"])
def test_where_no_lookout_takes_a_tag_yet_one_is_marked_later(refusal: Callable[[LogGroup], ApiError]) -> None:
    """The role's permission is seen late, or someone is at work on all of them: the Delete stops this Create, too."""
    terminal = Stage().having(*many(90))
    until = terminal.clock.now() + 4

    def refuse(operation: str) -> None:
        if operation == "TagResource" and terminal.clock.now() < until:
            terminal.aws.refuse(operation, refusal(log_group(FIRST[0])))

    def is_marked() -> None:
        assert terminal.works() == {FIRST[0]: Work.CREATING}

    terminal.aws.before = refuse
    lose(terminal, terminal.send_create(), after_associations(terminal, 60), before=is_marked)


def test_throttling_is_no_fault_of_a_lookout() -> None:
    """It is waited for, and at the end of time the next invocation goes on."""
    terminal = Stage().having(*many(9))
    terminal.aws.refuse("TagResource", *[throttled("TagResource")] * 9)
    terminal.aws.refuse("ListTagsForResource", *[throttled("ListTagsForResource")] * 9)

    assert terminal.do(terminal.send_create()).associated == 9
    terminal.aws.refuse("TagResource", *[throttled("TagResource")] * 9_999)
    terminal.having("/zz")
    checkpoint = lifecycle.ensure(terminal.context(60), terminal.send_create())
    assert isinstance(checkpoint, Checkpoint)
    assert checkpoint.phase is Phase.CHANGE


def test_a_lookout_that_is_gone_in_the_end_is_no_failure() -> None:
    """Its mark went with it."""
    terminal = Stage().having(*many(9))
    terminal.aws.before = lambda operation: (
        terminal.aws.log_groups.__delitem__(log_group(FIRST[0]))
        if operation == "UntagResource" and log_group(FIRST[0]) in terminal.aws.log_groups
        else None
    )

    assert terminal.do(terminal.send_create()).associated == 9


# --- the lease --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [LEASE + 1, 60], ids=["a lease", "a minute"])
@pytest.mark.parametrize("called", ["ListTagsForResource", "DescribeLogGroups", "TagResource"])
def test_a_lease_that_runs_out_amid_a_visit_is_renewed_before_the_change(called: str, seconds: float) -> None:
    """Between look and claim, or claim and association: a slow call lets a whole Delete pass by."""
    terminal = Stage().having(*many(20))

    def slow(operation: str) -> bool:
        return operation == called and terminal.counts["AssociateKmsKey"] == 7

    def wait() -> None:
        terminal.clock.time += seconds

    lose(terminal, terminal.send_create(), slow, before=wait)


@pytest.mark.parametrize("operation", ["AssociateKmsKey", "TagResource"])
@pytest.mark.parametrize("refusal", [throttled, unavailable])
def test_a_lease_that_expires_while_a_call_is_refused_is_renewed_before_the_next_try(
    operation: str, refusal: Callable[[str], ApiError]
) -> None:
    """However long that takes: each try is behind a look."""
    terminal = Stage().having(*many(20))
    create = terminal.send_create()
    tries = 0

    def refuse(called: str) -> None:
        nonlocal tries
        if called == operation and terminal.counts["AssociateKmsKey"] >= 7:
            tries += 1
            terminal.aws.refuse(operation, refusal(operation))
            if tries == 6:
                terminal.aws.before = lambda _: None
                terminal.aws.forgive()
                terminal.do(terminal.send_delete(made_up=True))
                terminal.aws.refuse(operation, refusal(operation))

    terminal.aws.before = refuse
    with pytest.raises(ClaimLost):
        terminal.do(create)

    assert set(terminal.states().values()) == {(None, None)}


def test_a_look_that_ages_while_it_is_throttled_is_taken_anew() -> None:
    """It vouches from its beginning on; one that took longer than a lease vouches for nothing."""
    terminal = Stage().having(*many(20))
    create = terminal.send_create()
    slow = 0

    def throttle(called: str) -> None:
        nonlocal slow
        if called == "ListTagsForResource" and terminal.counts["AssociateKmsKey"] == 7 and slow < 3:
            slow += 1
            terminal.clock.time += LEASE + 1

    terminal.aws.after = throttle

    assert terminal.do(create).associated == 20
    assert slow == 3


def test_a_create_that_comes_too_late_changes_no_key() -> None:
    """The Delete was through before it began: the first that takes its mark has the one that cancels it already."""
    terminal = Stage().having(*many(9))
    create = terminal.send_create()
    terminal.do(terminal.send_delete(made_up=True))
    assert [terminal.marks_of(name).cancelled_at is not None for name in many(9)] == [True] * LOOKOUTS + [False] * 5
    del terminal.aws.log_groups[log_group(FIRST[0])]
    terminal.aws.calls.clear()

    with pytest.raises(ClaimLost):
        terminal.do(create)

    assert (terminal.counts["TagResource"], terminal.counts["AssociateKmsKey"]) == (1, 0)
    assert terminal.works() == {FIRST[1]: Work.CREATING}
    assert set(terminal.states().values()) == {(None, None)}


def test_what_was_cancelled_once_holds_up_no_later_create() -> None:
    """CloudFormation sends it after that Delete: the stack is created again."""
    terminal = Stage().having(*many(9))
    terminal.do(terminal.send_delete(made_up=True))
    terminal.clock.time += 60

    assert terminal.do(terminal.send_create()).associated == 9


# --- a tag on one log group that says a Delete of the fleet is at work ------------------------------------------------

LEAVING = Claim(ME, None, deleting=True)


def test_such_a_tag_holds_up_its_log_group_alone() -> None:
    """Anybody may have written it: the lookout, which every Delete marks, shows none."""
    terminal = Stage().having(*many(9)).having("/odd", claim=LEAVING)

    outcome = terminal.do(terminal.send_create())

    assert (outcome.associated, outcome.refused) == (9, 1)
    assert {terminal.state(name) for name in many(9)} == {held()}
    assert terminal.state("/odd") == (None, LEAVING)


def test_such_a_tag_of_a_real_delete_ends_the_create() -> None:
    """It was sent after the Create, and has marked the lookouts."""
    terminal = Stage().having(*many(9)).having("/odd", claim=LEAVING)
    create = terminal.send_create()
    terminal.clock.time += 1
    terminal.do(terminal.send_delete(made_up=True))
    terminal.having("/odd", claim=LEAVING)

    with pytest.raises(ClaimLost):
        terminal.do(create)

    assert {terminal.state(name) for name in many(9)} == {(None, None)}


def test_such_a_tag_ends_the_create_where_no_lookout_takes_a_mark() -> None:
    """Then no Delete could be told of there."""
    terminal = Stage().having(*TRIED).having("/odd", claim=LEAVING)
    for name in TRIED:
        odd(terminal, name, untaggable)

    with pytest.raises(ClaimLost, match="A Delete of this very resource is under way"):
        terminal.do(terminal.send_create())
    assert terminal.state("/odd") == (None, LEAVING)
