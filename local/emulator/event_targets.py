"""EventBridge's deliveries: to functions through Lambda's queue, with its retries and destinations; to queues.

MiniStack runs the function once, fills any queue, and forgets what it cannot deliver. On AWS the target's dead-letter
queue gets what never reached the target (there is none, or its policy does not let EventBridge in); what a function
itself fails at is Lambda's to retry and to hand on. Source: the EventBridge user guide, "Using dead-letter queues to
process undelivered events", which names the message's attributes and error codes. Policies are looked at under AUTH
only.
"""

import json
import logging
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ministack.core.arn import parse_arn

from local.emulator import policies, queues, seams
from local.emulator.asynchronous import AsynchronousQueue, function_for, unqualified

if TYPE_CHECKING:
    from collections.abc import Callable

_log: Final = logging.getLogger("events")
_EVENTBRIDGE: Final = "events.amazonaws.com"
_INVOKE: Final = "lambda:InvokeFunction"


@dataclass(frozen=True, slots=True)
class _Delivery:
    """The delivery at hand: which event to which target, and for which rule."""

    rule: str
    target: dict[str, Any]
    #: MiniStack's record of the event.
    event: dict[str, Any]

    def failed(self, code: str, message: str) -> None:
        """Put the event into the target's dead-letter queue, if it has one."""
        queue = (self.target.get("DeadLetterConfig") or {}).get("Arn")
        _log.warning("%s: %s", code, message)
        if queue is None or not self._may_use(queue):
            return
        attributes = {
            "RULE_ARN": self.rule,
            "TARGET_ARN": self.target["Arn"],
            "ERROR_CODE": code,
            "ERROR_MESSAGE": message,
            "RETRY_ATTEMPTS": "0",
        }
        queues.put(queue, _delivered(self.event), attributes)

    def _may_use(self, queue: str) -> bool:
        return queues.lets_in(queue, _EVENTBRIDGE, self.rule)


_current: Final[ContextVar[_Delivery]] = ContextVar("_current")


def install(queue: AsynchronousQueue) -> None:
    """Deliver through *queue*, and what cannot be delivered to the dead-letter queue."""
    invoke: Callable[..., None] = seams.INVOKE_TARGET.get()

    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        delivery = _Delivery(rule.get("Arn", ""), target, event)
        if not _queue_takes(delivery):
            return
        before = _current.set(delivery)
        try:
            invoke(target, event, rule, view)
        finally:
            _current.reset(before)

    def to_lambda(arn: str, payload: str) -> None:
        delivery = _current.get()
        function = function_for(arn)
        if function is None:
            delivery.failed("NO_RESOURCE", f"There is no function {arn}.")
        elif not _may_invoke(arn, delivery.rule):
            delivery.failed("NO_PERMISSIONS", f"The policy of {arn} does not let {_EVENTBRIDGE} invoke it.")
        else:
            queue.put(function, json.loads(payload))

    seams.INVOKE_TARGET.replace(invoke_target)
    seams.EVENT_TO_LAMBDA.replace(to_lambda)


def _queue_takes(delivery: _Delivery) -> bool:
    """Return False where the target is a queue that is not there or does not let EventBridge in; say so then."""
    arn = delivery.target["Arn"]
    if parse_arn(arn).service != "sqs":
        return True
    if not queues.is_there(arn):
        delivery.failed("NO_RESOURCE", f"There is no queue {arn}.")
    elif not queues.lets_in(arn, _EVENTBRIDGE, delivery.rule):
        delivery.failed("NO_PERMISSIONS", f"The policy of {arn} does not let {_EVENTBRIDGE} send.")
    else:
        return True
    return False


def _may_invoke(function_arn: str, rule: str) -> bool:
    """Return whether the function's own policy lets EventBridge invoke it for the rule."""
    if not policies.are_enforced():
        return True
    function = function_for(unqualified(function_arn)) or {}
    account = parse_arn(function_arn).account_id
    return policies.let_service(
        function.get("policy"),
        service=_EVENTBRIDGE,
        action=_INVOKE,
        resource=function_arn,
        account=account,
        context={"aws:sourcearn": rule, "aws:sourceaccount": account},
    )


def _delivered(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event as a target or a dead-letter queue gets it, from MiniStack's record of it."""
    return {
        "version": "0",
        "id": event["EventId"],
        "detail-type": event["DetailType"],
        "source": event["Source"],
        "account": event["Account"],
        "time": datetime.fromtimestamp(event["Time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": event["Region"],
        "resources": event["Resources"],
        "detail": json.loads(event["Detail"]),
    }
