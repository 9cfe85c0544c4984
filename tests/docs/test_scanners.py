"""The page of scanners lists what the templates suppress, and no more."""

from __future__ import annotations

from typing import Final

from support.pages import PROJECT, code_in, page
from support.template import load

PAGE: Final = page("docs/reference/scanners.md")
TEMPLATES: Final = ("template.yaml", "examples/landing-zone/template.yaml", "examples/landing-zone/code-buckets.yaml")


def suppressed() -> set[str]:
    """Return the rules that any resource suppresses, of any scanner."""
    metadata = [one.get("Metadata", {}) for path in TEMPLATES for one in load(PROJECT / path)["Resources"].values()]
    checkov = {skip["id"] for each in metadata for skip in each.get("checkov", {}).get("skip", [])}
    guard = {rule for each in metadata for rule in each.get("guard", {}).get("SuppressedRules", [])}
    cfn_nag = {rule["id"] for each in metadata for rule in each.get("cfn_nag", {}).get("rules_to_suppress", [])}
    return checkov | guard | cfn_nag


def test_each_suppressed_rule_is_explained() -> None:
    """Each has its row, and each row is about rules that are suppressed."""
    explained = {rule for row in PAGE.section("What is suppressed").rows for rule in code_in(row[0])}

    assert explained == suppressed()


def test_each_scanner_of_make_scan_is_listed() -> None:
    """The page names what the two targets run."""
    makefile = (PROJECT / "Makefile").read_text()

    assert {row[3 - 1] for row in PAGE.rows if row[-1].startswith("`make")} == {"`make scan`", "`make audit`"}
    assert "tools.scan" in makefile
    assert "bandit" in makefile
    assert "tools.audit" in makefile
