"""The physical id of a success reads back to its target, and no other id does."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.fake_aws import PLACE, fleet, log_group

from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.targets import Fleet, LogGroup, LogGroupName, QueryResults, Target
from log_group_kms.request.parse import (
    parse_physical_id,
)

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
