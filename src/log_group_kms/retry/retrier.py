"""Waiting is data: which refusal, for how long, how often, and why; one loop runs it all.

A window begins with the first refusal of its kind and ends at the deadline at the latest; then the last refusal is
raised. Pauses have full jitter: up to 500 of these resources start at once, each in its own process, and must not
move in step.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Protocol, TypeVar

from log_group_kms.model.errors import (
    ApiError,
    NotStabilized,
    OutOfTime,
)
from log_group_kms.retry.policies import POLICIES, READ_BACK, Backoff, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


T = TypeVar("T")


class Clock(Protocol):
    """Time, so that tests can do without it."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass."""


class SystemClock:
    """The machine's own time."""

    now = staticmethod(time.time)
    sleep = staticmethod(time.sleep)


class Retrier:
    """Asks again while it may help and there is time.

    Args:
        clock: the time.
        deadline: seconds since the epoch; no call begins and no pause ends after it.
        over: whether this event has been answered already, by the backstop timer: then no call begins either.
        jitter: draws a pause between its two arguments.
        policies: which refusals are asked again where a call does not say.
    """

    def __init__(
        self,
        clock: Clock,
        deadline: float,
        *,
        over: Callable[[], bool] = lambda: False,
        jitter: Callable[[float, float], float] = random.uniform,
        policies: Sequence[RetryPolicy] = POLICIES,
    ) -> None:
        self.clock = clock
        self.deadline = deadline
        self._over = over
        self._jitter = jitter
        self.policies = policies

    def within(self, seconds: float) -> Retrier:
        """The same, with a deadline that is at most so many *seconds* away."""
        deadline = min(self.deadline, self.clock.now() + seconds)
        return Retrier(self.clock, deadline, over=self._over, jitter=self._jitter, policies=self.policies)

    def under(self, policies: Sequence[RetryPolicy], *, stopped: Callable[[], bool] = lambda: False) -> Retrier:
        """The same, under other *policies*; over as well, when it is *stopped*."""
        over = self._over
        return Retrier(
            self.clock, self.deadline, over=lambda: over() or stopped(), jitter=self._jitter, policies=policies
        )

    def attempt(
        self,
        call: Callable[[], T],
        *,
        policies: Sequence[RetryPolicy] | None = None,
        before_retry: Callable[[], None] = lambda: None,
    ) -> T:
        """Make *call* until it works, a refusal is final, or time is up; *before_retry* may raise to end it.

        Raises:
            Refused: the last refusal, with the seconds waited; at once, where no policy names it.
            OutOfTime: there was no time for a first try.
        """
        self._check()
        policies = self.policies if policies is None else policies
        waits: dict[RetryPolicy, _Wait] = {}
        begun = self.clock.now()
        while True:
            try:
                return call()
            except ApiError as refusal:
                last = refusal
                policy = next((policy for policy in policies if isinstance(refusal, policy.on)), None)
                wait = policy and waits.setdefault(policy, _Wait(policy.backoff, self.clock.now()))
                if not (wait and self._pause(wait)):
                    refusal.waited = self.clock.now() - begun
                    raise
            try:
                before_retry()
                # It makes calls of its own, which may have taken the time that was left.
                self._check()
            except OutOfTime:
                last.waited = self.clock.now() - begun
                raise last from None

    def until(self, reached: Callable[[], str], backoff: Backoff = READ_BACK) -> None:
        """Look until *reached* returns nothing; what it returns tells what is seen instead.

        Raises:
            NotStabilized: the window closed; with what was seen last.
        """
        wait = _Wait(backoff, self.clock.now())
        while seen := reached():
            if not self._pause(wait):
                raise NotStabilized(seen)

    def _check(self) -> None:
        if self._over() or self.clock.now() >= self.deadline:
            raise OutOfTime(
                "Time ran out before this event was done; deploy again, with a longer ServiceTimeout if it is short"
            )

    def _pause(self, wait: _Wait) -> bool:
        """Sleep before the next try; False, and no sleep, where no time is left for it and for the try."""
        now = self.clock.now()
        pause = min(wait.ends - now, self._jitter(0.0, wait.backoff.ceiling(wait.tries)))
        if now >= wait.ends or now + pause >= self.deadline or self._over():
            return False
        self.clock.sleep(pause)
        wait.tries += 1
        return not self._over()


class _Wait:
    """How far the wait under one policy has come."""

    def __init__(self, backoff: Backoff, now: float) -> None:
        self.backoff = backoff
        self.ends = now + backoff.window
        self.tries = 0
