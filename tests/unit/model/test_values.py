"""What the values mean by themselves: fleets, exclusions, owners and claims."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_aws import OTHER_STACK_ID, PLACE, STACK_ID, fleet, key_arn, log_group, owner

from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.targets import Exclusions, Fleet, LogGroup, QueryResults

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn

CHARACTERS = string.ascii_letters + string.digits + ".-_/#"
#: CloudWatch Logs API reference, TagResource.
TAG_VALUE = re.compile(r"[\w\s_.:/=+@-]{0,256}", re.ASCII)
#: The longest name that CloudFormation gives a stack.
LONG_STACK_ID = STACK_ID.replace("stack/orders/", f"stack/{'s' * 128}/")

prefixes = st.text(alphabet=CHARACTERS, max_size=512).filter(lambda text: not text.lower().startswith("aws/"))


# --- fleets -----------------------------------------------------------------------------------------------------------


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
    """Whatever the prefix, it is no more than 256 characters of those that AWS takes, and never empty."""
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


# --- exclusions -------------------------------------------------------------------------------------------------------


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


# --- owners -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mine", "text", "scope"),
    [
        pytest.param(owner(), "one:orders/2f1a0c10-0000-0000-0000-000000000001/Encryption", "", id="one log group"),
        pytest.param(
            owner(target=QueryResults(PLACE)),
            "one:orders/2f1a0c10-0000-0000-0000-000000000001/Encryption",
            "",
            id="query results",
        ),
        pytest.param(
            owner(target=fleet("/aws/")),
            "fleet:orders/2f1a0c10-0000-0000-0000-000000000001/Encryption",
            "prefix=/aws/",
            id="a fleet",
        ),
        pytest.param(Owner.of_command_line(fleet("/")), "fleet:-/command-line", "prefix=/", id="the command line"),
    ],
)
def test_the_name_of_an_owner(mine: Owner, text: str, scope: str) -> None:
    """Part of the contract: it outlives versions."""
    assert mine == Owner(text, scope)
    assert mine.is_fleet == bool(scope)


@pytest.mark.parametrize("target", [log_group(), fleet("/aws/")], ids=["one log group", "fleet"])
@pytest.mark.parametrize("logical_id", ["A", "L" * 70, "L" * 80, "L" * 255])
@pytest.mark.parametrize("stack_id", [STACK_ID, LONG_STACK_ID, "no-stack-id"], ids=["stack", "long", "unknown form"])
def test_every_owner_fits_into_a_tag(stack_id: str, logical_id: str, target: LogGroup | Fleet) -> None:
    """Also with `deleting:` before it, and it is read back with its scope."""
    mine = Owner.of_resource(stack_id, logical_id, target)
    leaving = Claim(mine, None, deleting=True)

    assert TAG_VALUE.fullmatch(leaving.owner_tag)
    assert Claim.of_tags(leaving.owner_tag, leaving.previous_tag, mine.scope) == leaving


@pytest.mark.parametrize(
    ("one", "other", "siblings"),
    [
        pytest.param(owner(), owner("Renamed"), True, id="another logical id"),
        pytest.param(owner(), owner(stack_id=OTHER_STACK_ID), False, id="another stack"),
        pytest.param(owner(), owner(target=fleet("/")), False, id="another kind"),
        pytest.param(owner(target=fleet("/")), owner(target=fleet("/a")), True, id="another prefix"),
        pytest.param(owner(target=fleet("/")), owner("Renamed", target=fleet("/a")), True, id="both"),
        pytest.param(owner(), owner("L" * 255), True, id="one that is hashed"),
        pytest.param(Owner.of_command_line(fleet("/")), owner(target=fleet("/")), False, id="the command line"),
        pytest.param(
            Owner.of_command_line(fleet("/")), Owner.of_command_line(fleet("")), True, id="the command line, twice"
        ),
    ],
)
def test_who_is_whose_sibling(one: Owner, other: Owner, *, siblings: bool) -> None:
    """Resources of one stack and one kind, whatever they are called; it is mutual."""
    assert (one.is_sibling_of(other), other.is_sibling_of(one)) == (siblings, siblings)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (Owner.of_command_line(fleet("/")), True),
        (Owner.of_command_line(fleet("")), True),
        (owner(target=fleet("/")), False),
        (owner("command-line"), False),
    ],
)
def test_who_is_the_command_line(who: Owner, *, expected: bool) -> None:
    """It has a name of its own, whatever its prefix."""
    assert who.is_command_line == expected


# --- claims -----------------------------------------------------------------------------------------------------------

KEY = key_arn(1)
FLEET = owner("Fleet", target=fleet("/aws/"))


@pytest.mark.parametrize("state", [{}, {"deleting": True}, {"deleted": True}], ids=["stands", "deleting", "deleted"])
@pytest.mark.parametrize("previous", [None, KEY], ids=["no key before", "a key before"])
@pytest.mark.parametrize("who", [owner(), FLEET], ids=["one log group", "fleet"])
def test_a_claim_is_what_its_tags_say(who: Owner, previous: KeyArn | None, state: dict[str, bool]) -> None:
    """Written and read, it is the same."""
    claim = Claim(who, previous, **state)

    assert Claim.of_tags(claim.owner_tag, claim.previous_tag, who.scope) == claim


@pytest.mark.parametrize("begin", ["", "deleting:", "deleted:"])
def test_a_scope_that_was_left_behind(begin: str) -> None:
    """Beside the owner of one log group it says nothing."""
    assert Claim.of_tags(f"{begin}{owner().text}", "none", "prefix=/").owner == owner()


@pytest.mark.parametrize(
    ("claim", "stands"),
    [
        pytest.param(Claim(FLEET, None), True, id="its own"),
        pytest.param(Claim(FLEET, None, deleting=True), False, id="its own, deleting"),
        pytest.param(Claim(FLEET, None, deleted=True), False, id="its own, deleted"),
        pytest.param(Claim(owner("Fleet", target=fleet("/")), None), False, id="that of another prefix"),
        pytest.param(Claim(Owner(FLEET.text), None), False, id="that of no prefix"),
        pytest.param(Claim(owner("Fleet"), None), False, id="that of another kind"),
    ],
)
def test_whose_claim_stands(claim: Claim, *, stands: bool) -> None:
    """Kind, stack, logical id and prefix are the owner; a claim that is being given up stands for nobody."""
    assert claim.stands_for(FLEET) == stands
