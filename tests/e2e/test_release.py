"""The release: equal bytes from two clones, and all that a user needs without a clone."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.artifacts import Release
from functional.test_wheel import LIBRARIES

from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.server import PROJECT
from local.client.stacks import Stacks, elsewhere
from local.demo import provider
from local.demo.associations import Encryption, encryption_of, owner_of, template
from log_group_kms.version import VERSION
from tools.release.contents import SUMS


def clone(into: Path, mask: int) -> Path:
    """Clone this repository under *mask*, so that its files have other permissions and times."""
    command = ["git", "clone", "--quiet", "--no-hardlinks", str(PROJECT), str(into)]
    subprocess.run(command, check=True, capture_output=True, umask=mask)  # noqa: S603 - our own words
    return into


def released(into: Path, mask: int, time_zone: str) -> Path:
    """The `dist/` of a clone, as `make release` makes it there."""
    tree = clone(into, mask)
    environment = {**os.environ, "TZ": time_zone, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("SOURCE_DATE_EPOCH", None)
    command = [sys.executable, "-m", "tools.release"]
    ran = subprocess.run(  # noqa: S603 - our own words
        command, cwd=tree, env=environment, umask=mask, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return tree / "dist"


@pytest.fixture(scope="module")
def dists(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two clones' releases."""
    # A release is made from commits: an unpacked archive of the sources has none.
    if not shutil.which("git") or not (PROJECT / ".git").exists():
        pytest.skip("these sources are no clone")
    folder = tmp_path_factory.mktemp("clones")
    return [released(folder / "one", 0o022, "UTC"), released(folder / "another one", 0o077, "Asia/Tokyo")]


@pytest.fixture(scope="module")
def release(dists: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release that was downloaded: the clones are gone from where it is."""
    folder = tmp_path_factory.mktemp("download") / "release"
    shutil.copytree(dists[0], folder)
    return Release(folder)


def contents(folder: Path) -> dict[str, tuple[str, int, float]]:
    """Each file's hash, permissions and time."""
    return {
        path.relative_to(folder).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mode & 0o777,
            path.stat().st_mtime,
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_two_clones_give_the_same_bytes(dists: list[Path]) -> None:
    """Neither the folder, the umask, the time zone nor the time of day is in any of it."""
    one, another = map(contents, dists)

    assert one == another


def test_the_sums_are_those_of_all_files(release: Release) -> None:
    """`sha256sum --check` finds each file of the release, and each file has a sum."""
    lines = (release.folder / SUMS).read_text().splitlines()

    assert {name: digest for digest, name in (line.split("  ") for line in lines)} == {
        name: digest for name, (digest, *_) in contents(release.folder).items() if name != SUMS
    }


def test_it_holds_all_that_was_promised(release: Release) -> None:
    """Templates, code, command line, bill of materials; and for the editor what the sources have."""
    names = set(contents(release.folder))
    always = {"provider.yaml", "landing-zone.yaml", "log-group-kms-association.cdx.json", "LICENSE", release.wheel.name}
    editor = {f"{name}-{VERSION}.zip" for name in ("cfn-lint", "cfn-guard") if (PROJECT / name).exists()}

    assert always | editor <= names
    assert release.code.name == f"{hashlib.sha256(release.code.read_bytes()).hexdigest()}.zip"
    assert release.wheel.name == f"log_group_kms_association-{VERSION}-py3-none-any.whl"
    assert json.loads((release.folder / "log-group-kms-association.cdx.json").read_text())["metadata"]["component"][
        "version"
    ] == (VERSION)
    for path in release.folder.glob("*.zip"):
        assert zipfile.ZipFile(path).testzip() is None


@pytest.fixture(scope="module")
def command_line(release: Release) -> str:
    """The wheel in a fresh virtual environment, beside its dependencies and nothing else; without the network."""
    environment = release.folder.parent / "environment"
    python = str(environment / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, capture_output=True)  # noqa: S603 - ours
    install = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*install, str(release.wheel)], check=True, capture_output=True)  # noqa: S603 - ours
    (site,) = (environment / "lib").glob("*/site-packages")
    for name in LIBRARIES:
        (site / name).symlink_to(Path(pytest.__file__).parents[1] / name)
    return str(environment / "bin" / "log-group-kms")


@pytest.fixture(scope="module")
def aws(release: Release) -> Iterator[EmbeddedAws]:
    """An account with the released provider, deployed by the SAM CLI from the folder of the download."""
    with EmbeddedAws.start(auth=True, patient=True) as aws:
        ran = release.deploy(aws)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        yield aws


def test_the_released_provider_encrypts_a_log_group(aws: EmbeddedAws) -> None:
    """From the artifacts alone: a stack is created, a log group is under its key, and the stack goes again."""
    stacks, key = Stacks(aws), keys.create(aws)
    aws.client("logs").create_log_group(logGroupName="/orders")

    created = stacks.deploy("orders", template(LogEncryption={"LogGroupName": "/orders", "KmsKeyId": key}))
    found, owner = encryption_of(aws, "/orders"), owner_of(stacks, "orders", "LogEncryption")
    deleted = stacks.delete("orders")

    assert (created, deleted) == ("CREATE_COMPLETE", "")
    assert found == Encryption(key, owner, "none")
    assert encryption_of(aws, "/orders") == Encryption()


def test_the_version_is_told_wherever_one_looks(aws: EmbeddedAws, release: Release, command_line: str) -> None:
    """By the command line, the stack's output, the functions' descriptions, the log, and `doctor`."""
    functions = aws.client("lambda").list_functions()["Functions"]
    described = {each["FunctionName"]: each["Description"] for each in functions}
    key = keys.create(aws)

    told = release.run([command_line, "--version"], {})
    doctor = [command_line, "doctor", "--prefix", "*", "--kms-key-id", key, "--json"]
    checked = release.run(doctor, aws.environment)
    provider_check = json.loads(checked.stdout)["checks"][0]

    assert (told.stdout, told.stderr) == (f"log-group-kms {VERSION}\n", "")
    assert Stacks(aws).outputs(provider.STACK)["Version"] == VERSION
    assert {text.split(" of ")[0].split(",")[0] for text in described.values()} == {f"Version {VERSION}"}
    assert (provider_check["check"], provider_check["level"]) == ("provider", "ok")
    assert f"version {VERSION}, in " in provider_check["answer"]


def test_the_released_landing_zone(aws: EmbeddedAws, release: Release) -> None:
    """Another Region: the same package in its bucket, and the plain template as a stack."""
    there = elsewhere(aws, region="eu-central-1")
    bucket = "landing-zone-code-eu-central-1"
    there.client("s3").create_bucket(
        Bucket=bucket,
        CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
    )
    there.client("s3").put_object(Bucket=bucket, Key=release.code.name, Body=release.code.read_bytes())
    there.client("logs").create_log_group(logGroupName="/before")
    stacks = Stacks(there)

    # Larger than what CloudFormation takes as text: it comes from the bucket, as a StackSet's does.
    body = (release.folder / "landing-zone.yaml").read_bytes()
    there.client("s3").put_object(Bucket=bucket, Key="landing-zone.yaml", Body=body)
    digest = base64.b64encode(hashlib.sha256(release.code.read_bytes()).digest()).decode()
    given = {"CodeBucketPrefix": "landing-zone-code", "CodeKey": release.code.name, "CodeSha256": digest}
    there.client("cloudformation").create_stack(
        StackName="logs",
        TemplateURL=f"{there.endpoint}/{bucket}/landing-zone.yaml",
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    deadline = time.monotonic() + 120
    while (status := stacks.status("logs")).endswith("_IN_PROGRESS") and time.monotonic() < deadline:
        time.sleep(0.1)
    found = encryption_of(there, "/before")
    version = stacks.outputs("logs")["Version"]
    there.close()

    assert status == "CREATE_COMPLETE"
    assert found
    assert found.key
    assert version == VERSION
