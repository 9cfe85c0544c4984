"""The two deadlines of an event: Lambda's for the invocation, and CloudFormation's for the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from log_group_kms.model.errors import StaleEvent
from log_group_kms.request.parse import parse_service_timeout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.cloudformation.envelope import Envelope

#: Seconds. A call that hangs (20), its diagnosis and the answer must fit between the last call's begin and the end ...
_MARGIN: Final = 25.0
#: ... but at most this share of the time that there is.
_MARGIN_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Until when to work; all in seconds since the epoch.

    Attributes:
        invocation: when this invocation must have answered or handed on.
        stack: when CloudFormation must have its answer; infinite where the event does not say when it was sent.
    """

    invocation: float
    stack: float = float("inf")

    @classmethod
    def of(cls, envelope: Envelope, event: Mapping[str, object], now: float, seconds_left: float) -> Deadlines:
        """The deadlines of an invocation that Lambda ends in *seconds_left*.

        Raises:
            StaleEvent: CloudFormation has given this event up.
        """
        invocation = now + seconds_left - _margin(seconds_left)
        if envelope.sent_at is None:
            return cls(invocation)
        retrier = parse_service_timeout(event.get("ResourceProperties"))
        if now >= envelope.sent_at + retrier:
            raise StaleEvent(
                f"This event is {now - envelope.sent_at:.0f} s old and CloudFormation waited {retrier} s for it "
                "(ServiceTimeout), so nothing was changed"
            )
        return cls(invocation, envelope.sent_at + retrier - _margin(retrier))

    @property
    def earliest(self) -> float:
        """Until when to ask AWS again."""
        return min(self.invocation, self.stack)


def _margin(seconds: float) -> float:
    return min(_MARGIN, seconds * _MARGIN_SHARE)
