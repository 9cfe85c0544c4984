"""Releases: built from sources, copied away from them, and deployed with nothing but what is in them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.client.embedded_aws import EmbeddedAws
from local.client.server import PROJECT
from local.demo import provider
from tools.release.contents import ARTIFACTS, Sources, write
from tools.version import set_version

#: Any would do.
EPOCH: Final = 1_800_000_000
_SAM: Final = str(Path(sys.executable).parent / "sam")
_NO_PARAMETERS: Final[Mapping[str, str]] = {}


def copy_of_the_sources(into: Path) -> Path:
    """Copy what a release is made from, and nothing that lies about beside it."""
    for top in sorted({Path(artifact.source).parts[0] for artifact in ARTIFACTS}):
        source = PROJECT / top
        if source.is_dir():
            shutil.copytree(source, into / top, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        elif source.exists():
            into.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, into / top)
    return into


@dataclass(frozen=True, slots=True)
class Release:
    """A release in a folder of its own, far from any clone."""

    folder: Path

    @classmethod
    def of_version(cls, version: str | None, workspace: Path) -> "Release":
        """Build it from this working tree, under another *version* where one is given."""
        tree = copy_of_the_sources(workspace / "tree")
        if version:
            set_version(tree, version)
        write(Sources(tree, EPOCH, workspace / "made"), workspace / "dist")
        shutil.rmtree(tree)
        return cls(workspace / "dist")

    @property
    def code(self) -> Path:
        """The functions' package."""
        (path,) = (self.folder / "code").iterdir()
        return path

    @property
    def wheel(self) -> Path:
        """The command line."""
        (path,) = self.folder.glob("*.whl")
        return path

    def deploy(
        self, aws: EmbeddedAws, template: str = "provider.yaml", parameters: Mapping[str, str] = _NO_PARAMETERS
    ) -> subprocess.CompletedProcess[str]:
        """Run `sam deploy` in the release's own folder, where no configuration is; return how it ended."""
        options = ["--stack-name", provider.STACK, "--resolve-s3", "--capabilities", "CAPABILITY_IAM"]
        options += ["--region", aws.region, "--no-fail-on-empty-changeset", "--no-progressbar"]
        if parameters:
            options += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
        return self.run([_SAM, "deploy", "--template-file", template, *options], aws.environment)

    def run(self, command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a *command* in its folder, without a clone and without any account but the one that is given."""
        inherited = {
            name: value
            for name, value in provider.environment_without_aws().items()
            if name not in ("PYTHONPATH", "VIRTUAL_ENV")
        }
        return subprocess.run(  # noqa: S603 - our own commands
            command,
            cwd=self.folder,
            env={
                **inherited,
                **environment,
                "SAM_CLI_TELEMETRY": "0",
                "SAM_CLI_POLL_DELAY": "0.2",
                "HOME": os.fspath(self.folder.parent),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
