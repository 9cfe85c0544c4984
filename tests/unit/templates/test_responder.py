"""The responder, which answers what the provider could not."""

import re
from typing import Any

import pytest
from support.template import CHINA, PROJECT, TEMPLATE, Resolver, load, parameters_of, policies, statements
from unit.templates.names import NAME


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

        assert own["Environment"]["Variables"]["PROVIDER_LOG_GROUP"] == {"Ref": "ProviderLogGroup"}

    def test_may_write_its_own_log_and_nothing_else(self) -> None:
        """It calls no service: the answer goes to a pre-signed URL."""
        own_log = statements("own-log", "ResponderRole")["WriteOwnLog"]

        assert [policy["PolicyName"] for policy in policies("ResponderRole")] == ["own-log"]
        assert own_log["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
        assert own_log["Resource"] == {"Fn::GetAtt": ["ResponderLogGroup", "Arn"]}

    def test_keeps_its_log_as_the_provider_does(self) -> None:
        """It is kept as long and encrypted as well, under a name of its own."""
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
        notified = Resolver(names, template["Conditions"])(alarm["AlarmActions"])
        metric = (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"], alarm["Dimensions"])

        assert metric == (
            "AWS/Lambda",
            "Invocations",
            "Sum",
            [{"Name": "FunctionName", "Value": {"Ref": "ResponderFunction"}}],
        )
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
        assert alarm["TreatMissingData"] == "notBreaching"
        assert notified == actions
