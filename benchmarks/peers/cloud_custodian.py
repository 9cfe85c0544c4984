"""Cloud Custodian's `set-encryption` over every log group of an account: what people run for fleets today.

Lock its packages anew, with uv: `echo c7n | uv pip compile - --universal --python-version 3.11 --generate-hashes
--no-emit-index-url --no-header --no-annotate -o benchmarks/peers/requirements-c7n.txt`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import PROJECT
from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.emulator.quotas import OFF

_REQUIREMENTS: Final = Path(__file__).parent / "requirements-c7n.txt"
_FOLDER: Final = PROJECT / ".local" / "peers" / "c7n"
#: Written once all is there.
_STAMP: Final = _FOLDER / "installed-requirements.txt"


class NotInstalledError(Exception):
    """It cannot be had here; the message says why."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run did.

    Attributes:
        seconds: of the run, from the start of its process to its end.
        calls: how many of Logs and KMS.
        refused: how many of them were throttled.
        encrypted: how many log groups had the key in the end.
        succeeded: whether it said so.
    """

    seconds: float
    calls: int
    refused: int
    encrypted: int
    succeeded: bool


def run(log_groups: int, factor: float) -> Ran:
    """Encrypt so many log groups on an account of their own, at *factor* times AWS's quotas.

    Raises:
        NotInstalledError: without the registry.
    """
    custodian = install()
    with EmbeddedAws.start(quota_factor=OFF) as aws, tempfile.TemporaryDirectory() as folder:
        key = keys.create(aws)
        logs = aws.client("logs")
        names = [f"/app/{number:06d}" for number in range(log_groups)]
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda name: logs.create_log_group(logGroupName=name), names))
        aws.direction.scale_quotas(factor)
        aws.direction.forget_calls()
        begun = time.monotonic()
        succeeded = _encrypt(custodian, aws, key, Path(folder))
        seconds = time.monotonic() - begun
        calls = aws.direction.calls()
        aws.direction.scale_quotas(OFF)
        pages = logs.get_paginator("describe_log_groups").paginate()
        encrypted = sum(group.get("kmsKeyId") == key for page in pages for group in page["logGroups"])
    refused = sum(call.error == "ThrottlingException" for call in calls)
    return Ran(seconds, len(calls), refused, encrypted, succeeded)


def _encrypt(custodian: Path, aws: EmbeddedAws, key: str, folder: Path) -> bool:
    # Its filter, so that a second run leaves alone what is done.
    action = {"type": "set-encryption", "kms-key": key}
    policy = {"name": "encrypt", "resource": "aws.log-group", "filters": [{"kmsKeyId": "absent"}], "actions": [action]}
    file = folder / "policy.json"
    file.write_text(json.dumps({"policies": [policy]}))
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), **aws.environment}
    command = [str(custodian), "run", "--region", aws.region, "--cache-period", "0"]
    command += ["--output-dir", str(folder / "out"), str(file)]
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0  # noqa: S603 - our own words


def install() -> Path:
    """Its command, in a virtual environment of its own, from locked packages; installed unless that has been done.

    Raises:
        NotInstalledError: without the registry.
    """
    custodian = _FOLDER / "bin" / "custodian"
    if _STAMP.exists() and _STAMP.read_text() == _REQUIREMENTS.read_text():
        return custodian
    venv.create(_FOLDER, clear=True, with_pip=True)
    command = [str(_FOLDER / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "-r", str(_REQUIREMENTS)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # noqa: S603 - our own words
    if ran.returncode:
        raise NotInstalledError(f"pip failed: {ran.stdout.strip()[-300:]}")
    _STAMP.write_text(_REQUIREMENTS.read_text())
    return custodian


if __name__ == "__main__":
    print(run(int(sys.argv[1]), float(sys.argv[2])))
