"""The parts of a Reason for a call that AWS refused; the sentences themselves stand in `test_reasons`."""

from __future__ import annotations

import json

import pytest
from support.fake_aws import PLACE, FakeAws, key_arn, key_policy_denied, log_group, role_denied, throttled

from log_group_kms.association.diagnosis import Diagnosis
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.cloudformation.response import Response
from log_group_kms.model.errors import AlreadyExists, ApiError, InvalidParameter, KeyNotFound, NotFound
from log_group_kms.model.keys import KeyDescription
from log_group_kms.model.targets import QueryResults

KEY = key_arn(1)
FINE = KeyDescription(KEY)
ORDERS, RESULTS = log_group(), QueryResults(PLACE)
SERVICE = "logs.eu-west-1.example.com"
ABOUT = ("AssociateKmsKey", "InvalidParameterException", "AWS's own words", ORDERS.arn, KEY.text)


def reason(refusal: ApiError, description: KeyDescription) -> str:
    """Return the Reason that CloudFormation would show, with the key as KMS describes it."""
    aws = FakeAws(keys={KEY: description})
    return Diagnosis(aws, PLACE, SERVICE).reason(refusal)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        pytest.param(
            InvalidParameter("DescribeKey", "InvalidArnException", "?", key=KEY.text),
            f"KMS does not accept the key {KEY.text}, although",
            id="DescribeKey, no target",
        ),
        pytest.param(
            role_denied("kms:Decrypt", "DisassociateKmsKey", target=ORDERS.arn),
            "kms:Decrypt on the key in force: add",
            id="no key named",
        ),
    ],
)
def test_a_sentence_has_no_gap(refusal: ApiError, words: str) -> None:
    """A sentence is whole also where the error names no target or no key."""
    assert words in reason(refusal, FINE)


def statements_in(told: str) -> list[dict[str, object]]:
    """The statements that a user would copy, one after the other."""
    begin = told.index('{"Effect"')
    found: list[dict[str, object]] = json.loads(f"[{told[begin : told.rindex('}') + 1]}]")
    return found


def use_of_the_key(principal: dict[str, str], condition: dict[str, object]) -> dict[str, object]:
    """A statement of a key policy, as AWS's pages have it."""
    return {
        "Effect": "Allow",
        "Principal": principal,
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",
        "Condition": condition,
    }


def test_the_statements_that_a_log_groups_key_policy_lacks() -> None:
    """Both can be copied: the service's own by encryption context, and that for whoever writes and reads through it."""
    told = reason(key_policy_denied(target=ORDERS.arn, key=KEY.text), FINE)

    assert statements_in(told) == [
        use_of_the_key({"Service": SERVICE}, {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": ORDERS.arn}}),
        use_of_the_key({"AWS": "*"}, {"StringEquals": {"kms:ViaService": SERVICE, "kms:CallerAccount": PLACE.account}}),
    ]
    assert "Add these statements to the key policy (the second is for" in told


def test_the_statement_that_query_results_need() -> None:
    """It goes by source ARN and account, stands alone, and covers no log group."""
    told = reason(key_policy_denied(target=RESULTS.arn, key=KEY.text), FINE)

    condition: dict[str, object] = {
        "ArnEquals": {"aws:SourceArn": RESULTS.arn},
        "StringEquals": {"aws:SourceAccount": PLACE.account},
    }
    assert statements_in(told) == [use_of_the_key({"Service": SERVICE}, condition)]
    assert "Add this statement to the key policy: " in told


def test_a_response_with_both_statements_is_whole() -> None:
    """With the longest names that AWS allows it fits into CloudFormation's 4,096 bytes, AWS's own words included."""
    longest = log_group("x" * 512)
    told = reason(key_policy_denied(target=longest.arn, key=KEY.text), FINE)
    event = {
        "RequestType": "Create",
        "RequestId": "7a7b1d2e-0d2c-4f7a-9b39-7a3a5a6f1c11",
        "StackId": f"arn:aws:cloudformation:eu-west-1:111122223333:stack/{'s' * 128}/{'0' * 36}",
        "LogicalResourceId": "L" * 255,
        "ResponseURL": "https://example.com/",
    }
    answer = Response.failed(told, longest.arn)

    assert answer.fitted(Envelope.of(event)) == answer


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        pytest.param(0, "", id="not at all"),
        pytest.param(0.9, "", id="hardly"),
        pytest.param(1, " (tried again for 1 s)", id="a second"),
        pytest.param(120.3, " (tried again for 120 s)", id="minutes"),
    ],
)
def test_how_long_it_was_tried_is_told(seconds: float, told: str) -> None:
    """A refusal that was waited for a second or longer says so, between the cause and AWS's own words."""
    refusal = AlreadyExists(*ABOUT, waited=seconds)

    assert reason(refusal, FINE) == f"AWS refused the request about {ORDERS.arn}{told}. {refusal}"


def test_a_key_that_the_refusal_knows_by_its_alias_is_described() -> None:
    """An alias that DescribeKey knows after all leads to its key, as an ARN would."""
    aws = FakeAws(keys={KEY: KeyDescription(KEY, state="Disabled")}, aliases={"alias/logs": KEY})

    told = Diagnosis(aws, PLACE, SERVICE).reason(KeyNotFound("DescribeKey", "NotFoundException", "?", key="alias/logs"))

    assert told.startswith(f"The key {KEY.text} is disabled")


@pytest.mark.parametrize(
    ("refusal", "calls"),
    [
        pytest.param(key_policy_denied(target=ORDERS.arn, key=KEY.text), ["DescribeKey"], id="key policy"),
        pytest.param(InvalidParameter(*ABOUT), ["DescribeKey"], id="about a key"),
        pytest.param(InvalidParameter("TagResource", "?", "?", ORDERS.arn), [], id="about no key"),
        pytest.param(role_denied("kms:Encrypt", key=KEY.text), [], id="role"),
        pytest.param(NotFound(*ABOUT), [], id="no such log group"),
        pytest.param(throttled(), [], id="throttled"),
    ],
)
def test_only_a_key_that_may_be_at_fault_is_described(refusal: ApiError, calls: list[str]) -> None:
    """A diagnosis costs one call where the key may be at fault, else none."""
    aws = FakeAws.holding(KEY)

    Diagnosis(aws, PLACE, SERVICE).reason(refusal)

    assert aws.calls == calls
