"""Ctrl-C: what has begun is finished, and the same command goes on."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from support.desk import APPLY, AS_JSON, COMMAND_LINE, KEY, Desk
from support.fake_aws import FakeLogGroup

from log_group_kms.model.ownership import Claim

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Python's own handler, also where SIGINT is ignored: in the background of a script nobody can press Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_between_two_log_groups(desk: Desk) -> None:
    """What has begun is finished, the summary says how far it came, and the same command goes on."""
    for number in range(9):
        desk.holds(f"/many/{number}")
    desk.interrupt(after=4)
    handler = signal.getsignal(signal.SIGINT)

    code = desk.run("apply", "--prefix", "/many/", "--kms-key-id", KEY.text, "--yes", AS_JSON)
    summary = desk.json()

    assert (code, signal.getsignal(signal.SIGINT)) == (130, handler)
    assert (summary["complete"], summary["changed"], summary["planned"], summary["compliant"]) == (False, 4, 9, None)
    assert desk.err.splitlines()[-1] == "Interrupted: 4 of 9 are done. The same command goes on with the rest."
    assert [state.claim is not None for name, state in desk.states().items() if "many" in name] == (
        [True] * 4 + [False] * 5
    )
    assert [state.key for name, state in desk.states().items() if "many" in name] == [KEY] * 4 + [None] * 5

    desk.aws.after = lambda _: None

    assert desk.run("apply", "--prefix", "/many/", "--kms-key-id", KEY.text, "--yes", AS_JSON) == 0
    assert (desk.json()["changed"], desk.json()["compliant"]) == (5, 4)


def test_a_second_ctrl_c_ends_at_once(desk: Desk) -> None:
    """What it leaves half done, the next run mends."""
    desk.interrupt(after=1, times=2)

    assert (desk.run(*APPLY, "--yes"), desk.err.splitlines()[-2:]) == (
        130,
        ["0 were changed before this. One that is half done, the same command mends.", "Interrupted."],
    )

    desk.aws.after = lambda _: None

    assert desk.run(*APPLY, "--yes") == 0
    assert desk.states()["/aws/lambda/orders"] == FakeLogGroup(KEY, Claim(COMMAND_LINE, None))


def test_ctrl_c_while_it_only_looks(desk: Desk) -> None:
    """There is nothing to finish."""
    desk.aws.before = lambda _: os.kill(os.getpid(), signal.SIGINT)

    assert (desk.run("report"), desk.out, desk.err) == (130, "", "Interrupted.\n")
