"""One event's state is not the next one's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from functional.cloudformation.resources import (
    ARN,
    FAILED_CREATE,
    a_resource,
)
from support.lambda_context import LambdaContext

from log_group_kms.cloudformation.errors import NotAnEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.cloudformation import CloudFormation

    from log_group_kms.cloudformation.resource import CustomResource


def test_nothing_of_an_event_is_left_for_the_next(cloudformation: CloudFormation) -> None:
    """On a warm function, Data, Reason, NoEcho and id of one event are not in the next one's response."""

    def work(resource: CustomResource, event: dict[str, Any]) -> str:
        if event["LogicalResourceId"] == "First":
            resource.Data = {"Password": "secret"}
            resource.Reason = "first"
            resource.NoEcho = True
            resource.read_failure_id_from(lambda: ARN)
            return ARN
        raise KeyError

    resource = a_resource(work)
    first, second = (cloudformation.event("Create", logical_resource_id=name) for name in ("First", "Second"))
    resource(first, LambdaContext())
    resource(second, LambdaContext())

    assert cloudformation.response_to(first).no_echo
    response = cloudformation.response_to(second)
    assert (response.physical_resource_id, response.data, response.no_echo) == (FAILED_CREATE, {}, False)
    assert "first" not in response.reason


@pytest.mark.parametrize(
    "malformed",
    [
        pytest.param(lambda _event: None, id="nothing"),
        pytest.param(lambda _event: [], id="list"),
        pytest.param(lambda _event: {}, id="empty"),
        pytest.param(lambda event: {k: v for k, v in event.items() if k != "RequestId"}, id="no RequestId"),
        pytest.param(lambda event: {k: v for k, v in event.items() if k != "ResponseURL"}, id="no ResponseURL"),
        pytest.param(lambda event: event | {"ResponseURL": "http://example.com/"}, id="plain http"),
    ],
)
def test_a_malformed_event_is_not_answered_to_the_previous_url(
    cloudformation: CloudFormation, malformed: Callable[[dict[str, Any]], object]
) -> None:
    """On a warm function, an event that cannot be answered raises, and nobody gets anything."""
    resource = a_resource()
    first = cloudformation.event("Create")
    resource(first, LambdaContext())
    second = cloudformation.event("Create")

    with pytest.raises(NotAnEvent):
        resource(malformed(second), LambdaContext())

    assert cloudformation.attempts_at(first) == 1
    assert cloudformation.attempts_at(second) == 0
