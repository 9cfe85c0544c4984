"""Wrong usage and failures: a sentence, and an exit code."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.desk import APPLY, AS_JSON, BEFORE, KEY, PLAN, Desk
from support.fake_aws import STACK_ID, role_denied
from support.project import PROJECT

from log_group_kms.cli.main import COMMANDS, main
from log_group_kms.model.errors import InvalidParameter, KeyNotFound
from log_group_kms.model.keys import KeyDescription

if TYPE_CHECKING:
    from log_group_kms.cli.command import Command
    from log_group_kms.model.errors import ApiError


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param([], "the following arguments are required: COMMAND", id="no command"),
        pytest.param(["plan"], "the following arguments are required: --prefix, --kms-key-id", id="nothing said"),
        pytest.param([*PLAN, "--prefix", ""], "argument --prefix: it must not be empty; * means every", id="no prefix"),
        pytest.param([*PLAN, "--prefix", "/a*"], "--prefix is '/a*'; it is the beginning of a name", id="wildcard"),
        pytest.param([*PLAN, "--exclude", "a b"], "--exclude is ['a b']; 'a b' is no name", id="no name"),
        pytest.param([*PLAN, "--kms-key-id", "logs"], "--kms-key-id is 'logs'; it must be a key ARN", id="no key"),
        pytest.param(
            [*PLAN, "--on-existing-key", "No"],
            "argument --on-existing-key: invalid choice: 'No' (choose from 'Override', 'Keep', 'Fail')",
            id="no choice",
        ),
        pytest.param(
            ["release", "--prefix", "/", "--on-delete", "Keep"],
            "argument --on-delete: invalid choice: 'Keep' (choose from 'RestorePrevious', 'Disassociate', 'Retain')",
            id="another's choice",
        ),
        pytest.param([*APPLY, "--rate", "1e-9"], "argument --rate: '1e-9' is no number from 0.01 on", id="never"),
        pytest.param([*APPLY, "--rate", "0"], "argument --rate: '0' is no number from 0.01 on", id="no rate"),
        pytest.param(
            [*APPLY, "--rate", "five"], "argument --rate: 'five' is no number from 0.01 on", id="a word as rate"
        ),
        pytest.param(
            [*APPLY, "--yes", "--owner", STACK_ID.replace("eu-west-1", "us-east-1"), "Fleet"],
            "the id of a stack of this account and Region is "
            "arn:aws:cloudformation:eu-west-1:111122223333:stack/NAME/UUID",
            id="stack elsewhere",
        ),
        pytest.param(
            [*APPLY, "--yes", "--owner", STACK_ID, "a/b"],
            "--owner a/b: a logical id has 1 to 255 characters of A-Z a-z 0-9",
            id="no logical id",
        ),
    ],
)
def test_wrong_usage(desk: Desk, arguments: list[str], told: str) -> None:
    """The option is named, with the rule that a template's property has to keep as well."""
    assert desk.run(*arguments) == 2
    assert told in desk.err
    assert desk.writing_calls() == set()


def test_all_mistakes_are_told_at_once(desk: Desk) -> None:
    """As with a template."""
    desk.run("plan", "--prefix", "a b", "--kms-key-id", "logs")

    assert "--kms-key-id is 'logs'" in desk.err
    assert "--prefix is 'a b'" in desk.err


def test_a_slow_rate_comes_to_its_end(desk: Desk) -> None:
    """The slowest that is taken is no interruption."""
    assert (desk.run(*APPLY, "--yes", "--rate", "0.01", AS_JSON), desk.json()["complete"]) == (0, True)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_help_where_stdout_is_ascii(monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    """No character of it is missing there, and one that is would be a question mark."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stdout)

    with pytest.raises(SystemExit) as ended:
        main([command.name, "--help"])

    assert (ended.value.code, stdout.errors) == (0, "replace")
    stdout.seek(0)
    assert "?" not in stdout.read()


def test_a_failure_as_json_is_one_object(desk: Desk) -> None:
    """Also where the command did not come to anything: with the sentence that stderr has."""
    desk.aws.keys[KEY] = KeyDescription(KEY, state="Disabled")

    assert (desk.run(*PLAN, AS_JSON), desk.json()) == (1, {"command": "plan", "error": desk.err.rstrip()})


def test_a_plan_with_conflicts_as_json_is_one_object(desk: Desk) -> None:
    """The plan itself."""
    code = desk.run(*PLAN, "--on-existing-key", "Fail", AS_JSON)

    assert (code, desk.json()["counts"]["conflict"]) == (1, 1)


def test_a_no_as_json_is_one_object(desk: Desk) -> None:
    """Somebody answers the question, and a program reads the result."""
    desk.terminal, desk.typed = True, "n"

    assert (desk.run(*APPLY, AS_JSON), desk.json()) == (1, {"command": "apply", "error": "Nothing was changed."})


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        pytest.param(
            role_denied("kms:DescribeKey", "DescribeKey", key="alias/logs"),
            "The caller lacks the permission kms:DescribeKey on the key alias/logs: add it to the caller's policies, "
            "and where the key is in another account, let its policy allow the caller kms:DescribeKey as well. ",
            id="no permission on the key",
        ),
        pytest.param(
            KeyNotFound("DescribeKey", "NotFoundException", "?", key="alias/logs"),
            "There is no key alias/logs in eu-west-1: correct --kms-key-id; a key must be in the Region of the log "
            "group, and a bare key id or alias in the caller's account. ",
            id="no such key",
        ),
    ],
)
def test_errors_speak_of_the_option_and_the_caller(desk: Desk, refusal: ApiError, told: str) -> None:
    """Whoever types the command knows neither KmsKeyId nor the provider."""
    desk.aws.refuse("DescribeKey", *[refusal] * 100)

    assert desk.run(*PLAN) == 1
    assert desk.err.startswith(told)


def test_a_key_that_nobody_may_look_into(desk: Desk) -> None:
    """It is the caller who may not call DescribeKey."""
    denied = role_denied("kms:DescribeKey", "DescribeKey")
    desk.aws.refuse("DescribeKey", *[denied] * 100)
    desk.aws.closed_to_logs.add(KEY)

    assert desk.run("apply", "--prefix", "/aws/", "--kms-key-id", KEY.text, "--yes") == 1
    assert "more cannot be told, since the caller may not call DescribeKey on it" in desk.err


def test_a_conflict_that_comes_after_the_plan(desk: Desk) -> None:
    """The rules speak of the property; the command line, of the option."""
    desk.aws.after = lambda operation: desk.holds("/debug/a", BEFORE) if operation == "ListTagsForResource" else None

    code = desk.run("apply", "--prefix", "/debug/", "--kms-key-id", KEY.text, "--on-existing-key", "fail", "--yes")

    assert (code, "OnExistingKey" in desk.err) == (1, False)
    assert "--on-existing-key is Fail and the log group has another key" in desk.err


def test_a_refusal_is_diagnosed(desk: Desk) -> None:
    """On stderr stands what is missing; there is no traceback."""
    denied = role_denied("logs:DescribeLogGroups", "DescribeLogGroups")
    desk.aws.refuse("DescribeLogGroups", *[denied] * 100)

    assert (desk.run("report"), desk.out) == (1, "")
    assert "lacks the permission logs:DescribeLogGroups" in desk.err.splitlines()[-1]


def test_a_missing_permission_to_look_is_told_at_once(desk: Desk) -> None:
    """Unlike the provider's role, the caller's is not made a moment before."""
    desk.aws.refuse("DescribeLogGroups", role_denied("logs:DescribeLogGroups", "DescribeLogGroups"))

    assert (desk.run("report"), desk.clock.slept) == (1, [])


def test_expired_credentials(desk: Desk) -> None:
    """Hours into a run nothing is wrong with the key: the rest waits for new credentials."""
    expired = InvalidParameter("AssociateKmsKey", "ExpiredTokenException", "The token is expired", "", KEY.text)
    desk.aws.refuse("AssociateKmsKey", expired)

    assert desk.run(*APPLY, "--yes") == 1
    assert desk.err.splitlines()[-2:] == [
        "0 were changed before this:",
        (
            "The credentials have expired: renew them, and the same command goes on with the rest. "
            "AWS answered AssociateKmsKey with ExpiredTokenException: The token is expired"
        ),
    ]


@pytest.mark.parametrize("key", [KEY.text, "alias/logs"])
def test_a_dry_run_tells_that_the_key_is_no_good(desk: Desk, key: str) -> None:
    """Also of a key ARN, which a stack's fleet takes as it is."""
    desk.aws.keys[KEY] = KeyDescription(KEY, state="Disabled")

    assert (desk.run("plan", "--prefix", "/", "--kms-key-id", key), desk.out) == (1, "")
    assert desk.err == (f"The key {KEY.text} is disabled: enable it with kms:EnableKey, or use another key\n")


def test_a_key_that_may_not_be_described_is_taken_as_it_is(desk: Desk) -> None:
    """A key ARN says enough; one of another account may keep the rest to itself."""
    denied = role_denied("kms:DescribeKey", "DescribeKey")
    desk.aws.refuse("DescribeKey", *[denied] * 100)

    assert desk.run("plan", "--prefix", "/compliant", "--kms-key-id", KEY.text) == 0


def test_an_alias_that_may_not_be_described_is_refused(desk: Desk) -> None:
    """Nobody knows which key it means."""
    denied = role_denied("kms:DescribeKey", "DescribeKey")
    desk.aws.refuse("DescribeKey", *[denied] * 100)

    assert desk.run("plan", "--prefix", "/compliant", "--kms-key-id", "alias/logs") == 1


@pytest.mark.parametrize(("library", "options"), [("rich", []), ("botocore", []), ("botocore", [AS_JSON])])
def test_a_library_that_is_not_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, library: str, options: list[str]
) -> None:
    """A sentence says what to install."""
    monkeypatch.setitem(sys.modules, library, None)
    for name in [name for name in sys.modules if name.startswith((f"{library}.", "log_group_kms.aws"))]:
        monkeypatch.delitem(sys.modules, name)

    try:
        code = main(["report", *options])
    finally:
        told = desk.capsys.readouterr().err

    assert (code, told) == (
        1,
        f"There is no {library} for this Python: pip install rich boto3 (with --json, boto3 is enough)\n",
    )


def test_json_needs_no_rich(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline's image may be small."""
    for name in [name for name in sys.modules if name.split(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)

    assert desk.run(*PLAN, AS_JSON) == 3
    assert desk.run(*APPLY, AS_JSON, "--yes") == 0
    assert desk.run("release", "--prefix", "*", AS_JSON, "--yes") == 0
    assert desk.run("report", AS_JSON) == 3


def test_a_module_of_our_own_that_is_missing_is_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a fault is not explained away."""
    monkeypatch.setitem(sys.modules, "log_group_kms.aws.clients", None)

    with pytest.raises(ModuleNotFoundError):
        main(["report", AS_JSON])


def test_the_function_never_loads_the_command_line() -> None:
    """Nor argparse, nor Rich."""
    code = "import sys; import log_group_kms.handlers.provider; print('\\n'.join(sys.modules))"
    environment = {"PYTHONPATH": str(PROJECT / "src"), "AWS_DEFAULT_REGION": "eu-west-1", "PATH": ""}

    loaded = subprocess.run(  # noqa: S603 - our own interpreter and our own code
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()

    ours = {name for name in loaded if name.startswith("log_group_kms.cli")}
    assert "log_group_kms.handlers.provider" in loaded
    assert {*ours, "rich"} & set(loaded) == set()
