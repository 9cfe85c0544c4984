"""Who is measured: this provider, the floor, and the peers, each as a package that the runtime can run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, cast

from benchmarks import PROJECT
from benchmarks.peers import cdk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Properties = Callable[[str, str], Mapping[str, Any]]

OURS: Final = "This provider"
FLOOR: Final = "Floor: boto3 and the same calls"
NAIVE: Final = "crhelper as its README shows it"
INLINE: Final = "Inline handler with cfnresponse"
CDK: Final = "CDK's AwsCustomResource, under Node"

_PEERS: Final = PROJECT / "benchmarks" / "peers"
_VERSION: Final = "{}.{}".format(*sys.version_info)
_IN_PYTHON: Final = (sys.executable, "-S", "-m", "awslambdaric", "timed.handler")


def _named(log_group: str, key: str) -> Mapping[str, Any]:
    return {"KmsKeyId": key, "LogGroupName": log_group}


@dataclass(frozen=True, slots=True)
class Contender:
    """One that answers CloudFormation.

    Attributes:
        name: as the report has it.
        package: the folder that is deployed.
        handler: what in it is called.
        command: how its runtime is started.
        properties: what a template says, for a log group and a key.
        environment: the runtime's own variables.
        whole: whether it makes every call that the contract asks for, and not only the one.
    """

    name: str
    package: Path
    handler: str
    command: tuple[str, ...] = _IN_PYTHON
    properties: Properties = _named
    environment: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Contenders:
    """All that run here, this provider first; and why others do not."""

    all: tuple[Contender, ...]
    missing: tuple[str, ...]

    def __getitem__(self, name: str) -> Contender:
        """By its name."""
        return next(contender for contender in self.all if contender.name == name)


def build(workspace: Path, others: Sequence[Path] = ()) -> Contenders:
    """Make every package below *workspace*; *others* are sources of this provider, to see what a change brings."""
    missing = []
    contenders = [_ours(workspace, OURS, PROJECT / "src")]
    contenders += [_ours(workspace, f"This provider as in {sources.name}", sources) for sources in others]
    contenders += [_of_peer(workspace, FLOOR, "floor"), _of_peer(workspace, NAIVE, "naive")]
    contenders.append(_of_peer(workspace, INLINE, "inline"))
    try:
        contenders.append(_cdk(workspace))
    except cdk.NotInstalledError as why:
        missing.append(f"{CDK} is not measured here: {why}")
    return Contenders(tuple(contenders), tuple(missing))


def _ours(workspace: Path, name: str, sources: Path) -> Contender:
    """As `sam build` makes it, with bytecode for the Python that runs here."""
    copied, package = workspace / f"{name}, sources", workspace / name.replace(" ", "-")
    shutil.copytree(sources, copied, ignore=shutil.ignore_patterns("__pycache__"))
    package.mkdir()
    variables = (f"RUNTIME={_VERSION}", f"ARTIFACTS_DIR={package}", f"PYTHON={sys.executable}")
    command = ["make", "--silent", "-C", str(copied), "build-ProviderFunction", *variables]
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # noqa: S603 - our own makefile
    if ran.returncode:
        raise RuntimeError(ran.stdout)
    return Contender(name, package, "log_group_kms.handlers.provider.handler", whole=True)


def _of_peer(workspace: Path, name: str, module: str) -> Contender:
    """A module of `peers`, with what it imports beside what the runtime has."""
    package = workspace / module
    package.mkdir()
    shutil.copy(_PEERS / f"{module}.py", package)
    if module == "inline":
        shutil.copy(_PEERS / "cfnresponse.py", package)
    if module == "naive":
        (crhelper,) = cast("Any", find_spec("crhelper")).submodule_search_locations
        shutil.copytree(crhelper, package / "crhelper", ignore=shutil.ignore_patterns("__pycache__"))
    compiled(package)
    return Contender(name, package, f"{module}.handler", whole=name == FLOOR)


def _cdk(workspace: Path) -> Contender:
    installed = cdk.install()
    package = workspace / "cdk"
    package.mkdir()
    shutil.copy(installed.handler, package / "index.js")
    return Contender(
        CDK,
        package,
        f"{package / 'index.js'}#handler",
        (installed.node, str(_PEERS / "node_runtime.js")),
        _as_the_cdk_writes_it,
        {"NODE_PATH": str(installed.modules)},
    )


def _as_the_cdk_writes_it(log_group: str, key: str) -> Mapping[str, Any]:
    """The properties that `new AwsCustomResource(...)` puts into a template: each call as a string of JSON."""

    def call(action: str, **parameters: str) -> str:
        identity = {"physicalResourceId": {"id": log_group}}
        return json.dumps({"service": "CloudWatchLogs", "action": action, "parameters": parameters, **identity})

    associate = call("associateKmsKey", logGroupName=log_group, kmsKeyId=key)
    disassociate = call("disassociateKmsKey", logGroupName=log_group)
    return {"Create": associate, "Update": associate, "Delete": disassociate, "InstallLatestAwsSdk": "false"}


def compiled(folder: Path) -> None:
    """Put bytecode beside every module, as our own build does."""
    command = [sys.executable, "-Im", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)]
    subprocess.run(command, check=True)  # noqa: S603 - our own words
