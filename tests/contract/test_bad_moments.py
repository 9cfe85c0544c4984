"""AWS's bad moments at both ports: the same types from the fake as from boto3."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from contract.accounts import log_group_in
from contract.refusals import refusal_of
from support.fake_aws import STACK_ID, log_group

from local.emulator import answers
from local.emulator.answers import Refusal
from log_group_kms.model.errors import (
    ApiError,
    ConcurrentChange,
    InvalidParameter,
    KeyNotFound,
    KeyPolicyDenied,
    LimitExceeded,
    NotFound,
    ReservedLogGroup,
    RoleDenied,
    Throttled,
    Unavailable,
)
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG
from log_group_kms.model.targets import Fleet, QueryResults

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.accounts import ScriptedAccount

    from log_group_kms.association.ports import LogGroups
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.targets import LogGroup

ORDERS = "/aws/lambda/orders"
CLAIM = Claim(Owner.of_resource(STACK_ID, "Encryption", log_group()), None)
FOREIGN = {"team": "orders"}
ROLE = "arn:aws:sts::111122223333:assumed-role/provider/session"

#: A moment of the service's, which any operation may have.
PASSING = [
    pytest.param(answers.RATE_EXCEEDED, Throttled, id="Rate exceeded"),
    pytest.param(answers.UNAVAILABLE, Unavailable, id="500 by the model"),
    pytest.param(Refusal("ServiceUnavailableException", "", 503), Unavailable, id="503"),
    pytest.param(Refusal("InternalFailure", "", 500), Unavailable, id="500 that no model names"),
]
#: What the words or the code of a refused change tell.
CHANGE_REFUSED = [
    pytest.param(answers.OPERATION_ABORTED, ConcurrentChange, id="someone else changes it"),
    pytest.param(answers.key_denied("arn:x"), KeyPolicyDenied, id="key policy"),
    pytest.param(answers.key_not_found("1234abcd"), KeyNotFound, id="no such key"),
    pytest.param(answers.RESERVED_LOG_GROUP, ReservedLogGroup, id="reserved"),
    pytest.param(answers.key_unusable("arn:x"), InvalidParameter, id="otherwise invalid"),
    pytest.param(Refusal("LimitExceededException", "Resource limit exceeded."), LimitExceeded, id="quota"),
]

#: Each call on a log group that is there, beside the operation that it is known by.
CALLS = [
    pytest.param("DescribeLogGroups", lambda aws, group, _: aws.log_groups.key_of(group), id="key_of"),
    pytest.param("DescribeLogGroups", lambda aws, *_: aws.log_groups.page(Fleet(aws.place, "/"), ""), id="page"),
    pytest.param("ListTagsForResource", lambda aws, group, _: aws.log_groups.claim_on(group), id="claim_on"),
    pytest.param("TagResource", lambda aws, group, _: aws.log_groups.write_claim(group, CLAIM), id="write_claim"),
    pytest.param("UntagResource", lambda aws, group, _: aws.log_groups.remove_claim(group), id="remove_claim"),
    pytest.param("AssociateKmsKey", lambda aws, group, key: aws.log_groups.associate(group, key), id="associate"),
    pytest.param("DisassociateKmsKey", lambda aws, group, _: aws.log_groups.disassociate(group), id="disassociate"),
    pytest.param("DescribeKey", lambda aws, _, key: aws.keys.describe(key), id="describe"),
]


@pytest.mark.parametrize(("operation", "call"), CALLS)
@pytest.mark.parametrize(("refusal", "kind"), PASSING)
def test_a_bad_moment_of_the_service(
    scripted: ScriptedAccount,
    operation: str,
    call: Callable[[ScriptedAccount, LogGroup, KeyArn], object],
    refusal: Refusal,
    kind: type[ApiError],
) -> None:
    """Every call may be refused so, and changes nothing then; the next one is answered."""
    before, key = scripted.make_key(), scripted.make_key()
    orders = scripted.make_log_group(ORDERS, before, FOREIGN)
    scripted.refuse_once(operation, refusal, kind)

    error = refusal_of(lambda: call(scripted, orders, key))

    assert (type(error), error.operation, error.code) == (kind, operation, refusal.code)
    assert error.message == refusal.message
    assert (scripted.key_on(orders), scripted.tags_on(orders)) == (before.text, FOREIGN)
    call(scripted, orders, key)


@pytest.mark.parametrize(("refusal", "kind"), [*PASSING, *CHANGE_REFUSED])
def test_a_log_group_that_is_not_created(scripted: ScriptedAccount, refusal: Refusal, kind: type[ApiError]) -> None:
    """Each refusal has its kind, and nothing is there afterwards; the next call creates it."""
    key, orders = scripted.make_key(), log_group_in(scripted, ORDERS)
    scripted.refuse_once("CreateLogGroup", refusal, kind)

    error = refusal_of(lambda: scripted.log_groups.create(orders, key, CLAIM))

    assert (type(error), error.operation, error.code) == (kind, "CreateLogGroup", refusal.code)
    assert error.message == refusal.message
    assert isinstance(refusal_of(lambda: scripted.log_groups.key_of(orders)), NotFound)
    scripted.log_groups.create(orders, key, CLAIM)
    assert scripted.key_on(orders) == key.text


@pytest.mark.parametrize(("refusal", "kind"), CHANGE_REFUSED)
def test_a_key_that_is_not_changed(scripted: ScriptedAccount, refusal: Refusal, kind: type[ApiError]) -> None:
    """AWS's code, or its words where one code means several things, make the kind; the former key stays."""
    before, key = scripted.make_key(), scripted.make_key()
    orders = scripted.make_log_group(ORDERS, before)
    scripted.refuse_once("AssociateKmsKey", refusal, kind)

    error = refusal_of(lambda: scripted.log_groups.associate(orders, key))

    assert (type(error), error.operation, error.code) == (kind, "AssociateKmsKey", refusal.code)
    assert error.message == refusal.message
    assert scripted.key_on(orders) == before.text


def test_the_key_of_query_results_that_is_not_changed(scripted: ScriptedAccount) -> None:
    """A bad moment is the same for query results: the former key stays in force, and the next call is answered."""
    before, key = scripted.make_key(), scripted.make_key()
    results = QueryResults(scripted.place)
    scripted.log_groups.associate(results, before)
    scripted.refuse_once("AssociateKmsKey", answers.OPERATION_ABORTED, ConcurrentChange)

    error = refusal_of(lambda: scripted.log_groups.associate(results, key))

    assert type(error) is ConcurrentChange
    assert scripted.key_on_query_results() == before.text
    scripted.log_groups.associate(results, key)
    assert scripted.key_on_query_results() == key.text


@pytest.mark.parametrize("action", ["kms:GenerateDataKey", "logs:AssociateKmsKey"])
def test_a_permission_of_the_role_that_is_missing(scripted: ScriptedAccount, action: str) -> None:
    """It is named, KMS's and Logs' alike."""
    key = scripted.make_key()
    orders = scripted.make_log_group(ORDERS)
    scripted.refuse_once(
        "AssociateKmsKey", answers.not_authorized(ROLE, action, "arn:x"), partial(RoleDenied, action=action)
    )

    error = refusal_of(lambda: scripted.log_groups.associate(orders, key))

    assert isinstance(error, RoleDenied)
    assert (error.action, error.about_key) == (action, action.startswith("kms:"))
    assert scripted.key_on(orders) is None


def test_a_key_that_may_not_be_described(scripted: ScriptedAccount) -> None:
    """A role that lacks kms:DescribeKey is told so, and not that there is no key."""
    key = scripted.make_key()
    denied = answers.not_authorized(ROLE, "kms:DescribeKey", key.text)
    scripted.refuse_once("DescribeKey", denied, partial(RoleDenied, action="kms:DescribeKey"))

    error = refusal_of(lambda: scripted.keys.describe(key))

    assert isinstance(error, RoleDenied)
    assert (error.action, error.code) == ("kms:DescribeKey", "AccessDeniedException")


@pytest.mark.parametrize(
    ("operation", "call", "key_after", "tags_after"),
    [
        pytest.param("AssociateKmsKey", lambda port, group, key: port.associate(group, key), "new", {}, id="associate"),
        pytest.param(
            "DisassociateKmsKey", lambda port, group, _: port.disassociate(group), None, {}, id="disassociate"
        ),
        pytest.param(
            "TagResource",
            lambda port, group, _: port.write_claim(group, CLAIM),
            "former",
            {OWNER_TAG: CLAIM.owner_tag, PREVIOUS_KEY_TAG: "none"},
            id="write_claim",
        ),
    ],
)
def test_an_answer_that_is_lost(
    scripted: ScriptedAccount,
    operation: str,
    call: Callable[[LogGroups, LogGroup, KeyArn], object],
    key_after: str | None,
    tags_after: dict[str, str],
) -> None:
    """Unavailable says that it may have been done all the same, and so it is here; the same call again succeeds."""
    keys = {"former": scripted.make_key(), "new": scripted.make_key()}
    orders = scripted.make_log_group(ORDERS, keys["former"])
    scripted.lose_the_answer_once(operation, answers.UNAVAILABLE, Unavailable)
    expected = (keys[key_after].text if key_after else None, tags_after)

    error = refusal_of(lambda: call(scripted.log_groups, orders, keys["new"]))

    assert (type(error), error.uncertain) == (Unavailable, True)
    assert (scripted.key_on(orders), scripted.tags_on(orders)) == expected
    call(scripted.log_groups, orders, keys["new"])
    assert (scripted.key_on(orders), scripted.tags_on(orders)) == expected
