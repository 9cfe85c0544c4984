"""The roles of template.yaml are enough, and none of their permissions is too much: each is missed by something.

What the provider does without two of them, which are for convenience, is in `test_optional_permissions`.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from support.cloudformation import SERVICE_TOKEN, STACK_ID
from support.lambda_context import LambdaContext
from support.template import actions, as_list, statements

from local.client.embedded_aws import EmbeddedAws
from log_group_kms.aws.clients import Aws
from log_group_kms.aws.permissions import ACTIONS, ENROLMENT_ACTIONS
from log_group_kms.handlers import enrolment
from log_group_kms.handlers import provider as handler
from log_group_kms.handlers.enrolment import EnrolmentFailed
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

    from functional.conftest import Deployment

    from local.client.embedded_aws import Credentials

#: Where the embedded AWS is.
HERE: Final = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "111122223333",
    "AWS::URLSuffix": "amazonaws.com",
}
QUERY_RESULTS: Final = "arn:aws:logs:eu-west-1:111122223333:query-result:*"
#: Actions that nothing fails for the lack of, and what they spare.
OPTIONAL: Final = {
    "logs:ListLogGroups": "a fleet's Delete then reads the tags of every log group, and not of its own alone",
    "cloudformation:DescribeStacks": "an owner is then taken to be there, also where its stack is gone",
}


@pytest.fixture(scope="session")
def embedded_aws() -> Iterator[EmbeddedAws]:
    """One that enforces IAM; its quotas are for clocks that take no time, as for all functional tests."""
    with EmbeddedAws.start(auth=True, quota_factor=100.0) as aws:
        yield aws


def policy_without(action: str | None, role: str = "ProviderRole") -> str:
    """The role's policy, as CloudFormation would make it here, without one of its actions."""
    kept = []
    for statement in statements("associations", role, **HERE).values():
        left = [each for each in as_list(statement["Action"]) if each != action]
        kept += [{**statement, "Action": left}] if left else []
    return json.dumps({"Version": "2012-10-17", "Statement": kept})


def work_as(
    deployment: Deployment,
    policy: str,
    monkeypatch: pytest.MonkeyPatch,
    function_arn: str = SERVICE_TOKEN,
    module: ModuleType = handler,
) -> Credentials:
    """Let *module* run under a role with *policy*, and let there be the function that it calls to go on."""
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}
    iam = deployment.aws.client("iam")
    name = f"role-{uuid4().hex[:8]}"
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="associations", PolicyDocument=policy)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as package:
        package.writestr("index.py", "def handler(event, context):\n    pass\n")
    deployment.aws.client("lambda").create_function(
        FunctionName=function_arn.rpartition(":")[2],
        Role=role["Arn"],
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
    )
    credentials = deployment.aws.assume(role["Arn"])
    for variable, value in deployment.aws.environment_of(credentials).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(module, "aws", Aws())
    return credentials


def life(deployment: Deployment) -> list[str]:
    """All that the provider does; what of it went wrong, in words."""
    before, key, other = deployment.key(), deployment.key(), deployment.key()
    deployment.aws.client("kms").create_alias(AliasName="alias/logs", TargetKeyId=key)
    deployment.log_group("/with-a-key", before)
    deployment.log_group("/without")
    deployment.log_group("/by#name", before)
    first = {"KmsKeyId": "alias/logs", "LogGroupName": "/with-a-key"}
    new_key = first | {"KmsKeyId": other}
    bare = {"KmsKeyId": key, "LogGroupName": "/without"}
    by_name = {"KmsKeyId": key, "LogGroupName": "/by#name"}
    missing = {"KmsKeyId": key, "LogGroupName": "/missing", "OnMissingLogGroup": "Create"}
    queries = {"KmsKeyId": key, "ResourceIdentifier": QUERY_RESULTS}
    events: list[tuple[str, Mapping[str, Any]]] = [
        ("Create", first),
        ("Update", new_key),
        ("Delete", new_key),
        ("Create", bare),
        ("Delete", bare),
        ("Create", by_name),
        ("Delete", by_name),
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
    return [answer.reason for answer in deployment.cloudformation.responses_to(event)]


def test_the_role_is_enough(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes wrong with all that template.yaml gives it."""
    work_as(deployment, policy_without(None), monkeypatch)

    assert life(deployment) == []


@pytest.mark.parametrize("action", [action for action in actions("associations") if action not in OPTIONAL])
def test_no_permission_is_too_much(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, action: str) -> None:
    """Something fails without any one of its actions, and the Reason names what is missing."""
    work_as(deployment, policy_without(action), monkeypatch)

    wrong = life(deployment)

    assert wrong != []
    assert any(action.rstrip("*") in words for words in wrong), wrong


# --- a fleet under the provider's role --------------------------------------------------------------------------------


def fleets_life(deployment: Deployment) -> list[str]:
    """A fleet's Create, both its Updates and its Delete; what of it went wrong, in words."""
    before, key, other = deployment.key(), deployment.key(), deployment.key()
    deployment.log_group("/fleet/with-a-key", before)
    deployment.log_group("/fleet/without")
    first = {"KmsKeyId": key, "LogGroupNamePrefix": "/fleet/"}
    excluding = first | {"ExcludeLogGroupNames": ["/fleet/without"]}
    events: list[tuple[str, Mapping[str, Any], Mapping[str, Any] | None]] = [
        ("Create", first, None),
        ("Update", excluding, first),
        ("Update", excluding | {"KmsKeyId": other}, excluding),
        ("Delete", excluding | {"KmsKeyId": other}, None),
    ]
    wrong = []
    for request_type, properties, old in events:
        physical_id = None if request_type == "Create" else "arn:aws:logs:eu-west-1:111122223333:log-group:/fleet/*"
        event = deployment.cloudformation.event(
            request_type, properties=properties, old_properties=old, physical_resource_id=physical_id
        )
        answer = deployment.send(event)
        wrong += [f"{request_type}: {answer.reason}"] if answer.status == "FAILED" else []
    left = {name: deployment.key_of(name) for name in ("/fleet/with-a-key", "/fleet/without")}
    return wrong if left == {"/fleet/with-a-key": before, "/fleet/without": None} else [*wrong, f"Left: {left}"]


def test_the_role_is_enough_for_a_fleet(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The role is enough over a fleet's whole life, and where it goes on in a further invocation."""
    work_as(deployment, policy_without(None), monkeypatch)

    assert fleets_life(deployment) == []
    properties = {"KmsKeyId": deployment.key(), "LogGroupNamePrefix": "/fleet/"}
    monkeypatch.setenv("ASSOCIATIONS_PER_SECOND", "0.1")
    deployment.context.remaining_in_millis = 10_000
    event = deployment.cloudformation.event("Create", properties=properties)
    handler.handler(event, deployment.context)  # type: ignore[arg-type] # all that is used of Lambda's context
    assert deployment.cloudformation.responses_to(event) == []


# --- the enrolment's role ---------------------------------------------------------------------------------------------

ENROLMENTS_ARN: Final = "arn:aws:lambda:eu-west-1:111122223333:function:log-group-kms-association-enrolment"
RULE: Final = "log-group-kms-association-enrolment"


def creation_of(log_group: str) -> dict[str, Any]:
    """Return as much of CloudTrail's event as the function looks at."""
    return {"detail": {"eventName": "CreateLogGroup", "requestParameters": {"logGroupName": log_group}}}


@pytest.fixture
def enrol_as(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Credentials]:
    """Lets the enrolment run under a role with a policy."""
    deployment.aws.client("events").put_rule(Name=RULE, ScheduleExpression="rate(1 day)")
    settings = {
        "FLEET_STACK_ID": STACK_ID,
        "FLEET_LOGICAL_ID": "Fleet",
        "KMS_KEY_ID": "alias/logs",
        "LOG_GROUP_NAME_PREFIX": "/fleet/",
        "EXCLUDE_LOG_GROUP_NAMES": "",
        "ON_EXISTING_KEY": "Override",
        "ON_DELETE": "RestorePrevious",
        "ENROLMENT_RULE": RULE,
        "ASSOCIATIONS_PER_SECOND": "1000",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(enrolment, "clock", deployment.clock)

    def enrol(policy: str) -> Credentials:
        return work_as(deployment, policy, monkeypatch, ENROLMENTS_ARN, enrolment)

    return enrol


def enrolments_life(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All that the enrolment does; what of it went wrong, in words."""
    before, key = deployment.key(), deployment.key()
    deployment.aws.client("kms").create_alias(AliasName="alias/logs", TargetKeyId=key)
    for name in ("/fleet/new", "/fleet/missed", "/fleet/drifted", "/fleet/undone", "/fleet/undone#"):
        deployment.log_group(name, before)
    tried: list[tuple[str, Callable[[], object]]] = [
        ("enrolment", lambda: invoke(creation_of("/fleet/new"))),
        ("drift", lambda: deployment.aws.client("logs").disassociate_kms_key(logGroupName="/fleet/new")),
        ("dry run", lambda: invoke({"Reconcile": True, "DryRun": True})),
        ("undoing", lambda: undo(deployment, monkeypatch, "/fleet/undone", deployment.log_group("/fleet/undone-bare"))),
        ("undoing by name", lambda: undo(deployment, monkeypatch, "/fleet/undone#")),
        ("reconciliation", lambda: invoke({"Reconcile": True})),
        ("going on", lambda: go_on(deployment, monkeypatch)),
    ]
    wrong = []
    for what, act in tried:
        try:
            act()
        except EnrolmentFailed as failed:
            wrong.append(f"{what}: {failed}")
    left = {name: deployment.key_of(name) for name in ("/fleet/new", "/fleet/missed", "/fleet/drifted")}
    return wrong if set(left.values()) == {key} else [*wrong, f"Left: {left}"]


def invoke(event: Mapping[str, Any], remaining_in_millis: int = 900_000) -> dict[str, Any]:
    """Return the enrolment's result for *event*."""
    context = LambdaContext(remaining_in_millis, invoked_function_arn=ENROLMENTS_ARN)
    return enrolment.handler(event, context)  # type: ignore[arg-type] # all that is used of Lambda's context


def undo(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, *log_groups: str) -> None:
    """The fleet's rule goes amid an enrolment, so that it is given back; with no key before, and with one."""
    events = deployment.aws.client("events")
    for name in log_groups:
        associate = enrolment.aws.log_groups.associate

        def amid_the_work(*given: Any, associate: Callable[..., None] = associate) -> None:
            associate(*given)
            events.delete_rule(Name=RULE)

        try:
            with monkeypatch.context() as patch:
                patch.setattr(enrolment.aws.log_groups, "associate", amid_the_work)
                assert invoke(creation_of(name))["Fate"] == "given back"
        finally:
            events.put_rule(Name=RULE, ScheduleExpression="rate(1 day)")


def go_on(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than fits into one invocation."""
    for number in range(4):
        deployment.log_group(f"/fleet/more-{number}")
    with monkeypatch.context() as patch:
        patch.setenv("ASSOCIATIONS_PER_SECOND", "0.1")
        assert invoke({"Reconcile": True}, remaining_in_millis=10_000)["GoesOn"]


def test_the_enrolments_role_has_what_its_module_names() -> None:
    """Each action once, and no other: the provider's less what only its events need, and the look at its rule."""
    granted = actions("associations", "EnrolmentRole")

    assert sorted(granted) == sorted(ENROLMENT_ACTIONS)
    assert {"logs:CreateLogGroup", "logs:ListLogGroups", "events:DescribeRule"} == ENROLMENT_ACTIONS ^ ACTIONS


def test_the_enrolments_role_is_enough(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, enrol_as: Callable[[str], Credentials]
) -> None:
    """For enrolment, drift, dry run, undoing, reconciliation and a further invocation."""
    enrol_as(policy_without(None, "EnrolmentRole"))

    assert enrolments_life(deployment, monkeypatch) == []


@pytest.mark.parametrize("action", [one for one in actions("associations", "EnrolmentRole") if one not in OPTIONAL])
def test_no_permission_of_the_enrolments_is_too_much(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, enrol_as: Callable[[str], Credentials], action: str
) -> None:
    """Something fails without any one of its actions, and Lambda's record names what is missing."""
    enrol_as(policy_without(action, "EnrolmentRole"))

    wrong = enrolments_life(deployment, monkeypatch)

    assert wrong != []
    assert any(action.rstrip("*") in words for words in wrong), wrong


#: Calls that the enrolment has no business to make.
FORBIDDEN: Final[Mapping[str, tuple[str, str, Mapping[str, Any]]]] = {
    "create a log group": ("logs", "create_log_group", {"logGroupName": "/fleet/made"}),
    "put query results under a key": (
        "logs",
        "associate_kms_key",
        {"resourceIdentifier": QUERY_RESULTS, "kmsKeyId": "KEY"},
    ),
    "free query results": ("logs", "disassociate_kms_key", {"resourceIdentifier": QUERY_RESULTS}),
    "write a stranger's tag": ("logs", "tag_resource", {"resourceArn": "ARN", "tags": {"team": "orders"}}),
    "write one beside its own": (
        "logs",
        "tag_resource",
        {"resourceArn": "ARN", "tags": {OWNER_TAG: "x", "team": "orders"}},
    ),
    "take a stranger's tag off": ("logs", "untag_resource", {"resourceArn": "ARN", "tagKeys": ["team"]}),
    "delete a log group": ("logs", "delete_log_group", {"logGroupName": "/fleet/x"}),
    "use the key itself": ("kms", "encrypt", {"KeyId": "KEY", "Plaintext": b"x"}),
    "delete its rule": ("events", "delete_rule", {"Name": RULE}),
    "look at another rule": ("events", "describe_rule", {"Name": "another"}),
    "invoke the provider": (
        "lambda",
        "invoke",
        {"FunctionName": SERVICE_TOKEN, "InvocationType": "Event", "Payload": b"{}"},
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_the_enrolment_may_not_do(
    deployment: Deployment, enrol_as: Callable[[str], Credentials], what: str
) -> None:
    """It is denied, whoever gets hold of the function."""
    key = deployment.key()
    deployment.log_group("/fleet/x")
    deployment.aws.client("events").put_rule(Name="another", ScheduleExpression="rate(1 day)")
    arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/fleet/x"
    credentials = enrol_as(policy_without(None, "EnrolmentRole"))
    service, call, given = FORBIDDEN[what]
    client = deployment.aws.client(service, credentials=credentials)

    with pytest.raises(ClientError) as denied:
        getattr(client, call)(
            **{
                name: {"KEY": key, "ARN": arn}.get(value, value) if isinstance(value, str) else value
                for name, value in given.items()
            }
        )
    assert denied.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}


def test_what_the_enrolment_may_do_with_tags(deployment: Deployment, enrol_as: Callable[[str], Credentials]) -> None:
    """The other side of the above: its own three it may write and take off."""
    deployment.log_group("/fleet/x")
    arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/fleet/x"
    logs = deployment.aws.client("logs", credentials=enrol_as(policy_without(None, "EnrolmentRole")))
    own = {OWNER_TAG: "fleet:x/y/Fleet", PREVIOUS_KEY_TAG: "none", SCOPE_TAG: "prefix="}

    logs.tag_resource(resourceArn=arn, tags=own)
    assert deployment.tags_of("/fleet/x") == own
    logs.untag_resource(resourceArn=arn, tagKeys=list(own))
    assert deployment.tags_of("/fleet/x") == {}
