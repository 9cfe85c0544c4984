"""Bad input: FAILED with a clear Reason where a response is possible, a clean error where not, never a call to AWS."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cloudformation import STACK_ID
from support.lambda_context import LambdaContext

from log_group_kms.cloudformation.errors import NotAnEvent
from log_group_kms.handlers import provider as handler
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED

if TYPE_CHECKING:
    from functional.conftest import Deployment

KEY: Final = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
LONG: Final = "x" * 10_240
#: Of the double's stack, so that the host alone is at fault.
RESPONSE_PATH: Final = f"/{quote(STACK_ID, safe='/')}%7CLogEncryption%7C1?X-Amz-Signature=5ec2e7"

#: Values that no property takes.
CORPUS: Final[dict[str, Any]] = {
    "empty": "",
    "blank": " ",
    "long": LONG,
    "unicode": "лог-группа",
    "right to left": "\u202e/evil",
    "null byte": "/a\x00b",
    "surrogate": "\ud800",
    "line break": "/a\n/b",
    "list": ["/a"],
    "nested list": [["/a"]],
    "object": {"Ref": "LogGroup"},
    "empty object": {},
    "bucket": "arn:aws:s3:::bucket",
    "role": "arn:aws:iam::111122223333:role/r",
    "other account": "arn:aws:logs:eu-west-1:999988887777:log-group:/a",
    "other Region": "arn:aws:logs:us-east-1:111122223333:log-group:/a",
    "other partition": "arn:aws-cn:logs:cn-north-1:111122223333:log-group:/a",
    "half an ARN": "arn:aws:logs",
    "stream": "arn:aws:logs:eu-west-1:111122223333:log-group:/a:log-stream:b",
    "template": "${LogGroup}",
    "path": "../../etc/passwd\\",
    "format": "{target}%s",
}


@pytest.mark.parametrize(
    "name", ["KmsKeyId", "LogGroupName", "ResourceIdentifier", "OnDelete", "PropagationWaitSeconds"]
)
@pytest.mark.parametrize("value", [pytest.param(value, id=label) for label, value in CORPUS.items()])
def test_a_bad_value_is_named(deployment: Deployment, name: str, value: Any) -> None:
    """The Reason names the property; nothing is called; the Delete that follows succeeds."""
    properties: dict[str, Any] = {"KmsKeyId": KEY, "LogGroupName": "/aws/lambda/orders", name: value}
    if name == "ResourceIdentifier":
        del properties["LogGroupName"]
    event = deployment.cloudformation.event("Create") | {"ResourceProperties": properties}

    failed = deployment.send(event)

    assert (failed.status, failed.physical_resource_id) == ("FAILED", NOTHING_ASSOCIATED)
    assert name in failed.reason
    delete = deployment.cloudformation.event("Delete", physical_resource_id=failed.physical_resource_id)
    assert deployment.send(delete | {"ResourceProperties": properties}).status == "SUCCESS"
    assert deployment.aws.direction.calls() == []


@pytest.mark.parametrize(
    "properties",
    [None, [], "x", {}, {"": ""}, {LONG: LONG}, {"LogGroupName": None}, {f"Property{n}": "x" for n in range(60)}],
    ids=["none", "list", "text", "empty", "empty name", "long name", "null", "sixty"],
)
@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
def test_properties_that_are_none(deployment: Deployment, request_type: str, properties: Any) -> None:
    """Whatever stands for the properties, there is one response of a valid size, and no call."""
    event = deployment.cloudformation.event(request_type, physical_resource_id="some-id")

    response = deployment.send(event | {"ResourceProperties": properties})

    assert response.status == ("SUCCESS" if request_type == "Delete" else "FAILED")
    assert deployment.aws.direction.calls() == []


@pytest.mark.parametrize(
    "request_type", ["", "create", "CREATE", "Read", "poll_create", LONG, None, 1, ["Create"]], ids=repr
)
def test_an_unknown_request_type(deployment: Deployment, request_type: Any) -> None:
    """It is answered FAILED, with the ones that are known."""
    event = deployment.cloudformation.event("Create") | {"RequestType": request_type}

    failed = deployment.send(event)

    assert failed.status == "FAILED"
    assert "Create, Update, Delete" in failed.reason or request_type == LONG
    assert deployment.aws.direction.calls() == []


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        1,
        "not a url",
        "https://",
        "http://cloudformation.example/answer?X-Amz-Signature=5ec2e7",
        "http://127.0.0.1.evil.example/answer?X-Amz-Signature=5ec2e7",
        "http://localhost@evil.example/answer?X-Amz-Signature=5ec2e7",
        "ftp://127.0.0.1/answer",
        "file:///etc/passwd",
        "https://é.example/",
        f"https://evil.example{RESPONSE_PATH}",
        f"https://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com.evil.example{RESPONSE_PATH}",
        "http://127.0.0.1:4566/another/path?X-Amz-Signature=5ec2e7",
    ],
)
def test_a_response_url_that_cannot_be_used(
    deployment: Deployment, url: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Only CloudFormation, or loopback for local work: else it raises and counts; neither error nor log has the URL."""
    caplog.set_level(logging.DEBUG)
    event = deployment.cloudformation.event("Create") | {"ResponseURL": url}

    with pytest.raises(NotAnEvent, match="ResponseURL") as refused:
        handler.handler(event, LambdaContext())  # type: ignore[arg-type] # all that is used of Lambda's context

    said = "".join(capfd.readouterr())
    assert "5ec2e7" not in str(refused.value) + caplog.text + said
    assert '"NotAnEvent":[1.0]' in said.replace(" ", "")
    assert deployment.aws.direction.calls() == []


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
NAMES: Final = st.sampled_from(
    [
        "KmsKeyId",
        "LogGroupName",
        "ResourceIdentifier",
        "LogGroupNamePrefix",
        "ExcludeLogGroupNames",
        "OnDelete",
        "OnExistingKey",
        "OnMissingLogGroup",
        "PropagationWaitSeconds",
        "ServiceToken",
        "ServiceTimeout",
    ]
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    request_type=st.sampled_from(["Create", "Update", "Delete"]),
    properties=JSON
    | st.dictionaries(NAMES | st.text(max_size=12), JSON | st.sampled_from(["/a", KEY, "10"]), max_size=6),
    old=JSON,
    physical_id=st.none() | st.text(max_size=1100) | st.integers(),
)
def test_whatever_an_event_holds_it_is_answered_once(
    deployment: Deployment, request_type: str, properties: Any, old: Any, physical_id: Any
) -> None:
    """The double holds every response against the protocol: one, valid, at most 4,096 bytes."""
    event = deployment.cloudformation.event(request_type) | {
        "ResourceProperties": properties,
        "OldResourceProperties": old,
        "PhysicalResourceId": physical_id,
    }

    response = deployment.send(json.loads(json.dumps(event)))

    assert response.status in {"SUCCESS", "FAILED"}
    assert response.reason or response.status == "SUCCESS"


@given(event=JSON)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_is_no_event_raises_cleanly(deployment: Deployment, event: Any) -> None:
    """Nobody can be answered: one kind of error, nothing else."""
    with pytest.raises(NotAnEvent):
        handler.handler(event, LambdaContext())  # type: ignore[arg-type] # all that is used of Lambda's context
    assert deployment.aws.direction.calls() == []
