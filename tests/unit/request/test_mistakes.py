"""Mistakes: all are named at once, each with the property, the value and the rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_aws import PLACE, fleet
from support.template_properties import KEY, ORDERS, UUID, of_fleet, properties

from log_group_kms.model.errors import InvalidRequest
from log_group_kms.model.targets import Place, QueryResults
from log_group_kms.request.parse import (
    parse_association,
)

ELSEWHERE = "arn:aws:logs:us-east-1:111122223333:log-group:/a"


def mistakes_of(given: object, place: Place = PLACE) -> tuple[str, ...]:
    """The mistakes that are found in *given*."""
    with pytest.raises(InvalidRequest) as refused:
        parse_association(given, place)
    return refused.value.mistakes


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
