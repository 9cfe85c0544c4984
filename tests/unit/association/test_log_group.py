"""A Create of one log group: the contract's table, row by row, against a fake AWS with state."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.fake_aws import key_policy_denied
from unit.association.account import (
    ASKED,
    BEFORE,
    FLEET,
    ME,
    NEW,
    ORDERS,
    OURS,
    SIBLING,
    STRANGE,
    STRANGER,
    TAKING_OVER,
    Account,
)

from log_group_kms.model.association import Association, OnDelete, OnExistingKey, OnMissingLogGroup
from log_group_kms.model.errors import ApiError, KeyUnusable, NotFound, NotStabilized, ResourceConflict
from log_group_kms.model.keys import KeyArn, KeyDescription, KeyName
from log_group_kms.model.ownership import Claim
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.results import Outcome


@pytest.mark.parametrize(
    ("key", "claim", "state"),
    [
        pytest.param(None, None, (OURS, Claim(ME, None)), id="no key"),
        pytest.param(BEFORE, None, (OURS, Claim(ME, BEFORE)), id="another key, nobody's"),
        pytest.param(OURS, None, (OURS, Claim(ME, OURS)), id="our key there already, nobody's"),
        pytest.param(STRANGE, Claim(STRANGER, BEFORE), (OURS, Claim(ME, STRANGE)), id="another stack's"),
        pytest.param(OURS, Claim(STRANGER, BEFORE), (OURS, Claim(ME, OURS)), id="another stack's, same key"),
        pytest.param(STRANGE, Claim(FLEET, None), (OURS, Claim(ME, STRANGE)), id="a fleet's"),
        pytest.param(OURS, Claim(SIBLING, BEFORE), (OURS, Claim(ME, BEFORE)), id="renamed logical id"),
        pytest.param(NEW, Claim(SIBLING, None), (OURS, Claim(ME, None)), id="renamed, and another key"),
        pytest.param(
            STRANGE, Claim(STRANGER, BEFORE, deleting=True), (OURS, Claim(ME, BEFORE)), id="another stack's, leaving"
        ),
        pytest.param(None, Claim(ME, BEFORE), (OURS, Claim(ME, BEFORE)), id="redelivered before the key"),
        pytest.param(OURS, Claim(ME, BEFORE), (OURS, Claim(ME, BEFORE)), id="redelivered after the key"),
    ],
)
def test_create_claims_and_associates(key: KeyArn | None, claim: Claim | None, state: tuple[KeyArn, Claim]) -> None:
    """A Create ends with the wanted key in force, itself the owner, and what was there before remembered once."""
    account = Account().having(key, claim)

    outcome = account.create(TAKING_OVER)

    assert account.state == state
    assert (outcome.target, outcome.key, outcome.previous) == (ORDERS, OURS, state[1].previous)


@pytest.mark.parametrize(
    ("key", "claim", "outcome"),
    [
        pytest.param(None, None, Outcome(ORDERS, OURS, None, associated=1, settling=True), id="no key"),
        pytest.param(BEFORE, None, Outcome(ORDERS, OURS, BEFORE, associated=1, settling=True), id="another key"),
        pytest.param(OURS, None, Outcome(ORDERS, OURS, OURS, compliant=1), id="our key, nobody's"),
        pytest.param(OURS, Claim(SIBLING, BEFORE), Outcome(ORDERS, OURS, BEFORE, compliant=1), id="renamed"),
        pytest.param(
            OURS, Claim(ME, BEFORE), Outcome(ORDERS, OURS, BEFORE, compliant=1, settling=True), id="redelivered"
        ),
    ],
)
def test_what_a_create_answers(key: KeyArn | None, claim: Claim | None, outcome: Outcome) -> None:
    """A Create counts what it changed; a key that it, or its earlier delivery, has just associated must settle."""
    assert Account().having(key, claim).create() == outcome


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_create_delivered_again_changes_nothing(account: Account, times: int) -> None:
    """However often a Create is delivered, the first previous key is remembered."""
    account.having(BEFORE)
    for _ in range(times):
        account.create()

    assert account.state == (OURS, Claim(ME, BEFORE))
    assert account.aws.calls.count("AssociateKmsKey") == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("alias/logs", OURS, id="alias"),
        pytest.param("mrk-1234", OURS, id="multi-Region key id"),
    ],
)
def test_a_key_that_is_no_arn_is_resolved(account: Account, name: str, expected: KeyArn) -> None:
    """AWS is given the key ARN behind an alias or an id, since only that reads back."""
    account.aws.aliases[name] = OURS

    outcome = account.create(replace(ASKED, key=KeyName(name)))

    assert (outcome.key, account.state) == (expected, (expected, Claim(ME, None)))


@pytest.mark.parametrize(
    ("description", "words"),
    [
        pytest.param(KeyDescription(OURS, state="Disabled"), "is disabled", id="disabled"),
        pytest.param(KeyDescription(OURS, state="PendingDeletion"), "pending deletion", id="pending deletion"),
        pytest.param(KeyDescription(OURS, state="PendingImport"), "KeyState is PendingImport", id="pending import"),
        pytest.param(KeyDescription(OURS, spec="RSA_2048"), "no symmetric", id="asymmetric"),
        pytest.param(KeyDescription(OURS, usage="GENERATE_VERIFY_MAC"), "no symmetric", id="not for encryption"),
        pytest.param(KeyDescription(OURS, aws_managed=True), "AWS managed", id="AWS managed"),
    ],
)
def test_a_key_that_cannot_encrypt_is_refused_before_anything_changes(
    account: Account, description: KeyDescription, words: str
) -> None:
    """A Create ends with nothing claimed if DescribeKey, which resolves the key's name, shows a defect."""
    account.aws.aliases["alias/logs"] = OURS
    account.aws.keys[OURS] = description

    with pytest.raises(KeyUnusable, match=words):
        account.create(replace(ASKED, key=KeyName("alias/logs")))
    assert (account.state, account.failure_id) == ((None, None), NOTHING_ASSOCIATED)


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        pytest.param(None, "nobody's", id="nobody's"),
        pytest.param(Claim(STRANGER, None), "another stack's", id="another stack's"),
        pytest.param(Claim(FLEET, None), "a fleet's", id="a fleet's"),
    ],
)
def test_keep_leaves_another_key(claim: Claim | None, why: str) -> None:
    """OnExistingKey Keep changes nothing and claims nothing, answers with the kept key, and its Delete does nothing."""
    account = Account().having(STRANGE, claim)
    keeping = replace(ASKED, on_existing_key=OnExistingKey.KEEP)

    outcome = account.create(keeping)
    account.update(keeping, keeping)
    account.delete(keeping)

    assert account.state == (STRANGE, claim), why
    assert replace(outcome, note="") == Outcome(ORDERS, STRANGE, STRANGE, skipped=1)


@pytest.mark.parametrize("event", ["create", "update"])
def test_fail_refuses_another_key(event: str) -> None:
    """OnExistingKey Fail names the key that is there and its owner, changes nothing, and leaves nothing to undo."""
    account = Account().having(STRANGE, Claim(STRANGER, None))
    failing = replace(TAKING_OVER, on_existing_key=OnExistingKey.FAIL)

    with pytest.raises(ResourceConflict, match=f"{STRANGE.text}; it belongs to {STRANGER.text}"):
        account.create(failing) if event == "create" else account.update(failing, failing)
    assert account.state == (STRANGE, Claim(STRANGER, None))
    assert account.failure_id == (NOTHING_ASSOCIATED if event == "create" else ORDERS.arn)


@pytest.mark.parametrize("choice", list(OnExistingKey))
@pytest.mark.parametrize("key", [None, OURS], ids=["no key", "our key"])
def test_on_existing_key_is_about_another_key_only(choice: OnExistingKey, key: KeyArn | None) -> None:
    """Every OnExistingKey associates and claims a log group without a key, or with the wanted one."""
    account = Account().having(key)

    account.create(replace(ASKED, on_existing_key=choice))

    assert account.state == (OURS, Claim(ME, key))


def test_a_missing_log_group_fails(account: Account) -> None:
    """A log group that is not there is an error that names it and leaves nothing to undo."""
    del account.aws.log_groups[ORDERS]

    with pytest.raises(NotFound) as missing:
        account.create()
    assert (missing.value.target, account.aws.log_groups, account.failure_id) == (ORDERS.arn, {}, NOTHING_ASSOCIATED)


def test_a_missing_log_group_is_created_encrypted_and_claimed(account: Account) -> None:
    """OnMissingLogGroup Create makes it under the key and the claim in one call; its Delete leaves it unencrypted."""
    del account.aws.log_groups[ORDERS]
    creating = replace(ASKED, on_missing_log_group=OnMissingLogGroup.CREATE)

    outcome = account.create(creating)

    assert (account.state, outcome) == ((OURS, Claim(ME, None)), Outcome(ORDERS, OURS, associated=1, settling=True))
    assert {"AssociateKmsKey", "TagResource"}.isdisjoint(account.aws.calls)
    account.delete(creating)
    assert account.state == (None, None)


def test_a_log_group_that_someone_else_creates_meanwhile_is_associated(account: Account) -> None:
    """Losing the race for CreateLogGroup ends like a Create on a log group that was there."""
    del account.aws.log_groups[ORDERS]

    def someone_is_quicker(operation: str) -> None:
        if operation == "CreateLogGroup":
            account.having(BEFORE)

    account.aws.before = someone_is_quicker

    account.create(replace(ASKED, on_missing_log_group=OnMissingLogGroup.CREATE))

    assert account.state == (OURS, Claim(ME, BEFORE))


def test_a_create_whose_other_delivery_creates_meanwhile_can_be_undone(account: Account) -> None:
    """The slower of two deliveries that race for CreateLogGroup fails with the id that the claim calls for."""
    del account.aws.log_groups[ORDERS]
    account.aws.refuse("AssociateKmsKey", *[key_policy_denied()] * 300)

    def the_other_is_quicker(operation: str) -> None:
        if operation == "CreateLogGroup":
            account.having(STRANGE, Claim(ME, None))

    account.aws.before = the_other_is_quicker

    with pytest.raises(ApiError):
        account.create(replace(ASKED, on_missing_log_group=OnMissingLogGroup.CREATE))
    assert account.failure_id == ORDERS.arn


@pytest.mark.parametrize(
    ("event", "most"),
    [
        # The seventh is a second look at the tags, as there is a key that somebody else may be about to take away.
        pytest.param("create", 7, id="happy Create over another key"),
        pytest.param("create again", 3, id="redelivered Create"),
        pytest.param("options", 3, id="Update of options"),
        pytest.param("key", 5, id="Update of the key"),
        pytest.param("delete", 6, id="Delete"),
    ],
)
def test_the_calls_that_an_event_costs(account: Account, event: str, most: int) -> None:
    """No event of the happy path makes more calls than the contract allows."""
    account.having(BEFORE)
    if event != "create":
        account.create()
    account.aws.calls.clear()
    match event:
        case "create" | "create again":
            account.create()
        case "options":
            account.update(replace(ASKED, on_delete=OnDelete.RETAIN))
        case "key":
            account.update(Association(ORDERS, NEW))
        case "delete":
            account.delete()

    assert len(account.aws.calls) <= most, account.aws.calls


def test_a_log_group_that_shows_late_after_its_creation(account: Account) -> None:
    """DescribeLogGroups may not show at once what CreateLogGroup made: that is waited for."""
    del account.aws.log_groups[ORDERS]
    hidden = 3

    def hide(operation: str) -> None:
        nonlocal hidden
        if operation == "DescribeLogGroups" and ORDERS in account.aws.log_groups and hidden:
            hidden -= 1
            raise NotFound("DescribeLogGroups", "ResourceNotFoundException", "not yet", ORDERS.arn)

    account.aws.before = hide

    outcome = account.create(replace(ASKED, on_missing_log_group=OnMissingLogGroup.CREATE))

    assert (account.state, outcome.key, hidden) == ((OURS, Claim(ME, None)), OURS, 0)


def test_a_log_group_that_never_shows_after_its_creation(account: Account) -> None:
    """In the end it is an error that says so, and can be undone."""
    del account.aws.log_groups[ORDERS]

    def hide(operation: str) -> None:
        if operation == "DescribeLogGroups" and ORDERS in account.aws.log_groups:
            raise NotFound("DescribeLogGroups", "ResourceNotFoundException", "not yet", ORDERS.arn)

    account.aws.before = hide

    with pytest.raises(NotStabilized, match="does not show it yet"):
        account.create(replace(ASKED, on_missing_log_group=OnMissingLogGroup.CREATE))
    assert account.failure_id == ORDERS.arn
