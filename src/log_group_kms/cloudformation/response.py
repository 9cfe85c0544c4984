"""The response to one event: what may be in it, how it is made to fit, and its bytes.

The protocol: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from log_group_kms.cloudformation.errors import InvalidResponse
from log_group_kms.cloudformation.physical_id import is_physical_resource_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.cloudformation.envelope import Envelope

#: CloudFormation drops a longer response, and the stack hangs.
LONGEST_BODY: Final = 4096

_CUT: Final = "…"

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Response:
    """The words that CloudFormation gets for one event.

    Raises:
        InvalidResponse: CloudFormation would not take it.
    """

    status: Literal["SUCCESS", "FAILED"]
    physical_resource_id: str
    reason: str = ""
    data: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    no_echo: bool = False

    def __post_init__(self) -> None:
        if not is_physical_resource_id(self.physical_resource_id):
            raise InvalidResponse("the physical resource id is empty or longer than 1,024 bytes")
        if not isinstance(self.reason, str):
            raise InvalidResponse(f"the Reason is not a string but {type(self.reason).__name__}")
        if self.status == "FAILED" and not self.reason.strip():
            raise InvalidResponse("a failure needs a Reason")
        _check_data(self.data)

    @classmethod
    def failed(cls, reason: str, physical_resource_id: str) -> Response:
        """Return a failure. It has no return values: nothing could read them."""
        return cls("FAILED", physical_resource_id, reason)

    def fitted(self, envelope: Envelope) -> Response:
        """Return this response within 4,096 bytes.

        The Reason loses its end, never its beginning. Return values lose nothing.
        """
        if len(self.body(envelope)) <= LONGEST_BODY:
            return self
        if self.status == "FAILED" and self.data:
            return replace(self, data=_NOTHING).fitted(envelope)
        if self.status == "SUCCESS" and len(self.with_reason("").body(envelope)) > LONGEST_BODY:
            return self._data_too_long().fitted(envelope)
        return self._shortened(envelope)

    def body(self, envelope: Envelope) -> bytes:
        """Return the bytes to PUT; not ASCII-escaped, which would double most of what is not English."""
        content = {
            "Status": self.status,
            "Reason": self.reason.encode(errors="replace").decode(),  # a lone surrogate cannot travel
            "PhysicalResourceId": self.physical_resource_id,
            "StackId": envelope.stack_id,
            "RequestId": envelope.request_id,
            "LogicalResourceId": envelope.logical_resource_id,
            "NoEcho": self.no_echo,
            "Data": dict(self.data),
        }
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()

    def with_reason(self, reason: str) -> Response:
        """Return the same with another Reason."""
        return replace(self, reason=reason)

    def _shortened(self, envelope: Envelope) -> Response:
        lengths = range(len(self.reason))
        fitting = bisect_right(lengths, LONGEST_BODY, key=lambda length: len(self._cut(length).body(envelope)))
        return self._cut(fitting - 1) if fitting else self.with_reason("")

    def _cut(self, length: int) -> Response:
        return self.with_reason(self.reason[:length] + _CUT)

    def _data_too_long(self) -> Response:
        names = ", ".join(sorted(self.data))
        return Response.failed(
            f"The return values do not fit into the {LONGEST_BODY:,} bytes that CloudFormation reads: {names}",
            self.physical_resource_id,
        )


def _check_data(data: object) -> None:
    try:
        json.dumps(dict(data), ensure_ascii=False).encode()  # type: ignore[call-overload] # that is what is found out
    except (TypeError, ValueError, RecursionError):
        raise InvalidResponse("the return values (Data) cannot be written as JSON") from None
    strangers = [key for key, value in dict(data).items() if not (isinstance(key, str) and isinstance(value, str))]  # type: ignore[call-overload] # checked above
    if strangers:
        raise InvalidResponse(f"the return values (Data) are not all strings: {', '.join(map(repr, strangers))}")
