"""No log and no error holds what lets anyone respond."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from functional.cloudformation.resources import (
    ARN,
    NEARLY_OVER,
    a_resource,
    raising,
    until_settled,
)
from support.cloudformation import CloudFormation, Fault
from support.lambda_context import LambdaContext

from log_group_kms.cloudformation.errors import DeliveryFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.cloudformation.resource import CustomResource


@pytest.mark.parametrize("work", ["works", "raises", "quotes the event", "chains the event", "times out"])
@pytest.mark.parametrize("far_side", ["well", 403, 503, Fault.DROP, "refuses"], ids=str)
def test_no_log_at_any_level_holds_the_url(
    cloudformation: CloudFormation,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    work: str,
    far_side: str | int | Fault,
) -> None:
    """Every logger at DEBUG, in every path: no part of signature, credential or token is written or raised."""
    for name in (None, "urllib3", "urllib3.connectionpool", "urllib3.util.retry", "boto3", "botocore", "crhelper"):
        caplog.set_level(logging.DEBUG, logger=name)
    event = cloudformation.event("Create")
    if far_side == "refuses":
        cloudformation.close()
    elif isinstance(far_side, int | Fault):
        cloudformation.will(*[far_side] * 4)
    context = LambdaContext(remaining_in_millis=NEARLY_OVER if work == "times out" else 900_000)

    raised = ""
    try:
        a_resource(WORKS[work])(event, context)
    except DeliveryFailed:
        raised = traceback.format_exc()

    assert bool(raised) == (far_side != "well")
    written = caplog.text + raised + "".join(capfd.readouterr())
    assert [secret for secret in secrets_of(event) if secret in written] == []
    assert [response for response in cloudformation.responses_to(event) if "X-Amz" in response.reason] == []


def quote_the_event(_resource: CustomResource, event: dict[str, Any]) -> NoReturn:
    """An error such as a validation library's, which shows what it got."""
    raise ValueError(f"cannot understand {event}")


def chain_the_event(_resource: CustomResource, event: dict[str, Any]) -> NoReturn:
    """The URL is in what the error came from."""
    try:
        raise KeyError(event["ResponseURL"])
    except KeyError as error:
        raise ValueError("cannot understand it") from error


WORKS: dict[str, Callable[[CustomResource, dict[str, Any]], Any]] = {
    "works": lambda _resource, _event: ARN,
    "raises": raising(KeyError("KmsKeyId")),
    "quotes the event": quote_the_event,
    "chains the event": chain_the_event,
    "times out": until_settled,
}


def secrets_of(event: dict[str, Any]) -> list[str]:
    """The parts of the URL that nobody may read, and some that would only be there with them."""
    query = event["ResponseURL"].partition("?")[2]
    values = dict(pair.split("=", 1) for pair in query.split("&"))
    return [
        values["X-Amz-Signature"],
        values["X-Amz-Signature"][:16],
        "AKIAIOSFODNN7EXAMPLE",
        "IQoJb3JpZ2luX2VjE",
        "X-Amz-Signature",
    ]


def test_others_are_still_heard(cloudformation: CloudFormation, caplog: pytest.LogCaptureFixture) -> None:
    """urllib3's own words are only kept back while a response is delivered, and only in that thread."""
    caplog.set_level(logging.DEBUG)
    heard = logging.getLogger("urllib3.connectionpool")

    def say_something() -> None:
        heard.debug("from another thread, meanwhile")

    cloudformation.will(say_something)
    a_resource()(cloudformation.event("Create"), LambdaContext())
    heard.debug("from this thread, afterwards")

    said = [record.getMessage() for record in caplog.records if record.name == heard.name]
    assert said == ["from another thread, meanwhile", "from this thread, afterwards"]
