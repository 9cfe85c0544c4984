"""Resources whose handler function does what a test wants, and the timers that they start."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, NoReturn

from log_group_kms.cloudformation.delivery import Delivery, DeliveryPolicy
from log_group_kms.cloudformation.resource import CustomResource

if TYPE_CHECKING:
    from collections.abc import Callable

ARN: Final = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/orders"

#: The physical id of a Create that failed before it did anything.
FAILED_CREATE: Final = "nothing-was-done"

#: The same attempts as in production, without the pauses.
NO_PAUSES: Final = Delivery(DeliveryPolicy(pause=0.0))

#: In milliseconds: the backstop fires at three quarters of it.
NEARLY_OVER: Final = 40


def a_resource(
    work: Callable[[CustomResource, dict[str, Any]], Any] = lambda _resource, _event: ARN,
    delivery: Delivery = NO_PAUSES,
) -> CustomResource:
    """Return a resource whose handler function does *work* for each request type."""
    resource = CustomResource(FAILED_CREATE, delivery)

    @resource.create
    @resource.update
    @resource.delete
    def respond(event: dict[str, Any], _context: object) -> Any:
        return work(resource, event)

    return resource


def raising(error: BaseException) -> Callable[[CustomResource, dict[str, Any]], NoReturn]:
    """Return work that fails."""

    def work(_resource: CustomResource, _event: dict[str, Any]) -> NoReturn:
        raise error

    return work


def until_settled(resource: CustomResource, _event: dict[str, Any]) -> str:
    """Work without an end, but heed the word that the time is over."""
    resource.settled.wait()
    return ARN


def backstop() -> threading.Timer:
    """Return the timer of the event at work."""
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    (timer,) = [timer for timer in timers if not timer.finished.is_set()]
    return timer


def wait_until(reached: Callable[[], bool]) -> None:
    """Let other threads end; a test that waits in vain is ended by the runner."""
    pause = threading.Event()
    while not reached():
        pause.wait(0.001)
