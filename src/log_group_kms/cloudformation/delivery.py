"""One answer to CloudFormation: what may stand in it, how it fits, and the PUT that brings it there.

The protocol: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

from __future__ import annotations

import json
import logging
import ssl
import threading
from bisect import bisect_right
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import urllib3

from log_group_kms.cloudformation.physical_id import is_physical_resource_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from log_group_kms.cloudformation.envelope import Envelope, ResponseUrl

#: CloudFormation drops a longer answer, and the stack hangs.
LONGEST_BODY: Final = 4096

_CUT: Final = "…"

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class InvalidResponse(ValueError):  # noqa: N818 - as NotAnEvent
    """CloudFormation would not take this answer."""


class DeliveryFailed(Exception):  # noqa: N818 - as NotAnEvent
    """CloudFormation has not got the answer; neither the text nor a cause holds the ResponseURL."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What CloudFormation is told about one event."""

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
    def failed(cls, reason: str, physical_resource_id: str) -> Answer:
        """A failure, which has no return values: nothing could read them."""
        return cls("FAILED", physical_resource_id, reason)

    def fitted(self, envelope: Envelope) -> Answer:
        """This answer within 4,096 bytes: the Reason loses its end, never its beginning; return values lose nothing."""
        if len(self.body(envelope)) <= LONGEST_BODY:
            return self
        if self.status == "FAILED" and self.data:
            return replace(self, data=_NOTHING).fitted(envelope)
        if self.status == "SUCCESS" and len(self.with_reason("").body(envelope)) > LONGEST_BODY:
            return self._data_too_long().fitted(envelope)
        return self._shortened(envelope)

    def body(self, envelope: Envelope) -> bytes:
        """The bytes to PUT; not ASCII-escaped, which would double most of what is not English."""
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

    def _shortened(self, envelope: Envelope) -> Answer:
        lengths = range(len(self.reason))
        fitting = bisect_right(lengths, LONGEST_BODY, key=lambda length: len(self._cut(length).body(envelope)))
        return self._cut(fitting - 1) if fitting else self.with_reason("")

    def _cut(self, length: int) -> Answer:
        return self.with_reason(self.reason[:length] + _CUT)

    def with_reason(self, reason: str) -> Answer:
        """The same with another Reason."""
        return replace(self, reason=reason)

    def _data_too_long(self) -> Answer:
        names = ", ".join(sorted(self.data))
        return Answer.failed(
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


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """How long a delivery goes on: so many attempts, each so long, with a growing pause from the second failure on.

    A PUT takes S3 some 50 ms, and a bad minute of S3 is over within a second or two far more often than in ten; the
    whole has to end well before the function does.
    """

    attempts: int = 4
    longest_attempt: float = 3.0
    pause: float = 0.25

    @property
    def total(self) -> float:
        """The longest it can take: urllib3 does not pause after the first failure, then doubles."""
        pauses = sum(self.pause * 2.0**failures for failures in range(1, self.attempts - 1))
        return self.attempts * self.longest_attempt + pauses

    def within(self, seconds: float) -> DeliveryPolicy:
        """The same in a hurry: all attempts, each shorter, and never so short that a healthy S3 would be too slow."""
        pace = min(1.0, max(seconds, SHORTEST_DELIVERY) / self.total)
        return replace(self, longest_attempt=self.longest_attempt * pace, pause=self.pause * pace)

    def as_retry(self) -> urllib3.Retry:
        """In urllib3's words."""
        return urllib3.Retry(
            total=self.attempts - 1,
            allowed_methods={"PUT"},
            status_forcelist={429, *range(500, 600)},
            raise_on_status=False,  # so that there is one place which judges the status
            backoff_factor=self.pause,
            respect_retry_after_header=False,  # it could ask for an hour
        )


#: Under the pressure of time: with less left, being killed is no worse than giving up, so there is no reason to.
SHORTEST_DELIVERY: Final = 3.0

DELIVERY: Final = DeliveryPolicy()


def deliver(
    url: ResponseUrl, body: bytes, *, seconds_left: float | None = None, policy: DeliveryPolicy = DELIVERY
) -> None:
    """PUT *body*; returns once CloudFormation has it, raises DeliveryFailed if it has not."""
    outcome = _put(url, body, policy if seconds_left is None else policy.within(seconds_left))
    if outcome is not None:
        # Raised here, outside of any `except`: what urllib3 raises quotes the URL, and would be this error's context.
        raise DeliveryFailed(f"CloudFormation did not get the answer: {outcome}")


def _put(url: ResponseUrl, body: bytes, policy: DeliveryPolicy) -> str | None:
    """What went wrong, in words without the URL; None if nothing did."""
    try:
        with _no_word_from_urllib3():
            response = _pool().urlopen(
                "PUT",
                url.reveal(),
                body=body,
                headers={"Content-Type": ""},  # S3 signed the URL for an empty one
                timeout=urllib3.Timeout(total=policy.longest_attempt),
                retries=policy.as_retry(),
                redirect=False,  # CloudFormation never redirects; whoever does shall not get the answer
                preload_content=False,  # the status says it all, and no time-out bounds a whole body
            )
            response.close()
    except Exception as error:  # noqa: BLE001 - whatever it is, its text may quote the URL
        return type(getattr(error, "reason", None) or error).__name__
    return None if response.status in range(200, 300) else f"HTTP status {response.status}"


@cache
def _pool() -> urllib3.PoolManager:
    """The process's one pool, with its one TLS context: each costs 30 ms, so not before there is something to send."""
    return urllib3.PoolManager(ssl_context=ssl.create_default_context(), cert_reqs="CERT_REQUIRED")


class _NoWordFrom(logging.Filter):
    """Drops what one thread logs; other threads, and botocore's use of urllib3, are heard as ever."""

    def __init__(self, thread: int) -> None:
        super().__init__()
        self._thread = thread

    def filter(self, _record: logging.LogRecord) -> bool:
        return threading.get_ident() != self._thread


@contextmanager
def _no_word_from_urllib3() -> Iterator[None]:
    """urllib3 logs the URL at DEBUG and, for a retry, at WARNING; a level set here could be set back by anyone."""
    silence = _NoWordFrom(threading.get_ident())
    # All there are by now: a filter counts for its own logger only, and the versions differ in their names.
    loggers = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict) if name.startswith("urllib3")]
    for logger in loggers:
        logger.addFilter(silence)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(silence)
