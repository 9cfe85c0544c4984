"""`ports.LogGroups`, promise by promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.accounts import Opened, log_group_in, unknown_key_in
from contract.backends import leaving_out
from contract.refusals import refusal_of, seen_in
from support.fake_aws import STACK_ID, fleet, log_group

from local.emulator import answers
from log_group_kms.model.errors import (
    AlreadyExists,
    ApiError,
    InvalidParameter,
    KeyPolicyDenied,
    LimitExceeded,
    NotFound,
    Unavailable,
)
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.results import Listed, Page
from log_group_kms.model.targets import Fleet, QueryResults

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.accounts import Account, ScriptedAccount

    from log_group_kms.association.ports import LogGroups
    from log_group_kms.model.targets import LogGroup

ORDERS = "/aws/lambda/orders"
#: More than a page of 50.
SIBLINGS = [f"{ORDERS}-{number}" for number in range(60)]
PREVIOUS = KeyArn("arn:aws:kms:eu-west-1:111122223333:key/0a0a0a0a-1111-2222-3333-444444444444")
ME = Owner.of_resource(STACK_ID, "Encryption", log_group())
#: As long as CloudFormation lets one be: it does not fit into a tag and is hashed.
LONG = Owner.of_resource(STACK_ID, "L" * 255, log_group())
FOREIGN = {"team": "orders", "cost-center": "42 + 1"}

OWNER_TAG = "log-group-kms-association:owner"
PREVIOUS_KEY_TAG = "log-group-kms-association:previous-key"
SCOPE_TAG = "log-group-kms-association:scope"

#: Of every kind: of all log groups, readable as a tag, just so, no longer, and with what no tag may hold.
PREFIXES = [
    pytest.param("", id="all"),
    pytest.param("/", id="a slash"),
    pytest.param("/aws/", id="readable"),
    pytest.param("._-/Az09", id="all that a tag may hold"),
    pytest.param("/" + "x" * 248, id="as long as a tag may be"),
    pytest.param("/" + "x" * 249, id="one longer than a tag may be"),
    pytest.param("/team#1/", id="with what a tag may not hold"),
    pytest.param("/" + "x" * 511, id="as long as a name may be"),
]


def of_fleet(prefix: str) -> Owner:
    """A fleet of a stack."""
    return Owner.of_resource(STACK_ID, "Fleet", fleet(prefix))


needs_a_log_group_to_tag = leaving_out(moto="its calls on tags never look whether the log group is there")


# --- key_of -----------------------------------------------------------------------------------------------------------


def test_a_log_group_without_a_key(account: Account) -> None:
    """No key is in force where none was ever set."""
    orders = account.make_log_group(ORDERS)

    assert account.log_groups.key_of(orders) is None


def test_a_log_group_with_a_key(account: Account) -> None:
    """The key in force is told by its ARN."""
    key = account.make_key()
    orders = account.make_log_group(ORDERS, key)

    assert account.log_groups.key_of(orders) == key


@pytest.mark.parametrize("name", [ORDERS, SIBLINGS[5], SIBLINGS[-1]], ids=["all begin like it", "some do", "none does"])
def test_a_log_group_among_its_siblings(account: Account, name: str) -> None:
    """Names that merely begin like the one asked for say nothing about it, however many they are."""
    theirs, ours = account.make_key(), account.make_key()
    for sibling in {ORDERS, *SIBLINGS} - {name}:
        account.make_log_group(sibling, theirs)
    asked_for = account.make_log_group(name, ours)

    assert account.log_groups.key_of(asked_for) == ours


@pytest.mark.parametrize("there", [[], SIBLINGS], ids=["nothing there", "60 siblings"])
def test_the_key_of_no_log_group(account: Account, there: list[str]) -> None:
    """A log group that is not there is NotFound, also where pages of others begin like it."""
    key = account.make_key()
    for sibling in there:
        account.make_log_group(sibling, key)
    orders = log_group_in(account, ORDERS)

    refusal = refusal_of(lambda: account.log_groups.key_of(orders))

    assert seen_in(refusal) == (NotFound, "DescribeLogGroups", "ResourceNotFoundException", orders.arn, "")
    assert refusal.message == answers.NO_SUCH_LOG_GROUP.message


# --- page -------------------------------------------------------------------------------------------------------------


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


# --- claims -----------------------------------------------------------------------------------------------------------

CLAIMS = [
    pytest.param(Claim(ME, None), id="no key before"),
    pytest.param(Claim(ME, PREVIOUS), id="a key before"),
    pytest.param(Claim(ME, None, deleting=True), id="deleting, no key before"),
    pytest.param(Claim(ME, PREVIOUS, deleting=True), id="deleting, a key before"),
    pytest.param(Claim(of_fleet("/aws/lambda/"), PREVIOUS), id="a fleet's"),
    pytest.param(Claim(of_fleet("/aws/lambda/"), PREVIOUS, deleting=True), id="a fleet's, deleting"),
    pytest.param(Claim(Owner.of_resource(STACK_ID, "L" * 255, fleet("#")), PREVIOUS), id="a fleet's, all hashed"),
    pytest.param(Claim(Owner.of_command_line(fleet("/aws/")), None), id="the command line's"),
    pytest.param(Claim(ME, PREVIOUS, deleted=True), id="deleted"),
    pytest.param(Claim(LONG, PREVIOUS), id="a long logical id"),
    pytest.param(Claim(LONG, PREVIOUS, deleting=True), id="a long logical id, deleting"),
    pytest.param(Claim(Owner.of_resource("no-stack-id", "A", log_group()), None), id="a stack id of an unknown form"),
]


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_is_read_as_it_was_written(account: Account, claim: Claim) -> None:
    """Every form of a claim fits into the tags, and comes back the same."""
    orders = account.make_log_group(ORDERS)

    account.log_groups.write_claim(orders, claim)

    assert account.log_groups.claim_on(orders) == claim


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_claim_of_each_fleet(account: Account, prefix: str) -> None:
    """Whatever its prefix, a fleet knows its own claim again."""
    orders = account.make_log_group(ORDERS)

    account.log_groups.write_claim(orders, Claim(of_fleet(prefix), PREVIOUS))

    assert account.log_groups.claim_on(orders) == Claim(of_fleet(prefix), PREVIOUS)


@pytest.mark.parametrize("tags", [{}, FOREIGN], ids=["no tags", "tags of others"])
def test_a_log_group_that_nobody_claims(account: Account, tags: dict[str, str]) -> None:
    """No claim stands where there is no owner tag."""
    orders = account.make_log_group(ORDERS, tags=tags)

    assert account.log_groups.claim_on(orders) is None


@leaving_out(fake="it keeps a claim as a value, so it never has half a claim")
def test_a_previous_key_without_an_owner(account: Account) -> None:
    """The previous key's tag alone is no claim."""
    orders = account.make_log_group(ORDERS, tags={PREVIOUS_KEY_TAG: "none"})

    assert account.log_groups.claim_on(orders) is None


@leaving_out(fake="it keeps a claim as a value, so it never has half a claim")
@pytest.mark.parametrize("previous", [{}, {PREVIOUS_KEY_TAG: "by hand"}], ids=["without", "with nonsense"])
def test_an_owner_without_a_previous_key(account: Account, previous: dict[str, str]) -> None:
    """An owner tag is a claim, whatever became of the other tag: then no key was there before."""
    orders = account.make_log_group(ORDERS, tags={OWNER_TAG: ME.text, **previous})

    assert account.log_groups.claim_on(orders) == Claim(ME, None)


def test_a_claim_takes_the_place_of_another(account: Account) -> None:
    """Nothing of the former claim is left."""
    orders = account.make_log_group(ORDERS)
    account.log_groups.write_claim(orders, Claim(LONG, PREVIOUS, deleting=True))

    account.log_groups.write_claim(orders, Claim(ME, None))

    assert account.log_groups.claim_on(orders) == Claim(ME, None)


@pytest.mark.parametrize(
    ("former", "new"),
    [
        pytest.param(of_fleet("/aws/"), ME, id="a fleet's by an explicit one"),
        pytest.param(of_fleet("/aws/"), of_fleet("/"), id="a fleet's by that of another prefix"),
        pytest.param(ME, of_fleet("/aws/"), id="an explicit one's by a fleet"),
        pytest.param(Owner.of_command_line(fleet()), of_fleet("/aws/"), id="the command line's by a fleet"),
    ],
)
def test_a_claim_of_another_kind(account: Account, former: Owner, new: Owner) -> None:
    """The scope is that of the fleet which owns it now, and one log group's owner has none."""
    orders = account.make_log_group(ORDERS)
    account.log_groups.write_claim(orders, Claim(former, PREVIOUS))

    account.log_groups.write_claim(orders, Claim(new, None))

    assert account.log_groups.claim_on(orders) == Claim(new, None)


@leaving_out(fake="it keeps a claim as a value, so it never has half a claim")
def test_a_fleet_without_a_scope(account: Account) -> None:
    """Its claim still keeps others off, but it is no fleet's own, whatever the prefix."""
    mine = of_fleet("")
    orders = account.make_log_group(ORDERS, tags={OWNER_TAG: mine.text, PREVIOUS_KEY_TAG: PREVIOUS.text})

    claim = account.log_groups.claim_on(orders)

    assert claim == Claim(Owner(mine.text), PREVIOUS)
    assert not claim.stands_for(mine)


@leaving_out(fake="it keeps a claim as a value, so it never has half a claim")
def test_a_scope_without_an_owner(account: Account) -> None:
    """The scope's tag alone is no claim."""
    orders = account.make_log_group(ORDERS, tags={SCOPE_TAG: "prefix=/"})

    assert account.log_groups.claim_on(orders) is None


def test_a_claim_is_two_tags_beside_those_of_others(account: Account) -> None:
    """The tags' names and forms outlive versions; tags of others, and the key, stay."""
    key = account.make_key()
    orders = account.make_log_group(ORDERS, key, FOREIGN)

    account.log_groups.write_claim(orders, Claim(ME, PREVIOUS, deleting=True))

    ours = {
        OWNER_TAG: "deleting:one:orders/2f1a0c10-0000-0000-0000-000000000001/Encryption",
        PREVIOUS_KEY_TAG: PREVIOUS.text,
    }
    assert (account.tags_on(orders), account.key_on(orders)) == ({**FOREIGN, **ours}, key.text)


def test_a_fleets_claim_is_three_tags_beside_those_of_others(account: Account) -> None:
    """The third one holds the prefix, so that a person sees why the log group was taken."""
    orders = account.make_log_group(ORDERS, tags=FOREIGN)

    account.log_groups.write_claim(orders, Claim(of_fleet("/aws/"), None, deleting=True))

    assert account.tags_on(orders) == {
        **FOREIGN,
        OWNER_TAG: "deleting:fleet:orders/2f1a0c10-0000-0000-0000-000000000001/Fleet",
        PREVIOUS_KEY_TAG: "none",
        SCOPE_TAG: "prefix=/aws/",
    }


def test_no_key_before_is_spelt_out(account: Account) -> None:
    """A tag that says `none` is told from a tag that is gone."""
    orders = account.make_log_group(ORDERS)

    account.log_groups.write_claim(orders, Claim(ME, None))

    assert account.tags_on(orders)[PREVIOUS_KEY_TAG] == "none"


@pytest.mark.parametrize(
    "owners",
    [
        pytest.param([ME], id="one log group's"),
        pytest.param([of_fleet("/aws/")], id="a fleet's"),
        pytest.param([of_fleet("/aws/"), ME], id="one log group's, a fleet's before"),
    ],
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_removed_claim_leaves_the_tags_of_others(account: Account, owners: list[Owner], times: int) -> None:
    """All tags of ours go, and nothing else; a second removal finds nothing to do."""
    key = account.make_key()
    orders = account.make_log_group(ORDERS, key, FOREIGN)
    for owner in owners:
        account.log_groups.write_claim(orders, Claim(owner, PREVIOUS))

    for _ in range(times):
        account.log_groups.remove_claim(orders)

    assert (account.tags_on(orders), account.key_on(orders)) == (FOREIGN, key.text)
    assert account.log_groups.claim_on(orders) is None


def test_removing_what_nobody_claimed(account: Account) -> None:
    """A log group without a claim stays as it is."""
    orders = account.make_log_group(ORDERS, tags=FOREIGN)

    account.log_groups.remove_claim(orders)

    assert account.tags_on(orders) == FOREIGN


@needs_a_log_group_to_tag
@pytest.mark.parametrize(
    ("operation", "call"),
    [
        pytest.param("ListTagsForResource", lambda port, group: port.claim_on(group), id="claim_on"),
        pytest.param("TagResource", lambda port, group: port.write_claim(group, Claim(ME, None)), id="write_claim"),
        pytest.param("UntagResource", lambda port, group: port.remove_claim(group), id="remove_claim"),
    ],
)
def test_a_claim_on_no_log_group(
    account: Account, operation: str, call: Callable[[LogGroups, LogGroup], object]
) -> None:
    """A log group that is not there is NotFound to all three."""
    orders = log_group_in(account, ORDERS)

    refusal = refusal_of(lambda: call(account.log_groups, orders))

    assert seen_in(refusal) == (NotFound, operation, "ResourceNotFoundException", orders.arn, "")
    assert refusal.message == answers.NO_SUCH_LOG_GROUP.message


@leaving_out(fake="it counts no tags", moto="it counts no tags on a log group")
def test_a_log_group_with_no_room_for_a_claim(account: Account) -> None:
    """With 49 tags of others there is room for one more, not for two, and neither is written."""
    theirs = {f"tag-{number}": "theirs" for number in range(49)}
    orders = account.make_log_group(ORDERS, tags=theirs)

    refusal = refusal_of(lambda: account.log_groups.write_claim(orders, Claim(ME, None)))

    assert seen_in(refusal) == (LimitExceeded, "TagResource", "TooManyTagsException", orders.arn, "")
    assert account.tags_on(orders) == theirs


# --- associate --------------------------------------------------------------------------------------------------------


def test_a_log_group_gets_a_key(account: Account) -> None:
    """The key is in force; tags stay, and so do siblings."""
    key = account.make_key()
    orders, sibling = account.make_log_group(ORDERS, tags=FOREIGN), account.make_log_group(SIBLINGS[0])

    account.log_groups.associate(orders, key)

    assert (account.key_on(orders), account.tags_on(orders)) == (key.text, FOREIGN)
    assert account.key_on(sibling) is None


def test_a_key_takes_the_place_of_another(account: Account) -> None:
    """One call puts a key directly over the former one."""
    former, key = account.make_key(), account.make_key()
    orders = account.make_log_group(ORDERS, former)

    account.log_groups.associate(orders, key)

    assert account.log_groups.key_of(orders) == key


def test_the_key_that_is_there_already(account: Account) -> None:
    """Associating it once more succeeds and changes nothing."""
    key = account.make_key()
    orders = account.make_log_group(ORDERS, key)

    account.log_groups.associate(orders, key)

    assert account.key_on(orders) == key.text


def test_query_results_get_a_key(account: Account) -> None:
    """The key of all query results is a setting beside those of the log groups; the last writer wins."""
    former, key = account.make_key(), account.make_key()
    orders = account.make_log_group(ORDERS)
    results = QueryResults(account.place)

    account.log_groups.associate(results, former)
    account.log_groups.associate(results, key)
    account.log_groups.associate(results, key)

    assert (account.key_on_query_results(), account.key_on(orders)) == (key.text, None)


def closed(account: Account) -> KeyArn:
    """A key whose policy does not name CloudWatch Logs."""
    return account.make_key(Opened.TO_NOTHING)


def disabled(account: Account) -> KeyArn:
    """An open key that was disabled."""
    key = account.make_key()
    account.disable(key)
    return key


def pending_deletion(account: Account) -> KeyArn:
    """An open key that is about to be deleted."""
    key = account.make_key()
    account.schedule_deletion(key)
    return key


def asymmetric(account: Account) -> KeyArn:
    """An open key that signs."""
    return account.make_asymmetric_key()


UNUSABLE_KEYS = [
    pytest.param(closed, KeyPolicyDenied, "AccessDeniedException", id="its policy is closed"),
    pytest.param(unknown_key_in, KeyPolicyDenied, "AccessDeniedException", id="no such key"),
    pytest.param(disabled, InvalidParameter, "InvalidParameterException", id="disabled"),
    pytest.param(pending_deletion, InvalidParameter, "InvalidParameterException", id="pending deletion"),
    pytest.param(asymmetric, InvalidParameter, "InvalidParameterException", id="asymmetric"),
]


@pytest.mark.parametrize(("unusable", "kind", "code"), UNUSABLE_KEYS)
def test_a_key_that_cannot_encrypt_a_log_group(
    account: Account, unusable: Callable[[Account], KeyArn], kind: type[ApiError], code: str
) -> None:
    """Each is refused with its kind, and the former key stays in force."""
    former, key = account.make_key(), unusable(account)
    orders = account.make_log_group(ORDERS, former)

    refusal = refusal_of(lambda: account.log_groups.associate(orders, key))

    assert seen_in(refusal) == (kind, "AssociateKmsKey", code, orders.arn, key.text)
    assert account.key_on(orders) == former.text


@pytest.mark.parametrize(("unusable", "kind", "code"), UNUSABLE_KEYS)
def test_a_key_that_cannot_encrypt_query_results(
    account: Account, unusable: Callable[[Account], KeyArn], kind: type[ApiError], code: str
) -> None:
    """Each is refused with its kind, and the former key stays in force."""
    former, key = account.make_key(), unusable(account)
    results = QueryResults(account.place)
    account.log_groups.associate(results, former)

    refusal = refusal_of(lambda: account.log_groups.associate(results, key))

    assert seen_in(refusal) == (kind, "AssociateKmsKey", code, results.arn, key.text)
    assert account.key_on_query_results() == former.text


@pytest.mark.parametrize("unusable", [closed, unknown_key_in], ids=["closed", "no such key"])
def test_a_denied_key_is_not_told_from_a_missing_one(account: Account, unusable: Callable[[Account], KeyArn]) -> None:
    """AWS's words are the same for both, and name the log group."""
    key = unusable(account)
    orders = account.make_log_group(ORDERS)

    refusal = refusal_of(lambda: account.log_groups.associate(orders, key))

    assert refusal.message == answers.key_denied(orders.arn).message


@leaving_out(fake="a key of it is open to log groups and query results, or to neither")
def test_a_statement_for_log_groups_does_not_cover_query_results(account: Account) -> None:
    """Query results need a statement of their own in the key's policy."""
    key = account.make_key(Opened.TO_LOG_GROUPS)
    orders = account.make_log_group(ORDERS)
    results = QueryResults(account.place)

    account.log_groups.associate(orders, key)
    refusal = refusal_of(lambda: account.log_groups.associate(results, key))

    assert seen_in(refusal) == (KeyPolicyDenied, "AssociateKmsKey", "AccessDeniedException", results.arn, key.text)
    assert (account.key_on(orders), account.key_on_query_results()) == (key.text, None)


def test_a_key_for_no_log_group(account: Account) -> None:
    """A log group that is not there is NotFound."""
    key, orders = account.make_key(), log_group_in(account, ORDERS)

    refusal = refusal_of(lambda: account.log_groups.associate(orders, key))

    assert seen_in(refusal) == (NotFound, "AssociateKmsKey", "ResourceNotFoundException", orders.arn, key.text)
    assert refusal.message == answers.NO_SUCH_LOG_GROUP.message


# --- disassociate -----------------------------------------------------------------------------------------------------


def test_a_log_group_loses_its_key(account: Account) -> None:
    """No key is in force; tags stay, and so do siblings."""
    key = account.make_key()
    orders, sibling = account.make_log_group(ORDERS, key, FOREIGN), account.make_log_group(SIBLINGS[0], key)

    account.log_groups.disassociate(orders)

    assert (account.log_groups.key_of(orders), account.tags_on(orders)) == (None, FOREIGN)
    assert account.key_on(sibling) == key.text


def test_there_is_no_key_to_lose(account: Account) -> None:
    """Disassociating a log group without a key succeeds."""
    orders = account.make_log_group(ORDERS)

    account.log_groups.disassociate(orders)

    assert account.key_on(orders) is None


def test_a_key_that_cannot_encrypt_any_more_can_be_left(account: Account) -> None:
    """Disassociating asks nothing of the key."""
    key = account.make_key()
    orders = account.make_log_group(ORDERS, key)
    account.schedule_deletion(key)

    account.log_groups.disassociate(orders)

    assert account.key_on(orders) is None


def test_query_results_lose_their_key(account: Account) -> None:
    """No key is in force for them, and a second call succeeds; log groups keep theirs."""
    key = account.make_key()
    orders = account.make_log_group(ORDERS, key)
    results = QueryResults(account.place)
    account.log_groups.associate(results, key)

    account.log_groups.disassociate(results)
    account.log_groups.disassociate(results)

    assert (account.key_on_query_results(), account.key_on(orders)) == (None, key.text)


def test_no_log_group_loses_its_key(account: Account) -> None:
    """A log group that is not there is NotFound."""
    orders = log_group_in(account, ORDERS)

    refusal = refusal_of(lambda: account.log_groups.disassociate(orders))

    assert seen_in(refusal) == (NotFound, "DisassociateKmsKey", "ResourceNotFoundException", orders.arn, "")
    assert refusal.message == answers.NO_SUCH_LOG_GROUP.message


# --- create -----------------------------------------------------------------------------------------------------------


def test_a_log_group_is_created_encrypted_and_claimed(account: Account) -> None:
    """It has its key and both tags, and no other."""
    key, orders = account.make_key(), log_group_in(account, ORDERS)

    account.log_groups.create(orders, key, Claim(LONG, None))

    assert account.key_on(orders) == key.text
    assert account.tags_on(orders) == {OWNER_TAG: LONG.text, PREVIOUS_KEY_TAG: "none"}


def test_a_log_group_is_created_for_a_fleet(account: Account) -> None:
    """A claim with a scope is written with it."""
    key, orders = account.make_key(), log_group_in(account, ORDERS)

    account.log_groups.create(orders, key, Claim(of_fleet("/aws/"), None))

    assert account.log_groups.claim_on(orders) == Claim(of_fleet("/aws/"), None)


def test_a_log_group_is_created_in_one_call(scripted: ScriptedAccount) -> None:
    """No other operation has a part in it, so nothing half-made is ever seen."""
    key, orders = scripted.make_key(), log_group_in(scripted, ORDERS)
    for operation in ("AssociateKmsKey", "TagResource"):
        scripted.refuse_once(operation, answers.UNAVAILABLE, Unavailable)

    scripted.log_groups.create(orders, key, Claim(ME, None))

    assert scripted.key_on(orders) == key.text
    assert scripted.log_groups.claim_on(orders) == Claim(ME, None)


def test_a_log_group_that_is_there_already(account: Account) -> None:
    """Whoever was first keeps it: neither its key nor its tags change."""
    theirs, key = account.make_key(), account.make_key()
    orders = account.make_log_group(ORDERS, theirs, FOREIGN)

    refusal = refusal_of(lambda: account.log_groups.create(orders, key, Claim(ME, None)))

    assert seen_in(refusal) == (
        AlreadyExists,
        "CreateLogGroup",
        "ResourceAlreadyExistsException",
        orders.arn,
        key.text,
    )
    assert refusal.message == answers.LOG_GROUP_EXISTS.message
    assert (account.key_on(orders), account.tags_on(orders)) == (theirs.text, FOREIGN)


@leaving_out(moto="its CreateLogGroup takes any text for a key")
@pytest.mark.parametrize(("unusable", "kind", "code"), UNUSABLE_KEYS)
def test_no_log_group_is_created_under_a_key_that_cannot_encrypt_it(
    account: Account, unusable: Callable[[Account], KeyArn], kind: type[ApiError], code: str
) -> None:
    """Each is refused with its kind, and no log group without a key is left."""
    key, orders = unusable(account), log_group_in(account, ORDERS)

    refusal = refusal_of(lambda: account.log_groups.create(orders, key, Claim(ME, None)))

    assert seen_in(refusal) == (kind, "CreateLogGroup", code, orders.arn, key.text)
    assert isinstance(refusal_of(lambda: account.log_groups.key_of(orders)), NotFound)
