"""The cutoff: the moment from which an invocation begins nothing more on a fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from log_group_kms.model.errors import ApiError, NotStabilized, OutOfTime, ProviderError
from log_group_kms.retry.policies import POLICIES

if TYPE_CHECKING:
    from log_group_kms.retry.retrier import Retrier

#: Seconds before the deadline in which no further log group is begun: longer than the longest pause between two tries,
#: so that what is refused for now goes on in the next invocation, and is no failure ...
_RESERVE: Final = 15.0
#: ... but at most this share of the time that there is.
_RESERVE_SHARE: Final = 0.4
#: What may be cut short by the deadline, and is no failure then.
_MAY_BE_CUT_SHORT: Final[tuple[type[ProviderError], ...]] = (NotStabilized, *(policy.on for policy in POLICIES))


class Cutoff:
    """The moment from which nothing more is begun, some time before the deadline of a *retrier*."""

    def __init__(self, retrier: Retrier) -> None:
        self._clock = retrier.clock
        left = retrier.deadline.at - self._clock.now()
        self.deadline = retrier.deadline.less(min(_RESERVE, left * _RESERVE_SHARE))

    @property
    def passed(self) -> bool:
        """True from that moment on."""
        return self._clock.now() >= self.deadline.at

    def cut_short(self, failure: Exception) -> bool:
        """Return whether *failure* is none, but the end of this invocation's time."""
        if isinstance(failure, ApiError) and failure.cut_short:
            return True
        return isinstance(failure, OutOfTime) or (isinstance(failure, _MAY_BE_CUT_SHORT) and self.passed)
