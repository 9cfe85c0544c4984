"""Rate limits: a fleet calls at the quotas and not over them, and gives way to others.

AssociateKmsKey, ListTagsForResource, TagResource and UntagResource allow 5 calls a second each for account and Region,
not adjustable, and every other stack shares them (CloudWatch Logs quotas). A log group that changes costs one call of
each kind, so the log groups are spaced by that much: one *slot* for each. A throttled call means that others are at
work: then the pace halves, and recovers step by step.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from log_group_kms.model.errors import OutOfTime
from log_group_kms.retry.clock import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.retry.clock import Clock

#: Calls exactly at the quota meet its edge whenever the network draws two of them together.
_SLACK: Final = 1.01
#: A pace halves at most so often before it is no slower: one fiftieth of the quota is as good as waiting.
_SLOWEST: Final = 50.0
#: Of the way back to the full pace, so much with each call that is accepted.
_RECOVERY: Final = 0.1


class Call(Enum):
    """The kinds of call that have a quota of their own."""

    READ_TAGS = "ListTagsForResource"
    WRITE_TAGS = "TagResource"
    REMOVE_TAGS = "UntagResource"
    #: Of DisassociateKmsKey no quota is documented; it is taken for the same.
    CHANGE_KEY = "AssociateKmsKey"
    #: DescribeLogGroups allows 10, of which each log group takes one.
    READ_KEY = "DescribeLogGroups"


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The speed of a fleet: calls a second, and workers.

    Attributes:
        log_groups: log groups that are looked at or changed, by one call of each kind.
        pages: DescribeLogGroups for pages of 50; the quota is 10, of which each log group takes one.
        workers: how many log groups are worked on at once: five calls to each would not keep up with the quota one
            after the other.
    """

    log_groups: float = 5.0
    pages: float = 4.0
    workers: int = 12


DEFAULT_RATE_LIMITS: Final = RateLimits()


class RateLimiter(Protocol):
    """Admission of calls, of all kinds alike."""

    def spend(self) -> None:
        """Count a call that cannot wait: those after it wait longer instead."""

    def take(self) -> None:
        """Wait until the next call is allowed.

        Raises:
            OutOfTime: it would come too late.
        """

    def accepted(self) -> None:
        """The call was not throttled."""

    def refused(self) -> None:
        """The call was throttled."""


class Pace(Protocol):
    """Admission of calls by their kind."""

    def take(self, call: Call) -> None:
        """Wait until a *call* is allowed.

        Raises:
            OutOfTime: it would come too late.
        """

    def accepted(self) -> None:
        """The call was not throttled."""

    def refused(self) -> None:
        """The call was throttled."""


class AdaptiveRateLimiter:
    """A limiter that spaces what it admits; several threads may share it.

    Args:
        clock: the time.
        per_second: admissions a second.
        until: the moment after which nothing is admitted; a number is seconds since the epoch.
        on_refusal: is called for each call that was throttled.
    """

    def __init__(
        self,
        clock: Clock,
        per_second: float,
        until: Deadline | float = float("inf"),
        *,
        on_refusal: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._shortest = _SLACK / per_second
        self._interval = self._shortest
        self._next = clock.now()
        self._until = until if isinstance(until, Deadline) else Deadline(until)
        self._slowed_at = float("-inf")
        self._lock = threading.Lock()
        self._on_refusal = on_refusal

    def take(self) -> None:
        """See `RateLimiter`."""
        with self._lock:
            now = self._clock.now()
            moment = max(self._next, now)
            if moment >= self._until.at:
                raise OutOfTime("The turn of this call would come too late")
            self._next = moment + self._interval
        if moment > now:
            self._clock.sleep(moment - now)

    def spend(self) -> None:
        """See `RateLimiter`."""
        with self._lock:
            self._next = max(self._next, self._clock.now()) + self._interval

    def accepted(self) -> None:
        """See `RateLimiter`."""
        with self._lock:
            self._interval -= (self._interval - self._shortest) * _RECOVERY

    def refused(self) -> None:
        """See `RateLimiter`; calls that were on their way together count as one."""
        self._on_refusal()
        with self._lock:
            now = self._clock.now()
            if now - self._slowed_at > self._interval:
                self._interval = min(self._interval * 2, self._shortest * _SLOWEST)
                self._slowed_at = now
            self._next = max(self._next, now + self._interval)


class Slot:
    """The pace for one log group: its turn admits one call of each kind, and each further one waits for another turn.

    The turn is taken before the first call, so that look and change are close together.

    Raises:
        OutOfTime: the turn would come too late.
    """

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self._made: set[Call] = set()
        limiter.take()

    def take(self, call: Call) -> None:
        """See `Pace`."""
        if call in self._made:
            self._limiter.take()
        self._made.add(call)

    def accepted(self) -> None:
        """See `Pace`."""
        self._limiter.accepted()

    def refused(self) -> None:
        """See `Pace`."""
        self._limiter.refused()
