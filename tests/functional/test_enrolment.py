"""The enrolment's function in this process: CloudTrail's events in, AWS's state out."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from functional.enrolments import FUNCTION, NOTHING, ORDERS, Enrolment, json_lines, metrics_in

from local.emulator.script import Fault
from log_group_kms.aws.clients import Aws
from log_group_kms.handlers import enrolment
from log_group_kms.handlers.enrolment import EnrolmentFailed
from log_group_kms.model.errors import InvalidRequest

SOURCE: Final = Path(__file__).parents[2] / "src"


def test_a_new_log_group_is_enrolled(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """CloudTrail's event leaves it under the fleet's key, in the fleet's name, told in a line and in a metric."""
    fleet.log_groups(ORDERS, "/other")

    answer = fleet.send_file("enrolment-create-log-group.json")

    assert answer == {"LogGroupName": ORDERS, "Fate": "associated"}
    assert fleet.deployment.key_of(ORDERS) == fleet.key
    fleet.check_enrolled(ORDERS)
    assert (fleet.deployment.key_of("/other"), fleet.deployment.tags_of("/other")) == (None, {})
    said = capsys.readouterr().out
    assert metrics_in(said) == NOTHING | {"Enrolled": 1}
    (line,) = [line for line in json_lines(said) if line.get("log_group_name") == ORDERS]
    assert (line["fate"], line["level"], line["service"]) == ("ASSOCIATED", "INFO", FUNCTION)
    assert line["function_request_id"] == fleet.context.aws_request_id
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|\+00:00)", line["timestamp"])


def test_a_log_group_with_a_key_of_its_creators(fleet: Enrolment) -> None:
    """An overridden key is remembered, and the fleet's Delete puts it back."""
    before = fleet.deployment.key()
    fleet.setting(ON_EXISTING_KEY="Override")
    fleet.log_groups(ORDERS, key=before)

    fleet.send_file("enrolment-create-log-group.json")

    assert fleet.deployment.key_of(ORDERS) == fleet.key
    fleet.check_enrolled(ORDERS, before)
    deleted = fleet.deployment.send_file("delete-fleet.json")
    assert (deleted.status, fleet.deployment.key_of(ORDERS)) == ("SUCCESS", before)
    assert fleet.deployment.tags_of(ORDERS) == {}


@pytest.mark.parametrize("event", ["enrolment-create-log-group.json", "reconcile.json"])
def test_a_log_group_keeps_the_key_of_its_creators_by_default(fleet: Enrolment, event: str) -> None:
    """Neither enrolment nor reconciliation replaces a team's own key unasked."""
    before = fleet.deployment.key()
    fleet.log_groups(ORDERS, key=before)

    fleet.send_file(event)

    assert (fleet.deployment.key_of(ORDERS), fleet.deployment.tags_of(ORDERS)) == (before, {})


def test_an_event_that_comes_twice_changes_nothing(fleet: Enrolment) -> None:
    """CloudTrail's events are delivered at least once."""
    fleet.log_groups(ORDERS)
    fleet.send_file("enrolment-create-log-group.json")
    fleet.deployment.aws.direction.forget_calls()

    answer = fleet.send_file("enrolment-create-log-group.json")

    assert (answer["Fate"], fleet.writing_calls()) == ("had the key already", set())


def test_a_call_that_had_failed_is_ignored(fleet: Enrolment) -> None:
    """A failed call that the rule's filter let through makes no call to AWS."""
    answer = fleet.send_file("enrolment-create-log-group-failed.json")

    assert answer == {"Ignored": "CreateLogGroup had failed with AccessDenied"}
    assert fleet.deployment.aws.direction.counts().keys() <= {"kms:CreateKey"}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault.operation_aborted(times=6), id="its creator still changes it"),
        pytest.param(Fault.operation_aborted("logs:TagResource", times=3), id="while tagging"),
        pytest.param(Fault.throttled(times=9), id="throttled"),
        pytest.param(Fault.unavailable(times=5), id="unavailable"),
        pytest.param(Fault.late_key_policy(times=6), id="key policy seen late"),
    ],
)
def test_a_refusal_that_heals(fleet: Enrolment, fault: Fault) -> None:
    """An error that passes is waited out in this invocation."""
    fleet.log_groups(ORDERS)
    fleet.deployment.aws.direction.answer_with(fault)

    assert fleet.send_file("enrolment-create-log-group.json")["Fate"] == "associated"
    assert (fleet.deployment.key_of(ORDERS), fleet.deployment.aws.direction.pending()) == (fleet.key, [])


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(Fault.operation_aborted(times=999), ["Someone else kept changing", ORDERS], id="conflict"),
        pytest.param(
            Fault.late_role_policy("logs:TagResource", times=999), ["lacks the permission logs:TagResource"], id="role"
        ),
        pytest.param(Fault.unavailable(times=999), ["could not be reached or failed inside"], id="unavailable"),
    ],
)
def test_a_refusal_that_never_heals(
    fleet: Enrolment, capsys: pytest.CaptureFixture[str], fault: Fault, words: list[str]
) -> None:
    """Lambda's record, and the log, have the sentence that a stack would be told."""
    fleet.log_groups(ORDERS)
    fleet.deployment.aws.direction.answer_with(fault)

    with pytest.raises(EnrolmentFailed) as failed:
        fleet.send_file("enrolment-create-log-group.json")

    assert [word for word in words if word not in str(failed.value)] == []
    (error,) = [line for line in json_lines(capsys.readouterr().out) if line.get("level") == "ERROR"]
    assert error["message"] == str(failed.value)


def test_a_key_at_fault_is_diagnosed(fleet: Enrolment) -> None:
    """The error has the statement that the key's policy lacks."""
    fleet.setting(KMS_KEY_ID=fleet.deployment.key(for_logs=False))
    fleet.log_groups(ORDERS)

    with pytest.raises(EnrolmentFailed, match="Add these statements to the key policy") as failed:
        fleet.send_file("enrolment-create-log-group.json")
    assert f"log-group:{ORDERS}" in str(failed.value)


def test_a_failure_still_writes_its_metrics(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts of zero, not of the invocation before."""
    fleet.log_groups(ORDERS)
    fleet.send_file("enrolment-create-log-group.json")
    capsys.readouterr()
    fleet.setting(KMS_KEY_ID="alias/gone")

    with pytest.raises(EnrolmentFailed, match="There is no key alias/gone"):
        fleet.send_file("reconcile.json")
    assert metrics_in(capsys.readouterr().out) == NOTHING | {"Reconciled": 0, "Uncovered": 0}


@pytest.mark.parametrize("event", [None, [], {}, {"Reconcile": "true"}, {"Reconcile": True, "DryRun": "true"}], ids=str)
def test_an_event_that_nobody_sends(fleet: Enrolment, event: object) -> None:
    """It fails, and AWS hears nothing of it."""
    fleet.log_groups(ORDERS)

    with pytest.raises(ValueError, match=r"must be"):
        fleet.send(event)
    assert fleet.writing_calls() == set()


def test_settings_that_break_a_rule(fleet: Enrolment) -> None:
    """Every mistake is named."""
    fleet.setting(KMS_KEY_ID="logs", ON_EXISTING_KEY="keep")

    with pytest.raises(InvalidRequest, match=r"KmsKeyId is 'logs'.*OnExistingKey is 'keep'"):
        fleet.send_file("reconcile.json")


def test_the_fleets_stack_says_where(fleet: Enrolment) -> None:
    """`sam local` makes the function's ARN up; the fleet's stack is where the function is."""
    fleet.context.invoked_function_arn = "arn:aws:lambda:us-east-1:012345678912:function:f"
    fleet.log_groups(ORDERS)

    fleet.send_file("enrolment-create-log-group.json")

    fleet.check_enrolled(ORDERS)


def test_nothing_that_is_logged_holds_a_credential(
    fleet: Enrolment, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither success nor failure nor the libraries at DEBUG write what the role signs with."""
    secrets = {"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENG", "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjEXAMPLETOKEN"}
    fleet.setting(**secrets)
    fleet.monkeypatch.setattr(enrolment, "aws", Aws())
    caplog.set_level(logging.DEBUG)
    fleet.log_groups(ORDERS)

    fleet.send_file("enrolment-create-log-group.json")
    fleet.setting(KMS_KEY_ID="alias/gone")
    with pytest.raises(EnrolmentFailed) as failed:
        fleet.send_file("reconcile.json")

    written = "".join(capfd.readouterr()) + caplog.text + str(failed.value)
    assert "There is no key alias/gone" in written
    assert [secret for secret in secrets.values() if secret in written] == []


def test_the_libraries_stay_quiet_at_debug() -> None:
    """At DEBUG botocore writes whole requests, with the session's token in their headers; no provider is beside it."""
    code = "import logging, log_group_kms.handlers.enrolment; print(logging.getLogger('botocore').level)"
    environment = {"PYTHONPATH": str(SOURCE), "AWS_DEFAULT_REGION": "eu-west-1", "PATH": ""}

    found = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )

    assert int(found.stdout) == logging.INFO
