"""The enrolment's function and what others change: CloudTrail's events in, AWS's state, metrics and log out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functional.enrolments import ORDERS, OWNER, json_lines, metrics_in

from log_group_kms.fleet.rounds import MOST_ROUNDS
from log_group_kms.model.tags import MENDED_TAG, OWNER_TAG

if TYPE_CHECKING:
    import pytest
    from functional.enrolments import Enrolment

TAKEN_AWAY, GIVEN_BACK = "enrolment-disassociate-kms-key.json", "enrolment-untag-resource.json"
TOOL = "arn:aws:sts::111122223333:assumed-role/compliance/bot"


def take_away(fleet: Enrolment) -> dict[str, object]:
    """Someone takes the key away, and CloudTrail tells; return what the function returned."""
    fleet.deployment.aws.client("logs").disassociate_kms_key(logGroupName=ORDERS)
    return fleet.send_file(TAKEN_AWAY)


def test_a_key_that_was_taken_away_is_put_back(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """In the fleet's name, told in a line that says who it was, and in a metric; no round is without its count."""
    fleet.log_groups(ORDERS)
    fleet.send_file("enrolment-create-log-group.json")
    capsys.readouterr()

    answer = take_away(fleet)

    assert answer["Fate"] == "mended, as its key had been changed or taken away"
    assert fleet.deployment.key_of(ORDERS) == fleet.key
    said = capsys.readouterr().out
    assert (metrics_in(said)["DriftMended"], metrics_in(said)["TugOfWar"]) == (1, 0)
    (line,) = [line for line in json_lines(said) if line.get("fate") == "MENDED"]
    assert line["why"] == f"changed by {TOOL}"
    _, _, rounds = fleet.deployment.tags_of(ORDERS)[MENDED_TAG].partition(" ")
    assert rounds == "1"


def test_another_tool_is_let_go_after_some_rounds(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """It has its way, a warning names it, and the alarm's metric is raised; a reconciliation mends it."""
    fleet.log_groups(ORDERS)
    fleet.send_file("enrolment-create-log-group.json")
    fates = [take_away(fleet)["Fate"] for _ in range(MOST_ROUNDS)]
    capsys.readouterr()

    last = take_away(fleet)

    assert len(set(fates)) == 1
    assert (last["Fate"], fleet.deployment.key_of(ORDERS)) == ("left to whoever keeps changing its key", None)
    said = capsys.readouterr().out
    assert metrics_in(said)["TugOfWar"] == 1
    (line,) = [line for line in json_lines(said) if line.get("level") == "WARNING"]
    assert line["message"] == f"{ORDERS}: left to whoever keeps changing its key, last changed by {TOOL}"
    fleet.send({"Reconcile": True})
    assert fleet.deployment.key_of(ORDERS) == fleet.key


def test_the_setting_says_how_many_rounds(fleet: Enrolment) -> None:
    """One is the least."""
    fleet.setting(DRIFT_ROUNDS=1)
    fleet.log_groups(ORDERS)
    fleet.send_file("enrolment-create-log-group.json")

    assert [take_away(fleet)["Fate"] for _ in range(2)] == [
        "mended, as its key had been changed or taken away",
        "left to whoever keeps changing its key",
    ]


def test_what_an_explicit_resource_gives_back_is_the_fleets(fleet: Enrolment) -> None:
    """Named before the fleet came, it had no key before; now it has the fleet's, and no round is counted."""
    logs_key = fleet.deployment.key()
    fleet.log_groups(ORDERS)
    properties = {"LogGroupName": ORDERS, "KmsKeyId": logs_key}
    for request_type in ("Create", "Delete"):
        physical_id = f"arn:aws:logs:eu-west-1:111122223333:log-group:{ORDERS}" if request_type == "Delete" else None
        event = fleet.deployment.cloudformation.event(
            request_type, properties=properties, physical_resource_id=physical_id
        )
        assert fleet.deployment.send(event).status == "SUCCESS"
    assert (fleet.deployment.key_of(ORDERS), fleet.deployment.tags_of(ORDERS)) == (None, {})

    assert fleet.send_file(GIVEN_BACK)["Fate"] == "associated"
    tags = fleet.deployment.tags_of(ORDERS)
    assert (fleet.deployment.key_of(ORDERS), tags[OWNER_TAG], MENDED_TAG in tags) == (fleet.key, OWNER, False)


def test_what_the_fleets_own_delete_gives_back_stays_so(fleet: Enrolment) -> None:
    """Its stack has deleted the rule by then; an event under way changes nothing."""
    fleet.log_groups(ORDERS)
    fleet.send_file("enrolment-create-log-group.json")
    fleet.delete_rule()
    assert fleet.deployment.send_file("delete-fleet.json").status == "SUCCESS"

    assert fleet.send_file(GIVEN_BACK)["Fate"] == "passed over"
    assert (fleet.deployment.key_of(ORDERS), fleet.deployment.tags_of(ORDERS)) == (None, {})


def test_a_look_at_what_is_as_it_should_be_is_cheap_and_changes_nothing(fleet: Enrolment) -> None:
    """So no look is followed by an event, and another look."""
    fleet.log_groups(ORDERS)
    fleet.send_file("enrolment-create-log-group.json")
    fleet.deployment.aws.direction.forget_calls()

    assert fleet.send_file(TAKEN_AWAY)["Fate"] == "had the key already"
    assert fleet.writing_calls() == set()
    assert fleet.deployment.aws.direction.counts().total() <= 4
