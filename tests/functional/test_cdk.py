"""The example of a CDK construct, synthesised: its template is one that the provider and cfn-lint take.

CDK runs in node. Where there is none, `make check` sets no environment up for it, and these tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from support.template import CHINA, PROJECT, Resolver, as_list, load

from log_group_kms.model.keys import KeyArn
from log_group_kms.model.targets import Fleet, LogGroup, Place, QueryResults
from log_group_kms.request.parse import parse_association

PYTHON: Final = PROJECT / ".venv-cdk" / "bin" / "python"
PLACE: Final = Place("aws-cn", "cn-north-1", "111122223333")
KEY: Final = "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
LANDING_ZONE: Final = PROJECT / "examples" / "landing-zone" / "template.yaml"
#: What Landing Zone Accelerator does with each of `cloudFormationStacks`: it includes the template into a stack.
INCLUDE: Final = f"""
from aws_cdk import App, LegacyStackSynthesizer, Stack
from aws_cdk.cloudformation_include import CfnInclude

app = App()
stack = Stack(app, "included", synthesizer=LegacyStackSynthesizer())
CfnInclude(stack, "template", template_file={str(LANDING_ZONE)!r})
app.synth()
"""

#: The oldest node that jsii, CDK's bridge to Python, takes.
OLDEST_NODE: Final = 18


def node() -> int:
    """Return the major version of node, 0 where there is none."""
    program = shutil.which("node")
    if program is None:
        return 0
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - found above
    return int(told.stdout.strip().lstrip("v").partition(".")[0] or 0)


# The construct is an example; the project itself needs no node.
pytestmark = pytest.mark.skipif(
    node() < OLDEST_NODE or not PYTHON.exists(),
    reason=f"CDK runs in node {OLDEST_NODE} or later: `make cdk` sets its environment up where node is found",
)


def synthesised(folder: Path, *arguments: str) -> Any:
    """Return the template that a CDK program makes."""
    environment = os.environ | {"CDK_OUTDIR": str(folder), "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1"}
    subprocess.run([str(PYTHON), *arguments], check=True, env=environment, capture_output=True)  # noqa: S603 - our own
    (path,) = folder.glob("*.template.json")
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the example's app is synthesised to."""
    return tmp_path_factory.mktemp("cdk")


@pytest.fixture(scope="module")
def template(folder: Path) -> Any:
    """Return the template of the example's app."""
    return synthesised(folder, str(PROJECT / "examples" / "cdk" / "app.py"))


def associations(template: Any) -> list[dict[str, Any]]:
    """Return the properties of each association, as CloudFormation resolves them, in the order of the app."""
    (key,) = [name for name, one in template["Resources"].items() if one["Type"] == "AWS::KMS::Key"]
    text = json.dumps(template["Resources"]).replace(json.dumps({"Fn::GetAtt": [key, "Arn"]}), json.dumps(KEY))
    resources = Resolver(CHINA)(json.loads(text)).values()
    return [one["Properties"] for one in resources if one["Type"] == "Custom::LogGroupKmsAssociation"]


def test_the_provider_takes_each_association(template: Any) -> None:
    """One log group, a fleet and the query results: the provider's own parser takes the properties of all."""
    parsed = [parse_association(properties, PLACE) for properties in associations(template)]

    assert [type(each.target) for each in parsed] == [LogGroup, Fleet, QueryResults]
    assert {each.key for each in parsed} == {KeyArn(KEY)}


def test_each_association_has_a_timeout_and_the_export(template: Any) -> None:
    """None waits an hour for an answer that is lost, but the fleet, which may need it."""
    found = [(one["ServiceToken"], one["ServiceTimeout"]) for one in associations(template)]

    token = {"Fn::ImportValue": "LogGroupKmsAssociation-ServiceToken"}
    assert found == [(token, "900"), (token, "3600"), (token, "900")]


def test_the_key_outlives_the_stack(template: Any) -> None:
    """What was ingested under it can be read only with it."""
    (key,) = [one for one in template["Resources"].values() if one["Type"] == "AWS::KMS::Key"]

    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_it_passes_cfn_lint(folder: Path, template: Any) -> None:
    """What CDK synthesised has no finding."""
    assert template["Resources"]
    (path,) = folder.glob("*.template.json")
    program = Path(sys.executable).with_name("cfn-lint")
    # Ours by name: without, the project's .cfnlintrc would add its own templates.
    command = [str(program), "--config-file", os.devnull, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the pinned linter

    assert (ran.returncode, ran.stdout) == (0, "")


def as_included(part: Any) -> Any:
    """Return *part* with each Fn::GetAtt as one string, which is how the landing zone writes it and CDK leaves it."""
    match part:
        case {"Fn::GetAtt": [str() as resource, str() as attribute]}:
            return {"Fn::GetAtt": f"{resource}.{attribute}"}
        case dict():
            return {key: as_included(item) for key, item in part.items()}
        case list():
            return [as_included(item) for item in part]
    return part


def test_the_landing_zone_passes_through_an_include(tmp_path: Path) -> None:
    """Included into a CDK stack, the landing zone keeps each resource as it is."""
    included = synthesised(tmp_path, "-c", INCLUDE)["Resources"]

    original = as_included(load(LANDING_ZONE)["Resources"])
    assert included.keys() == original.keys()
    for name, one in original.items():
        assert {**included[name], "DependsOn": None} == {**one, "DependsOn": None}, name
        assert set(as_list(included[name].get("DependsOn", []))) == set(as_list(one.get("DependsOn", []))), name
