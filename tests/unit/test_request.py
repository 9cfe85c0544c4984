"""From properties to types: every rule of the contract, and every mistake named at once."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_aws import PLACE, STACK_ID, key_arn, owner

from log_group_kms.envelope import Envelope
from log_group_kms.errors import InvalidRequest
from log_group_kms.model import (
    Association,
    KeyArn,
    KeyName,
    LogGroup,
    LogGroupName,
    OnDelete,
    OnExistingKey,
    OnMissingLogGroup,
    Place,
    QueryResults,
)
from log_group_kms.physical_id import NOTHING_ASSOCIATED
from log_group_kms.request import (
    DEFAULT_SERVICE_TIMEOUT,
    Ignore,
    parse_association,
    parse_event,
    parse_physical_id,
    parse_service_timeout,
)
from log_group_kms.work import Ensure, Remove

KEY = key_arn(1).text
ORDERS = LogGroup(PLACE, LogGroupName("/aws/lambda/orders"))
CHINA = Place("aws-cn", "cn-north-1", "111122223333")
GOVERNMENT = Place("aws-us-gov", "us-gov-west-1", "111122223333")
UUID = "12345678-1234-1234-1234-123456789012"


def properties(**changes: object) -> dict[str, Any]:
    """A valid request with *changes*; None takes a property out."""
    valid: dict[str, object] = {
        "ServiceToken": "arn:aws:lambda:eu-west-1:111122223333:function:log-group-kms-association",
        "ServiceTimeout": "900",
        "KmsKeyId": KEY,
        "LogGroupName": "/aws/lambda/orders",
    }
    return {name: value for name, value in (valid | changes).items() if value is not None}


def mistakes_of(given: object, place: Place = PLACE) -> tuple[str, ...]:
    """The mistakes that are found in *given*."""
    with pytest.raises(InvalidRequest) as refused:
        parse_association(given, place)
    return refused.value.mistakes


def test_defaults() -> None:
    """What a template leaves out has the contract's defaults."""
    expected = Association(
        ORDERS, KeyArn(KEY), OnDelete.RESTORE_PREVIOUS, OnExistingKey.OVERRIDE, OnMissingLogGroup.FAIL, 0
    )

    assert parse_association(properties(), PLACE) == expected


def test_every_property_is_read() -> None:
    """What a template says is what the lifecycle gets."""
    given = properties(
        OnDelete="Retain", OnExistingKey="Keep", OnMissingLogGroup="Create", PropagationWaitSeconds="300"
    )

    expected = Association(ORDERS, KeyArn(KEY), OnDelete.RETAIN, OnExistingKey.KEEP, OnMissingLogGroup.CREATE, 300)
    assert parse_association(given, PLACE) == expected


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


ELSEWHERE = "arn:aws:logs:us-east-1:111122223333:log-group:/a"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"KmsKeyId": None}, ["KmsKeyId", "missing"], id="no key"),
        pytest.param({"KmsKeyId": ""}, ["KmsKeyId", "''", "not be empty"], id="empty key"),
        pytest.param({"KmsKeyId": [KEY]}, ["KmsKeyId", "must be a string"], id="list"),
        pytest.param({"KmsKeyId": "logs"}, ["KmsKeyId", "'logs'", "alias/NAME"], id="no form of a key"),
        pytest.param(
            {"KmsKeyId": f"arn:aws:kms:us-east-1:111122223333:key/{UUID}"},
            ["us-east-1", "eu-west-1"],
            id="wrong Region",
        ),
        pytest.param(
            {"KmsKeyId": "arn:aws:kms:us-east-1:111122223333:alias/logs"}, ["us-east-1", "eu-west-1"], id="alias abroad"
        ),
        pytest.param(
            {"KmsKeyId": f"arn:aws-cn:kms:eu-west-1:111122223333:key/{UUID}"}, ["aws-cn"], id="wrong partition"
        ),
        pytest.param({"KmsKeyId": "arn:aws:s3:::bucket"}, ["KmsKeyId", "s3"], id="another service's ARN"),
        pytest.param({"KmsKeyId": "arn:aws:kms:eu-west-1:111122223333:key/x"}, ["KmsKeyId", "key/x"], id="no key id"),
        pytest.param({"LogGroupName": None}, ["exactly one of", "given: none"], id="no target"),
        pytest.param({"LogGroupName": "a b"}, ["LogGroupName", "'a b'", "1 to 512"], id="bad name"),
        pytest.param({"LogGroupName": "é"}, ["LogGroupName", "1 to 512"], id="not ASCII"),
        pytest.param({"LogGroupName": "x" * 513}, ["LogGroupName", "…", "1 to 512"], id="too long"),
        pytest.param({"LogGroupName": "aws/spans"}, ["LogGroupName", "'aws/spans'", "reserved"], id="reserved"),
        pytest.param({"LogGroupName": "AWS/spans"}, ["LogGroupName", "reserved"], id="reserved, upper case"),
        pytest.param({"LogGroupName": "/a\n"}, ["LogGroupName", "1 to 512"], id="line break at the end"),
        pytest.param(
            {"LogGroupName": ELSEWHERE}, ["LogGroupName", "ResourceIdentifier takes an ARN"], id="ARN as name"
        ),
        pytest.param(
            {"ResourceIdentifier": ELSEWHERE},
            ["exactly one of", "LogGroupName '/aws/lambda/orders'", "ResourceIdentifier"],
            id="two targets",
        ),
        pytest.param(
            {"LogGroupName": None, "ResourceIdentifier": "/a"}, ["ResourceIdentifier", "'/a'"], id="name as ARN"
        ),
        pytest.param(
            {"LogGroupName": None, "ResourceIdentifier": ELSEWHERE},
            ["ResourceIdentifier", "us-east-1", "its own account and Region only, 111122223333 and eu-west-1"],
            id="target in another Region",
        ),
        pytest.param(
            {"LogGroupName": None, "ResourceIdentifier": "arn:aws:logs:eu-west-1:111122223333:query-result:one"},
            ["ResourceIdentifier", "no finer setting"],
            id="one query's results",
        ),
        pytest.param(
            {"LogGroupName": None, "ResourceIdentifier": "arn:aws:logs:eu-west-1:111122223333:log-group:aws/x"},
            ["ResourceIdentifier", "reserved"],
            id="reserved, by ARN",
        ),
        pytest.param(
            {"LogGroupName": None, "LogGroupNamePrefix": "/"},
            ["LogGroupNamePrefix", "'/'", "does not associate by prefix yet"],
            id="fleet",
        ),
        pytest.param({"OnDelete": "restore"}, ["OnDelete", "'restore'", "RestorePrevious"], id="choice"),
        pytest.param({"OnDelete": "retain"}, ["OnDelete", "'retain'", "Retain"], id="choice in the wrong case"),
        pytest.param({"OnDelete": True}, ["OnDelete", "must be a string"], id="boolean"),
        pytest.param({"OnExistingKey": "No"}, ["OnExistingKey", "Override, Keep, Fail"], id="OnExistingKey"),
        pytest.param({"OnMissingLogGroup": "No"}, ["OnMissingLogGroup", "Fail, Create"], id="OnMissingLogGroup"),
        pytest.param({"PropagationWaitSeconds": "901"}, ["PropagationWaitSeconds", "'901'", "0 to 900"], id="too long"),
        pytest.param({"PropagationWaitSeconds": "-1"}, ["PropagationWaitSeconds", "'-1'"], id="negative wait"),
        pytest.param({"PropagationWaitSeconds": "1.5"}, ["PropagationWaitSeconds", "whole number"], id="fraction"),
        pytest.param({"PropagationWaitSeconds": "٣"}, ["PropagationWaitSeconds", "whole number"], id="other digits"),
        pytest.param(
            {"PropagationWaitSeconds": "60", "ServiceTimeout": "60"},
            ["below ServiceTimeout, which is 60"],
            id="too near",
        ),
        pytest.param({"ExcludeLogGroupNames": ["/a"]}, ["ExcludeLogGroupNames", "one log group"], id="fleet's only"),
        pytest.param({"kmsKeyId": "x"}, ["'kmsKeyId'", "did you mean KmsKeyId?"], id="wrong case"),
        pytest.param({"LogGroup": "x"}, ["'LogGroup'", "did you mean LogGroupName?"], id="nearly"),
        pytest.param({"Zzz": "x"}, ["'Zzz'", "the properties are KmsKeyId"], id="like nothing"),
    ],
)
def test_a_mistake_names_property_value_and_rule(changes: dict[str, object], words: list[str]) -> None:
    """One mistake gives one sentence with all that is needed to mend it."""
    (mistake,) = mistakes_of(properties(**changes))

    assert [word for word in words if word not in mistake] == []


@pytest.mark.parametrize("name", ["OnExistingKey", "OnMissingLogGroup", "ExcludeLogGroupNames"])
def test_query_results_take_no_property_of_log_groups(name: str) -> None:
    """Query results can be neither read nor created."""
    given = properties(LogGroupName=None, ResourceIdentifier=QueryResults(PLACE).arn, **{name: "Fail"})

    (mistake,) = mistakes_of(given)
    assert name in mistake
    assert "query results" in mistake


@pytest.mark.parametrize(
    ("length", "quoted"),
    [
        pytest.param(98, f"'{'x' * 98}'", id="as long as may be"),
        pytest.param(99, f"'{'x' * 98}…", id="one too long"),
        pytest.param(10_000, f"'{'x' * 98}…", id="far too long"),
    ],
)
def test_a_long_value_is_quoted_in_part(length: int, quoted: str) -> None:
    """A quote has at most 100 characters, so that a Reason has room for several mistakes."""
    assert mistakes_of(properties(OnDelete="x" * length)) == (
        f"OnDelete is {quoted}; it must be one of RestorePrevious, Disassociate, Retain",
    )
    assert len(quoted) == 100


def test_every_mistake_is_named_at_once() -> None:
    """A request with three mistakes names all three, numbered."""
    with pytest.raises(InvalidRequest) as refused:
        parse_association(properties(OnDelete="x", LogGroupName="a b", Kmskey="y"), PLACE)

    text = str(refused.value)
    assert [word for word in ("(1)", "(2)", "(3)", "'Kmskey'", "'a b'", "'x'") if word not in text] == []


@pytest.mark.parametrize("given", [None, [], "text", 1])
def test_properties_that_are_no_object(given: object) -> None:
    """Without properties nothing can be done, and that is said."""
    assert "must be an object" in mistakes_of(given)[0]


@given(
    given=st.dictionaries(
        st.sampled_from(
            [
                "KmsKeyId",
                "LogGroupName",
                "ResourceIdentifier",
                "OnDelete",
                "PropagationWaitSeconds",
                "Zzz",
                "ServiceTimeout",
            ]
        )
        | st.text(max_size=20),
        st.none() | st.booleans() | st.integers() | st.text(max_size=300) | st.lists(st.text(max_size=3), max_size=2),
    )
)
def test_nothing_that_is_given_breaks_the_parser(given: dict[str, Any]) -> None:
    """Whatever a template holds, it is read or its mistakes are named."""
    try:
        found: tuple[str, ...] = (parse_association(given, PLACE).target.arn,)
    except InvalidRequest as refused:
        found = refused.mistakes

    assert found
    assert all(found)


@given(name=st.text(alphabet=string.ascii_letters + string.digits + ".-_/#", min_size=1, max_size=512))
def test_a_name_survives_the_way_through_the_physical_id(name: str) -> None:
    """The physical id of any log group that the contract accepts reads back to that log group."""
    try:
        target = LogGroup(PLACE, LogGroupName(name))
    except ValueError:
        assert name.lower().startswith("aws/")
    else:
        assert parse_physical_id(target.arn, PLACE) == target


@pytest.mark.parametrize(
    "physical_id",
    [
        NOTHING_ASSOCIATED,
        "orders_Encryption_A1B2C3D4",
        "arn:aws:logs:eu-west-1:111122223333:log-group:/a:*",
        "arn:aws:logs:us-east-1:111122223333:log-group:/a",
        "",
    ],
)
def test_ids_that_no_success_has(physical_id: str) -> None:
    """The marker, made-up ids, and ARNs that we never mint."""
    assert parse_physical_id(physical_id, PLACE) is None


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


# --- whole events -----------------------------------------------------------------------------------------------------


def event(request_type: str, **changes: object) -> tuple[Envelope, dict[str, Any]]:
    """An event with *changes*, and its envelope."""
    whole: dict[str, Any] = {
        "RequestType": request_type,
        "RequestId": "11111111-2222-3333-4444-555555555555",
        "ResponseURL": "https://cloudformation-custom-resource-response.example/answer",
        "StackId": STACK_ID,
        "LogicalResourceId": "Encryption",
        "ResourceType": "Custom::LogGroupKmsAssociation",
        "ResourceProperties": properties(),
        **changes,
    }
    return Envelope.of(whole), whole


def test_create() -> None:
    """A Create desires what its properties say, and has no id yet, whatever the event holds."""
    parsed = parse_event(*event("Create", PhysicalResourceId="strange"), PLACE)

    assert parsed == Ensure(owner(), Association(ORDERS, KeyArn(KEY)))
    assert isinstance(parsed, Ensure)
    assert (parsed.creating, parsed.new_target, parsed.id_without_claim) == (True, True, NOTHING_ASSOCIATED)


@pytest.mark.parametrize(
    ("old", "changes_key"),
    [
        pytest.param(properties(), False, id="options"),
        pytest.param(properties(KmsKeyId="alias/old"), True, id="key"),
        pytest.param({"Key": "of another version"}, True, id="not understood"),
    ],
)
def test_update(old: object, *, changes_key: bool) -> None:
    """An Update knows whether the template names another key; old properties that are not understood are no error."""
    parsed = parse_event(*event("Update", PhysicalResourceId=ORDERS.arn, OldResourceProperties=old), PLACE)

    assert isinstance(parsed, Ensure)
    assert (parsed.new_target, parsed.changes_key) == (False, changes_key)


def test_update_to_a_new_target() -> None:
    """Another target is a replacement."""
    parsed = parse_event(*event("Update", PhysicalResourceId=QueryResults(PLACE).arn), PLACE)

    assert isinstance(parsed, Ensure)
    assert (parsed.creating, parsed.new_target, parsed.id_without_claim) == (False, True, QueryResults(PLACE).arn)


def test_update_without_a_physical_id() -> None:
    """An Update that does not say of what cannot be done."""
    with pytest.raises(InvalidRequest, match=r"\APhysicalResourceId is missing from the Update event\Z"):
        parse_event(*event("Update"), PLACE)


@pytest.mark.parametrize(
    ("physical_id", "given", "expected"),
    [
        pytest.param(
            ORDERS.arn, properties(), Remove(owner(), Association(ORDERS, KeyArn(KEY)), minted=True), id="ours"
        ),
        pytest.param(
            ORDERS.arn,
            properties(LogGroupName="/other"),
            Remove(owner(), Association(ORDERS, KeyArn(KEY)), minted=True),
            id="the id says what",
        ),
        pytest.param(
            "orders_Encryption_A1B2C3D4",
            properties(),
            Remove(owner(), Association(ORDERS, KeyArn(KEY)), minted=False),
            id="made up: the properties say what",
        ),
    ],
)
def test_delete(physical_id: str, given: object, expected: Remove) -> None:
    """A Delete goes by the id that we minted, else by the properties."""
    assert parse_event(*event("Delete", PhysicalResourceId=physical_id, ResourceProperties=given), PLACE) == expected


@pytest.mark.parametrize(
    ("physical_id", "given"),
    [
        pytest.param(NOTHING_ASSOCIATED, properties(), id="marker"),
        pytest.param(ORDERS.arn, properties(Future="property"), id="a newer version's property"),
        pytest.param(ORDERS.arn, properties(KmsKeyId=None), id="an older version's lack"),
        pytest.param(ORDERS.arn, None, id="no properties"),
    ],
)
def test_a_delete_never_fails_for_its_properties(physical_id: str, given: object) -> None:
    """The marker and properties that cannot be understood: there is nothing to undo, and it says why."""
    parsed = parse_event(*event("Delete", PhysicalResourceId=physical_id, ResourceProperties=given), PLACE)

    assert isinstance(parsed, Ignore)
    assert parsed.why
