"""The shape of the code: one direction, one module for boto3, one for crhelper, no partition spelt out."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "log_group_kms"
MODULES = sorted(path.stem for path in SOURCE.glob("*.py"))

#: Each module may import those above it, and no other.
ARROWS: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "physical_id": set(),
    "model": set(),
    "waiting": {"errors"},
    "ports": {"model"},
    "envelope": {"physical_id"},
    "delivery": {"envelope", "physical_id"},
    "resource_base": set(),
    "answering": {"delivery", "envelope", "physical_id", "resource_base"},
    "decision": {"errors", "model"},
    "pacing": {"errors", "waiting"},
    "work": {"decision", "errors", "model", "pacing", "physical_id", "ports", "waiting"},
    "one_log_group": {"decision", "errors", "model", "pacing", "physical_id", "waiting", "work"},
    "query_results": {"model", "work"},
    "plan": {"decision", "errors", "model"},
    "sweep": {"errors", "model", "waiting"},
    "fleet": {
        "decision",
        "errors",
        "model",
        "one_log_group",
        "pacing",
        "physical_id",
        "plan",
        "sweep",
        "waiting",
        "work",
    },
    "lifecycle": {"errors", "fleet", "model", "one_log_group", "query_results", "sweep", "work"},
    "request": {"envelope", "errors", "model", "physical_id", "work"},
    "upkeep": {"errors", "fleet", "model", "plan", "request", "sweep", "work"},
    "diagnosis": {"errors", "model", "ports"},
    "provider": {"envelope", "errors", "lifecycle", "model", "request", "sweep", "work"},
    "session": set(),
    "aws": {"errors", "model", "session"},
    "wiring": {"pacing"},
    "enrolment": {
        "aws",
        "diagnosis",
        "errors",
        "plan",
        "wiring",
        "request",
        "sweep",
        "upkeep",
        "waiting",
        "work",
    },
    "options": {"model", "pacing"},
    "findings": {"model", "plan", "sweep"},
    "screen": {"findings", "model", "plan", "waiting"},
    "command_line": {
        "aws",
        "diagnosis",
        "errors",
        "findings",
        "fleet",
        "model",
        "options",
        "pacing",
        "plan",
        "ports",
        "request",
        "screen",
        "sweep",
        "waiting",
        "work",
    },
    "__main__": {"command_line"},
    "handler": {
        "answering",
        "aws",
        "diagnosis",
        "envelope",
        "errors",
        "model",
        "wiring",
        "physical_id",
        "provider",
        "waiting",
        "work",
    },
}
#: Who may know which library.
LIBRARIES = {
    "boto3": set(),
    "botocore": {"aws", "session"},
    "mypy_boto3_logs": {"aws"},
    "crhelper": {"resource_base"},
    "aws_lambda_powertools": {"enrolment", "handler", "wiring"},
    "urllib3": {"delivery"},
    "rich": {"screen"},
}


def imports_of(module: str) -> set[str]:
    """Every module that *module* imports, also for types alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((SOURCE / f"{module}.py").read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "log_group_kms":
            found |= {f"log_group_kms.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_every_module_has_its_place() -> None:
    """A new module is placed among the others before it is used."""
    assert set(ARROWS) == set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    """A module imports only what stands before it."""
    ours = {name.removeprefix("log_group_kms.") for name in imports_of(module) if name.startswith("log_group_kms.")}

    assert ours <= ARROWS[module]


@pytest.mark.parametrize(("library", "knows"), sorted(LIBRARIES.items()))
def test_one_module_knows_each_library(library: str, knows: set[str]) -> None:
    """Nothing else imports it, so nothing else can depend on how it behaves."""
    users = {module for module in MODULES if any(name.split(".")[0] == library for name in imports_of(module))}

    assert users == knows


@pytest.mark.parametrize("module", MODULES)
def test_no_partition_is_spelt_out(module: str) -> None:
    """The provider runs in every partition: none is written into the code, nor any domain of one."""
    text = (SOURCE / f"{module}.py").read_text()
    code = ast.unparse(ast.parse(text))

    assert re.search(r"arn:aws|amazonaws\.com(?!/)", re.sub(r'"""(.|\n)*?"""', "", code)) is None


def test_what_a_cold_start_must_not_load() -> None:
    """Nothing that costs a cold start and that no ordinary event needs is imported by the handler."""
    code = "import sys; import log_group_kms.handler; print('\\n'.join(sys.modules))"
    environment = {"PYTHONPATH": str(SOURCE.parent), "AWS_DEFAULT_REGION": "eu-west-1", "PATH": ""}

    loaded = subprocess.run(  # noqa: S603 - our own interpreter and our own code
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()

    heavy = {"boto3", "s3transfer", "multiprocessing", "asyncio", "pydantic", "difflib", "aws_xray_sdk", "tenacity"}
    assert "log_group_kms.handler" in loaded
    assert heavy & set(loaded) == set()
