"""Requests, and the physical id of an answer that failed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.association.account import ASKED, BEFORE, BILLING, FLEET, ME, NEW, ORDERS, OURS, RESULTS

from log_group_kms.association.decision import Desired
from log_group_kms.association.requests import Asker, Ensure, Remove, Update
from log_group_kms.association.trail import Footprint
from log_group_kms.model.association import Association, OnDelete, OnExistingKey
from log_group_kms.model.keys import KeyName
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED

#: As CloudFormation makes one up.
MADE_UP = "orders-Encryption-1V5D3Z0JW2Q4K"
ELSEWHERE = Association(BILLING, OURS)
#: When CloudFormation sent an event, and a moment later, in seconds since the epoch.
SENT, NOW = 1_800_000_000.0, 1_800_000_003.0

CREATE = Ensure(ME, ASKED)
UPDATE = Ensure(ME, ASKED, Update(ORDERS.arn, replace(ASKED, key=BEFORE), ME))
REPLACEMENT = Ensure(ME, ASKED, Update(BILLING.arn, ELSEWHERE, ME))
ENROLMENT = Ensure(ME, ASKED, asker=Asker.ENROLMENT)
COMMAND_LINE = Ensure(ME, ASKED, asker=Asker.COMMAND_LINE)


@pytest.mark.parametrize(
    ("event", "footprint", "failure_id"),
    [
        pytest.param(CREATE, Footprint.NOTHING, NOTHING_ASSOCIATED, id="Create, nothing"),
        pytest.param(CREATE, Footprint.PERHAPS, PERHAPS_ASSOCIATED, id="Create, perhaps"),
        pytest.param(CREATE, Footprint.CLAIMED, ORDERS.arn, id="Create, claimed"),
        pytest.param(UPDATE, Footprint.NOTHING, ORDERS.arn, id="Update, nothing"),
        pytest.param(UPDATE, Footprint.PERHAPS, ORDERS.arn, id="Update, perhaps"),
        pytest.param(UPDATE, Footprint.CLAIMED, ORDERS.arn, id="Update, claimed"),
        pytest.param(REPLACEMENT, Footprint.NOTHING, BILLING.arn, id="Update of the target, nothing"),
        pytest.param(REPLACEMENT, Footprint.PERHAPS, PERHAPS_ASSOCIATED, id="Update of the target, perhaps"),
        pytest.param(REPLACEMENT, Footprint.CLAIMED, ORDERS.arn, id="Update of the target, claimed"),
        *[
            pytest.param(event, footprint, NOTHING_ASSOCIATED, id=f"{event.asker.value}, {footprint.name.lower()}")
            for event in (ENROLMENT, COMMAND_LINE)
            for footprint in Footprint
        ],
    ],
)
def test_the_id_of_a_failed_answer(event: Ensure, footprint: Footprint, failure_id: str) -> None:
    """The Delete that follows a Create goes by it, so it tells what was claimed; an Update keeps its own."""
    assert event.failure_id(footprint) == failure_id


#: Of a target that CloudFormation never heard of.
UNDONE = replace(Remove.of(ME, ELSEWHERE), hands_back=True)


@pytest.mark.parametrize(
    ("event", "creating", "enrolling", "new_target", "may_undo", "changes_key"),
    [
        pytest.param(CREATE, True, False, True, True, True, id="Create"),
        pytest.param(UPDATE, False, False, False, False, True, id="Update of the key"),
        pytest.param(Ensure(ME, ASKED, Update(ORDERS.arn, ASKED)), False, False, False, False, False, id="of options"),
        pytest.param(
            Ensure(ME, ASKED, Update(ORDERS.arn)), False, False, False, False, True, id="of what nobody knows"
        ),
        pytest.param(REPLACEMENT, False, False, True, True, True, id="Update of the target"),
        pytest.param(ENROLMENT, False, True, False, True, True, id="enrolment"),
        pytest.param(COMMAND_LINE, False, True, False, True, True, id="command line"),
    ],
)
def test_what_a_request_says_of_itself(
    event: Ensure, *, creating: bool, enrolling: bool, new_target: bool, may_undo: bool, changes_key: bool
) -> None:
    """The asker and the Update's contents decide what may be done and undone."""
    assert (event.creating, event.enrolling, event.new_target) == (creating, enrolling, new_target)
    assert (event.may_undo, event.changes_key) == (may_undo, changes_key)


@pytest.mark.parametrize(
    ("update", "abandoned"),
    [
        pytest.param(None, None, id="Create"),
        pytest.param(Update(ORDERS.arn, ASKED, ME), None, id="same target"),
        pytest.param(Update(BILLING.arn, ELSEWHERE, ME), None, id="another target, whose Delete comes"),
        pytest.param(Update(ORDERS.arn, ELSEWHERE, ME), UNDONE, id="an Update that is sent back"),
        pytest.param(Update(ORDERS.arn, ELSEWHERE, FLEET), replace(UNDONE, owner=FLEET), id="of another kind"),
        pytest.param(Update(MADE_UP, ELSEWHERE, ME), UNDONE, id="under a made-up id"),
        pytest.param(Update(ORDERS.arn, None, ME), None, id="properties that nobody understands"),
        pytest.param(Update(ORDERS.arn, ELSEWHERE), None, id="an owner that nobody knows"),
        pytest.param(Update(ORDERS.arn, replace(ASKED, target=RESULTS), ME), None, id="what carries no claim"),
    ],
)
def test_what_an_update_before_abandoned(update: Update | None, abandoned: Remove | None) -> None:
    """A former target that is neither wanted nor the event's own id is one that CloudFormation never heard of."""
    assert Ensure(ME, ASKED, update).abandoned == abandoned


@pytest.mark.parametrize(
    ("event", "desired"),
    [
        pytest.param(
            CREATE,
            Desired(
                ME,
                NEW,
                OnExistingKey.OVERRIDE,
                BEFORE,
                creating=True,
                changes_key=True,
            ),
            id="Create without a date",
        ),
        pytest.param(
            replace(CREATE, sent_at=SENT),
            Desired(
                ME,
                NEW,
                OnExistingKey.OVERRIDE,
                BEFORE,
                creating=True,
                changes_key=True,
                asked_at=SENT,
            ),
            id="Create",
        ),
        pytest.param(
            replace(UPDATE, sent_at=SENT),
            Desired(
                ME,
                NEW,
                OnExistingKey.OVERRIDE,
                BEFORE,
                former_owner=ME,
                changes_key=True,
                asked_at=SENT,
            ),
            id="Update of the key",
        ),
        pytest.param(
            Ensure(ME, ASKED, Update(ORDERS.arn, ASKED, ME), sent_at=SENT),
            Desired(
                ME,
                NEW,
                OnExistingKey.OVERRIDE,
                BEFORE,
                former_owner=ME,
                asked_at=SENT,
            ),
            id="Update of options",
        ),
        pytest.param(
            ENROLMENT,
            Desired(
                ME,
                NEW,
                OnExistingKey.OVERRIDE,
                BEFORE,
                enrolling=True,
                changes_key=True,
                asked_at=NOW,
            ),
            id="enrolment",
        ),
    ],
)
def test_what_is_desired_of_one_log_group(event: Ensure, desired: Desired) -> None:
    """The keys are those behind the template's names, as they were resolved; upkeep asks now, a stack when it did."""
    assert event.desired(NEW, NOW, BEFORE) == desired


def test_a_request_that_restores() -> None:
    """It is the same otherwise: who cancels, and when, stays."""
    removal = Remove(ME, ORDERS, OnDelete.RETAIN, OURS, cancels=True, sent_at=SENT)

    assert removal.restoring() == Remove(ME, ORDERS, OnDelete.RESTORE_PREVIOUS, OURS, cancels=True, sent_at=SENT)


@pytest.mark.parametrize(
    ("on_delete", "retains", "restores"),
    [(OnDelete.RESTORE_PREVIOUS, False, True), (OnDelete.DISASSOCIATE, False, False), (OnDelete.RETAIN, True, False)],
)
def test_what_is_to_become_of_the_key(on_delete: OnDelete, *, retains: bool, restores: bool) -> None:
    """OnDelete of the association that ends decides."""
    former = Association(ORDERS, KeyName("alias/logs"), on_delete)
    removal = Remove.of(ME, former, minted=True)

    assert (removal.retains, removal.restores, Ensure(ME, former).retains) == (retains, restores, retains)
    assert (removal.owner, removal.target, removal.former_key, removal.minted) == (ME, ORDERS, former.key, True)
