"""The package that `sam build` makes, looked at and imported as Lambda would."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tools import sbom

PROJECT: Final = Path(__file__).parents[2]
#: What AWS's runtime brings along: boto3 and all that it needs.
RUNTIME_PACKAGES: Final = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")
#: The unchecked form: the loader takes it without a look at the source.
UNCHECKED_HASH: Final = (1).to_bytes(4, "little")

IMPORT: Final = """
import json, sys
artifact, runtime = sys.argv[1:]
sys.path += [artifact, runtime]
import log_group_kms.handlers.provider
origins = {
    name: module.__spec__.origin or ""
    for name, module in list(sys.modules.items())
    if getattr(module, "__spec__", None) and module.__spec__.has_location
}
print(json.dumps(origins))
"""


def copy_of_the_sources(directory: Path) -> Path:
    """A clone's share in the build: nothing that lies about in the working tree, and nothing is written into it."""
    leavings = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(PROJECT / "src", directory / "src", ignore=leavings)
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(PROJECT / name, directory)
    return directory


def run(command: list[str], cwd: Path, **variables: str) -> str:
    """What *command* prints; it has to succeed."""
    ran = subprocess.run(  # noqa: S603 - our own commands
        command, cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as `sam build` makes it from a fresh clone."""
    clone = copy_of_the_sources(tmp_path_factory.mktemp("clone"))
    sam = str(Path(sys.executable).parent / "sam")
    run([sam, "build"], clone, SAM_CLI_TELEMETRY="0", PYTHON=sys.executable)
    return clone / ".aws-sam" / "build" / "ProviderFunction"


def compiled(directory: Path) -> Path:
    """The package as if this Python were the runtime's, so that it gets its bytecode on every machine."""
    sources = copy_of_the_sources(directory) / "src"
    artifacts = directory / "artifacts"
    artifacts.mkdir()
    version = "{}.{}".format(*sys.version_info)
    make = ["make", "--silent", "build-ProviderFunction", f"RUNTIME={version}", f"ARTIFACTS_DIR={artifacts}"]
    run([*make, f"PYTHON={sys.executable}"], sources)
    return artifacts


@pytest.fixture(scope="module")
def compiled_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that no test changes."""
    return compiled(tmp_path_factory.mktemp("compiled"))


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What /var/runtime has, and nothing else of this virtual environment."""
    installed = Path(pytest.__file__).parents[1]
    directory = tmp_path_factory.mktemp("runtime")
    for name in RUNTIME_PACKAGES:
        (directory / name).symlink_to(installed / name)
    return directory


def origins(package: Path, runtime: Path) -> dict[str, str]:
    """Where each module came from when the handler was imported; a warning is an error."""
    command = [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", IMPORT, str(package), str(runtime)]
    found: dict[str, str] = json.loads(run(command, package, AWS_REGION="eu-west-1"))
    return found


def test_the_package_needs_only_what_the_runtime_brings(package: Path, runtime: Path) -> None:
    """The handler is imported, and all beside the standard library and botocore comes from the package."""
    found = origins(package, runtime)
    from_package = {name.partition(".")[0] for name, origin in found.items() if Path(origin).is_relative_to(package)}
    from_runtime = {name.partition(".")[0] for name, origin in found.items() if Path(origin).is_relative_to(runtime)}
    elsewhere = {origin for origin in found.values() if "site-packages" in origin}

    assert {"log_group_kms", "crhelper", "aws_lambda_powertools"} <= from_package
    assert "botocore" in from_runtime
    assert elsewhere == set()


def test_the_bill_of_materials_lists_what_the_package_holds(package: Path) -> None:
    """Each package with its version, and no other: what `make sbom` reads from the lock file is what was built."""
    held = {tuple(path.name.removesuffix(".dist-info").split("-")) for path in package.glob("*.dist-info")}
    listed = sbom.document(sbom.LOCK.read_text(), "1.0.0")["components"]

    assert {(one["name"].replace("-", "_"), one["version"]) for one in listed} == held


def test_the_package_holds_what_is_run_and_its_licences(package: Path) -> None:
    """Neither boto3 nor tests nor scripts are shipped; every dependency's licence is."""
    names = {path.name for path in package.iterdir()}
    without_licence = [
        info.name for info in package.glob("*.dist-info") if not [*info.glob("LICENSE*"), *info.glob("licenses/*")]
    ]

    assert names.isdisjoint({"boto3", "botocore", "tests", "bin", "Makefile", "requirements.txt", ".pip"})
    assert [path for path in package.rglob("test*") if path.is_dir()] == []
    assert [path for path in package.rglob("*") if path.suffix in {".so", ".pyd"}] == []
    assert without_licence == []


def test_the_package_is_small(compiled_package: Path) -> None:
    """Unzipped and with its bytecode it stays under 3.2 MB: 0.9 of it are Powertools' batches and their events."""
    size = sum(path.stat().st_size for path in compiled_package.rglob("*") if path.is_file())

    assert size < 3_200_000


def test_the_package_is_without_the_command_line(compiled_package: Path) -> None:
    """That is a program of its own: no function runs it, and nobody starts a package in Lambda."""
    package = compiled_package / "log_group_kms"
    folders = {path.name for path in package.iterdir() if path.is_dir()} - {"__pycache__"}
    sources = {path.name for path in (PROJECT / "src" / "log_group_kms").iterdir() if any(path.glob("*.py"))}

    assert folders == sources - {"cli"}
    assert [*package.glob("**/__main__*"), *package.glob("**/surroundings*")] == []


def test_every_module_is_compiled_for_a_read_only_folder(compiled_package: Path) -> None:
    """Where the runtime's Python builds it, each module has bytecode that Python takes without a look at the source."""
    sources = {path.relative_to(compiled_package) for path in compiled_package.rglob("*.py")}
    bytecode = list(compiled_package.rglob("*.pyc"))
    modules = {path.parent.parent.relative_to(compiled_package) / f"{path.name.split('.')[0]}.py" for path in bytecode}

    assert modules == sources
    assert {path.read_bytes()[4:8] for path in bytecode} == {UNCHECKED_HASH}


def test_equal_sources_give_an_equal_package(compiled_package: Path, tmp_path: Path) -> None:
    """A second build has the same files with the same contents and times, so that its zip is the same."""
    assert contents(compiled(tmp_path)) == contents(compiled_package)


def contents(package: Path) -> dict[str, Any]:
    """Each file's hash and time, which make the zip what it is."""
    return {
        str(path.relative_to(package)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime)
        for path in package.rglob("*")
        if path.is_file()
    }


def test_a_python_without_pip_builds_as_well(package: Path, tmp_path: Path) -> None:
    """Debian's own Python comes without pip: the build then makes itself a virtual environment."""
    bare = tmp_path / "python-without-pip"
    bare.write_text(f'#!/bin/sh\n[ "$2" = pip ] && exit 1\nexec "{sys.executable}" "$@"\n')
    bare.chmod(0o755)
    (tmp_path / "clone").mkdir()
    sources = copy_of_the_sources(tmp_path / "clone") / "src"
    artifacts = tmp_path / "artifacts"
    artifacts.mkdir()
    run(["make", "--silent", "build-ProviderFunction", f"ARTIFACTS_DIR={artifacts}", f"PYTHON={bare}"], sources)

    assert {path.name for path in artifacts.iterdir()} == {path.name for path in package.iterdir()}
