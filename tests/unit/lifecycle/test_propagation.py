"""PropagationWaitSeconds: what is waited for, in one invocation or in several."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.fake_aws import FakeLogGroup, owner, role_denied
from unit.lifecycle.provider import BEFORE, KEY, ORDERS, Provider

from log_group_kms.lifecycle.progress import PROGRESS, Done, Propagating
from log_group_kms.model.errors import ApiError, ClaimLost
from log_group_kms.model.ownership import Claim
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED


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
