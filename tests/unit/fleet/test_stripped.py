"""Tags that someone takes off, and log groups that come and go: one log group's trouble is not the fleet's."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import FakeClock, concurrent_change, log_group
from unit.fleet.terminals import (
    A_WHILE,
    ALL,
    ASKED,
    EXPLICIT,
    NEW,
    OURS,
    Terminal,
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
from log_group_kms.model.association import Association
from log_group_kms.model.ownership import Claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.model.results import Outcome


def reconcile(terminal: Terminal) -> Outcome:
    """As the enrolment function does, for a fleet that is alive."""
    upkeep = Upkeep(terminal.context(), ALL, enrolling(), lambda: True, lambda *_: None)
    checkpoint: Checkpoint | None = None
    while isinstance(outcome := upkeep.reconcile(checkpoint), Checkpoint):
        checkpoint = outcome
    return outcome


def once_refused(terminal: Terminal, name: str, happens: Callable[[], object], *, again: bool = False) -> None:
    """Something *happens* between claim and association of this log group, which AWS refuses for now."""

    def before(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.state(name)[1] and not terminal.state(name)[0]:
            if not again:
                terminal.aws.before = lambda _: None
            happens()
            terminal.aws.refuse(operation, concurrent_change())

    terminal.aws.before = before


# --- tags that someone takes off --------------------------------------------------------------------------------------


def test_one_log_group_whose_tags_someone_took_off_is_claimed_again() -> None:
    """Before the association is tried once more, its claim is looked at."""
    terminal = Terminal().having(*many(20))
    once_refused(terminal, "/app/00009", lambda: strip(terminal, "/app/00009"))

    outcome = terminal.create()

    assert numbers(outcome) == (20, 0, 0)
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


@pytest.mark.parametrize("event", ["Create", "reconciliation"])
def test_first_log_groups_that_lose_their_tags_leave_the_rest_encrypted(event: str) -> None:
    """The marks beside their claims go with them; no Delete has cancelled anything."""
    terminal = Terminal().having(*many(150))

    def after(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 60:
            strip(terminal, *many(4))
            for name in many(4):
                terminal.aws.log_groups[log_group(name)].marks.clear()

    terminal.aws.after = after
    outcome = terminal.create() if event == "Create" else reconcile(terminal)

    assert numbers(outcome) == (150, 0, 0)
    assert {terminal.state(name) for name in many(150)[4:]} == {held()}
    assert {terminal.state(name) for name in many(4)} == {(OURS, None)}


def test_a_log_group_that_loses_key_and_tags_before_its_read_back_is_brought_in_again() -> None:
    """Its page does not show the key: it is busy, and seen again."""
    terminal = Terminal().having(*many(20))

    def after(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 20:
            terminal.aws.log_groups[log_group("/app/00009")].key = None
            strip(terminal, "/app/00009")

    terminal.aws.after = after
    outcome = terminal.create()

    assert numbers(outcome) == (20, 0, 0)
    assert set(terminal.states().values()) == {held()}


def test_a_tool_that_strips_one_log_group_at_once_is_that_ones_trouble() -> None:
    """A tag policy's remedy works within the second, again and again: it is refused in the end, and counted."""
    terminal = Terminal().having(*many(20))
    terminal.create()
    terminal.having("/bot")
    once_refused(terminal, "/bot", lambda: strip(terminal, "/bot"), again=True)

    outcome = reconcile(terminal)

    assert (numbers(outcome), outcome.refused) == ((0, 20, 0), 1)
    assert {terminal.state(name) for name in many(20)} == {held()}


class Waiting(FakeClock):
    """Something happens during a long wait."""

    happens: Callable[[], object] = staticmethod(list)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if seconds > 100:
            self.happens()


def test_tags_that_someone_takes_off_during_the_propagation_wait_are_no_delete() -> None:
    """All is under the key, and the others are the fleet's."""
    clock = Waiting()
    terminal = Terminal(clock=clock).having(*many(9))
    clock.happens = partial(strip, terminal, *many(4))

    done = invoke(terminal, fleet_event(terminal, PropagationWaitSeconds="300"))

    assert done.data["AssociatedCount"] == "9"
    assert keys(terminal) == {OURS}


# --- others that come and go ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["/app/00000", "/app/00059", "/app/00100"])
def test_an_explicit_resource_that_comes_and_goes_does_not_undo_the_fleet(name: str) -> None:
    """A stack beside it took a log group over with a key of its own, and was rolled back."""
    terminal = Terminal().having(*many(150))
    explicit = Association(log_group(name), NEW)

    def after(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 60:
            terminal.aws.after = lambda _: None
            lifecycle.ensure(terminal.context(), Ensure(EXPLICIT, explicit))
            terminal.clock.time += A_WHILE
            lifecycle.remove(terminal.context(), Remove.of(EXPLICIT, explicit, minted=True))
            terminal.clock.time += A_WHILE

    terminal.aws.after = after
    outcome = terminal.create()

    assert numbers(outcome) == (150, 0, 0)
    assert keys(terminal) == {OURS}


def test_a_first_log_group_that_another_resource_takes_over_tells_nothing() -> None:
    """The last writer wins there; no Delete passed by."""
    terminal = Terminal().having(*many(60))

    def take(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 30:
            terminal.having("/app/00000", key=NEW, claim=Claim(EXPLICIT, OURS))

    terminal.aws.after = take

    assert numbers(terminal.create()) == (59, 0, 1)
    assert {terminal.state(name) for name in many(60)[1:]} == {held()}


@pytest.mark.parametrize("vanishing", [1, 4, 30])
def test_first_log_groups_that_are_deleted_and_made_anew_do_not_undo_the_fleet(vanishing: int) -> None:
    """The lookouts among them: they are brought in again where the page shows them without the key."""
    terminal = Terminal().having(*many(150))

    def renew(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 40:
            terminal.having(*many(vanishing))

    terminal.aws.after = renew

    assert numbers(terminal.create()) == (150, 0, 0)
    assert set(terminal.states().values()) == {held()}
