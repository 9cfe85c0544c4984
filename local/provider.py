"""The provider built and deployed with the real SAM CLI, into the embedded AWS."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from local.embedded_aws import EmbeddedAws
from local.server import PROJECT

STACK: Final = "log-group-kms-association"
_SAM: Final = str(Path(sys.executable).parent / "sam")
_CONFIGURATION: Final = ("--config-file", str(PROJECT / "samconfig.toml"))


class CommandFailedError(Exception):
    """A command failed; all that it printed is the message."""


def build(directory: Path, template: Path = PROJECT / "template.yaml") -> Path:
    """`sam build` into *directory*, where nothing else is; the built template."""
    built = directory / "build"
    _run([_SAM, "build", *_CONFIGURATION, "--template-file", str(template), "--build-dir", str(built)])
    return built / "template.yaml"


def deploy(aws: EmbeddedAws, built: Path) -> None:
    """`sam deploy` of a built template, with the project's samconfig.toml, as the account's root."""
    command = [_SAM, "deploy", *_CONFIGURATION, "--template-file", str(built)]
    _run([*command, "--no-confirm-changeset", "--no-progressbar"], aws.environment)


def delete(aws: EmbeddedAws) -> None:
    """`sam delete`."""
    command = [_SAM, "delete", *_CONFIGURATION, "--stack-name", STACK, "--region", aws.region, "--no-prompts"]
    _run(command, aws.environment)


def _run(command: list[str], variables: dict[str, str] | None = None) -> None:
    """Run a command that has to succeed; whatever happens, nothing of it is left running."""
    process = subprocess.Popen(  # noqa: S603 - our own commands
        command,
        cwd=PROJECT,
        env={**_callers_environment(), **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A group of its own, so that it ends together with make and pip below it.
        start_new_session=True,
    )
    try:
        output, _ = process.communicate()
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode:
        raise CommandFailedError(f"{' '.join(command)}\n{output}")


def _callers_environment() -> dict[str, str]:
    """The caller's own, without any AWS account, profile or setting of theirs."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_CLI_"))}
    return {
        **inherited,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHON": sys.executable,
        "SAM_CLI_TELEMETRY": "0",
        # Seconds between two looks of `sam deploy`; its default of 5 is for the real CloudFormation.
        "SAM_CLI_POLL_DELAY": "0.2",
    }
