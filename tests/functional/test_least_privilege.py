"""The role of template.yaml is enough, and none of its permissions is too much: each is missed by something."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest
from support.cloudformation import SERVICE_TOKEN
from support.template import actions, as_list, statements

from local.embedded_aws import EmbeddedAws
from log_group_kms import handler
from log_group_kms.aws import Aws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from functional.conftest import Deployment

#: Where the embedded AWS is.
HERE: Final = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "111122223333",
    "AWS::URLSuffix": "amazonaws.com",
}
QUERY_RESULTS: Final = "arn:aws:logs:eu-west-1:111122223333:query-result:*"


@pytest.fixture(scope="session")
def embedded_aws() -> Iterator[EmbeddedAws]:
    """One that enforces IAM."""
    with EmbeddedAws.start(auth=True) as aws:
        yield aws


def policy_without(action: str | None) -> str:
    """The role's policy, as CloudFormation would make it here, without one of its actions."""
    kept = []
    for statement in statements("associations", **HERE).values():
        left = [each for each in as_list(statement["Action"]) if each != action]
        kept += [{**statement, "Action": left}] if left else []
    return json.dumps({"Version": "2012-10-17", "Statement": kept})


def work_as(deployment: Deployment, policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the handler run under a role with *policy*, and let there be the function that it calls to go on."""
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}
    iam = deployment.aws.client("iam")
    name = f"provider-{uuid4().hex[:8]}"
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="associations", PolicyDocument=policy)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as package:
        package.writestr("index.py", "def handler(event, context):\n    pass\n")
    deployment.aws.client("lambda").create_function(
        FunctionName=SERVICE_TOKEN.rpartition(":")[2],
        Role=role["Arn"],
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
    )
    for variable, value in deployment.aws.environment_of(deployment.aws.assume(role["Arn"])).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(handler, "aws", Aws())


def life(deployment: Deployment) -> list[str]:
    """All that the provider does; what of it went wrong, in words."""
    before, key, other = deployment.key(), deployment.key(), deployment.key()
    deployment.aws.client("kms").create_alias(AliasName="alias/logs", TargetKeyId=key)
    deployment.log_group("/with-a-key", before)
    deployment.log_group("/without")
    first = {"KmsKeyId": "alias/logs", "LogGroupName": "/with-a-key"}
    new_key = first | {"KmsKeyId": other}
    bare = {"KmsKeyId": key, "LogGroupName": "/without"}
    missing = {"KmsKeyId": key, "LogGroupName": "/missing", "OnMissingLogGroup": "Create"}
    queries = {"KmsKeyId": key, "ResourceIdentifier": QUERY_RESULTS}
    events: list[tuple[str, Mapping[str, Any]]] = [
        ("Create", first),
        ("Update", new_key),
        ("Delete", new_key),
        ("Create", bare),
        ("Delete", bare),
        ("Create", missing),
        ("Create", queries),
        ("Delete", queries),
    ]
    wrong = []
    for request_type, properties in events:
        target = f"log-group:{properties['LogGroupName']}" if "LogGroupName" in properties else "query-result:*"
        physical_id = None if request_type == "Create" else f"arn:aws:logs:eu-west-1:111122223333:{target}"
        event = deployment.cloudformation.event(request_type, properties=properties, physical_resource_id=physical_id)
        answer = deployment.send(event)
        if answer.status == "FAILED" or answer.reason:
            wrong.append(f"{request_type} {target}: {answer.reason}")
    return [*wrong, *going_on(deployment, bare)]


def going_on(deployment: Deployment, properties: Mapping[str, Any]) -> list[str]:
    """A wait that a further invocation has to end: nothing is answered yet."""
    deployment.context.remaining_in_millis = 100_000
    event = deployment.cloudformation.event("Create", properties={**properties, "PropagationWaitSeconds": 600})
    handler.handler(event, deployment.context)  # type: ignore[arg-type] # all that is used of Lambda's context
    return [answer.reason for answer in deployment.cloudformation.answers_to(event)]


def test_the_role_is_enough(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that template.yaml gives it, nothing goes wrong."""
    work_as(deployment, policy_without(None), monkeypatch)

    assert life(deployment) == []


@pytest.mark.parametrize("action", actions("associations"))
def test_no_permission_is_too_much(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, action: str) -> None:
    """Without any one of its actions something fails, and the Reason names what is missing."""
    work_as(deployment, policy_without(action), monkeypatch)

    wrong = life(deployment)

    assert wrong != []
    assert any(action.rstrip("*") in words for words in wrong), wrong
