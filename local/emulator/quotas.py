"""The quotas of CloudWatch Logs: calls a second for each account and Region, and "Rate exceeded" beyond.

One table for all calls. A server is started with a factor on it, so that a run can be short; `Direction.scale_quotas`
changes the factor, and `Direction.limit` a single call's quota.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

#: CloudWatch Logs user guide, "CloudWatch Logs quotas". None of them but those of CreateLogGroup and DescribeLogGroups
#: can be raised. DisassociateKmsKey is not listed there: it is taken to be AssociateKmsKey's. Nor was ListLogGroups
#: found: it is taken to be DescribeLogGroups'. That a quota allows a burst of one second's calls is our reading.
PER_SECOND: Final[Mapping[str, float]] = MappingProxyType({
    "logs:AssociateKmsKey": 5.0,
    "logs:DisassociateKmsKey": 5.0,
    "logs:ListTagsForResource": 5.0,
    "logs:TagResource": 5.0,
    "logs:UntagResource": 5.0,
    "logs:ListTagsLogGroup": 5.0,
    "logs:TagLogGroup": 5.0,
    "logs:UntagLogGroup": 5.0,
    "logs:DescribeLogGroups": 10.0,
    "logs:ListLogGroups": 10.0,
    "logs:CreateLogGroup": 10.0,
    "logs:StartQuery": 10.0,
    "logs:GetQueryResults": 10.0,
})  # fmt: skip

#: The factor that lets every call pass.
OFF: Final = 0.0
_OFF: Final = "off"


def factor_in(text: str) -> float:
    """Return the factor that *text* means: a number, or `off`.

    Raises:
        ValueError: it is neither, or less than nothing.
    """
    factor = OFF if text == _OFF else float(text)
    if not 0 <= factor < float("inf"):
        raise ValueError(f"{text!r} is no factor for quotas")
    return factor


@dataclass(slots=True)
class _Bucket:
    """A token bucket that is full at first and holds one second's worth, at least one call."""

    per_second: float
    tokens: float
    filled_at: float

    @classmethod
    def full(cls, per_second: float, now: float) -> "_Bucket":
        return cls(per_second, max(1.0, per_second), now)

    def take(self, now: float) -> bool:
        self.tokens = min(max(1.0, self.per_second), self.tokens + (now - self.filled_at) * self.per_second)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Quotas:
    """The quotas in force, and what is left of them.

    Args:
        factor: how many times AWS's own they are, and become again by `restore`; `OFF` for none.
        clock: returns the time in seconds, from any beginning.
    """

    def __init__(self, factor: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._factor = factor
        self._clock = clock
        self.restore()

    def restore(self) -> None:
        """Let every quota be what it was at first, and unused."""
        self.scale(self._factor)

    def scale(self, factor: float) -> None:
        """Let every quota be so many times AWS's own, and unused; `OFF` for none."""
        self._per_second = {} if factor == OFF else {call: rate * factor for call, rate in PER_SECOND.items()}
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}

    def limit(self, operation: str, per_second: float) -> None:
        """Let one operation, of Logs or any other service, have this quota."""
        self._per_second[operation] = per_second
        self._buckets.clear()

    def admit(self, operation: str, account: str, region: str) -> bool:
        """Take one call out of the account's and Region's bucket; return whether there was one."""
        per_second = self._per_second.get(operation)
        if per_second is None:
            return True
        now = self._clock()
        return self._buckets.setdefault((operation, account, region), _Bucket.full(per_second, now)).take(now)
