"""`report`: coverage by key and by prefix."""

from __future__ import annotations

import pytest
from support.desk import AS_JSON, BEFORE, KEY, Desk

from log_group_kms.cli.findings import prefix_of


def test_a_report_costs_no_call_per_log_group(desk: Desk) -> None:
    """Coverage by key and by prefix comes from the listing alone."""
    code = desk.run("report", AS_JSON)

    assert (code, desk.aws.calls) == (3, ["DescribeLogGroups"])
    assert desk.json() == {
        "command": "report",
        "account": "111122223333",
        "region": "eu-west-1",
        "prefix": "*",
        "matched": 6,
        "encrypted": 3,
        "unencrypted": 2,
        "reserved": 1,
        "keys": [{"kms_key_arn": BEFORE.text, "log_groups": 2}, {"kms_key_arn": KEY.text, "log_groups": 1}],
        "prefixes": [
            {"prefix": "/", "matched": 2, "encrypted": 2, "unencrypted": 0, "reserved": 0},
            {"prefix": "/aws/lambda/", "matched": 2, "encrypted": 1, "unencrypted": 1, "reserved": 0},
            {"prefix": "/debug/", "matched": 1, "encrypted": 0, "unencrypted": 1, "reserved": 0},
            {"prefix": "aws/", "matched": 1, "encrypted": 0, "unencrypted": 0, "reserved": 1},
        ],
        "log_groups": None,
    }


def test_a_report_as_tables(desk: Desk) -> None:
    """The same for people; the last line is the sum."""
    desk.holds("audit", KEY)

    desk.run("report")
    lines = [" ".join(line.split()) for line in desk.out.splitlines()]

    assert f"{BEFORE.text} 2" in lines
    assert "none of yours 2" in lines
    assert "none, reserved for AWS 1" in lines
    assert "/aws/lambda/ 2 1 1" in lines
    assert "(no slash) 1 1 0" in lines
    assert lines[-1] == (
        "Account 111122223333, eu-west-1, every log group: 4 of 6 under a customer managed key (67%), 2 without; "
        "1 more reserved for AWS."
    )


@pytest.mark.parametrize(
    ("prefix", "told"),
    [
        pytest.param("/compliant", "1 of 1 under a customer managed key (100%), 0 without.", id="covered"),
        pytest.param("/none", "there is no log group.", id="nothing there"),
    ],
)
def test_full_coverage_is_a_success(desk: Desk, prefix: str, told: str) -> None:
    """A pipeline may go on."""
    assert desk.run("report", "--prefix", prefix) == 0
    assert desk.out.splitlines()[-1].endswith(f"log groups {prefix}*: {told}")


def test_what_is_reserved_is_no_gap(desk: Desk) -> None:
    """Nobody can put it under a key of their own."""
    desk.aws.log_groups.clear()

    assert desk.run("report") == 0


def test_what_is_not_covered_is_named(desk: Desk) -> None:
    """Each log group without a key of the account's own, as an object and as a line; the listing alone tells."""
    assert desk.run("report", "--names", AS_JSON) == 3
    assert desk.json()["log_groups"] == [
        {"log_group": "/aws/lambda/orders", "kms_key_arn": None},
        {"log_group": "/debug/a", "kms_key_arn": None},
        {"log_group": "aws/spans", "kms_key_arn": None},
    ]
    assert desk.aws.calls == ["DescribeLogGroups"]

    desk.run("report", "--names")

    assert {"/aws/lambda/orders\tnone", "aws/spans\tnone, reserved for AWS"} <= {*desk.out.splitlines()}


def test_a_long_report_says_what_it_leaves_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal a table of thousands is of no use, and takes its time."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    for number in range(1001):
        desk.holds(f"/many/{number:04}")

    desk.run("report", "--prefix", "/many/", "--names")

    assert "These are the first 1,000 of 1,001; --json tells all." in desk.out
    assert ("/many/0999" in desk.out, "/many/1000" in desk.out) == (True, False)


def test_what_is_not_under_the_fleets_key_is_named(desk: Desk) -> None:
    """With a key, a log group under another one is not covered either: what a fleet has kept."""
    code = desk.run("report", "--kms-key-id", "alias/logs", "--names")
    lines = desk.out.splitlines()

    assert code == 3
    assert f"/aws/lambda/payments\t{BEFORE.text.rpartition('/')[2]}" in lines
    assert not any(line.startswith("/compliant\t") for line in lines)
    assert lines[-1] == f"Under another key than {KEY.text}: 2."


@pytest.mark.parametrize(("prefix", "code"), [("/compliant", 0), ("/theirs", 3)])
def test_another_key_is_found(desk: Desk, prefix: str, code: int) -> None:
    """The exit code goes by the key that is named."""
    assert desk.run("report", "--prefix", prefix) == 0
    assert desk.run("report", "--prefix", prefix, "--kms-key-id", "alias/logs") == code


def test_a_report_of_many_pages(desk: Desk) -> None:
    """All pages are seen, at the pace of pages."""
    for number in range(120):
        desk.holds(f"/many/{number}")

    desk.run("report", "--prefix", "/many/", AS_JSON)

    assert (desk.json()["matched"], desk.aws.calls) == (120, ["DescribeLogGroups"] * 3)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("/aws/lambda/orders", "/aws/lambda/"),
        ("/aws/lambda/orders/deep/er", "/aws/lambda/"),
        ("/ecs/shop", "/ecs/"),
        ("/orders", "/"),
        ("orders", ""),
        ("API-Gateway-Execution-Logs_a1/prod", "API-Gateway-Execution-Logs_a1/"),
    ],
)
def test_the_prefix_of_a_name(name: str, prefix: str) -> None:
    """Its path, cut to two segments: what could be given as --prefix."""
    assert prefix_of(name) == prefix
