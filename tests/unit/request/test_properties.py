"""The table of the properties: each is written down once, and what is derived from it holds together."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import get_args

import pytest
from support.fake_aws import PLACE, key_arn

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.model.association import Association, OnDelete, OnExistingKey, OnRefusedLogGroup
from log_group_kms.model.errors import InvalidRequest
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.targets import Exclusions, Fleet, LogGroup, LogGroupName, QueryResults, Target
from log_group_kms.request.properties import (
    ENROLLED,
    FLEET_TARGET,
    PROPERTIES,
    TARGET_NAMES,
    TARGET_PROPERTIES,
    Property,
)
from log_group_kms.request.reading import read_fleet, read_some
from log_group_kms.request.values import Scope

SCOPE = Scope(PLACE)
NAMED = {each.name: each for each in PROPERTIES}
EACH = pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in PROPERTIES])
#: Values that each property takes; lists count item by item.
TAKEN: dict[str, tuple[str, ...]] = {
    "KmsKeyId": (key_arn(1).text, "alias/team/logs", key_arn(1).text.rpartition("/")[2], "mrk-" + "0a" * 16),
    "LogGroupName": ("/aws/lambda/orders", "a", "x" * 512),
    "ResourceIdentifier": (
        PLACE.logs_arn("log-group:/a"),
        PLACE.logs_arn("log-group:/a:*"),
        PLACE.logs_arn("query-result:*"),
    ),
    "LogGroupNamePrefix": ("*", "/", "/aws/"),
    "ExcludeLogGroupNames": ("*", "/a/*/b"),
    "OnDelete": ("RestorePrevious", "Disassociate", "Retain"),
    "OnExistingKey": ("Override", "Keep", "Fail"),
    "OnExistingOwner": ("Fail", "TakeOver"),
    "OnRefusedLogGroup": ("Skip", "Fail"),
    "OnMissingLogGroup": ("Fail", "Create"),
    "PropagationWaitSeconds": ("0", "7", "60", "899", "900", "0900"),
}
#: Values that none of them takes, whatever the place.
TAKEN_BY_NONE = ("", " ", "a b", "é", "/a\n", "arn:aws:s3:::bucket", "x" * 513)


def taken(row: Property, value: str) -> bool:
    """Whether *row* takes *value*."""
    try:
        row.read([value] if row.form.many else value, SCOPE)
    except ValueError:
        return False
    return True


def test_every_field_of_the_association_has_its_property() -> None:
    """And every property has its field."""
    assert {row.field for row in PROPERTIES} == {field.name for field in fields(Association)}
    assert len({row.name for row in PROPERTIES}) == len(PROPERTIES)


@EACH
def test_the_pattern_is_the_parsers(row: Property) -> None:
    """What the parser takes has the pattern; what has not, the parser does not take."""
    matched = [value for value in (*TAKEN[row.name], *TAKEN_BY_NONE) if re.fullmatch(row.form.pattern, value)]

    assert [value for value in TAKEN[row.name] if not taken(row, value)] == []
    assert matched == [*TAKEN[row.name]]


@pytest.mark.parametrize("text", ["901", "0901", "1000", "00900", "9999", "-1", "1.5", "٣"])
def test_a_schema_knows_how_long_a_wait_may_be(text: str) -> None:
    """The pattern says the same as the parser."""
    row = NAMED["PropagationWaitSeconds"]

    assert (taken(row, text), re.fullmatch(row.form.pattern, text)) == (False, None)


@EACH
def test_the_choices_are_all_that_is_taken(row: Property) -> None:
    """A choice is exactly one of its values."""
    assert row.form.choices in ((), TAKEN[row.name])


@EACH
def test_a_property_says_in_a_sentence_what_it_is_for(row: Property) -> None:
    """A schema and a reference need it."""
    assert re.fullmatch(r"[A-Z][^\n]+\.", row.description)


def test_every_kind_of_target_has_its_property() -> None:
    """And a property that does not apply to a kind says so of a kind that there is."""
    assert {kind for row in TARGET_PROPERTIES for kind in row.targets} == {*get_args(Target)}
    assert {kind for row in PROPERTIES for kind in row.not_for} <= {*get_args(Target)}
    assert TARGET_NAMES == ("LogGroupName", "ResourceIdentifier", "LogGroupNamePrefix")


@pytest.mark.parametrize(
    ("name", "kind", "default"),
    [
        ("KmsKeyId", LogGroup, None),
        ("LogGroupName", LogGroup, None),
        ("ExcludeLogGroupNames", Fleet, Exclusions()),
        ("OnDelete", LogGroup, OnDelete.RESTORE_PREVIOUS),
        ("OnExistingKey", LogGroup, OnExistingKey.OVERRIDE),
        ("OnExistingKey", Fleet, OnExistingKey.KEEP),
        ("OnRefusedLogGroup", Fleet, OnRefusedLogGroup.SKIP),
        ("PropagationWaitSeconds", LogGroup, 0),
    ],
)
def test_the_default_is_that_of_the_association(name: str, kind: type[Target], default: object) -> None:
    """It stands there and nowhere else, and may depend on the kind of target."""
    assert NAMED[name].default_for(kind) == default


@pytest.mark.parametrize("target", [LogGroup(PLACE, LogGroupName("/a")), Fleet(PLACE, "/"), QueryResults(PLACE)])
def test_an_association_has_the_defaults_of_its_kind(target: Target) -> None:
    """Whoever makes one, with a template or without."""
    made = Association(target, KeyArn(key_arn(1).text))
    expected = {row.field: row.default_for(type(target)) for row in PROPERTIES if not row.targets and not row.required}

    assert {name: getattr(made, name) for name in expected} == expected


@pytest.mark.parametrize("choice", list(OnExistingKey))
@pytest.mark.parametrize("target", [LogGroup(PLACE, LogGroupName("/a")), Fleet(PLACE, "/")])
def test_what_a_template_says_is_no_default(target: Target, choice: OnExistingKey) -> None:
    """It stands, whatever the kind of target."""
    assert Association(target, KeyArn(key_arn(1).text), on_existing_key=choice).on_existing_key is choice


def test_the_settings_of_the_enrolment_function() -> None:
    """Their names are the properties' own."""
    assert [row.setting for row in ENROLLED] == [
        "KMS_KEY_ID",
        "LOG_GROUP_NAME_PREFIX",
        "EXCLUDE_LOG_GROUP_NAMES",
        "ON_DELETE",
        "ON_EXISTING_KEY",
    ]


def test_a_fleet_takes_what_enrolment_and_the_command_line_say() -> None:
    """A fleet is all that these two work on."""
    assert [row.name for row in PROPERTIES if (row.enrolled or row.option) and Fleet in row.not_for] == []


def test_the_options_of_the_command_line() -> None:
    """Their names are the properties' own, but for two short ones."""
    flags = {
        request: [row.flag for row in PROPERTIES if row.option and request in row.option.requests]
        for request in (Ensure, Remove)
    }

    assert flags == {
        Ensure: ["--kms-key-id", "--prefix", "--exclude", "--on-existing-key", "--on-refused-log-group"],
        Remove: ["--prefix", "--on-delete"],
    }


def test_a_fleet_by_itself() -> None:
    """A mistake in its prefix is named as in a template."""
    assert read_fleet("/a", SCOPE) == Fleet(PLACE, "/a")
    assert read_fleet("*", SCOPE) == Fleet(PLACE, "")

    with pytest.raises(InvalidRequest, match=rf"\A{FLEET_TARGET.name} is '/a\*'; it is the beginning of a name"):
        read_fleet("/a*", SCOPE)


def test_some_properties_by_themselves() -> None:
    """None is required, and every mistake is named."""
    assert read_some({"LogGroupNamePrefix": "/", "OnDelete": "Retain"}, SCOPE) == {
        "target": Fleet(PLACE, "/"),
        "on_delete": OnDelete.RETAIN,
    }

    with pytest.raises(InvalidRequest) as refused:
        read_some({"LogGroupNamePrefix": "a b", "OnDelete": "retain"}, SCOPE)
    assert [mistake.split()[0] for mistake in refused.value.mistakes] == ["LogGroupNamePrefix", "OnDelete"]
