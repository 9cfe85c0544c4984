"""`make acceptance` itself, against the embedded AWS: what it finds there, and that nothing of it is ever left."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from emulator.roles import functions_role

from acceptance.drives import DRIVES
from acceptance.names import PREFIX
from acceptance.probe import Probe
from acceptance.probes import PROBES
from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.server import PROJECT
from local.client.stacks import Stacks, query_results_key
from local.demo.provider import environment_without_aws

#: A function that makes a custom resource, and does not let it go.
REFUSER: Final = """
import json, urllib.request

def handler(event, context):
    status = "FAILED" if event["RequestType"] == "Delete" else "SUCCESS"
    answer = {"Status": status, "Reason": "never", "PhysicalResourceId": "kept"}
    answer |= {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT"))
"""
OTHERS: Final = "/others/log-group-kms-acceptance"


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    """An account that enforces IAM, AWS's quotas, and the use of keys; somebody else has a log group under a key."""
    with EmbeddedAws.start(auth=True, patient=True) as started:
        started.direction.require_key_use()
        started.client("logs").create_log_group(logGroupName=OTHERS, kmsKeyId=keys.create(started))
        yield started


def begun(aws: EmbeddedAws, *arguments: str, confirm: str = "yes") -> "subprocess.Popen[str]":
    """The suite as `make acceptance` runs it, without a terminal."""
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-u", "-m", "acceptance", *arguments],
        cwd=PROJECT,
        env={**environment_without_aws(), **aws.environment, "CONFIRM": confirm},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process: "subprocess.Popen[str]", line: str) -> None:
    """Read what it prints, up to this line."""
    assert process.stdout
    for printed in process.stdout:
        if printed.startswith(line):
            return
    pytest.fail(f"it never printed {line!r}")


def left(aws: EmbeddedAws) -> list[str]:
    """All that is there and is not somebody else's, keys apart."""
    named = [
        *(each["StackName"] for each in aws.client("cloudformation").describe_stacks()["Stacks"]),
        *(each["logGroupName"] for each in aws.client("logs").describe_log_groups()["logGroups"]),
        *(each["FunctionName"] for each in aws.client("lambda").list_functions()["Functions"]),
        *(each["RoleName"] for each in aws.client("iam").list_roles()["Roles"]),
        *(each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]),
        *aws.client("sqs").list_queues().get("QueueUrls", []),
        *(each["Name"] for each in aws.client("events").list_rules()["Rules"]),
        *(each["Name"] for each in aws.client("ssm").describe_parameters()["Parameters"]),
    ]
    return [name for name in named if name != OTHERS]


def states_of_keys(aws: EmbeddedAws) -> list[str]:
    """The states of all keys, sorted."""
    kms = aws.client("kms")
    found = [kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]["KeyState"] for each in kms.list_keys()["Keys"]]
    return sorted(found)


def rows(report: str) -> dict[str, list[str]]:
    """The rows of the report's tables, by the name in the first cell."""
    cells = [re.split(r" ?(?<!\\)\| ?", line)[1:-1] for line in report.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row for row in cells}


def result_of(probe: Probe) -> str:
    """The result that this probe should have on the embedded AWS."""
    return "not run here" if probe.belief.not_embedded else "held (emulator only)"


def test_the_suite_asks_everything_reports_it_and_leaves_nothing(aws: EmbeddedAws, tmp_path: Path) -> None:
    """Each probe has its row with a result, nothing in the report names the account, and the account is as before."""
    report = tmp_path / "acceptance.md"
    suite = begun(aws, "--report", str(report))
    output, _ = suite.communicate(timeout=180)
    text = report.read_text()
    found = rows(text)

    assert suite.returncode == 0, output
    assert {name: row[2] for name, row in found.items()} == {
        probe.belief.name: result_of(probe) for probe in (*DRIVES, *PROBES)
    }
    assert [row[0] for row in found.values() if not row[3].strip()] == []
    assert f"account {aws.account}" in output
    assert re.findall(rf"{aws.account}|[0-9a-f]{{8}}-[0-9a-f]{{4}}-|X-Amz-|https?://", text) == []
    assert left(aws) == []
    assert states_of_keys(aws) == ["Enabled", *["PendingDeletion"] * 5]
    assert query_results_key(aws, OTHERS) is None


def test_a_belief_that_does_not_hold_is_reported_so(aws: EmbeddedAws, tmp_path: Path) -> None:
    """Where AWS behaves otherwise, the report says so, and what AWS did; the exit code is 0 all the same."""
    aws.direction.limit("logs:ListTagsForResource", 20)
    aws.direction.require_key_use(required=False)
    aws.direction.show_old_key(6, changes=100)
    names = ("pace-of-reading-tags", "writer-without-kms", "key-shown-at-once")
    only = [argument for name in names for argument in ("--only", name)]
    suite = begun(aws, "--report", str(tmp_path / "acceptance.md"), *only)
    output, _ = suite.communicate(timeout=120)
    found = rows((tmp_path / "acceptance.md").read_text())

    assert suite.returncode == 0, output
    assert {found[name][2] for name in names} == {"not held (emulator only)"}
    assert 14 <= float(found["pace-of-reading-tags"][3].split()[0]) <= 26
    assert found["writer-without-kms"][3] == "PutLogEvents: It succeeded. GetLogEvents: It succeeded."
    assert found["key-shown-at-once"][3].startswith("The first look showed 0 of 4 changes, the others came after")


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        pytest.param(("AWS_REGION", "AWS_DEFAULT_REGION"), "No Region is set", id="no Region"),
        pytest.param(("AWS_ACCESS_KEY_ID",), "AWS does not say who you are", id="no credentials"),
    ],
)
def test_without_an_account_it_says_what_is_missing(aws: EmbeddedAws, missing: tuple[str, ...], said: str) -> None:
    """In a sentence, with exit code 2."""
    environment = {name: value for name, value in aws.environment.items() if name not in missing}
    command = [sys.executable, "-m", "acceptance"]
    ran = subprocess.run(  # noqa: S603 - our own module
        command,
        cwd=PROJECT,
        env={**environment_without_aws(), **environment, "CONFIRM": "yes"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 2
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert left(aws) == []


@pytest.mark.parametrize("arguments", [(), ("clean",)], ids=["run", "clean"])
def test_without_a_terminal_nothing_is_done_unasked(aws: EmbeddedAws, arguments: tuple[str, ...]) -> None:
    """It ends with 2 and a sentence that says how to go on, and has touched nothing."""
    kept = f"/{PREFIX}/0123abcd/kept"
    aws.client("logs").create_log_group(logGroupName=kept)
    suite = begun(aws, *arguments, confirm="")
    output, _ = suite.communicate(timeout=60)

    assert suite.returncode == 2
    assert output.endswith("Nobody can be asked here. To go on without a question: CONFIRM=yes\n")
    assert left(aws) == [kept]


def test_an_interrupted_run_removes_what_it_made(aws: EmbeddedAws, tmp_path: Path) -> None:
    """After Ctrl-C in the middle the report says what was not asked, and the account is as before."""
    report = tmp_path / "acceptance.md"
    suite = begun(aws, "--report", str(report))
    read_until(suite, "… fleet")
    suite.send_signal(signal.SIGINT)
    output, _ = suite.communicate(timeout=90)
    found = rows(report.read_text())

    assert suite.returncode == 130, output
    assert "Traceback" not in output
    assert found["one-log-group"][2] == "held (emulator only)"
    assert found["fifty-tags"][2:4] == ["not run here", "It was not asked."]
    assert left(aws) == []
    assert set(states_of_keys(aws)) == {"Enabled", "PendingDeletion"}


def test_what_a_killed_run_left_is_found_and_removed(aws: EmbeddedAws, tmp_path: Path) -> None:
    """Killed with a broken provider, a stack under way and the account's query results under its key: all is undone."""
    suite = begun(aws, "--report", str(tmp_path / "acceptance.md"))
    read_until(suite, "… dying-provider")
    broken(aws)
    suite.kill()
    suite.communicate()
    aws.client("logs").associate_kms_key(resourceIdentifier=query_results(aws), kmsKeyId=fleets_key(aws))
    made = left(aws)
    clean = begun(aws, "clean")
    output, _ = clean.communicate(timeout=90)
    again = begun(aws, "clean")
    second, _ = again.communicate(timeout=60)

    assert len(made) > 10
    assert clean.returncode == 0, output
    assert left(aws) == []
    assert "refuses to go" not in output
    assert output.count("Pending deletion, at no cost: ") == 5
    assert states_of_keys(aws) == ["Enabled", *["PendingDeletion"] * 5]
    assert query_results_key(aws, OTHERS) is None
    assert again.returncode == 0
    assert "nothing of the suite's" in second


def test_an_impatient_caller_is_told_how_to_go_on(aws: EmbeddedAws, tmp_path: Path) -> None:
    """A second Ctrl-C ends the removal; the rest goes later."""
    suite = begun(aws, "--report", str(tmp_path / "acceptance.md"))
    read_until(suite, "… one-log-group")
    suite.send_signal(signal.SIGINT)
    read_until(suite, "Deleting the stack")
    suite.send_signal(signal.SIGINT)
    output, _ = suite.communicate(timeout=60)
    clean = begun(aws, "clean")
    cleaned, _ = clean.communicate(timeout=90)

    assert suite.returncode == 130
    assert output.endswith("Interrupted. If anything is left: make acceptance-clean\n")
    assert "Traceback" not in output
    assert clean.returncode == 0, cleaned
    assert left(aws) == []


def test_what_cannot_be_deleted_is_named(aws: EmbeddedAws) -> None:
    """A resource that refuses to go keeps no stack; it is named, and the exit code is 1."""
    name = f"{PREFIX}-0123abcd-one"
    function = {
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": functions_role(aws),
        "Code": {"ZipFile": REFUSER},
    }
    resources = {
        "Refuser": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Kept": {
            "Type": "AWS::CloudFormation::CustomResource",
            "Properties": {"ServiceToken": {"Fn::GetAtt": ["Refuser", "Arn"]}, "ServiceTimeout": 20},
        },
    }
    assert Stacks(aws).deploy(name, json.dumps({"Resources": resources})) == "CREATE_COMPLETE"
    clean = begun(aws, "clean")
    output, _ = clean.communicate(timeout=60)

    assert clean.returncode == 1, output
    assert f"Still there: AWS::CloudFormation::CustomResource kept of the stack {name}" in output
    assert Stacks(aws).status(name) == ""


def broken(aws: EmbeddedAws) -> None:
    """Wait until the drive has broken the provider."""
    [function] = [
        each["FunctionName"]
        for each in aws.client("lambda").list_functions()["Functions"]
        if re.fullmatch(rf"{PREFIX}-[0-9a-f]{{8}}", each["FunctionName"])
    ]
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if "no_such" in aws.client("lambda").get_function_configuration(FunctionName=function)["Handler"]:
            return
        time.sleep(0.02)
    pytest.fail("the provider was never broken")


def query_results(aws: EmbeddedAws) -> str:
    """The ARN of the results of all queries."""
    return f"arn:aws:logs:{aws.region}:{aws.account}:query-result:*"


def fleets_key(aws: EmbeddedAws) -> str:
    """The key of the run that is there."""
    prefix = f"/{PREFIX}/"
    found = aws.client("logs").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
    return next(each["kmsKeyId"] for each in found if "/enrolled/" in each["logGroupName"])
