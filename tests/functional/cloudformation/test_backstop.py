"""The backstop: the event is failed before Lambda ends the function."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from functional.cloudformation.resources import (
    ARN,
    FAILED_CREATE,
    NEARLY_OVER,
    a_resource,
    backstop,
    until_settled,
    wait_until,
)
from support.lambda_context import LambdaContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.cloudformation import CloudFormation

    from log_group_kms.cloudformation.resource import CustomResource


@pytest.mark.parametrize("own_id", [None, ARN], ids=["Create", "Update"])
def test_time_running_out_is_answered_with_a_valid_id(cloudformation: CloudFormation, own_id: str | None) -> None:
    """Before the function's end the event is answered FAILED, the work is told so, and its own response is dropped."""
    event = cloudformation.event("Update" if own_id else "Create", physical_resource_id=own_id)
    a_resource(until_settled)(event, LambdaContext(remaining_in_millis=NEARLY_OVER))

    response = cloudformation.response_to(event)
    assert (response.status, response.physical_resource_id) == ("FAILED", own_id or FAILED_CREATE)
    assert response.reason.startswith(
        "The function ran out of time before the work was done. See log group /aws/lambda/"
    )


def test_work_that_fails_because_its_time_is_over_is_not_answered_twice(
    cloudformation: CloudFormation, caplog: pytest.LogCaptureFixture
) -> None:
    """The work heeds the backstop by raising: CloudFormation hears nothing of that, the log does."""

    def work(resource: CustomResource, event: dict[str, Any]) -> NoReturn:
        until_settled(resource, event)
        raise TimeoutError("over")

    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext(remaining_in_millis=NEARLY_OVER))

    assert cloudformation.response_to(event).reason.startswith("The function ran out of time")
    assert "The handler's response came too late: FAILED Internal error: TimeoutError: over." in caplog.text


def test_no_time_at_all_is_answered_too(cloudformation: CloudFormation) -> None:
    """An event that arrives after its function's time is answered at once."""
    event = cloudformation.event("Create")
    a_resource(until_settled)(event, LambdaContext(remaining_in_millis=0))

    assert cloudformation.response_to(event).status == "FAILED"


@pytest.mark.parametrize(
    ("remaining", "delay"),
    [
        pytest.param(900_000, 892.0, id="15 minutes: 8 seconds before the end"),
        pytest.param(32_000, 24.0, id="32 seconds: both rules meet"),
        pytest.param(4_000, 3.0, id="4 seconds: a quarter of them"),
    ],
)
def test_the_backstop_leaves_time_for_a_delivery(cloudformation: CloudFormation, remaining: int, delay: float) -> None:
    """It fires 8 seconds before the function's end, or for a short-lived one with a quarter of its time left."""
    timers: list[threading.Timer] = []

    def work(_resource: CustomResource, _event: dict[str, Any]) -> str:
        timers.append(backstop())
        return ARN

    a_resource(work)(cloudformation.event("Create"), LambdaContext(remaining_in_millis=remaining))

    (timer,) = timers
    assert (timer.interval, timer.daemon) == (delay, True)
    wait_until(lambda: not timer.is_alive())


def test_a_response_on_its_way_is_not_overtaken_by_the_backstop(cloudformation: CloudFormation) -> None:
    """The time runs out while the handler's response is being delivered: that stays the only one."""
    fired: list[threading.Thread] = []

    def fire_and_give_it_time() -> None:
        fired.append(threading.Thread(target=backstop().function))
        fired[0].start()
        fired[0].join(0.05)

    cloudformation.will(fire_and_give_it_time)
    event = cloudformation.event("Create")
    a_resource()(event, LambdaContext())
    fired[0].join()

    assert cloudformation.response_to(event).status == "SUCCESS"
    assert cloudformation.attempts_at(event) == 1


def test_the_invocation_waits_for_the_backstops_response(cloudformation: CloudFormation) -> None:
    """The work ends while the backstop delivers: Lambda would freeze that half sent, so the invocation waits."""
    held = threading.Event()
    cloudformation.will(lambda: held.wait(0.1))
    event = cloudformation.event("Create")
    a_resource(until_settled)(event, LambdaContext(remaining_in_millis=NEARLY_OVER))

    assert cloudformation.response_to(event).status == "FAILED"


def test_a_late_backstop_does_not_touch_the_next_event(cloudformation: CloudFormation) -> None:
    """A timer's thread that gets to run only after its event was answered says nothing about the next one."""
    callbacks: list[Callable[[], None]] = []

    def work(_resource: CustomResource, event: dict[str, Any]) -> str:
        if event["LogicalResourceId"] == "First":
            callbacks.append(backstop().function)
        else:
            callbacks[0]()
        return ARN

    resource = a_resource(work)
    events = [cloudformation.event("Create", logical_resource_id=name) for name in ("First", "Second")]
    for event in events:
        resource(event, LambdaContext())

    assert [cloudformation.response_to(event).status for event in events] == ["SUCCESS", "SUCCESS"]
