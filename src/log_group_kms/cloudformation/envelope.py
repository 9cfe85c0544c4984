"""The outer part of a custom-resource event: what a response needs, and nothing of what the event asks for.

The fields: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from log_group_kms.cloudformation.errors import NotAnEvent
from log_group_kms.cloudformation.physical_id import fits, is_physical_resource_id
from log_group_kms.cloudformation.response_url import ResponseUrl

#: Real ones are far shorter (a stack's ARN some 235 bytes, a logical id at most 255 characters). Every response carries
#: all three, and has to keep room for a physical id and a Reason in its 4,096 bytes.
LONGEST_ECHOED_ID: Final = 512


@dataclass(frozen=True, slots=True)
class Envelope:
    """The sender of an event, and the address of the response.

    Attributes:
        request_type: as it was sent, also an unknown one; "" if it is missing. Such an event can still be failed.
        request_id: the event's id.
        stack_id: the stack's ARN.
        logical_resource_id: the resource's name in the template.
        resource_type: its type in the template.
        physical_resource_id: None if there is none (every Create), or none that could be in a response.
        response_url: where the response goes.
        sent_at: when CloudFormation sent the event, in seconds since the epoch; None if that cannot be told.
    """

    request_type: str
    request_id: str
    stack_id: str
    logical_resource_id: str
    resource_type: str
    physical_resource_id: str | None
    response_url: ResponseUrl
    sent_at: float | None

    @classmethod
    def of(cls, event: object) -> Envelope:
        """Read what Lambda handed in.

        Raises:
            NotAnEvent: no response could be delivered.
        """
        if not isinstance(event, dict):
            raise NotAnEvent(f"the event is not an object but {type(event).__name__}")
        physical_id = event.get("PhysicalResourceId")
        return cls(
            request_type=_text_or_nothing(event, "RequestType"),
            request_id=_echoed_id(event, "RequestId"),
            stack_id=_echoed_id(event, "StackId"),
            logical_resource_id=_echoed_id(event, "LogicalResourceId"),
            resource_type=_text_or_nothing(event, "ResourceType"),
            physical_resource_id=physical_id if is_physical_resource_id(physical_id) else None,
            response_url=(url := ResponseUrl(_required(event, "ResponseURL"))),
            sent_at=url.signed_at,
        )


def _text_or_nothing(event: dict[Any, Any], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _required(event: dict[Any, Any], name: str) -> str:
    if not (value := _text_or_nothing(event, name)):
        raise NotAnEvent(f"{name} is missing or not a non-empty string")
    return value


def _echoed_id(event: dict[Any, Any], name: str) -> str:
    value = _required(event, name)
    if not fits(value, LONGEST_ECHOED_ID):
        raise NotAnEvent(f"{name} is longer than {LONGEST_ECHOED_ID} bytes or not valid Unicode")
    return value
