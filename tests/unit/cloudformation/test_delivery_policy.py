from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from log_group_kms.cloudformation.delivery import DeliveryPolicy


@given(seconds=st.floats(-10, 1000))
def test_a_delivery_in_a_hurry_keeps_within_its_time(seconds: float) -> None:
    """All attempts and pauses together stay within the seconds that are left, or the three that any delivery gets."""
    assert DeliveryPolicy().within(seconds).total <= max(3.0, seconds) + 1e-9
    assert DeliveryPolicy().within(seconds).attempts == DeliveryPolicy().attempts


def test_a_delivery_ends_well_before_twenty_seconds() -> None:
    """The time-outs and pauses of all attempts add up to 13.5 seconds."""
    assert DeliveryPolicy().total == 13.5
