from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.cloudformation.errors import InvalidResponse
from log_group_kms.cloudformation.response import Response

ENVELOPE = Envelope.of(
    {
        "RequestType": "Create",
        "RequestId": "7a7b1d2e-0d2c-4f7a-9b39-7a3a5a6f1c11",
        "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/landing-zone/6d3c4a70",
        "LogicalResourceId": "LogEncryption",
        "ResponseURL": "https://example.com/key?X-Amz-Signature=5c8e3b0f7d1a4e6c",
    },
)
ROOMIEST = Envelope.of(
    {
        "RequestType": "Create",
        "RequestId": "r" * 512,
        "StackId": "s" * 512,
        "LogicalResourceId": "l" * 512,
        "ResponseURL": "https://example.com/key",
    },
)
PHYSICAL_ID = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/orders"


def sent(response: Response, envelope: Envelope = ENVELOPE) -> dict[str, Any]:
    """What CloudFormation reads, held against its limit on the way."""
    body = response.fitted(envelope).body(envelope)
    assert len(body) <= 4096
    content: dict[str, Any] = json.loads(body.decode())
    return content


def test_a_response_says_all_that_cloudformation_asks_for() -> None:
    """The body has the event's ids and the response's words, all as given."""
    response = Response("SUCCESS", PHYSICAL_ID, "kept", {"KmsKeyArn": "k", "PreviousKmsKeyArn": ""}, no_echo=True)

    assert sent(response) == {
        "Status": "SUCCESS",
        "Reason": "kept",
        "PhysicalResourceId": PHYSICAL_ID,
        "StackId": ENVELOPE.stack_id,
        "RequestId": ENVELOPE.request_id,
        "LogicalResourceId": ENVELOPE.logical_resource_id,
        "NoEcho": True,
        "Data": {"KmsKeyArn": "k", "PreviousKmsKeyArn": ""},
    }


#: Text of all sizes: one character takes 1 to 6 bytes in a response.
LONG_TEXT = st.builds(lambda text, times: text * times, st.text(), st.integers(1, 2000))


@pytest.mark.parametrize("envelope", [ENVELOPE, ROOMIEST], ids=["ordinary ids", "the longest ids"])
@given(reason=LONG_TEXT.filter(str.strip))
def test_a_failure_of_any_length_fits_and_keeps_its_beginning(envelope: Envelope, reason: str) -> None:
    """However long the Reason, the body stays within 4,096 bytes; what is lost is the Reason's end, which is marked."""
    content = sent(Response.failed(reason, "x" * 1024), envelope)

    told = content["Reason"]
    assert told == reason or (told.endswith("…") and reason.startswith(told[:-1]))
    assert content["Status"] == "FAILED"
    assert content["PhysicalResourceId"] == "x" * 1024
    assert content["StackId"] == envelope.stack_id
    assert content["RequestId"] == envelope.request_id
    assert content["LogicalResourceId"] == envelope.logical_resource_id


@pytest.mark.parametrize(
    "character",
    [
        pytest.param("x", id="ASCII"),
        pytest.param('"', id="escaped"),
        pytest.param("\x00", id="control"),
        pytest.param("ä", id="two bytes"),
        pytest.param("鍵", id="three bytes"),
        pytest.param("🔑", id="four bytes"),
    ],
)
def test_no_more_is_cut_than_must_be(character: str) -> None:
    """The shortened Reason fills the body: one more character would not fit."""
    response = Response.failed(character * 5000, PHYSICAL_ID)
    kept = response.fitted(ENVELOPE).reason

    assert len(response.with_reason(kept[:-1] + character + "…").body(ENVELOPE)) > 4096
    assert len(response.with_reason(kept).body(ENVELOPE)) <= 4096


def test_a_reason_that_just_fits_is_not_touched() -> None:
    """The limit itself is allowed."""
    room = 4096 - len(Response("SUCCESS", PHYSICAL_ID).body(ENVELOPE))

    response = Response("SUCCESS", PHYSICAL_ID, "x" * room)

    assert response.fitted(ENVELOPE) == response
    assert len(response.body(ENVELOPE)) == 4096
    assert Response("SUCCESS", PHYSICAL_ID, "x" * (room + 1)).fitted(ENVELOPE).reason == "x" * (room - 3) + "…"


@given(reason=LONG_TEXT, data=st.dictionaries(st.text(max_size=20), LONG_TEXT, max_size=3))
def test_return_values_are_whole_or_the_response_is_a_failure(reason: str, data: dict[str, str]) -> None:
    """Data is never cut in silence: it travels whole, or the response is FAILED and says why."""
    content = sent(Response("SUCCESS", PHYSICAL_ID, reason, data))

    if content["Status"] == "SUCCESS":
        assert content["Data"] == data
        assert content["Reason"] == reason or reason.startswith(content["Reason"].removesuffix("…"))
    else:
        assert content["Data"] == {}
        assert content["Reason"].startswith("The return values do not fit into the 4,096 bytes")
    assert content["PhysicalResourceId"] == PHYSICAL_ID


@pytest.mark.parametrize("room", range(10))
def test_a_long_reason_never_makes_a_success_a_failure(room: int) -> None:
    """Where the Data leaves next to no room, the Reason of a success goes, mark and all."""
    taken = len(Response("SUCCESS", PHYSICAL_ID, "", {"K": ""}).body(ENVELOPE))
    data = {"K": "x" * (4096 - taken - room)}

    content = sent(Response("SUCCESS", PHYSICAL_ID, "r" * 100, data))

    assert content["Status"] == "SUCCESS"
    assert content["Data"] == data
    assert content["Reason"] == ("r" * (room - 3) + "…" if room >= 3 else "")


def test_a_failures_return_values_give_way_to_its_reason() -> None:
    """Nobody can read the Data of a failure, so it goes before a character of the Reason does."""
    content = sent(Response("FAILED", PHYSICAL_ID, "r" * 3000, {"K": "x" * 2000}))

    assert content["Reason"] == "r" * 3000
    assert content["Data"] == {}


def test_a_lone_surrogate_does_not_stop_a_response() -> None:
    """A Reason that quotes broken text is sent with a question mark in its place."""
    assert sent(Response.failed("key \ud83d gone", PHYSICAL_ID))["Reason"] == "key ? gone"


@pytest.mark.parametrize(
    ("status", "physical_id", "reason", "data", "rule"),
    [
        pytest.param("SUCCESS", "", "", {}, "physical resource id", id="no id"),
        pytest.param("SUCCESS", " ", "", {}, "physical resource id", id="blank id"),
        pytest.param("SUCCESS", None, "", {}, "physical resource id", id="id is None"),
        pytest.param("SUCCESS", True, "", {}, "physical resource id", id="id is True"),
        pytest.param("SUCCESS", "x" * 1025, "", {}, "physical resource id", id="id over 1 KB"),
        pytest.param("SUCCESS", "鍵" * 342, "", {}, "physical resource id", id="id over 1 KB in bytes"),
        pytest.param("SUCCESS", "id", None, {}, "the Reason is not a string but NoneType", id="reason is None"),
        pytest.param("FAILED", "id", "", {}, "a failure needs a Reason", id="failure without reason"),
        pytest.param("FAILED", "id", " \n", {}, "a failure needs a Reason", id="failure with a blank reason"),
        pytest.param("SUCCESS", "id", "", {"Count": 7}, "not all strings: 'Count'", id="data with a number"),
        pytest.param("SUCCESS", "id", "", {"Deep": {"a": "b"}}, "not all strings: 'Deep'", id="nested data"),
        pytest.param("SUCCESS", "id", "", {7: "seven"}, "not all strings: 7", id="data with a number for a key"),
        pytest.param("SUCCESS", "id", "", {"At": object()}, "cannot be written as JSON", id="data with an object"),
        pytest.param("SUCCESS", "id", "", {"At": "\ud800"}, "cannot be written as JSON", id="data with a surrogate"),
        pytest.param("SUCCESS", "id", "", None, "cannot be written as JSON", id="data is None"),
        pytest.param("SUCCESS", "id", "", ["KmsKeyArn"], "cannot be written as JSON", id="data is a list"),
    ],
)
def test_what_cloudformation_would_not_take_is_no_response(
    status: Any, physical_id: Any, reason: Any, data: Any, rule: str
) -> None:
    """A value that would make CloudFormation drop the response is refused where the response is made."""
    with pytest.raises(InvalidResponse, match=rule):
        Response(status, physical_id, reason, data)
