"""The shape of the code: one package for boto3, one for crhelper, no partition spelt out. The layers: `make lint`."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest
from support.project import SOURCE

MODULES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))
#: Who may know which library.
LIBRARIES: dict[str, set[str]] = {
    "boto3": set(),
    "botocore": {"aws/clients.py", "aws/error_codes.py", "aws/session.py"},
    "mypy_boto3_logs": {"aws/logs.py"},
    "mypy_boto3_kms": {"aws/clients.py", "aws/kms.py"},
    "crhelper": {"cloudformation/resource_base.py"},
    "aws_lambda_powertools": {f"handlers/{name}.py" for name in ("batch", "enrolment", "provider", "shared")},
    "urllib3": {"cloudformation/delivery.py"},
    "rich": {"cli/progress.py", "cli/tables.py"},
}


def imports_of(module: str) -> set[str]:
    """Return every module that *module* imports, also for types alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((SOURCE / module).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize(("library", "knows"), sorted(LIBRARIES.items()))
def test_one_package_knows_each_library(library: str, knows: set[str]) -> None:
    """Nothing else imports it, so nothing else can depend on how it behaves."""
    users = {module for module in MODULES if any(name.split(".")[0] == library for name in imports_of(module))}

    assert users == knows


@pytest.mark.parametrize("module", MODULES)
def test_no_partition_is_spelt_out(module: str) -> None:
    """The provider runs in every partition: none is written into the code, nor any domain of one, but for examples."""
    tree = ast.parse((SOURCE / module).read_text())
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        call.keywords = [keyword for keyword in call.keywords if keyword.arg != "examples"]
    code = ast.unparse(tree)

    assert re.search(r"arn:aws|amazonaws\.com(?!/)", re.sub(r'"""(.|\n)*?"""', "", code)) is None


def test_what_a_cold_start_must_not_load() -> None:
    """Nothing that costs a cold start and that no ordinary event needs is imported by the handler."""
    code = "import sys; import log_group_kms.handlers.provider; print('\\n'.join(sys.modules))"
    environment = {"PYTHONPATH": str(SOURCE.parent), "AWS_DEFAULT_REGION": "eu-west-1", "PATH": ""}

    loaded = subprocess.run(  # noqa: S603 - our own interpreter and our own code
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()

    batch = {name for name in loaded if name.startswith("aws_lambda_powertools.utilities.batch")}
    heavy = {"boto3", "s3transfer", "multiprocessing", "asyncio", "pydantic", "difflib", "aws_xray_sdk", "tenacity"}
    assert "log_group_kms.handlers.provider" in loaded
    assert heavy & set(loaded) == batch == set()
