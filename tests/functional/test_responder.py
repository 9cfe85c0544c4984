"""The responder's responses as CloudFormation gets them: a record in, a PUT out, with all that can go wrong between."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.certificates import self_signed_file
from support.cloudformation import CREDENTIAL, SECURITY_TOKEN, SERVICE_TOKEN, CloudFormation, Fault
from support.lambda_context import LambdaContext

import responder
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from responder import DeliveryFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

ARN = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/orders"
DIED = {
    "errorType": "Runtime.ExitError",
    "errorMessage": "RequestId: 1 Error: Runtime exited with error: signal: killed",
}


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same attempts as in production, without the pauses; a far side that hangs is given up soon."""
    monkeypatch.setattr(responder, "PAUSES", tuple(0.0 for _ in responder.PAUSES))
    monkeypatch.setattr(responder, "SOCKET_TIMEOUT", 0.5)
    # The double is on loopback: so must be the function's AWS.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("PROVIDER_LOG_GROUP", "/aws/lambda/log-group-kms-association-5c9f1e20")


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    """A CloudFormation that raises, at the test's end, whatever the responder did against the protocol."""
    with CloudFormation.start() as it:
        yield it


def record(event: dict[str, Any], error: dict[str, Any] | None = None) -> dict[str, Any]:
    """What Lambda hands over."""
    return {
        "version": "1.0",
        "timestamp": "2026-01-05T10:16:05.568Z",
        "requestContext": {
            "requestId": "8ee5d4a1-7d9f-4f6c-a5a4-5f2a6c0e3a11",
            "functionArn": f"{SERVICE_TOKEN}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 1,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": error or DIED,
    }


def respond(event: dict[str, Any], error: dict[str, Any] | None = None, milliseconds: int = 30_000) -> None:
    """As Lambda runs it."""
    responder.handler(record(event, error), LambdaContext(remaining_in_millis=milliseconds))


# --- one valid response -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_type", "own", "expected"),
    [
        pytest.param("Create", None, ("FAILED", PERHAPS_ASSOCIATED), id="Create"),
        pytest.param("Update", ARN, ("FAILED", ARN), id="Update"),
        pytest.param("Delete", ARN, ("FAILED", ARN), id="Delete"),
        pytest.param("Delete", "made-up-LogEncryption-1ABC", ("FAILED", "made-up-LogEncryption-1ABC"), id="made-up id"),
        pytest.param("Delete", NOTHING_ASSOCIATED, ("SUCCESS", NOTHING_ASSOCIATED), id="Delete of nothing"),
    ],
)
def test_each_event_gets_one_valid_response(
    cloudformation: CloudFormation, request_type: str, own: str | None, expected: tuple[str, str]
) -> None:
    """The double holds it against the protocol; URL and empty Content-Type are those that were signed."""
    properties = {"LogGroupName": "/aws/lambda/orders"}
    event = cloudformation.event(request_type, properties=properties, physical_resource_id=own)
    respond(event)

    response = cloudformation.response_to(event)
    assert (response.status, response.physical_resource_id) == expected
    assert cloudformation.attempts_at(event) == 1


def test_an_endless_error_fits(cloudformation: CloudFormation) -> None:
    """The body stays within 4,096 bytes, as the double demands, and says where to look."""
    event = cloudformation.event("Create", logical_resource_id="L" * 255)
    respond(event, {"errorType": "MemoryError", "errorMessage": "é" * 100_000})

    assert "request id 8ee5d4a1" in cloudformation.response_to(event).reason


# --- delivery ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([500], id="500"),
        pytest.param([503, 503, 503], id="503 three times"),
        pytest.param([429], id="429"),
        pytest.param([Fault.DROP], id="connection closed"),
        pytest.param([Fault.HANG], id="no word for too long"),
        pytest.param([Fault.DROP, 502, 504], id="one thing after the other"),
    ],
)
def test_what_may_heal_is_tried_again(cloudformation: CloudFormation, faults: list[int | Fault]) -> None:
    """A failure of the way or of the far side."""
    cloudformation.will(*faults)
    event = cloudformation.event("Create")
    respond(event)

    assert cloudformation.response_to(event).status == "FAILED"
    assert cloudformation.attempts_at(event) == len(faults) + 1


@pytest.mark.parametrize(
    ("faults", "attempts", "told"),
    [
        pytest.param([403], 1, "HTTP status 403", id="403 is final"),
        pytest.param([307], 1, "HTTP status 307", id="a redirect is not followed"),
        pytest.param([503] * 9, 4, "HTTP status 503", id="503 for too long"),
        pytest.param([Fault.DROP] * 9, 4, "RemoteDisconnected", id="connections closed for too long"),
        pytest.param([Fault.HANG] * 9, 4, "TimeoutError", id="no word at all"),
    ],
)
def test_a_response_that_cannot_be_delivered_fails_the_invocation(
    cloudformation: CloudFormation, faults: list[int | Fault], attempts: int, told: str
) -> None:
    """So that Lambda invokes the responder again; the error and what it came from are without the URL."""
    cloudformation.will(*faults)
    event = cloudformation.event("Create")

    with pytest.raises(DeliveryFailed, match=f"^CloudFormation did not get the response: {told}$") as caught:
        respond(event)

    assert cloudformation.attempts_at(event) == attempts
    assert cloudformation.responses_to(event) == []
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_second_invocation_delivers_what_the_first_could_not(cloudformation: CloudFormation) -> None:
    """Lambda's retry finds the far side well again."""
    cloudformation.will(*[503] * 4)
    event = cloudformation.event("Create")
    with pytest.raises(DeliveryFailed):
        respond(event)
    respond(event)

    assert cloudformation.response_to(event).status == "FAILED"


def test_no_attempt_is_begun_that_could_not_end(cloudformation: CloudFormation) -> None:
    """With less time left than a stalled attempt takes, the invocation fails at once instead of being killed."""
    event = cloudformation.event("Create")
    with pytest.raises(DeliveryFailed, match="no time was left"):
        respond(event, milliseconds=400)

    assert cloudformation.attempts_at(event) == 0


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A far side's TLS, with a certificate for localhost that the system trusts for this test."""
    path = self_signed_file(tmp_path / "certificate.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return context


def test_https_is_spoken_with_whom_the_system_trusts(tls: ssl.SSLContext) -> None:
    """As with the real CloudFormation, whose URLs are never anything else."""
    with CloudFormation.start(tls) as cloudformation:
        event = cloudformation.event("Create")
        respond(event)

        assert cloudformation.response_to(event).status == "FAILED"


def test_nobody_else_gets_a_response_over_https(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for ends the delivery before a byte of the response is sent."""
    monkeypatch.delenv("SSL_CERT_FILE")
    with CloudFormation.start(tls) as cloudformation:
        event = cloudformation.event("Create")
        with pytest.raises(DeliveryFailed, match="SSLCertVerificationError"):
            respond(event)

        assert cloudformation.attempts_at(event) == 0


# --- no credential ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("far_side", [200, 403, 503, Fault.DROP], ids=str)
def test_nothing_of_the_url_is_written_or_raised(
    cloudformation: CloudFormation, capfd: pytest.CaptureFixture[str], far_side: int | Fault
) -> None:
    """One line of JSON for each invocation, whatever the error quotes and however the delivery ends."""
    cloudformation.will(*[far_side] * 4)
    event = cloudformation.event("Create")
    raised = ""
    try:
        respond(event, {"errorType": "KeyError", "errorMessage": f"cannot understand {event}"})
    except DeliveryFailed:
        raised = traceback.format_exc()
    out, err = capfd.readouterr()
    (line,) = out.splitlines()
    signature = event["ResponseURL"].rpartition("=")[2]
    secrets = [signature[:16], signature[-16:], CREDENTIAL[:20], SECURITY_TOKEN[:17]]

    assert {"timestamp", "level", "message", "stack_id", "request_id", "reason"} <= json.loads(line).keys()
    assert bool(raised) == (far_side != 200)
    assert err == ""
    assert [secret for secret in secrets if secret in line + raised] == []
    assert [secret for secret in secrets for r in cloudformation.responses_to(event) if secret in r.reason] == []


# --- the package ------------------------------------------------------------------------------------------------------


def test_the_package_is_one_module_that_needs_nothing_else(tmp_path: Path) -> None:
    """Built for this Python as for the runtime's: it has its bytecode, and is imported where nothing is installed."""
    sources, artifacts = tmp_path / "src", tmp_path / "artifacts"
    leavings = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(Path(responder.__file__).parent, sources, ignore=leavings)
    artifacts.mkdir()
    version = "{}.{}".format(*sys.version_info)
    make = ["make", "--silent", "build-ResponderFunction", f"RUNTIME={version}", f"ARTIFACTS_DIR={artifacts}"]
    subprocess.run([*make, f"PYTHON={sys.executable}"], cwd=sources, check=True)  # noqa: S603 - our own makefile
    program = f"import sys; sys.path.insert(0, {str(artifacts)!r}); import responder; print(responder.__cached__)"
    imported = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", program],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
    )

    bytecode = Path(imported.stdout.strip())
    assert {path for path in artifacts.rglob("*") if path.is_file()} == {artifacts / "responder.py", bytecode}
