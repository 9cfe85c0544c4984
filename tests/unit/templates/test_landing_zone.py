"""The landing zone's plain template is the provider's own and what it adds, and a service-managed StackSet takes it."""

from __future__ import annotations

import json
import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any, Final

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import ServiceModel, StructureShape
from support.policy_evaluation import Call, decision
from support.template import CHINA, PROJECT, TEMPLATE, Resolver, load, needs, parameters_of, plain_form

LANDING_ZONE: Final = PROJECT / "examples" / "landing-zone"
PAGE: Final = (PROJECT / "docs" / "how-to" / "landing-zone.md").read_text()

KEY: Final = "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#: What landing-zone.yaml brings along.
CODE: Final = {"ProviderCode", "ResponderCode", "EnrolmentCode", "WakerCode"}
ADDED: Final = {"LogsKey", "LogsKeyAlias", "LogsKeyAlarm", "LogsKeyRule", "QueryResults"} | CODE
#: Its own parameters and condition.
OWN: Final = ("CodeBucketPrefix", "CodeKey", "CodeSha256", "KeyAlias", "KeyAdministratorArns")
OWN_CONDITION: Final = "HasKeyAdministrators"
#: Parameters of the provider that are none here, and the conditions that always hold therefore.
FIXED: Final = {"FleetKmsKeyId", "LogKmsKeyArn", "KmsKeyArns"}
HELD: Final = {"HasFleet", "HasLogKey"}
#: The condition that never holds, as the key is known.
NEVER: Final = {"AnyKeyOfTheAccount"}


def program(name: str) -> Any:
    """One of the landing zone's two programs, which are in no package."""
    spec = spec_from_file_location(f"landing_zone_{name}", LANDING_ZONE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def rendered() -> Any:
    """The plain template as it is committed."""
    return load(LANDING_ZONE / "template.yaml")


def as_deployed(template: Any, section: str) -> Any:
    """A *section* as CloudFormation resolves it, with `KEY` for the landing zone's key and without the code's place."""
    given = {**parameters_of(template), **dict.fromkeys(FIXED, KEY)}
    resolve = Resolver({**CHINA, **given}, template["Conditions"])
    text = json.dumps(template[section]).replace('{"Fn::GetAtt": ["LogsKey", "Arn"]}', json.dumps(KEY))
    resolved = resolve(json.loads(text))
    for one in resolved.values():
        one.pop("Metadata", None)
        one.get("Properties", {}).pop("Code", None)
        if "DependsOn" in one:
            one["DependsOn"] = [name for name in one["DependsOn"] if name not in CODE]
        if one.get("Condition") in HELD:
            del one["Condition"]
    return resolved


def key_statements(*administrators: str) -> list[dict[str, Any]]:
    """The statements of the key's policy, with these administrators."""
    names = {**CHINA, **parameters_of(rendered()), "KeyAdministratorArns": list(administrators) or [""]}
    resolve = Resolver(names, rendered()["Conditions"])
    statements = resolve(rendered()["Resources"]["LogsKey"]["Properties"]["KeyPolicy"]["Statement"])
    return [statement for statement in statements if statement != {"Ref": "AWS::NoValue"}]


class TestRendering:
    def test_is_up_to_date(self) -> None:
        """The committed template is the one that the two sources give: `make landing-zone` after each change."""
        assert program("render").render() == (LANDING_ZONE / "template.yaml").read_text()

    @pytest.mark.parametrize("name", sorted(plain_form()["Resources"]))
    def test_each_resource_is_as_sam_makes_it(self, name: str) -> None:
        """Each resource is deployed alike from either form with the same key, but for where its code lies."""
        assert as_deployed(rendered(), "Resources")[name] == as_deployed(plain_form(), "Resources")[name]

    def test_has_what_sam_makes_and_what_it_adds(self) -> None:
        """No resource more and none less, and every output."""
        plain, sam = rendered(), plain_form()

        assert set(plain["Resources"]) == set(sam["Resources"]) | ADDED
        assert as_deployed(plain, "Outputs") == as_deployed(sam, "Outputs") | {
            "LogsKeyArn": {"Description": plain["Outputs"]["LogsKeyArn"]["Description"], "Value": KEY}
        }

    def test_asks_for_what_the_provider_asks_for_but_the_keys(self) -> None:
        """The provider's parameters and conditions are unchanged, and it has a few of its own."""
        plain, sam = rendered(), load(TEMPLATE)
        own = {name: plain["Parameters"].pop(name) for name in OWN}

        assert plain["Parameters"] == {name: one for name, one in sam["Parameters"].items() if name not in FIXED}
        plain["Conditions"].pop(OWN_CONDITION)
        left = {name: one for name, one in sam["Conditions"].items() if name not in HELD | NEVER}
        both = {name: left[name]["Fn::And"] for name in ("HasReconcileAlarm", "HasDashboard", "HasConfigRule")}
        assert [held for held, _ in both.values()] == [{"Condition": "HasFleet"}] * 3
        assert plain["Conditions"] == left | {name: other for name, (_, other) in both.items()}
        assert [name for name, one in own.items() if "Default" not in one] == [
            "CodeBucketPrefix",
            "CodeKey",
            "CodeSha256",
        ]

    def test_every_function_takes_the_package_from_its_own_region(self) -> None:
        """Lambda reads code from a bucket of its own Region alone."""
        code = {
            name: one["Properties"]["Code"]
            for name, one in rendered()["Resources"].items()
            if one["Type"] == "AWS::Lambda::Function"
        }
        place = {"S3Bucket": {"Fn::Sub": "${CodeBucketPrefix}-${AWS::Region}"}, "S3Key": {"Ref": "CodeKey"}}

        assert code == dict.fromkeys(
            ("ProviderFunction", "ResponderFunction", "WakerFunction", "EnrolmentFunction"), place
        )

    def test_shows_each_parameter_in_a_group_and_with_a_label(self) -> None:
        """The console shows no parameter by its bare name."""
        plain = rendered()
        interface = plain["Metadata"]["AWS::CloudFormation::Interface"]
        grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]

        assert sorted(grouped) == sorted(plain["Parameters"])
        assert interface["ParameterLabels"].keys() == plain["Parameters"].keys()


class TestStackSet:
    def test_takes_neither_transforms_nor_nested_stacks(self) -> None:
        """A service-managed StackSet refuses both; an include is a transform, too."""
        plain = rendered()
        types = {one["Type"] for one in plain["Resources"].values()}

        assert "Transform" not in plain
        assert "Fn::Transform" not in json.dumps(plain)
        assert [each for each in types if each.startswith(("AWS::CloudFormation::", "AWS::Serverless::"))] == []

    def test_takes_the_template_as_text(self) -> None:
        """It is below the limit for a template that comes with the call; a larger one would need a bucket."""
        assert (LANDING_ZONE / "template.yaml").stat().st_size <= program("render").LONGEST_TEMPLATE

    def test_needs_no_capability_for_names(self) -> None:
        """A role belongs to all Regions: one with a fixed name could be made by the first stack of an account alone."""
        roles = [one for one in rendered()["Resources"].values() if one["Type"] == "AWS::IAM::Role"]

        assert roles
        assert [role for role in roles if "RoleName" in role["Properties"]] == []


class TestKey:
    def test_outlives_the_stack_and_rotates(self) -> None:
        """The key outlives the stack: what was ingested under it can be read as long as it is kept."""
        key = rendered()["Resources"]["LogsKey"]

        assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
        assert key["Properties"]["EnableKeyRotation"] is True

    def test_is_for_the_account_the_log_groups_the_query_results_and_their_callers(self) -> None:
        """Four statements: none of CloudWatch Logs' covers another's."""
        account, log_groups, query_results, callers = key_statements()
        logs = "arn:aws-cn:logs:cn-north-1:111122223333"

        assert (account["Principal"], account["Action"]) == ({"AWS": "arn:aws-cn:iam::111122223333:root"}, "kms:*")
        assert log_groups["Principal"] == query_results["Principal"]
        assert log_groups["Principal"] == {"Service": "logs.cn-north-1.amazonaws.com.cn"}
        assert log_groups["Condition"] == {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"{logs}:log-group:*"}}
        assert query_results["Condition"] == {
            "ArnEquals": {"aws:SourceArn": f"{logs}:query-result:*"},
            "StringEquals": {"aws:SourceAccount": "111122223333"},
        }
        assert callers["Principal"] == {"AWS": "*"}
        assert callers["Condition"] == {
            "StringEquals": {
                "kms:ViaService": "logs.cn-north-1.amazonaws.com.cn",
                "kms:CallerAccount": "111122223333",
            }
        }

    def test_is_administered_by_those_that_are_named_and_by_who_deploys(self) -> None:
        """All others of the account are denied what would take the key away, whatever their IAM policies say."""
        named = ["arn:aws-cn:iam::111122223333:role/security/key-admin", "arn:aws-cn:iam::*:role/break-glass-*"]
        account, only, *_ = key_statements(*named)

        assert account["Action"] == "kms:*"
        assert (only["Effect"], only["Principal"], only["Resource"]) == ("Deny", "*", "*")
        assert {"kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:PutKeyPolicy"} <= set(only["Action"])
        assert only["Condition"] == {
            "ArnNotLike": {"aws:PrincipalArn": ["arn:aws-cn:iam::111122223333:role/stacksets-exec-*", *named]}
        }

    @pytest.mark.parametrize(
        ("role", "expected"),
        [
            ("security/key-admin", "Allow"),
            ("break-glass-7", "Allow"),
            ("stacksets-exec-0a1b2c3d", "Allow"),
            ("admin", "Deny"),
            ("security/key-admin2", "Deny"),
            ("x/stacksets-exec-0a1b2c3d", "Deny"),
        ],
    )
    @pytest.mark.parametrize("action", ["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:PutKeyPolicy"])
    def test_cannot_be_taken_away_by_others(self, role: str, expected: str, action: str) -> None:
        """The key's policy judged by an evaluator: also somebody whose own policies allow everything is denied."""
        principals = ("arn:aws-cn:iam::111122223333:role/security/key-admin", "arn:aws-cn:iam::*:role/break-glass-*")
        account, only, *_ = key_statements(*principals)
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        call = Call(action, KEY, f"arn:aws-cn:iam::111122223333:role/{role}")

        assert decision(call, {"Version": "2012-10-17", "Statement": [account, everything, only]}) == expected

    def test_is_not_kept_from_use_by_its_administrators(self) -> None:
        """What is denied is no use of it: CloudWatch Logs and the roles go on, and anybody may mend a mistake."""
        (only,) = [one for one in key_statements("arn:aws:iam::111122223333:role/a") if one["Effect"] == "Deny"]
        used = {
            "Encrypt",
            "Decrypt",
            "ReEncryptFrom",
            "GenerateDataKey",
            "DescribeKey",
            "CancelKeyDeletion",
            "EnableKey",
        }

        assert {f"kms:{name}" for name in used} & set(only["Action"]) == set()
        assert [action for action in only["Action"] if "*" in action] == []

    @pytest.mark.parametrize("topic", [None, "arn:aws-cn:sns:cn-north-1:111122223333:alarms"])
    def test_is_not_taken_away_unseen(self, topic: str | None) -> None:
        """A rule for that one key, an alarm on the rule, and the topic where there is one."""
        names = {**CHINA, **parameters_of(rendered()), "AlarmTopicArn": topic or ""}
        resolve = Resolver(names, rendered()["Conditions"])
        rule, alarm = (resolve(rendered()["Resources"][name]["Properties"]) for name in ("LogsKeyRule", "LogsKeyAlarm"))
        detail = rule["EventPattern"]["detail"]

        assert {"ScheduleKeyDeletion", "DisableKey"} <= set(detail["eventName"])
        assert detail["resources"] == {"ARN": [{"Fn::GetAtt": ["LogsKey", "Arn"]}]}
        assert rule["Targets"] == ([{"Id": "Topic", "Arn": topic}] if topic else {"Ref": "AWS::NoValue"})
        assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Events", "TriggeredRules")
        assert alarm["Dimensions"] == [{"Name": "RuleName", "Value": {"Ref": "LogsKeyRule"}}]
        assert alarm["AlarmActions"] == ([topic] if topic else {"Ref": "AWS::NoValue"})

    @pytest.mark.parametrize(
        ("value", "fits"),
        [
            ("", True),
            ("arn:aws:iam::111122223333:role/security/key-admin", True),
            ("arn:aws-cn:iam::*:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_KeyAdmin_*", True),
            ("arn:aws:iam::111122223333:root", False),
            ("arn:aws:iam::111122223333:user/me", False),
            ("*", False),
        ],
    )
    def test_takes_roles_for_administrators(self, value: str, fits: bool) -> None:  # noqa: FBT001 - a column
        """Whole accounts and everybody are what the account's own statement is for."""
        pattern = rendered()["Parameters"]["KeyAdministratorArns"]["AllowedPattern"]

        assert bool(re.fullmatch(pattern, value)) is fits

    def test_is_that_of_fleet_enrolment_query_results_and_logs(self) -> None:
        """Nothing of the landing zone is under another key or none."""
        resources = rendered()["Resources"]
        key = {"Fn::GetAtt": ["LogsKey", "Arn"]}
        logs = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Logs::LogGroup"]

        assert resources["Fleet"]["Properties"]["KmsKeyId"] == key
        assert resources["QueryResults"]["Properties"]["KmsKeyId"] == key
        assert resources["EnrolmentFunction"]["Properties"]["Environment"]["Variables"]["KMS_KEY_ID"] == key
        assert [log["KmsKeyId"] for log in logs] == [key] * 4

    def test_is_not_lost_to_a_crash_of_the_provider(self) -> None:
        """Query results, too, are there only while a crash would be answered."""
        resources = rendered()["Resources"]

        assert {"ProviderFunctionEventInvokeConfig", "ResponderFunctionEventInvokeConfig"} <= needs(
            resources, "QueryResults"
        )


class TestPackage:
    def test_is_the_same_for_the_same_files(self) -> None:
        """Neither times nor modes nor an order of the files are in it: its name changes with their contents alone."""
        package = program("package")
        files = {"responder.py": b"", "log_group_kms/handler.py": b"# handler", "log_group_kms/__init__.py": b""}
        first = package.packed(files)
        second = package.packed(dict(reversed(files.items())))
        other = package.packed({**files, "responder.py": b"# changed"})

        assert first == second
        assert package.name_of(first) == package.name_of(second) != package.name_of(other)
        assert package.sha256_of(first) == package.sha256_of(second) != package.sha256_of(other)

    def test_has_a_name_that_the_template_takes(self) -> None:
        """The parameter takes the name of any package, and nothing that could be overwritten unseen."""
        pattern = rendered()["Parameters"]["CodeKey"]["AllowedPattern"]

        assert re.fullmatch(pattern, program("package").name_of(b""))
        assert not re.fullmatch(pattern, "latest.zip")

    @pytest.mark.parametrize(
        ("prefix", "fits"),
        [
            pytest.param("example-landing-zone-code", True, id="a name"),
            pytest.param("x" * 47, True, id="as long as leaves room for the Region"),
            pytest.param("x" * 48, False, id="too long with a Region"),
            pytest.param("s3://code", False, id="no name"),
        ],
    )
    def test_is_in_a_bucket_with_a_name_that_s3_takes(self, prefix: str, fits: bool) -> None:  # noqa: FBT001 - a column
        """A bucket's name has at most 63 characters, of which the Region takes up to 15 with its hyphen."""
        pattern = rendered()["Parameters"]["CodeBucketPrefix"]["AllowedPattern"]

        assert bool(re.fullmatch(pattern, prefix)) is fits


def commands() -> list[str]:
    """Each `aws cloudformation` command of the page, on one line."""
    text = "\n".join(re.findall(r"^ *```sh\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
    return re.findall(r"^ *(aws cloudformation .*)$", text, re.MULTILINE)


@pytest.fixture(scope="module")
def cloudformation() -> ServiceModel:
    """CloudFormation's API as botocore and the AWS CLI know it."""
    return botocore.session.get_session().get_service_model("cloudformation")


def members(shape: object) -> set[str]:
    """The names of a structure's members."""
    assert isinstance(shape, StructureShape)
    return set(shape.members)


class TestPage:
    @pytest.mark.parametrize("command", commands())
    def test_each_command_is_one_of_the_aws_cli(self, command: str, cloudformation: ServiceModel) -> None:
        """The operation exists and takes these options."""
        operations = {xform_name(name, "-"): name for name in cloudformation.operation_names}
        taken = members(cloudformation.operation_model(operations[command.split()[2]]).input_shape)
        options = {option.removeprefix("no-") for option in re.findall(r"--([a-z-]+)", command)}

        assert options - {"region"} <= {xform_name(member, "-") for member in taken}

    @pytest.mark.parametrize("command", commands())
    def test_each_value_is_one_that_cloudformation_takes(self, command: str, cloudformation: ServiceModel) -> None:
        """Fields and enumerated values are spelt as the API spells them; parameters as the template does."""
        fields = {
            option: members(cloudformation.shape_for(shape))
            for option, shape in {
                "auto-deployment": "AutoDeployment",
                "managed-execution": "ManagedExecution",
                "deployment-targets": "DeploymentTargets",
                "operation-preferences": "StackSetOperationPreferences",
            }.items()
        }
        written = {
            option: set(re.findall(r"(\w+)=", value))
            for option, value in re.findall(r"--([a-z-]+) (\w+=\S+)", command)
            if option in fields
        }
        parameters = set(re.findall(r"ParameterKey=(\w+)", command))

        assert [option for option, names in written.items() if not names <= fields[option]] == []
        buckets = load(LANDING_ZONE / "code-buckets.yaml")
        assert parameters <= set((buckets if "code-buckets" in command else rendered())["Parameters"])

    def test_says_how_to_create_and_to_remove(self) -> None:
        """The whole life of the StackSet is there."""
        assert {command.split()[2] for command in commands()} == {
            "create-stack",
            "create-stack-set",
            "create-stack-instances",
            "list-stack-instances",
            "update-stack-instances",
            "update-stack-set",
            "delete-stack-instances",
            "delete-stack-set",
        }

    def test_gives_every_parameter_that_has_no_default(self) -> None:
        """The StackSet that the page makes is complete."""
        (create,) = [command for command in commands() if "create-stack-set " in command]
        required = {name for name, one in rendered()["Parameters"].items() if "Default" not in one}

        assert set(re.findall(r"ParameterKey=(\w+)", create)) == required
