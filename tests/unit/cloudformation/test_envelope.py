from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.cloudformation.errors import NotAnEvent
from log_group_kms.cloudformation.response_url import ResponseUrl

SIGNATURE = "5c8e3b0f7d1a4e6c9b2f8d7a6e5c4b3a29180f7e6d5c4b3a2f1e0d9c8b7a6f5e"
TARGET = (
    "/arn%3Aaws%3Acloudformation%3Aeu-west-1%3A111122223333%3Astack/s/1%7CLogEncryption%7C2"
    "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260105T101500Z&X-Amz-Expires=7200"
    f"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260105%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature={SIGNATURE}"
)
URL = f"https://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com{TARGET}"


def an_event(**changes: Any) -> dict[str, Any]:
    """An event with some fields other than usual; None leaves a field out."""
    event = {
        "RequestType": "Update",
        "RequestId": "b8c3",
        "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/s/1",
        "LogicalResourceId": "LogEncryption",
        "ResourceType": "Custom::LogGroupKmsAssociation",
        "PhysicalResourceId": "arn:aws:logs:eu-west-1:111122223333:log-group:a",
        "ResponseURL": URL,
        "ResourceProperties": {"LogGroupName": "a"},
    }
    return {name: value for name, value in (event | changes).items() if value is not None}


def test_an_event_is_read_field_by_field() -> None:
    """All that a response needs is taken from the event."""
    envelope = Envelope.of(an_event())

    assert envelope == Envelope(
        request_type="Update",
        request_id="b8c3",
        stack_id="arn:aws:cloudformation:eu-west-1:111122223333:stack/s/1",
        logical_resource_id="LogEncryption",
        resource_type="Custom::LogGroupKmsAssociation",
        physical_resource_id="arn:aws:logs:eu-west-1:111122223333:log-group:a",
        response_url=ResponseUrl(URL),
        sent_at=1767608100.0,
    )


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="list"),
        pytest.param("Create", id="string"),
        pytest.param(7, id="number"),
    ],
)
def test_what_is_not_an_object_is_not_an_event(event: object) -> None:
    """An object that is no CloudFormation event raises."""
    with pytest.raises(NotAnEvent, match="not an object"):
        Envelope.of(event)


@pytest.mark.parametrize("name", ["RequestId", "StackId", "LogicalResourceId", "ResponseURL"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="missing"),
        pytest.param("", id="empty"),
        pytest.param(7, id="number"),
        pytest.param({"a": "b"}, id="object"),
    ],
)
def test_an_event_that_no_response_can_match_is_refused_by_name(name: str, value: object) -> None:
    """Without an id to echo or a URL to respond to, the error names the property and the rule."""
    with pytest.raises(NotAnEvent, match=f"^{name} is missing or not a non-empty string$"):
        Envelope.of(an_event(**{name: value}))


@pytest.mark.parametrize("name", ["RequestId", "StackId", "LogicalResourceId"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param("x" * 513, id="long"),
        pytest.param("\x00" * 100, id="long once it is escaped"),
        pytest.param("\ud800", id="lone surrogate"),
    ],
)
def test_an_id_that_cannot_be_echoed_is_refused(name: str, value: str) -> None:
    """An id that would not leave room for the rest of a response, or is not Unicode, makes the event unanswerable."""
    with pytest.raises(NotAnEvent, match=f"^{name} is longer than 512 bytes or not valid Unicode$"):
        Envelope.of(an_event(**{name: value}))


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        pytest.param("http://example.com/a?b=c", "is not https", id="plain http"),
        pytest.param("http://127.0.0.1.example.com/", "is not https", id="a name that begins like loopback"),
        pytest.param("http://127.0.0.1@example.com/", "is not https", id="loopback as the user"),
        pytest.param("http://10.0.0.1/", "is not https", id="private but not loopback"),
        pytest.param("ftp://127.0.0.1/", "is not https", id="another scheme"),
        pytest.param("file:///etc/hosts", "is not https", id="a file"),
        pytest.param("https:///path", "is not https", id="no host"),
        pytest.param("https://[::1/", "is not a URL", id="broken host"),
        pytest.param("https://a:port/", "is not a URL", id="broken port"),
        pytest.param("https://example.com/a b", "is not a URL", id="space"),
        pytest.param("https://example.com/\nHost:", "is not a URL", id="line feed"),
        pytest.param("https://exämple.com/", "is not a URL", id="not ASCII"),
    ],
)
def test_only_https_is_answered(url: str, rule: str) -> None:
    """A ResponseURL that is no https URL is refused, without a word of it in the error or what the error came from."""
    with pytest.raises(NotAnEvent, match=f"^ResponseURL {rule}") as caught:
        Envelope.of(an_event(ResponseURL=url))

    assert url not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "[::1]", "127.0.0.1:4566", "LOCALHOST"])
def test_loopback_may_be_plain_http(host: str) -> None:
    """Local work has no TLS: http is taken for loopback hosts."""
    url = f"http://{host}{TARGET}"

    assert Envelope.of(an_event(ResponseURL=url)).response_url.reveal() == url


@pytest.mark.parametrize(
    ("changes", "request_type"),
    [
        pytest.param({"RequestType": "Rename"}, "Rename", id="unknown type"),
        pytest.param({"RequestType": None}, "", id="no type"),
        pytest.param({"RequestType": 7}, "", id="type is no string"),
        pytest.param({"ResourceProperties": None}, "Update", id="no properties"),
    ],
)
def test_what_can_be_answered_is_no_error_here(changes: dict[str, Any], request_type: str) -> None:
    """A wrong request type or missing properties are for the response to tell."""
    assert Envelope.of(an_event(**changes)).request_type == request_type


@pytest.mark.parametrize(
    "physical_id",
    [
        pytest.param(None, id="missing"),
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param(7, id="number"),
        pytest.param("x" * 1025, id="over 1 KB"),
        pytest.param("\udfff", id="lone surrogate"),
    ],
)
def test_a_physical_id_that_cannot_be_echoed_counts_as_none(physical_id: object) -> None:
    """An event stays answerable whatever its PhysicalResourceId."""
    assert Envelope.of(an_event(PhysicalResourceId=physical_id)).physical_resource_id is None


@pytest.mark.parametrize(
    ("query", "sent_at"),
    [
        pytest.param("X-Amz-Date=20260105T101500Z", 1767608100.0, id="dated"),
        pytest.param("X-Amz-Date=2026-01-05", None, id="another format"),
        pytest.param("X-Amz-Date=", None, id="empty"),
        pytest.param("AWSAccessKeyId=A&Signature=B", None, id="an older kind of signature"),
        pytest.param("", None, id="no query"),
    ],
)
def test_the_url_tells_when_the_event_was_sent(query: str, sent_at: float | None) -> None:
    """X-Amz-Date is the event's age; without it, or unreadable, the event has none."""
    assert Envelope.of(an_event(ResponseURL=f"https://example.com/key?{query}")).sent_at == sent_at


@pytest.mark.parametrize(
    "shown", [repr, str, "{}".format, lambda it: str(asdict(it))], ids=["repr", "str", "f", "asdict"]
)
def test_an_envelope_can_be_shown_without_its_url(shown: Any) -> None:
    """However an envelope gets into a log, the signature does not."""
    text = shown(Envelope.of(an_event()))

    assert "b8c3" in text
    assert SIGNATURE not in text
    assert "AKIA" not in text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"failed: {URL}", id="whole"),
        pytest.param(f"failed: {TARGET}", id="path and query"),
        pytest.param(f"SignatureProvided: {SIGNATURE}", id="signature alone"),
        pytest.param("AKIAIOSFODNN7EXAMPLE/20260105/eu-west-1/s3/aws4_request", id="decoded credential"),
        pytest.param(repr(an_event()), id="event"),
    ],
)
def test_no_secret_survives_redaction(text: str) -> None:
    """Whole or in part, what lets anyone respond is cut out of a text."""
    redacted = ResponseUrl(URL).redact(text)

    assert "(redacted)" in redacted
    assert SIGNATURE not in redacted
    assert "AKIAIOSFODNN7EXAMPLE" not in redacted


def test_redaction_leaves_the_rest_alone() -> None:
    """Words of a message are not mistaken for parts of the URL."""
    text = "AssociateKmsKey at 20260105T101500Z: 7200 s, AWS4-HMAC-SHA256"

    assert ResponseUrl(URL).redact(text) == text


def test_urls_are_equal_by_what_they_say() -> None:
    """Two of the same text are one key of a dict; one never equals its text."""
    assert {ResponseUrl(URL): 1}[ResponseUrl(URL)] == 1
    assert ResponseUrl(URL) != URL


FIELDS = ["RequestType", "RequestId", "StackId", "LogicalResourceId", "PhysicalResourceId", "ResponseURL"]
VALUES = st.sampled_from([None, True, 7, 0.5, [], ["a"], {}, {"a": "b"}, "", " ", URL]) | st.text(
    'a"é🔑\x00', max_size=600
)


@given(event=st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, VALUES)))
def test_any_object_is_an_envelope_or_no_event(event: dict[str, Any]) -> None:
    """Whatever Lambda hands in, reading it ends in an envelope or in NotAnEvent."""
    try:
        envelope = Envelope.of(event)
    except NotAnEvent as error:
        assert SIGNATURE not in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert envelope.response_url.reveal() == URL
