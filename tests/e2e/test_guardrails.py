"""The guardrails tried on a deployed provider: what they keep is denied, and nothing has changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from e2e.scene import CREATED, Scene
from emulator.roles import allow, someone_with

from local.client import keys
from local.client.server import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.client.embedded_aws import Credentials, EmbeddedAws

FUNCTION: Final = "log-group-kms-association"
OWNER: Final = "log-group-kms-association:owner"
PARAMETER: Final = "/log-group-kms-association/service-token"
GUARDRAILS: Final = PROJECT / "examples" / "landing-zone" / "guardrails"


def control() -> list[dict[str, Any]]:
    """All statements of the service control policies; they only deny, so a role's own policy may hold them as well."""
    policies = [json.loads((GUARDRAILS / name).read_text()) for name in ("scp-provider.json", "scp-use.json")]
    return [statement for policy in policies for statement in policy["Statement"]]


def administrator(aws: EmbeddedAws, name: str) -> Credentials:
    """Somebody whose own policies allow everything, under the service control policies."""
    return someone_with(aws, allow("*", "*"), *control(), name=name)


@pytest.fixture(scope="module")
def admin(deployed: EmbeddedAws) -> Credentials:
    """An account's administrator."""
    return administrator(deployed, f"admin-{uuid4().hex[:6]}")


def attempts(scene: Scene) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """What somebody might try, by service, operation and parameters."""
    return {
        "invoke by hand": ("lambda", "invoke", {"FunctionName": FUNCTION, "Payload": b"{}"}),
        "change the function": ("lambda", "update_function_configuration", {"FunctionName": FUNCTION, "Timeout": 3}),
        "delete the function": ("lambda", "delete_function", {"FunctionName": f"{FUNCTION}-responder"}),
        "let another account invoke it": (
            "lambda",
            "add_permission",
            {"FunctionName": FUNCTION, "StatementId": "x", "Action": "lambda:InvokeFunction", "Principal": "*"},
        ),
        "point others to another function": (
            "ssm",
            "put_parameter",
            {"Name": PARAMETER, "Value": "arn:aws:lambda:eu-west-1:111122223333:function:evil", "Overwrite": True},
        ),
        "claim a log group": ("logs", "tag_resource", {"resourceArn": scene.arn, "tags": {OWNER: "one:x/y/Z"}}),
        "take a claim off": ("logs", "untag_resource", {"resourceArn": scene.arn, "tagKeys": [OWNER]}),
        "create one with a claim": (
            "logs",
            "create_log_group",
            {"logGroupName": f"{scene.log_group}/claimed", "tags": {OWNER: "one:x/y/Z"}},
        ),
    }


NAMES: Final = (
    *("invoke by hand", "change the function", "delete the function", "let another account invoke it"),
    *("point others to another function", "claim a log group", "take a claim off", "create one with a claim"),
)


@pytest.mark.parametrize("name", NAMES)
def test_an_administrator_cannot(scene: Scene, admin: Credentials, name: str) -> None:
    """It is denied, though the administrator's own policies allow it; the provider and its tags are as before."""
    assert scene.deploy(KmsKeyId=keys.create(scene.aws)) == CREATED
    before = scene.encryption, state(scene.aws)
    service, operation, parameters = attempts(scene)[name]

    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        getattr(scene.aws.client(service, credentials=admin), operation)(**parameters)

    assert (scene.encryption, state(scene.aws)) == before


def test_an_administrator_may_do_the_rest(scene: Scene, admin: Credentials) -> None:
    """Log groups, their other tags, and other parameters are nobody's business; stacks are deployed as ever."""
    logs = scene.aws.client("logs", credentials=admin)
    logs.create_log_group(logGroupName=f"{scene.log_group}/own", tags={"team": "orders"})
    logs.tag_resource(resourceArn=scene.arn, tags={"team": "orders"})
    scene.aws.client("ssm", credentials=admin).put_parameter(Name=scene.log_group, Value="x", Type="String")
    found = scene.aws.client("lambda", credentials=admin).get_function_configuration(FunctionName=FUNCTION)

    assert found["FunctionName"] == FUNCTION
    assert scene.deploy(KmsKeyId=keys.create(scene.aws)) == CREATED
    assert logs.list_tags_for_resource(resourceArn=scene.arn)["tags"]["team"] == "orders"


def test_who_deploys_may(scene: Scene) -> None:
    """The role that is left out by its name does what the administrator may not."""
    deployer = administrator(scene.aws, "landing-zone-deployment")
    for service, operation, parameters in (attempts(scene)[name] for name in ("claim a log group", "take a claim off")):
        getattr(scene.aws.client(service, credentials=deployer), operation)(**parameters)
    ssm = scene.aws.client("ssm", credentials=deployer)
    ssm.put_parameter(Name=f"/{FUNCTION}/x", Value="x", Type="String")

    assert ssm.get_parameter(Name=f"/{FUNCTION}/x")["Parameter"]["Value"] == "x"


def state(aws: EmbeddedAws) -> Mapping[str, Any]:
    """What the guardrails keep, as root sees it."""
    functions = aws.client("lambda")
    configurations = {
        name: functions.get_function_configuration(FunctionName=name)["Timeout"]
        for name in (FUNCTION, f"{FUNCTION}-responder")
    }
    return configurations | {PARAMETER: aws.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"]}
