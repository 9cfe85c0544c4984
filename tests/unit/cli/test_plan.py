"""`plan`: what it shows and why not, and that it changes nothing."""

from __future__ import annotations

import re

import pytest
from support.desk import APPLY, AS_JSON, BEFORE, KEY, PLAN, STRANGER, Desk

from log_group_kms.model.ownership import Claim


def test_a_plan_tells_what_would_be_changed_and_why_not(desk: Desk) -> None:
    """Every change and every skip has its row; what is compliant is counted; nothing is changed."""
    before = BEFORE.text.rpartition("/")[2]
    expected = [
        "/aws/lambda/orders associate",
        f"/aws/lambda/payments re-key {before}",
        "/debug/a skip (excluded)",
        f"/theirs skip (owned) {before} Trail of stack orders",
        "aws/spans skip (reserved for AWS)",
    ]

    code = desk.run(*PLAN, "--exclude", "/debug/*")
    lines = [" ".join(line.split()) for line in desk.out.splitlines()]

    assert [line for line in lines[:-4] if " associate" in line or " re-key" in line or " skip" in line] == expected
    assert lines[-4:] == [
        "Account 111122223333, eu-west-1, every log group",
        f"Key: {KEY.text}",
        "To change: 1 associate, 1 re-key",
        "To leave as they are: 1 compliant, 1 skip (owned), 1 skip (reserved for AWS), 1 skip (excluded)",
    ]
    assert (code, desk.writing_calls()) == (3, set())


def test_a_plan_as_json(desk: Desk) -> None:
    """One object with the counts, and with the log groups that would be changed or skipped."""
    code = desk.run(*PLAN, AS_JSON, "--exclude", "/debug/*", "/theirs")

    assert (code, desk.err) == (3, "")
    assert desk.json() == {
        "command": "plan",
        "account": "111122223333",
        "region": "eu-west-1",
        "prefix": "*",
        "kms_key_arn": KEY.text,
        "owner": "fleet:-/command-line",
        "counts": {
            "associate": 1,
            "rekey": 1,
            "take_over": 0,
            "compliant": 1,
            "keep": 0,
            "conflict": 0,
            "leave": 0,
            "reserved": 1,
            "protected": 0,
            "excluded": 2,
        },
        "log_groups": [
            {"log_group": "/aws/lambda/orders", "action": "associate", "kms_key_arn": None, "owner": None},
            {"log_group": "/aws/lambda/payments", "action": "rekey", "kms_key_arn": BEFORE.text, "owner": None},
            {"log_group": "/debug/a", "action": "excluded", "kms_key_arn": None, "owner": None},
            {"log_group": "/theirs", "action": "excluded", "kms_key_arn": BEFORE.text, "owner": None},
            {"log_group": "aws/spans", "action": "reserved", "kms_key_arn": None, "owner": None},
        ],
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param([], {"/debug/a", "/theirs"}, id="what is to be seen to"),
        pytest.param(["--all"], {"/compliant", "/debug/a", "/theirs"}, id="all"),
    ],
)
def test_what_is_compliant_is_shown_on_request(desk: Desk, options: list[str], expected: set[str]) -> None:
    """Of a fleet that is nearly done, only the rest is of interest."""
    desk.run("plan", "--prefix", "/", "--kms-key-id", "alias/logs", "--exclude", "/aws/*", AS_JSON, *options)
    shown = {one["log_group"] for one in desk.json()["log_groups"]}

    assert shown - {"/aws/lambda/orders", "/aws/lambda/payments"} == expected


def test_a_plan_with_nothing_to_change_is_a_success(desk: Desk) -> None:
    """A pipeline that only looks goes on."""
    code = desk.run("plan", "--prefix", "/compliant", "--kms-key-id", KEY.text)

    assert (code, desk.out.splitlines()[-2:]) == (0, ["To change: none", "To leave as they are: 1 compliant"])


def test_a_long_plan_says_what_it_leaves_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal a table of thousands is of no use, and takes its time."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    for number in range(1001):
        desk.holds(f"/many/{number:04}")

    desk.run("plan", "--prefix", "/many/", "--kms-key-id", KEY.text)

    assert "These are the first 1,000 of 1,001; --json tells all." in desk.out
    assert ("/many/0999" in desk.out, "/many/1000" in desk.out) == (True, False)


@pytest.mark.parametrize("command", [PLAN, (*APPLY, "--yes")], ids=["plan", "apply"])
def test_another_key_is_a_failure_where_that_is_asked_for(desk: Desk, command: tuple[str, ...]) -> None:
    """With Fail nothing is changed, as with a stack's fleet."""
    code = desk.run(*command, "--on-existing-key", "Fail")

    assert (code, desk.writing_calls()) == (1, set())
    assert desk.err.splitlines()[-1] == (
        "Log groups that have another key: 1. With --on-existing-key Fail nothing is changed before they have none"
    )


@pytest.mark.parametrize("options", [(), ("--on-existing-key", "Keep")], ids=["by default", "asked for"])
def test_another_key_is_kept(desk: Desk, options: tuple[str, ...]) -> None:
    """Unless it is said otherwise, the log group is a skip: a team's own key is not replaced unasked."""
    desk.run("plan", "--prefix", "*", "--kms-key-id", "alias/logs", *options, AS_JSON)

    assert (desk.json()["counts"]["keep"], desk.json()["counts"]["rekey"]) == (1, 0)


def test_a_plan_in_a_pipe_is_a_line_for_each_log_group(desk: Desk) -> None:
    """`| head -3` shows three of them: no header, no blank line, no padding, none left out; cells between tabs."""
    for number in range(1001):
        desk.holds(f"/many/{number:04}")

    desk.run(*PLAN)
    lines = desk.out.splitlines()

    assert lines[:3] == [
        "/aws/lambda/orders\tassociate",
        f"/aws/lambda/payments\tre-key\t{BEFORE.text.rpartition('/')[2]}",
        "/debug/a\tassociate",
    ]
    assert len([line for line in lines if line.startswith("/many/")]) == 1001
    assert [line for line in lines if line != line.rstrip() or not line] == []


@pytest.mark.parametrize(
    ("prefix", "near"),
    [
        pytest.param("/aws/lamda/", "/aws/lambda/", id="a letter is missing"),
        pytest.param("/aws/lambdas", "/aws/lambda/", id="one too many"),
        pytest.param("/aws/lambda/order/", "/aws/lambda/orders", id="further down"),
        pytest.param("/AWS/lambda/", "/aws/lambda/", id="in capitals"),
        pytest.param("debug/", "/debug/", id="no slash"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "report", "apply"])
def test_a_mistyped_prefix(desk: Desk, command: str, prefix: str, near: str) -> None:
    """That nothing matches is a warning on stderr, with prefixes that something does; the exit code stays."""
    options = {"plan": ("--kms-key-id", "alias/logs"), "apply": ("--kms-key-id", "alias/logs", "--yes"), "report": ()}

    code = desk.run(command, "--prefix", prefix, *options[command])

    begin = f"No log group of account 111122223333, eu-west-1, begins with {prefix}"
    assert code == 0
    assert desk.err.splitlines()[0] == f"{begin}; did you mean {near}?"


def test_the_longest_prefix_of_all(desk: Desk) -> None:
    """A slash before it would be one too many."""
    assert (desk.run("report", "--prefix", "x" * 512), desk.err.count("begins with")) == (0, 1)


def test_nothing_comes_near(desk: Desk) -> None:
    """Then no prefix is named, and few pages are asked for."""
    desk.run("report", "--prefix", "/zzz/zzz/zzz", AS_JSON)

    assert desk.err == "No log group of account 111122223333, eu-west-1, begins with /zzz/zzz/zzz.\n"
    assert (desk.json()["matched"], len(desk.aws.calls) < 12) == (0, True)


def test_an_account_without_log_groups(desk: Desk) -> None:
    """Every log group is none."""
    desk.aws.log_groups.clear()
    desk.aws.reserved.clear()

    assert desk.run("report", AS_JSON) == 0
    assert desk.err == "There is no log group in account 111122223333, eu-west-1.\n"


@pytest.mark.parametrize("width", [110, 130, 200])
def test_the_name_keeps_its_room(desk: Desk, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """At a terminal, key and owner are shortened before the name is broken."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    name = "/aws/lambda/a-name-of-some-fifty-characters-or-so-in-all"
    desk.holds(name, BEFORE, Claim(STRANGER, None))

    desk.run(*PLAN)
    [line] = [line for line in re.sub("\x1b[^m]*m", "", desk.out).splitlines() if name in line]

    assert len(line) <= width
    assert ("…" in line) == (width < 200)


def test_protected_names_are_left_and_named(desk: Desk) -> None:
    """They are neither changed nor called excluded; `apply` leaves them, too."""
    protected = ("--protected", "/aws/lambda/*")

    code = desk.run(*PLAN, AS_JSON, *protected)

    counts = desk.json()["counts"]
    assert (code, counts["protected"], counts["associate"], counts["rekey"]) == (3, 2, 1, 0)
    before = desk.keys()
    assert desk.run(*APPLY, "--yes", *protected) == 0
    changed = {name for name, key in desk.keys().items() if key != before[name]}
    assert changed == {"/debug/a"}


def test_a_protected_name_that_is_none(desk: Desk) -> None:
    """It is wrong usage, and nothing is looked at."""
    code = desk.run(*PLAN, "--protected", "no name")

    assert (code, desk.aws.calls) == (2, [])
    assert "--protected: 'no name' is no name" in desk.err
