"""Moments as tags hold them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_group_kms.model.tags import fits_tag
from log_group_kms.model.times import moment_of, stamp_of

#: The years that have four digits, in seconds since the epoch.
MOMENTS = st.integers(-62_135_596_800 + 31_622_400 * 1000, 253_402_300_799)


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        pytest.param("19700101T000000Z", 0.0, id="the epoch"),
        pytest.param("20260105T101500Z", 1767608100.0, id="as CloudFormation dates an event"),
        pytest.param("20240229T235959Z", 1709251199.0, id="a leap day"),
    ],
)
def test_a_stamp_is_a_moment_in_utc(stamp: str, moment: float) -> None:
    """It is the form of X-Amz-Date."""
    assert (stamp_of(moment), moment_of(stamp)) == (stamp, moment)


@given(MOMENTS)
def test_a_moment_is_what_its_stamp_says(moment: int) -> None:
    """To the second, whatever the time zone of the machine; and a tag can hold it."""
    assert moment_of(stamp_of(moment)) == moment
    assert fits_tag(stamp_of(moment))


@given(st.integers(0, 4_000_000_000), st.integers(0, 999))
def test_a_fraction_is_left_out(seconds: int, milliseconds: int) -> None:
    """An event is never dated later than it was sent."""
    assert moment_of(stamp_of(seconds + milliseconds / 1000)) == seconds


@given(st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000))
def test_stamps_are_in_the_order_of_their_moments(one: int, other: int) -> None:
    """So whoever sorts tags by hand sees them in order."""
    assert (stamp_of(one) < stamp_of(other)) == (one < other)


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "none",
        "20260105",
        "2026-01-05T10:15:00Z",
        "20260105T101500",
        "20260105T101500Z ",
        " 20260105T101500Z",
        "20260105T101500+0100",
        "20260230T101500Z",
        "20260105T251500Z",
        "99999999999T101500Z",
        "0" * 256,
    ],
)
def test_what_is_no_stamp(stamp: str) -> None:
    """Whoever edits a tag by hand breaks nothing."""
    assert moment_of(stamp) is None


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    """A tag may hold anything."""
    moment = moment_of(text)

    assert moment is None or isinstance(moment, float)
