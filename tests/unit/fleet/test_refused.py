"""Log groups that AWS refuses for their own sake: what becomes of the event, and that all counts add up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import concurrent_change, log_group, role_denied, throttled, unavailable
from unit.fleet.terminals import (
    ALL,
    ASKED,
    EXPLICIT,
    ME,
    NEW,
    OURS,
    SIBLING,
    STRANGE,
    Terminal,
    busy_until,
    denied_by_scp,
    enrolling,
    fleet_event,
    held,
    invoke,
    limit_exceeded,
    many,
    numbers,
    odd,
    refused,
)

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.fleet.checkpoint import Fate
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association, OnExistingKey, OnRefusedLogGroup
from log_group_kms.model.errors import AccessDenied, ApiError, ProviderError, RoleDenied, Throttled, Unavailable
from log_group_kms.model.ownership import Claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.model.results import Outcome
    from log_group_kms.model.targets import LogGroup


def unreadable(group: LogGroup) -> ApiError:
    """A service control policy hides its tags."""
    return role_denied("logs:ListTagsForResource", "ListTagsForResource", group.arn)


def untaggable(group: LogGroup) -> ApiError:
    """A service control policy protects its tags."""
    return role_denied("logs:TagResource", "TagResource", group.arn)


def matched(outcome: Outcome) -> int:
    """MatchedCount."""
    return sum(numbers(outcome)) + outcome.refused


# --- OnRefusedLogGroup ------------------------------------------------------------------------------------------------


def test_by_default_what_is_refused_is_counted_and_named_and_fails_nothing() -> None:
    """Two of a hundred: the fleet is there, and the log says which ones, and why."""
    terminal = Terminal().having(*many(100))
    for name in ("/app/00010", "/app/00020"):
        odd(terminal, name, limit_exceeded)

    told = terminal.told(Ensure(ME, ASKED))

    assert refused(terminal) == ["/app/00010", "/app/00020"]
    why = {name: str(limit_exceeded(log_group(name))) for name in refused(terminal)}
    assert [one for one in told if one[1] is Fate.REFUSED] == [(name, Fate.REFUSED, why[name]) for name in why]
    assert invoke(terminal, fleet_event(terminal)).data["RefusedCount"] == "2"


def test_a_template_may_have_the_event_fail_when_all_others_are_done() -> None:
    """It names the first few, and says where the others are."""
    terminal = Terminal().having(*many(100))
    for name in many(7):
        odd(terminal, name, denied_by_scp)
    terminal.having("/a")

    with pytest.raises(RoleDenied) as failed:
        terminal.create(replace(ASKED, on_refused_log_group=OnRefusedLogGroup.FAIL))

    named = ", ".join(many(5))
    assert failed.value.__notes__ == [
        f"Refused: {named}; the log has them all. Of its log groups: 94 associated, 7 refused by AWS."
    ]
    assert refused(terminal) == many(7)
    assert terminal.failure_id == ALL.arn


def test_all_that_was_refused_is_with_the_error() -> None:
    """The Reason names a few; the command line names all."""
    terminal = Terminal().having("/a", *many(7))
    for name in many(7):
        odd(terminal, name, denied_by_scp)

    with pytest.raises(RoleDenied) as failed:
        terminal.create(replace(ASKED, on_refused_log_group=OnRefusedLogGroup.FAIL))

    assert failed.value.refused == tuple(many(7))


@pytest.mark.parametrize(("others", "fails"), [((), True), (("/compliant",), False)])
def test_an_event_that_can_do_nothing_at_all_fails(others: tuple[str, ...], *, fails: bool) -> None:
    """Then the fault is hardly the log groups'."""
    terminal = Terminal().having(*many(3)).having(*others, key=OURS)
    for name in many(3):
        odd(terminal, name, denied_by_scp)

    if fails:
        with pytest.raises(RoleDenied) as failed:
            terminal.create()
        assert failed.value.refused == tuple(many(3))
    else:
        outcome = terminal.create()
        assert (numbers(outcome), outcome.refused) == ((0, 1, 0), 3)


def expired(group: LogGroup) -> ApiError:
    """The function's credentials are too old."""
    return AccessDenied("TagResource", "ExpiredTokenException", "The security token is expired", group.arn)


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        pytest.param(expired, AccessDenied, id="credentials"),
        pytest.param(lambda _: throttled("TagResource"), Throttled, id="throttling"),
        pytest.param(lambda _: unavailable("TagResource"), Unavailable, id="unavailability"),
    ],
)
def test_what_no_log_group_is_at_fault_for_is_put_aside_for_none(
    refusal: Callable[[LogGroup], ApiError], error: type[ApiError]
) -> None:
    """It ends the event, though others have worked."""
    terminal = Terminal().having(*many(20))
    odd(terminal, "/app/00005", refusal)

    with pytest.raises(error):
        # As much time as such an error is ever waited for.
        lifecycle.ensure(terminal.context(6_000), Ensure(ME, ASKED))

    assert refused(terminal) == many(20)[5:]


def test_a_look_at_all_is_not_held_up_by_tags_that_cannot_be_read() -> None:
    """OnExistingKey says Fail: whose the other key is, nobody can tell, so that log group is left, and counted."""
    terminal = Terminal().having(*many(9)).having("/hidden", key=STRANGE)
    odd(terminal, "/hidden", unreadable)

    outcome = terminal.create(replace(ASKED, on_existing_key=OnExistingKey.FAIL))

    assert (outcome.associated, outcome.refused) == (9, 1)
    assert terminal.state("/hidden") == (STRANGE, None)


# --- a Delete ---------------------------------------------------------------------------------------------------------


def test_a_log_group_whose_tags_cannot_be_read_does_not_hold_a_delete_up() -> None:
    """Nobody knows that it is this fleet's. It is counted, and told."""
    terminal = Terminal().having(*many(20))
    terminal.create()
    terminal.having("/hidden", key=OURS)
    odd(terminal, "/hidden", unreadable)

    outcome = terminal.delete()

    assert (outcome.associated, outcome.refused) == (20, 1)
    assert terminal.states() == {**dict.fromkeys(many(20), (None, None)), "/hidden": (OURS, None)}


def test_an_owned_log_group_that_cannot_be_given_back_fails_the_delete() -> None:
    """With its name, when all others are given back."""
    terminal = Terminal().having(*many(20))
    terminal.create()
    odd(terminal, "/app/00003", untaggable)

    with pytest.raises(RoleDenied) as failed:
        terminal.delete()

    assert failed.value.refused == ("/app/00003",)
    assert [name for name, (key, _) in terminal.states().items() if key] == ["/app/00003"]


# --- a take-over ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [untaggable, limit_exceeded, unreadable])
def test_a_take_over_that_aws_refuses_is_put_aside_like_any_other(refusal: Callable[[LogGroup], ApiError]) -> None:
    """The others are taken over; that one is counted as refused, and in nothing else."""
    terminal = Terminal().having(*many(20))
    terminal.create()
    odd(terminal, "/app/00003", refusal)

    outcome = terminal.create(me=SIBLING)

    assert (numbers(outcome), outcome.refused) == ((0, 19, 0), 1)
    assert terminal.state("/app/00003") == held()
    assert {terminal.state(name) for name in many(20) if name != "/app/00003"} == {held(me=SIBLING)}


def test_a_refused_take_over_fails_the_event_where_the_template_says_so() -> None:
    """A renamed fleet would leave it to a Delete that gives it back."""
    terminal = Terminal().having(*many(20))
    terminal.create()
    odd(terminal, "/app/00003", untaggable)

    with pytest.raises(ProviderError) as failed:
        terminal.create(replace(ASKED, on_refused_log_group=OnRefusedLogGroup.FAIL), SIBLING)

    assert failed.value.refused == ("/app/00003",)


# --- counts add up ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [Ensure(ME, ASKED), enrolling()], ids=["Create", "reconciliation"])
@pytest.mark.parametrize(
    ("then", "counted"),
    [
        pytest.param(lambda t: t.having("/b", key=NEW, claim=Claim(EXPLICIT, None)), (2, 0, 1, 0), id="owned"),
        pytest.param(lambda t: t.having("/b", key=OURS), (2, 1, 0, 0), id="under the key"),
        pytest.param(lambda t: odd(t, "/b", denied_by_scp), (2, 0, 0, 1), id="refused"),
        pytest.param(lambda _: None, (3, 0, 0, 0), id="free"),
    ],
)
def test_what_was_busy_first_is_counted_for_what_it_is_when_it_is_seen_again(
    event: Ensure, then: Callable[[Terminal], object], counted: tuple[int, int, int, int]
) -> None:
    """Each log group that matches is in one count."""
    terminal = Terminal().having("/a", "/b", "/c")
    until = terminal.clock.now() + 20
    busy_until(terminal, "/b", until)
    changed = False

    def come(operation: str) -> None:
        nonlocal changed
        if not changed and operation == "DescribeLogGroups" and terminal.state("/c")[0] == OURS:
            changed = True
            then(terminal)

    terminal.aws.before = come
    outcome = terminal.through(event)

    assert (*numbers(outcome), outcome.refused) == counted
    assert matched(outcome) == 3


def test_what_is_kept_owned_reserved_and_refused_adds_up_over_two_passes() -> None:
    """The pass for the busy ones counts all of them anew, over any number of invocations."""
    terminal = Terminal().having(*many(120)).having("/owned", key=STRANGE, claim=Claim(EXPLICIT, None))
    terminal.having("/compliant", key=OURS)
    terminal.aws.reserved.append("aws/spans")
    odd(terminal, "/app/00007", denied_by_scp)
    busy_until(terminal, "/app/00009", terminal.clock.now() + 60)

    outcome = terminal.create(seconds=45)

    assert terminal.invocations > 1
    assert (*numbers(outcome), outcome.refused) == (119, 1, 2, 1)
    assert matched(outcome) == 123


def test_a_delete_beside_an_explicit_resource_counts_what_it_gave_back() -> None:
    """What went to another owner in the midst is in no count of a Delete."""
    terminal = Terminal().having(*many(3))
    terminal.create()
    explicit = Ensure(EXPLICIT, Association(log_group("/app/00001"), NEW))

    def come(operation: str) -> None:
        if operation == "TagResource" and terminal.counts["DisassociateKmsKey"] == 1:
            terminal.aws.before = lambda _: None
            lifecycle.ensure(terminal.context(), explicit)
            terminal.aws.refuse(operation, concurrent_change(operation))

    terminal.aws.before = come
    told = terminal.told(Remove.of(ME, ASKED))

    assert [fate for _, fate, _ in told] == [Fate.RELEASED, Fate.PASSED, Fate.RELEASED]
    assert terminal.state("/app/00001") == (NEW, Claim(EXPLICIT, OURS))
