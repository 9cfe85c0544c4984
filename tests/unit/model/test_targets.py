"""Targets: what a fleet is, and what its exclusions cover."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_aws import PLACE, fleet, log_group

from log_group_kms.model.targets import Exclusions, Fleet, LogGroupName, Place, QueryResults, Target

if TYPE_CHECKING:
    from collections.abc import Callable

#: CloudWatch Logs API reference, TagResource.
TAG_VALUE = re.compile(r"[\w\s_.:/=+@-]{0,256}", re.ASCII)
CHARACTERS = string.ascii_letters + string.digits + ".-_/#"

prefixes = st.text(alphabet=CHARACTERS, max_size=512).filter(lambda text: not text.lower().startswith("aws/"))


@pytest.mark.parametrize(
    ("prefix", "scope"),
    [
        pytest.param("", "prefix=", id="all"),
        pytest.param("/aws/", "prefix=/aws/", id="readable"),
        pytest.param("/" + "x" * 248, "prefix=/" + "x" * 248, id="as long as a tag's value may be"),
        pytest.param(
            "/" + "x" * 249,
            "sha256=dc716102e086528bfa23ce6c605ccc62873e310f7ffe4940446bf46140206c71",
            id="one longer",
        ),
        pytest.param(
            "#",
            "sha256=334359b90efed75da5f0ada1d5e6b256f4a6bd0aee7eb39c0f90182a021ffc8b",
            id="with what no tag may hold",
        ),
    ],
)
def test_the_scope_of_a_fleet(prefix: str, scope: str) -> None:
    """The prefix as a tag may hold it; it outlives versions."""
    assert Fleet(PLACE, prefix).scope == scope


@given(prefix=prefixes)
def test_every_scope_fits_into_a_tag(prefix: str) -> None:
    """The scope of any prefix has 1 to 256 characters of those that AWS takes."""
    scope = Fleet(PLACE, prefix).scope

    assert scope
    assert TAG_VALUE.fullmatch(scope)


@given(one=prefixes, other=prefixes)
def test_no_two_fleets_have_one_scope(one: str, other: str) -> None:
    """Two prefixes are two scopes."""
    assert (Fleet(PLACE, one).scope == Fleet(PLACE, other).scope) == (one == other)


@pytest.mark.parametrize("prefix", ["*", "/a*", "a b", "é", "x" * 513, "aws/", "AWS/x", "/a\n", "/a:"])
def test_what_begins_no_name(prefix: str) -> None:
    """A fleet of log groups that cannot be is no fleet."""
    with pytest.raises(ValueError, match=r"it must be|reserved for AWS"):
        Fleet(PLACE, prefix)


@pytest.mark.parametrize(
    ("patterns", "name", "covered"),
    [
        pytest.param([], "/a", False, id="none"),
        pytest.param(["/a"], "/a", True, id="a name"),
        pytest.param(["/a"], "/a/b", False, id="a name is no begin"),
        pytest.param(["/a"], "/b/a", False, id="a name is no end"),
        pytest.param(["/a"], "/A", False, id="another case"),
        pytest.param(["*"], "/a", True, id="all"),
        pytest.param(["/a/*"], "/a/b/c", True, id="also over slashes"),
        pytest.param(["/a/*"], "/a/", True, id="also no character"),
        pytest.param(["/a/*"], "/a", False, id="not without the slash"),
        pytest.param(["*/debug"], "/a/debug", True, id="an end"),
        pytest.param(["*/debug"], "/a/debug-2", False, id="not in the middle"),
        pytest.param(["*debug*"], "/a/debug-2", True, id="somewhere"),
        pytest.param(["/a*b*c"], "/a-b-c", True, id="several wildcards"),
        pytest.param(["/a*b*c"], "/a-c-b", False, id="several, in their order"),
        pytest.param(["/a.b"], "/a-b", False, id="a dot is a dot"),
        pytest.param(["/a#b"], "/a#b", True, id="a hash is a hash"),
        pytest.param(["/x", "/b*"], "/b", True, id="the second of two"),
        pytest.param(["aws/*"], "aws/spans", True, id="reserved"),
    ],
)
def test_what_exclusions_cover(patterns: list[str], name: str, *, covered: bool) -> None:
    """A whole name, in which `*` stands for any characters, and nothing else has a meaning of its own."""
    assert Exclusions(tuple(patterns)).cover(name) == covered


@given(name=st.text(alphabet=CHARACTERS, min_size=1, max_size=512), cut=st.integers(0, 512))
def test_a_name_is_covered_by_itself(name: str, cut: int) -> None:
    """By its own name, and by it with any part left to a wildcard."""
    assert Exclusions((name,)).cover(name)
    assert Exclusions((f"{name[:cut][:511]}*",)).cover(name)


# --- places and ARNs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (Place.of_function, "arn:aws-cn:lambda:cn-north-1:111122223333:function:log-group-kms-association"),
        (Place.of_stack, "arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/orders/2f1a0c10"),
    ],
    ids=["of a function", "of a stack"],
)
def test_a_place_is_read_from_an_arn(make: Callable[[str], Place], text: str) -> None:
    """Partition, Region and account stand in it; another ARN is refused."""
    assert make(text) == Place("aws-cn", "cn-north-1", "111122223333")
    for other in ("", "orders", text.replace("cn:lambda", "cn:s3").replace("cn:cloudformation", "cn:s3")):
        with pytest.raises(ValueError, match="is not the"):
            make(other)


@pytest.mark.parametrize(
    ("target", "resource"),
    [
        (log_group("/a"), "log-group:/a"),
        (QueryResults(PLACE), "query-result:*"),
        (fleet("/a"), "log-group:/a*"),
        (fleet(""), "log-group:*"),
    ],
    ids=["log group", "query results", "fleet", "every log group"],
)
def test_the_arn_of_a_target(target: Target, resource: str) -> None:
    """It is the physical id of a success, so it outlives versions."""
    assert target.arn == f"arn:aws:logs:eu-west-1:111122223333:{resource}"


@pytest.mark.parametrize("name", ["", "a b", "/a*", "x" * 513, "aws/spans", "AWS/spans"])
def test_what_is_no_log_group_of_a_customer(name: str) -> None:
    """CloudWatch Logs takes no such name, or keeps it for AWS; in a fleet's listing it is passed over."""
    with pytest.raises(ValueError, match=r"it must be|reserved for AWS"):
        LogGroupName(name)
    assert fleet("").log_group(name) is None


def test_a_log_group_of_a_fleet() -> None:
    """It is the log group of that name in the fleet's place."""
    assert fleet("/a").log_group("/a/b") == log_group("/a/b")
