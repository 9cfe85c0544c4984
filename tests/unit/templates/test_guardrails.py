"""The guardrails: policies that IAM and Organizations would take, and that keep what they say from whom they say."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from support.policy_evaluation import Call, decision
from support.template import as_list, load
from unit.templates.names import LANDING_ZONE, NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GUARDRAILS: Final = LANDING_ZONE / "guardrails"
FILES: Final = {path.name: path for path in sorted(GUARDRAILS.glob("*.json"))}
CONTROL: Final = ("scp-provider.json", "scp-use.json")
each_file = pytest.mark.parametrize("name", FILES)

#: In characters, as they are sent. AWS Organizations user guide and IAM user guide, quotas.
LONGEST: Final = {"scp-provider.json": 5_120, "scp-use.json": 5_120, "who-deploys.json": 6_144}
EVERYTHING: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

ADMIN: Final = "arn:aws:iam::111122223333:role/admin"
DEPLOYERS: Final = (
    "arn:aws:iam::111122223333:role/stacksets-exec-0a1b2c3d",
    "arn:aws:iam::111122223333:role/landing-zone-deployment",
)
OURS: Final = f"arn:aws:iam::111122223333:role/{NAME}/StackSet-ProviderRole-0A1B"
FUNCTION: Final = f"arn:aws:lambda:eu-west-1:111122223333:function:{NAME}"
RULE: Final = f"arn:aws:events:eu-west-1:111122223333:rule/{NAME}"
QUEUE: Final = "arn:aws:sqs:eu-west-1:111122223333:StackSet-landing-zone-logs-1-EnrolmentQueue-0A1B"
ALARM: Final = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:StackSet-landing-zone-logs-1"
LOG_GROUP: Final = "arn:aws:logs:eu-west-1:111122223333:log-group"
KEY: Final = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ALIAS: Final = "arn:aws:kms:eu-west-1:111122223333:alias/landing-zone-logs"
PARAMETER: Final = f"arn:aws:ssm:eu-west-1:111122223333:parameter/{NAME}/service-token"
STACK: Final = "arn:aws:cloudformation:eu-west-1:111122223333:stack/StackSet-landing-zone-logs-1/0a1b"

#: What nobody but who deploys may do.
KEPT: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("lambda:UpdateFunctionCode", FUNCTION, {}),
    ("lambda:UpdateFunctionConfiguration", f"{FUNCTION}-enrolment", {}),
    ("lambda:DeleteFunction", f"{FUNCTION}-responder", {}),
    ("lambda:CreateFunction", FUNCTION, {}),
    ("lambda:AddPermission", FUNCTION, {}),
    ("lambda:CreateFunctionUrlConfig", FUNCTION, {}),
    ("lambda:PutFunctionConcurrency", FUNCTION, {}),
    ("lambda:PutFunctionEventInvokeConfig", FUNCTION, {}),
    ("lambda:RemovePermission", FUNCTION, {}),
    ("iam:PutRolePolicy", OURS, {}),
    ("iam:DeleteRolePolicy", OURS, {}),
    ("iam:AttachRolePolicy", OURS, {}),
    ("iam:UpdateAssumeRolePolicy", OURS, {}),
    ("iam:PutRolePermissionsBoundary", OURS, {}),
    ("iam:PassRole", OURS, {}),
    ("iam:DeleteRole", OURS, {}),
    ("events:DeleteRule", f"{RULE}-enrolment", {}),
    ("events:DisableRule", f"{RULE}-reconcile", {}),
    ("events:RemoveTargets", f"{RULE}-enrolment", {}),
    ("events:PutTargets", f"{RULE}-reconcile", {}),
    ("events:PutRule", f"{RULE}-key", {}),
    ("sqs:DeleteQueue", QUEUE, {}),
    ("sqs:SetQueueAttributes", QUEUE, {}),
    ("cloudwatch:DeleteAlarms", f"{ALARM}-ResponderAlarm-0A1B", {}),
    ("cloudwatch:DisableAlarmActions", f"{ALARM}-EnrolmentAlarm-0A1B", {}),
    ("cloudwatch:PutMetricAlarm", f"{ALARM}-LogsKeyAlarm-0A1B", {}),
    ("logs:DeleteLogGroup", f"{LOG_GROUP}:/aws/lambda/{NAME}-0a1b:*", {}),
    ("ssm:PutParameter", PARAMETER, {}),
    ("ssm:DeleteParameter", PARAMETER, {}),
    ("cloudformation:DeleteStack", STACK, {}),
    ("cloudformation:UpdateStack", STACK, {}),
    ("kms:ScheduleKeyDeletion", KEY, {"kms:ResourceAliases": ["alias/landing-zone-logs"]}),
    ("kms:DisableKey", KEY, {"kms:ResourceAliases": ["alias/x", "alias/landing-zone-logs"]}),
    ("kms:PutKeyPolicy", KEY, {"kms:ResourceAliases": ["alias/landing-zone-logs"]}),
    ("kms:DeleteAlias", ALIAS, {}),
    ("kms:UpdateAlias", ALIAS, {}),
    ("logs:TagResource", f"{LOG_GROUP}:/orders", {"aws:TagKeys": [f"{NAME}:owner"]}),
    ("logs:TagResource", f"{LOG_GROUP}:/orders", {"aws:TagKeys": ["team", f"{NAME}:scope"]}),
    ("logs:UntagResource", f"{LOG_GROUP}:/orders", {"aws:TagKeys": [f"{NAME}:previous-key"]}),
    ("logs:TagLogGroup", f"{LOG_GROUP}:/orders", {"aws:TagKeys": [f"{NAME}:owner"]}),
    ("logs:CreateLogGroup", f"{LOG_GROUP}:/orders", {"aws:TagKeys": [f"{NAME}:owner"]}),
    ("lambda:InvokeFunction", FUNCTION, {}),
    ("lambda:InvokeFunction", f"{FUNCTION}-enrolment", {"aws:CalledVia": ["athena.amazonaws.com"]}),
]

#: What everybody goes on doing.
LEFT: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("lambda:InvokeFunction", FUNCTION, {"aws:CalledVia": ["cloudformation.amazonaws.com"]}),
    ("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:111122223333:function:orders", {}),
    ("lambda:UpdateFunctionCode", "arn:aws:lambda:eu-west-1:111122223333:function:orders", {}),
    ("lambda:GetFunctionConfiguration", FUNCTION, {}),
    ("iam:PassRole", "arn:aws:iam::111122223333:role/orders", {}),
    ("iam:GetRole", OURS, {}),
    ("events:PutRule", "arn:aws:events:eu-west-1:111122223333:rule/orders", {}),
    ("sqs:PurgeQueue", QUEUE, {}),
    ("logs:CreateLogGroup", f"{LOG_GROUP}:/orders", {}),
    ("logs:CreateLogGroup", f"{LOG_GROUP}:/orders", {"aws:TagKeys": ["team"]}),
    ("logs:TagResource", f"{LOG_GROUP}:/orders", {"aws:TagKeys": ["team"]}),
    ("logs:DeleteLogGroup", f"{LOG_GROUP}:/orders", {}),
    ("logs:PutLogEvents", f"{LOG_GROUP}:/orders", {}),
    ("kms:ScheduleKeyDeletion", KEY, {"kms:ResourceAliases": ["alias/orders"]}),
    ("kms:ScheduleKeyDeletion", KEY, {}),
    ("kms:Decrypt", KEY, {"kms:ResourceAliases": ["alias/landing-zone-logs"]}),
    ("kms:CancelKeyDeletion", KEY, {"kms:ResourceAliases": ["alias/landing-zone-logs"]}),
    ("ssm:GetParameter", PARAMETER, {}),
    ("cloudformation:CreateStack", "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/1", {}),
]


def document(name: str) -> dict[str, Any]:
    """The policy in a file."""
    found: dict[str, Any] = json.loads(FILES[name].read_text())
    return found


def control(call: Call) -> str:
    """The decision on a call of somebody whose own policies allow everything."""
    return decision(call, EVERYTHING, *map(document, CONTROL))


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement, with its file."""
    for name in FILES:
        for statement in document(name)["Statement"]:
            yield name, statement


class TestGrammar:
    @each_file
    def test_is_a_policy_that_iam_takes(self, name: str, tmp_path: Path) -> None:
        """cfn-lint knows the grammar of identity policies, and all services with their actions."""
        policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(name)}}
        template = tmp_path / "template.json"
        template.write_text(json.dumps({"Resources": {"Policy": policy}}))

        found = lint(template.read_text(), config=ManualArgs(regions=["eu-west-1"]))

        assert [str(each) for each in found] == []

    def test_the_linter_would_see_a_mistake(self) -> None:
        """An action that no service has, and an element that no statement has, are found."""
        for mistake in ({"Action": "lambda:Frobnicate"}, {"Actions": ["lambda:*"]}, {"Effect": "Maybe"}):
            statement = {"Effect": "Deny", "Action": "lambda:*", "Resource": "*"} | mistake
            policy = {"PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
            template = {"Resources": {"Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": policy}}}

            assert lint(json.dumps(template), config=ManualArgs(regions=["eu-west-1"])) != []

    @each_file
    def test_fits(self, name: str) -> None:
        """It is within the limit as the file is sent, with its white space."""
        assert len(FILES[name].read_text()) <= LONGEST[name]

    def test_has_conditions_with_operators_and_keys_that_exist(self) -> None:
        """No spelling of one is left to chance: an unknown operator would be refused, an unknown key never match."""
        found = {
            (operator, key)
            for _, statement in statements()
            for operator, keys in statement.get("Condition", {}).items()
            for key in keys
        }

        assert found == {
            ("ArnNotLike", "aws:PrincipalArn"),
            ("ForAllValues:StringNotEquals", "aws:CalledVia"),
            ("ForAnyValue:StringEquals", "aws:CalledVia"),
            ("ForAnyValue:StringEquals", "kms:ResourceAliases"),
            ("ForAnyValue:StringLike", "aws:TagKeys"),
        }

    @pytest.mark.parametrize("name", CONTROL)
    def test_a_service_control_policy_only_denies(self, name: str) -> None:
        """It stands beside FullAWSAccess, has no principals, and a name of its own for each statement."""
        found = document(name)["Statement"]

        assert {statement["Effect"] for statement in found} == {"Deny"}
        assert all(statement.keys() == {"Sid", "Effect", "Action", "Resource", "Condition"} for statement in found)
        assert all(re.fullmatch(r"[A-Za-z0-9]+", statement["Sid"]) for statement in found)
        assert len({statement["Sid"] for statement in found}) == len(found)

    def test_no_statement_hits_who_deploys(self) -> None:
        """Each of the control policies leaves the same roles out; without that, nothing could be updated any more."""
        for name in CONTROL:
            for statement in document(name)["Statement"]:
                exempt = as_list(statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"])
                assert exempt[:2] == ["arn:*:iam::*:role/stacksets-exec-*", "arn:*:iam::*:role/landing-zone-deployment"]

    def test_they_are_for_what_the_template_makes(self) -> None:
        """Names that are fixed there, and the beginnings of those that are not, are the ones that are guarded here."""
        resources = load(LANDING_ZONE / "template.yaml")["Resources"]
        named = [
            one["Properties"].get("FunctionName") or one["Properties"]["Name"]
            for one in resources.values()
            if one["Type"] in {"AWS::Lambda::Function", "AWS::Events::Rule"}
        ]
        text = "".join(path.read_text() for path in FILES.values())

        assert len(named) == 7
        assert [name for name in named if not name.startswith(NAME)] == []
        for logical_id, one in resources.items():
            if one["Type"] in {"AWS::SQS::Queue", "AWS::CloudWatch::Alarm"}:
                assert f"-{logical_id}-*" in text
        assert load(LANDING_ZONE / "template.yaml")["Parameters"]["KeyAlias"]["Default"] in text


class TestControl:
    @pytest.mark.parametrize(("action", "resource", "keys"), KEPT)
    def test_nobody_else_may(self, action: str, resource: str, keys: dict[str, Any]) -> None:
        """An administrator of the account, who may do everything else, is denied."""
        assert control(Call(action, resource, ADMIN, keys)) == "Deny"

    @pytest.mark.parametrize("principal", DEPLOYERS)
    @pytest.mark.parametrize(("action", "resource", "keys"), KEPT)
    def test_who_deploys_may(self, principal: str, action: str, resource: str, keys: dict[str, Any]) -> None:
        """The StackSet, and the role that is named for hands, are let."""
        assert control(Call(action, resource, principal, keys)) == "Allow"

    @pytest.mark.parametrize(("action", "resource", "keys"), LEFT)
    def test_nothing_else_is_denied(self, action: str, resource: str, keys: dict[str, Any]) -> None:
        """Other functions, roles, keys and tags are nobody's business, and looking is allowed."""
        assert control(Call(action, resource, ADMIN, keys)) == "Allow"

    @pytest.mark.parametrize(
        ("action", "resource", "keys"),
        [
            ("logs:TagResource", f"{LOG_GROUP}:/orders", {"aws:TagKeys": [f"{NAME}:owner"]}),
            ("logs:UntagResource", f"{LOG_GROUP}:/orders", {"aws:TagKeys": [f"{NAME}:owner"]}),
            ("logs:CreateLogGroup", f"{LOG_GROUP}:/orders", {"aws:TagKeys": [f"{NAME}:owner"]}),
            ("lambda:InvokeFunction", FUNCTION, {}),
            ("lambda:InvokeFunction", f"{FUNCTION}-responder", {}),
        ],
    )
    def test_the_functions_themselves_may_work(self, action: str, resource: str, keys: dict[str, Any]) -> None:
        """They write tags, go on in a further invocation, and hand failures over; they change nothing of themselves."""
        assert control(Call(action, resource, OURS, keys)) == "Allow"
        assert control(Call("lambda:UpdateFunctionCode", FUNCTION, OURS)) == "Deny"
        assert control(Call("iam:PutRolePolicy", OURS, OURS)) == "Deny"

    def test_a_role_of_a_name_that_is_alike_is_not_let(self) -> None:
        """The path is guarded, and so are the names: nobody can make a role that is left out by its name."""
        for principal in (
            "arn:aws:iam::111122223333:role/log-group-kms-association-ProviderRole",
            "arn:aws:iam::111122223333:role/x-stacksets-exec-0a1b",
            "arn:aws:iam::111122223333:role/landing-zone-deployment2",
        ):
            assert control(Call("lambda:InvokeFunction", FUNCTION, principal)) == "Deny"
        for role in (OURS, *DEPLOYERS):
            for action in ("iam:CreateRole", "iam:UpdateAssumeRolePolicy", "iam:PassRole"):
                assert control(Call(action, role, ADMIN)) == "Deny"


class TestWhoDeploys:
    @pytest.mark.parametrize(
        ("keys", "expected"),
        [
            pytest.param({"aws:CalledVia": ["cloudformation.amazonaws.com"]}, "Allow", id="CloudFormation"),
            pytest.param(
                {"aws:CalledVia": ["servicecatalog.amazonaws.com", "cloudformation.amazonaws.com"]},
                "Allow",
                id="CloudFormation for another service",
            ),
            pytest.param({}, "ImplicitDeny", id="by hand"),
            pytest.param({"aws:CalledVia": ["athena.amazonaws.com"]}, "ImplicitDeny", id="another service"),
        ],
    )
    def test_invokes_the_provider_through_cloudformation_alone(self, keys: dict[str, Any], expected: str) -> None:
        """The permission is none for a hand-made event."""
        assert decision(Call("lambda:InvokeFunction", FUNCTION, ADMIN, keys), document("who-deploys.json")) == expected

    def test_has_nothing_of_the_other_functions(self) -> None:
        """Enrolment and responder are not for who deploys."""
        through = {"aws:CalledVia": ["cloudformation.amazonaws.com"]}

        for function in (f"{FUNCTION}-enrolment", f"{FUNCTION}-responder", f"{FUNCTION}2"):
            call = Call("lambda:InvokeFunction", function, ADMIN, through)
            assert decision(call, document("who-deploys.json")) == "ImplicitDeny"
