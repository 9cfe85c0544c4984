"""The contents of a release, each named once; a new one is entered in `ARTIFACTS`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from tools import sbom
from tools.release.zips import zipped
from tools.version import version_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: What builds the functions' package, in `src/Makefile`: one for all of them, as `make landing-zone` does it.
_BUILDS: Final = ("build-ProviderFunction", "build-WakerFunction")
#: The templates of a release, for whoever has no clone.
PROVIDER, LANDING_ZONE = "provider.yaml", "landing-zone.yaml"
TEMPLATES: Final = frozenset({PROVIDER, LANDING_ZONE})
#: Earlier than this no zip can date a file.
_ZIP_EPOCH: Final = 315_532_800


class IncompleteError(Exception):
    """The sources are not as this program knows them, or a part cannot be built."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What a release is made from.

    Attributes:
        tree: the sources, and nothing that lies about beside them.
        epoch: the time of the commit, in seconds since the epoch.
        workspace: a folder for what is made on the way.
    """

    tree: Path
    epoch: int
    workspace: Path

    @property
    def version(self) -> str:
        """The version of the sources."""
        return version_of(self.tree)

    @property
    def date(self) -> int:
        """The time that the files of archives get."""
        return max(self.epoch, _ZIP_EPOCH)

    def run(self, *command: str) -> None:
        """Run a command of ours in the sources, which has to succeed.

        Raises:
            IncompleteError: it did not; with all that it printed.
        """
        # A seed, as bytecode holds sets; the time, for the wheel.
        fixed = {"SOURCE_DATE_EPOCH": str(self.date), "PYTHONHASHSEED": "0", "PYTHON": sys.executable}
        ran = subprocess.run(  # nosec B603 # noqa: S603 - our own commands
            command, cwd=self.tree, env={**os.environ, **fixed}, capture_output=True, text=True, check=False
        )
        if ran.returncode:
            raise IncompleteError(f"{' '.join(command)}\n{ran.stdout}{ran.stderr}")


@dataclass(frozen=True, slots=True)
class Artifact:
    """A part of a release.

    Attributes:
        source: the file or folder of the sources that it needs.
        make: returns its files, each by its path in the release.
        optional: True where a release does without, if the sources have no *source*.
    """

    source: str
    make: Callable[[Sources], dict[str, bytes]]
    optional: bool = False


def _code(sources: Sources) -> dict[str, bytes]:
    """Return the functions' package as the landing zone packs and names it: by the hash of its contents."""
    built, packed = sources.workspace / "built", sources.workspace / "packed"
    if not packed.exists():
        built.mkdir(parents=True)
        packed.mkdir()
        for target in _BUILDS:
            sources.run("make", "--silent", "-C", "src", target, f"ARTIFACTS_DIR={built}")
        sources.run(sys.executable, "examples/landing-zone/package.py", str(built), str(packed))
    return {f"code/{path.name}": path.read_bytes() for path in packed.iterdir()}


def _provider(sources: Sources) -> dict[str, bytes]:
    """Return the provider's template, which takes its code from beside it, and needs no `sam build`."""
    (code,) = _code(sources)
    text = (sources.tree / "template.yaml").read_text()
    text, functions = re.subn(r"(?m)^      CodeUri: src/$", f"      CodeUri: {code}", text)
    text, built = re.subn(r"(?m)^      (# SAM's own Python builder.*|BuildMethod: makefile)\n", "", text)
    # What held nothing else is gone with it: an empty one is no mapping.
    text = re.sub(r"(?m)^    Metadata:\n(?=    \S)", "", text)
    if functions < len(_BUILDS) or built <= functions:
        raise IncompleteError("template.yaml does not build its functions from src/ with makefile")
    return {PROVIDER: text.encode()}


def _wheel(sources: Sources) -> dict[str, bytes]:
    """Return the command line's wheel; hatchling gives it the same time, order and permissions everywhere."""
    into = sources.workspace / "wheel"
    quiet = ("--disable-pip-version-check", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    sources.run(sys.executable, "-m", "pip", *quiet, "--wheel-dir", str(into), str(sources.tree))
    (wheel,) = into.glob("*.whl")
    return {wheel.name: wheel.read_bytes()}


def _materials(sources: Sources) -> dict[str, bytes]:
    document = sbom.document((sources.tree / "src" / "requirements.txt").read_text(), sources.version)
    return {sbom.WRITTEN.name: f"{json.dumps(document, indent=2)}\n".encode()}


def _file(name: str, source: str) -> Artifact:
    return Artifact(source, lambda sources: {name: (sources.tree / source).read_bytes()})


def _folder(name: str, source: str, *, optional: bool = False) -> Artifact:
    """Return a folder as an archive, for those who copy the whole of it."""
    return Artifact(
        source,
        lambda sources: {f"{name}-{sources.version}.zip": zipped(sources.tree / source, sources.date, name)},
        optional,
    )


def _each_file(source: str, *, optional: bool = False) -> Artifact:
    """Return the files of a folder as they are, for those who point at one of them."""
    return Artifact(
        source,
        lambda sources: {
            path.relative_to(sources.tree).as_posix(): path.read_bytes()
            for path in (sources.tree / source).rglob("*")
            if path.is_file()
        },
        optional,
    )


#: All of a release but its sums. An optional one is left out where the sources have no such folder.
ARTIFACTS: Final = (
    Artifact("src/Makefile", _code),
    Artifact("template.yaml", _provider),
    _file(LANDING_ZONE, "examples/landing-zone/template.yaml"),
    Artifact("pyproject.toml", _wheel),
    Artifact("src/requirements.txt", _materials),
    _folder("cfn-lint", "cfn-lint", optional=True),
    _folder("cfn-guard", "cfn-guard", optional=True),
    _each_file("schema", optional=True),
    # `sam deploy` reads the first two for the application's metadata.
    _file("LICENSE", "LICENSE"),
    _file("README.md", "README.md"),
    _file("CHANGELOG.md", "CHANGELOG.md"),
)
SUMS: Final = "SHA256SUMS"


def write(sources: Sources, into: Path) -> list[str]:
    """Write the release into the folder *into*, which is emptied first; return the names of its files.

    Raises:
        IncompleteError: a source is missing, or a part cannot be built.
    """
    files: dict[str, bytes] = {}
    for artifact in ARTIFACTS:
        if (sources.tree / artifact.source).exists():
            files |= artifact.make(sources)
        elif not artifact.optional:
            raise IncompleteError(f"There is no {artifact.source}")
    lines = [f"{sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items())]
    files[SUMS] = "".join(lines).encode()
    shutil.rmtree(into, ignore_errors=True)
    for name, content in files.items():
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o644)
        os.utime(path, (sources.epoch, sources.epoch))
    return sorted(files)
