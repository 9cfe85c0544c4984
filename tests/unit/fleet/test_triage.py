"""Whose fault is a refusal: a single log group is put aside; where the key or the role is at fault, all ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.fake_aws import concurrent_change, log_group, role_denied
from unit.fleet.terminals import (
    ALL,
    ASKED,
    ME,
    OURS,
    Terminal,
    denied_by_scp,
    enrolling,
    held,
    limit_exceeded,
    many,
    not_supported,
    numbers,
    odd,
)

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.fleet.checkpoint import Checkpoint, Phase
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.errors import ApiError, ConcurrentChange, KeyPolicyDenied, ProviderError, RoleDenied
from log_group_kms.model.physical_id import PERHAPS_ASSOCIATED
from log_group_kms.retry.rate_limits import RateLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.model.results import Outcome
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
    terminal.aws.refuse("TagResource", *[denied] * 50)

    with pytest.raises(RoleDenied):
        terminal.create()

    assert set(terminal.states().values()) == {(None, None)}
    assert terminal.failure_id == PERHAPS_ASSOCIATED


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


def test_a_log_group_that_stays_busy_fails_the_fleet_when_all_others_are_done() -> None:
    """Nobody is told that all is encrypted while one is not."""
    terminal = Terminal().having("/a", "/b", "/c")

    def refuse(operation: str) -> None:
        a = terminal.aws.log_groups[log_group("/a")]
        if operation == "AssociateKmsKey" and a.claim and not a.key:
            others = [terminal.state(name)[1] for name in ("/b", "/c")]
            if all(claim is None or terminal.state(name)[0] for name, claim in zip(("/b", "/c"), others, strict=True)):
                terminal.aws.refuse(operation, concurrent_change())

    terminal.aws.before = refuse
    with pytest.raises(ConcurrentChange):
        terminal.create()

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
    """Once the key has proved good, the fault is that log group's: the others are done, then it is told."""
    terminal = Terminal().having(*many(100))
    odd(terminal, "/app/00010", refusal)

    with pytest.raises(ProviderError):
        terminal.create()

    assert [name for name, (key, _) in terminal.states().items() if key != OURS] == ["/app/00010"]


def test_one_log_group_with_fifty_tags_does_not_end_every_reconciliation() -> None:
    """What comes after it by name is mended all the same, day by day."""
    terminal = Terminal().having(*many(3))
    terminal.create()
    terminal.having("/app/00000a").having("/new")
    odd(terminal, "/app/00000a", limit_exceeded)

    with pytest.raises(ProviderError):
        terminal.through(enrolling())

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

    with pytest.raises(ProviderError):
        terminal.through(enrolling())

    assert terminal.state("/new") == held()


def test_a_dozen_odd_log_groups_do_not_end_every_reconciliation() -> None:
    """They are a dozen in a row only because what has the key already is not looked at."""
    terminal = Terminal().having(*many(200))
    terminal.create()
    for name in many(12):
        terminal.having(f"{name}odd")
        odd(terminal, f"{name}odd", limit_exceeded)
    terminal.having("/new")

    with pytest.raises(ProviderError):
        terminal.through(enrolling())

    assert terminal.state("/new") == held()


@pytest.mark.parametrize("phase", [Phase.UNDO, Phase.RELEASE_BUSY])
def test_what_is_refused_does_not_end_a_giving_back_that_goes_on_in_further_invocations(phase: Phase) -> None:
    """All others are given back, over as many invocations as that takes; then it is told."""
    terminal = Terminal().having(*many(200))
    terminal.create()
    odd(terminal, "/app/00010", lambda group: role_denied("logs:DisassociateKmsKey", "DisassociateKmsKey", group.arn))

    with pytest.raises(ProviderError):
        give_back(terminal, Checkpoint(phase, OURS.text if phase is Phase.UNDO else "", claimed=True))

    assert [name for name, (key, _) in terminal.states().items() if key] == ["/app/00010"]


def give_back(terminal: Terminal, checkpoint: Checkpoint) -> None:
    """In as many invocations of half a minute as it takes."""
    outcome: Outcome | Checkpoint = checkpoint
    while isinstance(outcome, Checkpoint):
        if checkpoint.phase is Phase.UNDO:
            outcome = lifecycle.ensure(terminal.context(30), Ensure(ME, ASKED), outcome)
        else:
            outcome = lifecycle.remove(terminal.context(30), Remove.of(ME, ASKED, minted=True), outcome)
