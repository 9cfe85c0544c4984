"""`ports.LogGroups`, promise by promise: a claim is written, read and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.accounts import log_group_in
from contract.backends import leaving_out
from contract.log_groups import FOREIGN, LONG, ME, ORDERS, OWNER_TAG, PREVIOUS, PREVIOUS_KEY_TAG, SCOPE_TAG, of_fleet
from contract.refusals import refusal_of, seen_in
from support.fake_aws import STACK_ID, fleet, log_group

from local.emulator import answers
from log_group_kms.model.errors import LimitExceeded, NotFound
from log_group_kms.model.ownership import Claim, Owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.accounts import Account

    from log_group_kms.association.ports import LogGroups
    from log_group_kms.model.targets import LogGroup

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

needs_a_log_group_to_tag = leaving_out(moto="its calls on tags never look whether the log group is there")

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
    """A fleet of any prefix knows its own claim again."""
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
    """A log group with 49 tags of others has room for one more, not for two, and neither is written."""
    theirs = {f"tag-{number}": "theirs" for number in range(49)}
    orders = account.make_log_group(ORDERS, tags=theirs)

    refusal = refusal_of(lambda: account.log_groups.write_claim(orders, Claim(ME, None)))

    assert seen_in(refusal) == (LimitExceeded, "TagResource", "TooManyTagsException", orders.arn, "")
    assert account.tags_on(orders) == theirs
