"""Parameters of a deployment."""

import json
import re
from pathlib import Path
from typing import Final

import pytest
from support.template import TEMPLATE, Resolver, load
from unit.templates.names import EXAMPLES


class TestParameters:
    TEMPLATES: Final = [TEMPLATE, *EXAMPLES]

    @pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
    def test_each_is_described_and_constrained(self, path: Path) -> None:
        """Each parameter says what it means, and what does not fit is told at once."""
        incomplete = [
            name
            for name, parameter in load(path).get("Parameters", {}).items()
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
            ("FleetExcludeLogGroupNames", "/aws/rds/*,*secret*", True),
            ("FleetExcludeLogGroupNames", "/aws/rds/*, *secret*", False),
            ("FleetExcludeLogGroupNames", "/aws/rds/*,", False),
            ("FleetExcludeLogGroupNames", "/aws/rds?", False),
            ("FleetExcludeLogGroupNames", "/" + 512 * "a", False),
            ("ProviderReservedConcurrency", "", True),
            ("ProviderReservedConcurrency", "25", True),
            ("ProviderReservedConcurrency", "0", False),
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

    def test_exclusions_fit_into_the_functions_environment(self) -> None:
        """Lambda's 4 KB hold the longest that the parameters allow: a longer one is refused before anything is made."""
        template = load(TEMPLATE)
        parameters = template["Parameters"]
        alias = f"arn:aws-us-gov:kms:ap-southeast-1:111122223333:alias/{250 * 'a'}"
        stack = f"arn:aws-us-gov:cloudformation:ap-southeast-1:111122223333:stack/{128 * 'a'}/{36 * 'a'}"
        queue = f"https://sqs.ap-southeast-1.amazonaws.com.cn/111122223333/{80 * 'a'}"
        longest = {
            "AWS::StackId": stack,
            "EnrolmentQueue": queue,
            "FleetKmsKeyId": alias,
            "FleetLogGroupNamePrefix": 512 * "a",
            "FleetExcludeLogGroupNames": parameters["FleetExcludeLogGroupNames"]["MaxLength"] * "a",
            "FleetOnDelete": "RestorePrevious",
            "FleetOnExistingKey": "Override",
            "AssociationsPerSecond": "50",
            "DriftRoundsPerHour": "60",
            "LogLevel": "DEBUG",
        }
        declared = template["Resources"]["EnrolmentFunction"]["Properties"]["Environment"]["Variables"]
        variables = {name: str(Resolver(longest)(value)) for name, value in declared.items()}

        assert [value for value in variables.values() if "{" in value] == []
        assert re.fullmatch(parameters["FleetKmsKeyId"]["AllowedPattern"], alias)
        # As JSON, with all its quotes: how Lambda counts is not documented.
        assert len(json.dumps(variables)) <= 4096

    def test_what_is_too_long_is_told_how_long_it_may_be(self) -> None:
        """CloudFormation shows the constraint's description, before it makes anything."""
        exclusions = load(TEMPLATE)["Parameters"]["FleetExcludeLogGroupNames"]

        assert exclusions["Type"] == "String"
        assert f"{exclusions['MaxLength']:,} characters" in exclusions["ConstraintDescription"]

    def test_lets_nobody_ask_for_what_makes_no_sense(self) -> None:
        """Enrolment cannot fail for a log group's other key, and no pace is none."""
        parameters = load(TEMPLATE)["Parameters"]
        pace = parameters["AssociationsPerSecond"]

        assert parameters["FleetOnExistingKey"]["AllowedValues"] == ["Keep", "Override"]
        assert parameters["FleetOnDelete"]["AllowedValues"] == ["RestorePrevious", "Disassociate", "Retain"]
        assert (pace["MinValue"], pace["Default"], pace["MaxValue"]) == (1, 5, 50)
