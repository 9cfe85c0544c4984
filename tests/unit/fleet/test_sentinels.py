"""A Delete that passes by, and tags that someone takes off: how a fleet tells the one from the other."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import FakeClock, log_group
from unit.fleet.terminals import (
    ALL,
    ASKED,
    BEFORE,
    EXPLICIT,
    ME,
    NEW,
    OURS,
    SIBLING,
    Terminal,
    busy_until,
    enrolling,
    fleet_event,
    held,
    invoke,
    keys,
    many,
    numbers,
    strip,
)

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.fleet.checkpoint import Checkpoint
from log_group_kms.fleet.upkeep import Upkeep
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association, OnDelete
from log_group_kms.model.errors import ClaimLost, NotStabilized
from log_group_kms.model.ownership import Claim
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.model.results import Outcome

# --- a Delete that passes by ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [1, 2, 30, 49, 50, 51, 52, 80, 118, 119, 120])
def test_a_delete_that_overtakes_a_create_leaves_nothing_behind(call: int) -> None:
    """Whenever it comes after the first claim, at the end nothing is encrypted or owned."""
    terminal = Terminal().having("/a", key=BEFORE).having(*many(119))

    def overtake(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == call:
            terminal.aws.after = lambda _: None
            terminal.delete()

    terminal.aws.after = overtake
    with pytest.raises(ClaimLost):
        terminal.create()

    assert terminal.state("/a") == (BEFORE, None)
    assert {terminal.state(name) for name in many(119)} == {(None, None)}


def test_a_delete_that_overtakes_a_take_over_leaves_nothing_behind() -> None:
    """A renamed fleet's Create claims without changing a key, and is cancelled: its Delete passes by."""
    terminal = Terminal().having(*many(120))
    terminal.create()

    def after(operation: str) -> None:
        if operation == "DescribeLogGroups" and terminal.state("/app/00060")[1] == Claim(SIBLING, None):
            terminal.aws.after = lambda _: None
            terminal.delete(me=SIBLING)

    terminal.aws.after = after
    with pytest.raises(ClaimLost, match="a Delete of it passed by"):
        terminal.create(me=SIBLING)

    assert [name for name, (_, claim) in terminal.states().items() if claim and claim.owner == SIBLING] == []


def test_reconciliation_undoes_what_a_delete_overtook() -> None:
    """The fleet is gone: nothing stays behind in its name."""
    terminal = Terminal().having("/a", "/b", "/c")

    def overtake(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 2:
            terminal.aws.after = lambda _: None
            terminal.delete()

    terminal.aws.after = overtake
    with pytest.raises(ClaimLost):
        terminal.through(enrolling())

    assert set(terminal.states().values()) == {(None, None)}


# --- tags that someone takes off --------------------------------------------------------------------------------------


def test_one_log_group_whose_tags_someone_took_off_is_claimed_again() -> None:
    """The sentinels still stand, so that no Delete passed by."""
    terminal = Terminal().having(*many(20))

    def after(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 10:
            strip(terminal, "/app/00009")

    terminal.aws.after = after
    outcome = terminal.create()

    assert outcome.associated == 20
    assert set(terminal.states().values()) == {held()}


def test_an_update_whose_first_log_group_loses_its_tags_leaves_the_rest_encrypted() -> None:
    """No Delete passes by an Update: whoever strips one log group of its tags does not decrypt all others."""
    terminal = Terminal().having(*many(150))
    terminal.create()

    def after(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 150 + 60:
            strip(terminal, "/app/00000")

    terminal.aws.after = after
    outcome = terminal.update(replace(ASKED, key=NEW))

    assert numbers(outcome) == (150, 0, 0)
    assert keys(terminal) == {NEW}


def test_a_reconciliation_whose_first_log_group_loses_its_tags_leaves_the_rest_encrypted() -> None:
    """The fleet is alive: what it has held for months is not given back for one log group's tags."""
    terminal = Terminal().having(*many(150))
    terminal.create()
    for name in ("/app/00000", "/app/00001", "/app/00120"):
        terminal.aws.log_groups[log_group(name)].key = None

    def after(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.state("/app/00120")[0]:
            strip(terminal, "/app/00000")

    terminal.aws.after = after
    outcome = terminal.through(enrolling())

    assert numbers(outcome) == (3, 147, 0)
    assert keys(terminal) == {OURS}


def test_an_explicit_resource_that_comes_and_goes_does_not_undo_the_fleet() -> None:
    """A stack beside it took the fleet's first log group over with a key of its own, and was rolled back."""
    terminal = Terminal().having(*many(150))
    explicit = Association(log_group("/app/00000"), NEW)

    def after(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 60:
            terminal.aws.after = lambda _: None
            lifecycle.ensure(terminal.context(), Ensure(EXPLICIT, explicit))
            lifecycle.remove(terminal.context(), Remove.of(EXPLICIT, explicit, minted=True))

    terminal.aws.after = after
    outcome = terminal.create()

    assert numbers(outcome) == (150, 0, 0)
    assert keys(terminal) == {OURS}


def test_a_log_group_that_loses_key_and_tags_before_its_read_back_is_brought_in_again() -> None:
    """The sentinels still stand, so no Delete passed by: as before the read-back."""
    terminal = Terminal().having(*many(20))

    def after(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 20:
            terminal.aws.log_groups[log_group("/app/00009")].key = None
            strip(terminal, "/app/00009")

    terminal.aws.after = after
    outcome = terminal.create()

    assert numbers(outcome) == (20, 0, 0)
    assert set(terminal.states().values()) == {held()}


def reconcile(terminal: Terminal) -> Outcome:
    """As the enrolment function does, for a fleet that is alive."""
    upkeep = Upkeep(terminal.context(), ALL, enrolling(), lambda: True, lambda *_: None)
    checkpoint: Checkpoint | None = None
    while isinstance(outcome := upkeep.reconcile(checkpoint), Checkpoint):
        checkpoint = outcome
    return outcome


def test_a_reconciliation_beside_someone_who_takes_a_key_and_tags_off_keeps_the_rest_encrypted() -> None:
    """Between change and read-back; the fleet is alive, and nobody has asked whether it is."""
    terminal = Terminal().having(*many(20))
    terminal.create()
    terminal.aws.log_groups[log_group("/app/00009")].key = None

    def after(operation: str) -> None:
        if operation == "AssociateKmsKey":
            terminal.aws.after = lambda operation: take_off() if operation == "ListTagsForResource" else None

    def take_off() -> None:
        terminal.aws.after = lambda _: None
        terminal.aws.log_groups[log_group("/app/00009")].key = None
        strip(terminal, "/app/00009")

    terminal.aws.after = after
    outcome = reconcile(terminal)

    assert numbers(outcome) == (1, 19, 0)
    assert set(terminal.states().values()) == {held()}


def test_a_reconciliation_beside_a_tool_that_strips_one_log_group_at_once_keeps_the_rest_encrypted() -> None:
    """A tag policy's remedy works within the second, again and again: that log group's trouble, not the fleet's."""
    terminal = Terminal().having(*many(20))
    terminal.create()
    terminal.having("/bot")

    def after(operation: str) -> None:
        if operation == "TagResource":
            strip(terminal, "/bot")

    terminal.aws.after = after
    with pytest.raises(NotStabilized, match=r"Someone keeps taking this resource's tags off .*:/bot"):
        reconcile(terminal)

    assert {terminal.state(name) for name in many(20)} == {held()}


@dataclass
class Stripping(FakeClock):
    """During a long wait, someone takes tags off."""

    strip: Callable[[], object] = list

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if seconds > 100:
            self.strip()


def test_a_claim_lost_during_the_propagation_wait_leaves_nothing_to_nobody() -> None:
    """The id says that something is associated, so that the rollback's Delete gives the other log groups back."""
    clock = Stripping()
    terminal = Terminal(clock=clock).having(*many(4))
    clock.strip = partial(strip, terminal, *many(3))

    with pytest.raises(ClaimLost, match=re.escape(f"This resource's claims on {ALL.arn} went away")):
        invoke(terminal, fleet_event(terminal, PropagationWaitSeconds="300"))

    assert [claim is not None for _, claim in terminal.states().values()] == [False, False, False, True]
    assert terminal.failure_id != NOTHING_ASSOCIATED


# --- what is undone ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_delete", [OnDelete.RETAIN, OnDelete.DISASSOCIATE])
def test_a_create_that_a_delete_overtakes_puts_back_what_was_there_whatever_on_delete_says(on_delete: OnDelete) -> None:
    """OnDelete is for what a stack has had. This fleet never came to be."""
    terminal = Terminal().having(*many(120), key=BEFORE)
    taken = many(120)[:10]

    def begin_to_delete(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 30:
            terminal.having(*taken, key=OURS if on_delete is OnDelete.RETAIN else None)

    terminal.aws.after = begin_to_delete
    with pytest.raises(ClaimLost, match=re.escape(f"This resource's claims on {ALL.arn} went away")) as lost:
        terminal.create(replace(ASKED, on_delete=on_delete))

    assert {terminal.state(name) for name in many(120)[10:]} == {(BEFORE, None)}
    assert lost.value.__notes__[0].startswith("(what it had associated was given back). Of its log groups: ")


def test_a_delete_that_has_marked_a_sentinel_has_passed_by() -> None:
    """It has not come to the key yet: its mark says that it will."""
    terminal = Terminal().having(*many(60))

    def begin_to_delete(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 30:
            for name in many(3):
                terminal.having(name, key=OURS, claim=Claim(ME, None, deleting=True))

    terminal.aws.after = begin_to_delete
    with pytest.raises(ClaimLost):
        terminal.create()

    assert {terminal.state(name) for name in many(60)[3:]} == {(None, None)}


def test_an_undo_waits_for_whoever_is_at_work() -> None:
    """Nobody comes back for what it does not give back."""
    terminal = Terminal().having(*many(60))

    def begin_to_delete(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 40:
            terminal.aws.after = lambda _: None
            terminal.having(*many(3))
            busy_until(terminal, "/app/00010", terminal.clock.now() + 90, "DisassociateKmsKey")

    terminal.aws.after = begin_to_delete
    with pytest.raises(ClaimLost):
        terminal.create()

    assert set(terminal.states().values()) == {(None, None)}


def test_a_sentinel_that_another_resource_takes_over_tells_nothing() -> None:
    """The last writer wins there; no Delete passed by."""
    terminal = Terminal().having(*many(60))

    def take(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 30:
            terminal.having("/app/00000", key=NEW, claim=Claim(EXPLICIT, OURS))

    terminal.aws.after = take

    assert numbers(terminal.create()) == (59, 0, 1)
    assert {terminal.state(name) for name in many(60)[1:]} == {held()}


def test_a_sentinel_that_vanished_does_not_hide_a_delete() -> None:
    """The one after it tells, also when their page has been read back long since."""
    terminal = Terminal().having(*many(130))

    def begin_to_delete(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 110:
            del terminal.aws.log_groups[log_group("/app/00000")]
            terminal.having("/app/00001", "/app/00002")

    terminal.aws.after = begin_to_delete
    with pytest.raises(ClaimLost):
        terminal.create()

    assert set(terminal.states().values()) == {(None, None)}
