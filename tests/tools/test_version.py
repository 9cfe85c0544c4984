"""The version, in one place and wherever it is repeated; and `make version`."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Final

import pytest
from support.project import PROJECT
from support.template import TEMPLATE, load

from log_group_kms.version import VERSION
from tools.version import WrongNumberError, date_changelog, set_version, version_of, versions_in

if TYPE_CHECKING:
    from pathlib import Path

LANDING_ZONE: Final = PROJECT / "examples" / "landing-zone" / "template.yaml"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the version stands in."""
    for name in ("src/log_group_kms", "examples/landing-zone"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("template.yaml", "CHANGELOG.md"):
        shutil.copy(PROJECT / name, tmp_path)
    return tmp_path


def test_it_is_the_same_everywhere() -> None:
    """In the module, in the application's metadata, in the functions' descriptions, and in the output."""
    assert version_of(PROJECT) == VERSION
    assert versions_in(PROJECT) == [VERSION] * 7


@pytest.mark.parametrize("path", [TEMPLATE, LANDING_ZONE], ids=["provider", "landing zone"])
def test_a_template_tells_it(path: Path) -> None:
    """By the output that `doctor` reads, and by each function's description."""
    template = load(path)
    functions = [each for each in template["Resources"].values() if each["Type"].endswith("::Function")]

    assert template["Outputs"]["Version"]["Value"] == VERSION
    assert len(functions) == 4
    assert all(each["Properties"]["Description"].startswith(f"Version {VERSION}") for each in functions)


def test_one_command_sets_it(tree: Path) -> None:
    """Also in the rendered template, and nothing else changes."""
    before = (tree / "template.yaml").read_text()

    set_version(tree, "12.0.1-rc.1")

    assert version_of(tree) == "12.0.1-rc.1"
    assert versions_in(tree) == ["12.0.1-rc.1"] * 7
    assert (tree / "template.yaml").read_text() == before.replace(VERSION, "12.0.1-rc.1")
    rendered = json.dumps(load(tree / "examples" / "landing-zone" / "template.yaml"))
    assert rendered == json.dumps(load(LANDING_ZONE)).replace(VERSION, "12.0.1-rc.1")


@pytest.mark.parametrize("number", ["1.0", "v1.0.0", "1.0.0 ", "", "one"])
def test_what_is_no_version(tree: Path, number: str) -> None:
    """Refused, and nothing is written."""
    with pytest.raises(WrongNumberError, match="is no version such as"):
        set_version(tree, number)

    assert version_of(tree) == VERSION


def test_a_place_that_is_gone_is_noticed(tree: Path) -> None:
    """A template without its output would tell no version, and nobody would see it."""
    template = tree / "template.yaml"
    template.write_text(template.read_text().replace(f"    Value: {VERSION}\n", "    Value: none\n"))

    with pytest.raises(WrongNumberError, match=r"template\.yaml has 0 of 1 lines"):
        set_version(tree, "2.0.0")


def test_the_changelog_is_dated_once(tree: Path) -> None:
    """What was unreleased belongs to the version; what comes next has a part of its own."""
    date_changelog(tree, "9.9.9", "2026-12-01")
    once = (tree / "CHANGELOG.md").read_text()
    date_changelog(tree, "9.9.9", "2026-12-02")

    assert "## [Unreleased]\n\n## [9.9.9] - 2026-12-01\n" in once
    assert (tree / "CHANGELOG.md").read_text() == once
