"""The provider, built as its users build it, and deployed under the run's own names beside any other."""

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from acceptance import PROJECT
from acceptance.account import Account
from acceptance.foundation import KEYS
from acceptance.names import Run
from acceptance.stacks import Stacks

#: Of the provider's function, in template.yaml.
HANDLER: Final = "log_group_kms.handlers.provider.handler"
#: All names of template.yaml begin so; what follows a colon is a tag's name, which is part of the contract.
_NAME: Final = re.compile(r"log-group-kms-association(?!:)")
_EXPORT: Final = "LogGroupKmsAssociation-ServiceToken"
_CODE: Final = re.compile(r"CodeUri: (?P<folder>\w+)$", re.MULTILINE)
#: Of a zip's members, so that equal files make equal zips.
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)


class BuildFailedError(Exception):
    """`sam build` failed; what it printed is the message."""


def build(workspace: Path) -> Path:
    """Run `sam build` of template.yaml, and return the built template.

    Raises:
        BuildFailedError: it failed, or there is no `sam`.
    """
    beside = Path(sys.executable).parent / "sam"
    sam = str(beside) if beside.exists() else shutil.which("sam")
    if sam is None:
        raise BuildFailedError("The SAM CLI is not there: `make setup` installs it.")
    built = workspace / "build"
    command = [sam, "build", "--template-file", str(PROJECT / "template.yaml"), "--build-dir", str(built)]
    environment = {**os.environ, "PYTHON": sys.executable, "SAM_CLI_TELEMETRY": "0", "TMPDIR": str(workspace)}
    status, output = _run(command, workspace, environment)
    if status:
        raise BuildFailedError(f"`sam build` failed:\n{output}")
    return built / "template.yaml"


def _run(command: list[str], workspace: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a command; whatever happens, nothing of it is left running."""
    process = subprocess.Popen(  # nosec B603 # noqa: S603 - the SAM CLI
        command,
        cwd=workspace,
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
    return process.returncode, output


def deploy(account: Account, run: Run, foundation: Mapping[str, str], built: Path) -> None:
    """Put code and template into the run's bucket, and create the provider's stack, with a fleet and its enrolment.

    In a request a template has at most 51,200 bytes (CloudFormation user guide, quotas), which this one exceeds.

    Raises:
        StackFailedError: the stack is not created.
    """
    bucket, s3 = foundation["Bucket"], account.client("s3")

    def uploaded(found: re.Match[str]) -> str:
        name = f"{found['folder']}.zip"
        s3.put_object(Bucket=bucket, Key=name, Body=_zipped(built.parent / found["folder"]))
        return f"CodeUri: s3://{bucket}/{name}"

    parameters = {
        "KmsKeyArns": ",".join(foundation[key] for key in KEYS),
        "FleetKmsKeyId": foundation["Key"],
        "FleetLogGroupNamePrefix": run.fleet,
        "LogRetentionInDays": "1",
    }
    template = renamed(_CODE.sub(uploaded, built.read_text()), run)
    s3.put_object(Bucket=bucket, Key="template.yaml", Body=template.encode())
    Stacks(account, run).create(run.provider, f"{s3.meta.endpoint_url}/{bucket}/template.yaml", parameters)


def renamed(template: str, run: Run) -> str:
    """Return the provider's template with the run's names for its own; the tags that it writes stay as they are."""
    return _NAME.sub(run.name, template).replace(_EXPORT, run.export)


def _zipped(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _EARLIEST)
            member.external_attr = 0o644 << 16
            archive.writestr(member, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()
