"""What takes its time is told: a refusal that is waited out, a run in which nothing moves, and how long is left."""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from support.desk import APPLY, KEY, Desk
from support.fake_aws import FakeClock, role_denied

from log_group_kms.cli.progress import in_a_bar, in_lines
from log_group_kms.fleet.checkpoint import Fate

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_key_that_aws_refuses_is_told_at_once(desk: Desk) -> None:
    """The line has the log group, the cause, and the moment until which it is tried; it comes once, before the end."""
    desk.aws.closed_to_logs.add(KEY)
    begun = desk.clock.now()

    code = desk.run(*APPLY, "--yes")
    told = [line for line in desk.err.splitlines() if line.startswith("AWS refuses the key for ")]

    until = time.strftime("%H:%M:%S", time.localtime(begun + 120))
    assert (code, len(told)) == (1, 1)
    assert told[0].startswith("AWS refuses the key for /aws/lambda/orders: CloudWatch Logs may not use the key. ")
    assert "so this is tried again until " in told[0]
    assert abs(int(told[0].split(" until ")[1][6:8]) - int(until[6:8])) in range(60)
    assert told[0].endswith("(120 s). Ctrl-C ends it.")
    assert desk.err.index(told[0]) < desk.err.index("0 were changed before this:")


def test_the_statement_is_for_all_log_groups_of_the_prefix(desk: Desk) -> None:
    """One for the first log group alone would fail at the next."""
    desk.aws.closed_to_logs.add(KEY)

    desk.run("apply", "--prefix", "/aws/lambda/", "--kms-key-id", KEY.text, "--yes")

    reason = desk.err.splitlines()[-1]
    assert (
        '"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/*"' in reason
    )


def test_a_permission_that_the_caller_lacks_is_told_at_once(desk: Desk) -> None:
    """It is waited for less long."""
    denied = role_denied("logs:AssociateKmsKey", "AssociateKmsKey")
    desk.aws.refuse("AssociateKmsKey", *[denied] * 200)

    desk.run(*APPLY, "--yes")

    assert "the caller lacks a permission" in desk.err
    assert "(30 s). Ctrl-C ends it." in desk.err


def test_a_line_comes_also_where_nothing_moves(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads a log sees that it is at work."""
    clock = FakeClock()
    with in_lines(clock, "Associating", 15, every=0.01):
        clock.sleep(60)
        _until(lambda: "Associating" in capsys.readouterr().err)

    assert [each for each in threading.enumerate() if each.name.endswith("(show_now_and_then)")] == []


def test_a_line_has_the_time_that_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    """From the rate so far."""
    clock = FakeClock()
    with in_lines(clock, "Associating", 10) as progress:
        clock.sleep(20)
        progress.count_visit("/a", Fate.ASSOCIATED, "")

    assert capsys.readouterr().err.startswith("Associating: 1 of 10, 0.1 a second, 0:03:00 left, 0 calls refused")


@pytest.mark.parametrize(
    ("total", "shown", "left"), [pytest.param(4, "1/4", True, id="known"), pytest.param(None, "1", False, id="unknown")]
)
def test_a_bar_has_an_end_where_the_number_is_known(total: int | None, shown: str, left: bool) -> None:  # noqa: FBT001 - a case of the table
    """Without a number there is no question mark, and no time left."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=120, color_system=None)
    with in_a_bar(console, "Giving back", total) as progress:
        progress.count_visit("/a", Fate.RELEASED, "")

    last = [line for line in file.getvalue().splitlines() if "Giving back" in line][-1]
    assert f" {shown} " in last
    assert "?" not in last
    assert ("left" in last) is left


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
