"""The command line as `pip install .` brings it: a wheel of its own, with what it needs and no more."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from support.project import PROJECT
from support.template import TEMPLATE, load

if TYPE_CHECKING:
    from functional.conftest import Deployment

#: What the wheel's dependencies bring, and theirs. Neither crhelper nor Powertools is among them.
LIBRARIES: Final = (
    *("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3"),
    *("rich", "pygments", "markdown_it", "mdurl"),
)
#: Packages that are the functions' own.
FUNCTIONS_OWN: Final = ("cloudformation", "handlers", "lifecycle")

RUN: Final = """
import sys
from importlib.metadata import entry_points
site, libraries, *arguments = sys.argv[1:]
sys.path += [site, libraries]
sys.argv[1:] = arguments
(script,) = entry_points(group="console_scripts", name="log-group-kms")
sys.exit(script.load()())
"""
IMPORT: Final = """
import importlib, sys
site, libraries, *modules = sys.argv[1:]
sys.path += [site, libraries]
for module in modules:
    importlib.import_module(module)
"""


@dataclass(frozen=True)
class Installed:
    """The unpacked wheel, beside its dependencies and nothing else of this environment."""

    site: Path
    libraries: Path

    @property
    def distribution(self) -> PathDistribution:
        """The wheel's metadata."""
        (info,) = self.site.glob("*.dist-info")
        return PathDistribution(info)

    def modules(self) -> list[str]:
        """Return the names of all modules."""
        paths = (path.relative_to(self.site).with_suffix("") for path in self.site.rglob("*.py"))
        return sorted(".".join(path.parts).removesuffix(".__init__") for path in paths)

    def python(self, code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run *code*, which finds nothing but the standard library, the wheel and its dependencies."""
        return subprocess.run(  # noqa: S603 - our own interpreter and our own code
            [sys.executable, *("-I", "-S", "-B", "-W", "error", "-c"), code, self.site, self.libraries, *arguments],
            env={name: value for name, value in environment.items() if value},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel of this working tree, built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(  # noqa: S603 - our own interpreter
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"),
            *("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(PROJECT)),
        ],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    installed = Installed(folder / "site", folder / "libraries")
    zipfile.ZipFile(wheel).extractall(installed.site)
    installed.libraries.mkdir()
    for name in LIBRARIES:
        (installed.libraries / name).symlink_to(Path(pytest.__file__).parents[1] / name)
    return installed


def test_it_needs_boto3_and_rich(installed: Installed) -> None:
    """What the functions need is none of its business."""
    assert installed.distribution.requires == ["boto3", "rich"]


def test_it_holds_the_command_line_and_what_that_stands_on(installed: Installed) -> None:
    """One package, without the functions' own parts; no stray module, no test, no script."""
    names = {path.name for path in installed.site.iterdir()}
    packages = {path.name for path in (installed.site / "log_group_kms").iterdir()}

    assert {name.partition("-")[0] for name in names} == {"log_group_kms", "log_group_kms_association"}
    assert {"cli", "request", "fleet", "association", "retry", "aws", "model", "__main__.py"} <= packages
    assert packages.isdisjoint(FUNCTIONS_OWN)
    assert {path.suffix or path.name for path in (installed.site / "log_group_kms").rglob("*.*")} == {".py", ".typed"}


def test_each_of_its_modules_can_be_imported(installed: Installed) -> None:
    """None needs what is left out: neither a package of the functions, nor crhelper or Powertools."""
    modules = [name for name in installed.modules() if name != "log_group_kms.__main__"]

    imported = installed.python(IMPORT, *modules)

    assert (imported.returncode, imported.stderr) == (0, "")
    assert "log_group_kms.cli.main" in modules


def test_its_script_is_log_group_kms(installed: Installed) -> None:
    """That is the name in the help as well."""
    scripts = installed.distribution.entry_points.select(group="console_scripts")

    helped = installed.python(RUN, "--help")

    assert [(script.name, script.value) for script in scripts] == [("log-group-kms", "log_group_kms.cli.main:main")]
    assert (helped.returncode, helped.stderr) == (0, "")
    assert helped.stdout.startswith("usage: log-group-kms [-h] [--version] COMMAND ...")


@pytest.mark.parametrize("options", [["--json"], []], ids=["JSON", "tables"])
def test_a_report(installed: Installed, deployment: Deployment, options: list[str]) -> None:
    """The script works in an account."""
    deployment.log_group("/aws/lambda/orders", deployment.key())
    nowhere = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}

    ran = installed.python(RUN, "report", *options, **nowhere, **deployment.aws.environment)

    assert (ran.returncode, ran.stderr) == (0, "")
    if options:
        assert json.loads(ran.stdout)["encrypted"] == 1
    else:
        assert "1 of 1 under a customer managed key (100%), 0 without." in ran.stdout


def test_its_version_is_that_of_the_application(installed: Installed) -> None:
    """The Serverless Application Repository knows no other."""
    published = load(TEMPLATE)["Metadata"]["AWS::ServerlessRepo::Application"]["SemanticVersion"]

    assert installed.distribution.version == published
