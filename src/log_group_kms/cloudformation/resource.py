"""A custom resource whose every event gets exactly one valid response: crhelper, with its faults mended.

crhelper 2.0.12 brings the decorators, the routing and the order of things. What is sent, when and how often is decided
here: crhelper never sees the ResponseURL, so it can neither log it nor send anything to it.
"""

from __future__ import annotations

import logging
import os
import threading
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, cast

from log_group_kms.cloudformation.delivery import Delivery
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.cloudformation.errors import InvalidResponse
from log_group_kms.cloudformation.invocation import seconds_left, where_to_look
from log_group_kms.cloudformation.pending_response import PendingResponse
from log_group_kms.cloudformation.physical_id import is_physical_resource_id
from log_group_kms.cloudformation.resource_base import CfnResource, without_side_effects
from log_group_kms.cloudformation.response import Response
from log_group_kms.cloudformation.response_hosts import ResponseHosts
from log_group_kms.cloudformation.response_url import REDACTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.cloudformation.invocation import LambdaContext

    Handler = Callable[[Any, Any], bool | str | None]

logger = logging.getLogger(__name__)

REQUEST_TYPES: Final = ("Create", "Update", "Delete")

#: The backstop responds so many seconds before the function's end: time enough for a delivery with its retries.
BACKSTOP_MARGIN: Final = 8.0

#: ... but at most this share of the time that there is: a function with a short life needs most of it for its work.
BACKSTOP_SHARE: Final = 0.25

#: Seconds that a delivery leaves over: a failed one still has to become an error that Lambda sees.
LAST_WORDS: Final = 1.0


class CustomResource(CfnResource):
    """`crhelper.CfnResource` with exactly one response to each event; each override says which fault it mends.

    Args:
        failed_create_id: the physical id of a Create that failed before it did anything.
        delivery: the way to CloudFormation.

    Attributes:
        envelope: the event at work; there is none before the first.
        settled: set once the event has its response, or is left to a later invocation: work for it has to stop then.
    """

    Data: dict[str, str]
    Status: Literal["SUCCESS", "FAILED"]
    # crhelper's stubs leave these out.
    RequestType: str
    _context: LambdaContext
    _timer: threading.Timer

    envelope: Envelope

    def __init__(self, failed_create_id: str, delivery: Delivery | None = None) -> None:
        self.settled = threading.Event()
        self._failed_create_id = failed_create_id
        self._delivery = delivery or Delivery()
        self._pending: PendingResponse | None = None
        self._whole_event: object = None
        with without_side_effects():
            # sleep_on_delete: two minutes in every Delete, for log lines that Lambda ships by itself.
            super().__init__(sleep_on_delete=0)

    def __call__(self, event: object, context: LambdaContext) -> None:
        """Respond to *event*.

        Raises:
            NotAnEvent: no response could be delivered, or not to CloudFormation.
            DeliveryFailed: CloudFormation did not get the response.
        """
        # Before anything else: for a malformed event on a warm function, crhelper would respond to the previous one.
        envelope = Envelope.of(event)
        # Before any work: nothing is to change for an event whose answer nobody would get.
        ResponseHosts.of_environment(os.environ).check(envelope.response_url.reveal(), envelope.stack_id)
        self.envelope = envelope
        self._pending = pending = PendingResponse(self.envelope, self._failed_create_id, self._delivery)
        self.settled = pending.settled
        self._whole_event = event
        self.NoEcho = False  # the one thing that crhelper does not reset
        super().__call__(_outline(self.envelope), context)
        if pending.delivery_failure is not None:
            # Not left to crhelper, which swallows it: a failed invocation is delivered again, or goes to the responder.
            raise pending.delivery_failure

    @property
    def succeeded(self) -> bool:
        """True where the handler function ended well."""
        return self.Status == "SUCCESS"

    @property
    def deferred(self) -> bool:
        """True where a later invocation responds to the event."""
        return self._current.deferred

    @property
    def failure_id(self) -> str:
        """The physical id of a failure for which the handler function gives none."""
        return self._current.failure_id

    def read_failure_id_from(self, read: Callable[[], str]) -> None:
        """Call *read* for the physical id of a failure, from now on; the event's own is taken where that is no id."""
        self._current.read_failure_id = read

    def fail(self, reason: str, physical_resource_id: str = "") -> str:
        """Make the response FAILED, without a traceback: `return resource.fail(...)`; also after `defer()`."""
        self._current.cancel_deferral()
        self.Status, self.Reason = "FAILED", reason
        return physical_resource_id or self.failure_id

    def defer(self) -> bool:
        """Leave the response to a further invocation; return False if it has been given: there is nothing to continue.

        Call it *before* asking for that invocation, so that the backstop cannot respond in between. If the handler
        function raises or fails afterwards, nobody would come: then the event is failed here.
        """
        return self._current.defer()

    def take_back(self) -> None:
        """Undo `defer()`: the further invocation could not be asked for, and this one goes on."""
        self._current.cancel_deferral()

    @property
    def _current(self) -> PendingResponse:
        if self._pending is None:
            raise RuntimeError("there is no event to answer")
        return self._pending

    def _log_setup(self, _event: object, _context: object) -> None:
        """Leave all levels alone, as the constructor does: crhelper would set the root logger's for every event."""

    def _get_func(self) -> Handler | None:
        """Take CloudFormation's three words only: crhelper finds something for "poll_create" and for "CREATE", too."""
        if self.RequestType not in REQUEST_TYPES:
            return None
        return cast("Handler | None", super()._get_func())  # type: ignore[misc] # left out of the stubs

    def _wrap_function(self, func: Handler | None) -> None:
        """Run *func*. Unlike crhelper, respond to SystemExit, fail a type without a function, and make up no id."""
        try:
            physical_id = func(self._whole_event, self._context) if func else self._refuse_type()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever ended the function, CloudFormation waits
            physical_id = self.fail(self._report(error))
        # None at the end is not let through: see `_response`.
        self.PhysicalResourceId = physical_id or self.envelope.physical_resource_id  # type: ignore[assignment] # crhelper says str

    def _poll_enabled(self) -> bool:
        """Return False, see `_no_poll`; crhelper's own look-up also stumbles over an unknown type."""
        return False

    def _no_poll(self, func: Handler) -> NoReturn:
        """Refuse a poll function: one makes every Create poll: a rule, a permission, and a minute or more each."""
        raise NotImplementedError(f"no polling with {func!r}: use defer()")

    poll_create = poll_update = poll_delete = _no_poll

    def _set_timeout(self) -> None:
        """Start the backstop early enough for retries (crhelper leaves 0.5 s), and in no way of the process's end."""
        seconds = seconds_left(self._context)
        delay = seconds - min(BACKSTOP_MARGIN, seconds * BACKSTOP_SHARE)
        self._timer = threading.Timer(max(delay, 0.0), partial(self._timeout, self._current))
        self._timer.daemon = True
        self._timer.start()

    def _timeout(self, pending: PendingResponse) -> None:
        """Fail the timer's own event alone, however late its thread gets to run; crhelper sends no physical id."""
        reason = f"The function ran out of time before the work was done. {where_to_look(self._context)}"
        if self._respond(pending, Response.failed(reason, pending.failure_id)):
            logger.error("Out of time: the event is answered FAILED")

    def _cfn_response(self, _event: object) -> None:
        """Send no id that is made up, as crhelper's is where there is none: the rollback's Delete would carry it."""
        self._send()

    def _send(self, status: str | None = None, reason: str = "", **_: object) -> None:
        """Respond, and never raise: crhelper would call it a second time."""
        pending = self._current
        if pending.deferred:
            return
        if not self._respond(pending, self._response() if status is None else self._internal_error(reason)):
            logger.warning("The handler's response came too late: %s %s", self.Status, self.Reason)

    def _respond(self, pending: PendingResponse, response: Response) -> bool:
        """Respond once, whoever comes first: crhelper's timer and handler both do."""
        return pending.respond(response, seconds_left(self._context) - LAST_WORDS)

    def _response(self) -> Response:
        """Return what the handler function left, if it can be sent: crhelper drops the ids with Data that cannot."""
        data = self.Data if self.succeeded else {}
        try:
            return Response(self.Status, self.PhysicalResourceId, self.Reason, data, no_echo=bool(self.NoEcho))
        except InvalidResponse as error:
            return self._internal_error(str(error))

    def _internal_error(self, what: str) -> Response:
        given = self.PhysicalResourceId
        physical_id = given if is_physical_resource_id(given) else self.failure_id
        return Response.failed(f"Internal error: {what}. {where_to_look(self._context)}", physical_id)

    def _refuse_type(self) -> str:
        known = ", ".join(REQUEST_TYPES)
        return self.fail(f"RequestType {self.envelope.request_type!r} is not known; known are {known}")

    def _report(self, error: BaseException) -> str:
        """Log *error* once, with its traceback, and return it in a sentence; neither with the URL."""
        told = traceback.TracebackException.from_exception(error)
        # As text, not as exc_info: the traceback's own messages may quote the event.
        logger.error("The handler failed\n%s", self.envelope.response_url.redact("".join(told.format())))
        summary = "".join(told.format_exception_only()).strip()
        return f"Internal error: {summary}. {where_to_look(self._context)}"


def _outline(envelope: Envelope) -> dict[str, str]:
    """Return all that crhelper needs of an event, and may log at DEBUG."""
    return {
        "RequestType": envelope.request_type,
        "RequestId": envelope.request_id,
        "StackId": envelope.stack_id,
        "LogicalResourceId": envelope.logical_resource_id,
        "ResponseURL": REDACTED,
    }
