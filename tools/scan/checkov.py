"""Runs checkov on a template, offline."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from tools.scan.finding import Finding, Scan

if TYPE_CHECKING:
    from pathlib import Path


def scan(program: Path, template: Path, name: str) -> Scan:
    """Return what checkov finds in a *template*, whatever its metadata suppress.

    Raises:
        RuntimeError: checkov could not read the template, or looked at nothing.
    """
    options = ["--framework", "cloudformation", "--output", "json", "--skip-download"]
    command = [str(program), "--file", str(template), *options]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the pinned scanner
    report = json.loads(ran.stdout) if ran.stdout.lstrip().startswith("{") else {}
    results = report.get("results", {})
    if results.get("parsing_errors") or not results.get("passed_checks"):
        raise RuntimeError(f"checkov could not read {name}: {ran.stdout[-500:]}{ran.stderr[-500:]}")
    broken = results["failed_checks"] + results["skipped_checks"]
    return Scan(
        name,
        frozenset(Finding(_logical_id(one["resource"]), one["check_id"], one["check_name"]) for one in broken),
        frozenset(one["check_id"] for one in broken + results["passed_checks"]),
    )


def _logical_id(resource: str) -> str:
    """Return LOGICALID of checkov's TYPE.LOGICALID."""
    return resource.rpartition(".")[2]
