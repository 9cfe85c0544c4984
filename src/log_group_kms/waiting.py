"""Waiting is data: which refusal, for how long, how often, and why; one loop runs it all.

A window begins with the first refusal of its kind and ends at the deadline at the latest; then the last refusal is
raised. Pauses have full jitter: up to 500 of these resources start at once, each in its own process, and must not
move in step.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from log_group_kms.errors import (
    ConcurrentChange,
    KeyPolicyDenied,
    NotStabilized,
    OutOfTime,
    Refused,
    RoleDenied,
    Throttled,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double from *first* up to *longest*, for as long as the *window* is open; all in seconds."""

    first: float
    longest: float
    window: float

    def ceiling(self, tries: int) -> float:
        """The longest pause after so many *tries*."""
        return min(self.longest, self.first * 2.0 ** min(tries, 30))


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Which refusal is asked again, and how."""

    on: type[Refused]
    backoff: Backoff


#: Someone else (CloudFormation, the service that writes the logs, another stack) is creating or changing the log group;
#: that takes them seconds (aws-cdk#15709).
CONCURRENT_CHANGE: Final = RetryPolicy(on=ConcurrentChange, backoff=Backoff(first=0.5, longest=8.0, window=120.0))
#: AssociateKmsKey allows 5 calls a second for account and Region, not adjustable; the 500 resources that a stack may
#: hold need 100 seconds, and other stacks share the quota. Only the deadline ends this window. Short pauses only add
#: refused calls, and long ones leave the quota unused at the queue's end (measured: `benchmarks/load.py`).
THROTTLED: Final = RetryPolicy(on=Throttled, backoff=Backoff(first=2.0, longest=12.0, window=3600.0))
#: A key policy made in the same stack takes seconds, at times minutes, to be seen (KMS developer guide).
KEY_POLICY_PROPAGATION: Final = RetryPolicy(on=KeyPolicyDenied, backoff=Backoff(first=1.0, longest=10.0, window=120.0))
#: So does a role's policy, but the provider's role is seldom younger than a minute, and who lacks a permission for good
#: should hear of it soon.
ROLE_PROPAGATION: Final = RetryPolicy(on=RoleDenied, backoff=Backoff(first=1.0, longest=8.0, window=30.0))
#: This outlasts a short failure of the service or the network.
UNAVAILABLE: Final = RetryPolicy(on=Unavailable, backoff=Backoff(first=1.0, longest=10.0, window=60.0))

POLICIES: Final = (
    CONCURRENT_CHANGE,
    THROTTLED,
    KEY_POLICY_PROPAGATION,
    ROLE_PROPAGATION,
    UNAVAILABLE,
)

#: What a fleet meets on its way it does not wait for long: it comes back to the log group at the end, and then waits.
IN_PASSING: Final = RetryPolicy(on=ConcurrentChange, backoff=Backoff(first=0.5, longest=4.0, window=10.0))
#: A fleet's calls stand in a queue of their own (`pacing`): what holds it up is there, not here.
QUEUED: Final = RetryPolicy(on=Throttled, backoff=Backoff(first=0.2, longest=2.0, window=3600.0))
FLEET: Final = (QUEUED, *(policy for policy in POLICIES if policy is not THROTTLED))
FLEET_IN_PASSING: Final = (IN_PASSING, *(policy for policy in FLEET if policy is not CONCURRENT_CHANGE))

#: A key that is put back was in use before, so its policy is not new: a refusal is hardly ever cured by waiting, and a
#: rollback should not take minutes.
_PUTTING_BACK: Final = (
    RetryPolicy(on=KeyPolicyDenied, backoff=Backoff(first=1.0, longest=4.0, window=10.0)),
    RetryPolicy(on=RoleDenied, backoff=Backoff(first=1.0, longest=4.0, window=10.0)),
)


def restoring(policies: Sequence[RetryPolicy], *, spoilt: bool = False) -> tuple[RetryPolicy, ...]:
    """As *policies*, for a key that is put back; nobody waits for one that is *spoilt* on another log group already."""
    others = tuple(policy for policy in policies if policy.on not in (KeyPolicyDenied, RoleDenied))
    return others if spoilt else (*others, *_PUTTING_BACK)


RESTORING: Final = restoring(POLICIES)

#: DescribeLogGroups shows a change within the second, as a rule.
READ_BACK: Final = Backoff(first=0.2, longest=5.0, window=30.0)


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


class Patience:
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

    def within(self, seconds: float) -> Patience:
        """The same, with a deadline that is at most so many *seconds* away."""
        deadline = min(self.deadline, self.clock.now() + seconds)
        return Patience(self.clock, deadline, over=self._over, jitter=self._jitter, policies=self.policies)

    def under(self, policies: Sequence[RetryPolicy], *, stopped: Callable[[], bool] = lambda: False) -> Patience:
        """The same, under other *policies*; over as well, when it is *stopped*."""
        over = self._over
        return Patience(
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
            except Refused as refusal:
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
