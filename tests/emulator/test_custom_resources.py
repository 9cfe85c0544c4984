"""Custom resources as CloudFormation drives them: which events a stack sends."""

import json
from typing import Any

import pytest
from emulator.things import ALWAYS_OK, OK, create, settled, template, things_events, update

from local.client.embedded_aws import EmbeddedAws


def test_a_stack_is_driven_through_its_life(aws: EmbeddedAws) -> None:
    """Create, Update and Delete reach the function, and its Data the stack; its calls are known as a function's."""
    created = create(aws, template(ALWAYS_OK, Size=1))
    outputs = aws.client("cloudformation").describe_stacks(StackName="stack")["Stacks"][0]["Outputs"]
    updated = update(aws, template(ALWAYS_OK, Size=2))
    events = aws.direction.events()

    assert (created, updated) == ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    assert [output["OutputValue"] for output in outputs] == ["value"]
    assert [(event["RequestType"], event["ResourceProperties"]["Size"]) for event in events] == [
        ("Create", "1"),
        ("Update", "2"),
    ]
    assert events[1]["OldResourceProperties"]["Size"] == "1"
    assert aws.direction.counts(by_function=True) == {"logs:DescribeLogGroups": 2}
    assert [answer.verdict for answer in aws.direction.answers()] == ["used", "used"]


def test_a_failed_create_is_followed_by_a_delete(aws: EmbeddedAws) -> None:
    """The Reason stands in the stack's events, and a Delete with the failed answer's id follows."""
    failed = {"Status": "FAILED", "Reason": "No such key. Name one.", "PhysicalResourceId": "id-of-failure"}

    status = create(aws, template({"Create": failed, "Delete": {**OK, "PhysicalResourceId": "id-of-failure"}}))

    create_event, delete_event = aws.direction.events()
    assert status == "ROLLBACK_COMPLETE"
    assert things_events(aws) == [
        ("CREATE_IN_PROGRESS", "", ""),
        (
            "CREATE_FAILED",
            "",
            (
                "Received response status [FAILED] from custom resource. Message returned: No such key. Name one."
                f" (RequestId: {create_event['RequestId']})"
            ),
        ),
        ("DELETE_IN_PROGRESS", "id-of-failure", ""),
        ("DELETE_COMPLETE", "id-of-failure", ""),
    ]
    assert (delete_event["RequestType"], delete_event["PhysicalResourceId"]) == ("Delete", "id-of-failure")
    assert delete_event["ResourceProperties"] == create_event["ResourceProperties"]


def test_a_create_without_an_answer_is_deleted_by_a_made_up_id(aws: EmbeddedAws) -> None:
    """When ServiceTimeout is over, CloudFormation invents the physical id that it deletes."""
    status = create(aws, template({"Create": None, "Delete": {**OK, "Data": "leave out"}}, ServiceTimeout=3))

    _, failed, deleting, _ = things_events(aws)
    assert status == "ROLLBACK_COMPLETE"
    assert failed[2].startswith("CloudFormation did not receive a response from your custom resource.")
    assert deleting[1].startswith("stack-Thing-")
    assert aws.direction.events()[1]["PhysicalResourceId"] == deleting[1]


def test_a_resource_that_fails_in_an_update_is_deleted(aws: EmbeddedAws) -> None:
    """A custom resource that an update adds, and that fails, gets its Delete in the update's rollback."""
    failing = template({"Create": {**OK, "Status": "FAILED", "Reason": "no", "Data": "leave out"}, "Delete": OK})
    without = json.loads(failing)
    del without["Resources"]["Thing"], without["Outputs"]
    created = create(aws, json.dumps(without))

    status = update(aws, failing)

    assert (created, status) == ("CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    assert [event["RequestType"] for event in aws.direction.events()] == ["Create", "Delete"]


def test_a_failed_stack_that_was_kept_deletes_the_failed_resource(aws: EmbeddedAws) -> None:
    """Without rollback the Delete comes when the stack is deleted."""
    body = template({"Create": {**OK, "Status": "FAILED", "Reason": "no", "Data": "leave out"}, "Delete": OK})
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName="stack", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"], OnFailure="DO_NOTHING"
    )
    status = settled(aws)
    before = [event["RequestType"] for event in aws.direction.events()]

    cloudformation.delete_stack(StackName="stack")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="stack", WaiterConfig={"Delay": 1})

    assert (status, before) == ("CREATE_FAILED", ["Create"])
    assert [event["RequestType"] for event in aws.direction.events()] == ["Create", "Delete"]


def test_a_failed_update_is_sent_back(aws: EmbeddedAws) -> None:
    """A failed Update is followed by an Update to the old properties; an id that it named besides is deleted."""
    create(aws, template(ALWAYS_OK, Size=1))
    failed = {"Status": "FAILED", "Reason": "no", "PhysicalResourceId": "id-2"}

    status = update(aws, template({**ALWAYS_OK, "Update": failed}, Size=2))

    events = [
        (e["RequestType"], e["PhysicalResourceId"], e["ResourceProperties"]["Size"]) for e in aws.direction.events()[1:]
    ]
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert events == [("Update", "id-1", "2"), ("Update", "id-1", "1"), ("Delete", "id-2", "2")]


@pytest.mark.parametrize("timeout", [5000, 0, "ten", 1.5])
def test_a_service_timeout_that_cloudformation_does_not_take(aws: EmbeddedAws, timeout: Any) -> None:
    """It is an integer from 1 to 3600: with another, no event is sent, and the stack goes back."""
    status = create(aws, template(ALWAYS_OK, ServiceTimeout=timeout))

    assert status == "ROLLBACK_COMPLETE"
    assert [event[2] for event in things_events(aws) if event[0] == "CREATE_FAILED"] == [
        f"Value {timeout} of property ServiceTimeout must be an integer from 1 to 3600."
    ]
    assert aws.direction.events() == []


@pytest.mark.parametrize("timeout", [60, 3600, "900"])
def test_a_service_timeout_that_cloudformation_takes(aws: EmbeddedAws, timeout: Any) -> None:
    """The event carries it as a string."""
    assert create(aws, template(ALWAYS_OK, ServiceTimeout=timeout)) == "CREATE_COMPLETE"
    assert [event["ResourceProperties"]["ServiceTimeout"] for event in aws.direction.events()] == [str(timeout)]
