"""What nobody can do through the deployed provider: with a template, a fleet, a new log group, or a hand-made event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from e2e.scene import CREATED, Scene
from e2e.strangers import AUDIT, ENROLMENT, PROVIDER, STRANGER, hand_made, invoke
from e2e.waiting import eventually

from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import Stacks, make_log_groups
from local.demo.associations import Encryption, encryption_of, owner_of, template

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.demo.provider import Sam


@pytest.fixture(scope="module")
def guarded(sam: Sam, built: Path) -> Iterator[EmbeddedAws]:
    """An account whose provider has a fleet, and protects what is below /audit/; those log groups are there before."""
    with EmbeddedAws.start(auth=True, patient=True) as aws:
        aws.client("kms").create_alias(AliasName="alias/audit", TargetKeyId=keys.create(aws))
        make_log_groups(aws, [AUDIT, "/app"])
        aws.client("logs").associate_kms_key(logGroupName=AUDIT, kmsKeyId=arn_of(aws, "alias/audit"))
        key = keys.create(aws)
        parameters = {
            "ProtectedLogGroupNames": "/audit/*,/vault",
            "FleetKmsKeyId": key,
            "FleetOnExistingKey": "Override",
        }
        sam.deploy(aws, built, parameters=parameters)
        yield aws


def arn_of(aws: EmbeddedAws, alias: str) -> str:
    """The ARN of the key behind an alias."""
    return aws.client("kms").describe_key(KeyId=alias)["KeyMetadata"]["Arn"]


def untouched(aws: EmbeddedAws) -> Encryption:
    """The protected log group as it was before anything came."""
    return Encryption(arn_of(aws, "alias/audit"))


# --- protected log groups ---------------------------------------------------------------------------------------------


def test_the_providers_own_fleet_has_left_it(guarded: EmbeddedAws) -> None:
    """The fleet came when the provider was deployed, and took the other log group."""
    found = encryption_of(guarded, "/app")

    assert found is not None
    assert found.owner == owner_of(Stacks(guarded), PROVIDER, "Fleet").replace("one:", "fleet:")
    assert encryption_of(guarded, AUDIT) == untouched(guarded)


@pytest.mark.parametrize(
    "options",
    [{}, {"OnMissingLogGroup": "Create"}, {"OnExistingOwner": "TakeOver", "OnDelete": "Disassociate"}],
    ids=["as it is", "creates", "takes over"],
)
def test_a_template_cannot_touch_it(guarded: EmbeddedAws, options: dict[str, str]) -> None:
    """The stack fails with a Reason that names the parameter, rolls back, and is gone; nothing has changed."""
    stacks, stack = Stacks(guarded), f"names-it-{'-'.join(options)}x"
    properties = {"LogGroupName": AUDIT, "KmsKeyId": keys.create(guarded), **options}

    status = stacks.deploy(stack, template(LogEncryption=properties))

    (reason, *_) = stacks.failures(stack)
    assert status == "ROLLBACK_COMPLETE"
    assert "is protected by the provider's parameter ProtectedLogGroupNames" in reason
    assert stacks.delete(stack) == ""
    assert encryption_of(guarded, AUDIT) == untouched(guarded)


def test_another_fleet_cannot_touch_it(guarded: EmbeddedAws) -> None:
    """It counts as skipped; neither the Create nor the Delete of the fleet changes it."""
    stacks = Stacks(guarded)
    properties = {"LogGroupNamePrefix": "/audit", "KmsKeyId": keys.create(guarded), "OnExistingKey": "Override"}
    outputs = {"Skipped": {"Value": {"Fn::GetAtt": ["LogEncryption", "SkippedCount"]}}}
    body = json.loads(template(LogEncryption=properties)) | {"Outputs": outputs}

    assert stacks.deploy("fleet-over-it", json.dumps(body)) == CREATED
    assert stacks.outputs("fleet-over-it") == {"Skipped": "1"}
    assert encryption_of(guarded, AUDIT) == untouched(guarded)
    assert stacks.delete("fleet-over-it") == ""
    assert encryption_of(guarded, AUDIT) == untouched(guarded)


def test_enrolment_and_reconciliation_cannot_touch_it(guarded: EmbeddedAws) -> None:
    """A new log group below a protected name stays without a key; one beside it is enrolled."""
    for name in ("/audit/new", "/vault", "/beside"):
        guarded.client("logs").create_log_group(logGroupName=name)
    eventually(lambda: encryption_of(guarded, "/beside") != Encryption())

    told = invoke(guarded, ENROLMENT, {"Reconcile": True})

    assert told["SkippedCount"] >= 3
    assert [encryption_of(guarded, name) for name in ("/audit/new", "/vault")] == [Encryption()] * 2
    assert encryption_of(guarded, AUDIT) == untouched(guarded)


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="one log group"),
        pytest.param(
            {
                "PhysicalResourceId": "arn:aws:logs:eu-west-1:111122223333:log-group:/audit*",
                "ResourceProperties": {"LogGroupNamePrefix": "/audit", "KmsKeyId": "alias/audit"},
            },
            id="a fleet",
        ),
    ],
)
def test_a_hand_made_event_cannot_touch_it(guarded: EmbeddedAws, request_type: str, changes: dict[str, Any]) -> None:
    """Not even one that would be answered, whichever stack it names."""
    guarded.direction.forget_calls()

    for stack_id in (STRANGER, Stacks(guarded).stack_id(PROVIDER)):
        invoke(guarded, PROVIDER, hand_made(guarded, request_type, StackId=stack_id, **changes))

    assert encryption_of(guarded, AUDIT) == untouched(guarded)
    changing = [call.operation for call in guarded.direction.calls() if call.by_function and call.log_group == AUDIT]
    assert changing == []


# --- the ResponseURL --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://evil.example/{path}", id="a stranger's host"),
        pytest.param("https://evil.example\\@{host}/{path}", id="a stranger's host behind CloudFormation's"),
        pytest.param("https://user@{host}/{path}", id="a user"),
        pytest.param("https://{host}:8443/{path}", id="a port"),
        pytest.param(
            "https://{host}/arn%3Aaws%3Acloudformation%3Aeu-west-1%3A1%3Astack/a/b%7CL%7C1", id="another stack"
        ),
        pytest.param("http://169.254.169.254/{path}", id="the instance's metadata"),
        pytest.param("{endpoint}/bucket/{path}", id="a bucket"),
    ],
)
@pytest.mark.parametrize("request_type", ["Create", "Delete"])
def test_an_event_whose_answer_nobody_would_get_changes_nothing(scene: Scene, url: str, request_type: str) -> None:
    """It names a log group that another stack owns; it raises before a call, and the error holds no secret."""
    key = keys.create(scene.aws)
    assert scene.deploy(KmsKeyId=key) == CREATED
    before = scene.encryption
    stack_id = scene.stacks.stack_id(scene.stack)
    path = f"{quote(f'{stack_id}|LogEncryption|1', safe='/')}?X-Amz-Signature=5ec2e75ec2e7"
    host = f"cloudformation-custom-resource-response-euwest1.s3.{scene.aws.region}.amazonaws.com"
    event = hand_made(
        scene.aws,
        request_type,
        StackId=stack_id,
        PhysicalResourceId=scene.arn,
        ResourceProperties={"LogGroupName": scene.log_group, "KmsKeyId": keys.create(scene.aws)},
        ResponseURL=url.format(path=path, host=host, endpoint=scene.aws.endpoint),
    )
    scene.aws.direction.forget_calls()

    told = invoke(scene.aws, PROVIDER, event)

    assert "ResponseURL" in told["errorMessage"]
    assert "5ec2e7" not in json.dumps(told)
    assert scene.calls() == {}
    assert scene.encryption == before
