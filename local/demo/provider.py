"""The provider built and deployed with the real SAM CLI, into the embedded AWS."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from local.client.embedded_aws import EmbeddedAws
from local.client.server import PROJECT

STACK: Final = "log-group-kms-association"
_SAM: Final = str(Path(sys.executable).parent / "sam")
_NO_PARAMETERS: Final[Mapping[str, str]] = {}
_CONFIGURATION: Final = ("--config-file", str(PROJECT / "samconfig.toml"))


class CommandFailedError(Exception):
    """A command failed; all that it printed is the message."""


class Sam:
    """The SAM CLI with the project's samconfig.toml; all that it writes is in *workspace*."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace

    def build(self, template: Path = PROJECT / "template.yaml") -> Path:
        """Run `sam build`, and return the path of the built template.

        Raises:
            CommandFailedError: it failed.
        """
        built = self._workspace / "build"
        self._sam({}, "build", "--template-file", str(template), "--build-dir", str(built))
        return built / "template.yaml"

    def deploy(
        self, aws: EmbeddedAws, built: Path, stack: str = STACK, parameters: Mapping[str, str] = _NO_PARAMETERS
    ) -> None:
        """Run `sam deploy` of a built template, as the account's root.

        Raises:
            CommandFailedError: it failed.
        """
        options = ["--stack-name", stack, "--no-confirm-changeset", "--no-progressbar"]
        if parameters:
            options += ["--parameter-overrides", *(f'{name}="{value}"' for name, value in parameters.items())]
        self._sam(aws.environment, "deploy", "--template-file", str(built), *options)

    def delete(self, aws: EmbeddedAws) -> None:
        """Run `sam delete`.

        Raises:
            CommandFailedError: it failed.
        """
        self._sam(aws.environment, "delete", "--stack-name", STACK, "--region", aws.region, "--no-prompts")

    def _sam(self, variables: dict[str, str], command: str, *options: str) -> None:
        # It leaves files behind in TMPDIR.
        environment = {**_environment(), **variables, "TMPDIR": str(self._workspace)}
        _run([_SAM, command, *_CONFIGURATION, *options], environment)


def _run(command: list[str], environment: dict[str, str]) -> None:
    """Run a command that has to succeed; whatever happens, nothing of it is left running."""
    process = subprocess.Popen(  # nosec B603 # noqa: S603 - our own commands
        command,
        cwd=PROJECT,
        env=environment,
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


def environment_without_aws() -> dict[str, str]:
    """Return the caller's environment without any AWS account, profile or setting of theirs."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_CLI_"))}
    return {**inherited, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def _environment() -> dict[str, str]:
    return {
        **environment_without_aws(),
        "PYTHON": sys.executable,
        "SAM_CLI_TELEMETRY": "0",
        # Seconds between two looks of `sam deploy`; its default of 5 is for the real CloudFormation.
        "SAM_CLI_POLL_DELAY": "0.2",
    }
