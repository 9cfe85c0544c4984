"""`log-group-kms` as people and pipelines run it: a process of its own, against the embedded AWS."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from local.emulator.script import LogGroups
from log_group_kms.cli.main import main
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG, WRITTEN_TAG

if TYPE_CHECKING:
    from functional.conftest import Deployment

    from local.client.embedded_aws import EmbeddedAws

SOURCE: Final = Path(__file__).parents[2] / "src"
READING: Final = {"logs:DescribeLogGroups", "logs:ListTagsForResource", "kms:DescribeKey"}
ORDERS: Final = "/aws/lambda/orders"
PAYMENTS: Final = "/aws/lambda/payments"
COMMAND_LINE: Final = {OWNER_TAG: "fleet:-/command-line", SCOPE_TAG: "prefix="}
#: The embedded AWS is alone with us.
FAST: Final = ("--rate", "50")
OVERRIDE: Final = ("--on-existing-key", "Override")


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """The object on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found


def command(*arguments: str) -> list[str]:
    """The command line, with the warnings that a user would never see."""
    return [sys.executable, "-W", "error", "-m", "log_group_kms", *arguments]


def environment(aws: EmbeddedAws, **variables: str) -> dict[str, str]:
    """What the process is to know: the account, nothing of this machine's own configuration, and no empty variable."""
    nowhere = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    known = {"PATH": os.defpath, "PYTHONPATH": str(SOURCE), **nowhere, **aws.environment, **variables}
    return {name: value for name, value in known.items() if value}


def run(aws: EmbeddedAws, *arguments: str, **variables: str) -> Ran:
    """Run it to its end, with no terminal anywhere."""
    ran = subprocess.run(  # noqa: S603 - our own interpreter and our own code
        command(*arguments),
        env=environment(aws, **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in ran.stderr
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@dataclass(frozen=True)
class Landscape:
    """An account with log groups of every kind."""

    deployment: Deployment
    key: str
    before: str

    @property
    def aws(self) -> EmbeddedAws:
        """Where it is."""
        return self.deployment.aws

    def run(self, *arguments: str, **variables: str) -> Ran:
        """See `run`."""
        return run(self.aws, *arguments, **variables)

    def keys(self) -> dict[str, str | None]:
        """The keys in force, by name."""
        return {name: self.deployment.key_of(name) for name in (ORDERS, PAYMENTS, "/compliant", "/debug/a")}


@pytest.fixture
def landscape(deployment: Deployment) -> Landscape:
    """Without a key, under another one, under the wanted one, to be excluded, and one of AWS's own."""
    key, before = deployment.key(), deployment.key()
    deployment.aws.client("kms").create_alias(AliasName="alias/logs", TargetKeyId=key)
    deployment.log_group(ORDERS)
    deployment.log_group(PAYMENTS, before)
    deployment.log_group("/compliant", key)
    deployment.log_group("/debug/a")
    aws = deployment.aws
    aws.direction.make_log_groups(LogGroups(["aws/spans"], aws.account, aws.region))
    aws.direction.forget_calls()
    return Landscape(deployment, key, before)


WANTED: Final = ("--prefix", "*", "--kms-key-id", "alias/logs", "--exclude", "/debug/*", *OVERRIDE)


def test_a_plan_only_reads(landscape: Landscape) -> None:
    """It tells what would be changed and what not, and no call changes anything."""
    before = landscape.keys()

    ran = landscape.run("plan", *WANTED, "--json")
    calls = set(landscape.aws.direction.counts())

    assert (ran.code, ran.err) == (3, "")
    assert {one["log_group"]: one["action"] for one in ran.json()["log_groups"]} == {
        ORDERS: "associate",
        PAYMENTS: "rekey",
        "/debug/a": "excluded",
        "aws/spans": "reserved",
    }
    assert ran.json()["kms_key_arn"] == landscape.key
    assert (calls, landscape.keys()) == (READING, before)


def test_a_plan_in_a_pipe(landscape: Landscape) -> None:
    """A log group is a line: none is folded, none is padded, none has a colour."""
    ran = landscape.run("plan", *WANTED)

    assert ran.code == 3
    assert re.search(rf"^{PAYMENTS}\tre-key\t[0-9a-f-]{{36}}$", ran.out, re.MULTILINE)
    assert "\x1b" not in ran.out + ran.err


def claim_on(landscape: Landscape, name: str) -> dict[str, str]:
    """The tags of a claim, but for the time at which it was written."""
    return {tag: value for tag, value in landscape.deployment.tags_of(name).items() if tag != WRITTEN_TAG}


def test_the_life_of_an_apply(landscape: Landscape) -> None:
    """Plan, apply, plan again, report, release: each exit code fits, and at the end all is as before."""
    before = landscape.keys()

    applied = landscape.run("apply", *WANTED, *FAST, "--yes", "--json")
    assert (applied.code, applied.json()["changed"], applied.json()["compliant"]) == (0, 2, 1)
    assert landscape.keys() == {**before, ORDERS: landscape.key, PAYMENTS: landscape.key}
    assert claim_on(landscape, ORDERS) == {**COMMAND_LINE, PREVIOUS_KEY_TAG: "none"}
    assert claim_on(landscape, PAYMENTS) == {**COMMAND_LINE, PREVIOUS_KEY_TAG: landscape.before}

    landscape.aws.direction.forget_calls()
    assert landscape.run("plan", *WANTED).code == 0
    assert landscape.run("apply", *WANTED, "--yes").code == 0
    assert landscape.run("report").code == 3
    assert landscape.run("report", "--prefix", "/aws/").code == 0
    assert set(landscape.aws.direction.counts()) <= READING

    released = landscape.run("release", "--prefix", "*", *("--yes", "--json"))
    assert (released.code, released.json()["changed"]) == (0, 2)
    assert (landscape.keys(), landscape.deployment.tags_of(PAYMENTS)) == (before, {})


def test_the_fleet_of_a_stack_takes_over(landscape: Landscape) -> None:
    """After `apply` a stack's fleet changes no key; its Delete puts back what was there before `apply`."""
    deployment, before = landscape.deployment, landscape.keys()
    assert landscape.run("apply", *WANTED, *FAST, "--yes").code == 0
    landscape.aws.direction.forget_calls()
    properties = {"KmsKeyId": landscape.key, "LogGroupNamePrefix": "/", "ExcludeLogGroupNames": ["/debug/*"]}

    created = deployment.send(deployment.cloudformation.event("Create", properties=properties))
    counts = landscape.aws.direction.counts()

    assert (created.status, created.data["AssociatedCount"], created.data["CompliantCount"]) == ("SUCCESS", "0", "3")
    assert counts["logs:AssociateKmsKey"] == 0
    assert deployment.tags_of(PAYMENTS)[PREVIOUS_KEY_TAG] == landscape.before
    assert landscape.run("release", "--prefix", "*", "--yes", "--json").json()["changed"] == 0

    physical_id = created.physical_resource_id
    event = deployment.cloudformation.event("Delete", properties=properties, physical_resource_id=physical_id)
    assert deployment.send(event).status == "SUCCESS"
    assert (landscape.keys(), deployment.tags_of(PAYMENTS)) == (before, {})


def test_a_report_lists_and_nothing_more(landscape: Landscape) -> None:
    """One call for 50 log groups, none for each."""
    ran = landscape.run("report", "--json")

    assert (ran.code, ran.json()["encrypted"], ran.json()["unencrypted"], ran.json()["reserved"]) == (3, 2, 2, 1)
    assert landscape.aws.direction.counts() == {"logs:DescribeLogGroups": 1}


def test_throttled_calls_are_told(landscape: Landscape) -> None:
    """Over the quota AWS refuses; all is done all the same."""
    landscape.aws.direction.limit("logs:AssociateKmsKey", 5)
    for number in range(12):
        landscape.deployment.log_group(f"/many/{number:02}")

    ran = landscape.run("apply", "--prefix", "/many/", "--kms-key-id", "alias/logs", *FAST, "--yes", "--json")

    assert (ran.code, ran.json()["changed"]) == (0, 12)
    assert ran.json()["throttled"] == landscape.aws.direction.refused()["logs:AssociateKmsKey"] > 0


def test_ctrl_c(landscape: Landscape) -> None:
    """It says how far it came; nothing is claimed without the key; the same command does the rest."""
    names = [f"/many/{number:02}" for number in range(24)]
    for name in names:
        landscape.deployment.log_group(name)
    arguments = ("apply", "--prefix", "/many/", "--kms-key-id", "alias/logs", "--yes", "--json")
    with subprocess.Popen(  # noqa: S603 - our own interpreter and our own code
        command(*arguments, "--rate", "10"),
        env=environment(landscape.aws),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while landscape.aws.direction.counts()["logs:AssociateKmsKey"] < 5:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    summary = json.loads(out)
    state = [(landscape.deployment.key_of(name), claim_on(landscape, name)) for name in names]
    done = (landscape.key, {**COMMAND_LINE, PREVIOUS_KEY_TAG: "none"})

    assert process.returncode == 130
    assert (summary["complete"], summary["planned"], summary["changed"]) == (False, 24, state.count(done))
    assert 5 <= state.count(done) < 24
    assert state.count((None, {})) == 24 - state.count(done)
    assert err.splitlines()[-1].startswith(f"Interrupted: {state.count(done)} of 24 are done.")

    rest = landscape.run(*arguments, *FAST)
    assert (rest.code, rest.json()["changed"], rest.json()["compliant"]) == (
        0,
        24 - state.count(done),
        state.count(done),
    )


def at_a_terminal(aws: EmbeddedAws, typed: str, *arguments: str, **variables: str) -> Ran:
    """Run it where somebody sits, who has typed ahead; what is on the screen is in `out`."""
    ours, theirs = pty.openpty()
    screen: list[bytes] = []

    def read() -> None:
        with suppress(OSError):
            while chunk := os.read(ours, 65536):
                screen.append(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    os.write(ours, typed.encode())
    ran = subprocess.run(  # noqa: S603 - our own interpreter and our own code
        command(*arguments),
        env=environment(aws, TERM="xterm-256color", COLUMNS="140", **variables),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        check=False,
    )
    os.close(theirs)
    reader.join()
    os.close(ours)
    return Ran(ran.returncode, b"".join(screen).decode(), "")


def test_at_a_terminal(landscape: Landscape) -> None:
    """It asks after the totals, and a bar tells how many, how fast and what AWS refused."""
    landscape.aws.direction.limit("logs:AssociateKmsKey", 5)
    for number in range(12):
        landscape.deployment.log_group(f"/many/{number:02}")

    ran = at_a_terminal(landscape.aws, "y\n", "apply", "--prefix", "/many/", "--kms-key-id", "alias/logs", *FAST)

    assert ran.code == 0
    assert re.search(
        r"To change: 12 associate.*Associate 12 log groups of account 111122223333 in eu-west-1 with .*\? \[y/N\]"
        r".*Associating.*12/12.* a second.*0:00:0\d.*refused for the quota.*associated +12",
        ran.out,
        re.DOTALL,
    )
    assert "\x1b[" in ran.out


def test_a_no_at_a_terminal(landscape: Landscape) -> None:
    """Nothing is changed."""
    ran = at_a_terminal(landscape.aws, "n\n", "apply", *WANTED)

    assert ran.code == 1
    assert ran.out.rstrip().endswith("? [y/N] Nothing was changed.")
    assert landscape.deployment.key_of(ORDERS) is None


def test_no_colour_where_none_is_wanted(landscape: Landscape) -> None:
    """As https://no-color.org asks."""
    coloured = at_a_terminal(landscape.aws, "", "plan", *WANTED)
    plain = at_a_terminal(landscape.aws, "", "plan", *WANTED, NO_COLOR="1")

    assert re.search(r"\x1b\[[0-9;]*3[0-7]m", coloured.out)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", plain.out)


def test_a_reader_who_has_seen_enough(landscape: Landscape) -> None:
    """`| head` closes the pipe: no traceback, whatever is printed."""
    for options in ([], ["--json"]):
        reading, writing = os.pipe()
        os.close(reading)
        ran = subprocess.run(  # noqa: S603 - our own interpreter and our own code
            command("plan", *WANTED, *options),
            env=environment(landscape.aws),
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(writing)

        assert (ran.returncode, ran.stderr) == (1, b"")


def test_the_account_is_the_one_of_the_credentials(
    deployment: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Account and Region come from the caller's own; without a Region or a profile there is none."""
    assert main(["report", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["account"], told["region"]) == (deployment.aws.account, deployment.aws.region)

    assert main(["report", "--json", "--profile", "none"]) == 1
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    assert main(["report", "--json"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "The config profile (none) could not be found",
        "No Region is given: use --region, AWS_DEFAULT_REGION, AWS_REGION, or one in the profile",
    ]


def test_another_region(landscape: Landscape) -> None:
    """`--region` stands above the environment."""
    landscape.aws.client("logs", region="us-east-1").create_log_group(logGroupName="/there")

    ran = landscape.run("report", "--region", "us-east-1", "--json")

    assert (ran.json()["region"], ran.json()["matched"]) == ("us-east-1", 1)


def test_only_aws_region_is_set(landscape: Landscape) -> None:
    """Other SDKs and the AWS CLI take it, so it is accepted; what botocore itself finds stands above it."""
    alone = landscape.run("report", "--json", AWS_DEFAULT_REGION="", AWS_REGION="us-east-1")
    beside = landscape.run("report", "--json", AWS_DEFAULT_REGION="eu-west-1", AWS_REGION="us-east-1")

    assert (alone.json()["region"], beside.json()["region"]) == ("us-east-1", "eu-west-1")


def test_a_profile(landscape: Landscape, tmp_path: Path) -> None:
    """`--profile` tells credentials and Region, as for the AWS CLI."""
    config = tmp_path / "config"
    config.write_text(
        "[profile there]\nregion = us-east-1\naws_access_key_id = 444455556666\naws_secret_access_key = test\n"
    )

    ran = landscape.run(
        "report",
        *("--profile", "there", "--json"),
        AWS_CONFIG_FILE=str(config),
        AWS_DEFAULT_REGION="",
        AWS_REGION="",
    )

    assert (ran.json()["account"], ran.json()["region"]) == ("444455556666", "us-east-1")


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "told"),
    [
        pytest.param(
            ["report", "--profile", "none"], {}, 1, "The config profile (none) could not be found", id="profile"
        ),
        pytest.param(
            ["report"],
            {"AWS_ENDPOINT_URL": "localhost:4566"},
            1,
            "no URL: Invalid endpoint: localhost:4566",
            id="no URL",
        ),
        pytest.param(
            ["report"], {"AWS_ENDPOINT_URL": "http://localhost:x"}, 1, "no URL: Port could not be cast", id="no port"
        ),
        pytest.param(
            ["report"],
            {"AWS_DEFAULT_REGION": "", "AWS_REGION": ""},
            1,
            "No Region is given: use --region",
            id="no Region",
        ),
        pytest.param(
            ["report"],
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            1,
            "Unable to locate credentials",
            id="no credentials",
        ),
        pytest.param(
            ["report"], {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 1, "Could not connect", id="no connection"
        ),
        pytest.param(
            ["plan", "--prefix", "/", "--kms-key-id", "alias/none"], {}, 1, "There is no key alias/none", id="no key"
        ),
        pytest.param(["apply", *WANTED], {}, 2, "there is no terminal: give --yes", id="nobody to ask"),
        pytest.param(["plan", "--prefix", "/*", "--kms-key-id", "x"], {}, 2, "--prefix is '/*'", id="wrong usage"),
    ],
)
def test_what_goes_wrong_is_a_sentence(
    landscape: Landscape, arguments: list[str], variables: dict[str, str], code: int, told: str
) -> None:
    """On stderr, with an exit code of its own, and nothing on stdout."""
    ran = landscape.run(*arguments, **variables)

    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err


@pytest.mark.parametrize("command", ["plan", "apply", "release", "report"])
def test_the_help_where_the_terminal_is_ascii(landscape: Landscape, command: str) -> None:
    """It is shown all the same."""
    ran = landscape.run(command, "--help", PYTHONIOENCODING="ascii")

    assert (ran.code, ran.err, "usage:" in ran.out) == (0, "", True)


def test_the_help_tells_exit_codes_and_field_names(landscape: Landscape) -> None:
    """A pipeline is written from it; it needs no account."""

    def words_of(command: str) -> set[str]:
        ran = landscape.run(command, "--help", AWS_ENDPOINT_URL="http://127.0.0.1:9")
        assert (ran.code, "exit codes:" in ran.out) == (0, True)
        return set(re.findall(r"\w+", ran.out))

    planned = landscape.run("plan", *WANTED, "--json").json()

    assert {*planned, *planned["counts"], *planned["log_groups"][0]} <= words_of("plan")
    assert {*landscape.run("report", "--json").json()} <= words_of("report")
    assert {*landscape.run("release", "--prefix", "/none", "--yes", "--json").json()} <= words_of("release")


def test_the_function_carries_no_rich() -> None:
    """What is deployed is what stands in its requirements."""
    required = re.findall(r"^([\w-]+)==", (SOURCE / "requirements.txt").read_text(), re.MULTILINE)

    assert {"crhelper"} <= set(required)
    assert {"rich", "boto3"} & set(required) == set()
