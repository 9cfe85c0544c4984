"""Lambda's queue of asynchronous invocations.

MiniStack retries too, but loses what is throttled, counts three attempts whatever happened, and sends destinations a
record without most of its fields. Source: the Lambda developer guide, "Asynchronous invocation".
"""

import contextvars
import json
import logging
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ministack.core.arn import parse_arn
from ministack.core.responses import request_scope

from local.emulator import operations, policies, queues, seams
from local.emulator.operations import OperationRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

_log: Final = logging.getLogger("lambda")

#: AWS waits one minute before the second attempt and two before the third.
_BEFORE_RETRY: Final = (1.0, 2.0)
#: AWS backs off from one second to five minutes.
_BEFORE_THROTTLED_AGAIN: Final = 0.5
_DEFAULT_RETRIES: Final = 2
_DEFAULT_AGE: Final = 6 * 3600

#: What the function's role needs for a destination.
_DESTINATION_ACTIONS: Final = {"lambda": "lambda:InvokeFunction", "sqs": "sqs:SendMessage", "sns": "sns:Publish"}

#: MiniStack's record of a function, and the result of one execution.
Function: TypeAlias = dict[str, Any]
Result: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Policy:
    """The settings of a function's queue: how often and how long it tries, and where a failure goes."""

    retries: int
    longest_age: float
    on_failure: str | None

    @classmethod
    def of(cls, function: Function) -> "_Policy":
        given = function.get("event_invoke_config") or (function.get("event_invoke_configs") or {}).get("$LATEST") or {}
        retries = given.get("MaximumRetryAttempts")
        destination = (given.get("DestinationConfig") or {}).get("OnFailure") or {}
        dead_letters = _config(function).get("DeadLetterConfig") or {}
        return cls(
            _DEFAULT_RETRIES if retries is None else int(retries),
            float(given.get("MaximumEventAgeInSeconds") or _DEFAULT_AGE),
            destination.get("Destination") or dead_letters.get("TargetArn"),
        )


class AsynchronousQueue:
    """The queue that delivers events to functions, each in a thread of its own."""

    def __init__(self) -> None:
        self._generation = 0

    def clear(self) -> None:
        """Drop what is waiting for another attempt."""
        self._generation += 1

    def put(self, function: Function, event: Any) -> None:
        """Accept an event, and return at once."""
        # The context carries the depth of invocations, by which loops are found.
        context = contextvars.copy_context()
        threading.Thread(
            target=context.run, args=(self._deliver, function, event, str(uuid.uuid4())), daemon=True
        ).start()

    def _deliver(self, function: Function, event: Any, request_id: str) -> None:
        policy = _Policy.of(function)
        generation = self._generation
        arrived = time.monotonic()
        attempts = 0
        while True:
            result: Result = seams.EXECUTE.get()(function, event)
            if generation != self._generation:
                return
            if result.get("throttle"):
                pause = _BEFORE_THROTTLED_AGAIN
            elif not result.get("error"):
                return
            else:
                _log.info("Asynchronous invocation of %s failed: %s", _arn(function), result.get("log"))
                attempts += 1
                if attempts > policy.retries:
                    self._give_up(function, policy, _record(function, event, request_id, attempts, result))
                    return
                pause = _BEFORE_RETRY[min(attempts, len(_BEFORE_RETRY)) - 1]
            if time.monotonic() - arrived + pause > policy.longest_age:
                aged = _record(function, event, request_id, attempts, result, condition="EventAgeExceeded")
                self._give_up(function, policy, aged)
                return
            time.sleep(pause)
            if generation != self._generation:
                return

    def _give_up(self, function: Function, policy: _Policy, record: dict[str, Any]) -> None:
        if policy.on_failure is None:
            return
        owner = parse_arn(_arn(function))
        with request_scope(owner.account_id, owner.region):
            if not self._hand_over(function, policy.on_failure, record):
                _log.warning("The destination %s got nothing of what %s failed at", policy.on_failure, _arn(function))

    def _hand_over(self, function: Function, destination: str, record: dict[str, Any]) -> bool:
        """Return whether the destination is there, and the function's role may use it."""
        service = parse_arn(destination).service
        action = _DESTINATION_ACTIONS.get(service)
        if action is not None and not _role_may(function, action, destination):
            return False
        if service == "sqs":
            return queues.put(destination, record)
        if service == "lambda":
            found = function_for(destination)
            if found is not None:
                self.put(found, record)
            return found is not None
        return service == "sns" and _publish(destination, record)


def _role_may(function: Function, action: str, resource: str) -> bool:
    """Return whether the function's role allows *action*: in its name Lambda uses a destination."""
    return not policies.are_enforced() or policies.let_role(_config(function)["Role"], action, resource)


def _publish(topic_arn: str, record: dict[str, Any]) -> bool:
    try:
        operations.query("sns", "Publish", TopicArn=topic_arn, Message=json.dumps(record))
    except OperationRefusedError:
        return False
    return True


def function_for(reference: str) -> Function | None:
    """Return the function that an ARN or a name means, ready to be executed; None if there is none."""
    function, config, _ = seams.FIND_FUNCTION.get()(reference)
    return None if function is None or config is None else {**function, "config": config}


def _record(  # noqa: PLR0913 - the record has these parts
    function: Function,
    event: Any,
    request_id: str,
    attempts: int,
    result: Result,
    *,
    condition: str = "RetriesExhausted",
) -> dict[str, Any]:
    """Return what a destination gets.

    An event that never ran has no response: AWS's form of that is not documented.
    """
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{_arn(function)}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": event,
    }
    if attempts:
        record["responseContext"] = {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": result.get("function_error") or "Unhandled",
        }
        record["responsePayload"] = result.get("body")
    return record


def _config(function: Function) -> dict[str, Any]:
    config: dict[str, Any] = function.get("config") or function
    return config


def _arn(function: Function) -> str:
    return unqualified(str(_config(function)["FunctionArn"]))


def unqualified(function_arn: str) -> str:
    """Return a function's ARN without a version or an alias."""
    return ":".join(function_arn.split(":")[:7])


def install(queue: AsynchronousQueue) -> None:
    """Put the queue behind every asynchronous invocation."""
    empty: Callable[[], None] = seams.RESET.get()

    def empty_all() -> None:
        queue.clear()
        empty()

    seams.INVOKE_ASYNC.replace(queue.put)
    seams.RESET.replace(empty_all)
