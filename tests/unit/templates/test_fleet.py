"""The fleet that the template can deploy."""

from typing import Final

import pytest
from support.template import needs, plain_form
from unit.templates.names import resolved, there


class TestFleet:
    KEY: Final = "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    PARTS: Final = frozenset(
        {
            "Fleet",
            "EnrolmentFunction",
            "EnrolmentFunctionEventInvokeConfig",
            "EnrolmentLogGroup",
            "EnrolmentRole",
            "EnrolmentMapping",
            "EnrolmentRule",
            "ReconcileRule",
            "ReconcilePermission",
            "EnrolmentQueue",
            "EnrolmentQueuePolicy",
            "EnrolmentDeadLetterQueue",
            "EnrolmentDeadLetterQueuePolicy",
            "EnrolmentAlarm",
            "DriftAlarm",
            "TugOfWarAlarm",
            "FleetRefusedAlarm",
            "UncoveredAlarm",
            "ReconcileAlarm",
        }
    )
    RULES: Final = ("EnrolmentRule", "ReconcileRule")

    def test_is_not_there_unless_a_key_is_given(self) -> None:
        """Nothing of the fleet is deployed without a key, and all of it with one."""
        assert there("Resources", FleetKmsKeyId=self.KEY) - there("Resources") == self.PARTS
        assert there("Outputs", FleetKmsKeyId=self.KEY) - there("Outputs") == {
            "EnrolmentFunctionName",
            "EnrolmentRoleArn",
            "EnrolmentLogGroupName",
            "EnrolmentQueueUrl",
            "EnrolmentDeadLetterQueueUrl",
        }

    def test_is_every_log_group_by_default(self) -> None:
        """A key alone is enough: no exclusion, and CloudFormation waits as long as it can."""
        assert resolved("Fleet", FleetKmsKeyId=self.KEY) == {
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
            "FleetExcludeLogGroupNames": "/aws/rds/*,/aws/eks/*",
            "FleetOnExistingKey": "Override",
            "FleetOnDelete": "Retain",
        }
        properties = resolved("Fleet", **said)

        told = {name: properties[name.removeprefix("Fleet")] for name in said}
        assert told == said | {"FleetExcludeLogGroupNames": ["/aws/rds/*", "/aws/eks/*"]}

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
