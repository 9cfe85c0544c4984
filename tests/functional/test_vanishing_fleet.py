"""Enrolment and reconciliation for a fleet that is deleted meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from functional.enrolments import FUNCTION, ORDERS, Enrolment, slow
from support.self_invocations import invocations

from log_group_kms.fleet.lookouts import FENCE, LEASE
from log_group_kms.handlers import enrolment
from log_group_kms.handlers.enrolment import EnrolmentFailed
from log_group_kms.model.tags import CLAIM_TAGS

if TYPE_CHECKING:
    from collections.abc import Callable


def after_the_first_key(fleet: Enrolment, happens: Callable[[], object]) -> None:
    """Let something happen as soon as AWS has associated the first log group."""
    associate, to_come = enrolment.aws.log_groups.associate, [happens]

    def amid_the_work(*given: Any) -> None:
        associate(*given)
        if to_come:
            to_come.pop()()

    fleet.monkeypatch.setattr(enrolment.aws.log_groups, "associate", amid_the_work)


def claimed(fleet: Enrolment, name: str) -> bool:
    """Return whether the log group carries anything of a claim; marks are none."""
    return not fleet.deployment.tags_of(name).keys().isdisjoint(CLAIM_TAGS)


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


def test_what_is_enrolled_while_the_fleet_goes_is_given_back(fleet: Enrolment) -> None:
    """The rule goes amid the work: the log group ends as it was."""
    before = fleet.deployment.key()
    fleet.setting(ON_EXISTING_KEY="Override")
    fleet.log_groups(ORDERS, key=before)
    after_the_first_key(fleet, fleet.delete_rule)

    assert fleet.send_file("enrolment-create-log-group.json")["Fate"] == "given back"

    assert (fleet.deployment.key_of(ORDERS), fleet.deployment.tags_of(ORDERS)) == (before, {})


@pytest.mark.usefixtures("one_worker")
def test_a_reconciliation_stops_when_the_fleet_goes(fleet: Enrolment) -> None:
    """The rule goes amid the work: after a few seconds nothing more is changed, and the Delete gives the rest back."""
    before = fleet.deployment.key()
    fleet.setting(ON_EXISTING_KEY="Override")
    names = [f"/app/{number:03}" for number in range(9)]
    fleet.log_groups(*names, key=before)

    def delete_rule_and_wait() -> None:
        fleet.delete_rule()
        fleet.deployment.clock.sleep(LEASE)

    after_the_first_key(fleet, delete_rule_and_wait)

    with pytest.raises(EnrolmentFailed, match="A Delete of this resource has begun"):
        fleet.send_file("reconcile.json")

    assert [fleet.deployment.key_of(name) for name in names] == [fleet.key, *[before] * 8]
    assert FENCE not in fleet.deployment.clock.slept
    # The mark says that a reconciliation was at work.
    deleted = fleet.deployment.send_file("delete-fleet.json")
    assert (deleted.status, FENCE in fleet.deployment.clock.slept) == ("SUCCESS", True)
    assert {fleet.deployment.key_of(name) for name in names} == {before}
    assert not any(claimed(fleet, name) for name in names)


@pytest.mark.usefixtures("one_worker")
def test_what_was_done_before_the_fleet_went_is_left_to_its_delete(fleet: Enrolment) -> None:
    """Rule and claims go between two invocations: the next one changes nothing, and the Delete gives all back."""
    names = [f"/app/{number:03}" for number in range(150)]
    fleet.log_groups(*names)
    slow(fleet)
    # As the file of the Delete has it.
    fleet.setting(LOG_GROUP_NAME_PREFIX="/")
    event = fleet.send({"Reconcile": True}) and invocations(fleet.deployment.aws, FUNCTION, 1)[0]
    fleet.delete_rule()
    # The Delete is at work, and has come past the first log groups.
    logs = fleet.deployment.aws.client("logs")
    for name in names[:10]:
        arn = f"arn:aws:logs:eu-west-1:111122223333:log-group:{name}"
        logs.untag_resource(resourceArn=arn, tagKeys=list(CLAIM_TAGS))
        logs.disassociate_kms_key(logGroupName=name)
    fleet.deployment.aws.direction.forget_calls()

    with pytest.raises(EnrolmentFailed, match="being deleted, or is not there yet: nothing more was changed"):
        fleet.send(event)

    assert fleet.writing_calls() == set()
    assert {fleet.deployment.key_of(name) for name in names} == {fleet.key, None}
    deleted = fleet.deployment.send_file("delete-fleet.json")
    assert (deleted.status, FENCE in fleet.deployment.clock.slept) == ("SUCCESS", True)
    assert {fleet.deployment.key_of(name) for name in names} == {None}
    assert not any(claimed(fleet, name) for name in names)
