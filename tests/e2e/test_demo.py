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
from local.demo.pictures import Deployed, FleetPicture, Side, TwoColumns
from local.demo.scenario import ClaimNotReachedError, Scene, run
from local.demo.world import World


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
    output, _ = demo.communicate(timeout=240)

    assert demo.returncode == 0, output
    assert "Every scene reached the state that it claims" in output
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


def _stack_of_another_state(_: World) -> Deployed:
    return Deployed({"orders": "no stack"}, {"orders": "a stack"})


def shown(picture: TwoColumns | FleetPicture, *, terminal: bool) -> str:
    """What is drawn of a picture, with colours at a terminal."""
    file = io.StringIO()
    picture.draw(Console(file=file, force_terminal=terminal, width=120, color_system="standard" if terminal else None))
    return file.getvalue()


COLUMNS = TwoColumns(Side("alias/team", "no key", "UPDATE_COMPLETE", "Gone"), Side("alias/team", "alias/team", ""))
FLEET = FleetPicture({"/a": "no key", "/b": "no key"}, {"/a": "alias/fleet", "/b": "no key"}, ("$ log-group-kms plan",))


def test_two_columns_at_a_terminal() -> None:
    """Both stand side by side, and what has changed is in another colour than what has not."""
    lines = shown(COLUMNS, terminal=True).splitlines()

    assert [line for line in lines if "A plain template today" in line and "With this provider" in line]
    assert [line for line in lines if "\x1b[1;7m no key \x1b[0m" in line and "alias/team" in line]


def test_two_columns_elsewhere() -> None:
    """Each is a plain line, without colours or frames."""
    assert shown(COLUMNS, terminal=False).splitlines() == [
        "   plain template  alias/team -> no key; stack UPDATE_COMPLETE. Gone",
        "   this provider   alias/team; stack gone",
    ]


def test_a_fleet_at_a_terminal_and_elsewhere() -> None:
    """A square for each log group, a larger one where it has changed; elsewhere the numbers and what has changed."""
    assert "■" in shown(FLEET, terminal=True)
    assert "▪" in shown(FLEET, terminal=True)
    assert shown(FLEET, terminal=False).splitlines() == [
        "   $ log-group-kms plan",
        "   1 no key (-1)   1 under alias/fleet (+1)",
    ]


def test_a_scene_that_misses_its_claim_ends_the_demo() -> None:
    """The error says what was claimed and what was found."""
    wrong = Scene("A stack", "It is not there.", _stack_of_another_state, {"orders": "CREATE_COMPLETE"})

    with pytest.raises(ClaimNotReachedError, match=r"orders: claimed CREATE_COMPLETE, found no stack"):
        run(Console(file=io.StringIO()), (wrong,))
