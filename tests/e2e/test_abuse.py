"""What strangers tried on the first version, one test each: nothing of it changes a log group of somebody else."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest
from e2e.scene import CREATED, QUOTA_FACTOR, UPDATED, Scene
from e2e.strangers import ENROLMENT, PROVIDER, STRANGER, hand_made, invoke
from e2e.waiting import eventually

from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import Stacks, make_log_groups
from local.demo.associations import (
    OWNER_TAG,
    PREVIOUS_KEY_TAG,
    Encryption,
    encryption_of,
    owner_of,
    template,
)
from log_group_kms.fleet.checkpoint import Checkpoint, Phase
from log_group_kms.lifecycle.progress import PROGRESS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.demo.provider import Sam

FLEET: Final = [f"/app/{number:03d}" for number in range(120)]
#: Two log groups of the fleet that somebody made beforehand: with somebody's owner tag, and with all tags there can be.
CLAIMED, CROWDED = "/app/claimed", "/app/crowded"
SOMEBODY: Final = "one:somebody/2f1a0c10-9c1e-11ef-8a2b-0a58a9feac03/LogEncryption"
MOST_TAGS: Final = 50
#: The phases that change log groups; all of them, with all that progress may say, are in the unit tests.
STRIPPING: Final = (Phase.CHANGE, Phase.RELEASE_CLAIMED, Phase.RELEASE, Phase.RELEASE_ABANDONED)


class Account:
    """An account whose provider has a fleet over /app/, which has been there for a while."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.stacks = Stacks(aws)
        self.key, self.strangers_key = keys.create(aws), keys.create(aws)
        self.fleet_arn = f"arn:aws:logs:{aws.region}:{aws.account}:log-group:/app/*"

    @property
    def held(self) -> Encryption:
        """A log group as the fleet leaves it."""
        return Encryption(self.key, owner_of(self.stacks, PROVIDER, "Fleet").replace("one:", "fleet:"), "none")

    def of(self, log_group: str) -> Encryption | None:
        """Return the encryption in force on a log group."""
        return encryption_of(self.aws, log_group)

    def key_counts(self) -> Counter[str]:
        """Count the log groups of the fleet, but for the two odd ones, by their key."""
        pages = self.aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/app/")
        groups = [group for page in pages for group in page["logGroups"]]
        return Counter(group.get("kmsKeyId", "") for group in groups if group["logGroupName"] in FLEET)

    def of_fleet(self, request_type: str, **changes: Any) -> dict[str, Any]:
        """An event of the fleet's own stack that a stranger makes up."""
        properties = {"LogGroupNamePrefix": "/app/", "KmsKeyId": self.key, "ServiceTimeout": "3600"}
        return hand_made(
            self.aws,
            request_type,
            StackId=self.stacks.stack_id(PROVIDER),
            LogicalResourceId="Fleet",
            PhysicalResourceId=self.fleet_arn,
            ResourceProperties=properties,
            OldResourceProperties=properties,
            **changes,
        )


@pytest.fixture(scope="module")
def account(sam: Sam, built: Path) -> Iterator[Account]:
    """The account as its fleet's Create leaves it."""
    with EmbeddedAws.start(auth=True, quota_factor=QUOTA_FACTOR, patient=True) as aws:
        account = Account(aws)
        make_log_groups(aws, FLEET)
        make_log_groups(aws, [CLAIMED], **{OWNER_TAG: SOMEBODY})
        make_log_groups(aws, [CROWDED], **{f"tag-{number}": "x" for number in range(MOST_TAGS)})
        parameters = {
            "FleetKmsKeyId": account.key,
            "FleetLogGroupNamePrefix": "/app/",
            # The quota here allows it, and a forged event at work is over sooner.
            "AssociationsPerSecond": "50",
        }
        sam.deploy(aws, built, parameters=parameters)
        yield account


# --- a stranger's stack -----------------------------------------------------------------------------------------------


def test_a_strangers_stack_takes_no_log_group_that_another_stack_owns(scene: Scene) -> None:
    """It fails with a Reason that names the owner and both ways out; the key stays, also when the stack is deleted."""
    key, strangers_key = keys.create(scene.aws), keys.create(scene.aws)
    assert scene.deploy(KmsKeyId=key) == CREATED
    stranger = f"{scene.stack}-stranger"

    status = scene.deploy(stranger, KmsKeyId=strangers_key, OnDelete="Disassociate")

    (reason, *_) = scene.stacks.failures(stranger)
    assert status == "ROLLBACK_COMPLETE"
    assert f"belongs to LogEncryption of stack {scene.stack}" in reason
    assert "Take the log group out of that stack first" in reason
    assert "OnExistingOwner: TakeOver" in reason
    assert scene.encryption == scene.claimed(key)
    assert scene.delete(stranger) == ""
    assert scene.encryption == scene.claimed(key)


def test_a_strangers_stack_takes_none_by_an_update_either(scene: Scene) -> None:
    """A replacement of its own log group by another stack's is rolled back, and leaves both as they were."""
    key, strangers_key = keys.create(scene.aws), keys.create(scene.aws)
    assert scene.deploy(KmsKeyId=key) == CREATED
    stranger, own = f"{scene.stack}-stranger", scene.create_log_group(f"{scene.log_group}-own")
    assert scene.deploy(stranger, KmsKeyId=strangers_key, LogGroupName=own) == CREATED
    before = encryption_of(scene.aws, own)

    status = scene.deploy(stranger, KmsKeyId=strangers_key)

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert scene.encryption == scene.claimed(key)
    assert encryption_of(scene.aws, own) == before
    assert scene.delete(stranger) == ""
    assert scene.encryption == scene.claimed(key)


def test_who_is_asked_takes_it_over(scene: Scene) -> None:
    """OnExistingOwner: TakeOver in the template is the one way; the former owner's Delete leaves it."""
    key, new_key = keys.create(scene.aws), keys.create(scene.aws)
    assert scene.deploy(KmsKeyId=key) == CREATED
    heir = f"{scene.stack}-heir"

    assert scene.deploy(heir, KmsKeyId=new_key, OnExistingOwner="TakeOver") == CREATED
    assert scene.delete() == ""

    assert scene.encryption == Encryption(new_key, owner_of(scene.stacks, heir, "LogEncryption"), key)


def test_an_owner_whose_stack_is_gone_stands_in_nobodys_way(scene: Scene) -> None:
    """Whoever writes a made-up owner into the tags keeps no stack from its log group; CloudFormation is asked."""
    key = keys.create(scene.aws)
    tag(scene, {OWNER_TAG: SOMEBODY})

    assert scene.deploy(KmsKeyId=key) == CREATED
    assert scene.encryption == scene.claimed(key)


# --- tags -------------------------------------------------------------------------------------------------------------


def test_a_remembered_key_that_is_closed_is_not_put_back(scene: Scene) -> None:
    """Somebody writes a key into the tag that CloudWatch Logs may not use: the Delete leaves none, and succeeds."""
    key = keys.create(scene.aws)
    closed = keys.create(scene.aws, Policy=keys.policy(keys.account_statement(scene.aws)))
    assert scene.deploy(KmsKeyId=key) == CREATED
    tag(scene, {PREVIOUS_KEY_TAG: closed})

    assert scene.delete() == ""
    assert scene.encryption == Encryption()


def test_a_log_group_that_is_born_with_somebodys_owner_tag_is_told_of_and_brought_in(account: Account) -> None:
    """The fleet's Create leaves it, as its owner may be at work, and so does another fleet's, which counts it.

    The reconciliation brings it in.
    """
    before = account.of(CLAIMED)
    other = template(Fleet={"LogGroupNamePrefix": CLAIMED, "KmsKeyId": account.strangers_key})
    assert account.stacks.deploy("other-fleet", other) == CREATED
    counted = account.stacks.outputs("other-fleet")
    assert account.stacks.delete("other-fleet") == ""
    after = account.of(CLAIMED)

    told = invoke(account.aws, ENROLMENT, {"Reconcile": True})

    assert before == after == Encryption(None, SOMEBODY, None)
    assert (counted["FleetAssociatedCount"], counted["FleetSkippedCount"]) == ("0", "1")
    assert told["AssociatedCount"] == 1
    assert account.of(CLAIMED) == account.held


def test_one_that_is_created_later_with_such_a_tag_is_enrolled_at_once(account: Account) -> None:
    """CloudTrail tells of it, and its owner's stack is gone."""
    account.aws.client("logs").create_log_group(logGroupName="/app/later", tags={OWNER_TAG: SOMEBODY})

    eventually(lambda: account.of("/app/later") == account.held)


def test_one_log_group_with_all_its_tags_rolls_nothing_back(account: Account) -> None:
    """The fleet's stack is there, all others are under the key, and each reconciliation counts the odd one."""
    told = invoke(account.aws, ENROLMENT, {"Reconcile": True})

    assert account.stacks.status(PROVIDER) in (CREATED, UPDATED)
    assert account.key_counts() == {account.key: 120}
    assert account.of(CROWDED) == Encryption()
    assert told["RefusedCount"] == 1


def test_one_such_log_group_in_a_stack_of_its_own_rolls_nothing_back(scene: Scene) -> None:
    """Thirty others are encrypted; the stack is created, and its output tells of the one."""
    names = [f"{scene.log_group}/{number:02d}" for number in range(30)]
    make_log_groups(scene.aws, names)
    make_log_groups(scene.aws, [f"{scene.log_group}/odd"], **{f"tag-{number}": "x" for number in range(MOST_TAGS)})
    fleet = {"LogGroupNamePrefix": f"{scene.log_group}/", "KmsKeyId": keys.create(scene.aws)}
    body = json.loads(template(Fleet=fleet))
    body["Outputs"]["Refused"] = {"Value": {"Fn::GetAtt": ["Fleet", "RefusedCount"]}}

    assert scene.stacks.deploy(scene.stack, json.dumps(body)) == CREATED

    found = [encryption_of(scene.aws, name) for name in names]
    assert [one.key if one else None for one in found] == [fleet["KmsKeyId"]] * 30
    outputs = scene.stacks.outputs(scene.stack)
    assert (outputs["FleetAssociatedCount"], outputs["Refused"]) == ("30", "1")


# --- hand-made events -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
def test_an_event_whose_answer_goes_to_another_stack_strips_no_fleet(account: Account, request_type: str) -> None:
    """It names the fleet's stack, and a ResponseURL of a stranger's: it raises, and nothing is called."""
    strangers = hand_made(account.aws, request_type, StackId=STRANGER)["ResponseURL"]
    event = account.of_fleet(request_type, ResponseURL=strangers)
    event["ResourceProperties"] = event["ResourceProperties"] | {"KmsKeyId": account.strangers_key}
    account.aws.direction.forget_calls()

    told = invoke(account.aws, PROVIDER, event)

    assert "ResponseURL" in told["errorMessage"]
    assert [call.operation for call in account.aws.direction.calls() if call.by_function] == []
    assert account.key_counts() == {account.key: 120}


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
def test_an_event_of_a_strangers_stack_strips_no_fleet(account: Account, request_type: str) -> None:
    """All its parts name the stranger's stack, but for the target: what the fleet owns is left alone."""
    event = account.of_fleet(request_type)
    event |= hand_made(account.aws, request_type, StackId=STRANGER, LogicalResourceId="Fleet") | {
        "PhysicalResourceId": account.fleet_arn,
        "ResourceProperties": event["ResourceProperties"]
        | {"KmsKeyId": account.strangers_key, "OnExistingKey": "Override"},
    }

    invoke(account.aws, PROVIDER, event)

    assert account.key_counts() == {account.key: 120}
    assert {name: account.of(name) for name in FLEET[::40]} == dict.fromkeys(FLEET[::40], account.held)


# --- hand-made progress -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", STRIPPING)
def test_made_up_progress_of_the_provider_changes_no_key(account: Account, phase: Phase) -> None:
    """Even where all else is right: an Update that changes nothing does not strip or re-key, whatever it is told."""
    for key in (account.key, account.strangers_key):
        progress = Checkpoint(phase, key, undoing=True, claimed=True, inherits=True).as_json()

        invoke(account.aws, PROVIDER, account.of_fleet("Update") | {PROGRESS: progress})

    assert account.key_counts() == {account.key: 120}
    assert {name: account.of(name) for name in FLEET[::40]} == dict.fromkeys(FLEET[::40], account.held)


@pytest.mark.parametrize("phase", STRIPPING)
def test_made_up_progress_of_a_reconciliation_changes_no_key(account: Account, phase: Phase) -> None:
    """While the fleet's rule is there, nothing is undone; its key is the one of its settings."""
    for key in (account.key, account.strangers_key):
        progress = Checkpoint(phase, key, undoing=True, claimed=True, inherits=True).as_json()

        invoke(account.aws, ENROLMENT, {"Reconcile": True, "Progress": progress, "Hops": 1})

    assert account.key_counts() == {account.key: 120}
    assert {name: account.of(name) for name in FLEET[::40]} == dict.fromkeys(FLEET[::40], account.held)


def tag(scene: Scene, tags: dict[str, str]) -> None:
    """Somebody writes into the tags of the log group."""
    scene.aws.client("logs").tag_resource(resourceArn=scene.arn, tags=tags)
