"""Stacks through their whole life: the provider as `sam deploy` puts it there, CloudFormation, and IAM enforced.

Asserted is what AWS shows and what CloudFormation reports.
"""

from e2e.scene import CREATED, UPDATED, Scene

from local.client import keys
from local.demo import provider
from local.demo.associations import Encryption, encryption_of, owner_of, template


def test_a_stack_puts_a_log_group_under_a_key_and_its_end_takes_the_key_away(scene: Scene) -> None:
    """Create associates, claims and returns what its reference promises; Delete leaves the log group as it was."""
    key = keys.create(scene.aws)

    created = scene.deploy(KmsKeyId=key)
    encryption = scene.encryption
    expected = scene.claimed(key)
    outputs = scene.stacks.outputs(scene.stack)
    deleted = scene.delete()

    assert (created, deleted) == (CREATED, "")
    assert encryption == expected
    assert outputs == {
        "LogEncryptionRef": scene.arn,
        "LogEncryptionKmsKeyArn": key,
        "LogEncryptionPreviousKmsKeyArn": "",
        "LogEncryptionLogGroupName": scene.log_group,
        "LogEncryptionLogGroupArn": scene.arn,
        "LogEncryptionMatchedCount": "1",
        "LogEncryptionAssociatedCount": "1",
        "LogEncryptionCompliantCount": "0",
        "LogEncryptionSkippedCount": "0",
        "LogEncryptionRefusedCount": "0",
    }
    assert scene.encryption == Encryption()


def test_the_provider_works_with_its_own_role_alone(scene: Scene) -> None:
    """IAM is enforced: every call about the log group is the role's, and none is refused."""
    scene.deploy(KmsKeyId=keys.create(scene.aws))
    scene.delete()
    role = scene.stacks.outputs(provider.STACK)["RoleArn"].rpartition("/")[2]
    calls = [c for c in scene.aws.direction.calls() if c.by_function and c.log_group == scene.log_group]

    assert len(calls) > 0
    assert {call.caller.split("/")[1] for call in calls} == {role}
    assert {call.error for call in calls} == {None}


def test_a_deployment_without_a_change_does_nothing(scene: Scene) -> None:
    """CloudFormation finds no difference and sends no event."""
    key = keys.create(scene.aws)
    scene.deploy(KmsKeyId=key)
    before = scene.calls()

    assert scene.deploy(KmsKeyId=key) == CREATED
    assert scene.calls() == before
    assert scene.encryption == scene.claimed(key)


def test_another_key_is_associated_in_place(scene: Scene) -> None:
    """One AssociateKmsKey and no Disassociate, so that the log group is never without a key; the same physical id."""
    first, second = keys.create(scene.aws), keys.create(scene.aws)
    scene.deploy(KmsKeyId=first)
    before = scene.calls()

    updated = scene.deploy(KmsKeyId=second)
    called = scene.calls() - before

    assert updated == UPDATED
    assert (called["logs:AssociateKmsKey"], called["logs:DisassociateKmsKey"]) == (1, 0)
    assert scene.encryption == scene.claimed(second)
    assert scene.stacks.outputs(scene.stack)["LogEncryptionRef"] == scene.arn
    assert scene.stacks.history(scene.stack, "LogEncryption")[-1] == UPDATED


def test_new_options_change_no_key(scene: Scene) -> None:
    """An Update of options calls neither AssociateKmsKey nor KMS, and the options hold from then on."""
    key = keys.create(scene.aws)
    scene.deploy(KmsKeyId=key)
    before = scene.calls()

    updated = scene.deploy(KmsKeyId=key, OnDelete="Retain")
    called = scene.calls() - before
    scene.delete()

    assert updated == UPDATED
    assert set(called) == {"logs:DescribeLogGroups", "logs:ListTagsForResource"}
    assert scene.encryption == Encryption(key)


def test_an_update_mends_what_was_changed_by_hand(scene: Scene) -> None:
    """Any Update puts the template's key back in force, and remembers what was there at first."""
    key, by_hand = keys.create(scene.aws), keys.create(scene.aws)
    scene.deploy(KmsKeyId=key)
    scene.put_key_by_hand(by_hand)

    assert scene.deploy(KmsKeyId=key, OnDelete="Disassociate") == UPDATED
    assert scene.encryption == scene.claimed(key)


def test_another_log_group_replaces_the_first(scene: Scene) -> None:
    """The new log group gets the key, and the old one what it had before; the physical id changes."""
    teams, key = keys.create(scene.aws), keys.create(scene.aws)
    scene.put_key_by_hand(teams)
    scene.deploy(KmsKeyId=key)
    other = scene.create_log_group(f"{scene.log_group}/other")

    updated = scene.deploy(KmsKeyId=key, LogGroupName=other)

    assert updated == UPDATED
    assert encryption_of(scene.aws, other) == scene.claimed(key)
    assert scene.encryption == Encryption(teams)
    assert scene.stacks.outputs(scene.stack)["LogEncryptionRef"] == f"{scene.arn}/other"


def test_a_renamed_resource_keeps_key_and_memory(scene: Scene) -> None:
    """The new logical id takes over and inherits the remembered key; the old one's Delete does nothing."""
    teams, key = keys.create(scene.aws), keys.create(scene.aws)
    scene.put_key_by_hand(teams)
    scene.deploy(KmsKeyId=key)

    renamed = scene.stacks.deploy(scene.stack, template(Renamed={"LogGroupName": scene.log_group, "KmsKeyId": key}))
    after_rename = scene.encryption
    expected = scene.claimed(key, teams, "Renamed")
    scene.delete()

    assert renamed == UPDATED
    assert after_rename == expected
    assert scene.calls()["logs:DisassociateKmsKey"] == 0
    assert scene.encryption == Encryption(teams)


def test_of_two_stacks_the_second_is_refused(scene: Scene) -> None:
    """It names the owner and changes nothing, neither when it fails nor when it is deleted."""
    first, earlier = keys.create(scene.aws), f"{scene.stack}-earlier"
    scene.deploy(earlier, KmsKeyId=first)
    before = scene.encryption
    owner = owner_of(scene.stacks, earlier, "LogEncryption")

    refused = scene.deploy(KmsKeyId=keys.create(scene.aws))
    (reason, *_) = scene.stacks.failures(scene.stack)
    gone = scene.delete()

    assert (refused, gone) == ("ROLLBACK_COMPLETE", "")
    assert f"The log group belongs to LogEncryption of stack {earlier}" in reason
    assert before is not None
    assert (before.key, before.owner) == (first, owner)
    assert scene.encryption == before


def test_a_stack_that_takes_over_leaves_the_key_that_it_found(scene: Scene) -> None:
    """The first stack's Delete leaves the log group to the second, whose own Delete puts back the key that it found."""
    first, second = keys.create(scene.aws), keys.create(scene.aws)
    earlier = f"{scene.stack}-earlier"
    scene.deploy(earlier, KmsKeyId=first)
    scene.deploy(KmsKeyId=second, OnExistingOwner="TakeOver")

    gone = scene.delete(earlier)
    after_first_delete = scene.encryption
    expected = scene.claimed(second, first)
    scene.delete()

    assert gone == ""
    assert after_first_delete == expected
    assert scene.encryption == Encryption(first)


def test_a_key_that_is_there_already_is_kept_by_the_delete(scene: Scene) -> None:
    """A stack that only confirmed a key does not take it away; a mark says so to a Delete that is delivered again."""
    key = keys.create(scene.aws)
    scene.put_key_by_hand(key)

    created = scene.deploy(KmsKeyId=key)
    claimed, expected = scene.encryption, scene.claimed(key, key)
    owner = owner_of(scene.stacks, scene.stack, "LogEncryption")
    scene.delete()

    assert created == CREATED
    assert claimed == expected
    assert scene.calls()["logs:AssociateKmsKey"] == 0
    assert scene.encryption == Encryption(key, f"deleted:{owner}", key)


def test_the_mark_of_a_delete_is_no_claim(scene: Scene) -> None:
    """Another stack takes a log group with such a mark as it finds it, and leaves it so."""
    key, other = keys.create(scene.aws), keys.create(scene.aws)
    scene.put_key_by_hand(key)
    earlier = f"{scene.stack}-earlier"
    scene.deploy(earlier, KmsKeyId=key)
    scene.delete(earlier)

    created = scene.deploy(KmsKeyId=other, OnDelete="RestorePrevious")
    claimed, expected = scene.encryption, scene.claimed(other, key)
    scene.delete()

    assert created == CREATED
    assert claimed == expected
    assert scene.encryption == Encryption(key)


def test_keep_leaves_another_key_alone(scene: Scene) -> None:
    """OnExistingKey Keep: nothing is changed or claimed, and the return value is the key that is kept."""
    teams = keys.create(scene.aws)
    scene.put_key_by_hand(teams)

    created = scene.deploy(KmsKeyId=keys.create(scene.aws), OnExistingKey="Keep")
    kept = scene.encryption
    outputs = scene.stacks.outputs(scene.stack)
    scene.delete()

    assert created == CREATED
    assert (outputs["LogEncryptionKmsKeyArn"], outputs["LogEncryptionSkippedCount"]) == (teams, "1")
    assert kept == scene.encryption == Encryption(teams)


def test_tags_of_others_are_left_alone(scene: Scene) -> None:
    """Create and Delete touch the two tags of the contract only."""
    logs = scene.aws.client("logs")
    logs.tag_resource(resourceArn=scene.arn, tags={"team": "orders"})

    scene.deploy(KmsKeyId=keys.create(scene.aws))
    scene.delete()

    assert logs.list_tags_for_resource(resourceArn=scene.arn)["tags"] == {"team": "orders"}


def test_no_log_line_holds_a_response_url(scene: Scene) -> None:
    """A reader of the provider's log cannot answer in its name."""
    scene.deploy(KmsKeyId=keys.create(scene.aws))
    log = scene.stacks.outputs(provider.STACK)["LogGroupName"]
    pages = scene.aws.client("logs").get_paginator("filter_log_events").paginate(logGroupName=log)
    lines = [event["message"] for page in pages for event in page["events"]]

    assert any(scene.stack in line for line in lines)
    assert [line for line in lines if "X-Amz-Signature" in line] == []
