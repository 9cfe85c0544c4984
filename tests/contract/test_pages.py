"""`ports.LogGroups`, promise by promise: the log groups of a fleet, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.backends import leaving_out
from contract.refusals import refusal_of, seen_in

from local.emulator import answers
from log_group_kms.model.errors import InvalidParameter
from log_group_kms.model.results import Listed, Page
from log_group_kms.model.targets import Fleet

if TYPE_CHECKING:
    from contract.accounts import Account, ScriptedAccount


def pages_of(account: Account, prefix: str) -> list[tuple[Listed, ...]]:
    """All pages, each of them by the token of the one before."""
    asked = Fleet(account.place, prefix)
    page = account.log_groups.page(asked, "")
    pages = [page.log_groups]
    while page.next_token:
        page = account.log_groups.page(asked, page.next_token)
        pages.append(page.log_groups)
    return pages


def names_in(page: tuple[Listed, ...]) -> list[str]:
    """In the order in which they are shown."""
    return [listed.name for listed in page]


@pytest.mark.parametrize(
    ("there", "sizes"),
    [
        pytest.param(1, [1], id="one"),
        pytest.param(49, [49], id="nearly a page"),
        pytest.param(50, [50], id="a page, and no token to an empty one"),
        pytest.param(51, [50, 1], id="one more"),
        pytest.param(123, [50, 50, 23], id="several pages"),
    ],
)
def test_a_fleet_is_listed_page_by_page(account: Account, there: int, sizes: list[int]) -> None:
    """Each log group is shown once, 50 at a time, and the last page has no token."""
    names = [f"/fleet/{number:03}" for number in range(there)]
    for name in reversed(names):
        account.make_log_group(name)

    pages = pages_of(account, "/fleet/")

    assert [len(page) for page in pages] == sizes
    assert [name for page in pages for name in names_in(page)] == names


def test_a_listing_has_the_order_of_the_names(account: Account) -> None:
    """ASCII's, across pages too: `#`, `-`, `.`, `/`, digits, capitals, `_`, small letters."""
    begins = ["/a", "/a#", "/a-", "/a.", "/a/", "/a0", "/aA", "/a_", "/aa", "/B"]
    names = [f"{begin}{number}" for begin in begins for number in range(6)]
    for name in names:
        account.make_log_group(name)

    listed = [name for page in pages_of(account, "") for name in names_in(page)]

    assert listed == sorted(names)


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        pytest.param("", ["/aws", "/aws/a", "/aws/b", "/awsome", "/b", "z"], id="all"),
        pytest.param("/", ["/aws", "/aws/a", "/aws/b", "/awsome", "/b"], id="a slash"),
        pytest.param("/aws/", ["/aws/a", "/aws/b"], id="a folder"),
        pytest.param("/aws", ["/aws", "/aws/a", "/aws/b", "/awsome"], id="a name among others"),
        pytest.param("/aws/b", ["/aws/b"], id="one name"),
        pytest.param("aws", [], id="the middle of names"),
        pytest.param("/AWS", [], id="another case"),
        pytest.param("x" * 512, [], id="as long as a name may be"),
    ],
)
def test_a_fleet_is_what_begins_with_its_prefix(account: Account, prefix: str, found: list[str]) -> None:
    """No more and no less; an empty prefix is every log group, and where there is none, one empty page says so."""
    for name in ("z", "/b", "/awsome", "/aws/b", "/aws/a", "/aws"):
        account.make_log_group(name)

    assert [names_in(page) for page in pages_of(account, prefix)] == [found]


@pytest.mark.parametrize("prefix", ["", "/aws/"])
def test_a_fleet_without_log_groups(account: Account, prefix: str) -> None:
    """An empty account has one empty page."""
    assert account.log_groups.page(Fleet(account.place, prefix), "") == Page(())


def test_a_listing_shows_the_keys(account: Account) -> None:
    """The key in force by its ARN, and None where there is none, never set or taken away."""
    keys = [account.make_key(), account.make_key()]
    account.make_log_group("/a", keys[0])
    account.make_log_group("/b")
    account.make_log_group("/c", keys[1])
    account.log_groups.disassociate(account.make_log_group("/d", keys[0]))

    page = account.log_groups.page(Fleet(account.place, "/"), "")

    assert page == Page((Listed("/a", keys[0]), Listed("/b", None), Listed("/c", keys[1]), Listed("/d", None)))


@pytest.mark.parametrize("prefix", ["", "a", "aws"])
def test_a_listing_shows_what_is_reserved(account: Account, prefix: str) -> None:
    """Log groups of AWS's own names are listed like others, though nobody may change them."""
    account.make_log_group("audit")
    account.make_reserved_log_group("aws/spans")

    (page,) = pages_of(account, prefix)

    assert sorted(names_in(page)) == sorted({"audit", "aws/spans"} - ({"audit"} if prefix == "aws" else set()))


def test_a_listing_of_others_leaves_out_what_is_reserved(account: Account) -> None:
    """Names of AWS begin without a slash."""
    account.make_log_group("/a")
    account.make_reserved_log_group("aws/spans")

    assert [names_in(page) for page in pages_of(account, "/")] == [["/a"]]


@leaving_out(moto="its token is the next log group, and where that is gone the listing ends")
@pytest.mark.parametrize("gone", ["/000", "/049", "/050"], ids=["long shown", "the last one shown", "the next one"])
def test_a_log_group_that_vanishes_between_two_pages(account: Account, gone: str) -> None:
    """It hides no other one: the listing goes on after the last name shown."""
    names = [f"/{number:03}" for number in range(60)]
    log_groups = {name: account.make_log_group(name) for name in names}
    everything = Fleet(account.place, "")
    first = account.log_groups.page(everything, "")

    account.delete_log_group(log_groups[gone])
    second = account.log_groups.page(everything, first.next_token)

    assert (names_in(first.log_groups), names_in(second.log_groups)) == (
        names[:50],
        [name for name in names[50:] if name != gone],
    )


@pytest.mark.parametrize("times", [2, 3])
def test_a_page_may_be_asked_for_again(account: Account, times: int) -> None:
    """A token leads to the same page as often as it is used, with the keys of then."""
    key = account.make_key()
    log_groups = [account.make_log_group(f"/{number:03}") for number in range(51)]
    everything = Fleet(account.place, "")
    token = account.log_groups.page(everything, "").next_token

    seen = [account.log_groups.page(everything, token) for _ in range(times - 1)]
    account.log_groups.associate(log_groups[-1], key)
    seen.append(account.log_groups.page(everything, token))

    assert seen == [*[Page((Listed("/050", None),))] * (times - 1), Page((Listed("/050", key),))]


def test_a_token_that_is_too_old(scripted: ScriptedAccount) -> None:
    """It is InvalidParameter, after which the listing may begin anew."""
    for number in range(51):
        scripted.make_log_group(f"/{number:03}")
    everything = Fleet(scripted.place, "")
    first = scripted.log_groups.page(everything, "")
    scripted.let_a_day_pass_for(first.next_token)

    refusal = refusal_of(lambda: scripted.log_groups.page(everything, first.next_token))

    assert seen_in(refusal) == (
        InvalidParameter,
        "DescribeLogGroups",
        "InvalidParameterException",
        everything.arn,
        "",
    )
    assert refusal.message == answers.INVALID_TOKEN.message
    assert scripted.log_groups.page(everything, "").log_groups == first.log_groups


@leaving_out(
    fake="it takes any token for the name of the last log group shown",
    moto="it answers a token that it does not know with an empty page",
)
@pytest.mark.parametrize("token", ["/000", "never-given", "="])
def test_a_token_that_was_never_given(account: Account, token: str) -> None:
    """It is InvalidParameter, and no listing without end."""
    account.make_log_group("/000")
    everything = Fleet(account.place, "")

    refusal = refusal_of(lambda: account.log_groups.page(everything, token))

    assert (type(refusal), refusal.target) == (InvalidParameter, everything.arn)
