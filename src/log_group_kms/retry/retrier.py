"""Asking again: one loop runs every policy.

A window begins with the first error of its kind and ends at the deadline at the latest; then the last error is raised.
Pauses have full jitter: up to 500 of these resources start at once, each in its own process, and must not move in step.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final, TypeVar

from log_group_kms.model.errors import ApiError, NotStabilized, OutOfTime
from log_group_kms.retry.clock import Deadline
from log_group_kms.retry.policies import POLICIES, READ_BACK, Backoff, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from log_group_kms.retry.clock import Clock

T = TypeVar("T")

#: Seconds before the deadline at which the last try begins: a call is answered sooner, as a rule.
_A_TRY: Final = 1.0


def no_guard() -> None:
    """Let every retry be made."""


class Retrier:
    """Asks again while it may help and there is time.

    Args:
        clock: the time.
        deadline: the moment after which no call begins and no pause ends; a number is seconds since the epoch.
        over: returns whether this event has been answered already, by the backstop timer: then no call begins either.
        jitter: draws a pause between its two arguments.
        policies: the errors that are asked again where a call does not say.
    """

    def __init__(
        self,
        clock: Clock,
        deadline: Deadline | float,
        *,
        over: Callable[[], bool] = lambda: False,
        jitter: Callable[[float, float], float] = random.uniform,
        policies: Sequence[RetryPolicy] = POLICIES,
    ) -> None:
        self.clock = clock
        self.deadline = deadline if isinstance(deadline, Deadline) else Deadline(deadline)
        self._over = over
        self._jitter = jitter
        self.policies = policies
        #: The tries that the calls before have taken, by policy; threads that share it lose nothing but a pause.
        self._crowded: dict[RetryPolicy, float] = {}

    def within(self, seconds: float) -> Retrier:
        """Return the same with a deadline that is at most so many *seconds* away."""
        deadline = self.deadline.less(0.0)
        deadline.bring_forward(self.clock.now() + seconds)
        return self._copy(deadline, self._over, self.policies)

    def under(self, policies: Sequence[RetryPolicy], *, stopped: Callable[[], bool] = lambda: False) -> Retrier:
        """Return the same under other *policies*; over as well, when it is *stopped*."""
        over = self._over
        return self._copy(self.deadline, lambda: over() or stopped(), policies)

    def _copy(self, deadline: Deadline, over: Callable[[], bool], policies: Sequence[RetryPolicy]) -> Retrier:
        copy = Retrier(self.clock, deadline, over=over, jitter=self._jitter, policies=policies)
        copy._crowded = self._crowded
        return copy

    def attempt(
        self,
        call: Callable[[], T],
        *,
        policies: Sequence[RetryPolicy] | None = None,
        guard: Callable[[], None] = no_guard,
    ) -> T:
        """Make *call* until it works, an error is final, or time is up.

        Args:
            call: the call.
            policies: the errors that are asked again; by default the retrier's own.
            guard: is called before each retry, and may raise to end it.

        Raises:
            ApiError: the last error, with the seconds waited; at once, where no policy names it. Its cause is OutOfTime
                where there was no time for the next try.
            OutOfTime: there was no time for a first try.
        """
        self._check()
        policies = self.policies if policies is None else policies
        waits: dict[RetryPolicy, _Wait] = {}
        begun = self.clock.now()
        while True:
            try:
                result = call()
            except ApiError as error:
                last = error
                policy = next((policy for policy in policies if isinstance(error, policy.on)), None)
                wait = policy and (waits.get(policy) or waits.setdefault(policy, self._begun(policy)))
                if not (wait and self._pause(wait)):
                    error.waited = self.clock.now() - begun
                    raise
            else:
                self._remember(waits)
                return result
            try:
                guard()
                # It makes calls of its own, which may have taken the time that was left.
                self._check()
            except OutOfTime as over:
                last.waited = self.clock.now() - begun
                last.cut_short = True
                raise last from over

    def until(self, reached: Callable[[], str], backoff: Backoff = READ_BACK) -> None:
        """Look until *reached* returns nothing; what it returns says what is seen instead.

        Raises:
            NotStabilized: the window closed; with what was seen last.
        """
        wait = _Wait(backoff, self.clock.now())
        while seen := reached():
            if not self._pause(wait):
                raise NotStabilized(seen)

    def _begun(self, policy: RetryPolicy) -> _Wait:
        """Return a wait that begins where the calls before have left off: the crowd is the same."""
        return _Wait(policy.backoff, self.clock.now(), self._crowded.get(policy, 0.0))

    def _remember(self, waits: Mapping[RetryPolicy, _Wait]) -> None:
        for policy in {*waits, *self._crowded}:
            tries = waits[policy].tries if policy in waits else self._crowded[policy]
            if policy.backoff.remembered:
                self._crowded[policy] = tries * policy.backoff.remembered

    def _check(self) -> None:
        if self._over() or self.clock.now() >= self.deadline.at:
            raise OutOfTime(
                "Time ran out before this event was done; deploy again, with a longer ServiceTimeout if it is short"
            )

    def _pause(self, wait: _Wait) -> bool:
        """Sleep before the next try; False, and no sleep, where no time is left for it and for the try.

        The last try comes just before the end, not a long pause sooner.
        """
        now = self.clock.now()
        ends = min(wait.ends, self.deadline.at - _A_TRY)
        if now >= ends or self._over():
            return False
        longest = wait.backoff.ceiling(wait.tries)
        self.clock.sleep(min(ends - now, self._jitter(longest * wait.backoff.least, longest)))
        wait.tries += 1
        return not self._over()


class _Wait:
    """The wait under one policy, so far."""

    def __init__(self, backoff: Backoff, now: float, tries: float = 0.0) -> None:
        self.backoff = backoff
        self.ends = now + backoff.window
        self.tries = tries
