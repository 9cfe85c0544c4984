"""What the roles must never do, whatever the functions ask for: Deny on protected names; keys of this account alone."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any, Final

import pytest
from support.template import CHINA, PROJECT, TEMPLATE, Resolver, as_list, load, parameters_of, policies, statements
from unit.templates.names import LANDING_ZONE, LOGS, NAME

PLAIN: Final = LANDING_ZONE / "template.yaml"
ROLES: Final = ("ProviderRole", "EnrolmentRole")
each_role = pytest.mark.parametrize("role", ROLES)
#: All of the service's calls that a role of ours is allowed and that change a log group, and their old forms.
CHANGING: Final = {
    *("logs:AssociateKmsKey", "logs:DisassociateKmsKey", "logs:CreateLogGroup"),
    *("logs:TagResource", "logs:UntagResource", "logs:TagLogGroup", "logs:UntagLogGroup"),
}


def denial(role: str, *names: str) -> dict[str, Any]:
    """The statement that protects these *names*."""
    return statements("protected", role, ProtectedLogGroupNames=list(names) or [""])["NobodyTouchesTheProtected"]


def denied(role: str, arn: str, *names: str) -> bool:
    """Return whether the Deny matches the ARN of a call."""
    return any(fnmatchcase(arn, pattern) for pattern in denial(role, *names)["Resource"])


class TestDeny:
    @each_role
    def test_covers_all_that_changes_a_log_group(self, role: str) -> None:
        """Whatever the role is allowed to change on a log group is denied, by ARN and by name."""
        allowed = {
            action
            for action in (one for each in statements("associations", role).values() for one in as_list(each["Action"]))
            if action.startswith("logs:") and not re.match(r"logs:(Describe|List)", action)
        }
        statement = denial(role, "/audit/*")

        assert statement["Effect"] == "Deny"
        assert allowed | CHANGING <= set(statement["Action"])
        assert statement.keys() == {"Sid", "Effect", "Action", "Resource"}

    @each_role
    @pytest.mark.parametrize("suffix", ["", ":*"], ids=["tags", "key"])
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("/audit/trail", True),
            ("/audit/", True),
            ("/vault", True),
            ("/team/x/secret", True),
            ("/audi", False),
            ("/vault2", False),
            ("/vaul", False),
            ("/team/x", False),
            ("/x/audit/trail", False),
        ],
    )
    def test_is_for_both_forms_of_a_names_arn(self, role: str, name: str, expected: bool, suffix: str) -> None:  # noqa: FBT001 - a column
        """AWS checks tags on the bare ARN and AssociateKmsKey on the one that ends in `:*`."""
        names = ("/audit/*", "/vault", "/team/*/secret")

        assert denied(role, f"{LOGS}:log-group:{name}{suffix}", *names) is expected

    @each_role
    def test_is_for_no_log_group_where_nothing_is_protected(self, role: str) -> None:
        """The default denies nothing that has a name."""
        assert denial(role)["Resource"] == ["arn:*:logs:*:*:log-group:", "arn:*:logs:*:*:log-group::*"]
        assert not denied(role, f"{LOGS}:log-group:/aws/lambda/orders:*")
        assert not denied(role, f"{LOGS}:log-group:x")

    def test_is_the_same_in_both_roles_and_in_the_landing_zone(self) -> None:
        """There is no function by which a protected name could be reached."""
        names = ["/audit/*", "/vault"]
        first, second = (denial(role, *names) for role in ROLES)
        plain = [
            policy["PolicyDocument"]["Statement"]
            for role in ROLES
            for policy in policies(role, PLAIN, ProtectedLogGroupNames=names)
            if policy["PolicyName"] == "protected"
        ]

        assert first == second
        assert plain == [[first], [first]]

    @each_role
    def test_fits_into_the_role(self, role: str) -> None:
        """IAM allows 10,240 characters for all inline policies of a role: the page says how many names that are."""
        text = (PROJECT / "docs" / "reference" / "parameters.md").read_text()
        (number,) = re.findall(r"up to (\d+) names of 64 characters", text)
        names = [f"/{index:063}" for index in range(int(number))]
        documents = [
            policy["PolicyDocument"]
            for policy in policies(role, ProtectedLogGroupNames=names, SubnetIds=["subnet-12345678"])
        ]

        assert len(re.sub(r"\s", "", json.dumps(documents))) <= 10_240


class TestEnvironment:
    @pytest.mark.parametrize("function", ["ProviderFunction", "EnrolmentFunction"])
    @pytest.mark.parametrize(("given", "expected"), [(["/audit/*", "/vault"], "/audit/*,/vault"), ([""], "")])
    def test_tells_the_code_the_same_names(self, function: str, given: list[str], expected: str) -> None:
        """So that answers and counts say `protected` where IAM would only refuse."""
        template = load(TEMPLATE)
        variables = template["Resources"][function]["Properties"]["Environment"]["Variables"]
        resolve = Resolver({**CHINA, **parameters_of(template), "ProtectedLogGroupNames": given})

        assert resolve(variables["PROTECTED_LOG_GROUP_NAMES"]) == expected

    @pytest.mark.parametrize("function", ["ProviderFunction", "ResponderFunction"])
    def test_tells_both_that_answer_whom_to_answer_to(self, function: str) -> None:
        """The partition's domain, and the hosts that the deployer names."""
        template = load(TEMPLATE)
        variables = template["Resources"][function]["Properties"]["Environment"]["Variables"]
        resolve = Resolver({**CHINA, **parameters_of(template), "ResponseHosts": ["a.example", "b.example"]})

        assert resolve(variables["RESPONSE_DOMAIN"]) == "amazonaws.com.cn"
        assert resolve(variables["RESPONSE_HOSTS"]) == "a.example,b.example"


ONE: Final = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER: Final = "arn:aws:kms:eu-west-1:444455556666:key/mrk-*"


class TestKeys:
    @pytest.mark.parametrize(
        ("value", "fits"),
        [
            pytest.param("*", True, id="alone"),
            pytest.param(ONE, True, id="one key"),
            pytest.param(f"{ONE},{OTHER}", True, id="two"),
            pytest.param(f"{ONE},*", False, id="after a key"),
            pytest.param(f"*,{ONE}", False, id="before a key"),
            pytest.param(f"{ONE},*,{OTHER}", False, id="among keys"),
            pytest.param("*,*", False, id="twice"),
            pytest.param(f"{ONE}, {OTHER}", False, id="with a space"),
            pytest.param(f"{ONE},", False, id="an empty element"),
            pytest.param("", False, id="empty"),
            pytest.param("arn:aws:kms:*:*:key/*", False, id="every account's"),
            pytest.param("arn:aws:kms:eu-west-1:*:key/*", False, id="every account's here"),
            pytest.param("arn:*:kms:eu-west-1:111122223333:key/*", False, id="every partition's"),
            pytest.param("arn:aws:kms:eu-west-1:111122223333:*", False, id="any resource"),
            pytest.param(f"{ONE}\n*", False, id="on a line of its own"),
            pytest.param("arn:aws:kms:eu-west-1:111122223333:alias/logs", False, id="an alias"),
        ],
    )
    def test_a_star_stands_alone_or_is_refused(self, value: str, fits: bool) -> None:  # noqa: FBT001 - a column
        """Among key ARNs it would stand for the keys of every account: the parameter does not take it."""
        parameter = load(TEMPLATE)["Parameters"]["KmsKeyArns"]

        assert parameter["Type"] == "String"
        assert bool(re.fullmatch(parameter["AllowedPattern"], value)) is fits

    @each_role
    @pytest.mark.parametrize("sid", ["LookAtKey", "UseKeyForLogsOnly"])
    @pytest.mark.parametrize(
        ("value", "resources"),
        [
            pytest.param("*", ["arn:aws-cn:kms:cn-north-1:111122223333:key/*"], id="this account's and Region's"),
            pytest.param(f"{ONE},{OTHER}", [ONE, OTHER], id="those alone"),
        ],
    )
    def test_the_roles_have_the_keys_that_are_listed(
        self, role: str, sid: str, value: str, resources: list[str]
    ) -> None:
        """No statement of either role has a lone * for keys."""
        assert as_list(statements("associations", role, KmsKeyArns=value)[sid]["Resource"]) == resources


FUNCTIONS: Final = {"Provider": NAME, "Responder": f"{NAME}-responder", "Enrolment": f"{NAME}-enrolment"}
VPC: Final[dict[str, Any]] = {
    "SubnetIds": ["subnet-0a1b2c3d", "subnet-4e5f6a7b"],
    "SecurityGroupIds": ["sg-0a1b2c3d4e5f6a7b8"],
}


class TestVpc:
    @pytest.mark.parametrize("part", FUNCTIONS)
    @pytest.mark.parametrize("path", [TEMPLATE, PLAIN], ids=["template.yaml", "landing zone"])
    def test_is_none_by_default(self, part: str, path: Any) -> None:
        """No function is in one, and no role may touch a network interface."""
        template = load(path)
        resolve = Resolver({**CHINA, **parameters_of(template)}, template["Conditions"])

        assert resolve(template["Resources"][f"{part}Function"]["Properties"]["VpcConfig"]) == {"Ref": "AWS::NoValue"}
        assert "ec2:" not in json.dumps(policies(f"{part}Role", path))

    @pytest.mark.parametrize("part", FUNCTIONS)
    @pytest.mark.parametrize("path", [TEMPLATE, PLAIN], ids=["template.yaml", "landing zone"])
    def test_has_all_functions_and_what_lambda_needs_to_connect_them(self, part: str, path: Any) -> None:
        """Lambda may make interfaces in the role's name; the function itself may not."""
        template = load(path)
        resolve = Resolver({**CHINA, **parameters_of(template), **VPC}, template["Conditions"])
        (vpc,) = [one for one in policies(f"{part}Role", path, **VPC) if one["PolicyName"] == "vpc"]
        let, not_itself = vpc["PolicyDocument"]["Statement"]
        arn = f"arn:aws-cn:lambda:cn-north-1:111122223333:function:{FUNCTIONS[part]}"

        assert resolve(template["Resources"][f"{part}Function"]["Properties"]["VpcConfig"]) == VPC
        assert {action.partition(":")[0] for action in let["Action"]} == {"ec2"}
        assert len(let["Action"]) == 6
        assert (not_itself["Effect"], not_itself["Action"]) == ("Deny", "ec2:*")
        assert not_itself["Condition"] == {"ArnEquals": {"lambda:SourceFunctionArn": arn}}

    @pytest.mark.parametrize(
        ("name", "value", "fits"),
        [
            ("SubnetIds", "", True),
            ("SubnetIds", "subnet-0a1b2c3d", True),
            ("SubnetIds", "sg-0a1b2c3d", False),
            ("SecurityGroupIds", "sg-0a1b2c3d4e5f6a7b8", True),
            ("SecurityGroupIds", "default", False),
            ("ResponseHosts", "", True),
            ("ResponseHosts", "bucket.vpce-0a1b.s3.eu-west-1.vpce.amazonaws.com", True),
            ("ResponseHosts", "https://storage.example", False),
            ("ResponseHosts", "storage.example:443", False),
            ("ResponseHosts", "*.example", False),
            ("ResponseHosts", "Storage.example", False),
            ("ProtectedLogGroupNames", "", True),
            ("ProtectedLogGroupNames", "/audit/*", True),
            ("ProtectedLogGroupNames", "/audit/?", False),
            ("ProtectedLogGroupNames", "arn:aws:logs:eu-west-1:111122223333:log-group:/audit", False),
        ],
    )
    def test_takes_what_makes_sense(self, name: str, value: str, fits: bool) -> None:  # noqa: FBT001 - a column
        """A pattern refuses what would fail half-way through a deployment."""
        pattern = load(TEMPLATE)["Parameters"][name]["AllowedPattern"]

        assert bool(re.fullmatch(pattern, value)) is fits
