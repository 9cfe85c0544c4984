"""The folder works where it is copied to, in each way that a user may name it to cfn-lint."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from support.linting import FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

BIN: Final = Path(sys.executable).parent
MISTAKE: Final = Path(__file__).parent / "mistakes" / "wait-beyond-timeout.yaml"
MESSAGE: Final = "PropagationWaitSeconds is 300; it must be below ServiceTimeout, which is 120"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a user's project, with a copy of ours and with a template that has a mistake."""
    shutil.copytree(FOLDER, tmp_path / "cfn-lint", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(MISTAKE, tmp_path / "template.yaml")
    return tmp_path


def run(folder: Path, *command: str, **environment: str) -> str:
    """What a command prints in a folder; it finds the mistake and fails."""
    # Nothing of the project's own is on the path.
    env: Mapping[str, str] = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder), "SAM_CLI_TELEMETRY": "0"}
    ran = subprocess.run(  # noqa: S603 - the pinned cfn-lint and SAM CLI
        [BIN / command[0], *command[1:]],
        cwd=folder,
        env={**env, **environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode != 0, ran
    return ran.stdout + ran.stderr


def test_as_a_folder(folder: Path) -> None:
    """On the command line; the finding is that of the rule, not of a rule that could not be loaded."""
    told = run(folder, "cfn-lint", "--append-rules", "cfn-lint", "--template", "template.yaml")

    assert f"E9705 {MESSAGE}" in told
    assert "E0002" not in told


def test_as_an_import_path(folder: Path) -> None:
    """On Python's path."""
    told = run(
        folder, "cfn-lint", "-a", "log_group_kms_rules", "-t", "template.yaml", PYTHONPATH=str(folder / "cfn-lint")
    )

    assert f"E9705 {MESSAGE}" in told


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["cfn-lint", "template.yaml"], id="cfn-lint"),
        pytest.param(["sam", "validate", "--lint", "--region", "eu-west-1"], id="sam"),
    ],
)
def test_in_the_projects_own_settings(folder: Path, command: list[str]) -> None:
    """`.cfnlintrc` names it; also `sam validate --lint` honours that."""
    (folder / ".cfnlintrc").write_text("append_rules:\n  - cfn-lint\n")

    assert MESSAGE in " ".join(run(folder, *command).split())


def test_each_rule_can_be_ignored(folder: Path) -> None:
    """By its id, like each of cfn-lint's own."""
    template = (folder / "template.yaml").read_text()
    (folder / "template.yaml").write_text(template.replace("ServiceTimeout: 120", "OnDelet: Retain"))
    told = run(folder, "cfn-lint", "-a", "cfn-lint", "-i", "W9707", "-t", "template.yaml")

    assert "E9701" in told
    assert "W9707" not in told
