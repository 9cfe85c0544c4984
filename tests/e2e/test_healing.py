"""Errors that pass: stacks are created although AWS refuses at first."""

import pytest
from e2e.scene import CREATED, Scene

from local.client import keys
from local.emulator.script import Fault


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault.late_key_policy(times=3), id="the key's policy is seen late"),
        pytest.param(Fault.late_role_policy(times=2), id="the role's policy is seen late"),
        pytest.param(Fault.operation_aborted(times=4), id="someone else is changing the log group"),
        pytest.param(Fault.throttled(times=3), id="the account's rate is used up"),
        pytest.param(Fault.unavailable(times=3), id="the service has a bad moment"),
        pytest.param(Fault.operation_aborted("logs:TagResource", times=2), id="the claim is refused for now"),
        pytest.param(Fault.throttled("logs:DescribeLogGroups", times=3), id="reading is throttled"),
    ],
)
def test_what_is_refused_for_now_is_asked_again(scene: Scene, fault: Fault) -> None:
    """The stack is created all the same. Where the rate is used up, the third pause is up to half a minute long."""
    key = keys.create(scene.aws)
    scene.aws.direction.answer_with(
        Fault(fault.operation, fault.code, fault.message, fault.status, fault.times, scene.log_group)
    )

    assert scene.deploy(KmsKeyId=key, ServiceTimeout=300) == CREATED
    assert scene.encryption == scene.claimed(key)
    assert [left for left in scene.aws.direction.pending() if left.log_group == scene.log_group] == []


def test_a_change_that_is_seen_late_is_waited_for(scene: Scene) -> None:
    """The answer comes only once DescribeLogGroups shows the key; it is associated once."""
    key = keys.create(scene.aws)
    scene.aws.direction.show_old_key(3, log_group=scene.log_group)

    assert scene.deploy(KmsKeyId=key) == CREATED
    assert scene.calls()["logs:AssociateKmsKey"] == 1
    assert scene.encryption == scene.claimed(key)


def test_an_answer_that_is_not_taken_at_first_is_sent_again(scene: Scene) -> None:
    """CloudFormation's storage fails twice; the stack is created all the same."""
    scene.aws.direction.answer_with(Fault("cloudformation:Answer", "SlowDown", "Please reduce", status=503, times=2))

    assert scene.deploy(KmsKeyId=keys.create(scene.aws)) == CREATED
    assert scene.aws.direction.pending() == []
