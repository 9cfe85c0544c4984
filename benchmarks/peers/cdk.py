"""The function behind the CDK's `AwsCustomResource`, out of npm's `aws-cdk-lib`, with the AWS SDK that it needs.

Nothing of the CDK's cloud part is needed: the package ships the function ready to run. The whole package is 38 MB, of
which one file is kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

VERSION: Final = "2.276.0"
SDK: Final = "@aws-sdk/client-cloudwatch-logs@3.1169.0"
_HANDLER: Final = "package/custom-resource-handlers/dist/custom-resources/aws-custom-resource-handler/index.js"
_FOLDER: Final = PROJECT / ".local" / "peers" / "cdk"
_AT_LEAST: Final = 18


class NotInstalledError(Exception):
    """It cannot be had here; the message says why."""


@dataclass(frozen=True, slots=True)
class Installed:
    """Where it is."""

    node: str
    handler: Path
    modules: Path


def install() -> Installed:
    """Install it, unless that has been done.

    Raises:
        NotInstalledError: without npm, Node or the registry.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise NotInstalledError("it needs Node and npm")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own words
    if int(version.removeprefix("v").partition(".")[0]) < _AT_LEAST:
        raise NotInstalledError(f"it needs Node {_AT_LEAST} or later, this is {version.strip()}")
    installed = Installed(node, _FOLDER / f"handler-{VERSION}.js", _FOLDER / "node_modules")
    stamp = _FOLDER / f"{VERSION} {SDK}".replace("/", "+")
    if not stamp.exists():
        shutil.rmtree(_FOLDER, ignore_errors=True)
        _FOLDER.mkdir(parents=True)
        _take_the_handler(npm, installed.handler)
        # The lock would record where the packages came from.
        _npm(npm, "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", SDK)
        stamp.touch()
    return installed


def _take_the_handler(npm: str, handler: Path) -> None:
    (_FOLDER / "package.json").write_text('{"private": true}')
    _npm(npm, "pack", "--silent", f"aws-cdk-lib@{VERSION}")
    archive = _FOLDER / f"aws-cdk-lib-{VERSION}.tgz"
    with tarfile.open(archive) as package, handler.open("wb") as file:
        found = package.extractfile(_HANDLER)
        if found is None:
            raise NotInstalledError(f"aws-cdk-lib {VERSION} does not have {_HANDLER}")
        shutil.copyfileobj(found, file)
    archive.unlink()


def _npm(npm: str, *words: str) -> None:
    # npm warns of what it does not know in the user's own settings; errors are enough.
    environment = {**os.environ, "npm_config_loglevel": "error", "npm_config_update_notifier": "false"}
    ran = subprocess.run([npm, *words], cwd=_FOLDER, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if ran.returncode:
        raise NotInstalledError(f"npm {words[0]} failed: {ran.stderr.strip()[-300:]}")
