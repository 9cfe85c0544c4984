"""What the responder makes of Lambda's records; the PUT itself is in tests/functional/test_responder.py."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samtranslator.yaml_helper import yaml_parse
from support.cloudformation import CREDENTIAL, SECURITY_TOKEN
from support.lambda_context import LambdaContext

import responder
from log_group_kms.cloudformation import envelope, response_url
from log_group_kms.cloudformation import response as provider_response
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.cloudformation.errors import NotAnEvent
from log_group_kms.cloudformation.physical_id import LONGEST_ID
from log_group_kms.cloudformation.resource import BACKSTOP_MARGIN
from log_group_kms.cloudformation.response_hosts import ResponseHosts
from log_group_kms.lifecycle import progress
from log_group_kms.model import physical_id
from log_group_kms.model.targets import Place
from log_group_kms.request.parse import parse_physical_id

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT: Final = Path(__file__).parents[2]
SOURCE: Final = PROJECT / "src" / "responder.py"

PLACE: Final = Place("aws", "eu-west-1", "111122223333")
FUNCTION: Final = "arn:aws:lambda:eu-west-1:111122223333:function:log-group-kms-association"
KEY: Final = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ORDERS: Final = PLACE.logs_arn("log-group:/aws/lambda/orders")
MARKER: Final = physical_id.NOTHING_ASSOCIATED
PERHAPS: Final = physical_id.PERHAPS_ASSOCIATED
PROVIDER_LOG: Final = "/aws/lambda/log-group-kms-association-5c9f1e20"
REQUEST: Final = "8ee5d4a1-7d9f-4f6c-a5a4-5f2a6c0e3a11"

SIGNATURE: Final = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
URL: Final = (
    "https://cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com/arn%3Aaws%3Acloudformation"
    "%3Aeu-west-1%3A111122223333%3Astack/orders/6d3c4a70-9c1e-11ef-8a2b-0a58a9feac02%7CLogEncryption%7C1b2c?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    f"&X-Amz-Date=20260105T101500Z&X-Amz-SignedHeaders=host&X-Amz-Expires=7200&X-Amz-Credential={CREDENTIAL}"
    f"&X-Amz-Security-Token={SECURITY_TOKEN}&X-Amz-Signature={SIGNATURE}"
)


@pytest.fixture(autouse=True, scope="module")
def in_its_region() -> Iterator[None]:
    """As Lambda has it; for the whole module, as properties are checked many times in one test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_REGION", PLACE.region)
        patch.setenv("RESPONSE_DOMAIN", "amazonaws.com")
        yield


def event(request_type: str = "Create", **changes: Any) -> dict[str, Any]:
    """An event of CloudFormation's."""
    properties = {"ServiceToken": FUNCTION, "LogGroupName": "/aws/lambda/orders", "KmsKeyId": KEY}
    return {
        "RequestType": request_type,
        "ServiceToken": FUNCTION,
        "ResponseURL": URL,
        "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/6d3c4a70-9c1e-11ef-8a2b-0a58a9feac02",
        "RequestId": "3b1f0b3e-6a0d-4f43-9f5d-1f6f6c7d8e90",
        "LogicalResourceId": "LogEncryption",
        "ResourceType": "Custom::LogGroupKmsAssociation",
        "ResourceProperties": properties,
        **changes,
    }


def record(payload: object, error: dict[str, Any] | None = None, condition: str = "RetriesExhausted") -> dict[str, Any]:
    """What the destination gets for *payload*, in the form that the Lambda developer guide shows; without an *error*
    for an event that was only ever throttled."""  # noqa: D209, D205 - one sentence
    ran = {
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": error,
    }
    return {
        "version": "1.0",
        "timestamp": "2026-01-05T10:16:05.568Z",
        "requestContext": {
            "requestId": REQUEST,
            "functionArn": f"{FUNCTION}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": 1 if error else 0,
        },
        "requestPayload": payload,
        **(ran if error else {}),
    }


IMPORT_ERROR: Final = {
    "errorMessage": "Unable to import module 'log_group_kms.handlers.provider': No module named 'crhelper'",
    "errorType": "Runtime.ImportModuleError",
    "requestId": "",
    "stackTrace": [],
}
SYNTAX_ERROR: Final = {"errorMessage": "Syntax error in module", "errorType": "Runtime.UserCodeSyntaxError"}
NO_HANDLER: Final = {"errorMessage": "Handler 'handler' missing on module", "errorType": "Runtime.HandlerNotFound"}
BAD_HANDLER: Final = {"errorMessage": "Bad handler 'handler'", "errorType": "Runtime.MalformedHandlerName"}
OUT_OF_MEMORY: Final = {
    "errorMessage": f"RequestId: {REQUEST} Error: Runtime exited with error: signal: killed",
    "errorType": "Runtime.ExitError",
}
TIMED_OUT: Final = {"errorMessage": f"2026-01-05T10:30:05.123Z {REQUEST} Task timed out after 900.00 seconds"}
UNDELIVERED: Final = {
    "errorMessage": "CloudFormation did not get the response: HTTP status 503",
    "errorType": "DeliveryFailed",
    "stackTrace": ['  File "/var/task/log_group_kms/handler.py", line 50, in handler\n    resource(event, context)\n'],
}

#: The record's error, and what it says of how far a Create can have come.
DEATHS: Final = {
    "import error": (IMPORT_ERROR, MARKER),
    "syntax error": (SYNTAX_ERROR, MARKER),
    "no handler": (NO_HANDLER, MARKER),
    "bad handler": (BAD_HANDLER, MARKER),
    "out of memory": (OUT_OF_MEMORY, PERHAPS),
    "time-out": (TIMED_OUT, PERHAPS),
    "response not delivered": (UNDELIVERED, PERHAPS),
    "throttled": (None, MARKER),
}


def response_to(payload: dict[str, Any], error: dict[str, Any] | None = None, **named: Any) -> dict[str, str]:
    """What CloudFormation is told."""
    url, response = responder.response_to(record(payload, error, **named))
    assert url == payload["ResponseURL"]
    return response


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the template sets."""
    monkeypatch.setenv("PROVIDER_LOG_GROUP", PROVIDER_LOG)


# --- what is answered -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [pytest.param(error, id=name) for name, (error, _) in DEATHS.items()])
@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete", "Redo"])
def test_each_death_is_a_failure_that_says_why_and_where_to_look(
    request_type: str, error: dict[str, Any] | None
) -> None:
    """The Reason has Lambda's words, the provider's log group and the request id; the ids are the event's."""
    asked = event(request_type, PhysicalResourceId=ORDERS)
    condition = "RetriesExhausted" if error else "EventAgeExceeded"
    response = response_to(asked, error, condition=condition)
    wanted = [condition, PROVIDER_LOG, REQUEST, *[str(v) for k, v in (error or {}).items() if k.startswith("error")]]

    assert response["Status"] == "FAILED"
    assert [part for part in wanted if part not in response["Reason"]] == []
    assert {name: response[name] for name in response if name.endswith("Id")} == {
        "StackId": asked["StackId"],
        "RequestId": asked["RequestId"],
        "LogicalResourceId": "LogEncryption",
        "PhysicalResourceId": ORDERS,
    }


def test_a_throttled_event_is_called_so() -> None:
    """Lambda reports no error then: whoever reads the Reason is told what happened."""
    response = response_to(event(), condition="ZeroReservedConcurrency")

    assert response["Reason"] == (
        "The provider's function was throttled until Lambda gave the event up (ZeroReservedConcurrency). "
        f"See log group {PROVIDER_LOG}, request id {REQUEST}."
    )


@pytest.mark.parametrize(("error", "expected"), [pytest.param(*case, id=name) for name, case in DEATHS.items()])
def test_a_create_gets_the_marker_only_where_nothing_can_have_been_claimed(
    error: dict[str, Any] | None, expected: str
) -> None:
    """A function that never began has claimed nothing; of any other that cannot be told."""
    assert response_to(event(), error)["PhysicalResourceId"] == expected


@pytest.mark.parametrize("error", [pytest.param(error, id=name) for name, (error, _) in DEATHS.items()])
def test_an_event_that_goes_on_has_claimed(error: dict[str, Any] | None) -> None:
    """The invocation before this one had associated already, whatever ended this one."""
    assert response_to({**event(), progress.PROGRESS: {}}, error)["PhysicalResourceId"] == PERHAPS


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
@pytest.mark.parametrize("own", ["log-group-kms-association:something", ORDERS, "orders-LogEncryption-1ABC2DEF3GHI"])
def test_an_event_keeps_its_own_physical_id(request_type: str, own: str) -> None:
    """Another id would be a replacement, or a Delete of something else."""
    assert response_to(event(request_type, PhysicalResourceId=own), OUT_OF_MEMORY)["PhysicalResourceId"] == own


@pytest.mark.parametrize("request_type", ["Update", "Delete", "Redo"])
@pytest.mark.parametrize("own", [None, "", " ", 7, "x" * 1025], ids=["none", "empty", "blank", "number", "too long"])
def test_where_an_event_lacks_its_own_id_the_provider_would_answer_with_the_marker_too(
    request_type: str, own: object
) -> None:
    """Only a Create has to be guessed at."""
    asked = event(request_type, PhysicalResourceId=own)

    assert Envelope.of(asked).physical_resource_id is None
    assert (response_to(asked, OUT_OF_MEMORY)["Status"], response_to(asked)["PhysicalResourceId"]) == ("FAILED", MARKER)


@pytest.mark.parametrize("error", [pytest.param(error, id=name) for name, (error, _) in DEATHS.items()])
def test_the_delete_of_nothing_succeeds(error: dict[str, Any] | None) -> None:
    """A stack whose Create found no provider is rolled back without one, as the decision table has it."""
    response = response_to(event("Delete", PhysicalResourceId=MARKER), error)

    assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", MARKER)


@pytest.mark.parametrize("name", ["functionArn", "condition", "requestId", "approximateInvokeCount"])
def test_a_record_that_lacks_something_is_answered_all_the_same(name: str) -> None:
    """AWS does not document each form of the record."""
    failed = record(event("Update", PhysicalResourceId=ORDERS), OUT_OF_MEMORY)
    del failed["requestContext"][name]

    assert responder.response_to(failed)[1]["Status"] == "FAILED"


@pytest.mark.parametrize(
    "payload", [None, "Unhandled", ["a"], {"errorMessage": None}, {"errorMessage": {"a": 1}}], ids=str
)
def test_an_error_in_another_form_is_no_obstacle(payload: object) -> None:
    """What a runtime reports may be anything."""
    response = responder.response_to(record(event(), OUT_OF_MEMORY) | {"responsePayload": payload})[1]

    assert (response["Status"], response["PhysicalResourceId"]) == ("FAILED", PERHAPS)


# --- what is not answered ---------------------------------------------------------------------------------------------

ENROLMENT: Final = {
    "version": "0",
    "detail-type": "AWS API Call via CloudTrail",
    "source": "aws.logs",
    "detail": {"eventName": "CreateLogGroup", "requestParameters": {"logGroupName": "/aws/lambda/orders"}},
}


@pytest.mark.parametrize(
    "given_record",
    [
        pytest.param(record(ENROLMENT, OUT_OF_MEMORY), id="an event of EventBridge"),
        pytest.param(record(None, OUT_OF_MEMORY), id="null"),
        pytest.param(record([event()], OUT_OF_MEMORY), id="a list"),
        pytest.param(record(event(ResponseURL=None), OUT_OF_MEMORY), id="no ResponseURL"),
        pytest.param(record(event(ResponseURL=URL.replace("https", "http")), OUT_OF_MEMORY), id="plain http"),
        pytest.param(record(event(ResponseURL=URL + " "), OUT_OF_MEMORY), id="a URL that needs encoding"),
        pytest.param(record(event(ResponseURL="https://[::1"), OUT_OF_MEMORY), id="no URL"),
        pytest.param(record(event(ResponseURL="https:///orders"), OUT_OF_MEMORY), id="no host"),
        pytest.param(record(event(ResponseURL=URL.replace("//", "//evil.")), OUT_OF_MEMORY), id="another host"),
        pytest.param(record(event(StackId=f"{PLACE}"), OUT_OF_MEMORY), id="another stack's URL"),
        pytest.param(record(event(StackId=""), OUT_OF_MEMORY), id="no StackId"),
        pytest.param(record(event(RequestId=7), OUT_OF_MEMORY), id="a RequestId that is a number"),
        pytest.param(record(event(LogicalResourceId="x" * 513), OUT_OF_MEMORY), id="a LogicalResourceId too long"),
        pytest.param(record(event(LogicalResourceId="\ud800"), OUT_OF_MEMORY), id="a lone surrogate"),
        pytest.param(event(), id="an event that is in no record"),
        pytest.param("hello", id="no record"),
    ],
)
def test_nobody_is_answered_where_nobody_waits(given_record: object, capsys: pytest.CaptureFixture[str]) -> None:
    """It is logged in one line, and that is all: an error would only make Lambda try again."""
    responder.handler(given_record, LambdaContext())
    (line,) = capsys.readouterr().out.splitlines()

    logged = json.loads(line)
    assert (logged["level"], logged["message"].partition(":")[0]) == ("WARNING", "Nothing to answer")
    assert [secret for secret in (SIGNATURE, "AKIA", URL[:80]) if secret in line] == []


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)


@given(parts=st.fixed_dictionaries({}, optional=dict.fromkeys(event("Update", PhysicalResourceId=""), JSON)))
def test_it_answers_whom_the_provider_would_answer(parts: dict[str, Any]) -> None:
    """An event with anything in it is answerable for both or for neither."""
    asked = event() | parts

    def read() -> None:
        found = Envelope.of(asked)
        ResponseHosts.of_environment(os.environ).check(found.response_url.reveal(), found.stack_id)

    answerable = _answerable(read, NotAnEvent)

    assert _answerable(lambda: response_to(asked, OUT_OF_MEMORY), responder.NotAnEvent) == answerable


def _answerable(read: Any, refusal: type[Exception]) -> bool:
    try:
        read()
    except refusal:
        return False
    return True


@given(JSON, JSON, JSON)
def test_it_makes_sense_of_anything_or_says_that_it_is_no_event(context: Any, error: Any, properties: Any) -> None:
    """Nothing in a record makes it raise anything else; the response always fits."""
    payload = event(ResourceProperties=properties)
    _, response = responder.response_to(
        {"requestContext": context, "responsePayload": error, "requestPayload": payload}
    )

    assert len(responder.body_of(response)) <= provider_response.LONGEST_BODY


# --- in step with the provider ----------------------------------------------------------------------------------------


def test_what_both_know_is_the_same() -> None:
    """The responder imports nothing of the provider, so its copies are compared here."""
    copies = {
        "NOTHING_ASSOCIATED": physical_id.NOTHING_ASSOCIATED,
        "PERHAPS_ASSOCIATED": physical_id.PERHAPS_ASSOCIATED,
        "PROGRESS": progress.PROGRESS,
        "REDACTED": response_url.REDACTED,
        "LONGEST_BODY": provider_response.LONGEST_BODY,
        "LONGEST_PHYSICAL_ID": LONGEST_ID,
        "LONGEST_ECHOED_ID": envelope.LONGEST_ECHOED_ID,
        "SHORTEST_SECRET": response_url.SHORTEST_SECRET,
    }

    assert {name: getattr(responder, name) for name in copies} == copies


@pytest.mark.parametrize("marker", [MARKER, PERHAPS])
def test_the_provider_never_takes_its_ids_for_those_of_a_success(marker: str) -> None:
    """So the Delete that follows goes by the tags, and takes no key away that was there before."""
    assert parse_physical_id(marker, PLACE) is None


# --- no more than CloudFormation reads, and no credential -------------------------------------------------------------


@pytest.mark.parametrize("text", ["x" * 100_000, "é" * 5000, '"\\' * 5000, "\x00" * 5000, "\ud800" * 5000, "😀" * 3000])
def test_a_long_error_loses_its_end(text: str) -> None:
    """All of 4,096 bytes are used, whatever a character takes; where to look is never lost."""
    response = response_to(event(LogicalResourceId="L" * 255), {"errorType": "MemoryError", "errorMessage": text})
    body = responder.body_of(response)
    reason = json.loads(body)["Reason"]

    assert provider_response.LONGEST_BODY - 6 < len(body) <= provider_response.LONGEST_BODY
    assert reason.endswith("…")
    assert response["Reason"].startswith(reason[:-1])
    assert f"See log group {PROVIDER_LOG}, request id {REQUEST}. Lambda reports MemoryError: " in reason


def test_ids_as_long_as_can_be_leave_room_for_a_reason() -> None:
    """The longest that are answered at all."""
    long_ids = dict.fromkeys(("StackId", "RequestId", "LogicalResourceId"), "i" * 512)
    long_ids["ResponseURL"] = URL.replace(URL.partition(".com/")[2].partition("%7C")[0], "i" * 512)
    response = response_to(event("Update", PhysicalResourceId="p" * 1024, **long_ids), UNDELIVERED)

    assert json.loads(responder.body_of(response))["Reason"] == response["Reason"]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(f"cannot understand {event()}", id="the whole event"),
        pytest.param(URL, id="the URL"),
        pytest.param(URL.partition("?")[2], id="its query"),
        pytest.param(URL[:-20], id="a URL that was cut"),
        pytest.param(f"expected {SIGNATURE[:40]}, got {SIGNATURE[24:]}", id="halves of the signature"),
        pytest.param(f"X-Amz-Security-Token={SECURITY_TOKEN[5:]}", id="most of the token"),
        pytest.param("IQoJb3JpZ2luX2VjE+/Example~To ken==", id="the token decoded"),
        pytest.param("AKIAIOSFODNN7EXAMPLE/20260105/eu-west-1/s3/aws4_request", id="the credential decoded"),
        pytest.param("no such key AKIAIOSFODNN7EXAMPLE", id="the access key"),
    ],
)
@pytest.mark.parametrize("field", ["errorMessage", "errorType"])
def test_no_part_of_the_url_is_passed_on(field: str, message: str) -> None:
    """Whatever the error quotes of it."""
    reason = response_to(event(), OUT_OF_MEMORY | {field: message})["Reason"]
    secrets = [SIGNATURE[:16], SIGNATURE[-16:], "AKIAIOSFODNN7EXAMPLE", "IQoJb3JpZ2luX2VjE", "b3JpZ2luX2VjE"]

    assert [secret for secret in secrets if secret in reason] == []
    assert responder.REDACTED in reason


@given(st.integers(0, 63), st.integers(16, 64))
def test_no_piece_of_the_signature_is_passed_on(start: int, length: int) -> None:
    """From 16 characters on, which is where a piece is of use to anyone."""
    piece = SIGNATURE[start : start + length]
    reason = response_to(event(), {"errorMessage": f"signature {piece}"})["Reason"]

    assert (piece in reason) == (len(piece) < 16)


def test_what_is_no_secret_stays() -> None:
    """Names that are part of the credential too, such as the Region's, are read as they were written."""
    message = (
        "AWS4-HMAC-SHA256 in eu-west-1: no module named log_group_kms.handlers.provider in "
        "arn:aws:logs:eu-west-1:111122223333"
    )
    reason = response_to(event(), {"errorMessage": message})["Reason"]

    assert reason.endswith(message)


# --- what it is made of -----------------------------------------------------------------------------------------------


def test_it_needs_the_standard_library_alone() -> None:
    """It imports nothing that is not part of Python, and runs without any site-packages."""
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(SOURCE.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "."]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    program = f"import sys; sys.path.insert(0, {str(SOURCE.parent)!r}); import responder; print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", program]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()  # noqa: S603 - our own

    assert imported <= sys.stdlib_module_names
    assert {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names <= {"__main__", "responder"}


def test_it_stays_small() -> None:
    """What has to work when nothing else does is read in one go: few lines, beside blanks, comments, docstrings."""
    tree = ast.parse(SOURCE.read_text())
    docstrings = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node)
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    lines = [
        line
        for number, line in enumerate(SOURCE.read_text().splitlines(), 1)
        if line.strip() and not line.strip().startswith("#") and number not in docstrings
    ]

    assert len(lines) <= 150


def functions() -> tuple[dict[str, Any], dict[str, Any]]:
    """The provider's and the responder's function in the template."""
    resources = yaml_parse((PROJECT / "template.yaml").read_text())["Resources"]
    return resources["ProviderFunction"]["Properties"], resources["ResponderFunction"]["Properties"]


def test_a_delivery_ends_before_the_function_does() -> None:
    """Every attempt may stall once, and the pauses are waited; then there is still time to raise."""
    _, function = functions()
    longest = sum(responder.PAUSES) + (len(responder.PAUSES) + 1) * responder.SOCKET_TIMEOUT

    assert longest * 1.5 < function["Timeout"]


# --- what its page says of it -----------------------------------------------------------------------------------------


def chapter() -> str:
    """The page about it."""
    return (PROJECT / "docs" / "reference" / "responder.md").read_text()


def test_the_reason_on_the_page_is_the_one_that_is_given() -> None:
    """Whoever searches for the text of a stack event finds it."""
    (example,) = re.findall(r"```text\n(.*?)\n```", chapter(), re.DOTALL)

    assert re.fullmatch(re.escape(example).replace("…", ".+"), response_to(event(), IMPORT_ERROR)["Reason"])


def test_the_times_on_the_page_are_those_of_the_template() -> None:
    """How long CloudFormation waits for what."""
    function, _ = functions()
    age = function["EventInvokeConfig"]["MaximumEventAgeInSeconds"]

    assert f"| {function['Timeout']} s after its start" in chapter()
    assert f"answers {BACKSTOP_MARGIN:.0f} s earlier" in chapter()
    assert f"| After {age} s, as soon as Lambda looks again" in chapter()
