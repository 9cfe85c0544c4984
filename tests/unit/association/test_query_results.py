"""Query results: one setting of the account, which carries no claim."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.fake_aws import key_policy_denied, unavailable
from unit.association.account import ME, NEW, OURS, RESULTS, STRANGE, Account

from log_group_kms.association.requests import Ensure, Update
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association, OnDelete
from log_group_kms.model.errors import ApiError, KeyNotFound
from log_group_kms.model.keys import KeyName
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.model.results import Outcome

QUERIES = Association(RESULTS, OURS)


def test_query_results_have_one_setting(account: Account) -> None:
    """Create, Update and Delete set and clear the one key of the account's query results; the last writer wins."""
    account.aws.query_results_key = STRANGE

    assert account.create(QUERIES).key == OURS
    assert account.aws.query_results_key == OURS
    lifecycle.ensure(account.context(), Ensure(ME, replace(QUERIES, key=NEW), Update(RESULTS.arn, QUERIES)))
    assert account.aws.query_results_key == NEW
    account.delete(QUERIES)
    assert account.aws.query_results_key is None


@pytest.mark.parametrize(
    ("former", "outcome"),
    [
        pytest.param(None, Outcome(RESULTS, OURS, associated=1, settling=True), id="Create"),
        pytest.param(
            replace(QUERIES, key=NEW), Outcome(RESULTS, OURS, associated=1, settling=True), id="Update of the key"
        ),
        pytest.param(QUERIES, Outcome(RESULTS, OURS, associated=1), id="Update of options"),
    ],
)
def test_what_an_event_of_query_results_answers(account: Account, former: Association | None, outcome: Outcome) -> None:
    """Each Create and each Update associates; the key must settle where the template names another one."""
    event = Ensure(ME, QUERIES, Update(RESULTS.arn, former) if former else None)

    assert lifecycle.ensure(account.context(), event) == outcome


@pytest.mark.parametrize(
    ("on_delete", "outcome"),
    [
        pytest.param(OnDelete.RESTORE_PREVIOUS, Outcome(RESULTS, None, associated=1), id="RestorePrevious"),
        pytest.param(OnDelete.DISASSOCIATE, Outcome(RESULTS, None, associated=1), id="Disassociate"),
        pytest.param(OnDelete.RETAIN, Outcome(RESULTS, None, skipped=1), id="Retain"),
    ],
)
def test_what_a_delete_of_query_results_answers(account: Account, on_delete: OnDelete, outcome: Outcome) -> None:
    """Nobody knows which key query results had before, so that RestorePrevious takes the key away too."""
    assert replace(account.delete(replace(QUERIES, on_delete=on_delete)), note="") == outcome


def test_a_create_of_query_results_whose_key_is_unknown_leaves_nothing_to_undo(account: Account) -> None:
    """A failure before the one call must not make the Delete that follows strip another stack's key."""
    with pytest.raises(KeyNotFound):
        account.create(replace(QUERIES, key=KeyName("alias/gone")))
    assert account.failure_id == NOTHING_ASSOCIATED


def test_query_results_are_retained(account: Account) -> None:
    """OnDelete Retain leaves the key."""
    account.create(QUERIES)

    account.delete(replace(QUERIES, on_delete=OnDelete.RETAIN))

    assert account.aws.query_results_key == OURS


@pytest.mark.parametrize(
    ("refusal", "failure_id"),
    [
        pytest.param(key_policy_denied(), NOTHING_ASSOCIATED, id="refused for certain"),
        pytest.param(unavailable(), PERHAPS_ASSOCIATED, id="it may have been done"),
    ],
)
def test_a_failed_create_of_query_results(account: Account, refusal: ApiError, failure_id: str) -> None:
    """A Create that AWS refused must not make the Delete that follows strip another stack's key."""
    account.aws.query_results_key = STRANGE
    account.aws.refuse("AssociateKmsKey", *[refusal] * 300)

    with pytest.raises(ApiError):
        account.create(QUERIES)
    assert (account.failure_id, account.aws.query_results_key) == (failure_id, STRANGE)
