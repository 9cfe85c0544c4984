"""Stacks that fail and are rolled back, with IAM enforced."""

import pytest
from e2e.scene import UPDATED, Scene

from local.client import keys
from local.demo.associations import Encryption, encryption_of, template


@pytest.mark.parametrize(
    "mistake",
    [
        pytest.param({"OnDelete": "Keep"}, id="a property that is wrong"),
        pytest.param({"KmsKeyId": "0987dcba-09fe-87dc-65ba-ab0987654321"}, id="a key that is not there"),
        pytest.param({"LogGroupName": "/no/such/group"}, id="a log group that is not there"),
    ],
)
def test_a_failed_update_is_rolled_back_and_leaves_all_as_it_was(scene: Scene, mistake: dict[str, str]) -> None:
    """Key, claim and the remembered key stay, and the stack can be updated and deleted afterwards."""
    teams, key, next_key = (keys.create(scene.aws) for _ in range(3))
    scene.put_key_by_hand(teams)
    scene.deploy(KmsKeyId=key)

    failed = scene.deploy(**{"KmsKeyId": key, **mistake})
    rolled_back = scene.encryption
    expected = scene.claimed(key, teams)
    repaired = scene.deploy(KmsKeyId=next_key)
    scene.delete()

    assert (failed, repaired) == ("UPDATE_ROLLBACK_COMPLETE", UPDATED)
    assert rolled_back == expected
    assert scene.encryption == Encryption(teams)


def test_an_update_that_is_rolled_back_for_another_resource_puts_the_key_back(scene: Scene) -> None:
    """The change had succeeded; the rollback's Update associates the former key again."""
    first, second = keys.create(scene.aws), keys.create(scene.aws)
    scene.deploy(KmsKeyId=first)
    broken = template(
        LogEncryption={"LogGroupName": scene.log_group, "KmsKeyId": second},
        Broken={"LogGroupName": "/no/such/group", "KmsKeyId": second},
    )

    assert scene.stacks.deploy(scene.stack, broken) == "UPDATE_ROLLBACK_COMPLETE"
    assert scene.encryption == scene.claimed(first)


def test_a_replacement_that_is_rolled_back_frees_the_new_log_group(scene: Scene) -> None:
    """The rollback deletes the new physical id: the new log group is as before, the old one never lost its key."""
    key = keys.create(scene.aws)
    scene.deploy(KmsKeyId=key)
    other = scene.create_log_group(f"{scene.log_group}/other")
    broken = template(
        LogEncryption={"LogGroupName": other, "KmsKeyId": key},
        Broken={"LogGroupName": "/no/such/group", "KmsKeyId": key},
    )

    assert scene.stacks.deploy(scene.stack, broken) == "UPDATE_ROLLBACK_COMPLETE"
    assert scene.encryption == scene.claimed(key)
    assert encryption_of(scene.aws, other) == Encryption()
    assert scene.stacks.physical_id(scene.stack, "LogEncryption") == scene.arn


def test_a_failed_create_is_rolled_back_and_leaves_neither_key_nor_tags(scene: Scene) -> None:
    """A log group that was associated before another resource of the stack failed is given back."""
    teams, key = keys.create(scene.aws), keys.create(scene.aws)
    scene.put_key_by_hand(teams)
    broken = template(
        LogEncryption={"LogGroupName": scene.log_group, "KmsKeyId": key},
        Broken={"LogGroupName": "/no/such/group", "KmsKeyId": key},
    )

    assert scene.stacks.deploy(scene.stack, broken) == "ROLLBACK_COMPLETE"
    assert scene.calls()["logs:AssociateKmsKey"] == 2
    assert scene.encryption == Encryption(teams)
