"""CloudFormation gets a valid response, whatever goes wrong."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from functional.cloudformation.resources import (
    ARN,
    FAILED_CREATE,
    NO_PAUSES,
    a_resource,
    raising,
    wait_until,
)
from support.lambda_context import LambdaContext

from log_group_kms.cloudformation.resource import CustomResource

if TYPE_CHECKING:
    from support.cloudformation import CloudFormation


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(KeyError("KmsKeyId"), "Internal error: KeyError: 'KmsKeyId'.", id="exception"),
        pytest.param(ValueError(), "Internal error: ValueError.", id="exception without a word"),
        pytest.param(SystemExit(3), "Internal error: SystemExit: 3.", id="exit"),
        pytest.param(GeneratorExit(), "Internal error: GeneratorExit.", id="no Exception"),
    ],
)
def test_whatever_ends_the_handler_function_is_a_failure(
    cloudformation: CloudFormation, error: BaseException, told: str
) -> None:
    """The Reason begins with the cause and ends with where to look; the id is the marker."""
    context = LambdaContext()
    event = cloudformation.event("Create")
    a_resource(raising(error))(event, context)

    response = cloudformation.response_to(event)
    assert response.status == "FAILED"
    assert response.reason == f"{told} See log group {context.log_group_name}, request id {context.aws_request_id}."
    assert response.physical_resource_id == FAILED_CREATE
    assert response.data == {}


def test_an_interrupt_from_the_keyboard_is_no_response(cloudformation: CloudFormation) -> None:
    """Control-C, which only a developer can press, ends the program and leaves no timer behind."""
    before = threading.active_count()
    event = cloudformation.event("Create")

    with pytest.raises(KeyboardInterrupt):
        a_resource(raising(KeyboardInterrupt()))(event, LambdaContext())

    assert cloudformation.responses_to(event) == []
    wait_until(lambda: threading.active_count() <= before)


def test_an_unexpected_error_is_logged_once_with_its_traceback(
    cloudformation: CloudFormation, caplog: pytest.LogCaptureFixture
) -> None:
    """One record holds the traceback; the response has one of its own."""
    a_resource(raising(KeyError("KmsKeyId")))(cloudformation.event("Create"), LambdaContext())

    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [(record.name, "Traceback" in record.getMessage()) for record in errors] == [
        ("log_group_kms.cloudformation.resource", True),
        ("log_group_kms.cloudformation.pending_response", False),
    ]


def test_a_failed_event_keeps_its_own_physical_id(cloudformation: CloudFormation) -> None:
    """Until the handler function knows better, a failure has the event's own id."""
    event = cloudformation.event("Update", physical_resource_id=ARN)
    a_resource(raising(KeyError()))(event, LambdaContext())

    assert cloudformation.response_to(event).physical_resource_id == ARN


def test_a_failed_create_has_the_id_that_the_handler_function_knew(cloudformation: CloudFormation) -> None:
    """Once something is claimed, a failure has the id of what is claimed."""

    def work(resource: CustomResource, _event: dict[str, Any]) -> NoReturn:
        assert resource.failure_id == FAILED_CREATE
        resource.read_failure_id_from(lambda: ARN)
        raise KeyError

    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext())

    assert cloudformation.response_to(event).physical_resource_id == ARN


@pytest.mark.parametrize("read", ["", "x" * 1025, None], ids=["empty", "over 1 KB", "none"])
def test_a_failure_id_that_is_no_id_gives_way_to_the_events_own(
    cloudformation: CloudFormation, caplog: pytest.LogCaptureFixture, read: Any
) -> None:
    """The handler function cannot make a failure that CloudFormation would not take; the log says that it tried."""

    def work(resource: CustomResource, _event: dict[str, Any]) -> NoReturn:
        resource.read_failure_id_from(lambda: read)
        raise KeyError

    events = [cloudformation.event("Create"), cloudformation.event("Update", physical_resource_id=ARN)]
    for event in events:
        a_resource(work)(event, LambdaContext())

    ids = [cloudformation.response_to(event).physical_resource_id for event in events]
    assert ids == [FAILED_CREATE, ARN]
    assert "The id of a failure is no physical resource id" in caplog.text


@pytest.mark.parametrize(
    "request_type",
    ["Rename", "create", "CREATE", "poll_create", "", None, 7, ["Create"]],
)
def test_an_unknown_request_type_is_a_failure(cloudformation: CloudFormation, request_type: object) -> None:
    """What is not exactly Create, Update or Delete is answered FAILED, and nothing is done."""
    event = cloudformation.event("Create") | {"RequestType": request_type}
    a_resource(raising(AssertionError("called")))(event, LambdaContext())

    response = cloudformation.response_to(event)
    kept = request_type if isinstance(request_type, str) else ""
    assert (response.status, response.reason) == (
        "FAILED",
        f"RequestType {kept!r} is not known; known are Create, Update, Delete",
    )


def test_a_request_type_without_a_handler_function_is_a_failure(cloudformation: CloudFormation) -> None:
    """Nothing registered means nothing done, which is no success."""
    event = cloudformation.event("Create")
    CustomResource(FAILED_CREATE, NO_PAUSES)(event, LambdaContext())

    assert cloudformation.response_to(event).status == "FAILED"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param({"At": object()}, "cannot be written as JSON", id="no JSON"),
        pytest.param({"Count": 7}, "not all strings: 'Count'", id="no string"),
        pytest.param({"KmsKeyArn": "x" * 5000}, "The return values do not fit into the 4,096 bytes", id="too long"),
    ],
)
def test_data_that_cannot_be_sent_is_a_failure_with_ids(
    cloudformation: CloudFormation, data: dict[str, Any], told: str
) -> None:
    """With such Data, crhelper drops the ids, so that CloudFormation cannot tell whose response it is."""

    def work(resource: CustomResource, _event: dict[str, Any]) -> str:
        resource.Data = data
        return ARN

    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext())

    response = cloudformation.response_to(event)
    assert (response.status, response.physical_resource_id, response.data) == ("FAILED", ARN, {})
    assert told in response.reason


def test_data_does_not_hide_the_reason_of_a_failure(cloudformation: CloudFormation) -> None:
    """Nobody reads the Data of a failure, so what is wrong with it is not told instead of the Reason."""

    def work(resource: CustomResource, _event: dict[str, Any]) -> str:
        resource.Data = {"Count": 7}  # type: ignore[dict-item] # the mistake
        return resource.fail("no such key")

    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext())

    assert cloudformation.response_to(event).reason == "no such key"


def test_an_id_that_is_no_string_is_a_failure(cloudformation: CloudFormation) -> None:
    """A wrong return value is our own fault, and still has a valid response."""
    event = cloudformation.event("Create")
    a_resource(lambda _resource, _event: True)(event, LambdaContext())

    response = cloudformation.response_to(event)
    assert (response.status, response.physical_resource_id) == ("FAILED", FAILED_CREATE)


def test_a_long_reason_keeps_its_beginning(cloudformation: CloudFormation) -> None:
    """The cause stands at the beginning; crhelper keeps the last 240 characters."""
    event = cloudformation.event("Create")
    a_resource(lambda resource, _: resource.fail("The key is disabled. " + "x" * 5000, ARN))(event, LambdaContext())

    reason = cloudformation.response_to(event).reason
    assert reason.startswith("The key is disabled. ")
    assert len(reason) > 3000


def test_a_failed_start_is_answered_with_a_physical_id(cloudformation: CloudFormation) -> None:
    """With crhelper's empty id, CloudFormation would complain about that instead of telling the cause."""
    resource = a_resource()
    resource.init_failure(ImportError("no module named boto3"))
    event = cloudformation.event("Create")
    resource(event, LambdaContext())

    response = cloudformation.response_to(event)
    assert (response.status, response.physical_resource_id) == ("FAILED", FAILED_CREATE)
    assert response.reason.startswith("Internal error: no module named boto3. See log group")
