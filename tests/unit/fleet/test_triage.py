"""Whose fault is a refusal: a single log group is put aside; where the key or the role is at fault, all ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import concurrent_change, key_policy_denied, log_group, role_denied, throttled
from unit.fleet.terminals import (
    ALL,
    ASKED,
    ME,
    OURS,
    Terminal,
    busy_until,
    denied_by_scp,
    enrolling,
    give_back,
    held,
    limit_exceeded,
    many,
    not_supported,
    numbers,
    odd,
    refused,
)

from log_group_kms.association.requests import Ensure
from log_group_kms.fleet.checkpoint import Checkpoint, Phase
from log_group_kms.model.association import OnRefusedLogGroup
from log_group_kms.model.errors import (
    ApiError,
    ConcurrentChange,
    KeyPolicyDenied,
    ProviderError,
    RoleDenied,
)
from log_group_kms.model.physical_id import PERHAPS_ASSOCIATED
from log_group_kms.retry.rate_limits import RateLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.model.targets import LogGroup

# --- the key, or the role ---------------------------------------------------------------------------------------------


def test_a_key_at_fault_is_met_once() -> None:
    """The first refusal that is final ends it: not one window per log group."""
    terminal = Terminal(rate_limits=RateLimits(workers=8)).having(*many(60))
    terminal.aws.closed_to_logs.add(OURS)

    with pytest.raises(KeyPolicyDenied) as refused:
        terminal.create()

    claimed = [name for name, (_, claim) in terminal.states().items() if claim]
    assert claimed == ["/app/00000"]
    assert refused.value.waited == pytest.approx(120, abs=15)
    assert terminal.failure_id == ALL.arn


def test_a_role_without_permission_ends_it() -> None:
    """No log group will fare better."""
    terminal = Terminal().having(*many(5))
    denied = RoleDenied("TagResource", "AccessDeniedException", "not authorized", action="logs:TagResource")
    terminal.aws.refuse("TagResource", *[denied] * 999)

    begun = terminal.clock.now()

    with pytest.raises(RoleDenied):
        terminal.create()

    assert terminal.clock.now() - begun >= 30
    assert set(terminal.states().values()) == {(None, None)}
    assert terminal.failure_id == PERHAPS_ASSOCIATED


def test_a_role_without_permission_is_waited_for_once() -> None:
    """Its policy may be seen late; but for the next log group, or lookout, nobody waits any more."""
    terminal = Terminal().having(*many(60))
    denied = RoleDenied("TagResource", "AccessDeniedException", "not authorized", action="logs:TagResource")
    terminal.aws.refuse("TagResource", *[denied] * 999)
    begun = terminal.clock.now()

    with pytest.raises(RoleDenied):
        terminal.create()

    assert terminal.clock.now() - begun < 60 / 5 + 45


# --- busy -------------------------------------------------------------------------------------------------------------


def test_a_busy_log_group_holds_nobody_up_and_is_done_at_the_end() -> None:
    """It is put aside after seconds, and comes again when all others are done."""
    terminal = Terminal().having("/a", "/b", "/c")
    busy_until = terminal.clock.now() + 20

    def refuse(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.clock.now() < busy_until and not terminal.state("/b")[0]:
            terminal.aws.refuse(operation, concurrent_change())

    terminal.aws.before = refuse
    outcome = terminal.create()

    assert numbers(outcome) == (3, 0, 0)
    assert set(terminal.states().values()) == {held()}


@pytest.mark.parametrize("on_refused", OnRefusedLogGroup)
def test_a_log_group_that_stays_busy_is_refused_when_all_others_are_done(on_refused: OnRefusedLogGroup) -> None:
    """Nobody is told that all is encrypted while one is not: it is counted, or fails the fleet."""
    terminal = Terminal().having("/a", "/b", "/c")

    def refuse(operation: str) -> None:
        a = terminal.aws.log_groups[log_group("/a")]
        if operation == "AssociateKmsKey" and a.claim and not a.key:
            others = [terminal.state(name)[1] for name in ("/b", "/c")]
            if all(claim is None or terminal.state(name)[0] for name, claim in zip(("/b", "/c"), others, strict=True)):
                terminal.aws.refuse(operation, concurrent_change())

    terminal.aws.before = refuse
    if on_refused is OnRefusedLogGroup.FAIL:
        with pytest.raises(ConcurrentChange):
            terminal.create(replace(ASKED, on_refused_log_group=on_refused))
    else:
        outcome = terminal.create()
        assert (numbers(outcome), outcome.refused) == ((2, 0, 0), 1)

    assert [terminal.state(name) for name in ("/b", "/c")] == [held(), held()]


def test_a_busy_log_group_of_a_delete_is_given_back_at_the_end() -> None:
    """As on Create."""
    terminal = Terminal().having("/a", "/b")
    terminal.create()
    terminal.aws.refuse("DisassociateKmsKey", *[concurrent_change()] * 5)

    terminal.delete()

    assert set(terminal.states().values()) == {(None, None)}


# --- one odd log group ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [limit_exceeded, not_supported, denied_by_scp])
def test_one_log_group_that_aws_refuses_does_not_keep_the_others_from_their_key(
    refusal: Callable[[LogGroup], ApiError],
) -> None:
    """The fault is that log group's: the others are done, and it is counted."""
    terminal = Terminal().having(*many(100))
    odd(terminal, "/app/00010", refusal)

    outcome = terminal.create()

    assert (numbers(outcome), outcome.refused) == ((99, 0, 0), 1)
    assert outcome.note == "Of its log groups: 99 associated, 1 refused by AWS."
    assert [name for name, (key, _) in terminal.states().items() if key != OURS] == ["/app/00010"]


def test_one_log_group_with_fifty_tags_does_not_end_every_reconciliation() -> None:
    """What comes after it by name is mended all the same, day by day."""
    terminal = Terminal().having(*many(3))
    terminal.create()
    terminal.having("/app/00000a").having("/new")
    odd(terminal, "/app/00000a", limit_exceeded)

    outcome = terminal.through(enrolling())

    assert (numbers(outcome), outcome.refused) == ((1, 3, 0), 1)
    assert terminal.state("/new") == held()


def test_one_log_group_that_cannot_be_given_back_does_not_keep_the_others() -> None:
    """The Delete fails at the end, with all others given back: deleted again, it has one left to do."""
    terminal = Terminal().having(*many(100))
    terminal.create()
    odd(terminal, "/app/00010", lambda group: role_denied("logs:DisassociateKmsKey", "DisassociateKmsKey", group.arn))

    with pytest.raises(ProviderError):
        terminal.delete()

    assert [name for name, (key, _) in terminal.states().items() if key] == ["/app/00010"]


@pytest.mark.parametrize("refusal", [not_supported, denied_by_scp])
def test_one_log_group_that_aws_refuses_does_not_end_every_reconciliation(
    refusal: Callable[[LogGroup], ApiError],
) -> None:
    """Day by day it is the first that there is to change, so that no change has proved the key before it."""
    terminal = Terminal().having(*many(3))
    terminal.create()
    terminal.having("/app/00000a").having("/new")
    odd(terminal, "/app/00000a", refusal)

    outcome = terminal.through(enrolling())

    assert (numbers(outcome), outcome.refused) == ((1, 3, 0), 1)
    assert terminal.state("/new") == held()


def test_a_dozen_odd_log_groups_do_not_end_every_reconciliation() -> None:
    """They are a dozen in a row only because what has the key already is not looked at."""
    terminal = Terminal().having(*many(200))
    terminal.create()
    for name in many(12):
        terminal.having(f"{name}odd")
        odd(terminal, f"{name}odd", limit_exceeded)
    terminal.having("/new")

    outcome = terminal.through(enrolling())

    assert (numbers(outcome), outcome.refused) == ((1, 200, 0), 12)
    assert terminal.state("/new") == held()


@pytest.mark.parametrize("phase", [Phase.RELEASE, Phase.RELEASE_BUSY])
def test_what_is_refused_does_not_end_a_giving_back_that_goes_on_in_further_invocations(phase: Phase) -> None:
    """All others are given back, over as many invocations as that takes; then it is told."""
    terminal = Terminal().having(*many(200))
    terminal.create()
    odd(terminal, "/app/00010", lambda group: role_denied("logs:DisassociateKmsKey", "DisassociateKmsKey", group.arn))

    with pytest.raises(ProviderError):
        give_back(terminal, Checkpoint(phase))

    assert [name for name, (key, _) in terminal.states().items() if key] == ["/app/00010"]


# --- at the end of time -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["TagResource", "AssociateKmsKey"])
def test_a_log_group_that_is_busy_when_time_ends_is_done_in_the_next_invocation(operation: str) -> None:
    """Even in the pass that waits for it: the end of an invocation's time is no refusal."""
    terminal = Terminal().having("/a", "/b")
    busy_until(terminal, "/b", terminal.clock.now() + 100, operation)

    outcome = terminal.create(seconds=60)

    assert numbers(outcome) == (2, 0, 0)
    assert terminal.invocations > 1


# --- what is waited for -----------------------------------------------------------------------------------------------


def seconds_of(terminal: Terminal, event: Ensure) -> float:
    """How long *event* takes."""
    begun = terminal.clock.now()
    terminal.told(event)
    return terminal.clock.now() - begun


def test_a_busy_log_group_is_put_aside_after_seconds() -> None:
    """The last one of the others is under the key long before."""
    terminal = Terminal().having(*many(20))
    done: list[float] = []
    terminal.aws.after = lambda operation: done.append(terminal.clock.now()) if operation == "AssociateKmsKey" else None
    begun = terminal.clock.now()
    busy_until(terminal, "/app/00000", begun + 100)

    terminal.create()

    assert len(done) == 20
    assert done[18] - begun < 20
    assert done[19] - begun >= 100


@pytest.mark.parametrize("enrols", [False, True], ids=["a stack", "enrolment"])
def test_a_role_that_has_changed_a_log_group_is_not_new(*, enrols: bool) -> None:
    """Nobody waits for the permission to change another one: its policy is seen already."""
    terminal = Terminal().having("/a", "/b")
    odd(terminal, "/b", denied_by_scp)

    assert seconds_of(terminal, enrolling() if enrols else Ensure(ME, ASKED)) < 10
    assert refused(terminal) == ["/b"]


def test_a_role_that_has_changed_nothing_may_be_new() -> None:
    """Its policy may take half a minute to be seen."""
    terminal = Terminal().having("/a")
    terminal.aws.refuse("AssociateKmsKey", *[role_denied("logs:AssociateKmsKey")] * 4)

    assert numbers(terminal.create()) == (1, 0, 0)


def test_a_key_policy_that_is_seen_late_for_one_log_group_is_waited_for() -> None:
    """A stack may have widened it just now."""
    terminal = Terminal().having("/a", "/b")
    until = terminal.clock.now() + 60
    terminal.aws.before = lambda operation: (
        terminal.aws.refuse(operation, key_policy_denied())
        if operation == "AssociateKmsKey" and terminal.state("/a")[0] and terminal.clock.now() < until
        else None
    )

    assert numbers(terminal.create()) == (2, 0, 0)


def test_a_key_policy_that_leaves_one_log_group_out_does_not_end_a_reconciliation() -> None:
    """It has let others in: nobody waits, and the others are done, throttling or not."""
    terminal = Terminal().having("/a", "/b", "/c")
    odd(terminal, "/b", lambda group: key_policy_denied("AssociateKmsKey", group.arn, OURS.text))
    terminal.aws.after = lambda operation: (
        terminal.aws.refuse("AssociateKmsKey", throttled()) if terminal.counts[operation] == 1 else None
    )

    assert seconds_of(terminal, enrolling()) < 20
    assert refused(terminal) == ["/b"]
