"""PropagationWaitSeconds: what is waited for, in one invocation or in several."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.fake_aws import PLACE, FakeLogGroup, owner, role_denied
from unit.lifecycle.provider import BEFORE, KEY, ORDERS, Provider

from log_group_kms.association import claimed
from log_group_kms.association.context import Context
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import delay, respond
from log_group_kms.lifecycle.progress import PROGRESS, Done, Propagating
from log_group_kms.model.errors import ApiError, ClaimLost, StaleEvent
from log_group_kms.model.ownership import Claim
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from log_group_kms.lifecycle.progress import Progress


@pytest.fixture(autouse=True)
def no_wait_before_the_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests count the seconds of PropagationWaitSeconds alone."""
    monkeypatch.setattr(claimed, "_OUTLASTING", 0.0)


def test_a_wait_inside_one_invocation(provider: Provider) -> None:
    """PropagationWaitSeconds that fits is slept out before the one answer."""
    began = provider.clock.now()

    outcome = provider.invoke(provider.event(PropagationWaitSeconds="300"))

    assert isinstance(outcome, Done)
    assert (provider.clock.now() - began, outcome.reason) == (300, "")


@pytest.mark.parametrize("seconds", [120, 300, 600])
def test_a_wait_over_several_invocations(provider: Provider, seconds: float) -> None:
    """A wait that does not fit goes on in further invocations, none longer than it may be, and ends in one answer."""
    began = provider.clock.now()

    outcome, invocations = provider.invoke_until_done(provider.event(PropagationWaitSeconds="900"), seconds)

    assert outcome.data["AssociatedCount"] == "1"
    assert provider.clock.now() - began == pytest.approx(900, abs=1)
    assert max(provider.clock.slept) < seconds
    assert 900 / seconds < invocations <= 16


@pytest.mark.parametrize(
    ("request_type", "state", "changes", "waits"),
    [
        pytest.param("Create", FakeLogGroup(), {}, True, id="Create"),
        pytest.param("Create", FakeLogGroup(KEY, Claim(owner(), None)), {}, True, id="Create, redelivered"),
        pytest.param("Create", FakeLogGroup(KEY), {}, False, id="key there already"),
        pytest.param("Create", FakeLogGroup(BEFORE), {"OnExistingKey": "Keep"}, False, id="kept"),
        pytest.param("Update", FakeLogGroup(BEFORE, Claim(owner(), None)), {}, True, id="Update of the key"),
        pytest.param("Delete", FakeLogGroup(KEY, Claim(owner(), None)), {}, False, id="Delete"),
    ],
)
def test_when_it_waits(
    provider: Provider, request_type: str, state: FakeLogGroup, changes: dict[str, str], *, waits: bool
) -> None:
    """It waits after a key of a Create or a changed key, also where an earlier delivery had associated it."""
    provider.aws.log_groups[ORDERS] = replace(state)

    event = provider.event(request_type, PropagationWaitSeconds="300")
    event["ResourceProperties"] |= changes
    provider.invoke(event)

    assert (sum(provider.clock.slept) >= 300) == waits


def test_an_update_of_options_does_not_wait(provider: Provider) -> None:
    """An Update that changes no key has nothing to propagate."""
    provider.aws.log_groups[ORDERS] = FakeLogGroup(KEY, Claim(owner(), None))
    event = provider.event("Update", PropagationWaitSeconds="300")

    provider.invoke(event | {"OldResourceProperties": {"KmsKeyId": KEY.text, "LogGroupName": ORDERS.name.text}})

    assert provider.clock.slept == []


@pytest.mark.parametrize(
    ("wait", "waited", "reason"),
    [
        pytest.param("270", 270, "", id="it just fits"),
        pytest.param(
            "271",
            270,
            "ServiceTimeout was too near for the whole of PropagationWaitSeconds: 1 s were not waited",
            id="one second too long",
        ),
        pytest.param(
            "299",
            270,
            "ServiceTimeout was too near for the whole of PropagationWaitSeconds: 29 s were not waited",
            id="far too long",
        ),
    ],
)
def test_a_wait_ends_before_cloudformation_gives_up(provider: Provider, wait: str, waited: float, reason: str) -> None:
    """A wait that is too long for ServiceTimeout ends 30 s before it with a success, which says what was not waited."""
    event = provider.event(dated=True, PropagationWaitSeconds=wait, ServiceTimeout="300")
    began = provider.clock.now()

    outcome = provider.invoke(event)

    assert isinstance(outcome, Done)
    assert (provider.clock.now() - began, outcome.reason) == (waited, reason)


def test_a_further_invocation_that_comes_late_waits_no_more(provider: Provider) -> None:
    """The time between two invocations counts as waited."""
    progress = provider.invoke(provider.event(PropagationWaitSeconds="900"), 300)
    assert isinstance(progress, Propagating)
    provider.clock.sleep(900)
    provider.clock.slept.clear()

    outcome = provider.invoke(provider.event(PropagationWaitSeconds="900") | {PROGRESS: progress.as_json()})

    assert (outcome, sum(provider.clock.slept)) == (progress.done, 0)


@pytest.mark.parametrize("seconds", [400, 900], ids=["in a further invocation", "in the same"])
def test_a_delete_during_the_wait_is_noticed(provider: Provider, seconds: float) -> None:
    """A Create whose claim went away while it waited fails, with nothing left to undo."""

    def delete_passes_by(operation: str) -> None:
        if operation == "ListTagsForResource" and sum(provider.clock.slept) > 300:
            provider.aws.log_groups[ORDERS] = FakeLogGroup()

    provider.aws.before = delete_passes_by

    with pytest.raises(ClaimLost):
        provider.invoke_until_done(provider.event(PropagationWaitSeconds="500"), seconds)
    assert provider.failure_id == NOTHING_ASSOCIATED


def test_a_failure_after_the_wait_can_be_undone(provider: Provider) -> None:
    """A further invocation that cannot look at the claim answers with the id that the Delete needs."""
    progress = provider.invoke(provider.event(PropagationWaitSeconds="900"), 300)
    assert isinstance(progress, Propagating)
    provider.aws.refuse("ListTagsForResource", *[role_denied("logs:ListTagsForResource")] * 99)
    late = provider.event(PropagationWaitSeconds="900") | {PROGRESS: progress.as_json()}
    provider.clock.sleep(900)

    with pytest.raises(ApiError):
        provider.invoke(late)
    assert provider.failure_id == ORDERS.arn


# --- waits that are put off: a queue holds them, and no execution -----------------------------------------------------


def put_off(provider: Provider, event: dict[str, Any], seconds: float = 900) -> tuple[Done | Progress, int]:
    """One invocation that may put a wait off; for how long it does."""
    envelope = Envelope.of(event)
    deadlines = Deadlines.of(envelope, event, provider.clock.now(), seconds)
    context = Context.of(provider.aws, provider.aws, Retrier(provider.clock, deadlines.earliest))
    outcome = respond(envelope, event, PLACE, context, deadlines, may_delay=True)
    return outcome, 0 if isinstance(outcome, Done) else delay(outcome, deadlines, provider.clock.now())


@pytest.mark.parametrize(
    ("wait", "timeout", "delayed"),
    [
        pytest.param("900", "3600", 900, id="the longest"),
        pytest.param("300", "900", 300, id="as recommended"),
        pytest.param("30", "900", 30, id="the shortest that is worth it"),
        pytest.param("29", "900", 0, id="slept out"),
        # 300 less 25 is the deadline, and 90 before it the way back has to begin.
        pytest.param("270", "300", 185, id="the rest is slept out, near the deadline"),
        pytest.param("100", "140", 0, id="no time for the way back"),
    ],
)
def test_a_long_wait_is_put_off(provider: Provider, wait: str, timeout: str, delayed: int) -> None:
    """Nothing is slept for it; what is short, or near the deadline, is slept out as ever."""
    event = provider.event(dated=True, PropagationWaitSeconds=wait, ServiceTimeout=timeout)

    outcome, seconds = put_off(provider, event)

    assert seconds == delayed
    assert isinstance(outcome, Propagating) is bool(delayed)
    assert (sum(provider.clock.slept) > 0) is not bool(delayed)


@pytest.mark.parametrize("late", [0, 40], ids=["in time", "late"])
def test_what_was_put_off_is_answered_when_its_time_has_come(provider: Provider, late: int) -> None:
    """In one answer; the claim is looked at again."""
    event = provider.event(dated=True, PropagationWaitSeconds="300", ServiceTimeout="900")
    outcome, seconds = put_off(provider, event)
    assert isinstance(outcome, Propagating)
    provider.clock.sleep(seconds + late)
    provider.clock.slept.clear()
    provider.aws.calls.clear()

    done, _ = put_off(provider, json.loads(json.dumps({**event, PROGRESS: outcome.as_json()})))

    assert done == outcome.done
    assert sum(provider.clock.slept) == 0
    assert provider.aws.calls == ["ListTagsForResource"]


def test_a_delete_while_it_is_put_off_is_noticed(provider: Provider) -> None:
    """The Create whose claim went away fails."""
    event = provider.event(PropagationWaitSeconds="300")
    outcome, seconds = put_off(provider, event)
    assert isinstance(outcome, Propagating)
    provider.clock.sleep(seconds)
    provider.aws.log_groups[ORDERS] = FakeLogGroup()

    with pytest.raises(ClaimLost):
        put_off(provider, {**event, PROGRESS: outcome.as_json()})


def test_what_comes_back_too_late_is_a_zombie(provider: Provider) -> None:
    """After ServiceTimeout nobody waits: the deadlines are the same."""
    event = provider.event(dated=True, PropagationWaitSeconds="300", ServiceTimeout="900")
    outcome, _ = put_off(provider, event)
    assert isinstance(outcome, Propagating)
    provider.clock.sleep(900)

    with pytest.raises(StaleEvent):
        put_off(provider, {**event, PROGRESS: outcome.as_json()})


def test_two_hundred_resources_hold_no_execution(provider: Provider) -> None:
    """200 of them with 300 seconds each: 60,000 seconds of executions slept out, and none put off."""
    event = provider.event(dated=True, PropagationWaitSeconds="300", ServiceTimeout="900")
    slept = {}
    for may_delay in (False, True):
        held = 0.0
        for _ in range(200):
            provider.aws.log_groups[ORDERS] = FakeLogGroup()
            at, provider.clock.slept = provider.clock.time, []
            if may_delay:
                outcome, seconds = put_off(provider, event)
                assert isinstance(outcome, Propagating)
                held += sum(provider.clock.slept)
                provider.clock.time, provider.clock.slept = at + seconds, []
                put_off(provider, {**event, PROGRESS: outcome.as_json()})
            else:
                provider.invoke(event)
            held += sum(provider.clock.slept)
            provider.clock.time = at
        slept[may_delay] = held

    assert slept == {False: 60_000, True: 0}
