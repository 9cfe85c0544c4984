"""Rules for every template, and for the examples."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
from support.template import CHINA, PROJECT, Resolver, load
from unit.templates.names import ALL_TEMPLATES, EXAMPLES, EXPORT, LOGS

#: Services whose name has the same domain in every partition.
SAME_EVERYWHERE: Final = {"events.amazonaws.com", "lambda.amazonaws.com", "[logs.amazonaws.com]", "logs.amazonaws.com"}


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
        """The key stays after the stack is gone, so that what it encrypted can be read."""
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
