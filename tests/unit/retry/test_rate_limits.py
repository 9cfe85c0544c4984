"""How far apart the calls of a fleet are, and how it gives way."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_aws import FakeClock

from log_group_kms.model.errors import OutOfTime
from log_group_kms.retry.rate_limits import (
    DEFAULT_RATE_LIMITS,
    AdaptiveRateLimiter,
    Call,
    RateLimiter,
    Slot,
)

#: Seconds between two turns at 5 calls a second, with the slack of 1 %.
APART = 0.202


def turns_of(limiter: RateLimiter, clock: FakeClock, number: int) -> list[float]:
    """When so many turns come, in seconds from now."""
    began = clock.now()
    came = []
    for _ in range(number):
        limiter.take()
        came.append(clock.now() - began)
    return came


class InterruptedTime(float):
    """Whoever compares it is interrupted, so that another thread comes in between."""

    def __gt__(self, other: float) -> bool:
        time.sleep(0)
        return super().__gt__(other)


@dataclass
class StandingClock:
    """Time that stands still, for several threads: what one sleeps is when its turn would have come."""

    time: float = InterruptedTime(1_800_000_000)
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def refuse_for_long(limiter: AdaptiveRateLimiter, clock: FakeClock, times: int) -> None:
    """Refusals so far apart that each counts."""
    for _ in range(times):
        clock.time += 3600
        limiter.refused()
    clock.time += 3600


@pytest.fixture
def clock() -> FakeClock:
    """Time that passes only while someone waits for a turn."""
    return FakeClock()


@pytest.fixture
def limiter(clock: FakeClock) -> AdaptiveRateLimiter:
    """At 5 calls a second."""
    return AdaptiveRateLimiter(clock, 5.0)


# --- the pace ---------------------------------------------------------------------------------------------------------


def test_turns_are_drawn_apart(limiter: AdaptiveRateLimiter, clock: FakeClock) -> None:
    """The first comes at once; each further one a fifth of a second, and 1 % of slack, after the one before."""
    assert turns_of(limiter, clock, 4) == pytest.approx([0, APART, 2 * APART, 3 * APART], abs=1e-6)


@pytest.mark.parametrize("per_second", [0.5, 4.0, 5.0, 20.0, 50.0])
@pytest.mark.parametrize("number", [1, 2, 1000])
def test_the_quota_is_kept_and_used(clock: FakeClock, per_second: float, number: int) -> None:
    """So many turns take what the quota says, and 1 % more."""
    last = turns_of(AdaptiveRateLimiter(clock, per_second), clock, number)[-1]

    assert last == pytest.approx((number - 1) / per_second * 1.01, abs=1e-3)


def test_a_pause_earns_no_burst(limiter: AdaptiveRateLimiter, clock: FakeClock) -> None:
    """Turns that nobody took are lost: AWS's own allowance for bursts belongs to the other stacks."""
    limiter.take()
    clock.time += 60

    assert turns_of(limiter, clock, 3) == pytest.approx([0, APART, 2 * APART], abs=1e-6)


def test_who_comes_late_waits_the_rest(limiter: AdaptiveRateLimiter, clock: FakeClock) -> None:
    """The time that a call itself took counts."""
    limiter.take()
    clock.time += 0.15

    assert turns_of(limiter, clock, 1) == pytest.approx([APART - 0.15], abs=1e-6)


# --- giving way -------------------------------------------------------------------------------------------------------


def test_a_refusal_halves_the_pace(limiter: AdaptiveRateLimiter, clock: FakeClock) -> None:
    """Others are at work: twice the distance, from the refusal on."""
    limiter.take()
    limiter.refused()

    assert turns_of(limiter, clock, 3) == pytest.approx([2 * APART, 4 * APART, 6 * APART], abs=1e-6)


@pytest.mark.parametrize("together", [2, 8, 100])
def test_calls_refused_together_count_once(limiter: AdaptiveRateLimiter, clock: FakeClock, together: int) -> None:
    """What was on its way at the same time was refused for the same reason."""
    for _ in range(together):
        limiter.refused()

    assert turns_of(limiter, clock, 2) == pytest.approx([2 * APART, 4 * APART], abs=1e-6)


def test_a_further_refusal_halves_it_once_more(limiter: AdaptiveRateLimiter, clock: FakeClock) -> None:
    """A call that was made at the slower pace tells something new."""
    limiter.refused()
    turns_of(limiter, clock, 2)
    limiter.refused()

    assert turns_of(limiter, clock, 2) == pytest.approx([4 * APART, 8 * APART], abs=1e-6)


@pytest.mark.parametrize("times", [6, 7, 100])
def test_the_slowest_pace(limiter: AdaptiveRateLimiter, clock: FakeClock, times: int) -> None:
    """It never comes to a stop: one fiftieth of the pace is the least."""
    refuse_for_long(limiter, clock, times)

    assert turns_of(limiter, clock, 2) == pytest.approx([0, 50 * APART], abs=1e-6)


@pytest.mark.parametrize(("accepted", "distance"), [(0, 2.0), (1, 1.9), (2, 1.81), (10, 1 + 0.9**10), (1000, 1.0)])
def test_the_pace_comes_back_with_each_accepted_call(
    limiter: AdaptiveRateLimiter, clock: FakeClock, accepted: int, distance: float
) -> None:
    """A tenth of the way each time, so that it does not run into the next refusal at once."""
    refuse_for_long(limiter, clock, 1)
    for _ in range(accepted):
        limiter.accepted()

    assert turns_of(limiter, clock, 2) == pytest.approx([0, distance * APART], abs=1e-6)


@given(
    told=st.lists(st.sampled_from(["take", "accepted", "refused", "wait"]), max_size=80),
    per_second=st.sampled_from([1.0, 5.0, 50.0]),
)
def test_it_is_never_faster_than_its_pace(told: list[str], per_second: float) -> None:
    """Whatever is told in whatever order, two turns are never nearer than the quota says, and no wait is endless."""
    clock = FakeClock()
    limiter = AdaptiveRateLimiter(clock, per_second)
    for each in told:
        match each:
            case "take":
                limiter.take()
            case "accepted":
                limiter.accepted()
            case "refused":
                limiter.refused()
            case _:
                clock.time += 0.1

    began, between = turns_of(limiter, clock, 2)

    shortest = 1.01 / per_second
    assert shortest - 1e-6 <= between - began <= 50 * shortest + 1e-6


@pytest.mark.parametrize("times", [1, 3])
def test_each_refusal_is_told(clock: FakeClock, times: int) -> None:
    """Also those that count once for the pace: whoever watches wants their number."""
    told: list[float] = []
    limiter = AdaptiveRateLimiter(clock, 5.0, on_refusal=lambda: told.append(clock.now()))

    for _ in range(times):
        limiter.refused()
        limiter.accepted()

    assert len(told) == times


# --- the end of time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "turns"),
    [
        pytest.param(0.0, 0, id="over already"),
        pytest.param(APART, 1, id="the second would come at the end"),
        pytest.param(APART + 0.001, 2, id="the second comes just before"),
        pytest.param(1.0, 5, id="a second"),
    ],
)
def test_no_turn_comes_after_the_end(clock: FakeClock, seconds: float, turns: int) -> None:
    """A turn that would come too late is refused at once, and nobody sleeps for it."""
    began = clock.now()
    limiter = AdaptiveRateLimiter(clock, 5.0, began + seconds)

    turns_of(limiter, clock, turns)
    before = clock.now()
    for _ in range(3):
        with pytest.raises(OutOfTime, match=r"\AThe turn of this call would come too late\Z"):
            limiter.take()

    assert clock.now() == before
    assert clock.now() < began + seconds or not turns


# --- several threads --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [2, 8])
def test_threads_share_the_turns(threads: int) -> None:
    """No two of them have the same turn, and no turn is left out."""
    clock, start = StandingClock(), threading.Barrier(threads)
    limiter, each = AdaptiveRateLimiter(clock, 5.0), 50

    def take_some() -> None:
        start.wait()
        for _ in range(each):
            limiter.take()
            limiter.accepted()

    with ThreadPoolExecutor(threads) as crew:
        for done in [crew.submit(take_some) for _ in range(threads)]:
            done.result()

    # The very first needs no sleep.
    assert sorted(clock.slept) == pytest.approx([APART * number for number in range(1, threads * each)], abs=1e-3)


@pytest.mark.parametrize("threads", [2, 8])
def test_refusals_of_several_threads_count_once(threads: int) -> None:
    """Each is told, and the pace is halved once."""
    clock, start, told = StandingClock(), threading.Barrier(threads), []
    limiter = AdaptiveRateLimiter(clock, 5.0, on_refusal=lambda: told.append(1))

    def be_refused() -> None:
        start.wait()
        limiter.refused()

    with ThreadPoolExecutor(threads) as crew:
        for done in [crew.submit(be_refused) for _ in range(threads)]:
            done.result()
    limiter.take()
    limiter.take()

    assert len(told) == threads
    assert clock.slept == pytest.approx([2 * APART, 4 * APART], abs=1e-6)


def test_one_that_waits_holds_up_nobody() -> None:
    """Waiting for one's turn is no reason to let others wait before they know theirs."""
    waiting, woken = threading.Event(), threading.Event()

    class BlockingClock(StandingClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            waiting.set()
            assert woken.wait(60)

    clock = BlockingClock()
    limiter = AdaptiveRateLimiter(clock, 5.0, clock.now() + 1.5 * APART)
    limiter.take()
    with ThreadPoolExecutor(1) as crew:
        second = crew.submit(limiter.take)
        try:
            assert waiting.wait(60)
            with pytest.raises(OutOfTime):
                limiter.take()
            limiter.refused()
            limiter.accepted()
        finally:
            woken.set()
        second.result()

    assert clock.slept == pytest.approx([APART], abs=1e-6)


# --- turns for one log group ------------------------------------------------------------------------------------------


def test_a_turn_admits_one_call_of_each_kind(limiter: AdaptiveRateLimiter, clock: FakeClock) -> None:
    """It is waited for before the log group is looked at; only a second call of a kind waits once more."""
    limiter.take()
    turn = Slot(limiter)
    waited = list(clock.slept)
    for call in Call:
        turn.take(call)
    at_once = list(clock.slept)
    turn.take(Call.READ_TAGS)

    assert waited == at_once == pytest.approx([APART], abs=1e-6)
    assert clock.slept == pytest.approx([APART, APART], abs=1e-6)


def test_a_turn_tells_how_it_went(limiter: AdaptiveRateLimiter, clock: FakeClock) -> None:
    """A refusal slows all others down, an accepted call brings the pace back."""
    turn = Slot(limiter)
    turn.take(Call.CHANGE_KEY)
    turn.refused()
    slower = turns_of(limiter, clock, 2)
    for _ in range(1000):
        turn.accepted()
    turns_of(limiter, clock, 1)
    again = turns_of(limiter, clock, 1)

    assert slower == pytest.approx([2 * APART, 4 * APART], abs=1e-6)
    assert again == pytest.approx([APART], abs=1e-6)


def test_a_call_that_cannot_wait_lets_the_next_one_wait(limiter: AdaptiveRateLimiter, clock: FakeClock) -> None:
    """So the pace is kept, whoever goes first."""
    limiter.spend()

    assert clock.slept == []
    assert turns_of(limiter, clock, 2) == pytest.approx([APART, 2 * APART], abs=1e-6)


def test_there_is_no_time_for_a_turn(clock: FakeClock) -> None:
    """The log group is not even looked at."""
    with pytest.raises(OutOfTime):
        Slot(AdaptiveRateLimiter(clock, 5.0, clock.now()))


def test_the_quotas_of_aws_are_kept(clock: FakeClock) -> None:
    """Five calls of each kind a second; of DescribeLogGroups there are ten, and pages take the rest."""
    limits = DEFAULT_RATE_LIMITS
    log_groups = AdaptiveRateLimiter(clock, limits.log_groups)
    for _ in range(1 + 5 * 60):
        Slot(log_groups)

    assert clock.now() - FakeClock().now() >= 60
    assert limits.log_groups + limits.pages < 10
