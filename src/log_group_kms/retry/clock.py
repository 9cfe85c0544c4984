"""Time, so that tests can do without it, and deadlines that can come nearer."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Time."""

    def now(self) -> float:
        """Return the seconds since the epoch."""

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass."""


class SystemClock:
    """The machine's own time."""

    now = staticmethod(time.time)
    sleep = staticmethod(time.sleep)


class Deadline:
    """A moment at which work ends, in seconds since the epoch; it can come nearer, as after Ctrl-C."""

    def __init__(self, at: float = float("inf")) -> None:
        self._at = at

    @property
    def at(self) -> float:
        """The moment, in seconds since the epoch."""
        return self._at

    def bring_forward(self, at: float) -> None:
        """Let it be *at* this moment, in seconds since the epoch, unless it is earlier anyway."""
        self._at = min(self._at, at)

    def less(self, seconds: float) -> Deadline:
        """Return a deadline that stays so many *seconds* before this one."""
        return _Earlier(self, seconds)


class _Earlier(Deadline):
    def __init__(self, other: Deadline, seconds: float) -> None:
        super().__init__()
        self._other = other
        self._seconds = seconds

    @property
    def at(self) -> float:
        """See `Deadline`."""
        return min(self._at, self._other.at - self._seconds)
