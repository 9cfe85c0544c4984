"""ProtectedLogGroupNames is held by IAM: the roles' Deny alone, with functions that know nothing of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError
from functional.test_least_privilege import ENROLMENTS_ARN, HERE, work_as
from support.cloudformation import SERVICE_TOKEN
from support.template import policies

from local.client.embedded_aws import EmbeddedAws
from log_group_kms.handlers import enrolment
from log_group_kms.handlers import provider as handler
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from functional.conftest import Deployment

    from local.client.embedded_aws import Credentials

PROTECTED: Final = ("/audit/*", "/vault")
NAMES: Final = ("/audit/trail", "/vault")


@pytest.fixture(scope="session")
def embedded_aws() -> Iterator[EmbeddedAws]:
    """One that enforces IAM; its quotas are for clocks that take no time: what is denied is tried again for minutes."""
    with EmbeddedAws.start(auth=True, quota_factor=100.0) as aws:
        yield aws


def policy_of(role: str) -> str:
    """All that the role's policies say where these names are protected; without what refers to a resource."""
    names: dict[str, Any] = {**HERE, "ProtectedLogGroupNames": list(PROTECTED)}
    found = [one for one in policies(role, **names) if one["PolicyName"] in {"associations", "protected"}]
    statements = [each for policy in found for each in policy["PolicyDocument"]["Statement"]]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture
def credentials(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Credentials:
    """The provider's, whose code does not know what is protected."""
    monkeypatch.delenv("PROTECTED_LOG_GROUP_NAMES", raising=False)
    return work_as(deployment, policy_of("ProviderRole"), monkeypatch, SERVICE_TOKEN, handler)


@pytest.fixture
def key(deployment: Deployment) -> str:
    """A key that is on each of the protected log groups before."""
    before = deployment.key()
    for name in NAMES:
        deployment.log_group(name, before)
    return before


@pytest.mark.parametrize("name", NAMES)
def test_an_explicit_resource_is_refused_by_iam(
    deployment: Deployment, credentials: Credentials, key: str, name: str
) -> None:
    """The Reason says that a policy denies it, and names the parameter; nothing has changed."""
    del credentials
    event = deployment.cloudformation.event("Create", properties={"KmsKeyId": deployment.key(), "LogGroupName": name})

    failed = deployment.send(event)

    assert failed.status == "FAILED"
    assert "which a policy denies explicitly" in failed.reason
    assert "ProtectedLogGroupNames" in failed.reason
    assert (deployment.key_of(name), deployment.tags_of(name)) == (key, {})


def test_a_fleet_is_refused_by_iam(deployment: Deployment, credentials: Credentials, key: str) -> None:
    """Whatever becomes of the others, the protected ones are as they were."""
    del credentials
    properties = {"KmsKeyId": deployment.key(), "LogGroupNamePrefix": "/", "OnExistingKey": "Override"}

    deployment.send(deployment.cloudformation.event("Create", properties=properties))

    assert {deployment.key_of(name) for name in NAMES} == {key}
    assert [deployment.tags_of(name) for name in NAMES] == [{}, {}]


#: All calls that would change a log group.
CALLS: Final[Mapping[str, Callable[[str, str], dict[str, Any]]]] = {
    "associate_kms_key": lambda name, key: {"logGroupName": name, "kmsKeyId": key},
    "disassociate_kms_key": lambda name, _: {"logGroupName": name},
    "tag_resource": lambda name, _: {"resourceArn": arn_of(name), "tags": {OWNER_TAG: "x"}},
    "untag_resource": lambda name, _: {"resourceArn": arn_of(name), "tagKeys": [PREVIOUS_KEY_TAG]},
    "create_log_group": lambda name, _: {"logGroupName": f"{name}/new"},
    "tag_log_group": lambda name, _: {"logGroupName": name, "tags": {OWNER_TAG: "x"}},
    "untag_log_group": lambda name, _: {"logGroupName": name, "tags": [OWNER_TAG]},
    "delete_log_group": lambda name, _: {"logGroupName": name},
}


def arn_of(name: str) -> str:
    """A log group's ARN, as the calls for tags take it."""
    return f"arn:aws:logs:eu-west-1:111122223333:log-group:{name}"


#: Each role, its function's ARN, and its code.
ROLES: Final[Mapping[str, tuple[str, Any]]] = {
    "ProviderRole": (SERVICE_TOKEN, handler),
    "EnrolmentRole": (ENROLMENTS_ARN, enrolment),
}


@pytest.mark.parametrize("role", ROLES)
def test_no_call_of_either_role_reaches_one(
    deployment: Deployment, key: str, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    """Whatever the code may ask for in the role's name is denied on a protected name, and left as it was."""
    credentials = work_as(deployment, policy_of(role), monkeypatch, *ROLES[role])
    logs = deployment.aws.client("logs", credentials=credentials)
    stranger = deployment.key()

    for call, parameters in CALLS.items():
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(logs, call)(**parameters("/audit/trail", stranger))

    assert (deployment.key_of("/audit/trail"), deployment.tags_of("/audit/trail")) == (key, {})


def test_what_is_not_protected_is_as_before(deployment: Deployment, credentials: Credentials, key: str) -> None:
    """A name that only begins like a protected one is associated."""
    del credentials, key
    wanted = deployment.key()
    for name in ("/vault2", "/audits"):
        deployment.log_group(name)
        event = deployment.cloudformation.event("Create", properties={"KmsKeyId": wanted, "LogGroupName": name})
        assert deployment.send(event).status == "SUCCESS"
        assert deployment.key_of(name) == wanted
