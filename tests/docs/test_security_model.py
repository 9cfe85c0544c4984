"""Each statement of the security model that has a test names one that is there."""

from __future__ import annotations

from typing import Final

import pytest
from support.pages import PROJECT, code_in, page

MODEL: Final = page("docs/explanation/security-model.md")
#: Statement and tests.
STATEMENTS: Final = [row for row in MODEL.rows if len(row) == 2 and row[1].startswith("`tests/")]


def test_there_are_statements() -> None:
    """The tables are found at all."""
    assert len(STATEMENTS) >= 36


def missing(name: str) -> bool:
    """Return whether there is no such file of tests, or no such test in it."""
    path, _, test = name.partition("::")
    return not (PROJECT / path).is_file() or (test != "" and f"def {test}(" not in (PROJECT / path).read_text())


@pytest.mark.parametrize("row", [pytest.param(row, id=row[0]) for row in STATEMENTS])
def test_each_statement_names_tests_that_are_there(row: list[str]) -> None:
    """A file of tests that is moved, or a test that has another name, takes its row with it."""
    assert [name for name in code_in(row[1]) if missing(name)] == []


def test_a_test_that_is_not_there_is_missed() -> None:
    """The check can fail: by the file, and by the name."""
    assert missing("tests/e2e/test_gone.py")
    assert missing("tests/e2e/test_abuse.py::test_gone")
    assert not missing("tests/e2e/test_abuse.py::test_who_is_asked_takes_it_over")


@pytest.mark.parametrize("path", ["tests/e2e/test_abuse.py", "tests/unit/lifecycle/test_hostile_progress.py"])
def test_each_abuse_is_a_statement(path: str) -> None:
    """What was tried once is promised never to work again."""
    named = {name.partition("::")[2] for row in STATEMENTS for name in code_in(row[1]) if name.startswith(path)}

    assert named
    assert [name for name in named if name not in (PROJECT / path).read_text()] == []


@pytest.mark.parametrize(
    "heading", ["What is protected, and from whom", "The boundary", "Tags", "Progress", "Out of scope"]
)
def test_the_model_has_all_its_parts(heading: str) -> None:
    """What is protected, from whom, the boundary, and what is not protected against."""
    assert MODEL.section(heading).text.strip() != ""
