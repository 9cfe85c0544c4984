"""A resource that names a protected log group: refused by name, and never a call about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.fake_aws import FakeLogGroup, log_group, owner
from unit.lifecycle.provider import BEFORE, KEY, ORDERS, Provider

from log_group_kms.lifecycle.progress import PROGRESS, Done, Propagating
from log_group_kms.model.errors import ProtectedLogGroup
from log_group_kms.model.ownership import Claim
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.targets import Exclusions

if TYPE_CHECKING:
    from log_group_kms.association.context import Context
    from log_group_kms.association.trail import Trail


class GuardedProvider(Provider):
    """The provider in an account that protects the log group."""

    trail: Trail

    def context(self, context: Context) -> Context:
        self.trail = context.trail
        return context.protecting(Exclusions(("/aws/lambda/*",)))


STATES = {
    "unclaimed": FakeLogGroup(),
    "another's key": FakeLogGroup(BEFORE),
    "another's": FakeLogGroup(BEFORE, Claim(owner("Other"), None)),
    "this resource's": FakeLogGroup(KEY, Claim(owner(), BEFORE)),
    "in a Delete of this resource's": FakeLogGroup(KEY, Claim(owner(), BEFORE, deleting=True)),
}
each_state = pytest.mark.parametrize("state", STATES.values(), ids=STATES)


@each_state
@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_it_is_refused_by_the_parameters_name(state: FakeLogGroup, request_type: str) -> None:
    """The Reason names the log group and the parameter; nothing is called, so nothing was changed or claimed."""
    provider = GuardedProvider()
    provider.aws.log_groups[ORDERS] = state

    with pytest.raises(ProtectedLogGroup) as refused:
        provider.invoke(provider.event(request_type))

    assert f"{ORDERS.arn} is protected by the provider's parameter ProtectedLogGroupNames" in str(refused.value)
    assert provider.aws.calls == []
    assert provider.trail.failure_id == (NOTHING_ASSOCIATED if request_type == "Create" else ORDERS.arn)


@each_state
@pytest.mark.parametrize("on_delete", ["RestorePrevious", "Disassociate", "Retain"])
def test_a_delete_leaves_it_and_succeeds(state: FakeLogGroup, on_delete: str) -> None:
    """A stack can go. What it leaves is told, and there is no call."""
    provider = GuardedProvider()
    provider.aws.log_groups[ORDERS] = state

    done = provider.invoke(provider.event("Delete", OnDelete=on_delete))

    assert isinstance(done, Done)
    assert done.physical_resource_id == ORDERS.arn
    assert done.reason == "The provider's parameter ProtectedLogGroupNames protects the log group; it was left as it is"
    assert (provider.aws.calls, provider.aws.log_groups[ORDERS]) == ([], state)


def test_it_is_not_created_either() -> None:
    """OnMissingLogGroup Create would put a tag and a key on it."""
    provider = GuardedProvider()
    del provider.aws.log_groups[ORDERS]

    with pytest.raises(ProtectedLogGroup):
        provider.invoke(provider.event(OnMissingLogGroup="Create"))

    assert (provider.aws.calls, dict(provider.aws.log_groups)) == ([], {})


@pytest.mark.parametrize("target", [{"ResourceIdentifier": ORDERS.arn}, {"ResourceIdentifier": f"{ORDERS.arn}:*"}])
def test_its_arn_is_no_way_round(target: dict[str, str]) -> None:
    """What counts is the name, however it is written."""
    provider = GuardedProvider()
    event = provider.event()
    del event["ResourceProperties"]["LogGroupName"]
    event["ResourceProperties"] |= target

    with pytest.raises(ProtectedLogGroup):
        provider.invoke(event)

    assert provider.aws.calls == []


def test_an_update_to_it_leaves_the_former_target() -> None:
    """The failed answer has the id of before."""
    provider = GuardedProvider()
    event = provider.event("Update")
    event["OldResourceProperties"] = event["ResourceProperties"] | {"LogGroupName": "/free"}
    event["PhysicalResourceId"] = ORDERS.arn.replace(ORDERS.name.text, "/free")

    with pytest.raises(ProtectedLogGroup):
        provider.invoke(event)

    assert (provider.aws.calls, provider.trail.failure_id) == ([], event["PhysicalResourceId"])


def test_an_abandoned_target_that_is_protected_is_left() -> None:
    """An Update that is sent back gives back what the one before claimed; not this one."""
    provider = GuardedProvider()
    free = ORDERS.arn.replace(ORDERS.name.text, "/free")
    provider.aws.log_groups[ORDERS] = FakeLogGroup(KEY, Claim(owner(), BEFORE))
    provider.aws.log_groups[log_group("/free")] = FakeLogGroup()
    event: dict[str, Any] = provider.event("Update", LogGroupName="/free")
    event |= {"OldResourceProperties": {"KmsKeyId": KEY.text, "LogGroupName": ORDERS.name.text}}
    event["PhysicalResourceId"] = free

    done = provider.invoke(event)

    assert isinstance(done, Done)
    assert provider.aws.log_groups[ORDERS] == FakeLogGroup(KEY, Claim(owner(), BEFORE))


def test_made_up_progress_is_refused() -> None:
    """A further invocation that says all was done before is not believed."""
    provider = GuardedProvider()
    forged = Propagating(provider.clock.now(), Done(ORDERS.arn, {"KmsKeyArn": KEY.text}))

    with pytest.raises(ProtectedLogGroup):
        provider.invoke(provider.event() | {PROGRESS: forged.as_json()})

    assert provider.aws.calls == []


def test_a_wait_that_began_before_the_name_was_protected_fails() -> None:
    """The parameter came while a Create waited for its key to work everywhere."""
    provider, guarded = Provider(), GuardedProvider()
    event = provider.event(PropagationWaitSeconds="300")
    waiting = provider.invoke(event, seconds=60)
    assert isinstance(waiting, Propagating)
    guarded.aws, guarded.clock = provider.aws, provider.clock
    guarded.aws.calls.clear()

    with pytest.raises(ProtectedLogGroup):
        guarded.invoke(event | {PROGRESS: waiting.as_json()})

    assert guarded.aws.calls == []
