"""The PUT that brings a response to CloudFormation, with its retries."""

from __future__ import annotations

import logging
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import urllib3

from log_group_kms.cloudformation.errors import DeliveryFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_group_kms.cloudformation.response_url import ResponseUrl


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """The limits of a delivery: so many attempts, each so long, with a growing pause from the second failure on.

    A PUT takes S3 some 50 ms, and a bad minute of S3 is over within a second or two far more often than in ten. The
    whole has to end well before the function does.
    """

    attempts: int = 4
    longest_attempt: float = 3.0
    pause: float = 0.25

    @property
    def total(self) -> float:
        """The longest time that it can take: urllib3 does not pause after the first failure, then doubles."""
        pauses = sum(self.pause * 2.0**failures for failures in range(1, self.attempts - 1))
        return self.attempts * self.longest_attempt + pauses

    def within(self, seconds: float) -> DeliveryPolicy:
        """Return the same in a hurry: all attempts, each shorter, but never too short for a healthy S3."""
        pace = min(1.0, max(seconds, SHORTEST_DELIVERY) / self.total)
        return replace(self, longest_attempt=self.longest_attempt * pace, pause=self.pause * pace)

    def as_retry(self) -> urllib3.Retry:
        """Return the same in urllib3's words."""
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

_ORDINARY: Final = DeliveryPolicy()


class Delivery:
    """The way to CloudFormation, for all responses of a process.

    Args:
        policy: its attempts.
    """

    def __init__(self, policy: DeliveryPolicy = _ORDINARY) -> None:
        self._policy = policy

    def put(self, url: ResponseUrl, body: bytes, *, seconds_left: float) -> None:
        """PUT *body*, and return once CloudFormation has it.

        Raises:
            DeliveryFailed: it has not.
        """
        problem = self._put(url, body, self._policy.within(seconds_left))
        if problem is not None:
            # Raised here, outside of any `except`: what urllib3 raises quotes the URL, and would be this error's
            # context.
            raise DeliveryFailed(f"CloudFormation did not get the response: {problem}")

    def _put(self, url: ResponseUrl, body: bytes, policy: DeliveryPolicy) -> str | None:
        """Return what went wrong, in words without the URL; None if nothing did."""
        try:
            with _no_word_from_urllib3():
                response = self._pool.urlopen(
                    "PUT",
                    url.reveal(),
                    body=body,
                    headers={"Content-Type": ""},  # S3 signed the URL for an empty one
                    timeout=urllib3.Timeout(total=policy.longest_attempt),
                    retries=policy.as_retry(),
                    redirect=False,  # CloudFormation never redirects; whoever does shall not get the response
                    preload_content=False,  # the status says it all, and no time-out bounds a whole body
                )
                response.close()
        except Exception as error:  # noqa: BLE001 - whatever it is, its text may quote the URL
            return type(getattr(error, "reason", None) or error).__name__
        return None if response.status in range(200, 300) else f"HTTP status {response.status}"

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        """The one pool, with its one TLS context: it costs 30 ms, so not before there is something to send."""
        return urllib3.PoolManager(ssl_context=ssl.create_default_context(), cert_reqs="CERT_REQUIRED")


class _NoWordFrom(logging.Filter):
    """A filter that drops what one thread logs; other threads, and botocore's use of urllib3, are heard as ever."""

    def __init__(self, thread: int) -> None:
        super().__init__()
        self._thread = thread

    def filter(self, _record: logging.LogRecord) -> bool:
        return threading.get_ident() != self._thread


@contextmanager
def _no_word_from_urllib3() -> Iterator[None]:
    """Keep urllib3 silent: it logs the URL at DEBUG and, for a retry, at WARNING.

    A level set here could be set back by anyone.
    """
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
