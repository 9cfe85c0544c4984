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
    assert len(STATEMENTS) >= 16


@pytest.mark.parametrize("row", [pytest.param(row, id=row[0]) for row in STATEMENTS])
def test_each_statement_names_tests_that_are_there(row: list[str]) -> None:
    """A file of tests that is moved takes its row with it."""
    assert [name for name in code_in(row[1]) if not (PROJECT / name).is_file()] == []
