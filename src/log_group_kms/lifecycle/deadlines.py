"""The two deadlines of an event: Lambda's for the invocation, and CloudFormation's for the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from log_group_kms.model.errors import StaleEvent
from log_group_kms.request.parse import parse_service_timeout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.cloudformation.envelope import Envelope

#: Seconds. A call that hangs (20), its diagnosis and the response must fit in after the last call has begun ...
_MARGIN: Final = 25.0
#: ... but at most this share of the time that there is.
_MARGIN_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The moments at which work ends, in seconds since the epoch.

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
        sent_at = envelope.sent_at
        if sent_at is None:
            return cls(invocation)
        service_timeout = parse_service_timeout(event.get("ResourceProperties"))
        if now >= sent_at + service_timeout:
            raise StaleEvent(
                f"This event is {now - sent_at:.0f} s old and CloudFormation waited {service_timeout} s for it "
                "(ServiceTimeout), so nothing was changed"
            )
        return cls(invocation, sent_at + service_timeout - _margin(service_timeout))

    @property
    def earliest(self) -> float:
        """The earlier one: until then, AWS is asked again."""
        return min(self.invocation, self.stack)


def _margin(seconds: float) -> float:
    return min(_MARGIN, seconds * _MARGIN_SHARE)
