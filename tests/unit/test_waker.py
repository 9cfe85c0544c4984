"""The waker: what the queue brings goes to the provider, and where it cannot, CloudFormation is answered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from support.cloudformation import CloudFormation
from support.lambda_context import LambdaContext

import waker
from log_group_kms.lifecycle.progress import PROGRESS
from log_group_kms.model.physical_id import PERHAPS_ASSOCIATED

THROTTLED: Final = ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "secret"}}, "Invoke")


@dataclass
class Provider:
    """Lambda, as far as the waker knows it."""

    refusals: list[Exception] = field(default_factory=list)
    invoked: list[dict[str, Any]] = field(default_factory=list)

    def invoke(self, **request: Any) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.invoked.append(request)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """A provider that can be invoked."""
    made = Provider()
    monkeypatch.setattr(waker, "_lambda", lambda: made)
    monkeypatch.setenv("PROVIDER_FUNCTION", "the-provider")
    monkeypatch.setenv("PROVIDER_LOG_GROUP", "/aws/lambda/the-waker")
    return made


def delivered(event: dict[str, Any], receives: int = 1) -> dict[str, Any]:
    """What the event source mapping hands in."""
    return {"Records": [{"body": json.dumps(event), "attributes": {"ApproximateReceiveCount": str(receives)}}]}


def test_an_event_goes_to_the_provider_as_it_is(provider: Provider) -> None:
    """Asynchronously, as CloudFormation sends it: so Lambda keeps it, and the responder is behind it."""
    event = {"RequestType": "Create", PROGRESS: {"until": 1}, "ResponseURL": "https://x", "Name": "Überwachung"}

    waker.handler(delivered(event), LambdaContext())

    (request,) = provider.invoked
    assert (request["FunctionName"], request["InvocationType"]) == ("the-provider", "Event")
    assert json.loads(request["Payload"]) == event


@pytest.mark.parametrize("receives", range(1, waker.MOST_RECEIVES))
def test_what_cannot_be_handed_on_stays_in_the_queue(provider: Provider, receives: int) -> None:
    """The function fails, without a word of the event."""
    provider.refusals.append(THROTTLED)

    with pytest.raises(waker.NotWoken) as failed:
        waker.handler(delivered({"ResponseURL": "https://x"}, receives), LambdaContext())

    assert str(failed.value) == "The provider could not be invoked: TooManyRequestsException"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


@pytest.mark.parametrize(
    ("refusal", "why"),
    [
        pytest.param(THROTTLED, "TooManyRequestsException", id="throttled"),
        pytest.param(EndpointConnectionError(endpoint_url="https://x"), "EndpointConnectionError", id="unreachable"),
        pytest.param(ImportError("botocore"), "ImportError", id="cannot be imported"),
    ],
)
def test_the_last_time_it_answers(
    provider: Provider, refusal: Exception, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAILED, with the id that makes the Delete look, and where to look."""
    # The double of CloudFormation is on loopback, so the function's own AWS must be there, too.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    provider.refusals.append(refusal)
    with CloudFormation.start() as cloudformation:
        event = {**cloudformation.event("Create"), PROGRESS: {"until": 1}}

        waker.handler(delivered(event, waker.MOST_RECEIVES), LambdaContext())

        answer = cloudformation.response_to(event)
    assert (answer.status, answer.physical_resource_id) == ("FAILED", PERHAPS_ASSOCIATED)
    assert "it could not be invoked again" in answer.reason
    assert why in answer.reason
    assert "/aws/lambda/the-waker" in answer.reason


def test_its_client_is_one_that_fits_into_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two attempts of three seconds, made once for a warm function; it needs no more than botocore."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    waker._lambda.cache_clear()  # noqa: SLF001 - of another test

    client = waker._lambda()  # noqa: SLF001 - what is looked at

    config = client.meta.config
    assert config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout) < 10
    assert waker._lambda() is client  # noqa: SLF001 - as above
    waker._lambda.cache_clear()  # noqa: SLF001 - for other tests
