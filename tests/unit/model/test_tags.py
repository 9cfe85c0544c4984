"""The tags of a claim: their names, and what fits into a tag's value."""

from __future__ import annotations

import pytest

from log_group_kms.model.tags import (
    CANCELLED_TAG,
    CLAIM_TAGS,
    WORK_TAG,
    fits_tag,
)


def test_the_names_are_part_of_the_contract() -> None:
    """Log groups carry them for years: they outlive versions."""
    assert (*CLAIM_TAGS, WORK_TAG, CANCELLED_TAG) == (
        "log-group-kms-association:owner",
        "log-group-kms-association:previous-key",
        "log-group-kms-association:scope",
        "log-group-kms-association:written",
        "log-group-kms-association:taken-from",
        "log-group-kms-association:taken-from-scope",
        "log-group-kms-association:mended",
        "log-group-kms-association:work/",
        "log-group-kms-association:cancelled/",
    )


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        pytest.param("", True, id="empty"),
        pytest.param("aZ0 _.:/=+@-", True, id="all that a tag may hold"),
        pytest.param("x" * 256, True, id="as long as it may be"),
        pytest.param("x" * 257, False, id="one longer"),
        pytest.param("/team#1", False, id="with what only names may hold"),
        pytest.param("/aws/*", False, id="with a wildcard"),
    ],
)
def test_what_fits_into_a_tag(value: str, *, fits: bool) -> None:
    """256 characters at the most, of those that CloudWatch Logs takes."""
    assert fits_tag(value) is fits
