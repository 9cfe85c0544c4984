"""EventBridge's invocations of functions: through Lambda's queue, with its retries and destinations.

MiniStack runs the function once, and forgets what it cannot deliver. On AWS the target's dead-letter queue gets what
never reached the function (there is none, or its policy does not let EventBridge invoke it); what the function itself
fails at is Lambda's to retry and to hand on. Source: the EventBridge user guide, "Using dead-letter queues to process
undelivered events", which names the message's attributes and error codes. Policies are looked at under AUTH only.
"""

import json
import logging
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ministack.core.responses import get_account_id, get_region

from local.emulator import queues, seams
from local.emulator.asynchronous import AsynchronousQueue, function_for

if TYPE_CHECKING:
    from collections.abc import Callable

_log: Final = logging.getLogger("events")
_EVENTBRIDGE: Final = "events.amazonaws.com"
_INVOKE: Final = "lambda:InvokeFunction"


@dataclass(frozen=True, slots=True)
class _Delivery:
    """What is delivered at the moment, and for which rule."""

    rule: str
    target: dict[str, Any]
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
        queues.put(queue, self.event, attributes)

    def _may_use(self, queue: str) -> bool:
        allowed: bool = seams.QUEUE_POLICY_ALLOWS.get()(queue, _EVENTBRIDGE, self.rule, get_account_id())
        return allowed


_current: Final[ContextVar[_Delivery]] = ContextVar("_current")


def install(queue: AsynchronousQueue) -> None:
    """Deliver so."""
    invoke: Callable[..., None] = seams.INVOKE_TARGET.get()

    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        view = view or seams.EVENT_VIEW.get()(event)
        before = _current.set(_Delivery(rule.get("Arn", ""), target, view.event_with_detail()))
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


def _may_invoke(function: str, rule: str) -> bool:
    """Under AUTH, whether the function's own policy says so."""
    if not seams.AUTH.get():
        return True
    policy, account = seams.FUNCTION_POLICY.get()(function)
    allowed = seams.EVALUATE_RESOURCE_POLICY.get()(
        policy,
        seams.EVALUATION.get()(
            principal_arn=_EVENTBRIDGE,
            principal_type="Service",
            principal_account=account,
            action=_INVOKE,
            resource_arn=function,
            region=get_region(),
            service_context={"aws:sourcearn": rule, "aws:sourceaccount": account},
        ),
        service=_EVENTBRIDGE,
    )
    return bool(allowed.decision == "Allow")
