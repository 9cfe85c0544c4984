"""Every event gets exactly one valid answer: crhelper, with its faults mended.

crhelper 2.0.12 brings the decorators, the routing and the order of things. What is sent, when and how often is decided
here: crhelper never sees the ResponseURL, so it can neither log it nor send anything to it.
"""

from __future__ import annotations

import logging
import os
import threading
import traceback
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, Protocol, cast

from log_group_kms.cloudformation.delivery import DELIVERY, Answer, DeliveryPolicy, InvalidResponse, deliver
from log_group_kms.cloudformation.envelope import REDACTED, Envelope
from log_group_kms.cloudformation.physical_id import is_physical_resource_id
from log_group_kms.cloudformation.resource_base import CfnResource
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Handler = Callable[[Any, Any], bool | str | None]

_logger = logging.getLogger(__name__)

REQUEST_TYPES: Final = ("Create", "Update", "Delete")

#: The backstop answers so many seconds before the function's end: time enough for a delivery with its retries.
BACKSTOP_MARGIN: Final = 8.0

#: ... but at most this share of the time that there is: a function with a short life needs most of it for its work.
BACKSTOP_SHARE: Final = 0.25

#: What a delivery leaves over: a failed one still has to become an error that Lambda sees.
LAST_WORDS: Final = 1.0

#: The loggers whose levels crhelper sets; None is the root.
_LEVELLED_BY_CRHELPER: Final = (None, "boto", "boto3", "botocore", "urllib3")


class Context(Protocol):
    """What answering needs of Lambda's context: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    @property
    def aws_request_id(self) -> str:
        """The invocation's id, as the log has it."""

    @property
    def log_group_name(self) -> str:
        """Where the function logs."""

    def get_remaining_time_in_millis(self) -> int:
        """Until Lambda ends the function."""


class Turn:
    """The right to answer one event, used once: by the handler, by the backstop, or by a later invocation."""

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        own = envelope.physical_resource_id or NOTHING_ASSOCIATED
        self.failure_id: Callable[[], str] = lambda: own
        self.handed_on = False
        self.failure: Exception | None = None
        #: Read without the lock, which is held for as long as a PUT takes.
        self.over = False
        self._lock = threading.Lock()

    def take(self, put: Callable[[], None]) -> bool:
        """Answer, unless that has been done; waits for an answer on its way, lest Lambda freeze it half sent."""
        with self._lock:
            if self.over:
                return False
            self.over = True
            try:
                put()
            except Exception as failure:  # noqa: BLE001 - kept for the end of the invocation, whichever thread this is
                self.failure = failure
            return True

    def hand_on(self) -> bool:
        """Leave it to a later invocation, unless the event is answered."""
        self.handed_on = self.take(lambda: None)
        return self.handed_on

    def take_back(self) -> None:
        """There will be no later invocation."""
        with self._lock:
            self.over = self.over and not self.handed_on
            self.handed_on = False


class LogGroupKmsResource(CfnResource):
    """`crhelper.CfnResource` that answers each event exactly once; each override says which fault it mends."""

    Data: dict[str, str]
    Status: Literal["SUCCESS", "FAILED"]
    # crhelper's stubs leave these out.
    RequestType: str
    _context: Context
    _timer: threading.Timer

    def __init__(self, policy: DeliveryPolicy = DELIVERY) -> None:
        self._policy = policy
        self._turn: Turn | None = None
        self._whole_event: object = None
        # Clients: three that nobody uses cost 120 ms of each cold start; crhelper makes none under `sam local`.
        # Levels: they are the function's to set, not those of a library that it imports.
        # sleep_on_delete: two minutes in every Delete, for log lines that Lambda ships by itself.
        with _as_under_sam_local(), _levels_kept():
            super().__init__(sleep_on_delete=0)

    def __call__(self, event: object, context: Context) -> None:
        """Answer *event*; raises NotAnEvent where nobody can be answered, DeliveryFailed if nobody has been."""
        # Before anything else: crhelper would answer a malformed event on a warm function to the previous one's URL.
        self._turn = turn = Turn(Envelope.of(event))
        self._whole_event = event
        self.NoEcho = False  # the one thing that crhelper does not reset
        super().__call__(_outline(turn.envelope), context)
        if turn.failure is not None:
            # Not left to crhelper, which swallows it: a failed invocation is delivered again, or goes to the responder.
            raise turn.failure

    @property
    def answered(self) -> bool:
        """Whether this event is answered, or left to a later invocation: what still works on it has to stop."""
        return self._turn is not None and self._turn.over

    @property
    def handed_on(self) -> bool:
        """Whether a later invocation answers this event."""
        return self._turn is not None and self._turn.handed_on

    @property
    def succeeded(self) -> bool:
        """Whether the handler function ended well."""
        return self.Status == "SUCCESS"

    @property
    def fallback_physical_resource_id(self) -> str:
        """The id of an answer for which the handler function gave none: at first the event's own, or the marker."""
        return self._current.failure_id()

    def read_failure_id_from(self, failure_id: Callable[[], str]) -> None:
        """From now on, ask *failure_id* for the id of an answer for which the handler function gives none.

        Raises:
            InvalidResponse: it returns no physical id.
        """
        if not is_physical_resource_id(failure_id()):
            raise InvalidResponse(f"no physical resource id: {failure_id()!r}")
        self._current.failure_id = failure_id

    def fail(self, reason: str, physical_resource_id: str = "") -> str:
        """Make the answer FAILED, without a traceback: `return resource.fail(...)`; also after `answer_later()`."""
        self._current.take_back()
        self.Status, self.Reason = "FAILED", reason
        return physical_resource_id or self.fallback_physical_resource_id

    def answer_later(self) -> bool:
        """Leave the answer to a further invocation; False if it has been given, and there is nothing to continue.

        Call it *before* asking for that invocation, so that the backstop cannot answer in between. If the handler
        function raises or fails afterwards, nobody would come: then the event is answered FAILED here.
        """
        return self._current.hand_on()

    @property
    def _current(self) -> Turn:
        if self._turn is None:
            raise RuntimeError("there is no event to answer")
        return self._turn

    def _log_setup(self, _event: object, _context: object) -> None:
        """Leaves all levels alone, as the constructor does: crhelper would set the root logger's for every event."""

    def _get_func(self) -> Handler | None:
        """CloudFormation's three words only: crhelper finds something for "poll_create" and for "CREATE", too."""
        if self.RequestType not in REQUEST_TYPES:
            return None
        return cast("Handler | None", super()._get_func())  # type: ignore[misc] # left out of the stubs

    def _wrap_function(self, func: Handler | None) -> None:
        """As crhelper's, but SystemExit is answered, a type without a function fails, and no id is made up."""
        try:
            physical_id = func(self._whole_event, self._context) if func else self._nobody_answers()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever ended the function, CloudFormation waits
            physical_id = self.fail(self._report(error))
        # None at the end is not let through: see `_answer`.
        self.PhysicalResourceId = physical_id or self._current.envelope.physical_resource_id  # type: ignore[assignment]

    def _poll_enabled(self) -> bool:
        """Never, see `_no_poll`; crhelper's own look-up also stumbles over an unknown type."""
        return False

    def _no_poll(self, func: Handler) -> NoReturn:
        """One poll function makes every Create poll: a rule, a permission, and a minute or more each."""
        raise NotImplementedError(f"no polling with {func!r}: use answer_later()")

    poll_create = poll_update = poll_delete = _no_poll

    def _set_timeout(self) -> None:
        """Early enough to deliver with retries (crhelper leaves 0.5 s), and in no way of the process's end."""
        seconds = self._seconds_left()
        delay = seconds - min(BACKSTOP_MARGIN, seconds * BACKSTOP_SHARE)
        self._timer = threading.Timer(max(delay, 0.0), partial(self._timeout, self._current))
        self._timer.daemon = True
        self._timer.start()

    def _timeout(self, turn: Turn) -> None:
        """With a physical id, and for its own event alone, however late the timer's thread gets to run."""
        reason = f"The function ran out of time before the work was done. {self._where_to_look()}"
        if self._settle(turn, Answer.failed(reason, turn.failure_id())):
            _logger.error("Out of time: the event is answered FAILED")

    def _cfn_response(self, _event: object) -> None:
        """Without crhelper's made-up id where there is none: the rollback's Delete would carry it."""
        self._send()

    def _send(self, status: str | None = None, reason: str = "", **_: object) -> None:
        """Never raises: crhelper would call it a second time."""
        turn = self._current
        if turn.handed_on:
            return
        if not self._settle(turn, self._answer() if status is None else self._broken(reason)):
            _logger.warning("The handler's answer came too late: %s %s", self.Status, self.Reason)

    def _settle(self, turn: Turn, answer: Answer) -> bool:
        """Once for an event, whoever comes first: crhelper's timer and handler both answer."""
        return turn.take(partial(self._put, turn.envelope, answer))

    def _put(self, envelope: Envelope, answer: Answer) -> None:
        url = envelope.response_url
        sent = answer.with_reason(url.redact(answer.reason)).fitted(envelope)
        deliver(url, sent.body(envelope), seconds_left=self._seconds_left() - LAST_WORDS, policy=self._policy)
        # CloudFormation shows no Reason of a SUCCESS: the log is the only place for it.
        level = logging.ERROR if sent.status == "FAILED" else logging.WARNING if sent.reason else logging.INFO
        _logger.log(level, "Answered %s, %s. %s", sent.status, sent.physical_resource_id, sent.reason)

    def _answer(self) -> Answer:
        """What the handler function left, if it can be sent: crhelper drops the ids with Data that cannot."""
        data = self.Data if self.Status == "SUCCESS" else {}
        try:
            return Answer(self.Status, self.PhysicalResourceId, self.Reason, data, no_echo=bool(self.NoEcho))
        except InvalidResponse as error:
            return self._broken(str(error))

    def _broken(self, what: str) -> Answer:
        reason = f"Internal error: {what}. {self._where_to_look()}"
        given = self.PhysicalResourceId
        return Answer.failed(reason, given if is_physical_resource_id(given) else self.fallback_physical_resource_id)

    def _nobody_answers(self) -> str:
        return self.fail(
            f"RequestType {self._current.envelope.request_type!r} is not known; known are {', '.join(REQUEST_TYPES)}",
        )

    def _report(self, error: BaseException) -> str:
        """Log *error* once, with its traceback, and say it in a sentence; neither with the URL."""
        told = traceback.TracebackException.from_exception(error)
        # As text, not as exc_info: the traceback's own messages may quote the event.
        _logger.error("The handler failed\n%s", self._current.envelope.response_url.redact("".join(told.format())))
        summary = "".join(told.format_exception_only()).strip()
        return f"Internal error: {summary}. {self._where_to_look()}"

    def _where_to_look(self) -> str:
        return f"See log group {self._context.log_group_name}, request id {self._context.aws_request_id}."

    def _seconds_left(self) -> float:
        return float(self._context.get_remaining_time_in_millis()) / 1000


def _outline(envelope: Envelope) -> dict[str, str]:
    """All that crhelper needs of an event, and may log at DEBUG."""
    return {
        "RequestType": envelope.request_type,
        "RequestId": envelope.request_id,
        "StackId": envelope.stack_id,
        "LogicalResourceId": envelope.logical_resource_id,
        "ResponseURL": REDACTED,
    }


@contextmanager
def _as_under_sam_local() -> Iterator[None]:
    before = os.environ.get("AWS_SAM_LOCAL")
    os.environ["AWS_SAM_LOCAL"] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ["AWS_SAM_LOCAL"]
        else:
            os.environ["AWS_SAM_LOCAL"] = before


@contextmanager
def _levels_kept() -> Iterator[None]:
    before = [(logger := logging.getLogger(name), logger.level) for name in _LEVELLED_BY_CRHELPER]
    try:
        yield
    finally:
        for logger, level in before:
            logger.setLevel(level)
