import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from support.template import (
    CHINA,
    PROJECT,
    TEMPLATE,
    Resolver,
    actions,
    as_list,
    load,
    needs,
    parameters_of,
    plain_form,
    statements,
)

from log_group_kms.aws import permissions
from log_group_kms.model import tags as tag_names

LANDING_ZONE: Final = PROJECT / "examples" / "landing-zone"
EXAMPLES: Final = [*sorted((PROJECT / "examples").glob("*.yaml")), LANDING_ZONE / "application.yaml"]
ALL_TEMPLATES: Final = [
    TEMPLATE,
    PROJECT / "events" / "template.yaml",
    *EXAMPLES,
    LANDING_ZONE / "landing-zone.yaml",
    LANDING_ZONE / "template.yaml",
]

#: Services whose name has the same domain in every partition.
SAME_EVERYWHERE: Final = {"events.amazonaws.com", "lambda.amazonaws.com", "[logs.amazonaws.com]", "logs.amazonaws.com"}

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

        assert sorted(granted) == sorted(permissions.ACTIONS)

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

    def test_writes_its_own_three_tags_alone(self) -> None:
        """The tags of others are out of its reach."""
        condition = statements("associations")["ClaimAndRelease"]["Condition"]
        tags = [tag_names.OWNER_TAG, tag_names.PREVIOUS_KEY_TAG, f"{NAME}:scope"]

        assert condition == {"ForAllValues:StringEquals": {"aws:TagKeys": tags}}

    def test_keeps_its_policies_for_its_last_delete(self) -> None:
        """Its policies are inline: one in a resource of its own would be deleted before the Delete that needs it."""
        template = load(TEMPLATE)
        iam = {
            name: resource["Properties"]
            for name, resource in template["Resources"].items()
            if resource["Type"].startswith("AWS::IAM::")
        }

        assert iam.keys() == {"ProviderRole", "ResponderRole", "EnrolmentRole"}
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
        page = (PROJECT / "docs" / "reference" / "properties.md").read_text()
        (recommended,) = re.findall(r"`ServiceTimeout`\n\n.*?Use (\d+)", page, re.DOTALL)

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


class TestFleet:
    KEY: Final = "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    PARTS: Final = frozenset(
        {
            "Fleet",
            "EnrolmentFunction",
            "EnrolmentFunctionEventInvokeConfig",
            "EnrolmentLogGroup",
            "EnrolmentRole",
            "EnrolmentRule",
            "EnrolmentPermission",
            "ReconcileRule",
            "ReconcilePermission",
            "EnrolmentQueue",
            "EnrolmentQueuePolicy",
            "EnrolmentAlarm",
        }
    )
    RULES: Final = ("EnrolmentRule", "ReconcileRule")

    @staticmethod
    def there(section: str, **parameters: Any) -> set[str]:
        """What of a *section* of the template CloudFormation makes."""
        template = plain_form()
        resolve = Resolver({**CHINA, **parameters_of(template), **parameters}, template["Conditions"])
        return {
            name
            for name, one in template[section].items()
            if "Condition" not in one or resolve(template["Conditions"][one["Condition"]])
        }

    @staticmethod
    def resolved(name: str, **parameters: Any) -> dict[str, Any]:
        """The properties of a resource."""
        template = plain_form()
        resolve = Resolver({**CHINA, **parameters_of(template), **parameters}, template["Conditions"])
        properties: dict[str, Any] = resolve(template["Resources"][name]["Properties"])
        return properties

    def test_is_not_there_unless_a_key_is_given(self) -> None:
        """Without a key nothing of the fleet is deployed; with one all of it is."""
        assert self.there("Resources", FleetKmsKeyId=self.KEY) - self.there("Resources") == self.PARTS
        assert self.there("Outputs", FleetKmsKeyId=self.KEY) - self.there("Outputs") == {
            "EnrolmentFunctionName",
            "EnrolmentRoleArn",
            "EnrolmentLogGroupName",
            "EnrolmentQueueUrl",
        }

    def test_is_every_log_group_by_default(self) -> None:
        """A key alone is enough: no exclusion, and CloudFormation waits as long as it can."""
        assert self.resolved("Fleet", FleetKmsKeyId=self.KEY) == {
            "ServiceToken": {"Fn::GetAtt": ["ProviderFunction", "Arn"]},
            "ServiceTimeout": 3600,
            "LogGroupNamePrefix": "*",
            "ExcludeLogGroupNames": {"Ref": "AWS::NoValue"},
            "KmsKeyId": self.KEY,
            "OnExistingKey": "Keep",
            "OnDelete": "RestorePrevious",
        }

    def test_is_what_its_parameters_say(self) -> None:
        """Each parameter of the fleet is a property of the resource."""
        said = {
            "FleetKmsKeyId": "alias/logs",
            "FleetLogGroupNamePrefix": "/aws/",
            "FleetExcludeLogGroupNames": ["/aws/rds/*", "/aws/eks/*"],
            "FleetOnExistingKey": "Override",
            "FleetOnDelete": "Retain",
        }
        properties = self.resolved("Fleet", **said)

        assert {name: properties[name.removeprefix("Fleet")] for name in said} == said

    def test_is_made_when_a_crash_would_be_answered(self) -> None:
        """The responder, its role and every configuration that leads to it come before, and go after."""
        assert {
            "ProviderFunctionEventInvokeConfig",
            "ProviderRole",
            "ResponderFunction",
            "ResponderFunctionEventInvokeConfig",
            "ResponderRole",
        } <= needs(plain_form()["Resources"], "Fleet")

    def test_has_its_new_key_after_the_enrolment(self) -> None:
        """Otherwise a reconciliation in between would put the old key back."""
        assert "EnrolmentFunction" in needs(plain_form()["Resources"], "Fleet")

    @pytest.mark.parametrize("rule", RULES)
    def test_is_deleted_once_the_rules_are_gone(self, rule: str) -> None:
        """Nothing is enrolled behind the back of the fleet's Delete."""
        resources = plain_form()["Resources"]

        assert "Fleet" in needs(resources, rule)
        assert needs(resources, "Fleet").isdisjoint(self.RULES)


class TestEnrolment:
    ROLE: Final = "EnrolmentRole"
    KEYS: Final = "arn:aws-cn:kms:cn-north-1:111122223333:key/*"
    RULE_ARN: Final = "arn:aws-cn:events:cn-north-1:111122223333:rule/"
    RULES: Final = (("EnrolmentRule", "EnrolmentPermission"), ("ReconcileRule", "ReconcilePermission"))

    def test_is_the_providers_code_under_another_handler(self) -> None:
        """The same package and runtime, as much time and memory, and a fixed name of its own."""
        resources = load(TEMPLATE)["Resources"]
        provider, own = (resources[f"{name}Function"]["Properties"] for name in ("Provider", "Enrolment"))
        same = ("CodeUri", "Runtime", "Architectures", "MemorySize", "Timeout")

        assert (own["FunctionName"], own["Handler"]) == (
            f"{NAME}-enrolment",
            "log_group_kms.handlers.enrolment.handler",
        )
        assert {name: own[name] for name in same} == {name: provider[name] for name in same}

    def test_works_for_the_fleet(self) -> None:
        """It is told whose name to claim in, and the fleet's own properties."""
        fleet, own = (
            TestFleet.resolved(name, FleetKmsKeyId="alias/logs", FleetExcludeLogGroupNames=["/a", "/b*"])
            for name in ("Fleet", "EnrolmentFunction")
        )
        told = own["Environment"]["Variables"]

        assert (told["FLEET_STACK_ID"], told["FLEET_LOGICAL_ID"]) == (CHINA["AWS::StackId"], "Fleet")
        assert (told["KMS_KEY_ID"], told["ON_EXISTING_KEY"]) == (fleet["KmsKeyId"], fleet["OnExistingKey"])
        assert told["LOG_GROUP_NAME_PREFIX"] == fleet["LogGroupNamePrefix"]
        assert told["EXCLUDE_LOG_GROUP_NAMES"] == "/a,/b*"

    def test_keeps_to_the_same_quota_as_the_provider(self) -> None:
        """Both pace by the one parameter, which is AWS's own quota unless someone says otherwise."""
        paces = [
            TestFleet.resolved(f"{name}Function")["Environment"]["Variables"]["ASSOCIATIONS_PER_SECOND"]
            for name in ("Provider", "Enrolment")
        ]

        assert paces == [5, 5]

    def test_hears_of_log_groups_that_were_created(self) -> None:
        """Of CreateLogGroup as CloudTrail tells it, and not of one that failed."""
        assert TestFleet.resolved("EnrolmentRule")["EventPattern"] == {
            "source": ["aws.logs"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {
                "eventSource": ["logs.amazonaws.com"],
                "eventName": ["CreateLogGroup"],
                "errorCode": [{"exists": False}],
            },
        }

    def test_reconciles_on_schedule(self) -> None:
        """Once a day by default, by an event that says so."""
        rule = TestFleet.resolved("ReconcileRule")
        (target,) = rule["Targets"]

        assert rule["ScheduleExpression"] == "rate(1 day)"
        assert json.loads(target["Input"]) == {"Reconcile": True}

    @pytest.mark.parametrize(("rule", "permission"), RULES)
    def test_is_invoked_by_its_two_rules_alone(self, rule: str, permission: str) -> None:
        """EventBridge may invoke it for these rules, and is allowed to before there is an event."""
        name = TestFleet.resolved(rule)["Name"]
        (target,) = TestFleet.resolved(rule)["Targets"]

        assert target["Arn"] == {"Fn::GetAtt": ["EnrolmentFunction", "Arn"]}
        assert TestFleet.resolved(permission) == {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": "EnrolmentFunction"},
            "Principal": "events.amazonaws.com",
            "SourceArn": self.RULE_ARN + name,
        }
        assert permission in needs(plain_form()["Resources"], rule)

    @pytest.mark.parametrize(("rule", "permission"), RULES)
    def test_loses_no_event(self, rule: str, permission: str) -> None:  # noqa: ARG002 - a column
        """What fails for good is kept: what Lambda gives up, and what EventBridge could not deliver."""
        queue = {"Fn::GetAtt": ["EnrolmentQueue", "Arn"]}
        kept = TestFleet.resolved("EnrolmentFunctionEventInvokeConfig")
        (target,) = TestFleet.resolved(rule)["Targets"]

        assert kept["DestinationConfig"] == {"OnFailure": {"Destination": queue}}
        assert (kept["MaximumRetryAttempts"], kept["MaximumEventAgeInSeconds"]) == (2, 21600)
        assert target["DeadLetterConfig"] == {"Arn": queue}
        assert {"EnrolmentFunctionEventInvokeConfig", "EnrolmentQueuePolicy"} <= needs(plain_form()["Resources"], rule)

    def test_keeps_what_failed_encrypted_and_for_two_weeks(self) -> None:
        """Only its rules may send there beside its own role, and nobody in plain text."""
        keep, refuse = TestFleet.resolved("EnrolmentQueuePolicy")["PolicyDocument"]["Statement"]
        rules = [self.RULE_ARN + TestFleet.resolved(rule)["Name"] for rule, _ in self.RULES]

        assert TestFleet.resolved("EnrolmentQueue") == {
            "MessageRetentionPeriod": 14 * 24 * 3600,
            "SqsManagedSseEnabled": True,
        }
        assert (keep["Effect"], keep["Action"]) == ("Allow", "sqs:SendMessage")
        assert keep["Principal"] == {"Service": "events.amazonaws.com"}
        assert keep["Condition"] == {"ArnEquals": {"aws:SourceArn": rules}}
        assert (refuse["Effect"], refuse["Principal"], refuse["Action"]) == ("Deny", "*", "sqs:*")
        assert refuse["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}

    def test_raises_an_alarm_for_what_failed(self) -> None:
        """One message is enough; the topic of the responder's alarm hears of it."""
        topic = "arn:aws-cn:sns:cn-north-1:111122223333:alarms"
        alarm, responders = (
            TestFleet.resolved(f"{name}Alarm", AlarmTopicArn=topic) for name in ("Enrolment", "Responder")
        )
        metric = (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"], alarm["Dimensions"])

        assert metric == (
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            "Maximum",
            [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["EnrolmentQueue", "QueueName"]}}],
        )
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["AlarmActions"] == responders["AlarmActions"] == [topic]

    def test_keeps_its_log_as_the_provider_does(self) -> None:
        """As long, as well encrypted, and under a name of its own."""
        resources = load(TEMPLATE)["Resources"]
        provider, own = (resources[f"{name}LogGroup"] for name in ("Provider", "Enrolment"))
        names = [Resolver(CHINA)(each["Properties"].pop("LogGroupName")) for each in (provider, own)]

        assert own == provider | {"Condition": "HasFleet"}
        assert names == [f"/aws/lambda/{NAME}-5c9f1e20", f"/aws/lambda/{NAME}-enrolment-5c9f1e20"]

    def test_may_do_what_the_provider_may_but_create_log_groups(self) -> None:
        """It meets only log groups that are there."""
        granted = actions("associations", self.ROLE)

        assert sorted(granted) == sorted(permissions.ENROLMENT_ACTIONS)
        assert set(granted) - permissions.ACTIONS == {"events:DescribeRule"}
        assert permissions.ACTIONS - set(granted) == {"logs:CreateLogGroup"}

    @pytest.mark.parametrize(
        ("sid", "resources"),
        [
            ("FindLogGroups", [f"{LOGS}:log-group:*"]),
            ("ReadOwner", [f"{LOGS}:log-group:*"]),
            ("ClaimAndRelease", [f"{LOGS}:log-group:*"]),
            ("AssociateAndDisassociate", [f"{LOGS}:log-group:*:*"]),
            ("LookAtKey", [KEYS]),
            ("UseKeyForLogsOnly", [KEYS]),
            ("GoOnInAFurtherInvocation", [f"arn:aws-cn:lambda:cn-north-1:111122223333:function:{NAME}-enrolment"]),
            ("SeeWhetherTheFleetIsThere", [f"arn:aws-cn:events:cn-north-1:111122223333:rule/{NAME}-enrolment"]),
        ],
    )
    def test_stays_in_its_partition_region_and_account(self, sid: str, resources: list[str]) -> None:
        """Each statement names the narrowest resources that AWS checks it on: query results are not among them."""
        assert as_list(statements("associations", self.ROLE)[sid]["Resource"]) == resources

    def test_has_no_statement_that_another_test_overlooks(self) -> None:
        """Every statement is one of the table above."""
        assert len(statements("associations", self.ROLE)) == 8

    @pytest.mark.parametrize("sid", ["ClaimAndRelease", "LookAtKey", "UseKeyForLogsOnly"])
    def test_is_bound_as_the_provider_is(self, sid: str) -> None:
        """The same tags, the same keys, and these through CloudWatch Logs alone."""
        keys = ["arn:aws-cn:kms:cn-north-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        provider, own = (statements("associations", role, KmsKeyArns=keys)[sid] for role in ("ProviderRole", self.ROLE))

        assert own == provider

    def test_writes_its_own_log_and_its_own_queue_alone(self) -> None:
        """Lambda sends what failed in the role's name; the role has no other policy."""
        policies = load(TEMPLATE)["Resources"][self.ROLE]["Properties"]["Policies"]
        own_log = statements("own-log", self.ROLE)["WriteOwnLog"]
        last_word = statements("last-word", self.ROLE)["HandFailuresOver"]

        assert [policy["PolicyName"] for policy in policies] == ["own-log", "associations", "last-word"]
        assert own_log["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
        assert own_log["Resource"] == {"Fn::GetAtt": ["EnrolmentLogGroup", "Arn"]}
        assert last_word["Action"] == "sqs:SendMessage"
        assert last_word["Resource"] == {"Fn::GetAtt": ["EnrolmentQueue", "Arn"]}


class TestParameters:
    TEMPLATES: Final = [TEMPLATE, *EXAMPLES]

    @pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
    def test_each_is_described_and_constrained(self, path: Path) -> None:
        """Whoever deploys reads what a parameter means, and is told at once what does not fit."""
        incomplete = [
            name
            for name, parameter in load(path)["Parameters"].items()
            if not {"Description", "ConstraintDescription", "Default"} <= parameter.keys()
            or parameter.keys().isdisjoint({"AllowedPattern", "AllowedValues", "MaxValue"})
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
            ("FleetKmsKeyId", "", True),
            ("FleetKmsKeyId", "arn:aws-cn:kms:cn-north-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab", True),
            ("FleetKmsKeyId", "arn:aws:kms:eu-west-1:111122223333:alias/landing-zone/logs", True),
            ("FleetKmsKeyId", "alias/landing-zone/logs", True),
            ("FleetKmsKeyId", "1234abcd-12ab-34cd-56ef-1234567890ab", True),
            ("FleetKmsKeyId", "mrk-1234abcd12ab34cd56ef1234567890ab", True),
            ("FleetKmsKeyId", "landing-zone/logs", False),
            ("FleetLogGroupNamePrefix", "*", True),
            ("FleetLogGroupNamePrefix", "/", True),
            ("FleetLogGroupNamePrefix", "/aws/lambda/*", False),
            ("FleetLogGroupNamePrefix", "", False),
            ("FleetExcludeLogGroupNames", "", True),
            ("FleetExcludeLogGroupNames", "/aws/rds/*", True),
            ("FleetExcludeLogGroupNames", "/aws/rds?", False),
            ("ReconcileSchedule", "rate(1 day)", True),
            ("ReconcileSchedule", "rate(12 hours)", True),
            ("ReconcileSchedule", "rate(1 days)", False),
            ("ReconcileSchedule", "cron(0 3 ? * MON-FRI *)", True),
            ("ReconcileSchedule", "cron(0 3 * * *)", False),
            ("ReconcileSchedule", "1 day", False),
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

    def test_lets_nobody_ask_for_what_makes_no_sense(self) -> None:
        """Enrolment cannot fail for a log group's other key, and no pace is none."""
        parameters = load(TEMPLATE)["Parameters"]
        pace = parameters["AssociationsPerSecond"]

        assert parameters["FleetOnExistingKey"]["AllowedValues"] == ["Keep", "Override"]
        assert parameters["FleetOnDelete"]["AllowedValues"] == ["RestorePrevious", "Disassociate", "Retain"]
        assert (pace["MinValue"], pace["Default"], pace["MaxValue"]) == (1, 5, 50)


class TestEveryTemplate:
    @pytest.mark.parametrize("path", ALL_TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.stem}")
    def test_works_in_every_partition(self, path: Path) -> None:
        """No partition and no domain is written out, but for the services that have one name everywhere."""
        literal = re.findall(r"arn:aws[^\s\[]*:|\S*amazonaws\.com\S*", path.read_text())

        assert [found for found in literal if found not in SAME_EVERYWHERE] == []

    @pytest.mark.parametrize("path", ALL_TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.stem}")
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
