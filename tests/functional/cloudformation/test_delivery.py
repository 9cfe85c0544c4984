"""The PUT: retries, TLS, and a delivery that fails."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any

import pytest
from functional.cloudformation.resources import (
    ARN,
    NEARLY_OVER,
    a_resource,
    raising,
    until_settled,
)
from support.certificates import self_signed_file
from support.cloudformation import CloudFormation, Fault
from support.lambda_context import LambdaContext

from log_group_kms.cloudformation.delivery import Delivery, DeliveryPolicy
from log_group_kms.cloudformation.errors import DeliveryFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from log_group_kms.cloudformation.resource import CustomResource


#: For a far side that hangs: gives up soon, and still waits long enough for one that does not.
SOON = Delivery(DeliveryPolicy(attempts=2, longest_attempt=0.5, pause=0.0))


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Return a server's side of TLS, with a certificate that the system trusts for this test."""
    certificate = self_signed_file(tmp_path / "certificate.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return context


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([500], id="500"),
        pytest.param([503, 503, 503], id="503 three times"),
        pytest.param([429], id="429"),
        pytest.param([Fault.DROP], id="connection closed"),
        pytest.param([Fault.DROP, 502, 504], id="one thing after the other"),
    ],
)
def test_a_delivery_that_failed_in_transit_is_repeated(
    cloudformation: CloudFormation, faults: list[int | Fault]
) -> None:
    """What S3 or the network may heal is tried again, without pausing for as long as Retry-After says."""
    cloudformation.will(*faults)
    event = cloudformation.event("Create")
    a_resource()(event, LambdaContext())

    assert cloudformation.response_to(event).status == "SUCCESS"
    assert cloudformation.attempts_at(event) == len(faults) + 1


def test_a_far_side_that_hangs_is_asked_again(cloudformation: CloudFormation) -> None:
    """No socket is waited on until the function is killed."""
    cloudformation.will(Fault.HANG)
    event = cloudformation.event("Create")
    a_resource(delivery=SOON)(event, LambdaContext())

    assert cloudformation.response_to(event).status == "SUCCESS"


def test_a_far_side_that_answers_too_late_is_asked_again(cloudformation: CloudFormation) -> None:
    """It is one response to CloudFormation, in two attempts."""
    event = cloudformation.event("Create")

    def until_the_next_attempt() -> None:
        while cloudformation.attempts_at(event) < 2:
            time.sleep(0.01)

    cloudformation.will(until_the_next_attempt)
    a_resource(delivery=SOON)(event, LambdaContext())

    assert cloudformation.response_to(event).status == "SUCCESS"


@pytest.mark.parametrize(
    ("reactions", "attempts", "told"),
    [
        pytest.param([403], 1, "HTTP status 403", id="403 is final"),
        pytest.param([307], 1, "HTTP status 307", id="a redirect is not followed"),
        pytest.param([503] * 9, 4, "HTTP status 503", id="503 for too long"),
        pytest.param([Fault.DROP] * 9, 4, "ProtocolError", id="connections closed for too long"),
    ],
)
@pytest.mark.parametrize(
    "work", [lambda *_: ARN, raising(KeyError()), until_settled], ids=["works", "raises", "times out"]
)
def test_a_response_that_cannot_be_delivered_fails_the_invocation(
    cloudformation: CloudFormation,
    work: Callable[[CustomResource, dict[str, Any]], Any],
    reactions: list[int | Fault],
    attempts: int,
    told: str,
) -> None:
    """The invocation raises, after one series of attempts; neither the error nor where it came from has the URL."""
    cloudformation.will(*reactions)
    event = cloudformation.event("Create")
    context = LambdaContext(remaining_in_millis=NEARLY_OVER if work is until_settled else 900_000)

    with pytest.raises(DeliveryFailed, match=f"^CloudFormation did not get the response: {told}$") as caught:
        a_resource(work)(event, context)

    assert cloudformation.attempts_at(event) == attempts
    assert cloudformation.responses_to(event) == []
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_failed_delivery_is_not_the_next_events_failure(cloudformation: CloudFormation) -> None:
    """A warm function answers the next event as ever."""
    cloudformation.will(403)
    resource = a_resource()
    with pytest.raises(DeliveryFailed):
        resource(cloudformation.event("Create"), LambdaContext())
    event = cloudformation.event("Create")
    resource(event, LambdaContext())

    assert cloudformation.response_to(event).status == "SUCCESS"


def test_https_is_spoken_with_whom_the_system_trusts(trusted: ssl.SSLContext) -> None:
    """A response goes over TLS to a host whose certificate the system's authorities vouch for."""
    with CloudFormation.start(tls=trusted) as cloudformation:
        event = cloudformation.event("Create")
        a_resource(delivery=Delivery())(event, LambdaContext())

        assert cloudformation.response_to(event).status == "SUCCESS"


def test_nobody_else_gets_a_response_over_https(trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for ends the delivery before a byte of the response is sent."""
    monkeypatch.delenv("SSL_CERT_FILE")
    with CloudFormation.start(tls=trusted) as cloudformation:
        event = cloudformation.event("Create")
        with pytest.raises(DeliveryFailed, match="SSLError"):
            a_resource(delivery=Delivery())(event, LambdaContext())

        assert cloudformation.attempts_at(event) == 0
