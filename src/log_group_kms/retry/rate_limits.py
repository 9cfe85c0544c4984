"""Rate limits: a fleet calls at the quota and not over it, and gives way to others.

AssociateKmsKey allows 5 calls a second for account and Region, not adjustable, and every other stack shares them
(CloudWatch Logs quotas). So a fleet spaces its calls by that much. A throttled call means that others are at work: then
the pace halves, and recovers step by step.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The speed of a fleet: calls a second, and workers.

    Attributes:
        changes: AssociateKmsKey and DisassociateKmsKey together; of the latter no quota is documented.
        reads: ListTagsForResource where there is nothing to change; no quota is documented.
        pages: DescribeLogGroups for pages of 50; the quota is 10, of which each change takes one.
        workers: how many log groups are worked on at once: five calls to each would not keep up with the quota one
            after the other.
    """

    changes: float = 5.0
    reads: float = 20.0
    pages: float = 4.0
    workers: int = 8

    @classmethod
    def of(cls, changes_per_second: float) -> RateLimits:
        """Return the limits where so many changes a second are allowed; looking at one must not hold up changing it."""
        return cls(changes=changes_per_second, reads=4 * changes_per_second)


DEFAULT_RATE_LIMITS: Final = RateLimits()


class RateLimiter(Protocol):
    """Admission of calls to one operation."""

    def take(self) -> None:
        """Wait until the next call is allowed.

        Raises:
            OutOfTime: it would come too late.
        """

    def accepted(self) -> None:
        """The call was not throttled."""

    def refused(self) -> None:
        """The call was throttled."""


class AdaptiveRateLimiter:
    """A limiter of one operation that spaces its calls; several threads may share it.

    Args:
        clock: the time.
        per_second: calls a second.
        until: the moment after which no call is allowed; a number is seconds since the epoch.
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


class ReservedPermit:
    """A limiter for one log group whose first permit was taken before the look at it: look and change are close."""

    def __init__(self, limiter: AdaptiveRateLimiter) -> None:
        self._limiter = limiter
        limiter.take()
        self._taken = True

    def take(self) -> None:
        """See `RateLimiter`."""
        if self._taken:
            self._taken = False
        else:
            self._limiter.take()

    def accepted(self) -> None:
        """See `RateLimiter`."""
        self._limiter.accepted()

    def refused(self) -> None:
        """See `RateLimiter`."""
        self._limiter.refused()
