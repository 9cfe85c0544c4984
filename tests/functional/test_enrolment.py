"""The enrolment's function in this process: CloudTrail's events and reconciliations in, AWS's state out."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from samtranslator.yaml_helper import yaml_parse
from support.lambda_context import LambdaContext
from support.self_invocations import invocations, keep_invocations

from local.emulator.script import Fault, LogGroups
from log_group_kms.aws.clients import Aws
from log_group_kms.fleet.upkeep import MOST_HOPS
from log_group_kms.handlers import enrolment
from log_group_kms.handlers.enrolment import EnrolmentFailed
from log_group_kms.model.errors import InvalidRequest
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functional.conftest import Deployment

EVENTS: Final = Path(__file__).parents[2] / "events"
SOURCE: Final = Path(__file__).parents[2] / "src"
RULE: Final = "log-group-kms-association-enrolment"
FUNCTION: Final = "log-group-kms-association-enrolment"
FUNCTION_ARN: Final = f"arn:aws:lambda:eu-west-1:111122223333:function:{FUNCTION}"
ORDERS: Final = "/aws/lambda/orders"
OWNER: Final = "fleet:log-group-kms-association/91d3c4e0-8d3a-11ef-a1c7-0a58a9feac02/Fleet"
SCOPE: Final = "prefix=/"
WRITING: Final = {
    f"logs:{operation}"
    for operation in ("AssociateKmsKey", "DisassociateKmsKey", "TagResource", "UntagResource", "CreateLogGroup")
}


@dataclass
class Enrolment:
    """The enrolment's function beside the provider, with an environment as `sam local` gives it."""

    deployment: Deployment
    key: str
    monkeypatch: pytest.MonkeyPatch
    context: LambdaContext = field(default_factory=lambda: LambdaContext(invoked_function_arn=FUNCTION_ARN))

    def setting(self, **settings: object) -> None:
        """Change the function's environment."""
        for name, value in settings.items():
            self.monkeypatch.setenv(name, str(value))

    def send(self, event: object) -> dict[str, Any]:
        """What the function returns for *event*, as JSON has it."""
        # Where its stream leads was settled when the module was imported.
        self.monkeypatch.setattr(enrolment.logger.registered_handler, "stream", sys.stdout)
        answer = enrolment.handler(event, self.context)  # type: ignore[arg-type] # all that is used of the context
        found: dict[str, Any] = json.loads(json.dumps(answer))
        return found

    def send_file(self, name: str) -> dict[str, Any]:
        """The same for a file of `events/`."""
        return self.send(json.loads((EVENTS / name).read_text()))

    def log_groups(self, *names: str, key: str | None = None, tags: Mapping[str, str] | None = None) -> None:
        """Log groups that are there at once."""
        aws = self.deployment.aws
        aws.direction.make_log_groups(LogGroups(list(names), aws.account, aws.region, key, dict(tags or {})))

    def delete_rule(self) -> None:
        """What the fleet's stack deletes before the fleet."""
        self.deployment.aws.client("events").delete_rule(Name=RULE)

    def writing_calls(self) -> set[str]:
        """The calls that change something, as AWS has seen them."""
        return WRITING & set(self.deployment.aws.direction.counts())

    def held(self, previous: str = "none") -> dict[str, str]:
        """The tags of what belongs to the fleet."""
        return {OWNER_TAG: OWNER, PREVIOUS_KEY_TAG: previous, SCOPE_TAG: SCOPE}


@pytest.fixture
def fleet(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Enrolment:
    """An account with a key, the fleet's rule, and the function that works for it."""
    template = yaml_parse((EVENTS / "template.yaml").read_text())
    declared = template["Resources"]["EnrolmentFunction"]["Properties"]["Environment"]["Variables"]
    for name, value in declared.items():
        if not name.startswith("AWS_"):
            text = value["Fn::Sub"].replace("${AWS::Partition}", "aws") if isinstance(value, dict) else str(value)
            monkeypatch.setenv(name, text)
    monkeypatch.setenv("ASSOCIATIONS_PER_SECOND", "1000")
    key = deployment.key()
    monkeypatch.setenv("KMS_KEY_ID", key)
    monkeypatch.setattr(enrolment, "clock", deployment.clock)
    monkeypatch.setattr(enrolment, "aws", Aws())
    deployment.aws.client("events").put_rule(Name=RULE, EventPattern='{"source": ["aws.logs"]}')
    return Enrolment(deployment, key, monkeypatch)


def json_lines(text: str) -> list[dict[str, Any]]:
    """All that was written, line by line."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def metrics_in(text: str) -> dict[str, float]:
    """The metrics in the embedded metric format, summed up."""
    found: dict[str, float] = {}
    for line in json_lines(text):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Namespace"] == "LogGroupKmsAssociation"
            for metric in directive["Metrics"]:
                found[metric["Name"]] = found.get(metric["Name"], 0) + sum(line[metric["Name"]])
    return found


# --- enrolment --------------------------------------------------------------------------------------------------------


def test_a_new_log_group_is_enrolled(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """CloudTrail's event leaves it under the fleet's key, in the fleet's name, told in a line and in a metric."""
    fleet.log_groups(ORDERS, "/other")

    answer = fleet.send_file("enrolment-create-log-group.json")

    assert answer == {"LogGroupName": ORDERS, "Fate": "associated"}
    assert (fleet.deployment.key_of(ORDERS), fleet.deployment.tags_of(ORDERS)) == (fleet.key, fleet.held())
    assert (fleet.deployment.key_of("/other"), fleet.deployment.tags_of("/other")) == (None, {})
    said = capsys.readouterr().out
    assert metrics_in(said) == {"Enrolled": 1, "DriftMended": 0, "Busy": 0}
    (line,) = [line for line in json_lines(said) if line.get("log_group_name") == ORDERS]
    assert (line["fate"], line["level"], line["service"]) == ("ASSOCIATED", "INFO", FUNCTION)
    assert line["function_request_id"] == fleet.context.aws_request_id
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|\+00:00)", line["timestamp"])


def test_a_log_group_with_a_key_of_its_creators(fleet: Enrolment) -> None:
    """Where it is overridden, what was there before is remembered, and the fleet's Delete puts it back."""
    before = fleet.deployment.key()
    fleet.setting(ON_EXISTING_KEY="Override")
    fleet.log_groups(ORDERS, key=before)

    fleet.send_file("enrolment-create-log-group.json")

    assert (fleet.deployment.key_of(ORDERS), fleet.deployment.tags_of(ORDERS)) == (fleet.key, fleet.held(before))
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
    """Also where the rule's filter let it through: AWS hears nothing."""
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
    """What passes is waited out in this invocation."""
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
    """With the statement that the key's policy lacks."""
    fleet.setting(KMS_KEY_ID=fleet.deployment.key(for_logs=False))
    fleet.log_groups(ORDERS)

    with pytest.raises(EnrolmentFailed, match="Add this statement to the key policy") as failed:
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
    assert metrics_in(capsys.readouterr().out) == {"Enrolled": 0, "DriftMended": 0, "Busy": 0}


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

    assert fleet.deployment.tags_of(ORDERS) == fleet.held()


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


# --- the fleet that is gone -------------------------------------------------------------------------------------------


def test_nothing_is_enrolled_for_a_fleet_that_is_gone(fleet: Enrolment) -> None:
    """An event that Lambda had kept for hours changes nothing, and is no failure."""
    fleet.log_groups(ORDERS)
    fleet.delete_rule()

    answer = fleet.send_file("enrolment-create-log-group.json")

    assert (answer["Fate"], fleet.writing_calls()) == ("passed over", set())


def test_nothing_is_reconciled_for_a_fleet_that_is_gone(fleet: Enrolment) -> None:
    """Whoever asked is told."""
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


# --- reconciliation ---------------------------------------------------------------------------------------------------


def test_reconciliation_mends_and_reports(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """Drift and what was missed are put right, each told in a line and in its own metric."""
    other = fleet.deployment.key()
    fleet.log_groups("/held", key=fleet.key, tags=fleet.held())
    fleet.log_groups("/drifted", tags=fleet.held())
    fleet.log_groups("/drifted-too", key=other, tags=fleet.held())
    fleet.log_groups("/missed")
    fleet.log_groups("/explicit", key=other, tags={OWNER_TAG: "one:orders/1/LogEncryption", PREVIOUS_KEY_TAG: "none"})
    fleet.log_groups("/aws/lambda/scratch-1", "elsewhere", "aws/spans")

    answer = fleet.send_file("reconcile.json")

    assert answer == {"AssociatedCount": 3, "CompliantCount": 1, "SkippedCount": 1}
    keys = {name: fleet.deployment.key_of(name) for name in ("/held", "/drifted", "/drifted-too", "/missed")}
    assert keys == dict.fromkeys(keys, fleet.key)
    assert [fleet.deployment.key_of(name) for name in ("/explicit", "/aws/lambda/scratch-1", "elsewhere")] == [
        other,
        None,
        None,
    ]
    said = capsys.readouterr().out
    assert metrics_in(said) == {"Enrolled": 1, "DriftMended": 2, "Busy": 0}
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


# --- the dry run ------------------------------------------------------------------------------------------------------


def test_a_dry_run_tells_and_changes_nothing(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """Each log group that is not as it should be is a line; the answer has the counts; AWS sees no writing call."""
    other = fleet.deployment.key()
    fleet.log_groups("/held", key=fleet.key, tags=fleet.held())
    fleet.log_groups("/drifted", key=other, tags=fleet.held())
    fleet.log_groups("/missed", "/aws/lambda/scratch-1")
    fleet.log_groups("/explicit", tags={OWNER_TAG: "one:orders/1/LogEncryption", PREVIOUS_KEY_TAG: "none"})
    fleet.deployment.aws.direction.forget_calls()

    answer = fleet.send_file("reconcile-dry-run.json")

    counts = {"compliant": 1, "re-key": 1, "associate": 1, "excluded": 1, "leave to its owner": 1}
    assert answer == {"DryRun": True, "Complete": True, "Counts": counts}
    assert fleet.deployment.aws.direction.counts().keys() == {"logs:DescribeLogGroups", "logs:ListTagsForResource"}
    said = capsys.readouterr().out
    lines = {line["log_group_name"]: line for line in json_lines(said) if "action" in line}
    assert {name: (line["action"], line["key"], line["owner"]) for name, line in lines.items()} == {
        "/drifted": ("re-key", other, OWNER),
        "/missed": ("associate", "", ""),
        "/aws/lambda/scratch-1": ("excluded", "", ""),
        "/explicit": ("leave to its owner", "", "one:orders/1/LogEncryption"),
    }
    assert lines["/missed"]["message"] == "Dry run, /missed: associate"
    assert metrics_in(said) == {"Enrolled": 0, "DriftMended": 0, "Busy": 0}


def test_a_dry_run_without_time_for_all(fleet: Enrolment) -> None:
    """It tells what it came to, and that this was not all: no failure that Lambda would begin again."""
    fleet.log_groups(*(f"/app/{number:04}" for number in range(1000)))
    fleet.setting(ASSOCIATIONS_PER_SECOND=5)
    fleet.context.remaining_in_millis = 40_000

    answer = fleet.send_file("reconcile-dry-run.json")

    assert not answer["Complete"]
    assert 0 < answer["Counts"]["associate"] < 1000


# --- further invocations ----------------------------------------------------------------------------------------------


def to_the_end(fleet: Enrolment, event: dict[str, Any], already: int = 0) -> list[dict[str, Any]]:
    """What each invocation returned, each with the event that the one before had sent; so many were sent *already*."""
    answers = [fleet.send(event)]
    while answers[-1].get("GoesOn"):
        answers.append(fleet.send(invocations(fleet.deployment.aws, FUNCTION, already + len(answers))[-1]))
    return answers


def slow(fleet: Enrolment) -> None:
    """A fleet at AWS's own pace, in invocations of 40 seconds."""
    keep_invocations(fleet.deployment.aws, FUNCTION)
    fleet.setting(ASSOCIATIONS_PER_SECOND=5, LOG_GROUP_NAME_PREFIX="/app/")
    fleet.context.remaining_in_millis = 40_000


def test_a_reconciliation_goes_on_in_further_invocations(fleet: Enrolment, capsys: pytest.CaptureFixture[str]) -> None:
    """It calls itself with how far it came, until the fleet is whole; each log group is changed once."""
    names = [f"/app/{number:03}" for number in range(150)]
    fleet.log_groups(*names)
    slow(fleet)

    answers = to_the_end(fleet, {"Reconcile": True})

    assert len(answers) > 2
    assert answers[-1] == {"AssociatedCount": 150, "CompliantCount": 0, "SkippedCount": 0}
    assert {fleet.deployment.key_of(name) for name in names} == {fleet.key}
    assert fleet.deployment.aws.direction.counts()["logs:AssociateKmsKey"] == 150
    sent = invocations(fleet.deployment.aws, FUNCTION, len(answers) - 1)
    assert [event["Hops"] for event in sent] == list(range(1, len(answers)))
    assert {(event["Reconcile"], event["Progress"]["key"]) for event in sent} == {(True, fleet.key)}
    assert metrics_in(capsys.readouterr().out)["Enrolled"] == 150


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


def test_a_chain_that_cannot_go_on(fleet: Enrolment) -> None:
    """Where the function may not call itself, Lambda's record says so; and Lambda tries again."""
    fleet.log_groups(*(f"/app/{number:03}" for number in range(150)))
    fleet.setting(ASSOCIATIONS_PER_SECOND=5)
    fleet.context.remaining_in_millis = 40_000

    with pytest.raises(EnrolmentFailed, match="could not call itself"):
        fleet.send_file("reconcile.json")
