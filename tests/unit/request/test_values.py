"""What a template says is what the rules get: every form of every property."""

from __future__ import annotations

import pytest
from support.fake_aws import PLACE, fleet
from support.template_properties import KEY, ORDERS, UUID, of_fleet, properties

from log_group_kms.model.association import (
    Association,
    OnDelete,
    OnExistingKey,
    OnExistingOwner,
    OnMissingLogGroup,
    OnRefusedLogGroup,
)
from log_group_kms.model.keys import KeyArn, KeyName
from log_group_kms.model.targets import Exclusions, Fleet, LogGroup, Place, QueryResults
from log_group_kms.request.parse import (
    parse_association,
    parse_physical_id,
    parse_service_timeout,
)
from log_group_kms.request.values import DEFAULT_SERVICE_TIMEOUT

CHINA = Place("aws-cn", "cn-north-1", "111122223333")
GOVERNMENT = Place("aws-us-gov", "us-gov-west-1", "111122223333")


def test_defaults() -> None:
    """What a template leaves out has the contract's defaults."""
    expected = Association(
        ORDERS,
        KeyArn(KEY),
        on_delete=OnDelete.RESTORE_PREVIOUS,
        on_existing_key=OnExistingKey.OVERRIDE,
        on_existing_owner=OnExistingOwner.FAIL,
        on_missing_log_group=OnMissingLogGroup.FAIL,
        on_refused_log_group=OnRefusedLogGroup.SKIP,
        propagation_wait=0,
    )

    assert parse_association(properties(), PLACE) == expected


def test_every_property_is_read() -> None:
    """What a template says is what the lifecycle gets."""
    given = properties(
        OnDelete="Retain",
        OnExistingKey="Keep",
        OnExistingOwner="TakeOver",
        OnMissingLogGroup="Create",
        PropagationWaitSeconds="300",
    )

    expected = Association(
        ORDERS,
        KeyArn(KEY),
        on_delete=OnDelete.RETAIN,
        on_existing_key=OnExistingKey.KEEP,
        on_existing_owner=OnExistingOwner.TAKE_OVER,
        on_missing_log_group=OnMissingLogGroup.CREATE,
        propagation_wait=300,
    )
    assert parse_association(given, PLACE) == expected


def test_every_property_of_a_fleet_is_read() -> None:
    """What a template says is what the lifecycle gets."""
    given = of_fleet(
        ExcludeLogGroupNames=["/aws/lambda/audit", "*/debug-*"],
        OnDelete="Disassociate",
        OnExistingKey="Fail",
        OnRefusedLogGroup="Fail",
        PropagationWaitSeconds="60",
    )

    expected = Association(
        fleet("/aws/"),
        KeyArn(KEY),
        on_delete=OnDelete.DISASSOCIATE,
        on_existing_key=OnExistingKey.FAIL,
        on_refused_log_group=OnRefusedLogGroup.FAIL,
        propagation_wait=60,
        exclude=Exclusions(("/aws/lambda/audit", "*/debug-*")),
    )
    assert parse_association(given, PLACE) == expected


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        pytest.param("*", "", id="every log group"),
        pytest.param("/", "/", id="all that begin with a slash"),
        pytest.param("/aws/lambda/", "/aws/lambda/", id="a service's"),
        pytest.param("/aws/lambda/ord", "/aws/lambda/ord", id="not at a slash"),
        pytest.param("orders", "orders", id="no slash"),
        pytest.param("aws", "aws", id="nearly reserved"),
        pytest.param("a", "a", id="one letter, also AWS's"),
        pytest.param("team#1/._-", "team#1/._-", id="every kind of character"),
        pytest.param("x" * 512, "x" * 512, id="as long as a name may be"),
    ],
)
def test_every_form_of_a_prefix(text: str, prefix: str) -> None:
    """The begin of a name as it stands, or `*` for all; the physical id reads back."""
    target = parse_association(of_fleet(text), PLACE).target

    assert target == Fleet(PLACE, prefix)
    assert target.arn == f"arn:aws:logs:eu-west-1:111122223333:log-group:{prefix}*"
    assert parse_physical_id(target.arn, PLACE) == target


@pytest.mark.parametrize(
    ("given", "patterns"),
    [
        pytest.param(None, (), id="left out"),
        pytest.param([], (), id="none"),
        pytest.param(["/aws/lambda/orders"], ("/aws/lambda/orders",), id="a name"),
        pytest.param(["*"], ("*",), id="all"),
        pytest.param(["*debug*", "/a/*/b"], ("*debug*", "/a/*/b"), id="wildcards"),
        pytest.param(["aws/*"], ("aws/*",), id="reserved anyway"),
        pytest.param(["x" * 512], ("x" * 512,), id="as long as a name may be"),
        pytest.param(["/a", "/a"], ("/a", "/a"), id="twice"),
        pytest.param([""], (), id="an empty CommaDelimitedList"),
        pytest.param(["/a", ""], ("/a",), id="an empty name among others"),
    ],
)
def test_every_form_of_exclusions(given: object, patterns: tuple[str, ...]) -> None:
    """A list of names, each with as many wildcards as one likes; leaving it out excludes nothing."""
    assert parse_association(of_fleet(ExcludeLogGroupNames=given), PLACE).exclude == Exclusions(patterns)


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        pytest.param(f"arn:aws:kms:eu-west-1:111122223333:key/{UUID}", PLACE, KeyArn, id="key ARN"),
        pytest.param(f"arn:aws:kms:eu-west-1:999988887777:key/{UUID}", PLACE, KeyArn, id="another account's key ARN"),
        pytest.param("arn:aws:kms:eu-west-1:111122223333:key/mrk-" + "0a" * 16, PLACE, KeyArn, id="multi-Region ARN"),
        pytest.param("arn:aws:kms:eu-west-1:111122223333:alias/logs", PLACE, KeyName, id="alias ARN"),
        pytest.param("alias/logs", PLACE, KeyName, id="alias"),
        pytest.param("alias/team/logs_1-a", PLACE, KeyName, id="alias with a path"),
        pytest.param(UUID, PLACE, KeyName, id="key id"),
        pytest.param("mrk-" + "0a" * 16, PLACE, KeyName, id="multi-Region key id"),
        pytest.param(f"arn:aws-cn:kms:cn-north-1:111122223333:key/{UUID}", CHINA, KeyArn, id="China"),
        pytest.param(f"arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/{UUID}", GOVERNMENT, KeyArn, id="GovCloud"),
    ],
)
def test_every_form_of_a_key(text: str, place: Place, expected: type) -> None:
    """Only a key ARN is used as it is; every other form is left to be resolved."""
    key = parse_association(properties(KmsKeyId=text), place).key

    assert (type(key), key.text) == (expected, text)


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        pytest.param("arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/orders", ORDERS, id="log group"),
        pytest.param(
            "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/orders:*", ORDERS, id="with the suffix"
        ),
        pytest.param("arn:aws:logs:eu-west-1:111122223333:query-result:*", QueryResults(PLACE), id="query results"),
    ],
)
def test_every_form_of_a_resource_identifier(identifier: str, expected: LogGroup | QueryResults) -> None:
    """A log group's ARN, with or without its suffix, and all query results; the physical id reads back."""
    target = parse_association(properties(LogGroupName=None, ResourceIdentifier=identifier), PLACE).target

    assert target == expected
    assert parse_physical_id(target.arn, PLACE) == expected


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        pytest.param({"ServiceTimeout": "60"}, 60, id="set"),
        pytest.param({}, DEFAULT_SERVICE_TIMEOUT, id="not set"),
        pytest.param({"ServiceTimeout": "soon"}, DEFAULT_SERVICE_TIMEOUT, id="not a number"),
        pytest.param({"ServiceTimeout": "-5"}, DEFAULT_SERVICE_TIMEOUT, id="negative"),
        pytest.param({"ServiceTimeout": "1"}, 1, id="the least"),
        pytest.param({"ServiceTimeout": "0"}, DEFAULT_SERVICE_TIMEOUT, id="nothing"),
        pytest.param({"ServiceTimeout": "3601"}, DEFAULT_SERVICE_TIMEOUT, id="more than there is"),
        pytest.param({"ServiceTimeout": "1_0"}, DEFAULT_SERVICE_TIMEOUT, id="Python's own spelling"),
        pytest.param({"ServiceTimeout": 60}, 60, id="a number"),
        pytest.param({"ServiceTimeout": ["60"]}, DEFAULT_SERVICE_TIMEOUT, id="a list"),
        pytest.param(None, DEFAULT_SERVICE_TIMEOUT, id="no properties"),
    ],
)
def test_service_timeout(given: object, seconds: int) -> None:
    """CloudFormation's default stands in where it is not set or not understood."""
    assert parse_service_timeout(given) == seconds
