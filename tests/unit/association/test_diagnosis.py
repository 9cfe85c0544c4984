"""The parts of a Reason for a call that AWS refused; the sentences themselves stand in `test_reasons`."""

from __future__ import annotations

import json

import pytest
from support.fake_aws import PLACE, FakeAws, key_arn, key_policy_denied, log_group, role_denied, throttled

from log_group_kms.association.diagnosis import Diagnosis
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


def statement_in(told: str) -> dict[str, object]:
    """The statement that a user would copy."""
    begin = told.index('{"Effect"')
    parsed, _ = json.JSONDecoder().raw_decode(told[begin:])
    assert isinstance(parsed, dict)
    return parsed


@pytest.mark.parametrize(
    ("target", "condition"),
    [
        pytest.param(
            ORDERS.arn,
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": ORDERS.arn}},
            id="log groups: by encryption context",
        ),
        pytest.param(
            RESULTS.arn,
            {"ArnEquals": {"aws:SourceArn": RESULTS.arn}, "StringEquals": {"aws:SourceAccount": PLACE.account}},
            id="query results: by source ARN and account",
        ),
    ],
)
def test_the_statement_that_the_key_policy_lacks(target: str, condition: dict[str, object]) -> None:
    """A statement for the key's policy can be copied; the one for log groups does not cover query results."""
    told = reason(key_policy_denied(target=target, key=KEY.text), FINE)

    assert statement_in(told) == {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",
        "Condition": condition,
    }


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
