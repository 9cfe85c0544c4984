"""From properties to types: every rule of the contract, and every mistake named at once."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.fake_aws import PLACE, STACK_ID, fleet, key_arn, log_group, owner

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.model.association import Association, OnDelete, OnExistingKey, OnMissingLogGroup
from log_group_kms.model.errors import InvalidRequest
from log_group_kms.model.keys import KeyArn, KeyName
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, Footprint
from log_group_kms.model.targets import Exclusions, Fleet, LogGroup, LogGroupName, Place, QueryResults, Target
from log_group_kms.request.parse import (
    Ignore,
    parse_association,
    parse_event,
    parse_physical_id,
    parse_service_timeout,
)
from log_group_kms.request.values import DEFAULT_SERVICE_TIMEOUT

if TYPE_CHECKING:
    from log_group_kms.model.ownership import Owner

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


def of_fleet(prefix: object = "/aws/", **changes: object) -> dict[str, Any]:
    """A valid request for a fleet, with *changes*."""
    return properties(LogGroupName=None, LogGroupNamePrefix=prefix, **changes)


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


def test_every_property_of_a_fleet_is_read() -> None:
    """What a template says is what the lifecycle gets."""
    given = of_fleet(
        ExcludeLogGroupNames=["/aws/lambda/audit", "*/debug-*"],
        OnDelete="Disassociate",
        OnExistingKey="Fail",
        PropagationWaitSeconds="60",
    )

    expected = Association(
        fleet("/aws/"),
        KeyArn(KEY),
        OnDelete.DISASSOCIATE,
        OnExistingKey.FAIL,
        OnMissingLogGroup.FAIL,
        60,
        Exclusions(("/aws/lambda/audit", "*/debug-*")),
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
            {"LogGroupName": None, "ResourceIdentifier": "arn:aws:logs:eu-west-1:111122223333:log-group:/a/*"},
            ["ResourceIdentifier", "no wildcards"],
            id="a fleet's ARN",
        ),
        pytest.param(
            {"LogGroupNamePrefix": "/"},
            ["exactly one of", "LogGroupName '/aws/lambda/orders', LogGroupNamePrefix '/'"],
            id="a log group and a fleet",
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


_WILDCARD_LAST = "it is the beginning of a name, and * stands alone for every log group: leave the * out"
_NAME_BEGIN = "it must be * for every log group, or 1 to 512 characters of A-Z a-z 0-9 . - _ / #"
_RESERVED = "names that start with aws/ (without a leading slash) are reserved for AWS"


@pytest.mark.parametrize(
    ("prefix", "rule"),
    [
        pytest.param("/aws/*", _WILDCARD_LAST, id="wildcard at the end"),
        pytest.param("*/orders", _WILDCARD_LAST, id="wildcard at the begin"),
        pytest.param("**", _WILDCARD_LAST, id="two wildcards"),
        pytest.param(
            "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/",
            "it must be the beginning of a name, or * for every log group; it is no ARN",
            id="ARN",
        ),
        pytest.param(
            fleet("/aws/").arn,
            "it must be the beginning of a name, or * for every log group; it is no ARN",
            id="own ARN",
        ),
        pytest.param("aws/", _RESERVED, id="reserved"),
        pytest.param("aws/spans", _RESERVED, id="reserved name"),
        pytest.param("AWS/", _RESERVED, id="reserved, upper case"),
        pytest.param("a b", _NAME_BEGIN, id="space"),
        pytest.param("/é", _NAME_BEGIN, id="not ASCII"),
        pytest.param("/a\n", _NAME_BEGIN, id="line break at the end"),
        pytest.param("/a?", _NAME_BEGIN, id="another kind of wildcard"),
        pytest.param("", "it must not be empty (leave it out with AWS::NoValue instead)", id="empty"),
        pytest.param(["/"], "it must be a string", id="list"),
    ],
)
def test_what_is_no_prefix(prefix: object, rule: str) -> None:
    """One mistake, with the value and the rule that mends it."""
    assert mistakes_of(of_fleet(prefix)) == (f"LogGroupNamePrefix is {prefix!r}; {rule}",)


def test_a_prefix_that_is_too_long() -> None:
    """No log group's name has more than 512 characters."""
    (mistake,) = mistakes_of(of_fleet("x" * 513))

    assert mistake.startswith("LogGroupNamePrefix is 'xxx")
    assert mistake.endswith(_NAME_BEGIN)


_NO_NAME = "is no name: each must be 1 to 512 characters of A-Z a-z 0-9 . - _ / # and * as wildcard"


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        pytest.param("/a", "it must be a list of strings", id="string"),
        pytest.param({"0": "/a"}, "it must be a list of strings", id="object"),
        pytest.param([1], "it must be a list of strings", id="a number in it"),
        pytest.param(["/a", None], "it must be a list of strings", id="nothing in it"),
        pytest.param([["/a"]], "it must be a list of strings", id="a list in it"),
        pytest.param([" "], f"' ' {_NO_NAME}", id="blank"),
        pytest.param(["/a b"], f"'/a b' {_NO_NAME}", id="space"),
        pytest.param(["/a", "/b?"], f"'/b?' {_NO_NAME}", id="another kind of wildcard"),
        pytest.param(["/[ab]"], f"'/[ab]' {_NO_NAME}", id="set of characters"),
        pytest.param(["/a\n"], f"'/a\\n' {_NO_NAME}", id="line break at the end"),
        pytest.param([ELSEWHERE], f"{ELSEWHERE!r} {_NO_NAME}", id="ARN"),
    ],
)
def test_what_are_no_exclusions(given: object, rule: str) -> None:
    """One mistake, which names the first pattern that is none."""
    assert mistakes_of(of_fleet(ExcludeLogGroupNames=given)) == (f"ExcludeLogGroupNames is {given!r}; {rule}",)


def test_a_pattern_that_is_too_long() -> None:
    """No log group's name has more than 512 characters."""
    (mistake,) = mistakes_of(of_fleet(ExcludeLogGroupNames=["/a", "x" * 513]))

    assert mistake.endswith(_NO_NAME)


@pytest.mark.parametrize("choice", ["Create", "Fail"])
def test_a_fleet_makes_no_log_group(choice: str) -> None:
    """OnMissingLogGroup means nothing to a fleet, whatever it says."""
    (mistake,) = mistakes_of(of_fleet(OnMissingLogGroup=choice))

    assert mistake == (
        f"OnMissingLogGroup is '{choice}'; it does not apply to LogGroupNamePrefix; it belongs to one log group: "
        "leave it out"
    )


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        pytest.param({"LogGroupName": "/a"}, "one log group; it belongs to LogGroupNamePrefix", id="by name"),
        pytest.param(
            {"LogGroupName": None, "ResourceIdentifier": ORDERS.arn},
            "one log group; it belongs to LogGroupNamePrefix",
            id="by ARN",
        ),
        pytest.param(
            {"LogGroupName": None, "ResourceIdentifier": QueryResults(PLACE).arn},
            "query results, which cannot be read",
            id="query results",
        ),
    ],
)
@pytest.mark.parametrize("given", [["/a"], []], ids=["some", "none"])
def test_exclusions_belong_to_a_fleet(target: dict[str, str], kind: str, given: list[str]) -> None:
    """Elsewhere they would be ignored in silence."""
    assert mistakes_of(properties(**target, ExcludeLogGroupNames=given)) == (
        f"ExcludeLogGroupNames is {given!r}; it does not apply to {kind}: leave it out",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("OnExistingKey", "Fail"), ("OnMissingLogGroup", "Fail"), ("ExcludeLogGroupNames", ["/a"])],
)
def test_query_results_take_no_property_of_log_groups(name: str, value: object) -> None:
    """Query results can be neither read nor created."""
    given = properties(LogGroupName=None, ResourceIdentifier=QueryResults(PLACE).arn, **{name: value})

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
                "LogGroupNamePrefix",
                "ExcludeLogGroupNames",
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


_CHARACTERS = string.ascii_letters + string.digits + ".-_/#"


@given(name=st.text(alphabet=_CHARACTERS, min_size=1, max_size=512))
def test_a_name_survives_the_way_through_the_physical_id(name: str) -> None:
    """The physical id of any log group that the contract accepts reads back to that log group."""
    try:
        target = LogGroup(PLACE, LogGroupName(name))
    except ValueError:
        assert name.lower().startswith("aws/")
    else:
        assert parse_physical_id(target.arn, PLACE) == target


@given(prefix=st.text(alphabet=_CHARACTERS, max_size=512))
def test_a_prefix_survives_the_way_through_the_physical_id(prefix: str) -> None:
    """The physical id of any fleet that the contract accepts reads back to that fleet; it may be 1 KB long."""
    try:
        target = Fleet(PLACE, prefix)
    except ValueError:
        assert prefix.lower().startswith("aws/")
    else:
        assert parse_physical_id(target.arn, PLACE) == target
        assert len(target.arn) <= 1024


@given(text=st.text(alphabet=_CHARACTERS + "*:", max_size=20))
@example("")
@example("*")
@example(":*")
@example("/a*")
@example("/a:*")
@example("/a**")
@example("/a:**")
@example("/a*b")
def test_an_id_has_one_meaning(text: str) -> None:
    """Whatever follows `log-group:`, an id is a log group's, a fleet's or none of ours, and its meaning has that id."""
    physical_id = PLACE.logs_arn(f"log-group:{text}")

    target = parse_physical_id(physical_id, PLACE)

    assert target is None or target.arn == physical_id
    assert target is None or isinstance(target, Fleet if text.endswith("*") else LogGroup)


def test_the_ids_of_targets_with_similar_names() -> None:
    """No two targets share an id, however alike they are."""
    targets: list[Target] = [
        log_group("/a"),
        fleet("/a"),
        fleet("/a/"),
        fleet(""),
        fleet("query-result"),
        log_group("query-result"),
        QueryResults(PLACE),
    ]

    assert [parse_physical_id(target.arn, PLACE) for target in targets] == targets
    assert len({target.arn for target in targets}) == len(targets)


@pytest.mark.parametrize(
    "physical_id",
    [
        NOTHING_ASSOCIATED,
        "orders_Encryption_A1B2C3D4",
        "arn:aws:logs:eu-west-1:111122223333:log-group:/a:*",
        "arn:aws:logs:us-east-1:111122223333:log-group:/a",
        "arn:aws:logs:us-east-1:111122223333:log-group:/a*",
        "arn:aws:logs:eu-west-1:444455556666:log-group:*",
        "arn:aws-cn:logs:eu-west-1:111122223333:log-group:*",
        "arn:aws:logs:eu-west-1:111122223333:log-group::*",
        "arn:aws:logs:eu-west-1:111122223333:log-group:aws/*",
        "arn:aws:logs:eu-west-1:111122223333:log-group:/a b*",
        "arn:aws:logs:eu-west-1:111122223333:log-group:/*/b",
        "arn:aws:logs:eu-west-1:111122223333:query-result:/a*",
        "*",
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
    assert (parsed.creating, parsed.new_target, parsed.failure_id(Footprint.NOTHING)) == (
        True,
        True,
        NOTHING_ASSOCIATED,
    )


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
    assert (parsed.creating, parsed.new_target, parsed.failure_id(Footprint.NOTHING)) == (
        False,
        True,
        QueryResults(PLACE).arn,
    )


AWS, EVERYTHING = fleet("/aws/"), fleet("")


def test_create_of_a_fleet() -> None:
    """Its owner is a fleet, told by its prefix from any other of the same resource."""
    parsed = parse_event(*event("Create", ResourceProperties=of_fleet()), PLACE)

    assert parsed == Ensure(owner(target=AWS), Association(AWS, KeyArn(KEY)))
    assert isinstance(parsed, Ensure)
    assert parsed.owner.text == "fleet:orders/2f1a0c10-0000-0000-0000-000000000001/Encryption"
    assert parsed.owner.scope == "prefix=/aws/"


@pytest.mark.parametrize(
    ("old", "new", "physical_id", "former_owner", "new_owner", "replacement"),
    [
        pytest.param(properties(), properties(), ORDERS.arn, owner(), owner(), False, id="one log group"),
        pytest.param(of_fleet(), of_fleet(), AWS.arn, owner(target=AWS), owner(target=AWS), False, id="the same fleet"),
        pytest.param(
            of_fleet(),
            of_fleet(ExcludeLogGroupNames=["/a"]),
            AWS.arn,
            owner(target=AWS),
            owner(target=AWS),
            False,
            id="other exclusions",
        ),
        pytest.param(
            of_fleet(),
            of_fleet("*"),
            AWS.arn,
            owner(target=AWS),
            owner(target=EVERYTHING),
            True,
            id="another prefix",
        ),
        pytest.param(
            properties(), of_fleet(), ORDERS.arn, owner(), owner(target=AWS), True, id="from one log group to a fleet"
        ),
        pytest.param(
            of_fleet(), properties(), AWS.arn, owner(target=AWS), owner(), True, id="from a fleet to one log group"
        ),
        pytest.param(
            {"Key": "of another version"}, of_fleet(), AWS.arn, None, owner(target=AWS), False, id="not understood"
        ),
    ],
)
def test_the_owners_of_an_update(
    old: object,
    new: object,
    physical_id: str,
    former_owner: Owner | None,
    new_owner: Owner,
    *,
    replacement: bool,
) -> None:
    """An Update knows who it is and who it was: another owner where the kind of the target, or the prefix, changes."""
    changes = {"PhysicalResourceId": physical_id, "ResourceProperties": new, "OldResourceProperties": old}

    parsed = parse_event(*event("Update", **changes), PLACE)

    assert isinstance(parsed, Ensure)
    assert (parsed.former_owner, parsed.owner, parsed.new_target) == (former_owner, new_owner, replacement)
    assert not parsed.enrolling


def test_an_update_knows_the_former_exclusions() -> None:
    """So that it can give back what was not excluded before."""
    changes = {"PhysicalResourceId": AWS.arn, "OldResourceProperties": of_fleet(ExcludeLogGroupNames=["/aws/a*"])}

    parsed = parse_event(*event("Update", ResourceProperties=of_fleet(), **changes), PLACE)

    assert isinstance(parsed, Ensure)
    assert parsed.former == Association(AWS, KeyArn(KEY), exclude=Exclusions(("/aws/a*",)))
    assert not parsed.changes_key


def test_update_without_a_physical_id() -> None:
    """An Update that does not say of what cannot be done."""
    with pytest.raises(InvalidRequest, match=r"\APhysicalResourceId is missing from the Update event\Z"):
        parse_event(*event("Update"), PLACE)


@pytest.mark.parametrize(
    ("physical_id", "given", "expected"),
    [
        pytest.param(
            ORDERS.arn, properties(), Remove.of(owner(), Association(ORDERS, KeyArn(KEY)), minted=True), id="ours"
        ),
        pytest.param(
            ORDERS.arn,
            properties(LogGroupName="/other"),
            Remove.of(owner(), Association(ORDERS, KeyArn(KEY)), minted=True),
            id="the id says what",
        ),
        pytest.param(
            "orders_Encryption_A1B2C3D4",
            properties(),
            Remove.of(owner(), Association(ORDERS, KeyArn(KEY)), minted=False),
            id="made up: the properties say what",
        ),
        pytest.param(
            AWS.arn,
            of_fleet(OnDelete="Retain"),
            Remove.of(owner(target=AWS), Association(AWS, KeyArn(KEY), OnDelete.RETAIN), minted=True),
            id="a fleet's",
        ),
        pytest.param(
            EVERYTHING.arn,
            of_fleet("*"),
            Remove.of(owner(target=EVERYTHING), Association(EVERYTHING, KeyArn(KEY)), minted=True),
            id="every log group's",
        ),
        pytest.param(
            AWS.arn,
            of_fleet("*", ExcludeLogGroupNames=["/b"]),
            Remove.of(owner(target=AWS), Association(AWS, KeyArn(KEY), exclude=Exclusions(("/b",))), minted=True),
            id="a fleet's: the id says which",
        ),
        pytest.param(
            AWS.arn,
            properties(),
            Remove.of(owner(target=AWS), Association(AWS, KeyArn(KEY)), minted=True),
            id="a fleet's, beside the properties of one log group",
        ),
        pytest.param(
            ORDERS.arn,
            of_fleet(),
            Remove.of(owner(), Association(ORDERS, KeyArn(KEY)), minted=True),
            id="one log group's, beside the properties of a fleet",
        ),
        pytest.param(
            "orders_Encryption_A1B2C3D4",
            of_fleet(),
            Remove.of(owner(target=AWS), Association(AWS, KeyArn(KEY)), minted=False),
            id="made up, a fleet's",
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
        pytest.param(AWS.arn, of_fleet("/aws/*"), id="a prefix that this version refuses"),
        pytest.param(AWS.arn, of_fleet(ExcludeLogGroupNames="/a"), id="exclusions of another form"),
    ],
)
def test_a_delete_never_fails_for_its_properties(physical_id: str, given: object) -> None:
    """The marker and properties that cannot be understood: there is nothing to undo, and it says why."""
    parsed = parse_event(*event("Delete", PhysicalResourceId=physical_id, ResourceProperties=given), PLACE)

    assert isinstance(parsed, Ignore)
    assert parsed.why
