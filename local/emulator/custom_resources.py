"""Custom resources as CloudFormation drives them: what it sends, what it takes for an answer, how long it waits.

Sources: the CloudFormation user guide, "Custom resource reference" (event, answer, 4,096 bytes);
aws4embeddedlinux/demo-auto-aws-iotfleetwise#6 ("Response object is too long."); custom-resource-helper#67 ("Invalid
PhysicalResourceId"). That a null Reason makes it overlook the answer, and that a Content-Type must be empty, has been
seen on AWS by the authors of other providers.
"""

import os
import random
import re
import secrets
import string
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from ministack.core.responses import get_region

from local.emulator import seams, wire
from local.emulator.asynchronous import AsynchronousQueue, function_for
from local.emulator.director import Director
from local.emulator.rollback import FailedResource
from local.emulator.script import CustomResourceAnswer
from local.emulator.wire import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: In front of the stack's id, on the path of a ResponseURL: nothing, as on AWS. No bucket of S3 has such a name.
_PATH: Final = re.compile(r"/arn(:|%3A)[\w-]+(:|%3A)cloudformation(:|%3A)")
_LONGEST_BODY: Final = 4096
_LONGEST_ID: Final = 1024
#: Seconds, as CloudFormation documents it: AWS::CloudFormation::CustomResource, ServiceTimeout. By default the most.
_LONGEST_TIMEOUT: Final = 3600
#: Scripted as a fault, it refuses the PUT itself.
_ANSWER_OPERATION: Final = "cloudformation:Answer"


class CustomResourceFailedError(Exception):
    """A custom resource failed; the message is what the stack event says."""


@dataclass(slots=True)
class _Outcome:
    """The outcome of an answer that CloudFormation took."""

    physical_id: str | None
    data: dict[str, Any]
    #: None for a success.
    failure: str | None = None


@dataclass(slots=True)
class _Pending:
    """An event that has been sent."""

    event: dict[str, Any]
    #: The path of the ResponseURL as it arrives, unquoted once, and its signature.
    path: str
    signature: str
    answered: threading.Event = field(default_factory=threading.Event)
    outcome: _Outcome | None = None
    over: bool = False


class CustomResources:
    """The custom resources of all stacks: sends events, waits for answers, judges them."""

    def __init__(self, director: Director, queue: AsynchronousQueue) -> None:
        self._director = director
        self._queue = queue
        self._pending: dict[str, _Pending] = {}

    def clear(self) -> None:
        """End all waiting."""
        for pending in self._pending.values():
            pending.over = True
            pending.answered.set()
        self._pending = {}

    def invoke(  # noqa: PLR0913, PLR0917 - MiniStack's own signature
        self,
        request_type: str,
        logical_id: str,
        props: dict[str, Any],
        stack_name: str,
        stack_id: str,
        resource_type: str,
        physical_id: str | None = None,
        old_props: dict[str, Any] | None = None,
    ) -> tuple[str, dict[str, Any]]:
        """Send one event, wait for its answer, and return the physical id and the attributes.

        Raises:
            CustomResourceFailedError: with the text that the stack event shows.
        """
        token = str(props.get("ServiceToken", ""))
        function = function_for(token)
        if function is None or f":{get_region()}:" not in token:
            raise CustomResourceFailedError(f"There is no function {token} in this Region to send the event to.")
        timeout = _timeout(props, request_type)
        event = {
            "RequestType": request_type,
            "ServiceToken": token,
            "StackId": stack_id,
            "RequestId": str(uuid.uuid4()),
            "LogicalResourceId": logical_id,
            "ResourceType": resource_type,
            "ResourceProperties": _as_strings(props),
        }
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        if old_props is not None:
            event["OldResourceProperties"] = _as_strings(old_props)
        outcome = self._send(function, event, timeout)
        if outcome.failure is None:
            return outcome.physical_id or _made_up_id(stack_name, logical_id), outcome.data
        failed_id = outcome.physical_id or physical_id or _made_up_id(stack_name, logical_id)
        if request_type != "Delete":
            FailedResource(stack_name, logical_id, resource_type, failed_id, props).remember()
        raise CustomResourceFailedError(outcome.failure)

    def _send(self, function: dict[str, Any], event: dict[str, Any], timeout: float) -> _Outcome:
        key = str(uuid.uuid4())
        name = f"{event['StackId']}|{event['LogicalResourceId']}|{key}"
        pending = _Pending(event, f"/{name}", secrets.token_hex(32))
        self._pending[key] = pending
        event["ResponseURL"] = _presigned(f"/{quote(name, safe='/')}", pending.signature)
        self._director.events.append(event)
        self._queue.put(function, event)
        pending.answered.wait(timeout)
        pending.over = True
        return pending.outcome or _Outcome(None, {}, _no_answer(event))

    def receive(self, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]) -> Response | None:
        """Return the storage's HTTP response to a PUT; None where the path is not a ResponseURL."""
        if not _PATH.match(path):
            return None
        pending = self._pending.get(path.rpartition("|")[2])
        if pending is None:
            return _denied("AccessDenied")
        if pending.path != path or query.get("X-Amz-Signature") != [pending.signature] or headers.get("content-type"):
            # A URL that was quoted again, or a Content-Type: the signature does not fit.
            self._remember(pending, body, 403, "signature does not match")
            return _denied("SignatureDoesNotMatch")
        fault = self._director.fault_for(_ANSWER_OPERATION)
        if fault is not None and not fault.carried_out:
            self._remember(pending, body, fault.status, "refused by script")
            return _denied(fault.code, fault.status)
        status = fault.status if fault else 200
        self._remember(pending, body, status, _take(pending, body))
        return _denied(fault.code, fault.status) if fault else (200, {}, b"")

    def _remember(self, pending: _Pending, body: bytes, http_status: int, verdict: str) -> None:
        answer = wire.object_in(body)
        self._director.answers.append(
            CustomResourceAnswer(
                request_type=pending.event["RequestType"],
                logical_resource_id=pending.event["LogicalResourceId"],
                physical_resource_id=answer.get("PhysicalResourceId"),
                answer_status=answer.get("Status"),
                reason=answer.get("Reason"),
                body=body.decode(errors="replace"),
                http_status=http_status,
                verdict=verdict,
            )
        )


def _take(pending: _Pending, body: bytes) -> str:
    """Use an answer if it can be used, and return the verdict on it."""
    if pending.over or pending.outcome is not None:
        return "late"
    answer = wire.object_in(body)
    dropped = _why_dropped(pending.event, answer)
    if len(body) > _LONGEST_BODY:
        pending.outcome = _Outcome(None, {}, "Response object is too long.")
    elif dropped:
        # CloudFormation goes on waiting as if nothing had come.
        return dropped
    else:
        pending.outcome = _judge(pending.event, answer)
    pending.answered.set()
    return "used"


def _why_dropped(event: dict[str, Any], answer: dict[str, Any]) -> str | None:
    """Return why CloudFormation overlooks an answer: known of the null Reason, for the rest the strict reading."""
    if not answer:
        return "no JSON object"
    if "Reason" in answer and not isinstance(answer["Reason"], str):
        return "Reason is null"
    if answer.get("Status") not in ("SUCCESS", "FAILED"):
        return "Status is neither SUCCESS nor FAILED"
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        if answer.get(name) != event[name]:
            return f"{name} is not the event's"
    return None


def _judge(event: dict[str, Any], answer: dict[str, Any]) -> _Outcome:
    physical_id = answer.get("PhysicalResourceId")
    if not isinstance(physical_id, str) or not 0 < len(physical_id.encode()) <= _LONGEST_ID:
        return _Outcome(None, {}, "Invalid PhysicalResourceId")
    if answer["Status"] == "SUCCESS":
        return _Outcome(physical_id, answer.get("Data") or {})
    return _Outcome(
        physical_id,
        {},
        "Received response status [FAILED] from custom resource."
        f" Message returned: {answer.get('Reason', '')} (RequestId: {event['RequestId']})",
    )


def _timeout(props: dict[str, Any], request_type: str) -> int:
    """Return the seconds that an answer is waited for.

    A Delete of what was never made is not refused: no template could be mended for it any more.

    Raises:
        CustomResourceFailedError: AWS would refuse the number. AWS's words for it are not known.
    """
    given = str(props.get("ServiceTimeout", _LONGEST_TIMEOUT))
    if given.isdecimal() and 1 <= int(given) <= _LONGEST_TIMEOUT:
        return int(given)
    if request_type == "Delete":
        return _LONGEST_TIMEOUT
    raise CustomResourceFailedError(
        f"Value {given} of property ServiceTimeout must be an integer from 1 to {_LONGEST_TIMEOUT}."
    )


def _no_answer(event: dict[str, Any]) -> str:
    return (
        "CloudFormation did not receive a response from your custom resource."
        f" Please check your logs for requestId [{event['RequestId']}]."
    )


def _as_strings(value: Any) -> Any:
    """Return properties as CloudFormation sends them: every number and boolean is a string."""
    match value:
        case dict():
            return {name: _as_strings(each) for name, each in value.items()}
        case list():
            return [_as_strings(each) for each in value]
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case _:
            return value


def _made_up_id(stack_name: str, logical_id: str) -> str:
    """Return a physical id as CloudFormation makes it up where the resource gave none."""
    letters = string.ascii_uppercase + string.digits
    return f"{stack_name}-{logical_id}-{''.join(random.choices(letters, k=12))}"  # nosec B311 # noqa: S311 - a name, no secret


def _presigned(path: str, signature: str) -> str:
    """Return a URL with what a presigned one of S3 carries. Plain HTTP, on loopback."""
    now = datetime.now(UTC)
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Date": now.strftime("%Y%m%dT%H%M%SZ"),
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Expires": "7200",
        "X-Amz-Credential": f"AKIAEMBEDDEDAWS00000/{now:%Y%m%d}/{get_region()}/s3/aws4_request",
        "X-Amz-Signature": signature,
    }
    return f"http://{os.environ['MINISTACK_HOST']}:{os.environ['GATEWAY_PORT']}{path}?{urlencode(query)}"


def _denied(code: str, status: int = 403) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'
    return status, {"Content-Type": "application/xml"}, body.encode()


def install(custom_resources: CustomResources) -> None:
    """Drive all custom resources through *custom_resources*."""
    dispatch: Callable[..., Awaitable[Response]] = seams.DISPATCH.get()
    empty: Callable[[], None] = seams.RESET.get()

    async def extended(  # noqa: PLR0913, PLR0917 - MiniStack's own signature
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], request_id: str
    ) -> Response:
        taken = custom_resources.receive(path, headers, body, query) if method == "PUT" else None
        return taken or await dispatch(method, path, headers, body, query, request_id)

    def empty_all() -> None:
        empty()
        custom_resources.clear()

    seams.INVOKE_CUSTOM_RESOURCE.replace(custom_resources.invoke)
    seams.DISPATCH.replace(extended)
    seams.RESET.replace(empty_all)
