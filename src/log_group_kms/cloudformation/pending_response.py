"""The response that CloudFormation still waits for, and what makes sure that it is given only once."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from log_group_kms.cloudformation.physical_id import is_physical_resource_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.cloudformation.delivery import Delivery
    from log_group_kms.cloudformation.envelope import Envelope
    from log_group_kms.cloudformation.response import Response

logger = logging.getLogger(__name__)


class PendingResponse:
    """The one response to an event. The handler gives it, the backstop, or a later invocation.

    Args:
        envelope: the event.
        failed_create_id: the physical id of a failure for an event that brings none.
        delivery: the way to CloudFormation.

    Attributes:
        settled: set once this invocation has nothing more to say; work for the event has to stop then.
        deferred: True where a later invocation responds.
        delivery_failure: the reason why CloudFormation did not get the response.
        read_failure_id: returns the physical id of a failure for which the handler function gives none.
    """

    def __init__(self, envelope: Envelope, failed_create_id: str, delivery: Delivery) -> None:
        self.envelope = envelope
        self.settled = threading.Event()
        self.deferred = False
        self.delivery_failure: Exception | None = None
        self._own_id = envelope.physical_resource_id or failed_create_id
        self.read_failure_id: Callable[[], str] = lambda: self._own_id
        self._delivery = delivery
        # Held for as long as a PUT takes.
        self._lock = threading.Lock()

    @property
    def failure_id(self) -> str:
        """The physical id of a failure: the one that is read, or the event's own where that is no id."""
        read = self.read_failure_id()
        if is_physical_resource_id(read):
            return read
        logger.error("The id of a failure is no physical resource id: %r", read)
        return self._own_id

    def respond(self, response: Response, seconds_left: float) -> bool:
        """Deliver *response*, unless the event is settled; return False where it is.

        A response on its way is waited for: Lambda would freeze it half sent.
        """
        with self._lock:
            if self.settled.is_set():
                return False
            self.settled.set()
            try:
                self._deliver(response, seconds_left)
            except Exception as failure:  # noqa: BLE001 - kept for the end of the invocation, whichever thread this is
                self.delivery_failure = failure
            return True

    def defer(self) -> bool:
        """Leave the response to a later invocation; return False where the event is settled."""
        with self._lock:
            if self.settled.is_set():
                return False
            self.settled.set()
            self.deferred = True
            return True

    def cancel_deferral(self) -> None:
        """Wait for this invocation's response again: there will be no later invocation."""
        with self._lock:
            if self.deferred:
                self.settled.clear()
            self.deferred = False

    def _deliver(self, response: Response, seconds_left: float) -> None:
        url = self.envelope.response_url
        sent = response.with_reason(url.redact(response.reason)).fitted(self.envelope)
        self._delivery.put(url, sent.body(self.envelope), seconds_left=seconds_left)
        # CloudFormation shows no Reason of a SUCCESS: the log is the only place for it.
        level = logging.ERROR if sent.status == "FAILED" else logging.WARNING if sent.reason else logging.INFO
        logger.log(level, "Answered %s, %s. %s", sent.status, sent.physical_resource_id, sent.reason)
