"""Each rule on resources with one property changed, word for word: people search for these sentences."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from support.linting import TYPE, findings, of_resource
from support.template_properties import KEY, of_fleet, properties

from log_group_kms.request.properties import CLOUDFORMATIONS_OWN, PROPERTY_NAMES

KNOWN: Final = (*CLOUDFORMATIONS_OWN, *PROPERTY_NAMES)
NO_VALUE: Final = {"Ref": "AWS::NoValue"}
NAME: Final = (
    "it must be 1 to 512 characters of A-Z a-z 0-9 . - _ / #, and must not begin with aws/, which is reserved for AWS"
)
EXCLUSION: Final = "each must be 1 to 512 characters of A-Z a-z 0-9 . - _ / # and * as wildcard"
ONE_TARGET: Final = "exactly one of LogGroupName, ResourceIdentifier, LogGroupNamePrefix is required; given:"
IDENTIFIER: Final = "arn:aws:logs:eu-west-1:111122223333"
NOT_FOR_RESULTS: Final = "does not apply to query results, which cannot be read: leave it out"
#: Live is true where Stage is live.
STAGES: Final[dict[str, Any]] = {
    "Parameters": {"Stage": {"Type": "String", "AllowedValues": ["test", "live"]}},
    "Conditions": {"Live": {"Fn::Equals": [{"Ref": "Stage"}, "live"]}},
}


def live(then: object, otherwise: object = NO_VALUE) -> dict[str, Any]:
    """The one in the live stage, the other elsewhere."""
    return {"Fn::If": ["Live", then, otherwise]}


def identified(resource: str, **changes: object) -> dict[str, Any]:
    """A valid request for the ARN of a resource of CloudWatch Logs, with *changes*."""
    return properties(LogGroupName=None, ResourceIdentifier=f"{IDENTIFIER}:{resource}", **changes)


@pytest.mark.parametrize(
    ("given", "finding"),
    [
        pytest.param(
            properties(Properties={}),
            ("E9701", f"'Properties' is no property of {TYPE}; there are {', '.join(KNOWN)}"),
            id="unknown",
        ),
        pytest.param(
            properties(DependsOn="Key"),
            ("E9701", f"'DependsOn' is no property of {TYPE}; it belongs beside Properties: move it there"),
            id="an attribute of the resource among the properties",
        ),
        pytest.param(
            properties(Servicetimeout=60, ServiceTimeout=None),
            ("E9701", f"'Servicetimeout' is no property of {TYPE}; upper and lower case matter: write ServiceTimeout"),
            id="wrong case of CloudFormation's own, which is not missing as well",
        ),
        pytest.param(
            properties(LogGroupName="aws/spans"), ("E9702", f"LogGroupName is 'aws/spans'; {NAME}"), id="reserved"
        ),
        pytest.param(
            properties(LogGroupName=""),
            ("E9702", "LogGroupName is ''; it must not be empty (leave it out with AWS::NoValue instead)"),
            id="empty",
        ),
        pytest.param(
            properties(LogGroupName=["/a"]), ("E9702", "LogGroupName is ['/a']; it must be a string"), id="a list"
        ),
        pytest.param(
            properties(LogGroupName="x" * 600),
            ("E9702", f"LogGroupName is '{'x' * 98}…; {NAME}"),
            id="a long value is cut short",
        ),
        pytest.param(
            properties(OnDelete=True),
            (
                "E9702",
                (
                    "OnDelete is True; it must be one of RestorePrevious, Disassociate, Retain; "
                    "there are RestorePrevious, Disassociate, Retain"
                ),
            ),
            id="a boolean",
        ),
        pytest.param(
            properties(OnDelete="retain"),
            (
                "E9702",
                (
                    "OnDelete is 'retain'; it must be one of RestorePrevious, Disassociate, Retain; "
                    "upper and lower case matter: write Retain"
                ),
            ),
            id="a choice in the wrong case",
        ),
        pytest.param(
            properties(ServiceTimeout=3601),
            ("E9702", "ServiceTimeout is 3601; it must be a whole number of seconds from 1 to 3600"),
            id="time-out too long",
        ),
        pytest.param(
            properties(ServiceTimeout=0),
            ("E9702", "ServiceTimeout is 0; it must be a whole number of seconds from 1 to 3600"),
            id="time-out too short",
        ),
        pytest.param(
            properties(PropagationWaitSeconds=901, ServiceTimeout=3600),
            ("E9702", "PropagationWaitSeconds is 901; it must be a whole number of seconds from 0 to 900"),
            id="wait too long",
        ),
        pytest.param(
            of_fleet(ExcludeLogGroupNames="/a"),
            ("E9702", "ExcludeLogGroupNames is '/a'; it must be a list of strings"),
            id="no list",
        ),
        pytest.param(
            of_fleet(ExcludeLogGroupNames=["/a", "", NO_VALUE, "/b c"]),
            ("E9702", f"ExcludeLogGroupNames is '/b c'; {EXCLUSION}"),
            id="an item",
        ),
        pytest.param(
            properties(KmsKeyId=None),
            (
                "E9703",
                (
                    "KmsKeyId is missing; it is required: "
                    "The KMS key: key ARN, alias ARN, alias/NAME, key id or multi-Region key id."
                ),
            ),
            id="missing",
        ),
        pytest.param(properties(LogGroupName=None), ("E9703", f"{ONE_TARGET} none"), id="no target"),
        pytest.param(
            properties(LogGroupNamePrefix="/a"),
            ("E9703", f"{ONE_TARGET} LogGroupName and LogGroupNamePrefix: leave one out"),
            id="two targets",
        ),
        pytest.param(
            of_fleet(OnMissingLogGroup="Create"),
            (
                "E9704",
                "OnMissingLogGroup does not apply to LogGroupNamePrefix; it belongs to one log group: leave it out",
            ),
            id="not for a fleet",
        ),
        pytest.param(
            identified("log-group:/a", ExcludeLogGroupNames=["/b"]),
            (
                "E9704",
                "ExcludeLogGroupNames does not apply to one log group; it belongs to LogGroupNamePrefix: leave it out",
            ),
            id="not for one log group by its ARN",
        ),
        pytest.param(
            identified("query-result:*", OnMissingLogGroup="Fail"),
            ("E9704", f"OnMissingLogGroup {NOT_FOR_RESULTS}"),
            id="not for query results",
        ),
        pytest.param(
            properties(
                LogGroupName=None, ResourceIdentifier={"Fn::ImportValue": "Target"}, ExcludeLogGroupNames=["/b"]
            ),
            (
                "E9704",
                "ExcludeLogGroupNames does not apply to one log group; it belongs to LogGroupNamePrefix: leave it out",
            ),
            id="for nothing that an unknown ARN may name",
        ),
        pytest.param(
            properties(PropagationWaitSeconds="60", ServiceTimeout=60),
            (
                "E9705",
                (
                    "PropagationWaitSeconds is '60'; it must be below ServiceTimeout, which is 60: "
                    "lower the one or raise the other"
                ),
            ),
            id="as long as the time-out",
        ),
        pytest.param(
            properties(ServiceTimeout=None),
            (
                "W9707",
                (
                    "ServiceTimeout is missing; CloudFormation waits an hour for an answer that is lost; "
                    "set 900, for a fleet 3600"
                ),
            ),
            id="no time-out",
        ),
    ],
)
def test_a_mistake_has_one_finding(given: dict[str, Any], finding: tuple[str, str]) -> None:
    """It names the property, the value and the rule, or what to write instead."""
    assert of_resource(given) == [finding]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param(
            properties(OnDelete=live("Retain", "Restore")),
            [
                (
                    "OnDelete is 'Restore'; it must be one of RestorePrevious, Disassociate, Retain; "
                    "did you mean RestorePrevious?"
                )
            ],
            id="a branch",
        ),
        pytest.param(
            properties(LogGroupName={"Fn::Sub": "/aws/${Stage} x"}),
            [f"LogGroupName is '/aws/{stage} x' (by Fn::Sub); {NAME}" for stage in ("test", "live")],
            id="each value of a parameter in Fn::Sub",
        ),
        pytest.param(
            properties(LogGroupName=live("/a"), LogGroupNamePrefix=live("/a/", "/b/")),
            [f"{ONE_TARGET} LogGroupName and LogGroupNamePrefix: leave one out"],
            id="two targets in one case",
        ),
        pytest.param(properties(LogGroupName=live("/a")), [f"{ONE_TARGET} none"], id="no target in one case"),
        pytest.param(
            properties(LogGroupNamePrefix=live("/a/"), LogGroupName=live(NO_VALUE, "/a"), ExcludeLogGroupNames=["/b"]),
            ["ExcludeLogGroupNames does not apply to one log group; it belongs to LogGroupNamePrefix: leave it out"],
            id="not for the target of one case",
        ),
        pytest.param(
            properties(
                LogGroupNamePrefix=live("/a/"), LogGroupName=live(NO_VALUE, "/a"), ExcludeLogGroupNames=live(["/b"])
            ),
            [],
            id="left out where it does not fit",
        ),
        pytest.param(
            properties(ServiceTimeout=live(900, 60), PropagationWaitSeconds=live(300, 60)),
            [
                (
                    "PropagationWaitSeconds is 60; it must be below ServiceTimeout, which is 60: "
                    "lower the one or raise the other"
                )
            ],
            id="a wait and the time-out of the same case",
        ),
        pytest.param(
            properties(ServiceTimeout=live(900)),
            [
                (
                    "ServiceTimeout is missing; CloudFormation waits an hour for an answer that is lost; "
                    "set 900, for a fleet 3600"
                )
            ],
            id="no time-out in one case",
        ),
        pytest.param(
            of_fleet(ExcludeLogGroupNames=live(["/b", live("/c d")], ["/e f"])),
            [f"ExcludeLogGroupNames is {item!r}; {EXCLUSION}" for item in ("/c d", "/e f")],
            id="items of a list in a branch",
        ),
        pytest.param(
            of_fleet(ExcludeLogGroupNames={"Fn::Split": [",", "/a,/b c"]}),
            [f"ExcludeLogGroupNames is '/b c' (by Fn::Split); {EXCLUSION}"],
            id="items of a list that a function makes",
        ),
    ],
)
def test_conditions_and_parameters_are_seen_through(given: dict[str, Any], found: list[str]) -> None:
    """Each case of a condition and each value of a parameter counts, and only those that go together."""
    assert [message for _, message in of_resource(given, **STAGES)] == found


def test_a_branch_that_the_resources_condition_excludes_is_not_looked_at() -> None:
    """A resource that only a live stage has may be wrong elsewhere."""
    resource = {"Type": TYPE, "Condition": "Live", "Properties": properties(OnDelete=live("Retain", "Wrong"))}

    assert findings(json.dumps({"Resources": {"Logs": resource}, **STAGES})) == []


def test_a_default_that_its_condition_excludes_is_not_looked_at() -> None:
    """Where an empty parameter means `make a key`, its emptiness never reaches the property."""
    template = {
        "Parameters": {"Key": {"Type": "String", "Default": ""}},
        "Conditions": {"Own": {"Fn::Equals": [{"Ref": "Key"}, ""]}},
    }

    assert of_resource(properties(KmsKeyId={"Fn::If": ["Own", KEY, {"Ref": "Key"}]}), **template) == []
    assert [rule for rule, _ in of_resource(properties(KmsKeyId={"Ref": "Key"}), **template)] == ["E9702"]


def test_the_range_of_a_parameter_counts_as_values() -> None:
    """But not for the wait beside the time-out, of which nobody means the smallest."""
    seconds = {"Type": "Number", "Default": 300, "MinValue": 0, "MaxValue": 1000}
    timeout = {"Type": "Number", "Default": 900, "MinValue": 1}
    given = properties(ServiceTimeout={"Ref": "Timeout"}, PropagationWaitSeconds={"Ref": "Seconds"})

    assert of_resource(given, Parameters={"Seconds": seconds, "Timeout": timeout}) == [
        (
            "E9702",
            (
                "PropagationWaitSeconds is '1000' (MaxValue of the parameter Seconds); "
                "it must be a whole number of seconds from 0 to 900"
            ),
        )
    ]


@pytest.mark.parametrize("form", ["LogGroupArm", ["LogGroupArm"]])
@pytest.mark.parametrize("function", ["Fn::GetAtt", "Fn::Sub"])
def test_attributes_are_known_in_each_form(function: str, form: str | list[str]) -> None:
    """Short and long form of Fn::GetAtt, Fn::Sub with and without variables of its own."""
    (attribute,) = [form] if isinstance(form, str) else form
    argument: Any = f"Logs.{attribute}" if function == "Fn::GetAtt" else f"${{Logs.{attribute}}}"
    if isinstance(form, list):
        argument = ["Logs", attribute] if function == "Fn::GetAtt" else [argument, {"Own": "x"}]

    assert of_resource(properties(), Outputs={"Arn": {"Value": {function: argument}}}) == [
        ("E9706", f"'LogGroupArm' is no attribute of Logs ({TYPE}); did you mean LogGroupArn?")
    ]


def test_a_macro_may_bring_what_is_missing() -> None:
    """Nobody sees here what AWS::Include adds."""
    include = {"Name": "AWS::Include", "Parameters": {"Location": "s3://bucket/key"}}

    assert of_resource({"Fn::Transform": include}) == []


@pytest.mark.parametrize("kind", ["AWS::CloudFormation::CustomResource", "Custom::LogsKey"])
def test_other_types_are_ours_if_they_import_our_service_token(kind: str) -> None:
    """The type of a custom resource is free; another token is another provider's."""
    ours = properties(ServiceToken={"Fn::ImportValue": "LogGroupKmsAssociation-ServiceToken"}, OnDelete="Wrong")
    theirs = ours | {"ServiceToken": {"Fn::ImportValue": "Other"}}
    template = {
        "Resources": {name: {"Type": kind, "Properties": given} for name, given in (("A", ours), ("B", theirs))}
    }

    assert [(found.rule, found.message[:19]) for found in findings(json.dumps(template))] == [
        ("E9702", "OnDelete is 'Wrong'")
    ]


def test_the_line_is_that_of_the_branch() -> None:
    """Not that of the property, which may be far above."""
    template = f"""\
Conditions:
  Live: !Equals [!Ref AWS::Region, eu-west-1]
Resources:
  Logs:
    Type: {TYPE}
    Properties:
      ServiceToken: x
      ServiceTimeout: 900
      KmsKeyId: alias/logs
      LogGroupName: !If
        - Live
        - /a
        - /b c
"""

    assert [(found.rule, found.line) for found in findings(template)] == [("E9702", 13)]
