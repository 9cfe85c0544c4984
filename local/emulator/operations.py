"""Operations of MiniStack's services, called inside its process.

So do AWS's own services call one another: no fault, quota, call log or caller's permission stands before the operation.
"""

import contextvars
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, TypeAlias

from local.emulator import seams, wire
from local.emulator.wire import Response

Handler: TypeAlias = Callable[..., Awaitable[Response]]

#: MiniStack's own, from before any of them is wrapped.
_HANDLERS: Final[Mapping[str, Callable[..., Coroutine[Any, Any, Response]]]] = dict(seams.SERVICES.get())


class OperationRefusedError(Exception):
    """A service refused an operation; the message is the error's code."""


def call(service: str, target: str, **payload: Any) -> dict[str, Any]:
    """Return what an operation of the JSON protocol answers, in the account and Region of the request at hand.

    Args:
        service: the service as MiniStack names it, such as `sqs`.
        target: the operation as in `X-Amz-Target`, such as `AmazonSQS.SendMessage`.
        payload: the members of the request.

    Raises:
        OperationRefusedError: the service refused.
    """
    response = _completed(service, {"x-amz-target": target}, json.dumps(payload).encode(), {})
    return wire.object_in(response[2])


def query(service: str, action: str, **parameters: str) -> None:
    """Carry out an operation of the Query protocol, in the account and Region of the request at hand.

    Raises:
        OperationRefusedError: the service refused.
    """
    _completed(service, {}, b"", {"Action": [action], **{name: [value] for name, value in parameters.items()}})


def wrap(service: str, wrapped: Callable[[Handler], Handler]) -> None:
    """Let calls from outside reach *wrapped* of the service's handler instead of the handler."""
    handlers = seams.SERVICES.get()
    handlers[service] = wrapped(handlers[service])


def _completed(service: str, headers: dict[str, str], body: bytes, parameters: dict[str, list[str]]) -> Response:
    """Run a handler to its end at once: it may be called on the event loop's thread as well as on another one."""
    running = _HANDLERS[service]("POST", "/", headers, body, parameters)
    try:
        # In a context of its own: handlers note there who calls.
        contextvars.copy_context().run(running.send, None)
    except StopIteration as completed:
        response: Response = completed.value
    else:
        running.close()
        raise RuntimeError(f"{service} waits for something; only operations that answer at once can be called so")
    code = wire.error_code(response)
    if code is not None:
        raise OperationRefusedError(code)
    return response
