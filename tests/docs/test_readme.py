"""The README is one short page."""

from __future__ import annotations

from typing import Final

import pytest
from support.pages import page

README: Final = page("README.md")


@pytest.mark.parametrize(
    ("path", "longest"),
    [pytest.param("README.md", 150, id="README"), pytest.param("CONTRIBUTING.md", 80, id="CONTRIBUTING")],
)
def test_it_is_short(path: str, longest: int) -> None:
    """What does not fit goes into docs/."""
    assert len(page(path).text.splitlines()) <= longest


def test_it_has_what_a_user_looks_for_first() -> None:
    """A way to try it, a template to copy, a picture, and what else there is."""
    assert "make demo" in README.section("Try it").text
    assert len(README.section("One template to copy").blocks("yaml")) == 1
    assert len(README.blocks("mermaid")) == 1
    assert len(README.section("Beside the alternatives").rows) == 5
