"""Wrong usage and failures: a sentence, and an exit code."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.desk import APPLY, AS_JSON, KEY, PLAN, Desk
from support.fake_aws import STACK_ID, role_denied
from support.project import PROJECT

from log_group_kms.cli.main import main
from log_group_kms.model.errors import InvalidParameter
from log_group_kms.model.keys import KeyDescription


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param([], "the following arguments are required: COMMAND", id="no command"),
        pytest.param(["plan"], "the following arguments are required: --prefix, --kms-key-id", id="nothing said"),
        pytest.param([*PLAN, "--prefix", ""], "argument --prefix: it must not be empty; * means every", id="no prefix"),
        pytest.param([*PLAN, "--prefix", "/a*"], "--prefix is '/a*'; it is the beginning of a name", id="wildcard"),
        pytest.param([*PLAN, "--exclude", "a b"], "--exclude is ['a b']; 'a b' is no name", id="no name"),
        pytest.param([*PLAN, "--kms-key-id", "logs"], "--kms-key-id is 'logs'; it must be a key ARN", id="no key"),
        pytest.param([*PLAN, "--on-existing-key", "No"], "argument --on-existing-key: invalid choice", id="no choice"),
        pytest.param([*APPLY, "--rate", "0"], "argument --rate: '0' is no number above 0", id="no rate"),
        pytest.param([*APPLY, "--rate", "five"], "argument --rate: 'five' is no number above 0", id="a word as rate"),
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
