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
