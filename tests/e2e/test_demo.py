"""`make demo` itself: what it claims is looked at, and nothing of it is left."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from local.client.server import PROJECT
from local.demo.scenario import ORDERS, ClaimNotReachedError, Demo, Row, State, Step, run


def start(temporary: Path) -> "subprocess.Popen[str]":
    """The demo as `make demo` runs it for someone with a profile of AWS; all that it writes is in *temporary*."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "local.demo"],
        cwd=PROJECT,
        env={**os.environ, "AWS_PROFILE": "not-there", "TMPDIR": str(temporary), "TERM": "dumb"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def left_running(temporary: Path) -> list[str]:
    """The commands of all processes that work in *temporary*."""
    commands = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True).stdout  # noqa: S607 - where it lies differs
    return [command for command in commands.splitlines() if str(temporary) in command]


def test_the_demo_reaches_all_that_it_claims_and_leaves_nothing(tmp_path: Path) -> None:
    """It ends with 0, says so, and neither processes nor files remain."""
    demo = start(tmp_path)
    output, _ = demo.communicate(timeout=120)

    assert demo.returncode == 0, output
    assert "Every step reached the state that it claims" in output
    assert left_running(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_demo_leaves_nothing(tmp_path: Path, ended_by: signal.Signals) -> None:
    """Stopped in its first step, while SAM builds, it ends at once with an error, and takes everything along."""
    demo = start(tmp_path)
    assert demo.stdout
    while "1. " not in demo.stdout.readline():
        assert demo.poll() is None

    demo.send_signal(ended_by)
    output, _ = demo.communicate(timeout=30)

    assert demo.returncode == 128 + ended_by, output
    assert "Traceback" not in output
    assert left_running(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_misses_its_claim_ends_the_demo() -> None:
    """The error says what was claimed and what was found."""
    wrong = Step("The team's key, which is not the claimed one", Demo.others_at_work, State(orders=Row("alias/other")))

    with pytest.raises(ClaimNotReachedError, match=rf"{ORDERS}: claimed .*alias/other.*, found .*alias/team"):
        run(Console(file=io.StringIO()), (wrong,))
