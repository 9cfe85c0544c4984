"""A response that is left to a further invocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from functional.cloudformation.resources import (
    ARN,
    NEARLY_OVER,
    a_resource,
    backstop,
    raising,
    until_settled,
)
from support.lambda_context import LambdaContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.cloudformation import CloudFormation

    from log_group_kms.cloudformation.resource import CustomResource


def test_an_event_left_to_a_further_invocation_is_not_answered_now(
    cloudformation: CloudFormation, caplog: pytest.LogCaptureFixture
) -> None:
    """After `defer()`, neither the handler's return nor the backstop sends anything."""

    def work(resource: CustomResource, event: dict[str, Any]) -> str:
        left.append(resource.defer())
        backstop().function()
        return until_settled(resource, event)

    left: list[bool] = []
    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext())

    assert left == [True]
    assert cloudformation.attempts_at(event) == 0
    assert caplog.text == ""


def test_an_event_that_is_answered_cannot_be_left_to_another(cloudformation: CloudFormation) -> None:
    """The backstop came first: there is nothing to continue."""
    left = []

    def work(resource: CustomResource, event: dict[str, Any]) -> str:
        until_settled(resource, event)
        left.append(resource.defer())
        return ARN

    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext(remaining_in_millis=NEARLY_OVER))

    assert left == [False]
    assert cloudformation.response_to(event).status == "FAILED"


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(raising(ConnectionError("lambda:InvokeFunction")), id="raises"),
        pytest.param(lambda resource, _event: resource.fail("lambda:InvokeFunction"), id="fails"),
    ],
)
def test_a_further_invocation_that_cannot_be_had_is_a_failure(
    cloudformation: CloudFormation, end: Callable[[CustomResource, dict[str, Any]], str]
) -> None:
    """If the handler function raises or fails after `defer()`, nobody else would response."""

    def work(resource: CustomResource, event: dict[str, Any]) -> str:
        resource.defer()
        return end(resource, event)

    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext())

    response = cloudformation.response_to(event)
    assert response.status == "FAILED"
    assert "lambda:InvokeFunction" in response.reason
