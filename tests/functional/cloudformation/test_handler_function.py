"""The handler function's words are what CloudFormation gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from functional.cloudformation.resources import (
    ARN,
    FAILED_CREATE,
    a_resource,
)
from support.lambda_context import LambdaContext

if TYPE_CHECKING:
    from support.cloudformation import CloudFormation

    from log_group_kms.cloudformation.resource import CustomResource


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
def test_an_event_is_answered_with_what_the_handler_function_says(
    cloudformation: CloudFormation, request_type: str
) -> None:
    """Physical id, Data and Reason arrive as the handler function gave them."""

    def work(resource: CustomResource, event: dict[str, Any]) -> str:
        resource.Data = {"LogGroupName": event["ResourceProperties"]["LogGroupName"]}
        resource.Reason = "had the key already"
        return ARN

    event = cloudformation.event(request_type, properties={"LogGroupName": "/aws/lambda/orders"})
    a_resource(work)(event, LambdaContext())

    response = cloudformation.response_to(event)
    assert (response.status, response.reason, response.physical_resource_id, response.data, response.no_echo) == (
        "SUCCESS",
        "had the key already",
        ARN,
        {"LogGroupName": "/aws/lambda/orders"},
        False,
    )


def test_the_handler_function_gets_the_whole_event(cloudformation: CloudFormation) -> None:
    """What crhelper must not see, the handler function may need: it gets the event as Lambda handed it in."""
    event = cloudformation.event("Create")
    a_resource(lambda resource, seen: resource.fail(f"the same: {seen is event}"))(event, LambdaContext())

    assert cloudformation.response_to(event).reason == "the same: True"


def test_a_failure_is_answered_without_a_traceback(
    cloudformation: CloudFormation, caplog: pytest.LogCaptureFixture
) -> None:
    """`return resource.fail(...)` answers FAILED with that Reason and id, and is nothing to be alarmed by."""
    event = cloudformation.event("Create")
    a_resource(lambda resource, _: resource.fail("no such key", ARN))(event, LambdaContext())

    response = cloudformation.response_to(event)
    assert (response.status, response.reason, response.physical_resource_id) == ("FAILED", "no such key", ARN)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("request_type", "own_id", "expected"),
    [
        pytest.param("Create", None, ("FAILED", FAILED_CREATE), id="a Create has nothing to fall back on"),
        pytest.param("Update", ARN, ("SUCCESS", ARN), id="an Update keeps its own"),
        pytest.param("Delete", ARN, ("SUCCESS", ARN), id="a Delete keeps its own"),
    ],
)
@pytest.mark.parametrize("returned", [None, ""], ids=["None", "empty"])
def test_no_physical_id_is_made_up(
    cloudformation: CloudFormation, request_type: str, own_id: str | None, *, expected: object, returned: str | None
) -> None:
    """Where the handler function gives no id, crhelper invents one, and the rollback's Delete would come with it."""
    event = cloudformation.event(request_type, physical_resource_id=own_id)
    a_resource(lambda _resource, _event: returned)(event, LambdaContext())

    response = cloudformation.response_to(event)
    assert (response.status, response.physical_resource_id) == expected
