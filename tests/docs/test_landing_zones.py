"""The examples for each landing zone: its own schema takes them, and they give our template what it asks for."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from jsonschema import Draft7Validator
from samtranslator.yaml_helper import yaml_parse
from support.pages import code_in, page
from support.template import PROJECT, load

HERE: Final = PROJECT / "examples" / "landing-zone"
SCHEMAS: Final = PROJECT / "tests" / "schemas"
SCANNERS: Final = PROJECT / ".venv-scan" / "bin" / "python"
TEMPLATE: Final = load(HERE / "template.yaml")

#: Runs in the scanners' environment, which has what this one does without: pykwalify and a parser of HCL.
PYKWALIFY: Final = """
import sys
from pykwalify.core import Core
from pykwalify.errors import SchemaError
try:
    Core(source_file=sys.argv[1], schema_files=[sys.argv[2]]).validate()
except SchemaError as error:
    sys.exit(str(error))
"""
HCL: Final = """
import json, sys
import hcl2
print(json.dumps(hcl2.load(open(sys.argv[1]))))
"""

#: What org-formation takes in a task of the type update-stacks, and in a binding (its docs: task files, bindings).
TASK: Final = {
    *("Type", "DependsOn", "Skip", "Template", "StackName", "StackDescription", "StackPolicy", "Parameters", "Tags"),
    *(
        "TemplatingContext",
        "OrganizationFile",
        "OrganizationBinding",
        "OrganizationBindings",
        "DefaultOrganizationBinding",
    ),
    *("DefaultOrganizationBindingRegion", "TerminationProtection", "UpdateProtection", "CloudFormationRoleName"),
    *("TaskRoleName", "TaskViaRoleArn", "MaxConcurrentStacks", "FailedStackTolerance", "DisableStackRollbacks"),
}
BINDING: Final = {
    *("IncludeMasterAccount", "Account", "ExcludeAccount", "OrganizationalUnit", "ExcludeOrganizationalUnit"),
    *("AccountsWithTag", "Region"),
}
#: What Terraform's aws_cloudformation_stack takes (the AWS provider's docs), besides `timeouts`.
STACK: Final = {
    *("name", "template_body", "template_url", "capabilities", "disable_rollback", "notification_arns", "on_failure"),
    *("parameters", "policy_body", "policy_url", "tags", "iam_role_arn", "timeout_in_minutes", "region", "timeouts"),
}


PAGE: Final = page("docs/how-to/other-landing-zones.md")


def test_the_page_lists_each_example() -> None:
    """Every folder of an example is linked, and every tool says what it cannot do."""
    folders = {path.name for path in HERE.iterdir() if path.is_dir() and path.name not in ("__pycache__", "guardrails")}
    linked = {Path(link).parent.name for link in PAGE.links if "/landing-zone/" in link and "://" not in link}
    tools = [row[0] for row in PAGE.section("What each cannot do").rows]

    assert folders == linked
    assert tools == ["The StackSet", "LZA", *(row[0].strip("[").partition("]")[0] for row in PAGE.rows[1:5])]


def in_scanners(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a *program* in the scanners' environment."""
    return subprocess.run(  # noqa: S603 - our own
        [str(SCANNERS), "-c", program, *arguments], capture_output=True, text=True, check=False
    )


def fits(parameters: dict[str, Any]) -> list[str]:
    """Return what is wrong with *parameters* of the landing zone's template: unknown, missing, or refused by a rule."""
    known: dict[str, Any] = TEMPLATE["Parameters"]
    unknown = [f"{name} is unknown" for name in parameters.keys() - known.keys()]
    missing = [f"{name} is missing" for name, one in known.items() if "Default" not in one and name not in parameters]
    refused = [
        f"{name}: {value}"
        for name, value in parameters.items()
        if not re.fullmatch(known.get(name, {}).get("AllowedPattern", ".*"), str(value))
        or str(value) not in map(str, known.get(name, {}).get("AllowedValues", [value]))
    ]
    return unknown + missing + refused


def test_the_schemas_of_others_are_as_they_were_taken() -> None:
    """Each file of others is listed with its origin and its hash, and each folder has its notice."""
    rows = page("tests/schemas/README.md").rows
    found = {path.relative_to(SCHEMAS).as_posix(): path.read_bytes() for path in SCHEMAS.glob("*/*")}
    notices = {name for name in found if name.endswith("/NOTICE.txt")}

    assert {code_in(row[0])[0]: row[-1] for row in rows} == {
        name: hashlib.sha256(content).hexdigest() for name, content in found.items() if name not in notices
    }
    assert {name.partition("/")[0] for name in notices} == {name.partition("/")[0] for name in found}


def test_what_fits_names_each_mistake() -> None:
    """The checks below can fail: an unknown, a missing and a refused parameter are each told."""
    mistakes = fits({"CodeKey": "latest.zip", "FleetOnExistingKey": "Keep", "Prefix": "x"})

    assert sorted(mistakes) == [
        "CodeBucketPrefix is missing",
        "CodeKey: latest.zip",
        "CodeSha256 is missing",
        "Prefix is unknown",
    ]


class TestLandingZoneAccelerator:
    CONFIG: Final = yaml.safe_load((HERE / "lza" / "customizations-config.yaml").read_text())
    SCHEMA: Final = json.loads((SCHEMAS / "landing-zone-accelerator" / "customizations-config.json").read_text())

    def mistakes(self, config: Any) -> list[str]:
        """Return what LZA's schema finds wrong."""
        return [error.message for error in Draft7Validator(self.SCHEMA).iter_errors(config)]

    def test_its_schema_takes_the_configuration(self) -> None:
        """LZA's own schema has no finding."""
        assert self.mistakes(self.CONFIG) == []

    def test_its_schema_refuses_a_misspelt_property(self) -> None:
        """The schema is applied to the StackSet."""
        (stack_set,) = self.CONFIG["customizations"]["cloudFormationStackSets"]
        wrong = {"customizations": {"cloudFormationStackSets": [{**stack_set, "runOrder": 1}]}}

        assert self.mistakes(wrong) == ["Additional properties are not allowed ('runOrder' was unexpected)"]

    def test_it_gives_the_template_what_it_asks_for(self) -> None:
        """Parameters are known, complete and well-formed; roles need their capability."""
        (stack_set,) = self.CONFIG["customizations"]["cloudFormationStackSets"]

        assert fits({one["name"]: one["value"] for one in stack_set["parameters"]}) == []
        assert stack_set["capabilities"] == ["CAPABILITY_IAM"]


class TestControlTower:
    MANIFEST: Final = HERE / "cfct" / "manifest.yaml"
    SCHEMA: Final = str(SCHEMAS / "control-tower-customizations" / "manifest-v2.schema.yaml")

    def test_its_schema_takes_the_manifest(self) -> None:
        """Customizations for Control Tower validates with pykwalify, and so does this."""
        ran = in_scanners(PYKWALIFY, str(self.MANIFEST), self.SCHEMA)

        assert (ran.returncode, ran.stderr) == (0, "")

    def test_its_schema_refuses_a_misspelt_property(self, tmp_path: Any) -> None:
        """The schema is applied to the StackSet."""
        wrong = tmp_path / "manifest.yaml"
        wrong.write_text(self.MANIFEST.read_text().replace("deploy_method: stack_set", "deploy_method: stack"))
        ran = in_scanners(PYKWALIFY, str(wrong), self.SCHEMA)

        assert ran.returncode == 1
        assert "deploy_method" in ran.stderr

    def test_it_gives_the_template_what_it_asks_for(self) -> None:
        """The file of parameters is there, and fits."""
        (resource,) = yaml.safe_load(self.MANIFEST.read_text())["resources"]
        parameters = json.loads((self.MANIFEST.parent / resource["parameter_file"]).read_text())

        assert fits({one["ParameterKey"]: one["ParameterValue"] for one in parameters}) == []

    def test_its_cfn_nag_is_told_of_the_one_wildcard(self) -> None:
        """Its pipeline fails at a key's `*` principal (F76), unless the template says why it is none."""
        key = TEMPLATE["Resources"]["LogsKey"]
        wildcards = [
            one
            for one in key["Properties"]["KeyPolicy"]["Statement"]
            if one.get("Effect") == "Allow" and one["Principal"] == {"AWS": "*"}
        ]
        (rule,) = key["Metadata"]["cfn_nag"]["rules_to_suppress"]

        assert [one["Effect"] for one in wildcards] == ["Allow"]
        assert rule["id"] == "F76"
        assert wildcards[0]["Condition"].keys() == {"StringEquals"}


class TestOrgFormation:
    def test_the_task_has_attributes_that_it_takes(self) -> None:
        """Each attribute of the task and of its binding is one that org-formation knows."""
        tasks = yaml_parse((HERE / "org-formation" / "organization-tasks.yml").read_text())
        (task,) = [one for name, one in tasks.items() if name != "Parameters"]

        assert task["Type"] == "update-stacks"
        assert task.keys() <= TASK
        assert task["DefaultOrganizationBinding"].keys() <= BINDING
        assert (HERE / "org-formation" / task["Template"]).resolve() == HERE / "template.yaml"

    def test_it_gives_the_template_what_it_asks_for(self) -> None:
        """Each parameter of the task refers to one of the file, whose default fits."""
        tasks = yaml_parse((HERE / "org-formation" / "organization-tasks.yml").read_text())
        defaults = {name: one["Default"] for name, one in tasks["Parameters"].items()}

        assert fits({name: defaults[one["Ref"]] for name, one in tasks["LandingZoneLogs"]["Parameters"].items()}) == []


@cache
def terraform() -> Any:
    """Return the blocks of the Terraform example."""
    ran = in_scanners(HCL, str(HERE / "terraform" / "main.tf"))
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def resource(kind: str) -> dict[str, Any]:
    """Return the one resource of this *kind*."""
    (found,) = [block[kind] for block in terraform()["resource"] if kind in block]
    (body,) = found.values()
    return {name: value for name, value in body.items() if not name.startswith("__")}


def only(value: Any) -> Any:
    """Return the one value of a list of one: how the parser reads an attribute."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


class TestTerraform:
    def test_the_stack_has_arguments_that_it_takes(self) -> None:
        """Each argument is one of aws_cloudformation_stack; roles need their capability."""
        stack = resource("aws_cloudformation_stack")

        assert stack.keys() <= STACK
        assert only(only(stack["capabilities"])) == "CAPABILITY_IAM"
        assert "/template.yaml" in str(only(stack["template_url"]))

    def test_it_gives_the_template_what_it_asks_for(self) -> None:
        """Each parameter is a variable of the file, and each variable is used."""
        parameters = only(resource("aws_cloudformation_stack")["parameters"])
        used = {re.sub(r"\W*var\.(\w+)\W*", r"\1", str(value)) for value in parameters.values()}

        assert parameters.keys() == {name for name, one in TEMPLATE["Parameters"].items() if "Default" not in one}
        assert used == {name for block in terraform()["variable"] for name in block}

    def test_it_waits_longer_than_a_fleet_may_take(self) -> None:
        """Terraform gives up after 30 minutes by itself; a fleet has an hour."""
        timeouts = only(resource("aws_cloudformation_stack")["timeouts"])
        waits = [int(str(only(timeouts[name])).removesuffix("m")) for name in ("create", "update", "delete")]

        assert min(waits) * 60 > TEMPLATE["Resources"]["Fleet"]["Properties"]["ServiceTimeout"]

    def test_its_own_log_groups_leave_key_and_tags_to_the_fleet(self) -> None:
        """Terraform would take off each tag that it does not know, and with them the fleet's claim."""
        lifecycle = only(resource("aws_cloudwatch_log_group")["lifecycle"])
        ignored = str(lifecycle["ignore_changes"])
        tags = {f"log-group-kms-association:{name}" for name in ("owner", "previous-key", "scope")}

        assert "kms_key_id" in ignored
        assert [tag for tag in tags if tag not in ignored] == []
