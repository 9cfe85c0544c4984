"""Stacks are deleted, whatever happened to their log groups meanwhile."""

from e2e.scene import Scene

from local.client import keys
from local.demo.associations import Encryption
from local.emulator.script import Fault


def test_a_stack_whose_log_group_is_gone_can_be_deleted(scene: Scene) -> None:
    """Nothing is left to give back."""
    scene.deploy(KmsKeyId=keys.create(scene.aws))
    scene.aws.client("logs").delete_log_group(logGroupName=scene.log_group)

    assert scene.delete() == ""
    assert scene.encryption is None


def test_a_delete_gives_back_also_where_the_key_was_changed_by_hand(scene: Scene) -> None:
    """The claim counts, not the key in force."""
    teams, key, by_hand = (keys.create(scene.aws) for _ in range(3))
    scene.put_key_by_hand(teams)
    scene.deploy(KmsKeyId=key)
    scene.put_key_by_hand(by_hand)

    assert scene.delete() == ""
    assert scene.encryption == Encryption(teams)


def test_a_previous_key_that_is_no_longer_usable_is_not_put_back(scene: Scene) -> None:
    """The log group is left without a key, and the stack is deleted."""
    teams = keys.create(scene.aws)
    scene.put_key_by_hand(teams)
    scene.deploy(KmsKeyId=keys.create(scene.aws))
    scene.aws.client("kms").disable_key(KeyId=teams)

    assert scene.delete() == ""
    assert scene.encryption == Encryption()


def test_a_delete_without_tags_takes_only_its_own_key_away(scene: Scene) -> None:
    """Someone took the tags off: the stack's own key is disassociated."""
    scene.deploy(KmsKeyId=keys.create(scene.aws))
    tags = scene.aws.client("logs").list_tags_for_resource(resourceArn=scene.arn)["tags"]
    scene.aws.client("logs").untag_resource(resourceArn=scene.arn, tagKeys=list(tags))

    assert scene.delete() == ""
    assert scene.encryption == Encryption()


def test_a_delete_without_tags_leaves_anothers_key(scene: Scene) -> None:
    """Someone took the tags off and put another key there: it stays."""
    by_hand = keys.create(scene.aws)
    scene.deploy(KmsKeyId=keys.create(scene.aws))
    tags = scene.aws.client("logs").list_tags_for_resource(resourceArn=scene.arn)["tags"]
    scene.aws.client("logs").untag_resource(resourceArn=scene.arn, tagKeys=list(tags))
    scene.put_key_by_hand(by_hand)

    assert scene.delete() == ""
    assert scene.encryption == Encryption(by_hand)


def test_a_delete_that_is_refused_for_good_fails_and_can_be_repeated(scene: Scene) -> None:
    """The stack shows which permission is missing; once it is there, the next Delete gives the log group back."""
    key = keys.create(scene.aws)
    scene.deploy(KmsKeyId=key, ServiceTimeout=8)
    refusal = Fault.late_role_policy("logs:DisassociateKmsKey", times=1000, log_group=scene.log_group)
    scene.aws.direction.answer_with(refusal)

    failed = scene.delete()
    after_failure, expected = scene.encryption, scene.claimed(key)
    reasons = scene.stacks.failures(scene.stack)
    scene.aws.direction.forget_script()
    repeated = scene.delete()

    assert (failed, repeated) == ("DELETE_FAILED", "")
    assert after_failure == expected
    assert "lacks the permission logs:DisassociateKmsKey" in reasons[0]
    assert scene.encryption == Encryption()
