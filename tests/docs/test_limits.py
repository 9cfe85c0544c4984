"""What the provider does not do is said where the user looks."""

from __future__ import annotations

import pytest
from support.pages import page

from log_group_kms.request.properties import PROPERTIES

LIMIT = "explanation/limits.md#what-it-does-not-do"


@pytest.mark.parametrize(
    ("path", "section"),
    [
        pytest.param("docs/reference/properties.md", "`LogGroupNamePrefix`", id="one key: the property"),
        pytest.param("docs/reference/parameters.md", "Parameters", id="one key: the parameter"),
        pytest.param("docs/how-to/fleet.md", "Several keys", id="one key: the how-to"),
        pytest.param("docs/reference/properties.md", "`OnMissingLogGroup`", id="no retention: the property"),
        pytest.param("docs/how-to/command-line.md", "Report", id="no report for an organisation: the how-to"),
        pytest.param("docs/how-to/landing-zone.md", "Deploy", id="no report for an organisation: the landing zone"),
    ],
)
def test_each_is_said_where_it_matters(path: str, section: str) -> None:
    """The section that a user reads leads to the limit."""
    assert [link for link in page(path).section(section).links if link.endswith(LIMIT)] != []


def test_the_limits_lead_to_what_to_do_instead() -> None:
    """Each of the three has its row, with a link."""
    section = page("docs/explanation/limits.md").section("What it does not do")

    assert len(section.rows) == 3
    assert all("](../" in row[1] for row in section.rows)


def test_no_property_is_about_retention() -> None:
    """The sentence stands as long as there is no such property."""
    assert [row.name for row in PROPERTIES if "retention" in row.name.lower()] == []
