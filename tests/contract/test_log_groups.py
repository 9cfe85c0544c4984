"""`ports.LogGroups`, promise by promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.accounts import Opened, log_group_in, unknown_key_in
from contract.backends import leaving_out
from contract.refusals import refusal_of, seen_in
from support.fake_aws import STACK_ID

from local import answers
from log_group_kms.errors import (
    AlreadyExists,
    InvalidParameter,
    KeyPolicyDenied,
    LimitExceeded,
    NotFound,
    Refused,
    Unavailable,
)
from log_group_kms.model import Claim, KeyArn, Owner, QueryResults

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.accounts import Account, ScriptedAccount

    from log_group_kms.model import LogGroup
    from log_group_kms.ports import LogGroups

ORDERS = "/aws/lambda/orders"
#: More than a page of 50.
SIBLINGS = [f"{ORDERS}-{number}" for number in range(60)]
PREVIOUS = KeyArn("arn:aws:kms:eu-west-1:111122223333:key/0a0a0a0a-1111-2222-3333-444444444444")
ME = Owner.of_resource("one", STACK_ID, "Encryption")
#: As long as CloudFormation lets one be: it does not fit into a tag and is hashed.
LONG = Owner.of_resource("one", STACK_ID, "L" * 255)
FOREIGN = {"team": "orders", "cost-center": "42 + 1"}

OWNER_TAG = "log-group-kms-association:owner"
PREVIOUS_KEY_TAG = "log-group-kms-association:previous-key"

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


# --- claims -----------------------------------------------------------------------------------------------------------

CLAIMS = [
    pytest.param(Claim(ME, None), id="no key before"),
    pytest.param(Claim(ME, PREVIOUS), id="a key before"),
    pytest.param(Claim(ME, None, deleting=True), id="deleting, no key before"),
    pytest.param(Claim(ME, PREVIOUS, deleting=True), id="deleting, a key before"),
    pytest.param(Claim(Owner.of_resource("fleet", STACK_ID, "Fleet"), PREVIOUS), id="a fleet's"),
    pytest.param(Claim(LONG, PREVIOUS), id="a long logical id"),
    pytest.param(Claim(LONG, PREVIOUS, deleting=True), id="a long logical id, deleting"),
    pytest.param(Claim(Owner.of_resource("one", "no-stack-id", "A"), None), id="a stack id of an unknown form"),
]


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_is_read_as_it_was_written(account: Account, claim: Claim) -> None:
    """Every form of a claim fits into the tags, and comes back the same."""
    orders = account.make_log_group(ORDERS)

    account.log_groups.write_claim(orders, claim)

    assert account.log_groups.claim_on(orders) == claim


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


def test_no_key_before_is_spelt_out(account: Account) -> None:
    """A tag that says `none` is told from a tag that is gone."""
    orders = account.make_log_group(ORDERS)

    account.log_groups.write_claim(orders, Claim(ME, None))

    assert account.tags_on(orders)[PREVIOUS_KEY_TAG] == "none"


@pytest.mark.parametrize("times", [1, 2])
def test_a_removed_claim_leaves_the_tags_of_others(account: Account, times: int) -> None:
    """Both tags go, and nothing else; a second removal finds nothing to do."""
    key = account.make_key()
    orders = account.make_log_group(ORDERS, key, FOREIGN)
    account.log_groups.write_claim(orders, Claim(ME, PREVIOUS))

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
    account: Account, unusable: Callable[[Account], KeyArn], kind: type[Refused], code: str
) -> None:
    """Each is refused with its kind, and the former key stays in force."""
    former, key = account.make_key(), unusable(account)
    orders = account.make_log_group(ORDERS, former)

    refusal = refusal_of(lambda: account.log_groups.associate(orders, key))

    assert seen_in(refusal) == (kind, "AssociateKmsKey", code, orders.arn, key.text)
    assert account.key_on(orders) == former.text


@pytest.mark.parametrize(("unusable", "kind", "code"), UNUSABLE_KEYS)
def test_a_key_that_cannot_encrypt_query_results(
    account: Account, unusable: Callable[[Account], KeyArn], kind: type[Refused], code: str
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
    account: Account, unusable: Callable[[Account], KeyArn], kind: type[Refused], code: str
) -> None:
    """Each is refused with its kind, and no log group without a key is left."""
    key, orders = unusable(account), log_group_in(account, ORDERS)

    refusal = refusal_of(lambda: account.log_groups.create(orders, key, Claim(ME, None)))

    assert seen_in(refusal) == (kind, "CreateLogGroup", code, orders.arn, key.text)
    assert isinstance(refusal_of(lambda: account.log_groups.key_of(orders)), NotFound)
