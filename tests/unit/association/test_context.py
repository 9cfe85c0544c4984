"""The context of an event: which parts are shared, and which are replaced."""

from __future__ import annotations

import pytest
from support.fake_aws import FakeAws, FakeClock
from unit.association.account import BEFORE

from log_group_kms.association.context import Context
from log_group_kms.association.trail import FleetTrail, Trail
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS, AdaptiveRateLimiter, Slot
from log_group_kms.retry.retrier import Retrier

CLOCK = FakeClock()


@pytest.fixture
def context() -> Context:
    """The context of an event that has ten minutes."""
    aws = FakeAws()
    return Context.of(aws, aws, Retrier(CLOCK, CLOCK.time + 600))


def test_an_event_begins_without_a_trail_and_a_pace(context: Context) -> None:
    """Nothing is left behind yet, and one log group has no queue."""
    assert context.trail.failure_id == NOTHING_ASSOCIATED
    assert (context.logs.pace, context.rate_limits) == (None, DEFAULT_RATE_LIMITS)


def test_both_ports_have_the_same_time(context: Context) -> None:
    """The deadline is the event's."""
    assert context.logs.retrier is context.keys.retrier is context.retrier


def test_another_retrier_is_another_for_both_ports(context: Context) -> None:
    """Pace, trail and ports stay."""
    shorter = context.retrier.within(10)

    under = context.under(shorter)

    assert under.logs.retrier is under.keys.retrier is under.retrier is shorter
    assert (under.logs.pace, under.trail, under.logs.port) == (None, context.trail, context.logs.port)


def test_a_pace_and_a_trail_of_its_own(context: Context) -> None:
    """A log group of a fleet has its own; the context that it comes from stays as it was."""
    pace, trail = Slot(AdaptiveRateLimiter(CLOCK, 5.0)), FleetTrail(Trail())

    under = context.under(context.retrier, pace=pace, trail=trail)

    assert (under.logs.pace, under.trail) == (pace, trail)
    assert (context.logs.pace, context.trail is trail) == (None, False)
    assert under.under(context.retrier).logs.pace is pace


def test_unrestorable_keys_are_known_to_all(context: Context) -> None:
    """A key that one log group of a fleet could not restore is known to the next one."""
    context.under(context.retrier).logs.unrestorable.remember(BEFORE)

    assert BEFORE in context.logs.unrestorable
