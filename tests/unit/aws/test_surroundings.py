"""The port of `doctor` on AWS's own answers, as botocore's models allow them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import botocore.session
import pytest
from botocore.stub import Stubber

from log_group_kms.aws.surroundings import AwsSurroundings
from log_group_kms.model.errors import RoleDenied
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.surroundings import CentralizationRule, Provider, Trail

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY: Final = KeyArn("arn:aws:kms:eu-west-1:111122223333:key/1")
ROLE: Final = "arn:aws:iam::111122223333:role/path/admin"
STACK: Final = "arn:aws:cloudformation:eu-west-1:111122223333:stack/provider/1"
RULES: Final = "list_centralization_rules_for_organization"
RULE: Final = "get_centralization_rule_for_organization"


class Answers:
    """AWS, which gives these answers in their order."""

    def __init__(self) -> None:
        self.stubs: dict[str, Stubber] = {}
        self.identity = "arn:aws:sts::111122223333:assumed-role/admin/me"

    @property
    def surroundings(self) -> AwsSurroundings:
        """The port."""
        return AwsSurroundings(
            lambda service: self.stubs[service].client if service in self.stubs else None, lambda: self.identity
        )

    def to(self, service: str, operation: str, answer: dict[str, Any], **asked: Any) -> None:
        """Let the next call of *service* be this one, with this answer."""
        self._stub(service).add_response(operation, answer, asked or None)

    def refuse(self, service: str, operation: str, code: str, message: str = "") -> None:
        """Let the next call of *service* be refused."""
        self._stub(service).add_client_error(operation, code, message, 403)

    def _stub(self, service: str) -> Stubber:
        if service not in self.stubs:
            session = botocore.session.Session()
            session.set_credentials("A", "S")
            self.stubs[service] = Stubber(session.create_client(service, region_name="eu-west-1"))
            self.stubs[service].activate()
        return self.stubs[service]


@pytest.fixture
def answers() -> Iterator[Answers]:
    """All of its answers are asked for."""
    answers = Answers()
    yield answers
    for stub in answers.stubs.values():
        stub.assert_no_pending_responses()


def test_no_provider(answers: Answers) -> None:
    """Nothing more is asked."""
    answers.refuse("lambda", "get_function_configuration", "ResourceNotFoundException")

    assert answers.surroundings.provider() is None


@pytest.mark.parametrize(
    ("outputs", "version"),
    [
        (
            {
                "Outputs": [
                    {"OutputKey": "RoleArn", "OutputValue": ROLE},
                    {"OutputKey": "Version", "OutputValue": "1.2.3"},
                ]
            },
            "1.2.3",
        ),
        ({"Outputs": []}, ""),
        ({}, ""),
    ],
)
def test_a_provider(answers: Answers, outputs: dict[str, Any], version: str) -> None:
    """Its stack exports it, and that one's outputs tell the version."""
    export = {"ExportingStackId": STACK, "Name": "LogGroupKmsAssociation-ServiceToken", "Value": "arn"}
    other = {**export, "Name": "Other", "ExportingStackId": "other"}
    answers.to("lambda", "get_function_configuration", {"Role": ROLE}, FunctionName="log-group-kms-association")
    answers.to("cloudformation", "list_exports", {"Exports": [other], "NextToken": "next"})
    answers.to("cloudformation", "list_exports", {"Exports": [export]}, NextToken="next")
    stack = {"StackName": "provider", "CreationTime": datetime.now(UTC), "StackStatus": "CREATE_COMPLETE", **outputs}
    answers.to("cloudformation", "describe_stacks", {"Stacks": [stack]}, StackName=STACK)

    assert answers.surroundings.provider() == Provider(ROLE, STACK, version)


def test_a_provider_without_a_stack(answers: Answers) -> None:
    """Nobody exports it."""
    answers.to("lambda", "get_function_configuration", {"Role": ROLE})
    answers.to("cloudformation", "list_exports", {"Exports": []})

    assert answers.surroundings.provider() == Provider(ROLE)


@pytest.mark.parametrize(("names", "protected"), [("/audit/*,/vault", ("/audit/*", "/vault")), ("", ())])
def test_a_providers_protected_names(answers: Answers, names: str, protected: tuple[str, ...]) -> None:
    """They are in its function's environment."""
    environment = {"Variables": {"PROTECTED_LOG_GROUP_NAMES": names}}
    answers.to("lambda", "get_function_configuration", {"Role": ROLE, "Environment": environment})
    answers.to("cloudformation", "list_exports", {"Exports": []})

    assert answers.surroundings.provider() == Provider(ROLE, protected=protected)


def test_a_key_policy(answers: Answers) -> None:
    """It comes as text."""
    answers.to("kms", "get_key_policy", {"Policy": '{"Statement": []}'}, KeyId=KEY.text)

    assert answers.surroundings.key_policy(KEY) == {"Statement": []}


def test_what_is_denied(answers: Answers) -> None:
    """The error names the permission."""
    answers.refuse(
        "kms", "get_key_policy", "AccessDeniedException", "is not authorized to perform: kms:GetKeyPolicy on"
    )

    with pytest.raises(RoleDenied) as caught:
        answers.surroundings.key_policy(KEY)

    assert caught.value.action == "kms:GetKeyPolicy"


def test_callers(answers: Answers) -> None:
    """A role is known by its path; a user is as STS says."""
    role = {"Path": "/path/", "RoleName": "admin", "RoleId": "A" * 16, "Arn": ROLE, "CreateDate": 0}
    answers.to("iam", "get_role", {"Role": role}, RoleName="admin")
    assert answers.surroundings.caller() == ROLE

    answers.identity = "arn:aws:iam::111122223333:user/me"
    assert answers.surroundings.caller() == answers.identity


def test_a_simulation(answers: Answers) -> None:
    """What is not allowed comes back; a key with several values is a list."""
    answers.to(
        "iam",
        "simulate_principal_policy",
        {
            "EvaluationResults": [
                {"EvalActionName": "a:A", "EvalDecision": "allowed"},
                {"EvalActionName": "a:B", "EvalDecision": "implicitDeny"},
                {"EvalActionName": "a:C", "EvalDecision": "explicitDeny"},
            ]
        },
        PolicySourceArn=ROLE,
        ActionNames=["a:A", "a:B", "a:C"],
        ResourceArns=[KEY.text],
        ContextEntries=[
            {"ContextKeyName": "aws:One", "ContextKeyType": "string", "ContextKeyValues": ["1"]},
            {"ContextKeyName": "aws:Two", "ContextKeyType": "stringList", "ContextKeyValues": ["1", "2"]},
        ],
    )

    refused = answers.surroundings.not_allowed(
        ROLE, ("a:A", "a:B", "a:C"), KEY.text, {"aws:One": ("1",), "aws:Two": ("1", "2")}
    )

    assert refused == ("a:B", "a:C")


def advanced(**fields: list[str]) -> dict[str, Any]:
    """Advanced selectors with one of these fields."""
    selected = [{"Field": field, "Equals": values} for field, values in fields.items()]
    return {"AdvancedEventSelectors": [{"FieldSelectors": selected}]}


@pytest.mark.parametrize(
    ("selectors", "writes"),
    [
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}, True),
        ({"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]}, True),
        ({"EventSelectors": [{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}]}, False),
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": False}]}, False),
        (advanced(eventCategory=["Management"]), True),
        (advanced(eventCategory=["Management"], readOnly=["false"]), True),
        (advanced(eventCategory=["Management"], readOnly=["true"]), False),
        (advanced(eventCategory=["Data"]), False),
        ({}, False),
    ],
)
def test_trails(answers: Answers, selectors: dict[str, Any], writes: bool) -> None:  # noqa: FBT001 - a column
    """Those of the Region and of all Regions, each with what it selects."""
    trail = {"Name": "all", "TrailARN": "arn:all", "IsMultiRegionTrail": True, "HomeRegion": "us-east-1"}
    elsewhere = {"Name": "us", "TrailARN": "arn:us", "IsMultiRegionTrail": False, "HomeRegion": "us-east-1"}
    answers.to("cloudtrail", "describe_trails", {"trailList": [elsewhere, trail]}, includeShadowTrails=True)
    answers.to("cloudtrail", "get_trail_status", {"IsLogging": True}, Name="arn:all")
    answers.to("cloudtrail", "get_event_selectors", selectors, TrailName="arn:all")

    assert answers.surroundings.trails("eu-west-1") == (Trail("all", logging=True, management_writes=writes),)


@pytest.mark.parametrize(
    ("source", "skips"),
    [
        ({"SourceLogsConfiguration": {"EncryptedLogGroupStrategy": "SKIP"}}, True),
        ({"SourceLogsConfiguration": {"EncryptedLogGroupStrategy": "ALLOW"}}, False),
        ({}, False),
    ],
)
def test_centralization(answers: Answers, source: dict[str, Any], skips: bool) -> None:  # noqa: FBT001 - a column
    """Each rule with its Regions; one for metrics alone skips nothing."""
    rule = {"Source": {"Regions": ["eu-west-1"], **source}, "Destination": {"Region": "eu-west-1"}}
    answers.to("observabilityadmin", RULES, {"CentralizationRuleSummaries": [{"RuleName": "all"}]}, AllRegions=True)
    answers.to("observabilityadmin", RULE, {"CentralizationRule": rule}, RuleIdentifier="all")

    found = answers.surroundings.centralization()

    assert found == (CentralizationRule("all", ("eu-west-1",), skips_encrypted=skips),)


def test_a_botocore_that_knows_no_centralization(answers: Answers) -> None:
    """It cannot be looked up."""
    assert answers.surroundings.centralization() is None
