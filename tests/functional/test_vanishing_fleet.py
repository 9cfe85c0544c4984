"""Enrolment and reconciliation for a fleet that is deleted meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from functional.enrolments import FUNCTION, ORDERS, Enrolment, slow, to_the_end
from support.self_invocations import invocations

from log_group_kms.fleet.upkeep import MOST_HOPS
from log_group_kms.handlers import enrolment
from log_group_kms.handlers.enrolment import EnrolmentFailed
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG


def test_nothing_is_enrolled_for_a_fleet_that_is_gone(fleet: Enrolment) -> None:
    """An event that Lambda had kept for hours changes nothing, and is no failure."""
    fleet.log_groups(ORDERS)
    fleet.delete_rule()

    answer = fleet.send_file("enrolment-create-log-group.json")

    assert (answer["Fate"], fleet.writing_calls()) == ("passed over", set())


def test_nothing_is_reconciled_for_a_fleet_that_is_gone(fleet: Enrolment) -> None:
    """The caller is told that the fleet is being deleted."""
    fleet.log_groups(ORDERS)
    fleet.delete_rule()

    with pytest.raises(EnrolmentFailed, match="The fleet is being deleted, or is not there yet"):
        fleet.send_file("reconcile.json")
    assert fleet.writing_calls() == set()


@pytest.mark.parametrize("event", ["enrolment-create-log-group.json", "reconcile.json"])
def test_what_is_associated_while_the_fleet_goes_is_given_back(fleet: Enrolment, event: str) -> None:
    """The rule goes amid the work: the log group ends as it was."""
    before = fleet.deployment.key()
    fleet.setting(ON_EXISTING_KEY="Override")
    fleet.log_groups(ORDERS, key=before)
    associate = enrolment.aws.log_groups.associate

    def amid_the_work(*given: Any) -> None:
        associate(*given)
        fleet.delete_rule()

    fleet.monkeypatch.setattr(enrolment.aws.log_groups, "associate", amid_the_work)

    if event == "reconcile.json":
        with pytest.raises(EnrolmentFailed, match="went away meanwhile"):
            fleet.send_file(event)
    else:
        assert fleet.send_file(event)["Fate"] == "given back"

    assert (fleet.deployment.key_of(ORDERS), fleet.deployment.tags_of(ORDERS)) == (before, {})


def test_what_was_done_before_the_fleet_went_is_given_back(fleet: Enrolment) -> None:
    """Rule and claims go between two invocations: the next ones give back, however many that takes."""
    names = [f"/app/{number:03}" for number in range(150)]
    fleet.log_groups(*names)
    slow(fleet)
    event = fleet.send({"Reconcile": True}) and invocations(fleet.deployment.aws, FUNCTION, 1)[0]
    fleet.delete_rule()
    # The Delete is at work, and has come past the first log groups.
    logs = fleet.deployment.aws.client("logs")
    for name in names[:10]:
        arn = f"arn:aws:logs:eu-west-1:111122223333:log-group:{name}"
        logs.untag_resource(resourceArn=arn, tagKeys=[OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG])
        logs.disassociate_kms_key(logGroupName=name)
    fleet.context.remaining_in_millis = 10_000

    # As if the chain were at its end: giving back is not left to a next schedule that never comes.
    with pytest.raises(EnrolmentFailed, match="went away meanwhile"):
        to_the_end(fleet, event | {"Hops": MOST_HOPS}, already=1)

    assert {fleet.deployment.key_of(name) for name in names} == {None}
    assert [fleet.deployment.tags_of(name) for name in names] == [{}] * 150
