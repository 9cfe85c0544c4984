"""Time that goes faster, so that a run at many times AWS's quotas is the run at AWS's own, only sooner.

What paces, waits or backs off by this clock does so in the same proportion to the quotas. Only what takes real time, a
call to the embedded AWS, weighs as much more.
"""

from __future__ import annotations

import time


class HastenedClock:
    """The machine's time, *factor* times as fast; see `log_group_kms.retry.clock`."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._epoch, self._begun = time.time(), time.monotonic()

    def now(self) -> float:
        """Return seconds since the epoch, as many as have gone by on this clock."""
        return self._epoch + (time.monotonic() - self._begun) * self._factor

    def sleep(self, seconds: float) -> None:
        """Let *seconds* of this clock pass."""
        time.sleep(seconds / self._factor)
