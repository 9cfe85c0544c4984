import re
from pathlib import Path
from typing import Any, Final

import pytest
from support.template import CHINA, PROJECT, TEMPLATE, Resolver, actions, as_list, load, parameters_of, statements

from log_group_kms import aws

EXAMPLES: Final = sorted((PROJECT / "examples").glob("*.yaml"))
ALL_TEMPLATES: Final = [TEMPLATE, PROJECT / "events" / "template.yaml", *EXAMPLES]

NAME: Final = "log-group-kms-association"
EXPORT: Final = "LogGroupKmsAssociation-ServiceToken"

LOGS: Final = "arn:aws-cn:logs:cn-north-1:111122223333"


class TestFunction:
    def test_its_name_is_fixed(self) -> None:
        """No ServiceToken can ever change, so the name is the same literal wherever it is deployed."""
        function = load(TEMPLATE)["Resources"]["ProviderFunction"]["Properties"]

        assert function["FunctionName"] == NAME

    def test_fits_into_what_lambda_allows(self) -> None:
        """It waits at most as long as Lambda lets a function run, and an event waits no longer than CloudFormation."""
        function = load(TEMPLATE)["Resources"]["ProviderFunction"]["Properties"]

        assert function["Timeout"] <= 900
        assert function["EventInvokeConfig"]["MaximumEventAgeInSeconds"] <= 3600

    def test_keeps_its_log(self) -> None:
        """Its log outlives it, and under a name that the next deployment does not want."""
        template = load(TEMPLATE)
        log_group = template["Resources"]["ProviderLogGroup"]
        name = Resolver(CHINA)(log_group["Properties"]["LogGroupName"])

        assert (log_group["DeletionPolicy"], log_group["UpdateReplacePolicy"]) == ("Retain", "Retain")
        assert name == f"/aws/lambda/{NAME}-5c9f1e20"

    def test_is_found_by_export_and_by_parameter(self) -> None:
        """The ServiceToken is exported and put into the Parameter Store under the names that users write."""
        template = load(TEMPLATE)
        token = {"Fn::GetAtt": ["ProviderFunction", "Arn"]}
        output = template["Outputs"]["ServiceToken"]
        parameter = template["Resources"]["ServiceTokenParameter"]["Properties"]

        assert (output["Value"], output["Export"]["Name"]) == (token, EXPORT)
        assert (parameter["Value"], parameter["Name"]) == (token, f"/{NAME}/service-token")

    def test_is_the_one_that_sam_local_runs(self) -> None:
        """The template for `sam local` differs in its endpoints of AWS and in the way to its code alone."""
        real = load(TEMPLATE)["Resources"]["ProviderFunction"]["Properties"]
        local = load(PROJECT / "events" / "template.yaml")["Resources"]["ProviderFunction"]["Properties"]
        same = ["FunctionName", "Handler", "Runtime", "MemorySize", "Timeout"]
        own = {name for name in local["Environment"]["Variables"] if name.startswith("AWS_ENDPOINT_URL_")}

        assert {name: local[name] for name in same} == {name: real[name] for name in same}
        assert local["Environment"]["Variables"].keys() - own == real["Environment"]["Variables"].keys()


class TestRole:
    def test_may_do_what_the_code_does_and_nothing_else(self) -> None:
        """The template grants each action that the module of the calls names, once, and no other."""
        granted = actions("associations")

        assert sorted(granted) == sorted(aws.ACTIONS)

    def test_writes_its_own_log_alone(self) -> None:
        """Writing a log is allowed on the function's own log group only."""
        own_log = statements("own-log")["WriteOwnLog"]

        assert own_log["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
        assert own_log["Resource"] == {"Fn::GetAtt": ["ProviderLogGroup", "Arn"]}

    @pytest.mark.parametrize(
        ("sid", "resources"),
        [
            ("FindLogGroups", [f"{LOGS}:log-group:*"]),
            ("ReadOwner", [f"{LOGS}:log-group:*"]),
            ("ClaimAndRelease", [f"{LOGS}:log-group:*"]),
            ("CreateEncryptedLogGroup", [f"{LOGS}:log-group:*"]),
            ("AssociateAndDisassociate", [f"{LOGS}:log-group:*:*", f"{LOGS}:query-result:*"]),
            ("LookAtKey", ["arn:aws-cn:kms:cn-north-1:111122223333:key/*"]),
            ("UseKeyForLogsOnly", ["arn:aws-cn:kms:cn-north-1:111122223333:key/*"]),
            ("GoOnInAFurtherInvocation", [f"arn:aws-cn:lambda:cn-north-1:111122223333:function:{NAME}"]),
        ],
    )
    def test_stays_in_its_partition_region_and_account(self, sid: str, resources: list[str]) -> None:
        """Each statement names the narrowest resources that AWS checks it on, in any partition."""
        assert as_list(statements("associations")[sid]["Resource"]) == resources

    def test_has_no_statement_that_another_test_overlooks(self) -> None:
        """Every statement is one of the table above."""
        assert len(statements("associations")) == 8

    @pytest.mark.parametrize("sid", ["LookAtKey", "UseKeyForLogsOnly"])
    def test_uses_the_keys_it_is_given(self, sid: str) -> None:
        """Where the deployer lists keys, it may use no other."""
        keys = ["arn:aws-cn:kms:cn-north-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"]

        assert statements("associations", KmsKeyArns=keys)[sid]["Resource"] == keys

    def test_uses_keys_through_cloudwatch_logs_alone(self) -> None:
        """It can neither encrypt nor decrypt anything by itself."""
        condition = statements("associations")["UseKeyForLogsOnly"]["Condition"]

        assert condition == {"StringEquals": {"kms:ViaService": "logs.cn-north-1.amazonaws.com.cn"}}

    def test_writes_its_own_two_tags_alone(self) -> None:
        """The tags of others are out of its reach."""
        condition = statements("associations")["ClaimAndRelease"]["Condition"]

        assert condition == {"ForAllValues:StringEquals": {"aws:TagKeys": [aws.OWNER_TAG, aws.PREVIOUS_KEY_TAG]}}

    def test_keeps_its_policies_for_its_last_delete(self) -> None:
        """Its policies are inline: one in a resource of its own would be deleted before the Delete that needs it."""
        template = load(TEMPLATE)
        iam = {
            name: resource["Properties"]
            for name, resource in template["Resources"].items()
            if resource["Type"].startswith("AWS::IAM::")
        }

        assert iam.keys() == {"ProviderRole", "ResponderRole"}
        assert [name for name, role in iam.items() if "ManagedPolicyArns" in role] == []

    def test_lets_lambda_hand_over_what_failed(self) -> None:
        """Lambda invokes the destination in the role's name; the role may invoke no other function beside its own."""
        assert statements("last-word") == {
            "HandFailuresOver": {
                "Sid": "HandFailuresOver",
                "Effect": "Allow",
                "Action": "lambda:InvokeFunction",
                "Resource": {"Fn::GetAtt": ["ResponderFunction", "Arn"]},
            }
        }


class TestResponder:
    def test_answers_what_the_provider_could_not(self) -> None:
        """Every asynchronous invocation that fails ends there, at once: nothing is tried twice before."""
        resources = load(TEMPLATE)["Resources"]
        config = resources["ProviderFunction"]["Properties"]["EventInvokeConfig"]

        assert config["DestinationConfig"] == {
            "OnFailure": {"Type": "Lambda", "Destination": {"Fn::GetAtt": ["ResponderFunction", "Arn"]}}
        }
        assert config["MaximumRetryAttempts"] == 0

    def test_is_heard_whenever_lambda_gives_a_throttled_event_up(self) -> None:
        """Lambda looks at it every 5 minutes at the least, and the recommended ServiceTimeout is 900."""
        function = load(TEMPLATE)["Resources"]["ProviderFunction"]["Properties"]
        (recommended,) = re.findall(r"`ServiceTimeout`\n\n.*?Use (\d+)", (PROJECT / "README.md").read_text(), re.DOTALL)

        assert function["EventInvokeConfig"]["MaximumEventAgeInSeconds"] + 300 <= int(recommended)

    def test_shares_nothing_with_the_provider_that_could_break_both(self) -> None:
        """Its own code, role and log, and little of everything; the same runtime and architecture."""
        resources = load(TEMPLATE)["Resources"]
        provider, own = (resources[f"{name}Function"]["Properties"] for name in ("Provider", "Responder"))
        same = ("Runtime", "Architectures")

        assert own["FunctionName"] == f"{NAME}-responder"
        assert (own["Handler"], own["MemorySize"]) == ("responder.handler", 128)
        assert {name: own[name] for name in same} == {name: provider[name] for name in same}
        assert own["Role"] == {"Fn::GetAtt": ["ResponderRole", "Arn"]}
        assert own["LoggingConfig"]["LogGroup"] == {"Ref": "ResponderLogGroup"}

    def test_sends_readers_to_the_providers_log(self) -> None:
        """The Reason names the log group that says why the provider failed."""
        own = load(TEMPLATE)["Resources"]["ResponderFunction"]["Properties"]

        assert own["Environment"]["Variables"] == {"PROVIDER_LOG_GROUP": {"Ref": "ProviderLogGroup"}}

    def test_may_write_its_own_log_and_nothing_else(self) -> None:
        """It calls no service: the answer goes to a pre-signed URL."""
        policies = load(TEMPLATE)["Resources"]["ResponderRole"]["Properties"]["Policies"]
        own_log = statements("own-log", "ResponderRole")["WriteOwnLog"]

        assert [policy["PolicyName"] for policy in policies] == ["own-log"]
        assert own_log["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
        assert own_log["Resource"] == {"Fn::GetAtt": ["ResponderLogGroup", "Arn"]}

    def test_keeps_its_log_as_the_provider_does(self) -> None:
        """As long, as well encrypted, and under a name of its own."""
        resources = load(TEMPLATE)["Resources"]
        provider, own = (resources[f"{name}LogGroup"] for name in ("Provider", "Responder"))
        names = [Resolver(CHINA)(each["Properties"].pop("LogGroupName")) for each in (provider, own)]

        assert own == provider
        assert names == [f"/aws/lambda/{NAME}-5c9f1e20", f"/aws/lambda/{NAME}-responder-5c9f1e20"]

    @pytest.mark.parametrize(
        ("topic", "actions"),
        [
            pytest.param("", {"Ref": "AWS::NoValue"}, id="no topic"),
            pytest.param(
                "arn:aws-cn:sns:cn-north-1:111122223333:alarms",
                ["arn:aws-cn:sns:cn-north-1:111122223333:alarms"],
                id="a topic",
            ),
        ],
    )
    def test_raises_an_alarm_whenever_it_is_invoked(self, topic: str, actions: Any) -> None:
        """One invocation is enough; the topic hears of it where there is one."""
        template = load(TEMPLATE)
        alarm = template["Resources"]["ResponderAlarm"]["Properties"]
        names = {**CHINA, **parameters_of(template), "AlarmTopicArn": topic}
        resolved = Resolver(names, template["Conditions"])(alarm["AlarmActions"])
        metric = (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"], alarm["Dimensions"])

        assert metric == (
            "AWS/Lambda",
            "Invocations",
            "Sum",
            [{"Name": "FunctionName", "Value": {"Ref": "ResponderFunction"}}],
        )
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
        assert alarm["TreatMissingData"] == "notBreaching"
        assert resolved == actions


class TestParameters:
    TEMPLATES: Final = [TEMPLATE, *EXAMPLES]

    @pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
    def test_each_is_described_and_constrained(self, path: Path) -> None:
        """Whoever deploys reads what a parameter means, and is told at once what does not fit."""
        incomplete = [
            name
            for name, parameter in load(path)["Parameters"].items()
            if not {"Description", "ConstraintDescription", "Default"} <= parameter.keys()
            or parameter.keys().isdisjoint({"AllowedPattern", "AllowedValues"})
        ]

        assert incomplete == []

    def test_each_is_in_a_group_and_has_a_label(self) -> None:
        """The console shows every parameter in a group, under a readable label."""
        template = load(TEMPLATE)
        interface = template["Metadata"]["AWS::CloudFormation::Interface"]
        grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]

        assert sorted(grouped) == sorted(template["Parameters"])
        assert interface["ParameterLabels"].keys() == template["Parameters"].keys()

    @pytest.mark.parametrize(
        ("name", "value", "fits"),
        [
            ("KmsKeyArns", "*", True),
            (
                "KmsKeyArns",
                "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
                True,
            ),
            ("KmsKeyArns", "arn:aws:kms:eu-west-1:111122223333:key/*", True),
            ("KmsKeyArns", "arn:aws:kms:eu-west-1:111122223333:alias/logs", False),
            ("KmsKeyArns", "alias/logs", False),
            ("PermissionsBoundaryArn", "", True),
            ("PermissionsBoundaryArn", "arn:aws:iam::111122223333:policy/boundaries/delegated", True),
            ("PermissionsBoundaryArn", "arn:aws:iam::aws:policy/PowerUserAccess", True),
            ("PermissionsBoundaryArn", "arn:aws:iam::111122223333:role/delegated", False),
            ("RolePath", "/", True),
            ("RolePath", "/landing-zone/custom-resources/", True),
            ("RolePath", "landing-zone", False),
            ("LogKmsKeyArn", "", True),
            ("LogKmsKeyArn", "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", True),
            ("LogKmsKeyArn", "alias/logs", False),
            ("AlarmTopicArn", "", True),
            ("AlarmTopicArn", "arn:aws-us-gov:sns:us-gov-west-1:111122223333:landing-zone_alarms", True),
            ("AlarmTopicArn", "arn:aws:sns:eu-west-1:111122223333:alarms:1b2c", False),
            ("AlarmTopicArn", "alarms", False),
        ],
    )
    def test_takes_what_aws_takes(self, name: str, value: str, fits: bool) -> None:  # noqa: FBT001 - a column
        """A pattern lets through what AWS accepts there, and refuses what would fail half-way through a deployment."""
        pattern = load(TEMPLATE)["Parameters"][name]["AllowedPattern"]

        assert bool(re.fullmatch(pattern, value)) is fits


class TestEveryTemplate:
    @pytest.mark.parametrize("path", ALL_TEMPLATES, ids=lambda path: path.stem)
    def test_works_in_every_partition(self, path: Path) -> None:
        """No partition and no domain is written out; Lambda's principal has one name everywhere."""
        literal = re.findall(r"arn:aws[^\s\[]*:|\S*amazonaws\.com\S*", path.read_text())

        assert [found for found in literal if found != "lambda.amazonaws.com"] == []

    @pytest.mark.parametrize("path", ALL_TEMPLATES, ids=lambda path: path.stem)
    def test_has_no_yaml_aliases(self, path: Path) -> None:
        """CloudFormation does not read YAML aliases."""
        assert re.findall(r"(?m)(?:^|[\s:])[&*][A-Za-z]\w*\s*$", path.read_text()) == []


class TestExamples:
    CONTRACT: Final = frozenset(
        {
            "ServiceToken",
            "ServiceTimeout",
            "KmsKeyId",
            "LogGroupName",
            "ResourceIdentifier",
            "LogGroupNamePrefix",
            "ExcludeLogGroupNames",
            "OnDelete",
            "OnExistingKey",
            "OnMissingLogGroup",
            "PropagationWaitSeconds",
        }
    )

    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
    def test_asks_this_provider_for_what_it_offers(self, path: Path) -> None:
        """An example imports the provider's own export and writes properties of the contract alone."""
        associations = [
            resource["Properties"]
            for resource in load(path)["Resources"].values()
            if resource["Type"] == "Custom::LogGroupKmsAssociation"
        ]

        assert associations
        assert all(each["ServiceToken"] == {"Fn::ImportValue": EXPORT} for each in associations)
        assert all(each.keys() <= self.CONTRACT for each in associations)

    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
    def test_leaves_the_key(self, path: Path) -> None:
        """What was encrypted can still be read after the stack is gone."""
        keys = [resource for resource in load(path)["Resources"].values() if resource["Type"] == "AWS::KMS::Key"]

        assert keys
        assert all((key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("Retain", "Retain") for key in keys)

    @pytest.mark.parametrize(
        ("example", "condition"),
        [
            ("log-group", {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"{LOGS}:log-group:*"}}),
            (
                "query-results",
                {
                    "ArnEquals": {"aws:SourceArn": f"{LOGS}:query-result:*"},
                    "StringEquals": {"aws:SourceAccount": "111122223333"},
                },
            ),
        ],
    )
    def test_lets_cloudwatch_logs_use_the_key_for_that_alone(self, example: str, condition: dict[str, Any]) -> None:
        """The key's policy names the Region's logs service and what it may encrypt, which differs between the two."""
        template = load(PROJECT / "examples" / f"{example}.yaml")
        (key,) = [each for each in template["Resources"].values() if each["Type"] == "AWS::KMS::Key"]
        _, for_logs = Resolver(CHINA)(key["Properties"]["KeyPolicy"]["Statement"])

        assert for_logs["Principal"] == {"Service": "logs.cn-north-1.amazonaws.com.cn"}
        assert for_logs["Condition"] == condition
