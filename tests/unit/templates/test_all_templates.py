"""Rules for every template, and for the examples."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
from support.template import CHINA, PROJECT, TEMPLATE, Resolver, load
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
        """The key stays after the stack is gone, so that what it encrypted can be read; a failed Create leaves none."""
        keys = [resource for resource in load(path)["Resources"].values() if resource["Type"] == "AWS::KMS::Key"]

        assert keys
        policies = {(key["DeletionPolicy"], key["UpdateReplacePolicy"]) for key in keys}
        assert policies == {("RetainExceptOnCreate", "Retain")}

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
        _, for_logs, _ = Resolver(CHINA)(key["Properties"]["KeyPolicy"]["Statement"])

        assert for_logs["Principal"] == {"Service": "logs.cn-north-1.amazonaws.com.cn"}
        assert for_logs["Condition"] == condition

    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
    def test_lets_the_account_write_and_read_through_cloudwatch_logs(self, path: Path) -> None:
        """Each key's policy lets this account's principals, and nobody else, use the key, through the service alone."""
        keys = [each for each in load(path)["Resources"].values() if each["Type"] == "AWS::KMS::Key"]
        last = [Resolver(CHINA)(key["Properties"]["KeyPolicy"]["Statement"][-1]) for key in keys]
        statement = {
            "Sid": "TheAccountUsesItThroughCloudWatchLogs",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            "Resource": "*",
            "Condition": {
                "StringEquals": {
                    "kms:ViaService": "logs.cn-north-1.amazonaws.com.cn",
                    "kms:CallerAccount": "111122223333",
                }
            },
        }

        assert keys
        assert last == [statement] * len(keys)


class TestApplicationRepository:
    """What the Serverless Application Repository takes (its API reference, CreateApplication)."""

    METADATA: Final = load(TEMPLATE)["Metadata"]["AWS::ServerlessRepo::Application"]

    @pytest.mark.parametrize(
        ("name", "longest", "pattern"),
        [
            pytest.param("Author", 127, r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?", id="author"),
            pytest.param("Name", 140, r"[a-zA-Z0-9-]+", id="name"),
            pytest.param("Description", 256, r".+", id="description"),
        ],
    )
    def test_takes_each_text(self, name: str, longest: int, pattern: str) -> None:
        """None has a character or a length that `sam publish` would be refused for."""
        assert re.fullmatch(pattern, self.METADATA[name])
        assert len(self.METADATA[name]) <= longest

    def test_takes_the_labels(self) -> None:
        """At most ten, with the characters that it allows."""
        assert len(self.METADATA["Labels"]) <= 10
        assert [
            label for label in self.METADATA["Labels"] if not re.fullmatch(r"[a-zA-Z0-9+\-_:/@]{1,127}", label)
        ] == []
