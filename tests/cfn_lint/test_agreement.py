"""The parser, the rules and the schema say the same of properties at random."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from support.fake_aws import PLACE
from support.linting import TYPE, of_resource
from support.property_values import properties

from log_group_kms.model.errors import InvalidRequest
from log_group_kms.request.parse import parse_association
from tools.schema.resource import schema_of_resource

SCHEMA = Draft7Validator(schema_of_resource())
TOKEN = {"ServiceToken": "arn:aws:lambda:eu-west-1:111122223333:function:log-group-kms-association"}


def accepted(given: dict[str, Any]) -> bool:
    """Whether the provider takes these properties."""
    try:
        parse_association(given, PLACE)
    except InvalidRequest:
        return False
    return True


@settings(max_examples=300)
@given(properties(), st.integers(1, 3600))
def test_what_the_rules_pass_the_parser_accepts_and_nothing_else(given: dict[str, Any], timeout: int) -> None:
    """Literal values in the provider's own place; the ServiceTimeout is a right one."""
    given = given | TOKEN | {"ServiceTimeout": str(timeout)}
    found = of_resource(given)
    event(f"rules: {sorted(Counter(rule for rule, _ in found))}")

    assert (found == []) is accepted(given), found


@settings(max_examples=1000)
@given(properties())
def test_what_the_schema_passes_the_parser_accepts_and_nothing_else(given: dict[str, Any]) -> None:
    """But for a line's end at the end, which Python's `$` lets pass and JavaScript's does not."""
    given = {name: _without_ends(value) for name, value in given.items()} | TOKEN | {"ServiceTimeout": "3600"}
    errors = [error.message for error in SCHEMA.iter_errors({"Type": TYPE, "Properties": given})]

    assert (errors == []) is accepted(given), errors


def _without_ends(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_ends(item) for item in value]
    return value.rstrip("\n")
