"""Whole templates, linted with all of cfn-lint's rules and ours: ten with one mistake each, and good ones."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from cfnlint.api import ManualArgs, lint
from support.linting import FOLDER, REGION

HERE: Final = Path(__file__).parent
MISTAKES: Final = sorted((HERE / "mistakes").glob("*.yaml"))
GOOD: Final = sorted((HERE / "good").glob("*.yaml"))
#: The rule that finds it, and what to do, in the rule's words.
EXPECTED: Final = {
    "choice-behind-a-parameter": ("E9702", "it must be one of Override, Keep, Fail"),
    "misplaced-property": ("E9701", "move it into Properties"),
    "misspelt-property": ("E9701", "did you mean ExcludeLogGroupNames?"),
    "not-for-query-results": ("E9704", "leave it out"),
    "two-targets": ("E9703", "given: LogGroupName and ResourceIdentifier: leave one out"),
    "unknown-attribute": ("E9706", "did you mean KmsKeyArn?"),
    "unknown-property": ("E9701", "there are ServiceToken, ServiceTimeout, KmsKeyId, LogGroupName,"),
    "wait-beyond-timeout": ("E9705", "it must be below ServiceTimeout, which is 120: lower the one or raise the other"),
    "wildcard-in-a-name": ("E9702", "it must be 1 to 512 characters of A-Z a-z 0-9 . - _ / #"),
    "wrong-case": ("E9701", "upper and lower case matter: write KmsKeyId"),
}


def linted(path: Path) -> list[tuple[str, int, str]]:
    """Rule, line and message of each finding."""
    found = lint(path.read_text(), config=ManualArgs(append_rules=[str(FOLDER)], regions=[REGION]))
    return [(match.rule.id, match.linenumber, match.message) for match in found]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in MISTAKES])
def test_each_mistake_is_named_once_with_its_line_and_the_remedy(path: Path) -> None:
    """As a new user would make it; ours find it where cfn-lint alone finds nothing, or says not what to do."""
    (line,) = [number for number, text in enumerate(path.read_text().splitlines(), 1) if text.endswith("# wrong")]
    rule, remedy = EXPECTED[path.stem]

    ((found, where, message),) = [one for one in linted(path) if one[0][1:3] == "97"]

    assert (found, where) == (rule, line)
    assert remedy in message


def test_there_are_ten_mistakes() -> None:
    """Each has its template."""
    assert [path.stem for path in MISTAKES] == sorted(EXPECTED)
    assert len(MISTAKES) == 10


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in GOOD])
def test_good_templates_have_no_finding(path: Path) -> None:
    """What only a deployment knows passes, and so does what belongs to others."""
    assert linted(path) == []
