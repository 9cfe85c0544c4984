"""`make local`: the environment that it prints for a shell."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local import __main__ as command
from local.client.embedded_aws import EmbeddedAws


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_printed_environment_has_sam_on_the_path(
    aws: EmbeddedAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    """After `eval`, `sam` is the project's own where there was none, and AWS is the embedded one."""
    # zsh is on every Mac and on few Linux machines; bash is on both.
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    program = shutil.which(shell) or ""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    command.print_environment(aws)
    printed = capsys.readouterr().out

    show = f'{printed}\ncommand -v sam; echo "$AWS_ENDPOINT_URL"'
    ran = subprocess.run([program, "-c", show], capture_output=True, text=True, check=True, env=dict(os.environ))  # noqa: S603 - what was printed

    assert ran.stdout.splitlines() == [str(Path(sys.executable).parent / "sam"), aws.endpoint]


def test_the_path_is_not_made_longer_twice(
    aws: EmbeddedAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is printed only where the folder is not on the path."""
    monkeypatch.setenv("PATH", f"/usr/bin:{Path(sys.executable).parent}")

    command.print_environment(aws)

    assert "PATH=" not in capsys.readouterr().out
