"""Stacks through their whole life: the provider as `sam deploy` puts it there, CloudFormation, and IAM enforced.

No test empties the embedded AWS: each has log groups, keys and stacks of its own. Asserted is what AWS shows and what
CloudFormation reports.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import Stacks, in_region, query_results_key
from local.demo import provider
from local.demo.associations import Encryption, encryption_of, owner_of, template
from local.emulator.script import Fault

#: The second Region's function has so many seconds, so that a short wait does not fit into one invocation.
SHORT_TIMEOUT = 13
CREATED, UPDATED = "CREATE_COMPLETE", "UPDATE_COMPLETE"


@pytest.fixture(scope="module")
def aws(deployed: EmbeddedAws) -> EmbeddedAws:
    """An account with the provider, shared by all tests here."""
    return deployed


@pytest.fixture(scope="module")
def other_region(aws: EmbeddedAws, sam: provider.Sam, built: Path) -> Iterator[EmbeddedAws]:
    """Another Region of the account, where the provider's function has little time."""
    short = built.with_name("short.yaml")
    patient = built.read_text()
    short.write_text(patient.replace("Timeout: 870", f"Timeout: {SHORT_TIMEOUT}"))
    assert short.read_text() != patient
    seen = in_region(aws, "eu-central-1")
    sam.deploy(seen, short, f"{provider.STACK}-short")
    yield seen
    seen.close()


@dataclass(frozen=True, slots=True)
class Scene:
    """One test's own log group and stack."""

    aws: EmbeddedAws
    log_group: str
    stack: str

    @classmethod
    def in_(cls, aws: EmbeddedAws) -> "Scene":
        """With a log group that somebody else made."""
        name = f"scene-{uuid4().hex[:8]}"
        scene = cls(aws, f"/{name}", name)
        scene.create_log_group(scene.log_group)
        return scene

    @property
    def stacks(self) -> Stacks:
        """All stacks of the Region."""
        return Stacks(self.aws)

    @property
    def encryption(self) -> Encryption | None:
        """What is in force on the log group."""
        return encryption_of(self.aws, self.log_group)

    @property
    def arn(self) -> str:
        """The log group's ARN, which is the physical id too."""
        return f"arn:aws:logs:{self.aws.region}:{self.aws.account}:log-group:{self.log_group}"

    def create_log_group(self, name: str, key: str | None = None) -> str:
        """A log group, under a key where one is given; its name."""
        self.aws.client("logs").create_log_group(logGroupName=name)
        if key:
            self.aws.client("logs").associate_kms_key(logGroupName=name, kmsKeyId=key)
        return name

    def put_key_by_hand(self, key: str) -> None:
        """Someone associates a key without telling anyone."""
        self.aws.client("logs").associate_kms_key(logGroupName=self.log_group, kmsKeyId=key)

    def deploy(self, stack: str | None = None, **properties: Any) -> str:
        """Create or update a stack with one association of the log group; the stack's status."""
        target = {} if "ResourceIdentifier" in properties else {"LogGroupName": self.log_group}
        return self.stacks.deploy(stack or self.stack, template(LogEncryption={**target, **properties}))

    def delete(self, stack: str | None = None) -> str:
        """Delete the stack; empty once it is gone."""
        return self.stacks.delete(stack or self.stack)

    def claimed(self, key: str, previous_key: str = "none", logical_id: str = "LogEncryption") -> Encryption:
        """The log group under *key*, owned by the stack's resource."""
        return Encryption(key, owner_of(self.stacks, self.stack, logical_id), previous_key)

    def calls(self, log_group: str | None = None) -> Counter[str]:
        """How often the provider called what about the log group."""
        about = log_group or self.log_group
        calls = self.aws.direction.calls()
        return Counter(call.operation for call in calls if call.by_function and call.log_group == about)


@pytest.fixture
def scene(aws: EmbeddedAws) -> Scene:
    """A log group and a stack's name that no other test has."""
    return Scene.in_(aws)


# --- Create, Update, Delete -------------------------------------------------------------------------------------------


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


# --- Failures and rollbacks -------------------------------------------------------------------------------------------


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
    """What had been associated before another resource of the stack failed is given back."""
    teams, key = keys.create(scene.aws), keys.create(scene.aws)
    scene.put_key_by_hand(teams)
    broken = template(
        LogEncryption={"LogGroupName": scene.log_group, "KmsKeyId": key},
        Broken={"LogGroupName": "/no/such/group", "KmsKeyId": key},
    )

    assert scene.stacks.deploy(scene.stack, broken) == "ROLLBACK_COMPLETE"
    assert scene.calls()["logs:AssociateKmsKey"] == 2
    assert scene.encryption == Encryption(teams)


# --- More than one writer ---------------------------------------------------------------------------------------------


def test_of_two_stacks_the_last_writer_wins(scene: Scene) -> None:
    """The first stack's Delete leaves the log group to the second, whose own Delete puts back the key that it found."""
    first, second = keys.create(scene.aws), keys.create(scene.aws)
    earlier = f"{scene.stack}-earlier"
    scene.deploy(earlier, KmsKeyId=first)
    scene.deploy(KmsKeyId=second)

    gone = scene.delete(earlier)
    after_first_delete = scene.encryption
    expected = scene.claimed(second, first)
    scene.delete()

    assert gone == ""
    assert after_first_delete == expected
    assert scene.encryption == Encryption(first)


def test_a_key_that_is_there_already_is_kept_by_the_delete(scene: Scene) -> None:
    """Who only confirms a key, does not take it away; a mark says so to a Delete that is delivered once more."""
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


# --- Options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_delete", ["RestorePrevious", "Disassociate", "Retain"])
def test_on_delete_says_what_the_log_group_is_left_with(scene: Scene, on_delete: str) -> None:
    """The key before, none, or the one in force; never a tag."""
    teams, key = keys.create(scene.aws), keys.create(scene.aws)
    scene.put_key_by_hand(teams)
    scene.deploy(KmsKeyId=key, OnDelete=on_delete)

    assert scene.delete() == ""
    left = {"RestorePrevious": teams, "Disassociate": None, "Retain": key}[on_delete]
    assert scene.encryption == Encryption(left)


def test_a_missing_log_group_is_created_encrypted_and_stays(scene: Scene) -> None:
    """OnMissingLogGroup Create: one call makes it with its key, and no Delete removes it."""
    key = keys.create(scene.aws)
    missing = f"{scene.log_group}/missing"

    created = scene.deploy(KmsKeyId=key, LogGroupName=missing, OnMissingLogGroup="Create")
    encryption, expected = encryption_of(scene.aws, missing), scene.claimed(key)
    scene.delete()

    assert created == CREATED
    assert encryption == expected
    assert scene.calls(missing)["logs:AssociateKmsKey"] == 0
    assert encryption_of(scene.aws, missing) == Encryption()


def test_a_long_propagation_wait_goes_on_in_a_further_invocation(other_region: EmbeddedAws) -> None:
    """The function invokes itself where the wait does not fit, and CloudFormation hears only after it."""
    scene = Scene.in_(other_region)
    key = keys.create(other_region)

    created = scene.deploy(KmsKeyId=key, PropagationWaitSeconds=5)
    calls = [call.operation for call in other_region.direction.calls() if call.region == other_region.region]

    assert created == CREATED
    assert calls.count("lambda:Invoke") >= 1
    # The claim is looked at once more after the wait, so in the last invocation.
    assert calls[-1] == "logs:ListTagsForResource"
    assert scene.calls()["logs:AssociateKmsKey"] == 1
    assert scene.encryption == scene.claimed(key)
    assert scene.stacks.outputs(scene.stack)["LogEncryptionAssociatedCount"] == "1"


@pytest.mark.parametrize("form", ["key id", "alias", "alias ARN"])
def test_a_key_may_be_named_in_any_way(scene: Scene, form: str) -> None:
    """What is associated and returned is always the key's ARN."""
    alias = f"alias/{scene.stack}"
    key = keys.create(scene.aws, alias)
    names = {"key id": key.rpartition("/")[2], "alias": alias, "alias ARN": f"{key.rpartition(':')[0]}:{alias}"}

    assert scene.deploy(KmsKeyId=names[form]) == CREATED
    assert scene.encryption == scene.claimed(key)
    assert scene.stacks.outputs(scene.stack)["LogEncryptionKmsKeyArn"] == key


def test_a_multi_region_key_may_be_named_by_its_id(scene: Scene) -> None:
    """An mrk- id means the key of this Region."""
    key = keys.create(scene.aws, MultiRegion=True)

    assert scene.deploy(KmsKeyId=key.rpartition("/")[2]) == CREATED
    assert scene.encryption == scene.claimed(key)


@pytest.mark.parametrize("suffix", ["", ":*"], ids=["plain ARN", "ARN with :*"])
def test_a_log_group_may_be_named_by_its_arn(scene: Scene, suffix: str) -> None:
    """Both forms of the ARN are the log group, under the same physical id."""
    key = keys.create(scene.aws)

    assert scene.deploy(KmsKeyId=key, ResourceIdentifier=scene.arn + suffix) == CREATED
    assert scene.encryption == scene.claimed(key)
    assert scene.stacks.physical_id(scene.stack, "LogEncryption") == scene.arn


def test_query_results_have_a_key_as_long_as_the_stack_lives(scene: Scene) -> None:
    """Create and Update associate, Delete disassociates; the log-group return values are empty."""
    first, second = keys.create(scene.aws), keys.create(scene.aws)
    query_results = f"arn:aws:logs:{scene.aws.region}:{scene.aws.account}:query-result:*"

    created = scene.deploy(KmsKeyId=first, ResourceIdentifier=query_results)
    after_create = query_results_key(scene.aws, scene.log_group)
    updated = scene.deploy(KmsKeyId=second, ResourceIdentifier=query_results)
    after_update = query_results_key(scene.aws, scene.log_group)
    outputs = scene.stacks.outputs(scene.stack)
    scene.delete()

    assert (created, after_create) == (CREATED, first)
    assert (updated, after_update) == (UPDATED, second)
    assert (outputs["LogEncryptionRef"], outputs["LogEncryptionLogGroupName"]) == (query_results, "")
    assert query_results_key(scene.aws, scene.log_group) is None


# --- What time heals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault.late_key_policy(times=3), id="the key's policy is seen late"),
        pytest.param(Fault.late_role_policy(times=2), id="the role's policy is seen late"),
        pytest.param(Fault.operation_aborted(times=4), id="someone else is changing the log group"),
        pytest.param(Fault.throttled(times=4), id="the account's rate is used up"),
        pytest.param(Fault.unavailable(times=3), id="the service has a bad moment"),
        pytest.param(Fault.operation_aborted("logs:TagResource", times=2), id="the claim is refused for now"),
        pytest.param(Fault.throttled("logs:DescribeLogGroups", times=4), id="reading is throttled"),
    ],
)
def test_what_is_refused_for_now_is_asked_again(scene: Scene, fault: Fault) -> None:
    """The stack is created all the same."""
    key = keys.create(scene.aws)
    scene.aws.direction.answer_with(
        Fault(fault.operation, fault.code, fault.message, fault.status, fault.times, scene.log_group)
    )

    assert scene.deploy(KmsKeyId=key) == CREATED
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


# --- Delete, whatever happened meanwhile ------------------------------------------------------------------------------


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


def test_tags_of_others_are_left_alone(scene: Scene) -> None:
    """Create and Delete touch the two tags of the contract only."""
    logs = scene.aws.client("logs")
    logs.tag_resource(resourceArn=scene.arn, tags={"team": "orders"})

    scene.deploy(KmsKeyId=keys.create(scene.aws))
    scene.delete()

    assert logs.list_tags_for_resource(resourceArn=scene.arn)["tags"] == {"team": "orders"}


def test_no_log_line_holds_a_response_url(scene: Scene) -> None:
    """Whoever may read the provider's log cannot answer in its name."""
    scene.deploy(KmsKeyId=keys.create(scene.aws))
    log = scene.stacks.outputs(provider.STACK)["LogGroupName"]
    pages = scene.aws.client("logs").get_paginator("filter_log_events").paginate(logGroupName=log)
    lines = [event["message"] for page in pages for event in page["events"]]

    assert any(scene.stack in line for line in lines)
    assert [line for line in lines if "X-Amz-Signature" in line] == []
