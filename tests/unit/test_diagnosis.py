"""Each refusal is told apart, with the resource and what to do."""

from __future__ import annotations

import json

import pytest
from support.fake_aws import (
    PLACE,
    FakeAws,
    concurrent_change,
    key_arn,
    key_policy_denied,
    log_group,
    role_denied,
    throttled,
    unavailable,
)

from log_group_kms.diagnosis import Diagnosis
from log_group_kms.errors import (
    AccessDenied,
    AlreadyExists,
    InvalidParameter,
    KeyNotFound,
    LimitExceeded,
    NotFound,
    Refused,
    ReservedLogGroup,
    RoleDenied,
)
from log_group_kms.model import KeyDescription, QueryResults

KEY = key_arn(1)
ORDERS = log_group()
SERVICE = "logs.eu-west-1.example.com"
ABOUT = ("AssociateKmsKey", "InvalidParameterException", "AWS's own words", ORDERS.arn, KEY.text)


def reason(refusal: Refused, description: KeyDescription | None = None, *, may_describe: bool = True) -> str:
    """What CloudFormation would show, with the key as KMS describes it; None where there is no such key."""
    aws = FakeAws(keys={KEY: description} if description else {})
    if not may_describe:
        aws.refuse("DescribeKey", role_denied("kms:DescribeKey", "DescribeKey"))
    return Diagnosis(aws, PLACE, SERVICE).reason(refusal)


FINE = KeyDescription(KEY)


@pytest.mark.parametrize(
    ("refusal", "description", "words"),
    [
        pytest.param(
            key_policy_denied(target=ORDERS.arn, key=KEY.text),
            FINE,
            ["The policy of the key", KEY.text, ORDERS.arn, "Add this statement", SERVICE],
            id="key policy",
        ),
        pytest.param(
            role_denied("kms:Encrypt", target=ORDERS.arn, key=KEY.text),
            FINE,
            ["role lacks the permission kms:Encrypt", KEY.text, "KmsKeyArns"],
            id="role's KMS permissions",
        ),
        pytest.param(
            role_denied("logs:TagResource", target=ORDERS.arn),
            FINE,
            ["role lacks the permission logs:TagResource", ORDERS.arn, "add it to the role"],
            id="role's Logs permissions",
        ),
        pytest.param(
            RoleDenied(
                "AssociateKmsKey",
                "AccessDeniedException",
                "not authorized to perform: logs:AssociateKmsKey with an explicit deny in a service control policy",
                action="logs:AssociateKmsKey",
            ),
            FINE,
            ["denies explicitly", "service control policy"],
            id="explicit deny",
        ),
        pytest.param(
            InvalidParameter(*ABOUT),
            KeyDescription(KEY, state="Disabled"),
            ["is disabled", "kms:EnableKey"],
            id="disabled",
        ),
        pytest.param(
            key_policy_denied(target=ORDERS.arn, key=KEY.text),
            KeyDescription(KEY, state="PendingDeletion"),
            ["pending deletion", "kms:CancelKeyDeletion"],
            id="pending deletion",
        ),
        pytest.param(
            InvalidParameter(*ABOUT),
            KeyDescription(KEY, spec="RSA_2048"),
            ["no symmetric encryption key", "RSA_2048"],
            id="asymmetric",
        ),
        pytest.param(
            key_policy_denied(target=ORDERS.arn, key=KEY.text),
            KeyDescription(KEY, aws_managed=True),
            ["AWS managed key", "customer managed key"],
            id="AWS managed",
        ),
        pytest.param(
            key_policy_denied(target=ORDERS.arn, key=KEY.text), None, ["There is no key", "eu-west-1"], id="no such key"
        ),
        pytest.param(KeyNotFound(*ABOUT), None, ["There is no key", KEY.text], id="no such key, by its own code"),
        pytest.param(
            KeyNotFound("DescribeKey", "NotFoundException", "?", key="alias/gone"),
            None,
            ["There is no key alias/gone"],
            id="no such alias",
        ),
        pytest.param(NotFound(*ABOUT), FINE, ["no log group", ORDERS.arn, "OnMissingLogGroup"], id="no such log group"),
        pytest.param(ReservedLogGroup(*ABOUT), FINE, ["reserved for AWS", ORDERS.arn], id="reserved"),
        pytest.param(concurrent_change(), FINE, ["kept changing", "CloudTrail"], id="concurrent change"),
        pytest.param(throttled(), FINE, ["Too many AssociateKmsKey calls", "5 a second"], id="throttled"),
        pytest.param(
            throttled("TagResource"), FINE, ["Too many TagResource calls", "fewer at once"], id="throttled elsewhere"
        ),
        pytest.param(
            role_denied("lambda:InvokeFunction", "Invoke"),
            FINE,
            ["could not call itself", "lambda:InvokeFunction", "PropagationWaitSeconds"],
            id="going on",
        ),
        pytest.param(unavailable(), FINE, ["could not be reached", "deploy again"], id="unavailable"),
        pytest.param(LimitExceeded(*ABOUT), FINE, ["quota", ORDERS.arn], id="limit"),
        pytest.param(InvalidParameter(*ABOUT), FINE, ["does not accept the key", KEY.text], id="invalid, key is fine"),
        pytest.param(AlreadyExists(*ABOUT), FINE, ["AWS refused", ORDERS.arn], id="anything else"),
    ],
)
def test_each_cause_is_told_apart(refusal: Refused, description: KeyDescription | None, words: list[str]) -> None:
    """The Reason names cause, resource and remedy, and ends with AWS's own words."""
    told = reason(refusal, description)

    assert [word for word in words if word not in told] == []
    assert told.endswith(refusal.message)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        pytest.param(
            key_policy_denied(target=ORDERS.arn, key=KEY.text),
            ["The policy of the key", "DescribeKey"],
            id="key policy",
        ),
        pytest.param(InvalidParameter(*ABOUT), ["does not accept the key", "DescribeKey"], id="invalid"),
        pytest.param(AccessDenied(*ABOUT), ["does not accept the key", "DescribeKey"], id="unknown denial"),
    ],
)
def test_without_describe_key_it_says_what_it_can(refusal: Refused, words: list[str]) -> None:
    """Where the provider may not describe the key, the Reason says so, and what is known all the same."""
    told = reason(refusal, FINE, may_describe=False)

    assert [word for word in words if word not in told] == []


def test_a_describe_key_that_failed_is_no_missing_permission() -> None:
    """Where DescribeKey fails for another reason, the Reason does not blame the role."""
    aws = FakeAws()
    aws.refuse("DescribeKey", throttled("DescribeKey"))

    told = Diagnosis(aws, PLACE, SERVICE).reason(key_policy_denied(target=ORDERS.arn, key=KEY.text))

    assert "DescribeKey failed too (ThrottlingException)" in told
    assert "may not call" not in told


def statement_in(told: str) -> dict[str, object]:
    """The statement that a user would copy."""
    begin = told.index('{"Effect"')
    parsed, _ = json.JSONDecoder().raw_decode(told[begin:])
    assert isinstance(parsed, dict)
    return parsed


def test_the_statement_for_log_groups() -> None:
    """What is to be added to the key's policy can be copied: for log groups it goes by the encryption context."""
    told = statement_in(reason(key_policy_denied(target=ORDERS.arn, key=KEY.text), FINE))

    assert told["Principal"] == {"Service": SERVICE}
    assert told["Condition"] == {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": ORDERS.arn}}


def test_the_statement_for_query_results() -> None:
    """For query results it goes by source ARN and account: the statement for log groups does not cover them."""
    target = QueryResults(PLACE).arn

    told = statement_in(reason(key_policy_denied(target=target, key=KEY.text), FINE))

    assert told["Condition"] == {
        "ArnEquals": {"aws:SourceArn": target},
        "StringEquals": {"aws:SourceAccount": PLACE.account},
    }


def test_how_long_it_was_tried_is_told() -> None:
    """A refusal that was waited for says so."""
    refusal = key_policy_denied(target=ORDERS.arn, key=KEY.text)
    refusal.waited = 120.3

    assert "(tried again for 120 s)" in reason(refusal, FINE)
