"""Reconciliation and its dry run: what is mended, told and left alone, over one invocation or several."""

from __future__ import annotations

import json
import re
from typing import Final

import pytest
from functional.enrolments import FUNCTION, NOTHING, OWNER, Enrolment, json_lines, metrics_in, slow, to_the_end
from support.self_invocations import invocations

from local.emulator.script import Fault
from log_group_kms.association.decision import LONGEST_EVENT
from log_group_kms.fleet.upkeep import MOST_HOPS
from log_group_kms.handlers.enrolment import EnrolmentFailed
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG, WRITTEN_TAG
from log_group_kms.model.times import stamp_of

#: An explicit resource of another stack.
STRANGERS: Final = {OWNER_TAG: "one:orders/1/LogEncryption", PREVIOUS_KEY_TAG: "none"}


def written(fleet: Enrolment, ago: float) -> dict[str, str]:
    """Return the date of a claim that was written so many seconds *ago*."""
    return {WRITTEN_TAG: stamp_of(fleet.deployment.clock.now() - ago)}


def test_reconciliation_mends_and_reports(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """Drift and what was missed are put right, each told in a line and in its own metric."""
    other = fleet.deployment.key()
    fleet.log_groups("/held", key=fleet.key, tags=fleet.held())
    fleet.log_groups("/drifted", tags=fleet.held())
    fleet.log_groups("/drifted-too", key=other, tags=fleet.held())
    fleet.log_groups("/missed")
    fleet.log_groups("/explicit", key=other, tags=STRANGERS)
    fleet.log_groups("/aws/lambda/scratch-1", "elsewhere", "aws/spans")

    answer = fleet.send_file("reconcile.json")

    assert answer == {"AssociatedCount": 3, "CompliantCount": 1, "SkippedCount": 1, "RefusedCount": 0}
    keys = {name: fleet.deployment.key_of(name) for name in ("/held", "/drifted", "/drifted-too", "/missed")}
    assert keys == dict.fromkeys(keys, fleet.key)
    assert [fleet.deployment.key_of(name) for name in ("/explicit", "/aws/lambda/scratch-1", "elsewhere")] == [
        other,
        None,
        None,
    ]
    said = capsys.readouterr().out
    counted = NOTHING | {"Enrolled": 1, "DriftMended": 2, "Reconciled": 1, "Uncovered": 0}
    causes = {"Excluded": 1, "Protected": 0, "Reserved": 0, "Refused": 0, "Kept": 0, "Owned": 1, "OwnedWithoutKey": 0}
    gauges = {"": 6, "Covered": 4, "Uncovered": 2} | causes
    assert metrics_in(said) == counted | {f"LogGroups{name}": number for name, number in gauges.items()}
    told = {line["log_group_name"]: line["fate"] for line in json_lines(said) if "fate" in line}
    assert told == {"/drifted": "MENDED", "/drifted-too": "MENDED", "/missed": "ASSOCIATED", "/explicit": "OWNED"}
    (whole,) = [line for line in json_lines(said) if line.get("message") == "The fleet is whole"]
    assert (whole["AssociatedCount"], whole["CompliantCount"], whole["SkippedCount"]) == (3, 1, 1)


def test_a_second_reconciliation_only_lists(fleet: Enrolment) -> None:
    """One call for each page of 50, and none for a log group."""
    fleet.log_groups(*(f"/app/{number:03}" for number in range(120)), key=fleet.key)

    answer = fleet.send_file("reconcile.json")

    assert answer["CompliantCount"] == 120
    calls = fleet.deployment.aws.direction.counts()
    assert {name: calls[name] for name in calls if name.startswith("logs:")} == {"logs:DescribeLogGroups": 3}


def test_a_key_at_fault_ends_a_reconciliation_at_once(fleet: Enrolment) -> None:
    """One refusal for the whole fleet; the sentence has the counts."""
    fleet.log_groups(*(f"/app/{number:03}" for number in range(60)))
    fleet.deployment.aws.client("kms").disable_key(KeyId=fleet.key)

    with pytest.raises(EnrolmentFailed, match=r"is disabled.*Of its log groups: none was changed"):
        fleet.send_file("reconcile.json")
    assert fleet.deployment.aws.direction.counts()["logs:AssociateKmsKey"] == 1


def test_a_dry_run_tells_and_changes_nothing(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """Each log group that is not as it should be is a line; the answer has the counts; AWS sees no writing call."""
    other = fleet.deployment.key()
    fleet.log_groups("/held", key=fleet.key, tags=fleet.held())
    fleet.log_groups("/drifted", key=other, tags=fleet.held())
    fleet.log_groups("/missed", "/aws/lambda/scratch-1")
    fleet.log_groups("/explicit", tags=STRANGERS | written(fleet, ago=60))
    fleet.log_groups("/left-behind", tags=STRANGERS)
    fleet.deployment.aws.direction.forget_calls()

    answer = fleet.send_file("reconcile-dry-run.json")

    counts = {"compliant": 1, "re-key": 1, "associate": 2, "excluded": 1, "leave to its owner": 1}
    assert answer == {"DryRun": True, "Complete": True, "Counts": counts}
    assert fleet.deployment.aws.direction.counts().keys() == {"logs:DescribeLogGroups", "logs:ListTagsForResource"}
    said = capsys.readouterr().out
    lines = {line["log_group_name"]: line for line in json_lines(said) if "action" in line}
    assert {name: (line["action"], line["key"], line["owner"]) for name, line in lines.items()} == {
        "/drifted": ("re-key", other, OWNER),
        "/missed": ("associate", "", ""),
        "/aws/lambda/scratch-1": ("excluded", "", ""),
        "/explicit": ("leave to its owner", "", STRANGERS[OWNER_TAG]),
        "/left-behind": ("associate", "", STRANGERS[OWNER_TAG]),
    }
    assert lines["/missed"]["message"] == "Dry run, /missed: associate"
    assert metrics_in(said) == NOTHING


def test_who_is_left_without_a_key_is_told(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """By name and number: another resource claimed it just now, without a key; what has a key of its own is covered."""
    other = fleet.deployment.key()
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    stack = fleet.deployment.aws.client("cloudformation").create_stack(
        StackName="orders", TemplateBody=json.dumps(template)
    )
    strangers = STRANGERS | {OWNER_TAG: f"one:{stack['StackId'].partition(':stack/')[2]}/LogEncryption"}
    fleet.log_groups("/claimed", tags=strangers | written(fleet, ago=60))
    fleet.log_groups("/claimed-and-keyed", key=other, tags=strangers)
    fleet.log_groups("/aws/lambda/scratch-1", "elsewhere", "aws/spans")

    fleet.send_file("reconcile.json")

    said = capsys.readouterr().out
    assert metrics_in(said)["Uncovered"] == 1
    (told,) = [line for line in json_lines(said) if "uncovered_log_groups" in line]
    assert (told["uncovered_log_groups"], told["level"]) == (["/claimed"], "WARNING")


def test_whom_a_deleted_stack_left_without_a_key_is_brought_in(fleet: Enrolment) -> None:
    """It was claimed just now, but nobody is at work on it any more: CloudFormation knows no such stack."""
    fleet.log_groups("/claimed", tags=STRANGERS | written(fleet, ago=60))

    answer = fleet.send_file("reconcile.json")

    assert (answer["AssociatedCount"], fleet.deployment.key_of("/claimed")) == (1, fleet.key)
    fleet.check_enrolled("/claimed")


@pytest.mark.parametrize("date", [None, LONGEST_EVENT + 60])
def test_who_was_left_behind_is_brought_in(fleet: Enrolment, date: float | None) -> None:
    """Another resource's claim without a key is so old, or undated, that nobody can be at work on it any more."""
    fleet.log_groups("/claimed", tags=STRANGERS | (written(fleet, date) if date else {}))

    answer = fleet.send_file("reconcile.json")

    assert (answer["AssociatedCount"], fleet.deployment.key_of("/claimed")) == (1, fleet.key)
    fleet.check_enrolled("/claimed")


def test_who_is_refused_is_told(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """All others are done; the refused one counts as such, and as one without a key: the reconciliation took place."""
    fleet.log_groups("/a", "/b", "/c")
    fleet.deployment.aws.direction.answer_with(
        Fault.late_role_policy("logs:TagResource", times=999, log_group="/b"),
    )

    answer = fleet.send_file("reconcile.json")

    assert answer == {"AssociatedCount": 2, "CompliantCount": 0, "SkippedCount": 0, "RefusedCount": 1}
    assert [fleet.deployment.key_of(name) for name in ("/a", "/b", "/c")] == [fleet.key, None, fleet.key]
    said = capsys.readouterr().out
    counted = metrics_in(said)
    assert (counted["Refused"], counted["Uncovered"], counted["Reconciled"], counted["Enrolled"]) == (1, 1, 1, 2)
    told = [line["message"] for line in json_lines(said) if line.get("message", "").startswith("The fleet is whole")]
    assert told == ["The fleet is whole, but for what AWS refused"]


def test_one_that_fails_did_not_take_place(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """Where it never came to look through the fleet, the alarm for a reconciliation that is missing has to hear it."""
    fleet.log_groups("/a")
    fleet.setting(KMS_KEY_ID="alias/gone")

    with pytest.raises(EnrolmentFailed):
        fleet.send_file("reconcile.json")
    assert metrics_in(capsys.readouterr().out)["Reconciled"] == 0


def test_a_dry_run_without_time_for_all(fleet: Enrolment) -> None:
    """It tells what it came to, and that this was not all: no failure that Lambda would begin again."""
    fleet.log_groups(*(f"/app/{number:04}" for number in range(1000)))
    fleet.setting(ASSOCIATIONS_PER_SECOND=5)
    fleet.context.remaining_in_millis = 40_000

    answer = fleet.send_file("reconcile-dry-run.json")

    assert not answer["Complete"]
    assert 0 < answer["Counts"]["associate"] < 1000


@pytest.mark.usefixtures("one_worker")
def test_a_reconciliation_goes_on_in_further_invocations(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """It calls itself with how far it came, until the fleet is whole; each log group is changed once."""
    names = [f"/app/{number:03}" for number in range(150)]
    fleet.log_groups(*names)
    slow(fleet)

    answers = to_the_end(fleet, {"Reconcile": True})

    assert len(answers) > 2
    assert answers[-1] == {"AssociatedCount": 150, "CompliantCount": 0, "SkippedCount": 0, "RefusedCount": 0}
    assert {fleet.deployment.key_of(name) for name in names} == {fleet.key}
    assert fleet.deployment.aws.direction.counts()["logs:AssociateKmsKey"] == 150
    sent = invocations(fleet.deployment.aws, FUNCTION, len(answers) - 1)
    assert [event["Hops"] for event in sent] == list(range(1, len(answers)))
    assert {(event["Reconcile"], event["Progress"]["key"]) for event in sent} == {(True, fleet.key)}
    counted = metrics_in(capsys.readouterr().out)
    assert (counted["Enrolled"], counted["Reconciled"], counted["Uncovered"]) == (150, 1, 0)


def test_a_chain_of_invocations_ends(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """Before Lambda would end it: the rest is left to the next schedule, and that is told."""
    fleet.log_groups(*(f"/app/{number:03}" for number in range(150)))
    slow(fleet)

    answer = fleet.send({"Reconcile": True, "Hops": MOST_HOPS})

    assert not answer["GoesOn"]
    assert re.fullmatch(r"Of its log groups: \d+ associated\.", answer["SoFar"])
    invocations(fleet.deployment.aws, FUNCTION, 0)
    (warning,) = [line for line in json_lines(capsys.readouterr().out) if line.get("level") == "WARNING"]
    assert warning["message"] == f"The rest is left to the next schedule. {answer['SoFar']}"


def test_a_chain_that_cannot_go_on(fleet: Enrolment) -> None:
    """Lambda's record says that the function may not call itself; and Lambda tries again."""
    fleet.log_groups(*(f"/app/{number:03}" for number in range(150)))
    fleet.setting(ASSOCIATIONS_PER_SECOND=5)
    fleet.context.remaining_in_millis = 40_000

    with pytest.raises(EnrolmentFailed, match="could not call itself"):
        fleet.send_file("reconcile.json")
