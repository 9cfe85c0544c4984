"""What the pages promise to a newcomer, on the account that has the provider: examples, and the way on."""

import json
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from e2e.scene import CREATED, UPDATED, Scene

from local.client import keys
from local.client.server import PROJECT
from local.demo.associations import encryption_of, owner_of, template

EXPORT = "LogGroupKmsAssociation-ServiceToken"


def test_a_resource_that_its_stacks_fleet_depends_on_gives_back_what_was_there(scene: Scene) -> None:
    """Both come under their keys; after the stack's Delete there is no key, as before, on either."""
    other = scene.create_log_group(f"{scene.log_group}-other")
    explicit, fleets = keys.create(scene.aws), keys.create(scene.aws)
    both = template(
        Orders={"LogGroupName": scene.log_group, "KmsKeyId": explicit},
        Fleet={"LogGroupNamePrefix": scene.log_group, "KmsKeyId": fleets},
    )

    created = scene.stacks.deploy(scene.stack, both)
    found = [encryption.key for name in (scene.log_group, other) if (encryption := encryption_of(scene.aws, name))]
    deleted = scene.delete()

    assert (created, found, deleted) == (CREATED, [explicit, fleets], "")
    for name in (scene.log_group, other):
        after = encryption_of(scene.aws, name)
        assert after
        assert (after.key, after.owner) == (None, None)


def test_a_function_its_log_group_and_their_key_in_one_template(scene: Scene) -> None:
    """The log group is there and encrypted before the function runs."""
    example = (PROJECT / "examples" / "function.yaml").read_text()

    status = scene.stacks.deploy(scene.stack, example)
    found = encryption_of(scene.aws, f"/aws/lambda/{scene.stack}")

    assert status == CREATED, scene.stacks.failures(scene.stack)
    assert found
    assert found.key == scene.stacks.outputs(scene.stack)["KmsKeyArn"]
    assert found.owner == owner_of(scene.stacks, scene.stack, "LogEncryption")
    assert scene.delete() == ""


def test_the_first_example_makes_the_log_group_where_it_is_missing(scene: Scene) -> None:
    """It works in an account that has no such function."""
    missing = f"/aws/lambda/missing-{uuid4().hex[:8]}"
    example = (PROJECT / "examples" / "log-group.yaml").read_text()

    status = scene.stacks.deploy(scene.stack, example, LogGroupName=missing)
    found = encryption_of(scene.aws, missing)

    assert status == CREATED
    assert found
    assert found.key == scene.stacks.outputs(scene.stack)["KmsKeyArn"]


def test_a_first_deployment_that_fails_leaves_no_key(scene: Scene) -> None:
    """Nothing was ingested under it; a key that was in use stays when its stack goes."""
    example = (PROJECT / "examples" / "log-group.yaml").read_text()

    failed = scene.stacks.deploy(scene.stack, example, LogGroupName="aws/reserved")
    [of_failed] = states_of_keys(scene, scene.stack)
    scene.stacks.delete(scene.stack)
    well = f"{scene.stack}-well"
    scene.stacks.deploy(well, example, LogGroupName=scene.log_group)
    scene.stacks.delete(well)

    assert (failed, of_failed) == ("ROLLBACK_COMPLETE", "PendingDeletion")
    assert states_of_keys(scene, well) == ["Enabled"]


def states_of_keys(scene: Scene, stack: str) -> list[str]:
    """The states of the keys that a stack has made, by the description that its template gives them."""
    kms = scene.aws.client("kms")
    pages = kms.get_paginator("list_keys").paginate()
    described = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for page in pages for key in page["Keys"]]
    return [key["KeyState"] for key in described if key.get("Description") == f"CloudWatch Logs ({stack})"]


def test_a_stack_lets_go_of_the_export_without_a_change(scene: Scene) -> None:
    """The ServiceToken written out is the same: no event is sent, and the export is not imported any more."""
    key = keys.create(scene.aws)
    scene.deploy(KmsKeyId=key)
    before = len(scene.aws.direction.events())
    assert scene.stack in imports(scene)

    written = json.loads(template(LogEncryption={"LogGroupName": scene.log_group, "KmsKeyId": key}))
    token = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:log-group-kms-association"
    written["Resources"]["LogEncryption"]["Properties"]["ServiceToken"] = {"Fn::Sub": token}
    status = scene.stacks.deploy(scene.stack, json.dumps(written))

    assert status in {CREATED, UPDATED}
    assert len(scene.aws.direction.events()) == before
    assert scene.stack not in imports(scene)
    assert scene.delete() == ""


def imports(scene: Scene) -> list[str]:
    """The stacks that import the ServiceToken."""
    try:
        return scene.aws.client("cloudformation").list_imports(ExportName=EXPORT)["Imports"]
    except ClientError as error:
        if "is not imported by any stack" not in str(error):
            raise
        return []


def test_a_second_provider_beside_the_first_is_refused(scene: Scene) -> None:
    """Its function's name is taken, as on AWS; the one that is there goes on working."""
    body = {
        "Resources": {
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": "log-group-kms-association",
                    "Code": {"ZipFile": "def handler(event, context): return 1"},
                    "Role": f"arn:aws:iam::{scene.aws.account}:role/any",
                    "Handler": "index.handler",
                    "Runtime": "python3.13",
                },
            }
        }
    }

    assert scene.stacks.deploy(scene.stack, json.dumps(body)) == "ROLLBACK_COMPLETE"
    assert "already exists" in scene.stacks.failures(scene.stack)[0]
    assert scene.delete() == ""
    assert scene.deploy(f"{scene.stack}-2", KmsKeyId=keys.create(scene.aws)) == CREATED


@pytest.mark.parametrize("timeout", [3601, 0])
def test_a_service_timeout_out_of_bounds(scene: Scene, timeout: int) -> None:
    """The stack fails at once, and the provider is not asked."""
    body = json.loads(template(LogEncryption={"LogGroupName": scene.log_group, "KmsKeyId": "alias/any"}))
    body["Resources"]["LogEncryption"]["Properties"]["ServiceTimeout"] = timeout

    assert scene.stacks.deploy(scene.stack, json.dumps(body)) == "ROLLBACK_COMPLETE"
    assert "ServiceTimeout must be an integer from 1 to 3600" in scene.stacks.failures(scene.stack)[0]
