"""One event of a fleet over several invocations: what Lambda hands over, and what CloudFormation is told in the end."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import FakeClock
from unit.fleet.terminals import ALL, ASKED, ME, OURS, Terminal, fleet_event, invoke, many

from log_group_kms.association.requests import Remove
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.errors import ClaimLost, OutOfTime

if TYPE_CHECKING:
    from collections.abc import Callable

#: A minute: some two hundred changes.
SHORT = 60.0


@dataclass
class Interrupted(FakeClock):
    """Something *happens* while someone sleeps, from this *moment* on."""

    moment: float = math.inf
    happens: Callable[[], object] = list

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.time > self.moment:
            self.happens()


def test_a_create_tells_what_all_its_invocations_have_done() -> None:
    """None of them begins anew, so that what is associated is not counted as found so."""
    terminal = Terminal().having(*many(600)).having("/z", key=OURS)

    done = invoke(terminal, fleet_event(terminal, "Create", ServiceTimeout="3600"), SHORT)

    assert terminal.invocations > 2
    assert done.physical_resource_id == ALL.arn
    assert done.data["KmsKeyArn"] == OURS.text
    counts = {name: done.data[f"{name}Count"] for name in ("Matched", "Associated", "Compliant", "Skipped")}
    assert counts == {"Matched": "601", "Associated": "600", "Compliant": "1", "Skipped": "0"}


def test_a_delete_tells_what_all_its_invocations_have_given_back() -> None:
    """Under the id that the event has."""
    terminal = Terminal().having(*many(600))
    terminal.create()

    done = invoke(terminal, fleet_event(terminal, "Delete", ServiceTimeout="3600"), SHORT)

    assert terminal.invocations > 2
    assert (done.physical_resource_id, done.data) == (ALL.arn, {})
    assert done.reason == "Of its log groups: 600 given back."


@pytest.mark.parametrize(
    ("request_type", "why", "told", "helps"),
    [
        pytest.param(
            "Create",
            "ServiceTimeout is too near to go on.",
            "associated",
            "Use a longer ServiceTimeout (3600 at most) or narrower prefixes, or associate most of them beforehand "
            "with log-group-kms apply",
            id="Create",
        ),
        pytest.param(
            "Delete",
            "There is no time to give back more.",
            "given back",
            "Delete it again: that goes on from here",
            id="Delete",
        ),
    ],
)
def test_an_event_that_has_no_time_for_a_further_invocation_fails_with_what_was_done(
    request_type: str, why: str, told: str, helps: str
) -> None:
    """And with what helps."""
    terminal = Terminal().having(*many(600))
    if request_type == "Delete":
        terminal.create()

    with pytest.raises(OutOfTime) as failed:
        invoke(terminal, fleet_event(terminal, request_type, ServiceTimeout="90"), SHORT)

    done = [key == (OURS if request_type == "Create" else None) for key, _ in terminal.states().values()].count(True)
    assert 0 < done < 600
    assert str(failed.value) == f"{why} Of its log groups: {done} {told}. {helps}"


def test_a_delete_that_comes_during_a_wait_of_several_invocations_shows() -> None:
    """CloudFormation gave the Create up: its Delete cancels it, gives all back, and the answer is no success."""
    clock = Interrupted()
    terminal = Terminal(clock=clock).having("/a", "/b")
    clock.moment = clock.now() + 200

    def give_up() -> None:
        clock.moment = math.inf
        lifecycle.remove(terminal.context(), replace(Remove.of(ME, ASKED), cancels=True, sent_at=clock.now()))

    clock.happens = give_up

    with pytest.raises(ClaimLost):
        invoke(terminal, fleet_event(terminal, PropagationWaitSeconds="300", ServiceTimeout="3600"), SHORT)

    assert terminal.invocations > 2
    assert terminal.states() == {"/a": (None, None), "/b": (None, None)}
